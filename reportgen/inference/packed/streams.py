"""Random access to possibly compressed streams: forward is fast, backward starts over."""

from __future__ import annotations

import io
import lzma
import struct
import weakref
import zipfile
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import IO

from reportgen.errors import DataError
from reportgen.importers import compression_of, open_bytes
from reportgen.inference.images.decoding import Unreadable

__all__ = [
    "BROKEN",
    "ForwardStream",
    "file_stream",
    "read_opened",
    "read_place",
]


BROKEN = (
    OSError, EOFError, zlib.error, lzma.LZMAError, ValueError, zipfile.BadZipFile, struct.error,
    KeyError, NotImplementedError, RuntimeError,
)  # fmt: skip
"""Exceptions of reading a damaged stream."""


_BLOCK = 1 << 20


class ForwardStream(io.RawIOBase):
    """A readable, seekable binary stream.

    `open_stream` opens it at its start; `moves` says whether it can seek backwards.
    """

    def __init__(
        self, open_stream: Callable[[], AbstractContextManager[IO[bytes]]], *, moves: bool
    ) -> None:
        super().__init__()
        self._open, self._moves = open_stream, moves
        self._held = ExitStack()
        # Closed before its file, whatever the order of garbage collection.
        weakref.finalize(self, self._held.close)
        self._begin()

    def _begin(self) -> None:
        self._held.close()
        self._stream = self._held.enter_context(self._open())
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET or offset < 0:
            raise ValueError("a place is counted from the start")
        if self._moves:
            self._at = self._stream.seek(offset)
            return self._at
        if offset < self._at:
            self._begin()
        while self._at < offset and (block := self._stream.read(min(_BLOCK, offset - self._at))):
            self._at += len(block)
        return self._at

    def read(self, size: int = -1) -> bytes:
        parts = []
        while size != 0 and (block := self._stream.read(size if size > 0 else _BLOCK)):
            parts.append(block)
            self._at += len(block)
            size = size - len(block) if size > 0 else size
        return b"".join(parts)

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        if not self.closed:
            self._held.close()
        super().close()


def file_stream(path: Path) -> ForwardStream:
    """The content of a file, decompressed if needed."""
    return ForwardStream(partial(open_bytes, path), moves=not compression_of(path))


def read_place(stream: ForwardStream, offset: int, size: int) -> bytes:
    """Read `size` bytes at `offset`.

    Raises :class:`Unreadable` if the stream is damaged or ends early.
    """
    try:
        stream.seek(offset)
        content = stream.read(size) if size else b""
    except (*BROKEN, DataError) as error:
        raise Unreadable("can't be unpacked: the file is damaged or cut off") from error
    except MemoryError:
        raise Unreadable("needs more memory than is available") from None
    if len(content) < size:
        raise Unreadable("file ends early")
    return content


def read_opened(opened: Callable[[], ForwardStream], offset: int, size: int) -> bytes:
    """As :func:`read_place`, for the stream that `opened` returns; opening may fail too."""
    try:
        stream = opened()
    except (*BROKEN, DataError) as error:
        raise Unreadable("can't be unpacked: the file is damaged or cut off") from error
    return read_place(stream, offset, size)
