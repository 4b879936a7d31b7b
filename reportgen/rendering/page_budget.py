"""Keeps the page below its size limit: fewer pictures first, then a warning, then an error."""

from __future__ import annotations

from reportgen.errors import OutputError
from reportgen.options import MAX_BYTES
from reportgen.rendering import html
from reportgen.rendering.appearance import PLAIN, PageStyle
from reportgen.rendering.pictures import Heatmaps
from reportgen.report import Report, fold_pictures, reduce_pictures

__all__ = [
    "LARGE",
    "fitting_page",
    "size_warning",
]


LARGE = 5_000_000
"""A page above this size, in bytes, is slow to send and to open."""


SMALL, FEW_CLASSES = 1_000_000, 20
"""Size, in bytes, that a page of this many classes stays below, by fewer pictures in folds."""


FOLDED = (4, 2, 1)
"""Pictures per pair in a folded gallery, tried in turn."""


FEWER = (4, 2, 0)
"""Pictures per pair, tried in turn, starting from 8."""


MB = 1_000_000


def fitting_page(
    report: Report,
    large: int = LARGE,
    dress: PageStyle = PLAIN,
    heatmaps: Heatmaps | None = None,
    *,
    beside: bool = False,
) -> tuple[html.Page, Report]:
    """The page with the most pictures that fit into `large` bytes, and its report.

    `beside`: see :func:`reportgen.rendering.html.page`.
    """
    heatmaps = heatmaps or Heatmaps(dress.colormap)
    shown = report
    page = html.page(shown, heatmaps, dress, beside=beside)
    for most in FOLDED if len(report.classes.rows) <= FEW_CLASSES else ():
        if page.size <= min(SMALL, large) or not shown.n_thumbnails:
            break
        shown = fold_pictures(shown, most)
        page = html.page(shown, heatmaps, dress, beside=beside)
    folded = shown
    for most in FEWER:
        if page.size <= large or not shown.n_thumbnails:
            break
        shown = reduce_pictures(folded, most)
        page = html.page(shown, heatmaps, dress, beside=beside)
    return page, shown


def size_warning(
    size: int, name: str = "report.html", large: int = LARGE, max_bytes: int = MAX_BYTES
) -> str:
    """A warning on the size of a page; empty if it is small.

    Raises :class:`OutputError` above `max_bytes`.
    """
    if size > max_bytes:
        raise OutputError(
            f"{name} would be {size / MB:.1f} MB; the limit is {max_bytes / MB:g} MB",
            slug="report-too-large",
            details=["report.json and the CSV files are written, and contain all numbers"],
            hint="raise the limit with --max-bytes, remove images with --no-thumbnails, or "
            "use shorter class names",
        )
    if size <= large:
        return ""
    return f"{name} takes {size / MB:.1f} MB: it will be slow to send and open"
