"""Maps sample i to a tensor, or to the reason in words why it is unreadable. Never raises.

Worker processes run this. Whatever a file or the user's transform does, only numbers and strings
cross the process boundary: an exception that can't be pickled would hang the parent.
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
    """One image, prepared for the model or unreadable.

    Attributes
    ----------
    index
        Its position in the data set.
    image
        Tensor or array, float32, shape (C, H, W); None if there is a `reason`.
    flags
        Bits of :class:`reportgen.inference.images.flags.ImageFlag`.
    reason
        Why it is unreadable, worded to follow the file name; None if it is readable.
    digest
        SHA-256 of the file's bytes, 32 bytes; None if they could not be read.
    lost
        Why the storage of all images can't be reached, or None.
    fatal
        Whether the preprocessing is at fault, not the file, for example if the transform returns no
        tensor: the run then ends with an error that names the sample.
    hint
        The hint for a fatal error, or empty.
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
    """The images of a scan, prepared for the model: a map-style data set for torch's DataLoader.

    File names are an array and a block of bytes, not a million objects, so that forked workers
    share them and spawned ones receive them in one piece.
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
        """The samples of a batch, as a DataLoader requests them; storage is read concurrently."""
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
        """The reason why sample `index` is unreadable, if known before it was opened."""
        return self._reasons.get(index)

    def digest(self, index: int) -> bytes | None:
        """SHA-256 of the bytes of sample `index`, 32 bytes; None if they can't be read."""
        try:
            return hashlib.sha256(self._content(index)).digest()
        except Unreadable:
            return None

    def path_below_root(self, index: int) -> str:
        """The name of sample `index` in `contents`; for files the path, as the system spells it."""
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
            raise  # a request to end the process, not a fault of the image
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
    """As :class:`ImageFolderDataset`, with arrays instead of tensors; PyTorch is not needed."""

    def _prepare(self, image: Any) -> Any:
        return self.preprocessing.array(image)
