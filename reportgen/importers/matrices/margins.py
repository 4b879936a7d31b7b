"""Totals beside a matrix: rows and columns that are sums, not classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import DataError
from reportgen.importers.matrices.cell_numbers import number_of
from reportgen.provenance import DataNote
from reportgen.text import quoted

__all__ = [
    "MARGINS",
    "are_nearly_sums",
    "are_sums",
    "is_total",
    "nearly",
    "refuse_total",
    "totals_note",
    "without_last",
]


_TOTALS = frozenset({"all", "total", "totals", "sum", "sums", "grand total", "grand_total"})


MARGINS = _TOTALS | frozenset({
    "support", "row total", "row_total", "column total", "col_total", "row sum", "col sum", "n",
    "samples", "σ", "",
})  # fmt: skip
"""Names of a last column or row of sums."""


_FEWEST = 20
"""From this many samples on, matching sums are no coincidence, whatever their name."""


def is_total(name: str) -> bool:
    """Whether a row and a column of this name are totals."""
    return name.strip().lower() in _TOTALS


def are_sums(cells: Any, name: str = "") -> bool:
    """Whether the last row and column of a table are the sums of the others.

    Parameters
    ----------
    cells
        R rows of C texts or numbers, or a numpy array.
    name
        Name of both. If it does not mean a total, a class could have these counts by chance; then
        at least 20 samples, and two non-empty rows and columns are required.
    """
    table = _table(cells, _EXACT)
    if table is None or not _sum_up(table, _EXACT):
        return False
    filled = min(np.count_nonzero(table[:-1, :-1].sum(axis=axis)) for axis in (0, 1))
    return is_total(name) or (float(table[-1, -1]) >= _FEWEST and int(filled) > 1)


def are_nearly_sums(cells: Any, name: str) -> bool:
    """Whether the last row and column are named as totals, and almost equal the sums."""
    if not is_total(name) or len(cells) < _SMALLEST:
        return False
    table = _table(cells, _NEAR)
    return table is not None and _sum_up(table, _NEAR)


_EXACT, _NEAR = 1e-9, 0.05
"""Maximum relative deviation of a sum."""


_SMALLEST = 3


def nearly(count: float, total: float) -> bool:
    """Whether a count is a total, or almost one."""
    return abs(count - total) <= _NEAR * abs(total)


def _sum_up(table: NDArray[np.float64], slack: float) -> bool:
    inner = table[:-1, :-1]
    found = (inner.sum(axis=0), inner.sum(axis=1), inner.sum())
    wanted = (table[-1, :-1], table[:-1, -1], table[-1, -1])
    return all(
        bool(np.all(np.abs(a - b) <= slack * np.abs(a))) for a, b in zip(found, wanted, strict=True)
    )


def _table(cells: Any, slack: float) -> NDArray[np.float64] | None:
    """A table of at least two rows and columns as float64.

    None if it is not one, or if its first row shows that its last cell is not a sum.
    """
    if len(cells) < 2 or len(cells[0]) < 2:
        return None
    first = [number_of(cell) for cell in _plain(cells[0])]
    *values, last = first
    total = sum(value for value in values if value is not None)
    if last is None or None in values or not abs(total - last) <= slack * abs(total):
        return None
    if isinstance(cells, np.ndarray):
        return cells.astype(np.float64)
    rows = [[number_of(cell) for cell in _plain(row)] for row in cells]
    if any(len(row) != len(first) or None in row for row in rows):
        return None
    return np.array(rows, np.float64)


def _plain(row: Any) -> list[Any]:
    return list(row.tolist() if isinstance(row, np.ndarray) else row)


def without_last(cells: Any) -> Any:
    """Rows of cells, or a numpy array, without the last row and the last column."""
    return cells[:-1, :-1] if isinstance(cells, np.ndarray) else [row[:-1] for row in cells[:-1]]


def totals_note(name: str, what: str = "row and column") -> DataNote:
    """A note that the last row, the last column, or both were omitted."""
    both = what == "row and column"
    named = f", {quoted(name)}," if name else ""
    return DataNote(
        "matrix-totals",
        f"The last {what}{named} {'are' if both else 'is'} the sums of the others: "
        f"{'they are not classes, and were' if both else 'it is not a class, and was'} excluded.",
    )


def refuse_total(matrix: str, name: str, why: str) -> DataError:
    """The error for totals that are not sums of the others."""
    return DataError(
        f"{quoted(name)} in {quoted(matrix)} seems to be the total, but {why}",
        slug="matrix-totals",
        hint="correct or remove it; if it is a class, list all classes: --classes FILE",
    )
