"""All outputs of a report, written to a folder, the page last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.errors import OutputError
from reportgen.files import write_bytes, write_text
from reportgen.options import PageKeywords, PageOptions
from reportgen.rendering.pictures import FILES_FOLDER
from reportgen.replacement import Changes, Stage, staged

if TYPE_CHECKING:
    from reportgen.evaluation import Evaluation
    from reportgen.rendering.appearance import PageStyle
    from reportgen.rendering.pictures import Heatmaps
    from reportgen.report import OverviewEntry, Report
    from reportgen.review import Review

__all__ = [
    "PageKeywords",
    "PageOptions",
    "changes",
    "check_page",
    "make_all",
    "make_overview",
    "naming_warning",
    "write_all",
]


PDF, FIGURES, JUNIT = "report.pdf", "figures", "junit.xml"


FILES = (
    "per_class.csv", "confusion.csv", "pairs.csv", JUNIT, PDF, "report.json", "report.html",
    "index.html",
)  # fmt: skip
"""Every file that a report may have: one that a new report lacks is not left of an old one."""


FOLDERS = {
    FIGURES: ((".png", ".svg"), "confusion-counts.svg"),
    FILES_FOLDER: ((".css", ".js", ".png", ".jpg"), "report.css"),
}
"""Folder of a report → endings of its files, and one that it always has."""


WITHOUT_PAGE = ("report-too-large", "pdf-failed")
"""Errors of the page alone: what else was made is right."""


NAMING = ("predictions.parquet", "bad.csv")
"""Files that a run may write beside the page, and that name samples."""


def check_page(page: PageOptions) -> None:
    """Raise what :func:`write_all` would raise of the options alone: before any long work."""
    _dress(page)


def write_all(
    report: Report,
    subject: Evaluation | Review,
    folder: Path,
    page: PageOptions | None = None,
    stage: Stage | None = None,
) -> tuple[str, ...]:
    """Write every output into `folder`, as one: all of them or none.

    `subject` is what `report` says: an evaluation, or a review with comparison and verdict.
    `stage` is the one to make them on, where something else is on it already. Returns what to warn
    of.

    Raises
    ------
    UsageError
        Where a file that an option names can't be used, or there is no browser for the PDF;
        nothing is written then.
    OutputError
        Where a file can't be written, or where the page would be over ``page.max_bytes``. Where no
        page stands in `folder`, the numbers are kept of a report whose page can't be made.
    """
    page = page or PageOptions()
    with nullcontext(stage) if stage else staged(folder) as stage:
        try:
            warnings = make_all(report, subject, stage.new, page)
        except OutputError as error:
            if error.slug in WITHOUT_PAGE and not _has_page(folder):
                stage.replace(changes(stage.new, folder))
            raise
        stage.replace(changes(stage.new, folder))
    return (*warnings, *naming_warning(folder, page))


def make_all(
    report: Report, subject: Evaluation | Review, new: Path, page: PageOptions
) -> tuple[str, ...]:
    """Every output in the folder `new`, which is empty; the same otherwise as :func:`write_all`."""
    dress = _dress(page)
    from reportgen.rendering import csv, json, privacy
    from reportgen.rendering import page_budget as sizing
    from reportgen.rendering.pictures import Heatmaps
    from reportgen.review import Review

    review = Review.of(subject)
    if page.public:
        report, review = privacy.hide_names(report, review)
    elif page.no_thumbnails:
        report = privacy.drop_pictures(report)
    drawn = Heatmaps(page.colormap)
    beside = page.layout == "dir"
    made, shown = sizing.fitting_page(
        report, min(sizing.LARGE, page.max_bytes), dress=dress, heatmaps=drawn, beside=beside
    )
    evaluation = review.evaluation
    write_text(new / "per_class.csv", csv.per_class(evaluation))
    write_text(new / "confusion.csv", csv.confusion(evaluation))
    write_text(new / "pairs.csv", csv.pairs(evaluation))
    write_text(new / "report.json", json.render(review))
    _write_junit(new / JUNIT, review)
    warning = sizing.size_warning(made.size, page.page_name, max_bytes=page.max_bytes)
    if page.figures:
        _write_figures(new / FIGURES, shown, page)
    if page.pdf:
        _write_pdf(new / PDF, shown, drawn, dress, page, evaluation.provenance.date)
    _write_page(new, made.html, made.files, page)
    return (warning,) if warning else ()


def make_overview(
    entries: Sequence[OverviewEntry], new: Path, page: PageOptions, title: str = ""
) -> None:
    """The page of several candidates and, where there are gates, their outcome, in the folder
    `new`.
    """
    from reportgen.rendering import candidates as overview
    from reportgen.rendering import junit
    from reportgen.rendering.appearance import load_style

    decided = [
        (entry.decision, entry.suite_name, entry.name) for entry in entries if entry.decision
    ]
    if any(decision.checks for decision, _, _ in decided):
        write_text(new / JUNIT, junit.render_junit_of_several(decided))
    from reportgen.report import build_overview

    made = overview.page(
        build_overview(entries, title), load_style(page), beside=page.layout == "dir"
    )
    _write_page(new, made.html, made.files, page)


def changes(new: Path, folder: Path) -> Changes:
    """What is to be done to `folder`, so that it holds the report in `new` and nothing of another.

    Raises :class:`OutputError` (``output-folder-blocked``) where a file or folder that is not of an
    earlier report stands in the way.
    """
    from reportgen.rendering import folders

    put = [name for name in (*FILES, *FOLDERS) if (new / name).exists()]
    for name in put:
        endings, _ = FOLDERS.get(name, (None, ""))
        folders.require_free(folder / name, endings)
    left = [
        name
        for name, (endings, marker) in FOLDERS.items()
        if name not in put and folders.is_left_by_us(folder / name, endings, marker)
    ]
    # A page index.html is ours only where its folder stands beside it.
    ours = [name for name in FILES if name != "index.html" or FILES_FOLDER in left]
    left += [name for name in ours if name not in put and _is_file(folder / name)]
    return Changes(tuple(put), tuple(left))


def _is_file(path: Path) -> bool:
    return path.is_file() or path.is_symlink()


def _has_page(folder: Path) -> bool:
    return any((folder / name).exists() for name in ("report.html", "index.html"))


def _dress(page: PageOptions) -> PageStyle:
    from reportgen.rendering import pdf
    from reportgen.rendering.appearance import load_style

    if page.pdf:
        pdf.find_browser()
    return load_style(page)


def _write_junit(target: Path, review: Review) -> None:
    """The gates' outcome, where there are gates."""
    from reportgen.rendering import junit

    if review.decision.checks:
        write_text(target, junit.render_junit(review.decision, review.suite_name))


def _write_figures(target: Path, report: Report, page: PageOptions) -> None:
    from reportgen.rendering import folders
    from reportgen.rendering.figures.slides import slide_files
    from reportgen.rendering.tree import find_values
    from reportgen.report import HeatmapSpec, ThresholdSection

    files = slide_files(
        find_values(report, HeatmapSpec),
        report.confidence,
        str(report.subject),
        tuple(find_values(report, ThresholdSection)),
        report,
        colourmap=page.colormap,
        transparent=page.figures_ground == "transparent",
    )
    folders.write_folder(target, files)


def _write_pdf(
    target: Path, report: Report, drawn: Heatmaps, dress: PageStyle, page: PageOptions, date: str
) -> None:
    from dataclasses import replace

    from reportgen.rendering import html, pdf

    style = dress.style + pdf.print_style(report, page.paper)
    printed = html.render(report, drawn, replace(dress, style=style, scripted=False))
    write_bytes(target, pdf.pdf_of(printed, pdf.find_browser(), date))


def _write_page(new: Path, html: str, files: Mapping[str, bytes], page: PageOptions) -> None:
    """The page in its layout, and what stands beside it."""
    from reportgen.rendering import folders

    if page.layout == "dir":
        folders.write_folder(new / FILES_FOLDER, files)
    write_text(new / page.page_name, html)


def naming_warning(folder: Path, page: PageOptions) -> tuple[str, ...]:
    """What to warn of where a page without names is beside files that name the samples."""
    names = [name for name in NAMING if (folder / name).exists()]
    if not page.public or not names:
        return ()
    return (f"{' and '.join(names)} beside the page still name the samples: don't publish them",)
