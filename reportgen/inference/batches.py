"""Predict single batches: the model is loaded once, and rows depend on their batch only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.class_list import ClassList, resolve_classes
from reportgen.errors import UsageError
from reportgen.inference.folders.tree import ImageFile, UnreadableFile
from reportgen.inference.given_classes import explicit_classes
from reportgen.inference.images.decoding import Decoded, Unreadable, decode
from reportgen.inference.images.preprocessing import Preprocessing
from reportgen.inference.job import engine_of, outline_of
from reportgen.inference.loop import predict_alone
from reportgen.inference.packed.contents import Contents, FileContents, ImageFiles, require_size
from reportgen.inference.plan import (
    Plan,
    command_of,
    held_against_network,
    identity_of,
    load_named,
    overridden,
    placed,
    preprocessing_of,
    provenance_of,
    source_class,
    versions_of,
)
from reportgen.inference.sources.dataset import ArrayDataset, ImageFolderDataset
from reportgen.inference.sources.folder import FolderSource
from reportgen.options import DEFAULT_BATCH_SIZES, Options, Shard
from reportgen.predictions import LIST_OF_SAMPLES, Rows, RunOutline, RunState
from reportgen.reporter import Reporter

__all__ = [
    "BatchPredictor",
    "GivenImages",
    "Samples",
    "reason_unread",
    "samples_at",
    "witness_of",
]


_WITNESSES = 100


UNNAMED_DATA = "DATA"


class GivenImages(ImageFiles):
    """Encoded images in memory. `raw` is an index as text; `names` provide the file extensions."""

    def __init__(self, images: Sequence[bytes | None], names: Sequence[str]) -> None:
        self.images = images
        self.names = names

    def read(self, raw: str) -> bytes:
        content = self.images[int(raw)]
        if content is None:
            raise Unreadable("is empty")
        require_size(len(content))
        return bytes(content)

    def decode(self, content: bytes, raw: str) -> Decoded:
        return decode(content, name=self.names[int(raw)])


@dataclass(frozen=True)
class Samples:
    """Samples and the location of their images.

    Attributes
    ----------
    ids
        n sample ids.
    labels
        int32, shape (n,); -1 if unknown.
    raws
        n names in `contents`; file paths if `contents` is None.
    reasons
        Index of a sample → the reason, if it is already known to be unreadable.
    """

    ids: Sequence[str]
    labels: NDArray[np.int32]
    raws: Sequence[str]
    contents: Contents = field(default_factory=lambda: FileContents(""))
    reasons: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)


def samples_at(source: FolderSource, places: range) -> Samples:
    """The samples at `places` in a data set, in order."""
    dataset = source.dataset
    found = {at: dataset.reason_at(place) for at, place in enumerate(places)}
    return Samples(
        [source.ids[place] for place in places],
        source.labels[places.start : places.stop],
        [dataset.path_below_root(place) for place in places],
        dataset.contents,
        {at: reason for at, reason in found.items() if reason is not None},
    )


def reason_unread(samples: Samples, at: int = 0) -> str | None:
    """The reason why the image of a sample can't be read, or None."""
    if at in samples.reasons:
        return samples.reasons[at]
    try:
        samples.contents.read(samples.raws[at])
    except Unreadable as error:
        return error.reason
    return None


def witness_of(source: FolderSource) -> Samples | None:
    """One of the first samples that this process can read; None if there is none."""
    for place in range(min(source.n_samples, _WITNESSES)):
        samples = samples_at(source, range(place, place + 1))
        if reason_unread(samples) is None:
            return samples
    return None


@dataclass(frozen=True)
class BatchPredictor:
    """A loaded model with all settings that affect its predictions.

    Attributes
    ----------
    plan
        The plan of a run without samples.
    threads
        PyTorch threads for a forward pass.
    """

    plan: Plan
    engine: Any
    threads: int

    @classmethod
    def load(
        cls, spec: str, options: Options, *, threads: int = 1, names: ClassList | None = None
    ) -> BatchPredictor:
        """Load the model `spec`, named as on the command line.

        `names` are the classes if they are already known; by default they come from the options or
        from the model. Raises the errors of a run before its first forward pass.
        """
        plan = _plan(spec, options, names)
        return cls(plan, engine_of(plan), threads)

    def predict(
        self, samples: Samples, *, decided: str = "", is_first: bool = False
    ) -> tuple[Rows, RunState]:
        """Predict samples in batches of the plan's size; return the rows and the state of the run.

        `decided` is the output type that an earlier batch detected, or "". With `is_first`, the
        first batch also checks that the model is deterministic.
        """
        plan, size = self.plan, self.plan.batch_size
        source = self._source(samples)
        blocks: list[Rows] = []
        state = RunState({}, outputs=decided)
        with _threads(self.threads if plan.model.session is None else 0):
            for number, batch in enumerate(source.batches(0, size)):
                rows, told = predict_alone(
                    self.engine,
                    batch,
                    asked=plan.options.outputs,
                    decided=state.outputs,
                    keep_probabilities=plan.keep_probabilities,
                    is_first=is_first and number == 0,
                )
                blocks.append(rows)
                state = _together(state, told)
        return Rows.joined(blocks), state

    def outline(self, state: RunState) -> RunOutline:
        """The facts of the run apart from its rows."""
        return outline_of(self.plan, state)

    def _source(self, samples: Samples) -> FolderSource:
        empty = self.plan.source
        assert isinstance(empty, FolderSource)
        files: list[ImageFile | UnreadableFile] = [
            UnreadableFile(name, "", samples.reasons[at])
            if at in samples.reasons
            else ImageFile(name, "", "", raw)
            for at, (name, raw) in enumerate(zip(samples.ids, samples.raws, strict=True))
        ]
        preprocessing, contents = empty.dataset.preprocessing, samples.contents
        dataset = type(empty.dataset)(files, preprocessing, contents)
        return type(empty)(dataset, samples.ids, samples.labels, 0, empty.reporter)


def _together(before: RunState, now: RunState) -> RunState:
    halved = [one for one in (before.forward_size, now.forward_size) if one]
    known = {note.code for note in before.notes}
    return RunState(
        {},
        outputs=now.outputs,
        forward_size=min(halved, default=0),
        notes=(*before.notes, *(note for note in now.notes if note.code not in known)),
        model_notes=tuple(dict.fromkeys((*before.model_notes, *now.model_notes))),
    )


def _plan(spec: str, options: Options, names: ClassList | None) -> Plan:
    """The plan of a run without samples."""
    explicit, explicit_source = explicit_classes(options)
    model = load_named(spec, options, len(explicit) if explicit else None, Shard(0, 1))
    preprocessing = preprocessing_of(model, Preprocessing.from_options(options), options)
    carried = None if explicit and model.knows_classes else model.classes
    not_compared = held_against_network(explicit, explicit_source, model)
    if names is None and explicit is None and carried is None:
        raise UsageError(
            "the classes are not known: the model has no class list, and a batch shows only some",
            slug="classes-needed",
            hint="pass classes=[...], in the order of the model's outputs",
        )
    classes = names or resolve_classes(
        explicit=explicit,
        explicit_source=explicit_source,
        from_model=carried,
        model_source=model.classes_source,
        folders=explicit or carried or (),  # a class that is missing in one batch is no finding
        n_outputs=model.n_outputs,
    )
    model, device = placed(model, options, Shard(0, 1))
    batch_size = options.batch_size or DEFAULT_BATCH_SIZES[device.type]
    dataset = (ImageFolderDataset if model.session is None else ArrayDataset)([], preprocessing)
    source = source_class(model)(dataset, [], np.zeros(0, np.int32), 0, Reporter())
    data_name = options.data_name or UNNAMED_DATA
    identity = identity_of(options, model, "", classes, preprocessing, batch_size, device)
    del identity[LIST_OF_SAMPLES]
    return Plan(
        target=Path(),
        options=options,
        model=model,
        classes=classes,
        source=source,
        batch_size=batch_size,
        device=device,
        provenance=provenance_of(
            options,
            model=model.facts,
            data_name=data_name,
            classes=classes,
            preprocessing=preprocessing.describe(),
            command=command_of(spec, Path(data_name), options),
            versions=versions_of(model),
        ),
        identity=identity,
        notes=(*model.warnings, *overridden(model, preprocessing)),
        class_notes=(*classes.notes, *not_compared),
    )


@contextmanager
def _threads(wanted: int) -> Iterator[None]:
    """Set the number of PyTorch threads for the length of the block; 0 leaves it unchanged."""
    if not wanted:
        yield
        return
    import torch

    before = torch.get_num_threads()
    if before == wanted:
        yield
        return
    torch.set_num_threads(wanted)
    try:
        yield
    finally:
        torch.set_num_threads(before)
