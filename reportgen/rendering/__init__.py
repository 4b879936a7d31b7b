"""Renders a report: one module per output. All of them read the same values."""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.rendering.eml import header_line, header_text
    from reportgen.rendering.history import render_history
    from reportgen.rendering.junit import render_junit
    from reportgen.rendering.mail import attached_files, mail_picture, render_mail
    from reportgen.rendering.markdown import brief_summary, marker, render_summary
    from reportgen.rendering.notebook import render_notebook
    from reportgen.rendering.on_axes import (
        paint_confusion,
        paint_difference,
        paint_reliability,
        paint_risk_coverage,
    )
    from reportgen.rendering.outputs import (
        changes,
        check_page,
        guarded_names,
        make_all,
        make_overview,
        naming_warning,
        page_files,
        public_files,
        write_all,
    )
    from reportgen.rendering.site import render_site
    from reportgen.rendering.summary_parts import gate_table
    from reportgen.rendering.thumbnails import make_thumbnail

__all__ = [
    "attached_files",
    "brief_summary",
    "changes",
    "check_page",
    "gate_table",
    "guarded_names",
    "header_line",
    "header_text",
    "mail_picture",
    "make_all",
    "make_overview",
    "make_thumbnail",
    "marker",
    "naming_warning",
    "page_files",
    "paint_confusion",
    "paint_difference",
    "paint_reliability",
    "paint_risk_coverage",
    "public_files",
    "render_history",
    "render_junit",
    "render_mail",
    "render_notebook",
    "render_site",
    "render_summary",
    "write_all",
]

__getattr__ = lazy_names(
    __name__,
    {
        "eml": "header_line header_text",
        "history": "render_history",
        "junit": "render_junit",
        "mail": "attached_files mail_picture render_mail",
        "markdown": "brief_summary marker render_summary",
        "notebook": "render_notebook",
        "on_axes": "paint_confusion paint_difference paint_reliability paint_risk_coverage",
        "outputs": (
            "changes check_page guarded_names make_all make_overview naming_warning page_files "
            "public_files write_all"
        ),
        "site": "render_site",
        "summary_parts": "gate_table",
        "thumbnails": "make_thumbnail",
    },
)
