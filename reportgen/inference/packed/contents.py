"""`Contents`: the location of image bytes, and their decoding."""

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
    """The location of image bytes.

    It is pickled to worker processes, which open their own files. `raw` identifies an image; its
    meaning depends on the class.
    """

    is_sequential: bool
    """Whether only sequential reading is fast; samples are then in storage order."""

    def order(self, raws: Sequence[str]) -> Sequence[int]:
        """The indices of `raws` in the fastest reading order."""

    def read(self, raw: str) -> bytes:
        """All bytes of an image. Raises :class:`Unreadable` only."""

    def decode(self, content: bytes, raw: str) -> Decoded:
        """Decode an image from its bytes. Raises :class:`Unreadable` only."""

    def size_of(self, content: bytes) -> Size | None:
        """(width, height) from the header, without decoding; None if it is not an image."""

    def picture(self, content: bytes, raw: str) -> Any:
        """The source of a thumbnail: the bytes of an image file, or a PIL image."""


class ImageFiles:
    """Images in common file formats, in any location."""

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
    """Files below an address of object storage. Each reading process opens its own connection."""

    def __init__(self, root: Address) -> None:
        self.root = root

    def read(self, raw: str) -> bytes:
        """All bytes of an image.

        Raises :class:`Unreadable` if it is missing, and :class:`DataError` if the address can't be
        reached: that does not concern one image.
        """
        try:
            return read_bytes(self.root / raw)
        except DataError as error:
            if error.slug != "input-missing":
                raise
        raise Unreadable("is not there")


def require_size(n_bytes: int) -> None:
    """Raise :class:`Unreadable` if the size exceeds the limit of an image."""
    if n_bytes > MAX_IMAGE_BYTES:
        raise Unreadable(f"has {n_bytes / 1e9:.1f} GB; the limit is {MAX_IMAGE_BYTES / 1e9:.1f} GB")


Item = TypeVar("Item")


Result = TypeVar("Result")


T = TypeVar("T")


class PerProcess(Generic[T]):
    """A resource that each process opens for itself: a fork would share the file position.

    `make` opens it, and can be pickled. The resource must close itself when garbage-collected.
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
    """``read(item)`` of each item, in order; `tell` is called with the number just finished."""
    for item in items:
        yield read(item)
        if tell is not None:
            tell(1)


def sizes_in(
    contents: Contents, raws: Sequence[str], tell: Callable[[int], None] | None
) -> Iterator[Size | None]:
    """(width, height) in pixels of each image, in order; None if unknown."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield from one_by_one(lambda raw: _size_in(contents, raw), raws, tell)


def _size_in(contents: Contents, raw: str) -> Size | None:
    try:
        return contents.size_of(contents.read(raw))
    except Unreadable:
        return None
