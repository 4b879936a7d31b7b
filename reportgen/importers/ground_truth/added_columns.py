"""A table with additional columns, kept in memory in the order of its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from reportgen.importers.formats.arrays import ArraysTable
from reportgen.importers.formats.tables import Column, DerivedTable, Table, kind_of_type

__all__ = [
    "free_name",
    "with_added",
]


def with_added(
    table: Table, added: Mapping[str, Any], dropped: frozenset[str] = frozenset()
) -> Table:
    """`table` with the Arrow arrays `added` as columns, and without the columns `dropped`.

    The arrays must be as long as the table; for arrays of unknown length this is checked later.
    """
    if not isinstance(table, ArraysTable):
        return _AddedColumns(table, added, dropped)
    arrays = {name: array for name, array in table.arrays.items() if name not in dropped}
    new = {name: array.to_numpy(zero_copy_only=False) for name, array in added.items()}
    return replace(table, arrays={**arrays, **new})


def free_name(name: str, table: Table, source: str) -> str:
    """`name`, with its source appended if the table already has such a column."""
    while name in table.columns:
        name = f"{name} (in {source})"
    return name


@dataclass(frozen=True)
class _AddedColumns(DerivedTable):
    added: Mapping[str, Any]
    dropped: frozenset[str]

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        kept = {name: c for name, c in self.base.columns.items() if name not in self.dropped}
        new = {name: Column(name, kind_of_type(a.type)) for name, a in self.added.items()}
        return {**kept, **new}

    def batches(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        import pyarrow as pa

        theirs = [name for name in columns if name not in self.added]
        for start, batch in self._pieces(theirs, rows):
            arrays = [
                self.added[name].slice(start, len(batch))
                if name in self.added
                else batch.column(theirs.index(name))
                for name in columns
            ]
            yield pa.RecordBatch.from_arrays(arrays, names=list(columns))

    def _pieces(self, theirs: Sequence[str], rows: int) -> Iterator[tuple[int, Any]]:
        """(first row, rows of the table's own columns, or their number if none is wanted)."""
        start = 0
        if not theirs:
            for start in range(0, self.n_rows, rows):
                yield start, range(start, min(start + rows, self.n_rows))
            return
        for batch in self.base.batches(theirs, rows):
            yield start, batch
            start += len(batch)
