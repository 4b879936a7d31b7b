"""`Table`: named columns of equal length, read in batches; what every format becomes first.

Formats that can only be read from start to end, such as text, are read once into a *spool*: in
memory while they are small, else in an Arrow stream in a folder that the caller gives and removes.
The others are read in place.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from reportgen.errors import DataError
from reportgen.files import output_error
from reportgen.text import quoted

__all__ = [
    "BOOLEAN",
    "HELD_BYTES",
    "LIST",
    "NARROW_ROWS",
    "NUMBER",
    "OTHER",
    "TEXT",
    "Column",
    "DerivedTable",
    "Spool",
    "Table",
    "is_single_type",
    "is_text_type",
    "is_unnamed",
    "is_weak_name",
    "kind_of_type",
    "require_columns",
    "rows_at_once",
    "sliced",
]


_ROW_WORDS = frozenset(
    {"index", "idx", "row", "rows", "nr", "no", "no.", "#", "i", "line", "rowid"}
)


_UNNAMED = re.compile(r"\(column \d+\)|Unnamed: \d+|__index_level_\d+__")


HELD_BYTES = 96 << 20
"""A table that was read through is held in memory up to this size."""


NARROW_ROWS = 1 << 17
"""Rows that are read at once where each of their columns has one value per row."""


_VALUES_AT_ONCE = 8 * NARROW_ROWS


def rows_at_once(n_columns: int) -> int:
    """Rows to read at once of `n_columns` columns with one value per row: as many values of wide
    tables as of narrow ones.

    >>> rows_at_once(3), rows_at_once(200)
    (131072, 5242)
    """
    return min(NARROW_ROWS, max(_VALUES_AT_ONCE // max(n_columns, 1), 1))


TEXT, NUMBER, BOOLEAN, LIST, OTHER = "text", "number", "boolean", "list", "other"


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    kind
        What its cells are: ``"text"``, ``"number"``, ``"boolean"``, ``"list"`` (of numbers) or
        ``"other"``, which can't be used.
    width
        Numbers in each list, where that is known.
    names
        Where lists came with names (a mapping from class to score): these, in order.
    mixed
        Where the cells are partly text and partly numbers: one example of each, in words.
    single
        Whether its numbers, or those of its lists, were saved in single or half precision
        (float32, float16).
    comma
        Whether its texts are numbers with a decimal comma, where they are numbers.
    separator
        What separated its cells from others, where only the header said so.
    """

    name: str
    kind: str
    width: int | None = None
    names: tuple[str, ...] | None = None
    mixed: str = ""
    single: bool = False
    comma: bool = False
    separator: str = ""


class Table(Protocol):
    """What is read: columns, rows, and where in the file a row is."""

    @property
    def name(self) -> str:
        """Base name of the file, or what the user gave in words."""

    @property
    def sha256(self) -> str:
        """Of the file's bytes, hexadecimal; empty where there is no file."""

    @property
    def columns(self) -> Mapping[str, Column]:
        """By name, in order."""

    @property
    def n_rows(self) -> int:
        """Number of rows."""

    def batches(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        """Arrow record batches of the named columns, of at most `rows` rows, in order."""

    def place(self, row: int) -> str:
        """Where row `row` (from 0) is, in the user's words: ``line 57``."""


@dataclass(frozen=True)
class DerivedTable:
    """A table with the name, the rows and the places of `base`; its columns are for subclasses."""

    base: Table

    @property
    def name(self) -> str:
        return self.base.name

    @property
    def sha256(self) -> str:
        return self.base.sha256

    @property
    def n_rows(self) -> int:
        return self.base.n_rows

    def place(self, row: int) -> str:
        return self.base.place(row)


def kind_of_type(kind: Any) -> str:
    """Which kind of :class:`Column` an Arrow type is."""
    import pyarrow.types as t

    if t.is_dictionary(kind):
        kind = kind.value_type
    if is_text_type(kind) or t.is_null(kind):
        return TEXT
    if t.is_integer(kind) or t.is_floating(kind) or t.is_decimal(kind):
        return NUMBER
    if t.is_boolean(kind):
        return BOOLEAN
    is_list = t.is_list(kind) or t.is_large_list(kind) or t.is_fixed_size_list(kind)
    if is_list and kind_of_type(kind.value_type) in (NUMBER, BOOLEAN):
        return LIST
    return OTHER


def is_single_type(kind: Any) -> bool:
    """Whether an Arrow type contains numbers of single or half precision, or lists of them."""
    import pyarrow.types as t

    kind = getattr(kind, "value_type", kind)
    return bool(t.is_float16(kind) or t.is_float32(kind))


def is_text_type(kind: Any) -> bool:
    """Whether an Arrow type is one of those for text, old and new."""
    return str(kind) in ("string", "large_string", "string_view")


def is_unnamed(name: str) -> bool:
    """Whether a column has no name of its own: mostly row numbers that pandas wrote."""
    return _UNNAMED.fullmatch(name) is not None


def is_weak_name(name: str) -> bool:
    """Whether a column may contain nothing but row numbers, by its name."""
    return is_unnamed(name) or name.strip().lower() in _ROW_WORDS


def sliced(batch: Any, rows: int) -> Iterator[Any]:
    """`batch` in pieces of at most `rows` rows, no copy."""
    if len(batch) <= rows:
        yield batch
        return
    for start in range(0, len(batch), rows):
        yield batch.slice(start, rows)


@dataclass(frozen=True)
class Spool:
    """A table that was read once from start to end: kept in memory while small, else on disk.

    Attributes
    ----------
    held
        The batches, where they are small enough.
    path
        Else the Arrow stream that contains them; the caller removes its folder.
    find
        Row (from 0) → its place in the original file, in words.
    """

    name: str
    sha256: str
    columns: Mapping[str, Column]
    n_rows: int
    held: tuple[Any, ...]
    path: Path | None
    find: Callable[[int], str] = field(repr=False)

    @classmethod
    def of(
        cls,
        batches: Iterator[Any],
        folder: Path,
        *,
        name: str,
        sha256: str,
        columns: Mapping[str, Column],
        find: Callable[[int], str],
    ) -> Spool:
        """Keep `batches`; :class:`OutputError` where the folder has no room for large ones."""
        held: list[Any] = []
        n_bytes = 0
        for batch in batches:
            held.append(batch)
            n_bytes += batch.nbytes
            if n_bytes > HELD_BYTES:
                path, n_rows = _write(folder, chain(held, batches))
                return cls(name, sha256, columns, n_rows, (), path, find)
        return cls(name, sha256, columns, sum(map(len, held)), tuple(held), None, find)

    def batches(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        for batch in self.held if self.path is None else _read(self.path):
            yield from sliced(batch.select(list(columns)), rows)

    def place(self, row: int) -> str:
        return self.find(row)

    @property
    def n_bytes(self) -> int:
        """Memory that its rows take."""
        return sum(batch.nbytes for batch in self.held)

    def on_disk(self, folder: Path) -> Spool:
        """The same, its rows moved into `folder`; :class:`OutputError` where that has no room."""
        if not self.held:
            return self
        return replace(self, held=(), path=_write(folder, iter(self.held))[0])


def _write(folder: Path, batches: Iterator[Any]) -> tuple[Path, int]:
    """(path, number of rows) of a new Arrow stream; there is one batch at least."""
    import pyarrow as pa

    path, first = _new_path(folder), next(batches)
    n_rows = 0
    try:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, first.schema) as writer:
            for batch in chain([first], batches):
                writer.write_batch(batch)
                n_rows += len(batch)
    except OSError as error:
        raise output_error(path, error) from error
    return path, n_rows


def _read(path: Path) -> Iterator[Any]:
    import pyarrow as pa

    # mapped, so that a column that nobody looks at is not read from the disk
    with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as reader:
        yield from reader


def _new_path(folder: Path) -> Path:
    try:
        with tempfile.NamedTemporaryFile(
            dir=folder, prefix="table-", suffix=".arrow", delete=False
        ) as stream:
            return Path(stream.name)
    except OSError as error:
        raise output_error(folder / "table.arrow", error) from error


def require_columns(name: str, names: Sequence[str]) -> None:
    """Refuse names that appears twice: which column is meant is unknown."""
    seen: dict[str, int] = {}
    for position, column in enumerate(names, start=1):
        first = seen.setdefault(column, position)
        if first != position:
            raise DataError(
                f"{quoted(name)} has two columns {quoted(column)}: {first} and {position}",
                slug="table-columns",
                hint="give each column a unique name; where the first line contains values, "
                "add a header line above it, such as path,label,prediction",
            )
