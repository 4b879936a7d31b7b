"""Reports of saved inputs; torch is never imported."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Unpack

from reportgen import output_folder
from reportgen.api.folder import place_for, refuse_other_predictions, refuse_standing_in
from reportgen.api.review_request import ReviewRequest, apply_names, check_names
from reportgen.api.tracking import deliver
from reportgen.api.writing import (
    SampleImage,
    given_images,
    path_of_images,
    shown_as,
    with_image_note,
    write_review,
)
from reportgen.evaluation import Evaluation, evaluate_predictions
from reportgen.options import EvaluationKeywords, EvaluationOptions, InputOptions, sort_options
from reportgen.paths import output_path
from reportgen.predictions import Predictions
from reportgen.rendering import guarded_names
from reportgen.reporter import Reporter
from reportgen.review import (
    Review,
    add_columns,
    find_file,
    is_report,
    named_classes,
    open_review,
)
from reportgen.storage import found_at, typed_input

__all__ = [
    "check_request",
    "evaluate",
    "load",
    "render",
    "render_review",
]


NAMES = ("title", "date", "model_name", "model_version", "data_name", "split")


def render(
    source: Any,
    *,
    out: str | Path,
    images: str | Path | SampleImage | None = None,
    force: bool = False,
    title: str | None = None,
    date: str | None = None,
    model_name: str | None = None,
    model_version: str | None = None,
    data_name: str | None = None,
    split: str | None = None,
    reporter: Reporter | None = None,
    filesystem: Any = None,
    **options: Any,
) -> Evaluation:
    """Write the report of a saved input. Never imports torch.

    Parameters
    ----------
    source
        Any source of :func:`load`.
    images
        The folder that the sample ids are relative to, or a function from sample id to image.
    title, date, model_name, model_version, data_name, split
        Override the values in the input.
    filesystem
        The file system of `source`: a connected pyarrow or fsspec file system.
    **options
        The options of ``reportgen render``, with underscores: those of :func:`load`,
        ``baseline``, ``gates``, ``layout``, …
    """
    names = {
        "title": title, "date": date, "model_name": model_name, "model_version": model_version,
        "data_name": data_name, "split": split,
    }  # fmt: skip
    review = render_review(
        source,
        out=out,
        images=images,
        force=force,
        names=names,
        reporter=reporter,
        filesystem=filesystem,
        **options,
    )
    deliver([Path(out)], options, reporter)
    return review.evaluation


def render_review(
    source: Any,
    *,
    out: str | Path,
    images: str | Path | SampleImage | None = None,
    force: bool = False,
    names: Mapping[str, str | None] | None = None,
    reporter: Reporter | None = None,
    filesystem: Any = None,
    against: Any = None,
    **options: Any,
) -> Review:
    """As :func:`render`; returns the review, which determines the exit code.

    Deliveries are not made here: they follow the printed summary. `against` is a baseline in
    memory, instead of the option ``baseline``.
    """
    check_names(names or {})
    folder, source = output_path(out), typed_input(source, "INPUT", filesystem)
    asked = ReviewRequest.of(options, [source], against)
    found = given_images(images)
    refuse_standing_in(folder, asked.terms.baseline)
    refuse_other_predictions(folder, source)
    with (
        place_for(folder, guarded_names(), replace=force, data=path_of_images(images)),
        output_folder.spool_in(folder) as spool,
    ):
        review = apply_names(asked.review(source, spool), names or {})
        review = with_image_note(review, found)
        return write_review(review, folder, found, asked.page, reporter or Reporter())


class _Checked(Exception):
    """Leaves the block that locks an output folder, before anything is written."""


def check_request(*, out: str | Path, force: bool = False, **options: Any) -> None:
    """Raise the errors that :func:`render` with these options would raise before reading a table.

    `out` is not modified.
    """
    names = {name: options.pop(name, None) for name in NAMES}
    check_names(names)
    folder, images = output_path(out), options.pop("images", None)
    asked = ReviewRequest.of({key: one for key, one in options.items() if key != "reporter"}, [])
    given_images(images)
    refuse_standing_in(folder, asked.terms.baseline)
    refuse_other_predictions(folder, None)
    data = path_of_images(images)
    with suppress(_Checked), place_for(folder, guarded_names(), replace=force, data=data):
        raise _Checked


def load(source: Any, *, filesystem: Any = None, **options: Any) -> Evaluation:
    """Evaluate a saved input, without a report.

    Parameters
    ----------
    source
        A path, or an address of object storage: predictions (Parquet, CSV, TSV, JSON Lines, .npz,
        .npy), a confusion matrix (CSV, JSON, .npy), or a ``report.json``. Or a DataFrame or a
        mapping from column names to arrays (predictions); or a square array (a matrix, rows true),
        a :class:`~reportgen.ConfusionMatrix`, or a :class:`~reportgen.ConfusionCounter`; or an
        evaluation, or the result of :func:`predict`. A DataFrame that is a matrix, with classes as
        index and columns as ``pandas.crosstab`` makes it, needs ``kind="matrix"``.
    filesystem
        The file system of `source`: a connected pyarrow or fsspec file system.
    **options
        The options of ``reportgen render`` for reading and computing, with underscores:
        ``label_column``, ``classes``, ``ci``, …
    """
    reading, figures = sort_options(options, InputOptions, EvaluationOptions)
    source = typed_input(source, "INPUT", filesystem)
    with tempfile.TemporaryDirectory(prefix="reportgen-") as spool:
        source = found_at(source, Path(spool), rows_first=False)
        review = open_review(source, reading, figures, Path(spool))
        if not is_report(source, reading):
            return review.evaluation
        page = _page_beside(find_file(Path(source), rows_first=False))
    return shown_as(review, page).evaluation


def _page_beside(report: Path) -> Path:
    """The page beside a ``report.json``; its name depends on the layout."""
    pages = [report.with_name(name) for name in ("report.html", "index.html")]
    return next((page for page in pages if page.is_file()), pages[0])


def evaluate(
    predictions: Predictions | str | Path, **options: Unpack[EvaluationKeywords]
) -> Evaluation:
    """Evaluate a predictions file.

    Parameters
    ----------
    predictions
        The result of :func:`predict`, or the path of the file that it wrote.
    **options
        The metric options: ``ci``, ``macro``, ``ordinal``, ``group_column``, …
    """
    figures = EvaluationOptions.of(options)
    if not isinstance(predictions, Predictions):
        predictions = Predictions.open(Path(predictions))
    return named_classes(evaluate_predictions(add_columns(predictions, figures), figures), figures)
