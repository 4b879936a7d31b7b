"""Columns whose cells are lists of a few values, as text: each place becomes a column."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reportgen.errors import DataError
from reportgen.importers.formats.schemas import schema_of
from reportgen.importers.formats.tables import LIST, OTHER, TEXT, Column, Table
from reportgen.jsonio import literal
from reportgen.text import plural, quoted

__all__ = [
    "Unfolded",
    "unfolded",
]


_LONGEST = 1 << 14


_MOST = 256


_PART = re.compile(r"'[^']*'|\"[^\"]*\"|[^\s,]+")


@dataclass(frozen=True)
class Unfolded:
    """A table in which ``prob`` with cells such as ``[0.7, 0.2]`` is ``prob_0`` and ``prob_1``.

    Attributes
    ----------
    base
        The table.
    lists
        Column of lists → its new columns.
    """

    base: Table
    lists: Mapping[str, tuple[str, ...]]
    columns: Mapping[str, Column]
    _parents: Mapping[str, tuple[str, int]] = field(default_factory=dict)

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
            found = listed(cell)
            if found is None or len(found) != wanted:
                what = "no list" if found is None else plural(len(found), "value")
                raise DataError(
                    f"{self.place(start + i)}: {what} in {quoted(name)}, not {wanted}",
                    slug="table-cell",
                    hint="every row needs as many values as the first",
                )
            rows.append(found)
        return rows


def listed(cell: Any) -> list[str] | None:
    """The values of a list, or of a text that is one, as texts; None where it is none."""
    if isinstance(cell, (list, tuple)):
        return ["" if value is None else str(value) for value in cell]
    if not isinstance(cell, str) or len(cell) > _LONGEST:
        return None
    text = cell.strip()
    if text[:1] + text[-1:] not in ("[]", "()") or any(mark in text[1:-1] for mark in "[]{}()"):
        return None
    try:
        value = literal(text)
    except ValueError:  # numpy prints without commas
        return [part.strip("'\"") for part in _PART.findall(text[1:-1])] or None
    return [str(one) for one in value] if isinstance(value, (list, tuple)) else None


def unfolded(table: Table, wanted: Sequence[str]) -> Table:
    """The table with the columns `wanted` unfolded, where their first cells are lists of at least
    two values; the same table where none is.
    """
    lists = {}
    for name in wanted:
        kind = table.columns[name].kind
        if kind not in (TEXT, LIST) and not (kind == OTHER and schema_of(table) is not None):
            continue
        first = next((b.column(0)[0].as_py() for b in table.batches([name], 1) if len(b)), None)
        found = listed(first)
        if found is not None and 2 <= len(found) <= _MOST:
            lists[name] = tuple(f"{name}_{i}" for i in range(len(found)))
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
    return Unfolded(table, lists, columns, parents)
