"""Sample i → a tensor, or the reason in words why there is none. Nothing is ever raised.

This is what worker processes run. Whatever a file or the user's transform does, only numbers and
strings cross the process border: an exception that can't be pickled would hang the parent.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType

import numpy as np
import torch
from numpy.typing import NDArray

from reportgen.errors import Interrupted, ModelError, ReportgenError
from reportgen.inference.folders.files import open_regular, os_reason, read_to_end
from reportgen.inference.folders.tree import ImageFile
from reportgen.inference.images.decoding import Decoded, Unreadable, decode
from reportgen.inference.images.preprocessing import NotPrepared, Prepares
from reportgen.inference.sources.batch import Batch
from reportgen.inference.user_code import error_line
from reportgen.provenance import DataNote
from reportgen.reporter import Reporter
from reportgen.text import quoted

__all__ = [
    "FolderSource",
    "ImageFolderDataset",
    "Sample",
    "default_workers",
]


MAX_FILE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Sample:
    """One image, ready for the model or not.

    Attributes
    ----------
    index
        Its position in the data set.
    image
        float32, shape (C, H, W); None where there is a `reason`.
    flags
        Bits of :class:`reportgen.inference.images.flags.ImageFlag`.
    reason
        Why it can't be used, in words that follow the file's name; None where it can.
    fatal
        Whether the preprocessing is at fault and not the file, as when the transform returns no
        tensor: the run should end with an error that names the sample.
    """

    index: int
    image: torch.Tensor | None
    flags: int = 0
    reason: str | None = None
    fatal: bool = False


class ImageFolderDataset:
    """The images of a scan, prepared for the model; a map-style data set for torch's DataLoader.

    It holds two arrays and a block of bytes, not a million objects, so that worker processes that
    are forked share them and spawned ones receive them at once.
    """

    def __init__(self, files: Sequence[ImageFile], preprocessing: Prepares) -> None:
        names = [os.fsencode(file.raw) for file in files]
        self.root = files[0].root if files else ""
        self.preprocessing = preprocessing
        self._names = b"".join(names)
        self._ends = np.cumsum([len(name) for name in names], dtype=np.int64)
        self._digests = np.frombuffer(b"".join(file.digest for file in files), np.uint8)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: int) -> Sample:
        """Read, check, decode and prepare sample `index`, 0 ≤ `index` < len."""
        if not 0 <= index < len(self):
            raise IndexError(index)  # ends iteration
        try:
            decoded = self._decoded(index)
        except Unreadable as error:
            return Sample(index, None, reason=error.reason)
        return self._prepared(index, decoded)

    def path_below_root(self, index: int) -> str:
        """Where sample `index` lies below the root, as the operating system spells it."""
        start = int(self._ends[index - 1]) if index else 0
        return os.fsdecode(self._names[start : int(self._ends[index])])

    def _decoded(self, index: int) -> Decoded:
        raw = self.path_below_root(index)
        content = _read(os.path.join(self.root, raw))  # noqa: PTH118 - millions of times
        digest = self._digests[32 * index : 32 * index + 32].tobytes()
        if hashlib.sha256(content).digest() != digest:
            raise Unreadable("has changed since the folder was scanned")
        return decode(content, name=raw)

    def _prepared(self, index: int, decoded: Decoded) -> Sample:
        flags = int(decoded.flags)
        try:
            return Sample(index, self.preprocessing(decoded.image), flags)
        except (KeyboardInterrupt, SystemExit, GeneratorExit, Interrupted):
            raise  # someone wants the process to end: that is no finding about an image
        except NotPrepared as error:
            return Sample(index, None, flags, error.reason)
        except ReportgenError as error:
            return Sample(index, None, flags, error.message, fatal=True)
        except MemoryError:
            return Sample(index, None, flags, "needs more memory than there is")
        except BaseException as error:
            reason = f"could not be prepared ({error_line(error)})"
            return Sample(index, None, flags, reason)


def _read(path: str) -> bytes:
    """The whole file, if it has a size that an image can have."""
    try:
        with open_regular(path) as (descriptor, size):
            if size > MAX_FILE_BYTES:
                raise Unreadable(
                    f"has {size / 1e9:.1f} GB; the limit is {MAX_FILE_BYTES / 1e9:.1f} GB"
                )
            return read_to_end(descriptor, size)
    except OSError as error:
        raise Unreadable(os_reason(error)) from error
    except MemoryError:
        pass
    raise Unreadable("needs more memory than there is")


WATCHDOG_SECONDS = 120.0


_FEW_SAMPLES = 512  # below this, starting a worker costs more than it saves


@dataclass(frozen=True)
class _Collated:
    """A batch as it crosses the process border: numbers and strings, nothing else."""

    indices: list[int]
    images: torch.Tensor | None
    flags: list[int]
    reasons: list[str | None]
    clash: tuple[int, tuple[int, ...], tuple[int, ...]] | None = None
    fatal: tuple[int, str] | None = None


@dataclass
class FolderSource:
    """The images of a scanned folder.

    Attributes
    ----------
    dataset
        Sample i → tensor or reason; it never raises.
    ids, labels
        Of each sample, in order.
    workers
        Decoding processes; 0 decodes here.
    """

    dataset: ImageFolderDataset
    ids: Sequence[str]
    labels: NDArray[np.int32]
    workers: int
    reporter: Reporter
    pin_memory: bool = False
    id_kind: str = "paths below the data folder"
    notes: list[DataNote] = field(default_factory=list)

    @property
    def n_samples(self) -> int:
        return len(self.ids)

    def batches(self, start: int, batch_size: int) -> Iterator[Batch]:
        """See :class:`~reportgen.inference.sources.batch.Source`.

        A worker that dies is replaced once by decoding in this process; one that hangs ends the
        run. Raises :class:`ModelError` naming the samples that were being read.
        """
        position, workers = start, self._startable(self.workers)
        while position < self.n_samples:
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

    def loader(
        self, start: int, batch_size: int, workers: int | None = None
    ) -> torch.utils.data.DataLoader[_Collated]:
        """The DataLoader of the batches from sample `start` on."""
        workers = self.workers if workers is None else workers
        return torch.utils.data.DataLoader(
            self.dataset,  # type: ignore[arg-type]
            batch_size=batch_size,
            sampler=range(start, self.n_samples),
            num_workers=workers,
            collate_fn=collate,
            timeout=WATCHDOG_SECONDS if workers else 0,
            worker_init_fn=_quiet_worker if workers else None,
            pin_memory=False,
            generator=torch.Generator(),
        )

    def _startable(self, workers: int) -> int:
        """0 where the dataset can't be sent to a worker (a lambda as transform, say)."""
        if workers == 0 or torch.multiprocessing.get_start_method() == "fork":
            return workers
        try:
            pickle.dumps(self.dataset)
        except Exception as error:
            self.reporter.warn(
                f"the transform can't be sent to worker processes ({type(error).__name__}); "
                "decoding without workers"
            )
            return 0
        return workers

    def _batch(self, collated: _Collated) -> Batch:
        if collated.fatal is not None:
            index, reason = collated.fatal
            raise ModelError(
                f"the transform failed on {quoted(self.ids[index])}: {reason}",
                slug="transform-output",
                hint="a transform takes a PIL image and returns a float tensor (C, H, W)",
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
        )


class _WorkerDied(ModelError):
    """A decoding process ended by a signal, or out of memory."""


def _death_note(death: ModelError) -> DataNote:
    return DataNote(
        "worker-died",
        f"{death.message[:1].upper()}{death.message[1:]}. The run continued without worker "
        "processes, and no sample is missing. Check memory and /dev/shm.",
        "warning",
    )


def _guard(
    loader: Iterator[_Collated], ids: Sequence[str], position: int, batch_size: int
) -> Iterator[_Collated]:
    """What the loader gives; its own failures in our words."""
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


def collate(samples: list[Sample]) -> _Collated:
    """Stack the usable samples; say which does not fit instead of raising in a worker."""
    tensors = [sample.image for sample in samples if sample.image is not None]
    indices = [sample.index for sample in samples]
    flags = [int(sample.flags) for sample in samples]
    reasons = [sample.reason for sample in samples]
    for sample in samples:
        if sample.fatal:
            fatal = (sample.index, sample.reason or "")
            return _Collated(indices, None, flags, reasons, fatal=fatal)
        if sample.image is not None and sample.image.shape != tensors[0].shape:
            clash = (sample.index, tuple(tensors[0].shape), tuple(sample.image.shape))
            return _Collated(indices, None, flags, reasons, clash)
    return _Collated(indices, torch.stack(tensors) if tensors else None, flags, reasons)


def default_workers(n_samples: int, device: torch.device) -> int:
    """Decoding processes: none for few images, one or two beside a CPU model, up to 16 for a GPU.

    On a CPU the forward pass takes most of the time and all cores; one process that decodes
    ahead keeps it fed.
    """
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    if n_samples <= _FEW_SAMPLES or cores == 1:
        return 0
    if device.type == "cpu":
        return 1 if cores <= 4 else 2
    return min(16, cores)


def _quiet_worker(_: int) -> None:
    """Ctrl-C is the parent's to handle; a worker is ended by it, without a traceback.

    Nor does a worker say anything when its parent was killed: the thread that hands tensors
    over then finds the line cut, and would print a traceback over the user's shell.
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
