"""How a report looks: one file an output. All of them read the same values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.exports.options import PageKeywords, PageOptions
from reportgen.files import write_bytes, write_text

if TYPE_CHECKING:
    from reportgen.evaluation import Evaluation
    from reportgen.exports.dress import Dress
    from reportgen.exports.pictures import Heatmaps
    from reportgen.release import Review
    from reportgen.report import Report
    from reportgen.report.overview import OverviewEntry

__all__ = ["PageKeywords", "PageOptions", "check_page", "write_all", "write_overview"]

PDF, FIGURES, JUNIT = "report.pdf", "figures", "junit.xml"
OF_ONE = ("report.json", "per_class.csv", "confusion.csv", "pairs.csv", JUNIT, PDF)
"""Files that would say of the page of several candidates what is true of another report."""
PAGE_FILES, FIGURE_FILES = (".css", ".js", ".png", ".jpg"), (".png", ".svg")
NAMING = ("predictions.parquet", "bad.csv")
"""Files that a run may write beside the page, and that name samples."""


def check_page(page: PageOptions) -> None:
    """Raise what :func:`write_all` would raise of the options alone: before any long work."""
    _dress(page)


def write_all(
    report: Report, subject: Evaluation | Review, folder: Path, page: PageOptions | None = None
) -> tuple[str, ...]:
    """Write every output into `folder`, the page last: where it stands, all else does too.

    `subject` is what `report` says: an evaluation, or a review with comparison and verdict.
    Returns what to warn of.

    Raises
    ------
    UsageError
        Where a file that an option names can't be used, or there is no browser for the PDF;
        nothing is written then.
    OutputError
        Where a file can't be written, or where the page would be over ``page.max_bytes``.
    """
    page = page or PageOptions()
    dress = _dress(page)
    from reportgen.exports import csv, folders, json, privacy, sizing
    from reportgen.exports.pictures import Heatmaps
    from reportgen.release import Review

    review = Review.of(subject)
    if page.public:
        report, review = privacy.without_names(report, review)
    elif page.no_thumbnails:
        report = privacy.without_pictures(report)
    drawn = Heatmaps(page.colormap)
    beside = page.layout == "dir"
    made, shown = sizing.fitting_page(
        report, min(sizing.LARGE, page.max_bytes), dress=dress, heatmaps=drawn, beside=beside
    )
    evaluation = review.evaluation
    write_text(folder / "per_class.csv", csv.per_class(evaluation))
    write_text(folder / "confusion.csv", csv.confusion(evaluation))
    write_text(folder / "pairs.csv", csv.pairs(evaluation))
    write_text(folder / "report.json", json.render(review))
    _write_junit(folder / JUNIT, review)
    warning = sizing.size_warning(made.size, page.page_name, max_bytes=page.max_bytes)
    _write_figures(folder, shown, page)
    if page.pdf:
        _write_pdf(folder / PDF, shown, drawn, dress, page, evaluation.provenance.date)
    else:
        folders.remove_file(folder / PDF)  # of an earlier report
    _write_page(folder, made.html, made.files, page)
    return tuple(filter(None, (warning, _naming(folder) if page.public else "")))


def write_overview(
    entries: Sequence[OverviewEntry], folder: Path, page: PageOptions, title: str = ""
) -> None:
    """The page of several candidates and, where there are gates, their outcome, into `folder`;
    what is left there of another report is removed.
    """
    from reportgen.exports import folders, junit, overview
    from reportgen.exports.dress import dress_of
    from reportgen.report.overview import build_overview

    for name in OF_ONE:
        folders.remove_file(folder / name)
    folders.remove_folder(folder / FIGURES, FIGURE_FILES, "confusion-counts.svg")
    decided = [
        (entry.decision, entry.suite_name, entry.name) for entry in entries if entry.decision
    ]
    if any(decision.checks for decision, _, _ in decided):
        write_text(folder / JUNIT, junit.render_several(decided))
    made = overview.page(
        build_overview(entries, title), dress_of(page), beside=page.layout == "dir"
    )
    _write_page(folder, made.html, made.files, page)


def _dress(page: PageOptions) -> Dress:
    from reportgen.exports import pdf
    from reportgen.exports.dress import dress_of

    if page.pdf:
        pdf.find_browser()
    return dress_of(page)


def _write_junit(target: Path, review: Review) -> None:
    """The gates' outcome, where there are gates; that of an earlier report is removed."""
    from reportgen.exports import folders, junit

    if review.decision.checks:
        write_text(target, junit.render(review.decision, review.suite_name))
    else:
        folders.remove_file(target)


def _write_figures(folder: Path, report: Report, page: PageOptions) -> None:
    from reportgen.exports import folders

    if not page.figures:
        folders.remove_folder(folder / FIGURES, FIGURE_FILES, "confusion-counts.svg")
        return
    from reportgen.exports.walking import found
    from reportgen.figures import slide_files
    from reportgen.report.model import HeatmapSpec
    from reportgen.report.model_threshold import ThresholdSection

    files = slide_files(
        found(report, HeatmapSpec),
        report.confidence,
        str(report.subject),
        tuple(found(report, ThresholdSection)),
        report,
        colourmap=page.colormap,
        transparent=page.figures_ground == "transparent",
    )
    folders.write_folder(folder / FIGURES, files, FIGURE_FILES)


def _write_pdf(
    target: Path, report: Report, drawn: Heatmaps, dress: Dress, page: PageOptions, date: str
) -> None:
    from dataclasses import replace

    from reportgen.exports import html, pdf

    style = dress.style + pdf.print_style(report, page.paper)
    printed = html.render(report, drawn, replace(dress, style=style, scripted=False))
    write_bytes(target, pdf.pdf_of(printed, pdf.find_browser(), date))


def _write_page(folder: Path, html: str, files: Mapping[str, bytes], page: PageOptions) -> None:
    """The page in its layout; that of the other layout, of an earlier report, is removed."""
    from reportgen.exports import folders
    from reportgen.exports.images import FILES_FOLDER

    beside = folder / FILES_FOLDER
    if page.layout == "dir":
        with folders.replaced(beside, files, PAGE_FILES):
            write_text(folder / page.page_name, html)
        folders.remove_file(folder / "report.html")
        return
    write_text(folder / page.page_name, html)
    if folders.remove_folder(beside, PAGE_FILES, "report.css"):
        folders.remove_file(folder / "index.html")


def _naming(folder: Path) -> str:
    names = [name for name in NAMING if (folder / name).exists()]
    if not names:
        return ""
    return f"{' and '.join(names)} beside the page still name the samples: don't publish them"
