"""The cells of a matrix as counts or proportions, and its class list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.class_list import check_distinct, display_name, name_key
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import DataError, UsageError
from reportgen.importers.columns.labels import ClassNames
from reportgen.importers.formats.decimal_commas import DECIMAL_COMMA_HINT, has_decimal_comma
from reportgen.importers.matrices.cell_numbers import number_of
from reportgen.importers.matrices.crosstabs import Grid
from reportgen.importers.matrices.spellings import may_be_thousands
from reportgen.options import InputOptions
from reportgen.text import count, printable, quoted

__all__ = [
    "classes_of",
    "count_of",
    "counts_of",
    "n_given",
    "shares_of",
]


_MAX_DENSE = 4096


_EXACT = 2**53
"""Counts must be smaller."""


_WEIGHTED = (
    "weighted counts do not give the number of samples, so no interval and no test is possible"
)


_FEW_DECIMALS = 8


def counts_of(grid: Grid, classes: Sequence[str]) -> Any:
    """A table of whole numbers; the first invalid cell is reported."""
    if isinstance(grid.cells, np.ndarray) and grid.cells.dtype.kind in "biu":
        return grid.cells
    table = []
    for name, row in zip(classes, grid.cells, strict=True):
        if all(type(cell) is int and cell < _EXACT for cell in row):
            table.append(row)
        elif all(type(cell) is str for cell in row) and _plain_digits(row):
            table.append(list(map(int, row)))
        else:
            table.append(
                [count_of(grid, c, name, classes[i]) for i, c in enumerate(_list_names(row))]
            )
    return table


def _list_names(row: Any) -> list[Any]:
    return list(row.tolist() if isinstance(row, np.ndarray) else row)


def _plain_digits(row: Sequence[str]) -> bool:
    joined = "".join(row)
    return joined.isascii() and joined.isdigit() and all(0 < len(cell) <= 18 for cell in row)


def count_of(grid: Grid, cell: Any, row: str, column: str) -> int:
    """The count in a cell.

    Raises :class:`DataError` with row and column if it is not one.
    """
    value = number_of(cell)
    if isinstance(value, (int, float)) and 0 <= value < _EXACT and float(value).is_integer():
        return int(value)
    too_large = value is not None and value >= _EXACT
    fraction = value is not None and 0 < value < 1
    weighted = (
        isinstance(value, float)
        and 1 < value < _EXACT
        and not value.is_integer()
        and not (_sums_are(grid, 1) or _sums_are(grid, 100))
    )
    shown = cell if isinstance(cell, str) else f"{value:.6g}" if too_large else str(cell)
    raise DataError(
        f"cell {quoted(shown[:40])} (row {quoted(row)}, column {quoted(column)}) "
        f"of {quoted(grid.name)} is not a count",
        slug="matrix-cell",
        details=[_WEIGHTED] if weighted else [],
        hint=(f"counts are below {count(_EXACT)}: correct the cell" if too_large else "")
        or _hint_comma(grid, shown)
        or (_hint_nothing(grid) if _is_nothing(shown) else "")
        or _hint(fraction=fraction, weighted=weighted, grid=grid),
    )


def _is_nothing(cell: str) -> bool:
    return not cell.strip(" -–—.") or cell.strip().lower() in ("nan", "na", "none", "null", "<na>")


def _hint_nothing(grid: Grid) -> str:
    """The hint for an empty cell: a whole triangle of them is more than cells without samples."""
    rows = [list(row) for row in grid.cells]
    for side in (-1, 1):
        beyond = [
            _is_nothing(str(cell))
            for i, row in enumerate(rows)
            for j, cell in enumerate(row)
            if side * (j - i) > 0
        ]
        if len(rows) > 2 and beyond and all(beyond):
            return (
                "only one side of the diagonal has counts: save the matrix with both sides, which "
                "are different errors"
            )
    return "write 0 where there is no sample"


def _hint_comma(grid: Grid, cell: str) -> str:
    if has_decimal_comma(cell):
        return f"{DECIMAL_COMMA_HINT} (proportions: add --normalised)"
    if not grid.comma and may_be_thousands(cell):
        return "if its points divide thousands: --decimal ','     else save counts, without weights"
    return ""


def _hint(*, fraction: bool, weighted: bool, grid: Grid) -> str:
    if _sums_are(grid, 100) or (fraction and not weighted):
        return (
            "save the matrix before normalising it; or read proportions with --normalised, and "
            "restore the counts with --supports FILE"
        )
    if weighted:
        return "save the counts without weights: confusion_matrix without sample_weight"
    return "counts are whole numbers, 0 or more"


def _sums_are(grid: Grid, whole: float) -> bool:
    """Whether all rows, or all columns, sum to `whole`."""
    try:
        table = np.array([[number_of(c) for c in row] for row in grid.cells], np.float64)
    except (TypeError, ValueError):
        return False
    if table.ndim != 2 or not table.size:
        return False
    return any(bool(np.all(np.abs(table.sum(axis) - whole) <= 0.01 * whole)) for axis in (0, 1))


def shares_of(grid: Grid, classes: Sequence[str]) -> tuple[NDArray[np.float64], float]:
    """(proportions, maximum rounding error)."""
    if grid.triples is not None or isinstance(grid.cells, ConfusionMatrix):
        raise UsageError(
            f"{quoted(grid.name)} contains counts: it is not normalised",
            slug="option-conflict",
            hint="omit --normalised",
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
        for j, cell in enumerate(_list_names(row)):
            value = np.nan if cell is None or cell == "" else number_of(cell)
            if value is None:
                raise DataError(
                    f"cell {quoted(str(cell)[:40])} (row {quoted(classes[i])}, column "
                    f"{quoted(classes[j])}) of {quoted(grid.name)} is not a proportion",
                    slug="matrix-cell",
                    hint=DECIMAL_COMMA_HINT
                    if has_decimal_comma(str(cell))
                    else "proportions are numbers from 0 to 1",
                )
            table[i, j] = value
            if np.isfinite(value):
                digits = max(digits, _decimals(cell if isinstance(cell, str) else repr(value)))
    return table, 0.5 * 10.0**-digits


def _decimals(number: str) -> int:
    """Number of decimals of a number as written: 2 for ``0.25``, 6 for ``2.5e-05``."""
    number = number.strip().lower()
    if number.endswith("%"):
        return _decimals(number[:-1]) + 2
    mantissa, _, exponent = number.partition("e")
    return max(len(mantissa.partition(".")[2]) - int(exponent or 0), 0)


def _array_rounding(cells: NDArray[Any]) -> float:
    """The rounding error of an array's numbers: of few decimals, otherwise of their dtype."""
    known = cells[np.isfinite(cells)]
    of_type = float(np.finfo(cells.dtype).eps) * max(1.0, float(np.abs(known).max(initial=0.0)))
    for digits in range(_FEW_DECIMALS + 1):
        if np.array_equal(np.round(known, digits), known):
            return max(0.5 * 10.0**-digits, of_type)
    return of_type


def classes_of(grid: Grid, options: InputOptions) -> tuple[tuple[str, ...], str]:
    """The class list and its source; names at both edges and given names must agree."""
    given = ClassNames.given(options)
    n = _size(grid)
    found = grid.row_names or grid.column_names
    if grid.row_names is not None and grid.column_names is not None:
        _require_same(grid, grid.row_names, grid.column_names)
    if found is not None:
        _require_names(grid, found)
        if given is not None:
            _require_given(grid, found, given)
        return tuple(map(display_name, found)), f"rows and columns of {printable(grid.name)}"
    if given is None:
        return tuple(map(str, range(n))), "positions in the matrix"
    if len(given.names) != n:
        raise DataError(
            f"the matrix in {quoted(grid.name)} has {count(n)} classes, {given.source} has "
            f"{count(len(given.names))}",
            slug="classes-count",
            hint="pass the class list of the model with --classes FILE",
        )
    return given.names, given.source


def n_given(options: InputOptions) -> int | None:
    """Number of classes that the user lists; None without a list."""
    given = ClassNames.given(options)
    return None if given is None else len(given.names)


def _size(grid: Grid) -> int:
    """The size K of a square matrix."""
    if isinstance(grid.cells, ConfusionMatrix):
        return grid.cells.n_classes
    cells = grid.cells
    shape = getattr(cells, "shape", None)
    if shape is None:
        widths = {len(row) if isinstance(row, (list, tuple)) else -1 for row in cells}
        if len(widths) > 1:
            raise _not_square(grid, "its rows have different lengths")
        shape = (len(cells), *(w for w in widths if w >= 0))
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] == 0:
        words = " × ".join(map(str, shape))
        raise _not_square(grid, f"it is {words or 'a single number'}")
    return int(shape[0])


def _not_square(grid: Grid, why: str) -> DataError:
    return DataError(
        f"the matrix in {quoted(grid.name)} is not square: {why}",
        slug="matrix-not-square",
        hint="one row and one column for each class",
    )


def _require_same(grid: Grid, rows: Sequence[str], columns: Sequence[str]) -> None:
    if len(rows) != len(columns):
        raise _not_square(grid, f"{len(rows)} names of rows, {len(columns)} of columns")
    for position, (row, column) in enumerate(zip(rows, columns, strict=True), start=1):
        if name_key(row) != name_key(column):
            raise DataError(
                f"class {position} of {quoted(grid.name)} is {quoted(row)} in its row, "
                f"{quoted(column)} in its column",
                slug="matrix-names",
                hint="rows and columns must contain the same classes in the same order",
            )


def _require_names(grid: Grid, names: Sequence[str]) -> None:
    if len(names) != _size(grid):
        raise _not_square(grid, f"{len(names)} names for {_size(grid)} classes")
    for position, name in enumerate(names, start=1):
        if not name.strip():
            raise DataError(
                f"class {position} of {quoted(grid.name)} (column {position + 1}) has no name",
                slug="matrix-names",
            )
    seen: dict[str, int] = {}
    for column, name in enumerate(names, start=2):
        if name in seen:
            raise DataError(
                f"class {quoted(name)} appears in columns {seen[name]} and {column} "
                f"of {quoted(grid.name)}",
                slug="duplicate-classes",
            )
        seen[name] = column
    check_distinct(names, quoted(grid.name), lambda position: f"column {position + 2}")


def _require_given(grid: Grid, found: Sequence[str], given: ClassNames) -> None:
    names = [display_name(name) for name in found]
    if names != list(given.names):
        pairs = zip(names, given.names, strict=False)
        ours, theirs = next(((a, b) for a, b in pairs if a != b), (names[-1], given.names[-1]))
        raise DataError(
            f"{quoted(grid.name)} has other class names than {given.source}: {quoted(ours)}, "
            f"{quoted(theirs)}",
            slug="classes-differ",
            hint="omit --classes: the matrix has its own class names",
        )
