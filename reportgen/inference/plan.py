"""Everything known before the first forward pass: model, classes, samples, settings."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from reportgen import __version__
from reportgen.class_list import (
    DATA_ORDER_HINT,
    ClassList,
    refuse_clash,
    resolve_classes,
)
from reportgen.errors import DataError, ModelError, UsageError
from reportgen.inference.adapters.records import Request, adapter_of, load_by, refuse_trust
from reportgen.inference.folders.contents import header_sizes, uniform_size_or_error
from reportgen.inference.folders.found import FoundData, find_data, list_folder
from reportgen.inference.folders.layouts import refuse_tables
from reportgen.inference.folders.listed import (
    NO_LABEL,
    ListedImages,
    in_terms_of,
    scan_listed,
)
from reportgen.inference.folders.notes import training_note
from reportgen.inference.folders.splits import refuse_splits
from reportgen.inference.folders.tree import FolderScan, ImageFile, UnreadableFile
from reportgen.inference.given_classes import data_list, explicit_classes
from reportgen.inference.images.decoding import Size
from reportgen.inference.images.preprocessing import Prepares, Preprocessing, declares_steps
from reportgen.inference.models.embedded_classes import EmbeddedClasses
from reportgen.inference.models.loaded_model import LoadedModel
from reportgen.inference.packed.contents import Contents, sizes_in
from reportgen.inference.sources.batch import Source
from reportgen.inference.sources.dataset import ArrayDataset, ImageFolderDataset
from reportgen.inference.sources.folder import FolderSource, default_workers
from reportgen.metrics import OutputKind
from reportgen.options import DEFAULT_BATCH_SIZES, Options, Shard, report_date
from reportgen.predictions import LIST_OF_SAMPLES, listing_of
from reportgen.process import usable_cores
from reportgen.provenance import DataNote, ModelFacts, Provenance
from reportgen.reporter import Reporter
from reportgen.storage import Place
from reportgen.text import count, printable, quoted

if TYPE_CHECKING:
    import torch

__all__ = [
    "Device",
    "Plan",
    "command_of",
    "held_against_network",
    "identity_of",
    "load_named",
    "overridden",
    "placed",
    "plan_folder",
    "preprocessing_of",
    "provenance_of",
    "source_class",
    "versions_of",
]


KEPT_CLASSES = 100


_LIST_NEEDED = (
    "write the class names in the order of the model's outputs, one per line, into a file and pass "
    "it with --classes FILE"
)


_PASSES = 2
"""Concurrent passes. Two with half of the cores each never wait for the slowest thread of one."""


UNKNOWN_CLASS = "of classes that the model does not know"


Listed = ImageFile | UnreadableFile


@dataclass(frozen=True)
class Device:
    """A device of a runtime other than PyTorch; like PyTorch's, it has a ``type``."""

    type: str


@dataclass(frozen=True)
class Plan:
    """Everything known before the first forward pass.

    Attributes
    ----------
    source
        The samples to predict.
    n_samples
        Number of samples of all the data, if known; `source` may have only some of them.
    beginning
        The first samples of the data, if `source` begins in the middle.
    identity
        The inputs that determine the rows; empty for a live module.
    excluded, skipped, notes, class_notes
        See :class:`~reportgen.predictions.RunOutline`.
    columns
        An Arrow table of further columns of the samples, with their ids as ``id``.
    inference
        Description of the processes that run the model; empty if this process does.
    """

    target: Path
    options: Options
    model: LoadedModel
    classes: ClassList
    source: Source
    batch_size: int
    device: Device | torch.device
    provenance: Provenance
    identity: Mapping[str, str]
    n_samples: int | None = None
    beginning: Source | None = None
    excluded: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[DataNote, ...] = ()
    class_notes: tuple[DataNote, ...] = ()
    columns: Any = None
    inference: Mapping[str, str] = field(default_factory=dict)

    @property
    def keep_probabilities(self) -> bool:
        """Whether to write the probabilities of all classes to the file."""
        asked = self.options.keep_probabilities
        if self.options.outputs == OutputKind.ONE_VS_REST:
            return True  # such scores only serve to rank the samples of each class
        return asked == "yes" or (asked == "auto" and len(self.classes.names) <= KEPT_CLASSES)


def plan_folder(
    spec: str,
    root: Place,
    target: Path,
    options: Options,
    reporter: Reporter,
    *,
    unlabelled: bool = False,
    shard: Shard | None = None,
    data: FoundData | None = None,
    elsewhere: str = "",
) -> Plan:
    """The plan for a model named on the command line, and the data at `root`.

    `unlabelled` permits images without labels. `shard` selects a part of the data; None means all
    of it. `data` is the result of :func:`find_data`, if it was called before.
    """
    whole = shard or Shard(0, 1)
    explicit, explicit_source = explicit_classes(options)
    data = data or find_data(root, options, reporter, unlabelled=unlabelled)
    listed = data.listed
    declared = Preprocessing.from_options(options)
    here = replace(options, device="auto") if elsewhere else options
    model = load_named(
        spec,
        here,
        len(explicit) if explicit else None,
        whole,
        concurrent=1 if elsewhere else min(usable_cores(), _PASSES),
    )
    preprocessing = preprocessing_of(model, declared, options)
    carried = None if explicit and model.knows_classes else model.classes
    not_compared = held_against_network(
        explicit, explicit_source, model, "" if listed is None else DATA_ORDER_HINT
    )
    if data.is_folder and isinstance(root, Path):
        refuse_splits(root, explicit or model.classes)
    elif listed is not None:
        listed = _in_terms_of(listed, explicit, explicit_source, model, options)
        if options.data_classes is not None and explicit is None and carried is None:
            raise _unnamed_outputs()
        reporter.say(f"read as {listed.samples.read_as}")
        if explicit is None and carried is None and listed.samples.classes is not None:
            explicit, explicit_source = listed.samples.classes, listed.samples.classes_source
        if explicit is None and carried is None:
            _require_classes(listed, model)
    found = (
        scan_listed(listed) if listed else data.scanned or list_folder(cast(Path, root), reporter)
    )
    if data.is_folder and isinstance(root, Path):
        refuse_tables(root, found.folders, explicit or carried)
    unnamed = listed is not None and not listed.classes and not explicit and not carried
    classes = resolve_classes(
        explicit=explicit,
        explicit_source=explicit_source,
        from_model=_indices(model) if unnamed else carried,
        model_source=_INDICES if unnamed else model.classes_source,
        folders=found.folders if listed is None or listed.classes else (),
        n_outputs=model.n_outputs,
        ignore_unknown=options.ignore_unknown_classes,
        table="" if listed is None else listed.samples.name,
    )
    kept = _known(found, classes)
    ids = [file.id for file in kept]
    labels = np.array([_label_of(file.folder, classes) for file in kept], np.int32)
    dataset = (ImageFolderDataset if model.session is None else ArrayDataset)(
        kept, preprocessing, found.contents
    )
    model, device = (model, Device(elsewhere)) if elsewhere else placed(model, options, whole)
    batch_size = options.batch_size or DEFAULT_BATCH_SIZES[device.type]
    own = whole.samples(len(kept), batch_size)
    if not preprocessing.fixes_size:
        _require_one_size(kept, own, found.contents, reporter)
    _require_shape(model, dataset)
    workers = (
        default_workers(len(own), device.type, whole.local_size, decodes=_decodes_here(model))
        if options.workers is None
        else options.workers
    )
    source = source_class(model)(
        dataset, ids, labels, workers, reporter, device.type == "cuda", first=own.start,
        stop=own.stop,
    )  # fmt: skip
    provenance = provenance_of(
        options,
        model=model.facts,
        data_name=options.data_name or printable(_name_of(root)),
        classes=classes,
        preprocessing=preprocessing.describe(),
        command=command_of(spec, root, options),
        versions=versions_of(model),
    )
    n_ignored = found.n_found - len(kept)
    return Plan(
        target=target,
        options=options,
        model=model,
        classes=classes,
        source=source,
        n_samples=len(ids),
        beginning=_beginning(source),
        batch_size=batch_size,
        device=device,
        provenance=provenance,
        identity=identity_of(
            options, model, listing_of(ids, labels), classes, preprocessing, batch_size, device
        ),
        excluded={UNKNOWN_CLASS: n_ignored} if n_ignored else {},
        skipped=found.skipped,
        notes=(
            *model.warnings,
            *overridden(model, preprocessing),
            *found.notes,
        ),
        class_notes=(
            *(classes.notes if listed is None or listed.classes else ()),
            *not_compared,
            *training_note(Path() if listed and options.split else _path_of(root), options.split),
        ),
        columns=None if listed is None else listed.columns,
    )


def _beginning(source: FolderSource) -> FolderSource | None:
    """The samples before those of a shard; all samples if the shard is empty."""
    if source.first == 0 and source.n_samples:
        return None
    stop = source.first if source.n_samples else None
    return replace(source, first=0, stop=stop, workers=0)


def load_named(
    spec: str, options: Options, n_classes: int | None, shard: Shard, *, concurrent: int = 1
) -> LoadedModel:
    """The model on the CPU; PyTorch is imported only if the model needs it.

    `concurrent` is for :class:`~reportgen.inference.adapters.records.Request`.
    """
    request = Request(
        spec,
        weights=options.weights,
        weights_key=options.weights_key,
        model_args=_model_args(options.model_arg),
        n_classes=n_classes,
        name=options.model_name or "",
        version=options.model_version,
        options=options,
        local_rank=shard.local_rank,
        concurrent=concurrent,
    )
    refuse_trust(spec, options)
    if (adapter := adapter_of(spec)) is not None:
        return load_by(adapter, request)
    from reportgen.inference.models.loading import load_model

    return load_model(
        spec,
        weights=request.weights,
        weights_key=request.weights_key,
        model_args=request.model_args,
        n_classes=n_classes,
        name=request.name,
        version=request.version,
        options=options,
    )


def placed(model: LoadedModel, options: Options, shard: Shard) -> tuple[LoadedModel, Any]:
    """The model on its device, and the device."""
    if model.session is not None:
        return model, Device(model.session.device)
    from reportgen.inference.forward import resolve_device
    from reportgen.inference.models.loading import to_device

    device = resolve_device(options.device, local_rank=shard.local_rank)
    return to_device(model, device), device


def _decodes_here(model: LoadedModel) -> bool:
    """Whether the main thread is free to decode, while others run the model."""
    return model.session is not None and model.session.concurrent > 1


def source_class(model: LoadedModel) -> type[FolderSource]:
    if model.session is None:
        return FolderSource
    from reportgen.inference.sources.arrays import ArraySource

    return ArraySource


def preprocessing_of(model: LoadedModel, declared: Preprocessing, options: Options) -> Prepares:
    """The declared preprocessing, otherwise the model's own."""
    if model.session is not None and model.session.takes_bytes:
        return _as_bytes(model, declared, options)
    if declares_steps(options):
        return declared
    if model.preprocessing_hint and model.preprocessing is None:
        raise UsageError(
            f"the preprocessing of {quoted(model.facts.source)} is not known",
            slug="preprocessing-needed",
            hint=model.preprocessing_hint,
        )
    return model.preprocessing or declared


def _as_bytes(model: LoadedModel, declared: Preprocessing, options: Options) -> Preprocessing:
    """The steps with pixel values 0 to 255, for a model that accepts nothing else."""
    given = {"--mean": options.mean, "--std": options.std, "--preset": options.preset}
    wrong = [flag for flag, value in given.items() if value is not None]
    wrong += ["--pixel-range 0-1"] if options.pixel_range == "0-1" else []
    if wrong:
        raise UsageError(
            f"{wrong[0]} cannot be combined with {quoted(model.facts.source)}, which takes whole "
            "pixel values, 0 to 255",
            slug="option-conflict",
            hint=f"omit {' and '.join(wrong)}: the model normalises by itself",
        )
    return declared.with_bytes()


def overridden(model: LoadedModel, used: Prepares) -> list[DataNote]:
    """A note if the options override the model's own preprocessing."""
    if model.preprocessing is None or used is model.preprocessing:
        return []
    return [
        DataNote(
            "preprocessing-declared",
            f"{model.facts.source} has its own preprocessing; the declared one was used instead.",
            "warning",
        )
    ]


def _in_terms_of(
    listed: ListedImages,
    explicit: tuple[str, ...] | None,
    source: str,
    model: LoadedModel,
    options: Options,
) -> ListedImages:
    """The images with labels as names, for labels that are indices into a class list."""
    own, own_source = listed.samples.classes, listed.samples.classes_source
    given, given_source = data_list(options)
    if given is not None and own is not None:
        refuse_clash(given, given_source, own, own_source, f"omit {given_source}")
    for names, where in (
        (given, given_source),
        (own, own_source),
        (explicit, source),
        (model.classes, model.classes_source),
    ):
        if names is not None:
            return in_terms_of(listed, names, where, options)
    n = model.n_outputs
    numbers = None if n is None or n < 2 else tuple(
        str(i) for i in range(options.label_base, options.label_base + n)
    )  # fmt: skip
    return in_terms_of(listed, numbers, "the number of outputs", options)


_INDICES = "the indices of the model's outputs"


def _indices(model: LoadedModel) -> tuple[str, ...] | None:
    """The names of classes that have none."""
    return tuple(str(i) for i in range(max(model.n_outputs, 2))) if model.n_outputs else None


def _unnamed_outputs() -> UsageError:
    return UsageError(
        "--data-classes names the indices of the data, and the model's outputs have no names",
        slug="classes-needed",
        hint=_LIST_NEEDED,
    )


def _require_classes(listed: ListedImages, model: LoadedModel) -> None:
    """Refuse unlabelled data if the model does not define the number of classes."""
    if not listed.classes and model.n_outputs is None:
        raise UsageError(
            f"{quoted(listed.samples.name)} has no labels, and the model has no class list",
            slug="classes-needed",
            hint=_LIST_NEEDED,
        )


def _label_of(folder: str, classes: ClassList) -> int | None:
    """The class index of a folder; -1 for no folder, None for a class the model does not have."""
    return -1 if folder == NO_LABEL else classes.index[folder]


def held_against_network(
    explicit: tuple[str, ...] | None, source: str, model: LoadedModel, way_out: str = ""
) -> list[DataNote]:
    """Notes on class lists that could not be compared; raises if the network's list differs.

    `way_out` is a further hint for that error.
    """
    if explicit is None or not model.knows_classes:
        return []
    from reportgen.inference.models.own_classes import held_against

    own = EmbeddedClasses(model.classes, model.classes_source)
    return [
        DataNote("classes-not-compared", sentence, severity="warning")
        for sentence in held_against(explicit, source, own, way_out)
    ]


def _require_one_size(
    files: Sequence[Listed], own: range, contents: Contents | None, reporter: Reporter
) -> None:
    """Refuse images of several sizes before the first pass, if nothing resizes them.

    Of the images before `own`, only the first with a known size is checked.
    """
    there = [file for file in files[own.start : own.stop] if isinstance(file, ImageFile)]
    before = (file for file in files[: own.start] if isinstance(file, ImageFile))
    known = ((file, size) for file in before for size in _sizes([file], contents) if size)
    reporter.begin("reading sizes", len(there), "files")
    try:
        sizes = _sizes(there, contents, reporter.advance)
        pairs = chain(islice(known, 1), zip(there, sizes, strict=True))
        uniform_size_or_error((file.id, size) for file, size in pairs)
    finally:
        reporter.end()


def _sizes(
    files: Sequence[ImageFile],
    contents: Contents | None,
    tell: Callable[[int], None] | None = None,
) -> Iterator[Size | None]:
    """(width, height) of each image, in order."""
    if contents is not None:
        return sizes_in(contents, [file.raw for file in files], tell)
    return header_sizes([os.path.join(file.root, file.raw) for file in files], tell)  # noqa: PTH118


def _known(found: FolderScan, classes: ClassList) -> list[Listed]:
    """The samples whose class the model has, in order; refused if there are none."""
    files = [file for file in found.every if _label_of(file.folder, classes) is not None]
    if not any(isinstance(file, ImageFile) for file in files):
        raise DataError(
            f"no images remain in {quoted(found.root.name)}: nothing to evaluate",
            slug="no-samples",
            details=[
                f"{count(len(found.files))} are in folders that the model does not know",
                f"{count(len(found.unreadable))} can't be read",
            ],
            hint="check the data folder and the class list",
        )
    return files


def _model_args(pairs: tuple[str, ...]) -> dict[str, str]:
    arguments = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(
                f"--model-arg {pair!r} is not key=value",
                slug="option-value",
                hint="for example --model-arg width=64",
            )
        arguments[key] = value
    return arguments


def _require_shape(model: LoadedModel, dataset: ImageFolderDataset) -> None:
    """Refuse images of a shape that an exported program does not accept, before the first pass."""
    if model.input_shape is None:
        return
    for i in range(min(len(dataset), 100)):
        image = dataset[i].image
        if image is None:
            continue
        given, wanted = tuple(image.shape), model.input_shape
        if len(given) != len(wanted) or any(
            w is not None and w != g for g, w in zip(given, wanted, strict=True)
        ):
            raise _wrong_shape(given, wanted)
        return


def _wrong_shape(given: tuple[int, ...], wanted: tuple[int | None, ...]) -> ModelError:
    is_last = len(given) == len(wanted) == 3 and given[0] != wanted[0] and given[0] == wanted[2]
    order = "height × width × channels" if is_last else "channels × height × width"
    return ModelError(
        f"preprocessed images are {_shape(given)}, the model takes {_shape(wanted)} ({order})",
        slug="input-shape",
        details=_channels_last(given, wanted) if is_last else [],
        hint="--transform own.py:prepare" if is_last else _shape_hint(given, wanted),
    )


def _channels_last(given: tuple[int, ...], wanted: tuple[int | None, ...]) -> list[str]:
    """Code of a transform that returns channels last, for the hint."""
    size = tuple(g if w is None else w for g, w in zip(given[1:], wanted[:2], strict=True))
    grey = "v2.Grayscale(), " if given[0] == 1 else ""
    return [
        "channels come last: write own.py, with your other steps in it and without their options:",
        "    import torch",
        "    from torchvision.transforms import v2",
        "    scaled = v2.ToDtype(torch.float32, scale=True)",
        f"    steps = [{grey}v2.Resize({size}), v2.ToImage(), scaled]",
        "    def prepare(image):",
        "        return v2.Compose(steps)(image).permute(1, 2, 0)",
    ]


def _shape(sizes: tuple[int | None, ...]) -> str:
    return "×".join("any" if size is None else str(size) for size in sizes)


def _shape_hint(given: tuple[int, ...], wanted: tuple[int | None, ...]) -> str:
    if len(given) == len(wanted) == 3:
        if given[0] != wanted[0] and wanted[0] == 1:
            return "make the images grey with --grayscale"
        if given[0] != wanted[0] and wanted[0] == 3:
            return "omit --grayscale"
        if None not in wanted[1:]:
            return f"resize the images with --resize {wanted[1]}x{wanted[2]}"
    return "choose --resize, --crop and --grayscale so that the shapes agree"


def provenance_of(
    options: Options,
    *,
    model: ModelFacts,
    data_name: str,
    classes: ClassList,
    preprocessing: tuple[str, ...],
    command: str,
    versions: dict[str, str],
) -> Provenance:
    return Provenance(
        kind="inference",
        title=options.title,
        date=report_date(options.date),
        model=model,
        data_name=data_name,
        split=options.split,
        classes_source=classes.source,
        preprocessing=preprocessing,
        versions=versions,
        command=command,
    )


def versions_of(model: LoadedModel) -> dict[str, str]:
    runs = ("torch", "torchvision") if model.session is None else ()
    return {
        "reportgen": __version__,
        "Python": platform.python_version(),
        **{name: version(name) for name in (*runs, "numpy", "pillow", "pyarrow", *model.libraries)},
    }


def _name_of(root: Place) -> str:
    return root.resolve().name if isinstance(root, Path) else root.name


def _path_of(root: Place) -> Path:
    """The folder names that identify the data, as a path."""
    return root if isinstance(root, Path) else Path(os.sep, root.key)


def command_of(spec: str, root: Place, options: Options) -> str:
    """The command that repeats the run, with base names instead of paths."""
    path, colon, name = spec.rpartition(":")
    if colon and path.endswith(".py"):
        spec = f"{Path(path).name}:{name}"
    elif not colon:
        spec = Path(spec).name
    words = ["reportgen", "run", spec, _name_of(root), "-o", "OUT"]
    words += replace(options, max_bad=0).command_words()
    if options.max_bad:  # last: `merge` appends its own there
        words += options.words_of("max_bad", options.max_bad)
    return " ".join(shlex.quote(printable(word)) for word in words)


def identity_of(
    options: Options,
    model: LoadedModel,
    listing: str,
    classes: ClassList,
    preprocessing: Prepares,
    batch_size: int,
    device: Device | torch.device,
) -> dict[str, str]:
    """The inputs that determine the rows; a resumed run must have the same."""
    return {
        "model": ", ".join(f"{name} {digest[:16]}" for name, digest in model.facts.files.items()),
        "network": model.facts.source.partition(":")[2],
        "model_arguments": " ".join(options.model_arg),
        "weights_key": options.weights_key or "",
        LIST_OF_SAMPLES: listing,
        "classes": _digest(json.dumps(classes.names)),
        "preprocessing": "; ".join(preprocessing.describe()),
        "outputs": options.outputs,
        "batch_size": str(batch_size),
        "device": device.type,
        "precision": options.precision,
        "probabilities": options.keep_probabilities,
        **({} if model.session is None else {"runtime": _digest(str(model.session.facts))}),
        **{name: version(name) for name in ("torch",) if model.session is None},
        "reportgen": __version__,
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
