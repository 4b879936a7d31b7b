"""All outputs of a report, written to a folder, with the page last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.errors import OutputError
from reportgen.files import write_bytes, write_parts, write_text
from reportgen.options import PageKeywords, PageOptions
from reportgen.rendering.pictures import FILES_FOLDER
from reportgen.replacement import Changes, Stage, staged

if TYPE_CHECKING:
    from reportgen.evaluation import Evaluation
    from reportgen.predictions import PredictionRows
    from reportgen.rendering.appearance import PageStyle
    from reportgen.rendering.eml import Attachment
    from reportgen.rendering.html import Page
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
    "page_files",
    "public_files",
    "write_all",
]


@dataclass(frozen=True)
class Made:
    """The inputs of a report's outputs, with the page that fits its size limit.

    Attributes
    ----------
    review
        The results; without sample names if ``page.public``.
    shown
        The report, with as many pictures as the page may contain.
    html
        The page and its files.
    rows
        The samples, with their names; None if only counts are known.
    """

    review: Review
    shown: Report
    page: PageOptions
    style: PageStyle
    heatmaps: Heatmaps
    html: Page
    rows: PredictionRows | None = None


def _always(_: Made) -> bool:
    return True


@dataclass(frozen=True)
class Output:
    """A file or folder of a report.

    Also used for the README's table, clean-up and overwrite protection.

    Attributes
    ----------
    name
        Name in the output folder; folders end in ``/``.
    holds
        Its content, for the README.
    write
        Writes it to a path. None if something else writes it.
    when
        Whether a report has it.
    guarded
        Whether it is only overwritten with ``--force``.
    public
        Whether it may be published: False if it names samples even with ``--public``.
    of_page
        Whether it needs the page: if the page can't be made, the other outputs are still valid.
    endings, marker
        For a folder: the extensions of its files, and one file that it always has.
    """

    name: str
    holds: str
    write: Callable[[Made, Path], None] | None = None
    when: Callable[[Made], bool] = _always
    guarded: bool = False
    public: bool = True
    of_page: bool = False
    endings: tuple[str, ...] = ()
    marker: str = ""

    @property
    def path(self) -> str:
        return self.name.rstrip("/")


def _per_class(made: Made, target: Path) -> None:
    from reportgen.rendering import csv

    write_text(target, csv.per_class(made.review.evaluation))


def _confusion(made: Made, target: Path) -> None:
    from reportgen.rendering import csv

    write_text(target, csv.confusion(made.review.evaluation))


def _pairs(made: Made, target: Path) -> None:
    from reportgen.rendering import csv

    write_parts(target, csv.pair_parts(made.review.evaluation))


def _errors(made: Made, target: Path) -> None:
    from reportgen.rendering.errors_csv import error_parts

    assert made.rows is not None
    classes, public = made.review.evaluation.classes, made.page.public
    write_parts(target, error_parts(made.rows, classes, public=public))


def _json(made: Made, target: Path) -> None:
    from reportgen.rendering import json

    write_text(target, json.render(made.review))


def _junit(made: Made, target: Path) -> None:
    from reportgen.rendering import junit

    write_text(target, junit.render_junit(made.review.decision, made.review.suite_name))


def _summary(made: Made, target: Path) -> None:
    from reportgen.rendering.markdown import render_summary

    write_text(target, render_summary(made.shown, made.page.key, made.page.report_url))


def _model_card(made: Made, target: Path) -> None:
    from reportgen.rendering.model_card import render_model_card

    card = render_model_card(made.shown, made.review.evaluation, made.page.report_url)
    write_text(target, card)


def _figures(made: Made, target: Path) -> None:
    from reportgen.rendering import folders
    from reportgen.rendering.figures.slides import slide_files
    from reportgen.rendering.tree import find_values
    from reportgen.report import HeatmapSpec, ThresholdSection

    files = slide_files(
        find_values(made.shown, HeatmapSpec),
        made.shown.confidence,
        str(made.shown.subject),
        tuple(find_values(made.shown, ThresholdSection)),
        made.shown,
        colourmap=made.page.colormap,
        transparent=made.page.figures_background == "transparent",
    )
    folders.write_folder(target, files)


def _pdf(made: Made, target: Path) -> None:
    from reportgen.rendering import html, pdf

    rules = made.style.style + pdf.print_style(made.shown, made.page.paper, full=made.page.pdf_full)
    printed = html.render(
        made.shown, made.heatmaps, replace(made.style, style=rules, scripted=False)
    )
    date = made.review.evaluation.provenance.date
    write_bytes(target, pdf.pdf_of(printed, pdf.find_browser(), date))


def _mail(made: Made, target: Path) -> None:
    """The mail, with existing outputs attached: the JSON, and the PDF if present."""
    from reportgen.rendering.mail import mail_picture, render_mail

    page = made.page
    content = render_mail(
        made.shown,
        mail_picture(made.shown, page.colormap),
        date=made.review.evaluation.provenance.date,
        url=page.report_url,
        attachments=tuple(_attachments(made, target.parent)),
        max_bytes=page.max_mail_bytes,
        dress=made.style,
    )
    write_bytes(target, content)


def _attachments(made: Made, folder: Path) -> Iterator[Attachment]:
    from reportgen.rendering import html
    from reportgen.rendering.eml import Attachment
    from reportgen.rendering.mail import attached_files

    yield from attached_files(folder, made.page.attachments)
    if "html" in made.page.attachments:
        still = html.render(made.shown, made.heatmaps, replace(made.style, scripted=False))
        yield Attachment("report.html", "text/html", still.encode("ascii"))


def _page(made: Made, target: Path) -> None:
    write_text(target, made.html.html)


def _page_files(made: Made, target: Path) -> None:
    from reportgen.rendering import folders

    folders.write_folder(target, made.html.files)


OUTPUTS = (
    Output(
        "report.html",
        "the page",
        _page,
        lambda made: made.page.layout == "file",
        guarded=True,
        of_page=True,
    ),
    Output(
        "index.html",
        "the page with `--layout dir`, instead of `report.html`",
        _page,
        lambda made: made.page.layout == "dir",
        guarded=True,
        of_page=True,
    ),
    Output(
        f"{FILES_FOLDER}/",
        "style, script and images of `index.html`; only with `--layout dir`",
        _page_files,
        lambda made: made.page.layout == "dir",
        of_page=True,
        endings=(".css", ".js", ".png", ".jpg"),
        marker="report.css",
    ),
    Output(
        "report.json",
        "all numbers with their intervals and provenance: [a contract](docs/report-json.md)",
        _json,
        guarded=True,
    ),
    Output(
        "per_class.csv", "one row per class: counts, metrics, ends of the intervals", _per_class
    ),
    Output("confusion.csv", "the confusion matrix, rows true, columns predicted", _confusion),
    Output("pairs.csv", "every confusion with its count, most frequent first", _pairs),
    Output(
        "errors.csv",
        "all misclassified samples: true and predicted class, their probabilities, further "
        "columns of the input; not available from counts",
        _errors,
        lambda made: made.rows is not None,
    ),
    Output(
        "predictions.parquet",
        "one row per sample, the input of `reportgen render`",
        public=False,
    ),
    Output(
        "bad.csv",
        "samples that could not be used, with the reason; only if there are any",
        public=False,
    ),
    Output(
        "junit.xml",
        "one test case per gate, for CI systems; only with gates",
        _junit,
        lambda made: bool(made.review.decision.checks),
    ),
    Output(
        "summary.md",
        "the page's summary as Markdown, for pull requests and chats; only with `--summary`",
        _summary,
        lambda made: made.page.summary,
        guarded=True,
    ),
    Output(
        "model-card.md",
        "the summary behind metadata for Hugging Face (`model-index`); only with `--model-card`",
        _model_card,
        lambda made: made.page.model_card,
        guarded=True,
    ),
    Output(
        "report.eml",
        "the page's summary as a mail, for `reportgen mail` or any mail program; only with "
        "`--mail`",
        _mail,
        lambda made: made.page.mail,
        guarded=True,
        of_page=True,
    ),
    Output(
        "report.pdf",
        "the page as PDF; only with `--pdf`",
        _pdf,
        lambda made: made.page.pdf,
        guarded=True,
        of_page=True,
    ),
    Output(
        "figures/",
        "each matrix, curve and chart as PNG and SVG, for slides; only with `--figures`",
        _figures,
        lambda made: made.page.figures,
        of_page=True,
        endings=(".png", ".svg"),
        marker="confusion-counts.svg",
    ),
)
"""All possible outputs of a report, in the order of the README's table."""


WITHOUT_PAGE = ("report-too-large", "pdf-failed")
"""Errors that only concern the page: the other outputs are valid."""


def guarded_names() -> tuple[str, ...]:
    """Files of an earlier report that are only overwritten with ``--force``."""
    return tuple(output.path for output in OUTPUTS if output.guarded)


def check_page(page: PageOptions) -> None:
    """Raise the errors of :func:`write_all` that follow from the options, before any long work."""
    _style(page)


def write_all(
    report: Report,
    subject: Evaluation | Review,
    folder: Path,
    page: PageOptions | None = None,
    stage: Stage | None = None,
) -> tuple[str, ...]:
    """Write all outputs to `folder` atomically.

    `subject` is the content of `report`: an evaluation, or a review with comparison and verdict.
    `stage` is an existing staging folder, if other files are on it already. Returns warnings.

    Raises
    ------
    UsageError
        A file named by an option is invalid, or there is no browser for the PDF; nothing is written
        then.
    OutputError
        A file can't be written, or the page would exceed ``page.max_bytes``. If `folder` has no
        page yet, the other outputs are kept when only the page can't be made.
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
    """Write all outputs to the empty folder `new`; otherwise as :func:`write_all`."""
    style = _style(page)
    from reportgen.rendering import page_budget
    from reportgen.rendering.pictures import Heatmaps
    from reportgen.review import Review

    review = Review.of(subject)
    rows, review = review.rows, replace(review, rows=None)
    if page.public or page.no_thumbnails:
        report, review = _hidden(report, review, page)
    heatmaps = Heatmaps(page.colormap)
    beside = page.layout == "dir"
    most = min(page_budget.LARGE, page.max_bytes)
    html, shown = page_budget.fitting_page(
        report, most, dress=style, heatmaps=heatmaps, beside=beside
    )
    made = Made(review, shown, page, style, heatmaps, html, rows)
    _write(made, new, of_page=False)
    warning = page_budget.size_warning(html.size, page.page_name, max_bytes=page.max_bytes)
    _write(made, new, of_page=True)
    return (warning,) if warning else ()


def _hidden(report: Report, review: Review, page: PageOptions) -> tuple[Report, Review]:
    from reportgen.rendering import privacy

    if page.public:
        return privacy.hide_names(report, review)
    return privacy.drop_pictures(report), review


def _write(made: Made, new: Path, *, of_page: bool) -> None:
    """Write the outputs that need the page, or all others; the page itself is written last."""
    for output in reversed(OUTPUTS):
        if output.of_page is of_page and output.write is not None and output.when(made):
            output.write(made, new / output.path)


def make_overview(
    entries: Sequence[OverviewEntry], new: Path, page: PageOptions, title: str = ""
) -> None:
    """Write the overview of several candidates to `new`, and the outcome of gates, if any."""
    from reportgen.rendering import candidates as overview
    from reportgen.rendering import junit
    from reportgen.rendering.appearance import load_style

    decided = [
        (entry.decision, entry.suite_name, entry.name) for entry in entries if entry.decision
    ]
    if any(decision.checks for decision, _, _ in decided):
        write_text(new / "junit.xml", junit.render_junit_of_several(decided))
    from reportgen.report import build_overview

    made = overview.page(
        build_overview(entries, title), load_style(page), beside=page.layout == "dir"
    )
    _write_page(new, made.html, made.files, page)


def changes(new: Path, folder: Path) -> Changes:
    """The moves and deletions after which `folder` has the report in `new`, and nothing of another.

    Raises :class:`OutputError` (``output-folder-blocked``) if another program's file or folder is
    in the way.
    """
    from reportgen.rendering import folders

    made = [output for output in OUTPUTS if output.write is not None]
    put = [output for output in made if (new / output.path).exists()]
    for output in put:
        folders.require_free(folder / output.path, output.endings or None)
    left = [output for output in made if output not in put and _is_left(folder, output)]
    # A page index.html is only treated as ours if its folder is beside it.
    if not any(output.path == FILES_FOLDER for output in left):
        left = [output for output in left if output.name != "index.html"]
    return Changes(tuple(one.path for one in put), tuple(one.path for one in left))


def _is_left(folder: Path, output: Output) -> bool:
    """Whether an earlier report wrote this output to `folder`."""
    from reportgen.rendering import folders

    path = folder / output.path
    if output.endings:
        return folders.is_left_by_us(path, output.endings, output.marker)
    return _is_file(path)


def _is_file(path: Path) -> bool:
    return path.is_file() or path.is_symlink()


def _has_page(folder: Path) -> bool:
    return any((folder / name).exists() for name in ("report.html", "index.html"))


def _style(page: PageOptions) -> PageStyle:
    from reportgen.rendering.appearance import load_style

    if page.pdf:
        from reportgen.rendering import pdf

        pdf.find_browser()
    return load_style(page)


def _write_page(new: Path, html: str, files: Mapping[str, bytes], page: PageOptions) -> None:
    """Write the page in its layout, with its files."""
    from reportgen.rendering import folders

    if page.layout == "dir":
        folders.write_folder(new / FILES_FOLDER, files)
    write_text(new / page.page_name, html)


def page_files(folder: Path, page: str) -> tuple[str, ...]:
    """The files needed to read a copy of the report in `folder`: the page, its files, and the JSON.

    Paths are relative to `folder`. Links, and files that no page has, are omitted.
    """
    beside: list[str] = []
    if page == "index.html":
        endings = next(one.endings for one in OUTPUTS if one.path == FILES_FOLDER)
        beside = [
            f"{FILES_FOLDER}/{path.name}"
            for path in sorted((folder / FILES_FOLDER).glob("*"))
            if path.suffix in endings and path.is_file() and not path.is_symlink()
        ]
    return (page, *beside, "report.json")


def public_files(folder: Path, *, predictions: bool = False) -> tuple[tuple[str, Path], ...]:
    """(name with ``/``, path) of each file of the report in `folder`, without links.

    Files that name samples even with ``--public`` are only included with `predictions`.
    """
    found: list[tuple[str, Path]] = []
    for output in OUTPUTS:
        path = folder / output.path
        if not (output.public or predictions):
            continue
        if not output.endings:
            found.append((output.path, path))
        elif _is_left(folder, output):
            found += [(f"{output.path}/{one.name}", one) for one in sorted(path.iterdir())]
    layout = any(name.startswith(f"{FILES_FOLDER}/") for name, _ in found)
    return tuple(
        (name, path)
        for name, path in found
        if path.is_file() and not path.is_symlink() and (layout or name != "index.html")
    )


def naming_warning(folder: Path, page: PageOptions) -> tuple[str, ...]:
    """A warning if a page without names is beside files that name the samples."""
    names = [one.path for one in OUTPUTS if not one.public and (folder / one.path).exists()]
    if not page.public or not names:
        return ()
    return (
        f"{' and '.join(names)} in the same folder still contain sample names: do not publish them",
    )
