"""Selected rows of a table, in their order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.importers.formats.arrays import ArraysTable
from reportgen.importers.formats.schemas import schema_of
from reportgen.importers.formats.tables import Column, Table

__all__ = [
    "with_rows",
]


def with_rows(table: Table, rows: NDArray[np.int64]) -> Table:
    """`table` with only the rows of these indices, ascending, shape (N,).

    Arrays of another length than the table stay whole.
    """
    if not isinstance(table, ArraysTable):
        return _SomeRows(table, rows)
    n = table.n_rows
    arrays = {name: array for name, array in table.arrays.items() if len(table.whole(name)) != n}
    some = {name: table.whole(name)[rows] for name in table.arrays if name not in arrays}
    return replace(table, arrays={**arrays, **some}, n_rows=len(rows))


@dataclass(frozen=True)
class _SomeRows:
    base: Table
    rows: NDArray[np.int64]

    @property
    def name(self) -> str:
        return self.base.name

    @property
    def sha256(self) -> str:
        return self.base.sha256

    @property
    def columns(self) -> Mapping[str, Column]:
        return self.base.columns

    @property
    def schema(self) -> Any:
        """The schema of the file, or None."""
        return schema_of(self.base)

    @property
    def n_rows(self) -> int:
        return len(self.rows)

    def batches(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        start = 0
        for batch in self.base.batches(columns, rows):
            first, last = np.searchsorted(self.rows, [start, start + len(batch)])
            if first < last:
                yield batch.take(self.rows[first:last] - start)
            start += len(batch)

    def place(self, row: int) -> str:
        return self.base.place(int(self.rows[row]))
