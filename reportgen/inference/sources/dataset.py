"""Sample i → a tensor, or the reason in words why there is none. Nothing is ever raised.

This is what worker processes run. Whatever a file or the user's transform does, only numbers and
strings cross the process border: an exception that can't be pickled would hang the parent.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from reportgen.errors import DataError, Interrupted, ReportgenError
from reportgen.inference.folders.tree import ImageFile, UnreadableFile
from reportgen.inference.images.decoding import Decoded, Unreadable
from reportgen.inference.images.preprocessing import NotPrepared, Prepares
from reportgen.inference.packed.contents import Contents, FileContents, StoredContents
from reportgen.inference.user_code import error_line
from reportgen.storage import THREADS

__all__ = [
    "ArrayDataset",
    "ImageFolderDataset",
    "Sample",
]


@dataclass(frozen=True, slots=True)
class Sample:
    """One image, ready for the model or not.

    Attributes
    ----------
    index
        Its position in the data set.
    image
        Tensor or array, float32, shape (C, H, W); None where there is a `reason`.
    flags
        Bits of :class:`reportgen.inference.images.flags.ImageFlag`.
    reason
        Why it can't be used, in words that follow the file's name; None where it can.
    digest
        SHA-256 of the file's bytes, 32 bytes; None where they could not be read.
    lost
        Why the storage of all images can't be reached; None where it can.
    fatal
        Whether the preprocessing is at fault and not the file, as when the transform returns no
        tensor: the run should end with an error that names the sample.
    hint
        The way out of a fatal one, where it is known.
    """

    index: int
    image: Any
    flags: int = 0
    reason: str | None = None
    digest: bytes | None = None
    fatal: bool = False
    lost: DataError | None = None
    hint: str | None = None


class ImageFolderDataset:
    """The images of a scan, prepared for the model; a map-style data set for torch's DataLoader.

    It contains an array and a block of bytes, not a million objects, so that worker processes that
    are forked share them and spawned ones receive them at once.
    """

    def __init__(
        self,
        files: Sequence[ImageFile | UnreadableFile],
        preprocessing: Prepares,
        contents: Contents | None = None,
    ) -> None:
        names = [os.fsencode(file.raw) if isinstance(file, ImageFile) else b"" for file in files]
        root = next((file.root for file in files if isinstance(file, ImageFile)), "")
        self.contents = contents or FileContents(root)
        self.preprocessing = preprocessing
        self._names = b"".join(names)
        self._ends = np.cumsum([len(name) for name in names], dtype=np.int64)
        self._reasons = {
            at: file.reason for at, file in enumerate(files) if isinstance(file, UnreadableFile)
        }

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: int) -> Sample:
        """Read, decode and prepare sample `index`, 0 ≤ `index` < len."""
        if not 0 <= index < len(self):
            raise IndexError(index)  # ends iteration
        return self._decoded(index, partial(self._content, index))

    def __getitems__(self, indices: Sequence[int]) -> list[Sample]:
        """Samples, as a DataLoader asks for a batch: those of object storage are read together."""
        if not isinstance(self.contents, StoredContents):
            return [self[i] for i in indices]
        with ThreadPoolExecutor(THREADS) as pool:
            reading = [pool.submit(self._content, i) for i in indices]
            return [self._decoded(i, one.result) for i, one in zip(indices, reading, strict=True)]

    def _decoded(self, index: int, read: Callable[[], bytes]) -> Sample:
        digest = None
        try:
            content = read()
            digest = hashlib.sha256(content).digest()
            decoded = self.contents.decode(content, self.path_below_root(index))
        except Unreadable as error:
            return Sample(index, None, reason=error.reason, digest=digest)
        except DataError as error:
            return Sample(index, None, reason=error.message, lost=error)
        return self._prepared(index, decoded, digest)

    def reason_at(self, index: int) -> str | None:
        """Why sample `index` can't be read, where that was seen before it was opened."""
        return self._reasons.get(index)

    def digest(self, index: int) -> bytes | None:
        """SHA-256 of the bytes of sample `index`, 32 bytes; None where they can't be read."""
        try:
            return hashlib.sha256(self._content(index)).digest()
        except Unreadable:
            return None

    def path_below_root(self, index: int) -> str:
        """What sample `index` is called in `contents`: of files the path, as the system has it."""
        start = int(self._ends[index - 1]) if index else 0
        return os.fsdecode(self._names[start : int(self._ends[index])])

    def _content(self, index: int) -> bytes:
        if index in self._reasons:
            raise Unreadable(self._reasons[index])
        return self.contents.read(self.path_below_root(index))

    def _prepare(self, image: Any) -> Any:
        return self.preprocessing(image)

    def _prepared(self, index: int, decoded: Decoded, digest: bytes) -> Sample:
        flags = int(decoded.flags)
        try:
            return Sample(index, self._prepare(decoded.image), flags, digest=digest)
        except (KeyboardInterrupt, SystemExit, GeneratorExit, Interrupted):
            raise  # someone wants the process to end: that is no finding about an image
        except NotPrepared as error:
            return Sample(index, None, flags, error.reason, digest)
        except ReportgenError as error:
            return Sample(index, None, flags, error.message, digest, fatal=True, hint=error.hint)
        except MemoryError:
            return Sample(index, None, flags, "needs more memory than is available", digest)
        except BaseException as error:
            reason = f"could not be prepared ({error_line(error)})"
            return Sample(index, None, flags, reason, digest)


class ArrayDataset(ImageFolderDataset):
    """The same with arrays instead of tensors: PyTorch is not needed."""

    def _prepare(self, image: Any) -> Any:
        return self.preprocessing.array(image)
