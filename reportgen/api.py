"""The flow: one function for each command, one named step a line.

``run`` is ``predict`` and then the very steps of ``render`` on the file that it wrote, so the
same report can be made again from that file, elsewhere, without torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from reportgen import outputs
from reportgen.errors import DataError, UsageError
from reportgen.evaluation import Evaluation, evaluate_matrix, evaluate_predictions
from reportgen.options import Options, RunKeywords, report_date
from reportgen.predictions import Predictions
from reportgen.reporter import Reporter
from reportgen.text import quoted

if TYPE_CHECKING:
    import torch

    from reportgen.report.model import Thumbnail

__all__ = ["KINDS", "evaluate", "predict", "render", "run"]

KINDS = ("auto", "predictions", "matrix")
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
        return _report(evaluation, folder, thumbnail or _images_of(data, evaluation))


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
    source: str | Path,
    *,
    out: str | Path,
    images: str | Path | SampleImage | None = None,
    kind: str = "auto",
    rows: str = "true",
    force: bool = False,
    **names: str | None,
) -> Evaluation:
    """Write the report of a saved predictions file or confusion matrix. Never imports torch.

    Parameters
    ----------
    source
        A ``predictions.parquet``, or a confusion matrix as CSV.
    images
        The folder that the sample ids are relative to, or a function from id to image.
    kind
        ``"auto"``, ``"predictions"`` or ``"matrix"``.
    rows
        What the rows of a matrix are: ``"true"`` or ``"predicted"``.
    **names
        ``title``, ``date``, ``model_name``, ``model_version``, ``data_name`` and ``split``, where
        they shall differ from those in the file.
    """
    path, folder = Path(source), Path(out)
    kind = _kind_of(path, kind)
    root = Path(images) if isinstance(images, (str, Path)) else None
    if root is not None and not root.is_dir():
        raise UsageError(
            f"--images {quoted(root.name)}: there is no such folder",
            slug="images-missing",
            hint="give the folder that was given as DATA to `reportgen run`",
        )
    outputs.prepare(folder, outputs.REPORT_FILES, replace=force, data=root)
    with outputs.sole_writer(folder):
        if kind == "matrix":
            evaluation = _evaluate_matrix_file(path, rows)
        else:
            evaluation = evaluate_predictions(Predictions.open(path))
        evaluation = _named(evaluation, names)
        found = images if callable(images) else _images_of(root, evaluation)
        return _report(evaluation, folder, found)


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


def _kind_of(path: Path, kind: str) -> str:
    from reportgen.matrix_file import looks_like_matrix

    if kind not in KINDS:
        raise UsageError(
            f"--kind {quoted(kind)} is not one of {', '.join(KINDS)}", slug="option-value"
        )
    if kind != "auto":
        return kind
    if path.suffix.lower() != ".csv":
        return "predictions"
    if looks_like_matrix(path):
        return "matrix"
    raise DataError(
        f"{quoted(path.name)} does not look like a confusion matrix: its header after the first "
        "cell is not its first column",
        slug="input-kind",
        hint="read it as one all the same: --kind matrix",
    )


def _evaluate_matrix_file(path: Path, rows: str) -> Evaluation:
    from reportgen.files import sha256_of
    from reportgen.matrix_file import read_matrix
    from reportgen.provenance import ModelFacts, Provenance

    if rows not in ("true", "predicted"):
        raise UsageError(f"--rows {quoted(rows)} is not true or predicted", slug="option-value")
    matrix, classes = read_matrix(path, rows_are_true=rows == "true")
    provenance = Provenance(
        kind="confusion matrix",
        model=ModelFacts(name=path.stem),
        data_fingerprint=sha256_of(path),
        classes_source=f"rows and columns of {path.name}",
        command=f"reportgen render {path.name} -o OUT"
        + (" --rows predicted" if rows == "predicted" else ""),
        inference={"rows of the file": f"{rows} classes"},
    )
    return evaluate_matrix(matrix, classes, provenance)


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


def _report(evaluation: Evaluation, folder: Path, images: SampleImage | None) -> Evaluation:
    """Say it, draw it, write it: the page last, so that a page means a whole report."""
    from reportgen.exports import write_all
    from reportgen.report import build_report

    thumbnails = _thumbnails(evaluation, images) if images else {}
    report = build_report(evaluation, thumbnails, _page_versions())
    write_all(report, evaluation, folder)
    return evaluation


def _thumbnails(evaluation: Evaluation, images: SampleImage) -> dict[str, Thumbnail]:
    """Sample id → picture; a sample whose image is gone or broken has none."""
    from reportgen.thumbnails import make_thumbnail

    found = {}
    for example in (mistake for gallery in evaluation.examples for mistake in gallery):
        with suppress(OSError, DataError):
            if (image := images(example.id)) is not None:
                found[example.id] = make_thumbnail(image)
    return found


def _page_versions() -> dict[str, str]:
    """The libraries that make the page, read from their metadata: nothing is imported."""
    from importlib.metadata import version

    return {name: version(name) for name in ("matplotlib", "seaborn", "jinja2", "pillow")}
