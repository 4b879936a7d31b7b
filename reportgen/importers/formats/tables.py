"""`Table`: named columns of equal length, read in batches; the common form of every format.

Formats that can only be read sequentially, such as text, are read once into a *spool*: in memory
while small, otherwise in an Arrow stream in a folder that the caller provides and removes. The
others are read in place.
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
"""A spooled table is kept in memory up to this size."""


NARROW_ROWS = 1 << 17
"""Rows read at once if each column has one value per row."""


_VALUES_AT_ONCE = 8 * NARROW_ROWS


def rows_at_once(n_columns: int) -> int:
    """Rows to read at once of `n_columns` columns with one value per row.

    The number of values is limited, also for wide tables.

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
        The kind of its cells: ``"text"``, ``"number"``, ``"boolean"``, ``"list"`` (of numbers) or
        ``"other"``, which can't be used.
    width
        Numbers per list, if known.
    names
        Names of the list entries, in order, if cells were mappings from class to score.
    mixed
        If cells are partly text and partly numbers: an example of each, in words.
    single
        Whether its numbers, or those of its lists, were saved in single or half precision
        (float32, float16).
    comma
        Whether numbers in text have a decimal comma.
    separator
        The delimiter, if it was detected from the header.
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
    """Columns, rows, and the location of a row in the file."""

    @property
    def name(self) -> str:
        """Base name of the file, or the name given by the user."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the file's bytes, hexadecimal; empty without a file."""

    @property
    def columns(self) -> Mapping[str, Column]:
        """The columns by name, in order."""

    @property
    def n_rows(self) -> int:
        """Number of rows."""

    def batches(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        """Arrow record batches of the named columns, of at most `rows` rows, in order."""

    def place(self, row: int) -> str:
        """Location of row `row` (from 0), in the user's terms: ``line 57``."""


@dataclass(frozen=True)
class DerivedTable:
    """A table with the name, rows and locations of `base`; subclasses define its columns."""

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
    """The kind of :class:`Column` for an Arrow type."""
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
    """Whether an Arrow type is one of the text types."""
    return str(kind) in ("string", "large_string", "string_view")


def is_unnamed(name: str) -> bool:
    """Whether a column is unnamed: usually row numbers written by pandas."""
    return _UNNAMED.fullmatch(name) is not None


def is_weak_name(name: str) -> bool:
    """Whether a column may contain only row numbers, judged by its name."""
    return is_unnamed(name) or name.strip().lower() in _ROW_WORDS


def sliced(batch: Any, rows: int) -> Iterator[Any]:
    """`batch` in slices of at most `rows` rows, without copying."""
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
        The batches, if they are small enough to be kept in memory.
    path
        Otherwise the Arrow stream with them; the caller removes its folder.
    find
        Row (from 0) → its location in the original file, in words.
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
        """Store `batches`.

        Raises :class:`OutputError` if the folder has no space for large ones.
        """
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
        """Memory used by the rows, in bytes."""
        return sum(batch.nbytes for batch in self.held)

    def on_disk(self, folder: Path) -> Spool:
        """The same spool with its rows moved into `folder`.

        Raises :class:`OutputError` if it has no space.
        """
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

    # memory-mapped, so that unused columns are not read
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
    """Refuse duplicate column names."""
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
