"""Arrays: ``.npy``, ``.npz``, and what a program holds in memory. Never unpickled.

What an array declares is compared with what its file has, and with free memory, before any of it
is read. Arrays of two dimensions (scores) are streamed; those of one are held.
"""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import DataError
from reportgen.inputs.formats.limits import (
    bytes_words,
    readable,
    require_memory,
    require_plain_file,
)
from reportgen.text import count, printable, quoted

__all__ = ["ArrayFile", "array_files", "npy_file"]

_BLOCK = 1 << 22
_BOMB_RATIO, _BOMB_BYTES = 200, 256 << 20
_MAGIC = b"\x93NUMPY"
_KINDS = "biufUSV"


@dataclass(frozen=True)
class ArrayFile:
    """One saved array, not read yet.

    Attributes
    ----------
    path, member
        The file, and the name inside an ``.npz``; empty in an ``.npy``.
    shape, dtype, fortran
        As its header says.
    """

    path: Path
    member: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool

    @property
    def n_bytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize

    @property
    def words(self) -> str:
        """What an error calls it."""
        name = self.member.removesuffix(".npy")
        return f"the array {quoted(name)} of {quoted(self.path.name)}" if name else quoted(
            self.path.name
        )  # fmt: skip

    def read(self) -> NDArray[Any]:
        """The whole array. Refused where it does not fit into half of the free memory."""
        require_memory(self.n_bytes, self.words)
        if self.n_bytes == 0:
            return np.empty(self.shape, self.dtype)
        with self._data() as stream:
            content = bytearray(self.n_bytes)
            view, at = memoryview(content), 0
            while at < len(view) and (block := stream.read(min(_BLOCK, len(view) - at))):
                view[at : at + len(block)] = block
                at += len(block)
        self._require_whole(at)
        array: NDArray[Any] = np.frombuffer(content, self.dtype).reshape(
            self.shape, order="F" if self.fortran else "C"
        )
        return array

    def blocks(self, rows: int) -> Iterator[NDArray[Any]]:
        """At most `rows` rows of a two-dimensional array at a time, shape (n, C)."""
        if self.fortran and self.shape[0] > 1:
            whole = self.read()
            yield from (whole[i : i + rows] for i in range(0, len(whole), rows))
            return
        width = self.shape[1] * self.dtype.itemsize
        with self._data() as stream:
            for start in range(0, self.shape[0], rows):
                n = min(rows, self.shape[0] - start)
                content = _exactly(stream, n * width)
                if len(content) < n * width:
                    self._require_whole(start * width + len(content))
                yield np.frombuffer(content, self.dtype).reshape(n, self.shape[1])

    def _require_whole(self, n_bytes: int) -> None:
        if n_bytes < self.n_bytes:
            size = max(self.dtype.itemsize, 1)
            raise DataError(
                f"{self.words} is cut off: {count(prod(self.shape))} numbers are declared, "
                f"{count(n_bytes // size)} are there",
                slug="array-damaged",
                hint="save or copy it again",
            )

    @contextmanager
    def _data(self) -> Iterator[IO[bytes]]:
        with _reading(self.path), _member(self.path, self.member) as stream:
            _header(stream, self.path, self.member)
            yield stream


def npy_file(path: Path) -> ArrayFile:
    """The array of an ``.npy``; :class:`DataError` where its header can't be true."""
    size = require_plain_file(path)
    with _reading(path), path.open("rb") as stream:
        array = _header(stream, path, "")
        there = size - stream.tell()
    array._require_whole(there)
    return array


def array_files(path: Path) -> dict[str, ArrayFile]:
    """The arrays of an ``.npz``, by name; other members are passed over.

    Raises :class:`DataError` where it is no archive, an array holds Python objects, or unpacks to
    an absurd size.
    """
    require_plain_file(path)
    found = {}
    with _reading(path), zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.filename.endswith(".npy"):
                continue
            with archive.open(info) as stream:
                array = _header(stream, path, info.filename)
            array._require_whole(info.file_size)
            _require_no_bomb(array, info)
            found[info.filename.removesuffix(".npy")] = array
    if not found:
        raise DataError(
            f"{quoted(path.name)} holds no arrays",
            slug="array-damaged",
            hint="save it with numpy.savez(path, labels=labels, scores=scores)",
        )
    return found


def _require_no_bomb(array: ArrayFile, info: zipfile.ZipInfo) -> None:
    declared = max(array.n_bytes, info.file_size)
    if declared > _BOMB_BYTES and declared > _BOMB_RATIO * max(info.compress_size, 1):
        raise DataError(
            f"{array.words} would unpack from {bytes_words(info.compress_size)} to "
            f"{bytes_words(declared)}",
            slug="array-bomb",
            hint="if it is meant, save it uncompressed with numpy.savez",
        )


def _header(stream: IO[bytes], path: Path, member: str) -> ArrayFile:
    """Read an array's header; the stream then stands at its data."""
    what = quoted(member.removesuffix(".npy") or path.name)
    magic = _exactly(stream, 8)
    if len(magic) < 8 or not magic.startswith(_MAGIC):
        raise DataError(
            f"{what} is no array of numpy",
            slug="array-damaged",
            hint="save it with numpy.save or numpy.savez",
        )
    try:
        rest = _rewound(stream, major=magic[6])
        read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote
            shape, fortran, dtype = read[magic[6]](rest)
    except Exception as error:  # numpy hands the text to Python's tokenizer: anything can happen
        raise DataError(
            f"the header of {what} can't be read: {printable(str(error))[:120]}",
            slug="array-damaged",
            hint="save it again with numpy.save or numpy.savez",
        ) from error
    _require_kind(what, shape, dtype)
    return ArrayFile(path, member, shape, dtype, fortran)


def _rewound(stream: IO[bytes], major: int) -> IO[bytes]:
    """The header alone: numpy would read as much as its length field asks for."""
    size = 2 if major == 1 else 4
    length = _exactly(stream, size)
    n = struct.unpack("<H" if major == 1 else "<I", length)[0] if len(length) == size else 0
    if n > 1 << 20:
        raise ValueError(f"a header of {n:,} bytes")
    return io.BytesIO(length + _exactly(stream, n))


def _require_kind(what: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if dtype.hasobject:
        raise DataError(
            f"{what} contains Python objects, which can run code",
            slug="array-objects",
            hint="save it as a plain array: numbers, or text with array.astype(str)",
        )
    plain = dtype.kind in _KINDS and dtype.itemsize > 0 and dtype.subdtype is None
    if not plain or any(n < 0 for n in shape):
        raise DataError(
            f"{what} holds {dtype}, shape {shape}: neither numbers nor text",
            slug="array-kind",
            hint="save labels as integers or text, scores as floats",
        )


def _exactly(stream: IO[bytes], n: int) -> bytes:
    """`n` bytes, or fewer at the end."""
    parts = []
    while n > 0 and (part := stream.read(min(n, _BLOCK))):
        parts.append(part)
        n -= len(part)
    return b"".join(parts)


@contextmanager
def _member(path: Path, member: str) -> Iterator[IO[bytes]]:
    if not member:
        with path.open("rb") as stream:
            yield stream
        return
    with zipfile.ZipFile(path) as archive, archive.open(member) as stream:
        yield stream


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        with readable(path):
            yield
    except (
        EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError,
        struct.error, KeyError, UnicodeError,
    ) as error:  # fmt: skip
        raise DataError(
            f"{quoted(path.name)} can't be read: {printable(str(error))[:120]}",
            slug="array-damaged",
            hint="save or copy it again",
        ) from error
