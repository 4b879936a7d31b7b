"""A release review: an evaluation, its baseline, its gates and the verdict; saved
baselines and their history.
"""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.review.baselines import Baselines
    from reportgen.review.display_names import named_classes
    from reportgen.review.history import HistoryEntry, read_history, sparkline
    from reportgen.review.report_folders import FoundReport, find_reports, report_folder
    from reportgen.review.review import (
        Review,
        ReviewSpec,
        is_report,
        load_baseline,
        load_spec,
        make_review,
        open_review,
    )
    from reportgen.review.schema import schema_text
    from reportgen.review.site import (
        INDEX,
        SiteReport,
        UnreadableReport,
        index_text,
        read_index,
        report_identity,
        sort_reports,
    )
    from reportgen.review.source import (
        LoadedInput,
        add_columns,
        find_file,
        load_input,
        require_counts,
    )

__all__ = [
    "INDEX",
    "Baselines",
    "FoundReport",
    "HistoryEntry",
    "LoadedInput",
    "Review",
    "ReviewSpec",
    "SiteReport",
    "UnreadableReport",
    "add_columns",
    "find_file",
    "find_reports",
    "index_text",
    "is_report",
    "load_baseline",
    "load_input",
    "load_spec",
    "make_review",
    "named_classes",
    "open_review",
    "read_history",
    "read_index",
    "report_folder",
    "report_identity",
    "require_counts",
    "schema_text",
    "sort_reports",
    "sparkline",
]

__getattr__ = lazy_names(
    __name__,
    {
        "baselines": "Baselines",
        "display_names": "named_classes",
        "history": "HistoryEntry read_history sparkline",
        "review": ("Review ReviewSpec is_report load_baseline load_spec make_review open_review"),
        "report_folders": "FoundReport find_reports report_folder",
        "schema": "schema_text",
        "site": (
            "INDEX SiteReport UnreadableReport index_text read_index report_identity sort_reports"
        ),
        "source": "LoadedInput add_columns find_file load_input require_counts",
    },
)
