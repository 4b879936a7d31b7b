"""How large a page may be: galleries shrink first, then there is a warning, then an error."""

from __future__ import annotations

from reportgen.errors import OutputError
from reportgen.exports import html
from reportgen.report import Report, with_fewer_pictures

__all__ = ["LARGE", "MAX_BYTES", "fitting_page", "size_warning"]

LARGE = 5_000_000
"""Bytes from which on a page is slow to send and to open."""
MAX_BYTES = 10_000_000
FEWER = (4, 2, 0)
"""Pictures for each pair, tried in turn; there are 8 at first."""
MB = 1_000_000


def fitting_page(report: Report, large: int = LARGE) -> str:
    """The page, with as many pictures as let it stay within `large` bytes, or else with none."""
    figures = html.figures(report)
    page = html.render(report, figures)
    for most in FEWER:
        if len(page) <= large or not report.n_thumbnails:
            break
        report = with_fewer_pictures(report, most)
        page = html.render(report, figures)
    return page


def size_warning(page: str, large: int = LARGE, max_bytes: int = MAX_BYTES) -> str:
    """What to know of the size of a page; empty where it is small.

    Raises :class:`OutputError` where it is over `max_bytes`.
    """
    size = len(page)  # a page is ASCII
    if size > max_bytes:
        raise OutputError(
            f"report.html would take {size / MB:.1f} MB, and {max_bytes / MB:.0f} MB is the most",
            slug="report-too-large",
            details=["report.json and the CSV files are written, and hold every number"],
            hint="give the classes shorter names",
        )
    if size <= large:
        return ""
    return f"report.html takes {size / MB:.1f} MB: it will be slow to send and to open"
