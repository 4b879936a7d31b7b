"""`Contents`: where the bytes of images are, and how they become pictures."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar

from reportgen.errors import DataError
from reportgen.inference.folders.files import open_regular, os_reason, read_to_end
from reportgen.inference.images.decoding import Decoded, Size, Unreadable, decode, header_size
from reportgen.storage import Address, read_bytes

__all__ = [
    "MAX_IMAGE_BYTES",
    "Contents",
    "FileContents",
    "ImageFiles",
    "PerProcess",
    "StoredContents",
    "one_by_one",
    "require_size",
    "sizes_in",
]


MAX_IMAGE_BYTES = 1 << 30


class Contents(Protocol):
    """Where the bytes of images are. It is sent to worker processes, each of which opens its own.

    `raw` is the name of an image there; what that means is up to each of them.
    """

    is_sequential: bool
    """Whether only the order in which images are stored is fast: samples are then in that order."""

    def order(self, raws: Sequence[str]) -> Sequence[int]:
        """The places of `raws` in the order in which they are stored, where that matters."""

    def read(self, raw: str) -> bytes:
        """All bytes of an image; raises :class:`Unreadable`, and nothing else."""

    def decode(self, content: bytes, raw: str) -> Decoded:
        """The picture in those bytes; raises :class:`Unreadable`, and nothing else."""

    def size_of(self, content: bytes) -> Size | None:
        """Its width and height, without decoding it; None where it is no image."""

    def picture(self, content: bytes, raw: str) -> Any:
        """What a thumbnail is made of: the bytes of an image file, or a PIL image."""


class ImageFiles:
    """Images that are files as cameras and programs write them, wherever these are kept."""

    is_sequential = False

    def order(self, raws: Sequence[str]) -> Sequence[int]:
        return range(len(raws))

    def decode(self, content: bytes, raw: str) -> Decoded:
        return decode(content, name=raw)

    def size_of(self, content: bytes) -> Size | None:
        return header_size(content)

    def picture(self, content: bytes, raw: str) -> bytes:  # noqa: ARG002 - all are of one kind
        return content


class FileContents(ImageFiles):
    """Files below a folder, by their paths as the operating system spells them."""

    def __init__(self, root: str) -> None:
        self.root = root

    def read(self, raw: str) -> bytes:
        path = os.path.join(self.root, raw)  # noqa: PTH118 - millions of times
        try:
            with open_regular(path) as (descriptor, size):
                require_size(size)
                return read_to_end(descriptor, size)
        except OSError as error:
            raise Unreadable(os_reason(error)) from error
        except MemoryError:
            pass
        raise Unreadable("needs more memory than is available")


class StoredContents(ImageFiles):
    """Files below an address of object storage. A process that reads connects by itself."""

    def __init__(self, root: Address) -> None:
        self.root = root

    def read(self, raw: str) -> bytes:
        """All bytes of an image.

        Raises :class:`Unreadable` where it is gone, and :class:`DataError` where the address can't
        be reached: that is no finding about an image.
        """
        try:
            return read_bytes(self.root / raw)
        except DataError as error:
            if error.slug != "input-missing":
                raise
        raise Unreadable("is not there")


def require_size(n_bytes: int) -> None:
    """Raise :class:`Unreadable` for more bytes than an image can have."""
    if n_bytes > MAX_IMAGE_BYTES:
        raise Unreadable(f"has {n_bytes / 1e9:.1f} GB; the limit is {MAX_IMAGE_BYTES / 1e9:.1f} GB")


Item = TypeVar("Item")


Result = TypeVar("Result")


T = TypeVar("T")


class PerProcess(Generic[T]):
    """What is open in this process alone: a fork, which would share its position, opens its own.

    `make` opens it, and can be pickled. What it gives closes itself when it is forgotten.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self.make = make
        self._opened: tuple[int, T] | None = None

    def __call__(self) -> T:
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = None
            self._opened = (os.getpid(), self.make())
        return self._opened[1]

    def __getstate__(self) -> dict[str, Any]:
        return {"make": self.make, "_opened": None}


def one_by_one(
    read: Callable[[Item], Result], items: Iterable[Item], tell: Callable[[int], None] | None
) -> Iterator[Result]:
    """``read(item)`` of each item, in order; `tell` hears how many more are done."""
    for item in items:
        yield read(item)
        if tell is not None:
            tell(1)


def sizes_in(
    contents: Contents, raws: Sequence[str], tell: Callable[[int], None] | None
) -> Iterator[Size | None]:
    """(width, height) in pixels of each image, in order; None where it is unknown."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield from one_by_one(lambda raw: _size_in(contents, raw), raws, tell)


def _size_in(contents: Contents, raw: str) -> Size | None:
    try:
        return contents.size_of(contents.read(raw))
    except Unreadable:
        return None
