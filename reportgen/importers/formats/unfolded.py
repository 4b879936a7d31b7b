"""Columns with lists in cells: top-k lists become columns, score texts become number lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reportgen.errors import DataError
from reportgen.importers.formats.cell_lists import CellReader, listed, numbered, scored
from reportgen.importers.formats.schemas import schema_of
from reportgen.importers.formats.tables import LIST, OTHER, TEXT, Column, DerivedTable, Table
from reportgen.text import plural, quoted

__all__ = [
    "can_hold_lists",
    "first_cells",
    "unfolded",
    "with_score_lists",
]


_MOST = 256


_LOOKED_AT = 200


def first_cells(table: Table, *columns: str) -> list[list[Any]]:
    """The cells of the first rows, by column."""
    batch = next((b for b in table.batches(columns, _LOOKED_AT) if len(b)), None)
    if batch is None:
        return [[] for _ in columns]
    return [batch.column(i).slice(0, _LOOKED_AT).to_pylist() for i in range(len(columns))]


@dataclass(frozen=True)
class Unfolded(DerivedTable):
    """A table in which ``prob`` with cells such as ``[0.7, 0.2]`` is ``prob_0`` and ``prob_1``.

    Attributes
    ----------
    lists
        Column of lists → its new columns.
    readers
        Column of lists → the reader of its cells.
    """

    lists: Mapping[str, tuple[str, ...]]
    readers: Mapping[str, CellReader]
    columns: Mapping[str, Column]
    _parents: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    def batches(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        import pyarrow as pa

        needed = [self._parents[name][0] if name in self._parents else name for name in columns]
        start = 0
        for batch in self.base.batches(list(dict.fromkeys(needed)), rows):
            cells = {
                name: self._cells(name, batch.column(name), start)
                for name in self.lists
                if name in needed
            }
            arrays = [
                pa.array([row[self._parents[name][1]] for row in cells[self._parents[name][0]]])
                if name in self._parents
                else batch.column(name)
                for name in columns
            ]
            yield pa.RecordBatch.from_arrays(arrays, names=list(columns))
            start += len(batch)

    def _cells(self, name: str, array: Any, start: int) -> list[list[str]]:
        wanted = len(self.lists[name])
        rows = []
        for i, cell in enumerate(array.to_pylist()):
            found = self.readers[name](cell)
            if found is None or len(found) != wanted:
                raise _other_length(self.place(start + i), name, found, wanted)
            rows.append(found)
        return rows


def _other_length(place: str, name: str, found: Any, wanted: int) -> DataError:
    what = "no list" if found is None else plural(len(found), "value")
    return DataError(
        f"{place}: {what} in {quoted(name)}, not {wanted}",
        slug="table-cell",
        hint="every row needs as many values as the first",
    )


def can_hold_lists(table: Table, column: str) -> bool:
    """Whether the cells of a column may be lists, as such or as text."""
    kind = table.columns[column].kind
    if kind == OTHER:
        schema = schema_of(table)
        return schema is not None and "list" in str(schema.field(column).type)[:12]
    return kind in (TEXT, LIST)


def unfolded(
    table: Table, wanted: Sequence[str], ranked: Mapping[str, CellReader] | None = None
) -> Table:
    """The table with the columns `wanted` unfolded, if their first cells are lists of at least two.

    Otherwise the same table. `ranked` maps columns of top classes to the readers of their cells:
    they become ``top_1``, ``top_2``, …
    """
    lists, readers = dict[str, tuple[str, ...]](), dict[str, CellReader]()
    for name in dict.fromkeys([*(ranked or {}), *wanted]):
        if not can_hold_lists(table, name):
            continue
        read = (ranked or {}).get(name, listed)
        found = read(next(iter(first_cells(table, name)[0]), None))
        if found is not None and 2 <= len(found) <= _MOST:
            of_ranks = name in (ranked or {})
            lists[name] = tuple(
                f"top_{i + 1}" if of_ranks else f"{name}_{i}" for i in range(len(found))
            )
            readers[name] = read
    if not lists:
        return table
    columns: dict[str, Column] = {}
    parents: dict[str, tuple[str, int]] = {}
    for name, column in table.columns.items():
        if name not in lists:
            columns[name] = column
            continue
        for i, new in enumerate(lists[name]):
            columns[new], parents[new] = Column(new, TEXT), (name, i)
    return Unfolded(table, lists, readers, columns, parents)


@dataclass(frozen=True)
class _WithLists(DerivedTable):
    """A table whose text columns `lists` become number lists; `columns` has widths and names."""

    columns: Mapping[str, Column]
    lists: Mapping[str, Column]

    def batches(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        import pyarrow as pa

        start = 0
        for batch in self.base.batches(columns, rows):
            arrays = [
                self._numbers(self.lists[name], batch.column(i), start)
                if name in self.lists
                else batch.column(i)
                for i, name in enumerate(columns)
            ]
            yield pa.RecordBatch.from_arrays(arrays, names=list(columns))
            start += len(batch)

    def _numbers(self, column: Column, array: Any, start: int) -> Any:
        import pyarrow as pa

        found = []
        for i, cell in enumerate(array.to_pylist()):
            values = _values(column, cell)
            if values is None or len(values) != column.width:
                raise _other_length(
                    self.place(start + i), column.name, values, int(column.width or 0)
                )
            found.append(values)
        return pa.array(found, pa.list_(pa.float64()))


def _values(column: Column, cell: Any) -> list[float] | None:
    if column.names is None:
        found = numbered(cell)
        return None if found is None else list(map(float, found))
    scores = scored(cell)
    if scores is None or set(scores) != set(column.names):
        return None
    return [scores[name] for name in column.names]


def with_score_lists(table: Table, wanted: Sequence[str]) -> Table:
    """Parse the columns `wanted` whose cells are text such as ``[0.7, 0.3]`` to lists of numbers.

    Objects such as ``{"cat": 0.7, "dog": 0.3}`` too. Returns the same table if there are none.
    Lists of whole numbers are not scores: they may be classes.
    """
    lists = {}
    for name in wanted:
        cells = [cell for cell in first_cells(table, name)[0] if cell not in (None, "")]
        if table.columns[name].kind != TEXT or not cells:
            continue
        if (objects := scored(cells[0])) is not None:
            lists[name] = Column(name, LIST, len(objects), tuple(objects))
            continue
        found = [numbered(cell) for cell in cells]
        if all(found) and not all(part.isdecimal() for row in found for part in row or ()):
            lists[name] = Column(name, LIST, len(found[0] or ()))
    return _WithLists(table, {**table.columns, **lists}, lists) if lists else table
