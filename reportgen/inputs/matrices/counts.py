"""The cells of a matrix as counts, or as shares: the first that is none is named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion import ConfusionMatrix
from reportgen.errors import DataError, UsageError
from reportgen.inputs.matrices.grids import Grid
from reportgen.text import count, quoted

__all__ = ["count_of", "counts_of", "number_of", "shares_of"]

_MAX_DENSE = 4096
_FEW_DECIMALS = 8


def counts_of(grid: Grid, classes: Sequence[str]) -> Any:
    """A table of whole numbers; the first cell that is none is named."""
    if isinstance(grid.cells, np.ndarray) and grid.cells.dtype.kind in "biu":
        return grid.cells
    table = []
    for name, row in zip(classes, grid.cells, strict=True):
        if all(type(cell) is int for cell in row):
            table.append(row)
        elif all(type(cell) is str for cell in row) and _plain_digits(row):
            table.append(list(map(int, row)))
        else:
            table.append([count_of(grid, c, name, classes[i]) for i, c in enumerate(_listed(row))])
    return table


def _listed(row: Any) -> list[Any]:
    return list(row.tolist() if isinstance(row, np.ndarray) else row)


def _plain_digits(row: Sequence[str]) -> bool:
    joined = "".join(row)
    return joined.isascii() and joined.isdigit() and all(0 < len(cell) <= 18 for cell in row)


def count_of(grid: Grid, cell: Any, row: str, column: str) -> int:
    """The count that a cell is; :class:`DataError` with its row and column where it is none."""
    value = number_of(cell)
    if isinstance(value, int) and value >= 0:
        return value
    if isinstance(value, float) and value.is_integer() and 0 <= value < 2**53:
        return int(value)
    fraction = value is not None and 0 < value < 1
    shown = cell if isinstance(cell, str) else str(cell)
    raise DataError(
        f"cell {quoted(shown[:40])} (row {quoted(row)}, column {quoted(column)}) "
        f"of {quoted(grid.name)} is not a count",
        slug="matrix-cell",
        hint="save the matrix before it is normalised; or read shares with --normalised, and "
        "restore their counts with --supports FILE"
        if fraction
        else "counts are whole numbers, 0 or more",
    )


def number_of(cell: Any) -> int | float | None:
    """What a cell says as a number, or None."""
    if isinstance(cell, (bool, np.bool_)) or not isinstance(cell, (str, int, float, np.number)):
        return None
    if not isinstance(cell, str):
        return cell if isinstance(cell, int) else float(cell)
    text = cell.strip()
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    try:
        return float(text) if text.isascii() and "_" not in text else None
    except ValueError:
        return None


def shares_of(grid: Grid, classes: Sequence[str]) -> tuple[NDArray[np.float64], float]:
    """(shares, by how much they were rounded at most)."""
    if grid.triples is not None or isinstance(grid.cells, ConfusionMatrix):
        raise UsageError(
            f"{quoted(grid.name)} lists single counts: it is not normalised",
            slug="option-conflict",
            hint="leave out --normalised",
        )
    if len(classes) > _MAX_DENSE:
        raise DataError(
            f"a normalised matrix of {count(len(classes))} classes is too large",
            slug="matrix-too-large",
        )
    if isinstance(grid.cells, np.ndarray) and grid.cells.dtype.kind == "f":
        return grid.cells.astype(np.float64), _array_rounding(grid.cells)
    table, digits = np.zeros((len(classes), len(classes))), 0
    for i, row in enumerate(grid.cells):
        for j, cell in enumerate(_listed(row)):
            value = np.nan if cell is None or cell == "" else number_of(cell)
            if value is None:
                raise DataError(
                    f"cell {quoted(str(cell)[:40])} (row {quoted(classes[i])}, column "
                    f"{quoted(classes[j])}) of {quoted(grid.name)} is not a share",
                    slug="matrix-cell",
                    hint="shares are numbers, 0 to 1",
                )
            table[i, j] = value
            if np.isfinite(value):
                digits = max(digits, _decimals(cell if isinstance(cell, str) else repr(value)))
    return table, 0.5 * 10.0**-digits


def _decimals(number: str) -> int:
    """Decimals that a number is written with: 2 of ``0.25``, 6 of ``2.5e-05``."""
    mantissa, _, exponent = number.strip().lower().partition("e")
    return max(len(mantissa.partition(".")[2]) - int(exponent or 0), 0)


def _array_rounding(cells: NDArray[Any]) -> float:
    """By how much the numbers of an array were rounded: to few decimals, else to their type."""
    known = cells[np.isfinite(cells)]
    of_type = float(np.finfo(cells.dtype).eps) * max(1.0, float(np.abs(known).max(initial=0.0)))
    for digits in range(_FEW_DECIMALS + 1):
        if np.array_equal(np.round(known, digits), known):
            return max(0.5 * 10.0**-digits, of_type)
    return of_type
