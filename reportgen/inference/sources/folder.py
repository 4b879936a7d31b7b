"""The images of a folder or a table in batches, decoded by worker processes."""

from __future__ import annotations

import pickle
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import DataError, ModelError
from reportgen.inference.folders.contents import by_threads
from reportgen.inference.packed.contents import FileContents, StoredContents, one_by_one
from reportgen.inference.sources.batch import Batch
from reportgen.inference.sources.dataset import ImageFolderDataset, Sample
from reportgen.process import usable_cores
from reportgen.provenance import DataNote
from reportgen.reporter import Reporter
from reportgen.text import quoted

__all__ = [
    "WATCHDOG_SECONDS",
    "Collated",
    "FolderSource",
    "default_workers",
    "gather",
    "quiet_worker",
]


WATCHDOG_SECONDS = 120.0


_FEW_SAMPLES = 512  # with fewer samples, starting a worker takes longer than it saves


@dataclass(frozen=True)
class Collated:
    """A batch as it crosses the process boundary: numbers and strings only."""

    indices: list[int]
    images: Any
    flags: list[int]
    reasons: list[str | None]
    digests: list[bytes | None]
    clash: tuple[int, tuple[int, ...], tuple[int, ...]] | None = None
    fatal: tuple[int, str, str | None] | None = None
    lost: DataError | None = None


@dataclass
class FolderSource:
    """The images of a scanned folder, or a contiguous range of them.

    Attributes
    ----------
    dataset
        Maps sample i to a tensor or a reason; it never raises.
    ids, labels
        Id and label of each sample of the data set, in order.
    workers
        Decoding processes; 0 decodes in this process.
    first, stop
        The range of samples to predict: `first` up to, excluding, `stop`; None means the end.
    """

    dataset: ImageFolderDataset
    ids: Sequence[str]
    labels: NDArray[np.int32]
    workers: int
    reporter: Reporter
    pin_memory: bool = False
    id_kind: str = "paths below the data folder"
    notes: list[DataNote] = field(default_factory=list)
    first: int = 0
    stop: int | None = None

    @property
    def end(self) -> int:
        """The end of the range: one after its last sample."""
        return len(self.ids) if self.stop is None else self.stop

    @property
    def n_samples(self) -> int:
        return self.end - self.first

    def batches(self, start: int, batch_size: int) -> Iterator[Batch]:
        """See :class:`~reportgen.inference.sources.batch.Source`.

        If a worker dies, this process decodes instead, once; if one hangs, the run ends. Raises
        :class:`ModelError` with the ids of the samples that were being read.
        """
        position, workers = self.first + start, self._startable(self.workers)
        while position < self.end:
            loader = iter(self.loader(position, batch_size, workers))
            try:
                for collated in _guard(loader, self.ids, position, batch_size):
                    batch = self._batch(collated)
                    position += len(batch)
                    yield batch
            except _WorkerDied as death:
                if workers == 0:
                    raise
                self.reporter.warn(
                    f"{death.message}; continuing without workers (is /dev/shm or memory too "
                    "small?)"
                )
                self.notes.append(_death_note(death))
                workers = 0

    def digests(self, places: Sequence[int], tell: Callable[[int], None]) -> Iterator[bytes | None]:
        """SHA-256 of the current files of samples, by their indices.

        `tell` is called with the number of files just read.
        """
        many = isinstance(self.dataset.contents, (FileContents, StoredContents))
        read = by_threads if many else one_by_one
        return read(self.dataset.digest, places, tell)

    def loader(self, start: int, batch_size: int, workers: int | None = None) -> Any:
        """A DataLoader of the batches from sample `start` on."""
        import torch

        workers = self.workers if workers is None else workers
        return torch.utils.data.DataLoader(
            self.dataset,  # type: ignore[arg-type]
            batch_size=batch_size,
            sampler=range(start, self.end),
            num_workers=workers,
            collate_fn=collate,
            multiprocessing_context="spawn" if workers and self._is_stored else None,
            timeout=WATCHDOG_SECONDS if workers else 0,
            worker_init_fn=quiet_worker if workers else None,
            pin_memory=False,
            generator=torch.Generator(),
        )

    def _startable(self, workers: int) -> int:
        """`workers`, or 0 if the dataset can't be sent to a worker (a lambda as transform, say)."""
        import torch

        forks = torch.multiprocessing.get_start_method() == "fork" and not self._is_stored
        if workers == 0 or forks:
            return workers
        return self._sendable(workers)

    @property
    def _is_stored(self) -> bool:
        """Whether workers must be spawned: connections to storage don't survive a fork."""
        return isinstance(getattr(self.dataset, "contents", None), StoredContents)

    def _sendable(self, workers: int) -> int:
        """`workers`, or 0 if the data set can't be pickled."""
        try:
            pickle.dumps(self.dataset)
        except Exception as error:
            self.reporter.warn(
                f"the transform can't be sent to worker processes ({type(error).__name__}); "
                "decoding without workers"
            )
            return 0
        return workers

    def _batch(self, collated: Collated) -> Batch:
        if collated.lost is not None:
            raise collated.lost
        if collated.fatal is not None:
            index, reason, hint = collated.fatal
            raise ModelError(
                f"the transform failed on {quoted(self.ids[index])}: {reason}",
                slug="transform-output",
                hint=hint
                or "a transform must take a PIL image and return a float tensor (C, H, W)",
            )
        if collated.clash is not None:
            index, one, other = collated.clash
            raise ModelError(
                f"images cannot be stacked: {_size(one)} and {_size(other)}, "
                f"first at {quoted(self.ids[index])}",
                slug="image-sizes",
                hint="add a resize: --resize HxW, or --resize N --crop N",
            )
        images = collated.images
        if images is not None and self.pin_memory:
            images = images.pin_memory()
        return Batch(
            ids=[self.ids[i] for i in collated.indices],
            labels=self.labels[collated.indices],
            images=images,
            reasons=collated.reasons,
            flags=np.array(collated.flags, np.int32),
            digests=collated.digests,
        )


class _WorkerDied(ModelError):
    """A decoding process was killed by a signal, or ran out of memory."""


def _death_note(death: ModelError) -> DataNote:
    return DataNote(
        "worker-died",
        f"{death.message[:1].upper()}{death.message[1:]}. The run continued without worker "
        "processes, and no sample is missing. Check memory and /dev/shm.",
        "warning",
    )


def _guard(
    loader: Iterator[Collated], ids: Sequence[str], position: int, batch_size: int
) -> Iterator[Collated]:
    """Yield from the loader; raise its failures as errors of this package."""
    while True:
        try:
            collated = next(loader)
        except StopIteration:
            return
        except RuntimeError as error:
            raise _worker_failure(error, ids[position : position + batch_size]) from error
        position += len(collated.indices)
        yield collated


def _worker_failure(error: RuntimeError, reading: Sequence[str]) -> ModelError:
    if "timed out" in str(error):
        return ModelError(
            f"no images came for {WATCHDOG_SECONDS:.0f} seconds while reading "
            f"{quoted(reading[0])} to {quoted(reading[-1])}",
            slug="worker-hangs",
            details=["predictions so far are kept"],
            hint="check the disk, then continue with --resume; or try --workers 0",
        )
    return _WorkerDied(
        f"a worker process died at or after {quoted(reading[0])}",
        slug="worker-died",
        details=["predictions so far are kept"],
        hint="check memory and /dev/shm, then continue with --resume --workers 0",
    )


def collate(samples: list[Sample]) -> Collated:
    """The readable samples as one tensor; see :func:`gather`."""
    import torch

    return gather(samples, torch.stack)


def gather(samples: list[Sample], stack: Any) -> Collated:
    """Stack the readable samples; a misfit is reported as a reason, not raised in a worker."""
    tensors = [sample.image for sample in samples if sample.image is not None]
    indices = [sample.index for sample in samples]
    flags = [int(sample.flags) for sample in samples]
    reasons = [sample.reason for sample in samples]
    digests = [sample.digest for sample in samples]
    for sample in samples:
        if sample.lost is not None:
            return Collated(indices, None, flags, reasons, digests, lost=sample.lost)
        if sample.fatal:
            fatal = (sample.index, sample.reason or "", sample.hint)
            return Collated(indices, None, flags, reasons, digests, fatal=fatal)
        if sample.image is not None and sample.image.shape != tensors[0].shape:
            clash = (sample.index, tuple(tensors[0].shape), tuple(sample.image.shape))
            return Collated(indices, None, flags, reasons, digests, clash)
    return Collated(indices, stack(tensors) if tensors else None, flags, reasons, digests)


def default_workers(
    n_samples: int, device: str, n_processes: int = 1, *, decodes: bool = False
) -> int:
    """Number of decoding processes: 0 for few images, 1 or 2 for a CPU model, up to 16 for a GPU.

    On a CPU the forward pass takes most of the time and all cores; one decoding process keeps up
    with it, as does the main thread if it `decodes` while other threads run the model.
    `n_processes` processes share the cores of the machine.
    """
    cores = max(usable_cores() // n_processes, 1)
    if n_samples <= _FEW_SAMPLES or cores == 1:
        return 0
    if device == "cpu":
        return 2 if cores > 4 else 0 if decodes else 1
    return min(16, cores)


def quiet_worker(_: int) -> None:
    """Silence a worker: the parent handles Ctrl-C and ends its workers, without a traceback.

    A worker also stays silent after its parent was killed: the thread that sends tensors would
    print a traceback about the broken pipe to the user's shell.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.excepthook = _say_unless_cut_off


def _say_unless_cut_off(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if not isinstance(error, ConnectionError | EOFError):
        sys.__excepthook__(kind, error, trace)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[-2]}x{shape[-1]}" if len(shape) == 3 else str(shape)
