"""The images in the cells of Parquet and Arrow files, read on demand, in any order.

In row order, each file is read once, and only a few rows are kept in memory.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any, Protocol

from reportgen.importers.formats.schemas import readable_as

__all__ = [
    "ImageCell",
    "ImageCells",
    "path_texts",
]


_ROWS = 32  # kept in memory at once


_BUFFER = 1 << 20


@dataclass(frozen=True)
class ImageCell:
    """The bytes of an image file, or its path; both None for a missing image."""

    content: bytes | None
    path: str | None = None


@dataclass
class ImageCells:
    """The cells of one column in several files, for a single process.

    Attributes
    ----------
    paths
        The files: Parquet, or Arrow files and streams.
    column
        Name of the column of images: bytes, structs with ``bytes`` and ``path``, or paths.
    """

    paths: Sequence[Path]
    column: str
    _open: dict[int, _Rows] = field(default_factory=dict, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Without open files: another process opens its own."""
        return {"paths": self.paths, "column": self.column, "_open": {}}

    def read(self, file: int, row: int) -> ImageCell:
        """The cell in row `row` of file `file`, both from 0.

        Raises :class:`DataError` if the file can't be read.
        """
        if file not in self._open:
            self._open.clear()  # one file open at a time
            self._open[file] = _open(self.paths[file], self.column)
        path = self.paths[file]
        with readable_as(path, _kind(path)):
            return _cell_of(self._open[file].at(row))

    def close(self) -> None:
        """Close the open file."""
        self._open.clear()


def path_texts(paths: Sequence[Path], column: str) -> list[str | None]:
    """The ``path`` of each cell, file after file, without reading the bytes if possible."""
    found: list[str | None] = []
    for path in paths:
        with readable_as(path, _kind(path)):
            for array in _open(path, column).paths():
                found += array.to_pylist()
    return found


class _Rows(Protocol):
    """The column in one file."""

    def at(self, row: int) -> Any:
        """The cell in that row, as an Arrow scalar."""

    def paths(self) -> Iterator[Any]:
        """Arrow arrays of the paths in the cells."""


def _open(path: Path, column: str) -> _Rows:
    with readable_as(path, _kind(path)):
        return _ParquetRows(path, column) if _kind(path) == "Parquet" else _ArrowRows(path, column)


def _kind(path: Path) -> str:
    with path.open("rb") as stream:
        return "Parquet" if stream.read(4) == b"PAR1" else "Arrow"


class _Forward:
    """Blocks of rows, one of which is kept; earlier rows are read again from the start."""

    def __init__(self) -> None:
        self.pieces: Iterator[Any] = iter(())
        self.begin = self.end = 0
        self.held: Any = None

    def start(self, pieces: Iterator[Any], row: int) -> None:
        """Continue with `pieces`, the first of which begins with row `row`."""
        self.pieces, self.begin, self.end, self.held = pieces, row, row, None

    def at(self, row: int) -> Any:
        while row >= self.end:
            self.held = next(self.pieces)
            self.begin, self.end = self.end, self.end + len(self.held)
        return self.held[row - self.begin]


class _ParquetRows:
    """Each row group is read from its start to the requested row."""

    def __init__(self, path: Path, column: str) -> None:
        import pyarrow.parquet as pq

        self.column = column
        self.file = pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER)
        facts = self.file.metadata
        sizes = [facts.row_group(i).num_rows for i in range(facts.num_row_groups)]
        self.starts = list(accumulate(sizes, initial=0))
        self.group = -1
        self.rows = _Forward()

    def at(self, row: int) -> Any:
        group = bisect_right(self.starts, row) - 1
        if group != self.group or row < self.rows.begin:
            pieces = self.file.iter_batches(
                _ROWS, row_groups=[group], columns=[self.column], use_threads=False
            )
            self.group = group
            self.rows.start((batch.column(0) for batch in pieces), self.starts[group])
        return self.rows.at(row)

    def paths(self) -> Iterator[Any]:
        for batch in self.file.iter_batches(columns=[f"{self.column}.path"], use_threads=False):
            yield batch.column(0).field("path")


class _ArrowRows:
    """The file is memory-mapped: only requested rows are read."""

    def __init__(self, path: Path, column: str) -> None:
        self.path, self.column = path, column
        self.rows = _Forward()
        self.is_begun = False

    def at(self, row: int) -> Any:
        if not self.is_begun or row < self.rows.begin:
            self.is_begun = True
            self.rows.start(self._arrays(), 0)
        return self.rows.at(row)

    def paths(self) -> Iterator[Any]:
        return (array.field("path") for array in self._arrays())

    def _arrays(self) -> Iterator[Any]:
        import pyarrow as pa

        with pa.memory_map(str(self.path), "r") as source:
            is_file = source.read(6) == b"ARROW1"
            source.seek(0)
            reader = pa.ipc.open_file(source) if is_file else pa.ipc.open_stream(source)
            at = reader.schema.get_field_index(self.column)
            n = reader.num_record_batches if is_file else 0
            for batch in map(reader.get_batch, range(n)) if is_file else reader:
                array = batch.column(at)
                array.validate(full=True)  # an offset out of range would crash the process
                yield array


def _cell_of(scalar: Any) -> ImageCell:
    if not scalar.is_valid:
        return ImageCell(None)
    value = scalar.as_py()
    if isinstance(value, bytes):
        return ImageCell(value)
    if isinstance(value, str):
        return ImageCell(None, value)
    return ImageCell(value.get("bytes"), value.get("path"))
