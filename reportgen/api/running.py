"""Inference, and the report on its predictions."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, overload

from reportgen import output_folder
from reportgen.api.folder import place_for, refuse_beside_report, refuse_standing_in
from reportgen.api.review_request import require_files, require_readable
from reportgen.api.sharding import part_place, predict_part
from reportgen.api.tracking import deliver
from reportgen.api.writing import SampleImage, check_outputs, listed_images, write_review
from reportgen.errors import ModelError, Terminated, UsageError
from reportgen.evaluation import Evaluation, read_costs
from reportgen.options import (
    EvaluationKeywords,
    EvaluationOptions,
    InputOptions,
    Options,
    PageKeywords,
    PageOptions,
    Ray,
    ReviewKeywords,
    ReviewOptions,
    RunKeywords,
    Shard,
    engine_of,
    shard_of,
    sort_options,
)
from reportgen.paths import local_path, output_path
from reportgen.predictions import PartFile, Predictions
from reportgen.process import interrupted_by
from reportgen.rendering import guarded_names
from reportgen.replacement import Changes, staged
from reportgen.reporter import Reporter
from reportgen.review import (
    LoadedInput,
    Review,
    ReviewSpec,
    add_columns,
    load_baseline,
    load_spec,
    make_review,
)
from reportgen.storage import Address, is_address, typed_place
from reportgen.text import printable, quoted

if TYPE_CHECKING:
    import torch

__all__ = [
    "ReportKeywords",
    "predict",
    "require_torch",
    "run",
    "run_review",
]


class ReportKeywords(RunKeywords, EvaluationKeywords, ReviewKeywords, PageKeywords, total=False):
    """The keyword arguments of :func:`run`."""


def run(
    model: str | Path | torch.nn.Module,
    data: Any,
    *,
    out: str | Path,
    thumbnail: SampleImage | None = None,
    engine: Ray | str | None = None,
    reporter: Reporter | None = None,
    filesystem: Any = None,
    **options: Unpack[ReportKeywords],
) -> Evaluation:
    """Run inference, evaluate, and write the report.

    Parameters
    ----------
    model
        A live ``torch.nn.Module``, which is not modified; or MODEL as on the command line: a
        ``.pt2`` file, ``"file.py:factory"``, ``"package.module:factory"`` or
        ``"torchvision:NAME"``.
    data
        For a live module, a ``DataLoader`` or ``Dataset`` whose batches are ``(images, labels)``,
        ``(images, labels, ids)`` or a mapping with ``image``, ``label`` and ``id``; otherwise DATA
        as on the command line, such as a folder of class folders.
    out
        The folder for ``report.html``, ``report.json``, the CSV files and
        ``predictions.parquet``.
    thumbnail
        Sample id → encoded bytes or PIL image, for galleries. By default the images come from
        the folder, or from the data set's own file list.
    engine
        Runs the model instead of this process: :class:`reportgen.engines.Ray`, or ``"ray"``.
    filesystem
        The location of `data`: a file system of pyarrow or fsspec, connected by the caller.
    **options
        The options of ``reportgen run``, with underscores: ``classes``, ``batch_size``,
        ``baseline``, ``gates``, …

    Raises
    ------
    ReportgenError
        One of :mod:`reportgen.errors`; predictions made before the error are kept in `out`.
    """
    review = run_review(
        model, data, out=out, thumbnail=thumbnail, engine=engine, reporter=reporter,
        filesystem=filesystem, **options,
    )  # fmt: skip
    deliver([Path(out)], options, reporter)
    return review.evaluation


def run_review(
    model: str | Path | torch.nn.Module,
    data: Any,
    *,
    out: str | Path,
    thumbnail: SampleImage | None = None,
    engine: Ray | str | None = None,
    reporter: Reporter | None = None,
    filesystem: Any = None,
    **options: Unpack[ReportKeywords],
) -> Review:
    """As :func:`run`; returns the review, which determines the exit code.

    Deliveries are not made here: they follow the printed summary.
    """
    if "shard" in options:
        raise _no_report_of_a_shard()
    settings, figures, release, page = sort_options(
        options, Options, EvaluationOptions, ReviewOptions, PageOptions
    )
    if figures.subset_classes is not None and settings.keep_probabilities == "auto":
        # they are restricted to the subset afterwards
        settings = replace(settings, keep_probabilities="yes")
    reporter, folder = reporter or Reporter(), output_path(out)
    _require_named(model, data)
    _require_runtime(model)
    elsewhere = engine_of(engine)
    if elsewhere is not None:
        _require_sendable(model, data)
    require_files(figures)
    terms = load_spec(release, costs_may_follow=figures.costs is not None)
    require_readable(terms.baseline, InputOptions(), rows_first=True)
    check_outputs(page)
    refuse_standing_in(folder, terms.baseline)
    with (
        _place(folder, None if filesystem else data, settings, guarded=guarded_names()),
        _data_at_hand(data, settings, reporter, filesystem) as images_at,
        nullcontext(folder) if terms.baseline is None else output_folder.spool_in(folder) as spool,
        staged(folder) as stage,
    ):
        baseline = load_baseline(terms, InputOptions(), figures, spool)
        target = folder / output_folder.PREDICTIONS
        known = partial(_check_classes, terms=terms, figures=figures, baseline=baseline)
        # Beside an existing report, the predictions are replaced together with it, not before.
        aside = stage.new if _stands(folder) else None
        predictions = _predictions(
            model, images_at, target, settings, reporter, known, aside=aside, engine=elsewhere
        )
        with _telling_how_to_go_on():
            candidate = LoadedInput(add_columns(predictions, figures))
            review = make_review(candidate, baseline, terms, figures)
            images = thumbnail or _images(images_at, settings, review.evaluation)
            stage.also = _with_predictions(aside, folder)
            return write_review(review, folder, images, page, reporter, stage)


def _no_report_of_a_shard() -> UsageError:
    return UsageError(
        "--shard is for predict: a report of a part of the data would be wrong",
        slug="option-conflict",
        hint="reportgen predict MODEL DATA --shard I/N -o OUT for each shard, then reportgen merge "
        "OUT -o OUT and reportgen render OUT/predictions.parquet -o OUT",
    )


def _check_classes(
    classes: Sequence[str],
    *,
    terms: ReviewSpec,
    figures: EvaluationOptions,
    baseline: LoadedInput | None,
) -> None:
    """Refuse options with classes that the model does not have, before predicting."""
    terms.check_classes(classes, baseline)
    if figures.costs is not None and figures.subset_classes is None:
        read_costs(figures.costs, classes)


def _stands(folder: Path) -> bool:
    return any((folder / n).exists() for n in (*guarded_names(), output_folder.PREDICTIONS))


def _with_predictions(new: Path | None, folder: Path) -> Changes:
    """Files that are replaced together with the report: new predictions, and their parts."""
    if new is None or not (new / output_folder.PREDICTIONS).exists():
        return Changes()
    put = [name for name in (output_folder.PREDICTIONS, output_folder.BAD) if (new / name).exists()]
    gone = [output_folder.partial_folder(Path(output_folder.PREDICTIONS)).name]
    if output_folder.BAD not in put:
        gone.append(output_folder.BAD)
    return Changes(tuple(put), tuple(name for name in gone if (folder / name).exists()))


@contextmanager
def _telling_how_to_go_on() -> Iterator[None]:
    """If a signal ends the block, report that the predictions are kept."""
    try:
        yield
    except (KeyboardInterrupt, Terminated) as stop:
        raise interrupted_by(
            stop,
            "while the report was being written",
            hint="predictions were saved: rerun the same command with --resume, without --force",
        ) from None


@overload
def predict(
    model: str | Path | torch.nn.Module,
    data: Any,
    *,
    out: str | Path,
    shard: None = None,
    engine: Ray | str | None = None,
    reporter: Reporter | None = None,
    filesystem: Any = None,
    **options: Unpack[RunKeywords],
) -> Predictions: ...


@overload
def predict(
    model: str | Path,
    data: str | Path,
    *,
    out: str | Path,
    shard: str | tuple[int, int],
    engine: Ray | str | None = None,
    reporter: Reporter | None = None,
    filesystem: Any = None,
    **options: Unpack[RunKeywords],
) -> PartFile: ...


def predict(
    model: str | Path | torch.nn.Module,
    data: Any,
    *,
    out: str | Path,
    shard: str | tuple[int, int] | None = None,
    engine: Ray | str | None = None,
    reporter: Reporter | None = None,
    filesystem: Any = None,
    **options: Unpack[RunKeywords],
) -> Predictions | PartFile:
    """Run inference only; otherwise as :func:`run`.

    Parameters
    ----------
    out
        The file to write if it ends with ``.parquet``, otherwise the folder for
        ``predictions.parquet``. A folder with a report is refused, even with ``force``: its page
        would contradict the new predictions.
    shard
        (I, N), ``"I/N"`` or ``"auto"``: predict only shard I of N, 0 ≤ I < N, into a part in the
        folder ``shards`` of `out`, for :func:`merge`. A finished part of the same call is kept, an
        unfinished one continued. ``"auto"`` reads the environment of torchrun, SLURM or Kubernetes.
    engine
        Runs the model instead of this process: :class:`reportgen.engines.Ray`, or ``"ray"``.
    filesystem
        The location of `data`, and with `shard` of an `out` that begins with a scheme, such as
        ``s3://``: a file system of pyarrow or fsspec, connected by the caller.
    """
    settings, reporter = Options.of(options), reporter or Reporter()
    part = shard_of(shard, os.environ)
    place = output_path(out) if part is None else part_place(out, filesystem)
    _require_named(model, data)
    _require_runtime(model)
    elsewhere = engine_of(engine)
    if elsewhere is not None:
        _require_sendable(model, data)
        _refuse_shard(part)
    at_hand = _data_at_hand(data, settings, reporter, filesystem)
    if part is not None:
        with at_hand as images_at:
            return predict_part(model, images_at, place, part, settings, reporter)
    target = output_path(out)
    if target.suffix.lower() != Path(output_folder.PREDICTIONS).suffix or target.is_dir():
        target = target / output_folder.PREDICTIONS
    refuse_beside_report(target, guarded_names())
    given = None if filesystem else data
    with (
        _place(target.parent, given, settings, guarded=(), target=target.name),
        at_hand as images_at,
    ):
        return _predictions(
            model, images_at, target, settings, reporter, unlabelled=True, engine=elsewhere
        )


def _require_sendable(model: Any, data: Any) -> None:
    """Refuse model or data that another process can't load, before anything is loaded."""
    from reportgen.engines import require_ray

    require_ray()
    if not isinstance(model, (str, Path)) or not isinstance(data, (str, Path)):
        raise UsageError(
            "--engine needs a model and data passed as paths",
            slug="option-conflict",
            hint="save the model and pass the file; a Dataset of Ray goes to "
            "reportgen.engines.ray.predict",
        )


def _refuse_shard(part: Shard | None) -> None:
    if part is not None:
        raise UsageError(
            "--engine ray predicts all shards by itself, and cannot be combined with --shard",
            slug="option-conflict",
            hint="omit --shard, or omit --engine",
        )


def _require_named(model: Any, data: Any) -> None:
    """Raise :class:`UsageError` (``path-empty``) if MODEL or DATA is an empty text."""
    for value, what in ((model, "MODEL"), (data, "DATA")):
        if isinstance(value, str) and not value:
            local_path(value, what)


@contextmanager
def _data_at_hand(
    data: Any, settings: Options, reporter: Reporter, filesystem: Any
) -> Iterator[Any]:
    """The data to read: the folder of the split given by ``--split`` if there are splits, and a
    copy of what is in object storage and can't be read there.
    """
    if not isinstance(data, (str, Path)):
        yield data
        return
    from reportgen.inference import brought_data, chosen_split

    place = typed_place(data, "DATA", filesystem)
    with ExitStack() as copies:
        if isinstance(place, Address):
            folder = copies.enter_context(tempfile.TemporaryDirectory(prefix="reportgen-"))
            place = brought_data(place, settings, Path(folder), reporter)
        else:
            place = Path(data)
        if isinstance(place, Path):
            chosen = chosen_split(place, settings.split)
            if chosen != place:
                split = printable(settings.split)
                reporter.say(f"--split {split}: the data are {quoted(chosen.name)}")
            place = chosen
        yield place


def _images(data: Any, settings: Options, evaluation: Evaluation) -> SampleImage | None:
    """The images of the samples: from DATA, or from a data set's own file list."""
    if not isinstance(data, (str, Path, Address)):
        return listed_images(data, evaluation)
    from reportgen.inference import sample_images

    return sample_images(Path(data) if isinstance(data, str) else data, settings)


def _require_runtime(model: Any) -> None:
    """Refuse a model that needs PyTorch if it is not installed."""
    from reportgen.inference import adapter_of

    adapter = adapter_of(str(model)) if isinstance(model, (str, Path)) else None
    if adapter is None or adapter.needs_torch:
        require_torch()


def require_torch() -> None:
    """Raise :class:`ModelError` if PyTorch is not installed, as after a light install.

    Imports nothing.

    Raises
    ------
    ModelError
        ``torch-missing``.
    """
    if find_spec("torch") is None:
        raise ModelError(
            "PyTorch is not installed, and is required to run a model",
            slug="torch-missing",
            hint="install it: pip install torch torchvision safetensors; saved predictions "
            "need no PyTorch: reportgen render predictions.parquet",
        )


def _place(
    folder: Path, data: Any, settings: Options, guarded: tuple[str, ...], target: str = ""
) -> AbstractContextManager[None]:
    name = target or output_folder.PREDICTIONS
    return place_for(
        folder,
        (*guarded, name, output_folder.partial_folder(Path(name)).name),
        replace=settings.force or settings.resume,
        data=Path(data) if isinstance(data, (str, Path)) and not is_address(data) else None,
    )


def _predictions(
    model: Any,
    data: Any,
    target: Path,
    settings: Options,
    reporter: Reporter,
    known: Callable[[Sequence[str]], None] | None = None,
    aside: Path | None = None,
    *,
    unlabelled: bool = False,
    engine: Ray | None = None,
) -> Predictions:
    from reportgen.inference import predict_folder, predict_live

    if _is_module(model):
        return predict_live(model, data, target, settings, reporter, known, aside)
    if not isinstance(model, (str, Path)) or not isinstance(data, (str, Path, Address)):
        raise UsageError(
            f"a {type(model).__name__} and a {type(data).__name__} cannot be combined",
            slug="model-and-data",
            hint="pass a live module with a DataLoader or Dataset, or a model file with a folder",
        )
    place = Path(data) if isinstance(data, str) else data
    predict = partial(
        predict_folder,
        str(model), place, target, settings, reporter, known, aside, unlabelled=unlabelled,
    )  # fmt: skip
    if engine is None:
        return predict()
    from reportgen.engines import on_ray

    with on_ray(engine) as elsewhere:
        return predict(elsewhere=elsewhere)


def _is_module(model: Any) -> bool:
    if isinstance(model, (str, Path)):
        return False
    import torch

    return isinstance(model, torch.nn.Module)
