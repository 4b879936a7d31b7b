"""Arrays: ``.npy``, ``.npz``, and arrays in memory. Never unpickled.

The declared size is compared with that of the file, and with free memory, before reading.
Two-dimensional arrays (scores) are streamed; one-dimensional ones are kept in memory.
"""

from __future__ import annotations

import io
import lzma
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion_counter import as_array, is_missing
from reportgen.errors import DataError, UsageError
from reportgen.importers.columns.words import is_called
from reportgen.importers.formats.limits import (
    FileState,
    bytes_words,
    file_sha256,
    file_state,
    readable,
    require_memory,
    require_plain_file,
    require_unchanged,
)
from reportgen.importers.formats.tables import BOOLEAN, LIST, NUMBER, OTHER, TEXT, Column
from reportgen.text import count, printable, quoted

__all__ = [
    "ArrayFile",
    "ArraysTable",
    "array_files",
    "npy_file",
]


_BLOCK = 1 << 22


_BOMB_RATIO, _BOMB_BYTES = 200, 256 << 20


_MAGIC = b"\x93NUMPY"


_PLAIN_KINDS = "biufUSV"


@dataclass(frozen=True)
class ArrayFile:
    """A saved array, not read yet.

    Attributes
    ----------
    path, member
        The file, and the name inside an ``.npz``; empty in an ``.npy``.
    shape, dtype, fortran
        As in its header.
    start
        Offset of its data in bytes.
    """

    path: Path
    member: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    start: int = 0

    @property
    def n_bytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize

    @property
    def words(self) -> str:
        """Its name in error messages."""
        name = self.member.removesuffix(".npy")
        return f"the array {quoted(name)} of {quoted(self.path.name)}" if name else quoted(
            self.path.name
        )  # fmt: skip

    def read(self) -> NDArray[Any]:
        """Read the whole array. Refused if it does not fit into half of the free memory."""
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
        """Blocks of at most `rows` rows of a two-dimensional array, shape (n, C)."""
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
    """The array of an ``.npy``; raises :class:`DataError` if its header is invalid."""
    size = require_plain_file(path)
    with _reading(path), path.open("rb") as stream:
        array = _header(stream, path, "")
        there = size - stream.tell()
    array._require_whole(there)
    return array


def array_files(path: Path) -> dict[str, ArrayFile]:
    """The arrays of an ``.npz``, by name; other members are ignored.

    Raises :class:`DataError` if it is not an archive, an array contains Python objects, or it
    unpacks to an absurd size.
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
            f"{quoted(path.name)} contains no arrays",
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
            hint="if this is intended, save it uncompressed with numpy.savez",
        )


def _header(stream: IO[bytes], path: Path, member: str) -> ArrayFile:
    """Read an array's header; the stream is then positioned at its data."""
    what = quoted(member.removesuffix(".npy") or path.name)
    magic = _exactly(stream, 8)
    if len(magic) < 8 or not magic.startswith(_MAGIC):
        raise DataError(
            f"{what} is not a NumPy array",
            slug="array-damaged",
            hint="save it with numpy.save or numpy.savez",
        )
    try:
        rest, n = _rewound(stream, major=magic[6])
        read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about headers that Python 2 wrote
            shape, fortran, dtype = read[magic[6]](rest)
    # numpy passes the text to Python's tokenizer, which can raise anything
    except Exception as error:
        raise DataError(
            f"the header of {what} can't be read: {printable(str(error))[:120]}",
            slug="array-damaged",
            hint="save it again with numpy.save or numpy.savez",
        ) from error
    _require_kind(what, shape, dtype)
    return ArrayFile(path, member, shape, dtype, fortran, len(magic) + n)


def _rewound(stream: IO[bytes], major: int) -> tuple[IO[bytes], int]:
    """The header alone, and its length: numpy would read as much as the length field requests."""
    size = 2 if major == 1 else 4
    length = _exactly(stream, size)
    n = struct.unpack("<H" if major == 1 else "<I", length)[0] if len(length) == size else 0
    if n > 1 << 20:
        raise ValueError(f"a header of {n:,} bytes")
    return io.BytesIO(length + _exactly(stream, n)), size + n


def _require_kind(what: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if dtype.hasobject:
        raise DataError(
            f"{what} contains Python objects, which can run code",
            slug="array-objects",
            hint="save it as a plain array: numbers, or text with array.astype(str)",
        )
    plain = dtype.kind in _PLAIN_KINDS and dtype.itemsize > 0 and dtype.subdtype is None
    if not plain or any(n < 0 for n in shape):
        raise DataError(
            f"{what} contains {dtype}, shape {shape}: neither numbers nor text",
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
        EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError,
        struct.error, KeyError, UnicodeError,
    ) as error:  # fmt: skip
        raise DataError(
            f"{quoted(path.name)} can't be read: {printable(str(error))[:120]}",
            slug="array-damaged",
            hint="save or copy it again",
        ) from error


CLASS_NAMES = ("classes", "class_names", "label_names", "target_names", "class_labels")


_KINDS = {"b": BOOLEAN, "i": NUMBER, "u": NUMBER, "f": NUMBER, "U": TEXT, "S": TEXT, "O": TEXT}


@dataclass(frozen=True)
class ArraysTable:
    """Arrays by name, as columns: two-dimensional arrays are columns of lists.

    Attributes
    ----------
    path
        The file; None for arrays in memory.
    arrays
        The arrays; those of a file are read on demand.
    n_rows
        Known once :meth:`settled`; -1 before.
    state
        State of the file when it was opened, for checks when reading later.
    """

    name: str
    path: Path | None
    arrays: Mapping[str, NDArray[Any] | ArrayFile]
    n_rows: int = -1
    state: FileState | None = None

    @classmethod
    def of_npz(cls, path: Path) -> ArraysTable:
        state = file_state(path)
        arrays = {name: _flat(name, array) for name, array in array_files(path).items()}
        return cls(path.name, path, arrays, state=state)

    @classmethod
    def of_npy(cls, path: Path, *, labels_follow: bool) -> ArraysTable:
        """An array of scores (N, C) or predictions (N,), whose labels are passed separately;

        or a structured array (N,) whose fields are columns.
        """
        state = file_state(path)
        array = npy_file(path)
        if array.dtype.names is not None and len(array.shape) == 1:
            whole = array.read()
            return cls(path.name, path, {name: whole[name] for name in array.dtype.names})
        if not labels_follow:
            raise UsageError(
                f"{quoted(path.name)} contains one array of shape {array.shape}, and no labels",
                slug="labels-needed",
                hint="pass them with --labels TABLE, or read a square matrix of counts with "
                "--kind matrix",
            )
        role = "scores" if len(array.shape) == 2 else "prediction"
        return cls(path.name, path, {role: array}, state=state)

    @classmethod
    def of_mapping(cls, columns: Mapping[Any, Any], name: str) -> ArraysTable:
        """Construct from arrays, tensors or lists in memory."""
        return cls(name, None, {str(key): as_array(value) for key, value in columns.items()})

    @classmethod
    def of_frame(cls, frame: Any) -> ArraysTable:
        """Construct from a DataFrame: its columns, not its index."""
        names = [str(column) for column in frame.columns]
        if len(set(names)) < len(names):
            raise DataError(
                "the DataFrame has two columns of one name",
                slug="table-columns",
                hint="give each column a unique name",
            )
        return cls.of_mapping({column: frame[column] for column in frame.columns}, "a DataFrame")

    @cached_property
    def sha256(self) -> str:
        digest = "" if self.path is None else file_sha256(self.path)
        self._require_unchanged()
        return digest

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        return {name: _column(name, array) for name, array in self.arrays.items()}

    def class_names(self) -> tuple[tuple[str, ...], str] | None:
        """The class list among the arrays and its name, or None."""
        for name in CLASS_NAMES:
            if name in self.arrays and (texts := self.texts(name)):
                return texts, name
        return None

    def texts(self, name: str) -> tuple[str, ...]:
        """The texts of an array; empty if it contains other values."""
        if self.columns[name].kind != TEXT:
            return ()
        texts = _texts(name, self.whole(name))
        return tuple(map(str, texts)) if all(text is not None for text in texts) else ()

    def settled(self, used: Sequence[str]) -> ArraysTable:
        """Set the number of rows from the arrays in `used`, and drop arrays of another length.

        Raises :class:`DataError` with both lengths if they differ; nothing is cut.
        """
        lengths = {name: len_of(self.arrays[name]) for name in used}
        first, n_rows = next(iter(lengths.items()))
        for name, n in lengths.items():
            if n != n_rows:
                raise DataError(
                    f"{quoted(first)} has {count(n_rows)} rows, {quoted(name)} has {count(n)}",
                    slug="length-mismatch",
                    hint="labels, predictions and scores need one row for each sample",
                )
        fitting = {name: array for name, array in self.arrays.items() if len_of(array) == n_rows}
        return replace(self, arrays=fitting, n_rows=n_rows)

    def batches(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        import pyarrow as pa

        if not columns:
            yield from (
                pa.record_batch([pa.nulls(min(rows, self.n_rows - i))], names=[""])
                for i in range(0, self.n_rows, rows)
            )
            return
        pieces = [self._pieces(name, rows) for name in columns]
        for arrays in zip(*pieces, strict=True):
            yield pa.RecordBatch.from_arrays(list(arrays), names=list(columns))

    def place(self, row: int) -> str:
        return f"row {count(row)} (from 0)"

    def whole(self, name: str) -> NDArray[Any]:
        """One of the arrays, in memory."""
        array = self.arrays[name]
        found = array.read() if isinstance(array, ArrayFile) else array
        self._require_unchanged()
        return found

    def _require_unchanged(self) -> None:
        if self.path is not None and self.state is not None:
            require_unchanged(self.path, self.state)

    def _pieces(self, name: str, rows: int) -> Iterator[Any]:
        import pyarrow as pa

        array = self.arrays[name]
        if self.columns[name].kind == LIST:
            for block in (
                array.blocks(rows)
                if isinstance(array, ArrayFile)
                else (array[i : i + rows] for i in range(0, self.n_rows, rows))
            ):
                flat = pa.array(_native(block).ravel())
                yield pa.FixedSizeListArray.from_arrays(flat, block.shape[1])
            self._require_unchanged()
            return
        whole = self.whole(name)
        for start in range(0, self.n_rows, rows):
            piece = whole[start : start + rows]
            if self.columns[name].kind == TEXT:
                yield pa.array(_texts(name, piece), pa.string())
            else:
                yield pa.array(_native(piece))


def _flat(name: str, array: ArrayFile) -> NDArray[Any] | ArrayFile:
    """An array without trailing axes of length 1.

    (N, C, 1, 1) becomes (N, C); labels and other whole numbers (N, 1) become (N,).
    """
    shape = array.shape
    whole = array.dtype.kind in "iub" or is_called(name, "label")
    wanted = shape
    while len(wanted) > 2 and wanted[-1] == 1:
        wanted = wanted[:-1]
    if len(wanted) == 2 and wanted[1] == 1 and whole:
        wanted = wanted[:1]
    return array if wanted == shape else array.read().reshape(wanted)


def len_of(array: NDArray[Any] | ArrayFile) -> int:
    """Number of rows; -1 for a scalar."""
    return array.shape[0] if array.shape else -1


def _column(name: str, array: NDArray[Any] | ArrayFile) -> Column:
    kind = _KINDS.get(array.dtype.kind, OTHER)
    single = array.dtype.kind == "f" and array.dtype.itemsize <= 4
    if len(array.shape) == 2 and kind in (NUMBER, BOOLEAN) and array.shape[1] > 0:
        return Column(name, LIST, array.shape[1], single=single)
    if len(array.shape) == 2 and array.shape[1] == 1 and isinstance(array, np.ndarray):
        return _column(name, array[:, 0])
    if len(array.shape) != 1:
        return Column(name, OTHER)
    mixed = _mixed(array) if array.dtype.kind == "O" and isinstance(array, np.ndarray) else ""
    return Column(name, kind, mixed=mixed, single=single)


def _mixed(array: NDArray[Any]) -> str:
    """Examples of a text and a number in an array of Python objects with both, in words."""
    text = next((v for v in array.flat if isinstance(v, str)), None)
    number = next((v for v in array.flat if not isinstance(v, str) and not is_missing(v)), None)
    if text is None or number is None:
        return ""
    return f"the text {quoted(text[:40])}, the number {quoted(str(number)[:40])}"


def _texts(name: str, array: NDArray[Any]) -> list[str | None]:
    """The cells as text; bytes are decoded as UTF-8, missing cells are None."""
    try:
        if array.dtype.kind == "S":
            return [bytes(value).decode("utf-8") for value in array.tolist()]
        if array.dtype.kind == "U":
            texts: list[str | None] = array.tolist()
            return [_whole_text(text) for text in texts]
        return [None if is_missing(value) else _whole_text(str(value)) for value in array.tolist()]
    except (UnicodeError, ValueError, TypeError) as error:
        raise DataError(
            f"the array {quoted(name)} contains bytes or characters that are not text",
            slug="array-kind",
            hint="save text as numpy's str, or as UTF-8 bytes",
        ) from error


def _whole_text(text: str | None) -> str:
    assert text is not None
    text.encode("utf-8")  # refuse unpaired surrogates here, not in a later writer
    return text


def _native(array: NDArray[Any]) -> NDArray[Any]:
    """In a dtype that Arrow supports: native byte order, float32 or float64."""
    if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        return array.astype(np.float32 if array.dtype.itemsize == 2 else np.float64)
    return np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="), copy=False))
