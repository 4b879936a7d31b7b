"""The flow: one function for each command, one named step a line.

``run`` is ``predict`` and then the very steps of ``render`` on the file that it wrote, so the
same report can be made again from that file, elsewhere, without torch.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from reportgen import outputs
from reportgen.errors import DataError, UsageError
from reportgen.evaluation import Evaluation, evaluate_matrix, evaluate_predictions
from reportgen.inputs import (
    InputOptions,
    NormalisedMatrix,
    kind_of,
    open_predictions,
    read_json,
    read_matrix_any,
)
from reportgen.options import Options, RunKeywords, report_date
from reportgen.predictions import Predictions
from reportgen.reporter import Reporter
from reportgen.text import quoted

if TYPE_CHECKING:
    import torch

    from reportgen.report.model import Thumbnail

__all__ = ["evaluate", "load", "predict", "render", "run"]

SUSPECT_PICTURES = 24
SampleImage = Callable[[str], Any]
"""Sample id → its image: encoded bytes, a PIL image, or None where there is none."""


def run(
    model: str | Path | torch.nn.Module,
    data: Any,
    *,
    out: str | Path,
    thumbnail: SampleImage | None = None,
    reporter: Reporter | None = None,
    **options: Unpack[RunKeywords],
) -> Evaluation:
    """Predict, evaluate, and write the report.

    Parameters
    ----------
    model
        A live ``torch.nn.Module``, which is left as it was found; or what the command line takes:
        a ``.pt2`` file, ``"file.py:factory"``, ``"package.module:factory"`` or
        ``"torchvision:NAME"``.
    data
        For a live module a ``DataLoader`` or ``Dataset`` whose batches are ``(images, labels)``,
        ``(images, labels, ids)`` or a mapping with ``image``, ``label`` and ``id``; else a folder
        of class folders.
    out
        The folder for ``report.html``, ``report.json``, the CSV files and
        ``predictions.parquet``.
    thumbnail
        Sample id → encoded bytes or PIL image, for galleries. By default the images come from
        the folder, or from the data set's own file list.
    **options
        The options of ``reportgen run``, with underscores: ``classes``, ``batch_size``, …

    Raises
    ------
    ReportgenError
        One of :mod:`reportgen.errors`; what was predicted before it is kept in `out`.
    """
    settings, reporter = Options.of(options), reporter or Reporter()
    folder = Path(out)
    _prepare_run(folder, data, settings, guarded=outputs.REPORT_FILES)
    with outputs.sole_writer(folder):
        predictions = _predictions(model, data, folder / outputs.PREDICTIONS, settings, reporter)
        evaluation = evaluate_predictions(predictions)
        images = thumbnail or _images_of(data, evaluation)
        return _report(evaluation, folder, images, reporter)


def predict(
    model: str | Path | torch.nn.Module,
    data: Any,
    *,
    out: str | Path,
    reporter: Reporter | None = None,
    **options: Unpack[RunKeywords],
) -> Predictions:
    """Predict alone: `out` is the Parquet file to write. Else as :func:`run`."""
    settings, reporter = Options.of(options), reporter or Reporter()
    target = Path(out)
    if target.is_dir():
        target = target / outputs.PREDICTIONS
    _prepare_run(target.parent, data, settings, guarded=(), target=target.name)
    with outputs.sole_writer(target.parent):
        return _predictions(model, data, target, settings, reporter)


def evaluate(predictions: Predictions | str | Path) -> Evaluation:
    """The numbers of a predictions file."""
    if not isinstance(predictions, Predictions):
        predictions = Predictions.open(Path(predictions))
    return evaluate_predictions(predictions)


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
    **reading: Any,
) -> Evaluation:
    """Write the report of a saved input. Never imports torch.

    Parameters
    ----------
    source
        What :func:`load` takes.
    images
        The folder that the sample ids are relative to, or a function from id to image.
    title, date, model_name, model_version, data_name, split
        Where they shall differ from those in the input.
    **reading
        The options of :func:`load`.
    """
    folder = Path(out)
    root = Path(images) if isinstance(images, (str, Path)) else None
    names = {
        "title": title, "date": date, "model_name": model_name, "model_version": model_version,
        "data_name": data_name, "split": split,
    }  # fmt: skip
    options = InputOptions.of(reading)
    if isinstance(source, (str, Path)):
        kind_of(Path(source), options)  # what can't be read is refused before anything is made
    if root is not None and not root.is_dir():
        raise UsageError(
            f"--images {quoted(root.name)}: there is no such folder",
            slug="images-missing",
            hint="give the folder that was given as DATA to `reportgen run`",
        )
    outputs.prepare(folder, outputs.REPORT_FILES, replace=force, data=root)
    with outputs.sole_writer(folder), outputs.spool_in(folder) as spool:
        evaluation = _named(_evaluated(source, options, spool), names)
        found = images if callable(images) else _images_of(root, evaluation)
        return _report(evaluation, folder, found, reporter or Reporter())


def load(source: Any, **reading: Any) -> Evaluation:
    """The numbers of a saved input, without a report.

    Parameters
    ----------
    source
        A path: predictions (Parquet of ours or of another program, CSV, TSV, JSON Lines, .npz,
        .npy), a confusion matrix (CSV, JSON, .npy), or a ``report.json``. Or a DataFrame or a
        mapping from column names to arrays (predictions), or a square array (a matrix, rows true).
    **reading
        The options of ``reportgen render``, with underscores: ``label_column``, ``classes``, …
    """
    with tempfile.TemporaryDirectory(prefix="reportgen-") as spool:
        return _evaluated(source, InputOptions.of(reading), Path(spool))


def _prepare_run(
    folder: Path, data: Any, settings: Options, guarded: tuple[str, ...], target: str = ""
) -> None:
    name = target or outputs.PREDICTIONS
    outputs.prepare(
        folder,
        (*guarded, name, outputs.partial_folder(Path(name)).name),
        replace=settings.force or settings.resume,
        data=Path(data) if isinstance(data, (str, Path)) else None,
    )


def _predictions(
    model: Any, data: Any, target: Path, settings: Options, reporter: Reporter
) -> Predictions:
    import torch

    from reportgen.inference.job import predict_folder, predict_live

    if isinstance(model, torch.nn.Module):
        return predict_live(model, data, target, settings, reporter)
    if not isinstance(model, (str, Path)) or not isinstance(data, (str, Path)):
        raise UsageError(
            f"a {type(model).__name__} and a {type(data).__name__} don't go together",
            slug="model-and-data",
            hint="give a live module with a DataLoader or Dataset, or a model file with a folder",
        )
    return predict_folder(str(model), Path(data), target, settings, reporter)


def _evaluated(source: Any, options: InputOptions, spool: Path) -> Evaluation:
    """The evaluation of a saved input of any kind; copies that it needs stand in `spool`."""
    kind = kind_of(Path(source), options) if isinstance(source, (str, Path)) else _held(source)
    if kind == "evaluation":
        return Evaluation.from_json(read_json(Path(source)))
    if kind == "matrix":
        found = read_matrix_any(source, options)
        if isinstance(found.matrix, NormalisedMatrix):
            raise UsageError(
                "a report needs counts: none is made yet of a matrix that holds shares alone",
                slug="matrix-shares",
                hint="save the matrix before it is normalised",
            )
        return evaluate_matrix(found.matrix, found.classes, found.provenance, found.notes)
    return evaluate_predictions(open_predictions(source, options, spool=spool))


def _held(source: Any) -> str:
    """What an object in memory is: a table of predictions, or a matrix."""
    if hasattr(source, "columns") or isinstance(source, Mapping):
        return "predictions"
    if isinstance(source, list) or getattr(source, "ndim", 0) == 2:
        return "matrix"
    raise DataError(
        f"a {type(source).__name__} is no saved input",
        slug="input-kind",
        hint="give a path, a DataFrame or mapping of columns, or a square array of counts",
    )


def _named(evaluation: Evaluation, names: Mapping[str, str | None]) -> Evaluation:
    """The evaluation with the names that were given, and a date where there is one."""
    given = {name: value for name, value in names.items() if value is not None}
    unknown = set(given) - {"title", "date", "model_name", "model_version", "data_name", "split"}
    if unknown:
        raise UsageError(f"there is no option {quoted(min(unknown))}", slug="option-unknown")
    before = evaluation.provenance
    model = replace(
        before.model,
        name=given.pop("model_name", before.model.name),
        version=given.pop("model_version", before.model.version),
    )
    date = report_date(given.pop("date", None)) or before.date
    provenance = replace(
        before,
        model=model,
        date=date,
        title=given.get("title", before.title),
        data_name=given.get("data_name", before.data_name),
        split=given.get("split", before.split),
    )
    return replace(evaluation, provenance=provenance)


def _images_of(data: Any, evaluation: Evaluation) -> SampleImage | None:
    """Where the samples' images are: in a folder, or in a data set's own file list."""
    if data is None:
        return None
    if isinstance(data, (str, Path)):
        from reportgen.inference.folders import locate

        root = Path(data)
        return lambda name: path.read_bytes() if (path := locate(root, name)) else None
    from reportgen.inference.live_source import POSITIONS, paths_of

    paths = paths_of(data)
    if paths is None or evaluation.provenance.inference.get("sample ids") != POSITIONS:
        return None
    return lambda name: Path(paths[int(name)]).read_bytes()


def _report(
    evaluation: Evaluation, folder: Path, images: SampleImage | None, reporter: Reporter
) -> Evaluation:
    """Say it, draw it, write it: the page last, so that a page means a whole report."""
    from reportgen.exports import write_all
    from reportgen.report import build_report

    thumbnails = _thumbnails(evaluation, images) if images else {}
    report = build_report(evaluation, thumbnails, _page_versions())
    for warning in write_all(report, evaluation, folder):
        reporter.warn(warning)
    return evaluation


def _thumbnails(evaluation: Evaluation, images: SampleImage) -> dict[str, Thumbnail]:
    """Sample id → picture, of the galleries and of the first suspected labels; a sample whose
    image is gone or broken has none.
    """
    from reportgen.thumbnails import make_thumbnail

    shown = [mistake.id for gallery in evaluation.examples for mistake in gallery]
    shown += [suspect.id for suspect in evaluation.suspects.suspects[:SUSPECT_PICTURES]]
    found = {}
    for name in dict.fromkeys(shown):
        with suppress(OSError, DataError):
            if (image := images(name)) is not None:
                found[name] = make_thumbnail(image)
    return found


def _page_versions() -> dict[str, str]:
    """The libraries that make the page, read from their metadata: nothing is imported."""
    from importlib.metadata import version

    return {name: version(name) for name in ("matplotlib", "seaborn", "jinja2", "pillow")}
