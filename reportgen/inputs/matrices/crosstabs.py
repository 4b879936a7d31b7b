"""Cross tables as pandas makes them: totals at their edges, and classes that one side lacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reportgen.errors import DataError
from reportgen.inputs.columns.roles import COMMON_NAMES
from reportgen.provenance import DataNote
from reportgen.text import quoted

__all__ = ["Crosstab", "crosstab", "is_corner", "rows_said"]

_TOTALS = frozenset({"all", "total", "totals", "sum"})


@dataclass(frozen=True)
class Crosstab:
    """Its cells over the same classes at both edges.

    Attributes
    ----------
    cells
        K rows of K cells: as they were given, and 0 where a class occurs on one side alone.
    names
        K names.
    rows
        What its rows are, ``"true"`` or ``"predicted"``; empty where it doesn't say.
    notes
        What was left out.
    """

    cells: Any
    names: tuple[str, ...]
    rows: str
    notes: tuple[DataNote, ...]


def is_corner(text: str) -> bool:
    """Whether the first cell of a table shows that a crosstab was written: a word for labels or
    predictions, or what pandas calls rows without a name.
    """
    return bool(rows_said(text)) or text == "row_0"


def rows_said(corner: str) -> str:
    """What the name over the first column says of the rows: crosstabs have that of their rows."""
    word = corner.strip().lower()
    if word in COMMON_NAMES["label"]:
        return "true"
    return "predicted" if word in COMMON_NAMES["prediction"] else ""


def crosstab(
    name: str, rows: Sequence[str], columns: Sequence[str], cells: Any, corner: str
) -> Crosstab:
    """The table without its totals, over all classes of both edges.

    Parameters
    ----------
    name
        What the table is called in messages.
    rows, columns
        Names of the R rows and the C columns.
    cells
        R rows of C cells: a list of rows of texts or numbers, or a numpy array.
    corner
        The name over the rows' names.

    Raises :class:`DataError` (``duplicate-classes``) where a name stands twice at an edge.
    """
    notes: tuple[DataNote, ...] = ()
    if _ends_in_totals(rows, columns, cells):
        notes = (_left_out(rows[-1]),)
        cells = [row[:-1] for row in cells[:-1]] if isinstance(cells, list) else cells[:-1, :-1]
        rows, columns = rows[:-1], columns[:-1]
    if tuple(rows) == tuple(columns):
        return Crosstab(cells, tuple(rows), rows_said(corner), notes)
    for edge in (rows, columns):
        _require_distinct(name, edge)
    both = tuple(sorted({*rows, *columns}))
    where = {label: i for i, label in enumerate(both)}
    at_row, at_column = [where[row] for row in rows], [where[column] for column in columns]
    if isinstance(cells, np.ndarray):
        table: Any = np.zeros((len(both), len(both)), cells.dtype)
        table[np.ix_(at_row, at_column)] = cells
    else:
        table = [["0"] * len(both) for _ in both]
        for i, row in zip(at_row, cells, strict=True):
            for j, cell in zip(at_column, row, strict=True):
                table[i][j] = cell
    return Crosstab(table, both, rows_said(corner), notes)


def _require_distinct(name: str, edge: Sequence[str]) -> None:
    twice = next((label for label in edge if edge.count(label) > 1), None)
    if twice is not None:
        raise DataError(
            f"the class {quoted(twice)} stands more than once at an edge of {name}",
            slug="duplicate-classes",
            hint="write every class once",
        )


def _ends_in_totals(rows: Sequence[str], columns: Sequence[str], cells: Any) -> bool:
    """Whether the last row and column are called totals, and are the sums of the others."""
    if min(len(rows), len(columns)) < 2 or rows[-1] != columns[-1]:
        return False
    if rows[-1].strip().lower() not in _TOTALS:
        return False
    try:
        table = np.asarray(cells).astype(np.float64)
    except ValueError:
        return False
    inner, slack = table[:-1, :-1], 1e-9 * abs(table[-1, -1])
    return bool(
        np.all(np.abs(inner.sum(axis=0) - table[-1, :-1]) <= slack)
        and np.all(np.abs(inner.sum(axis=1) - table[:-1, -1]) <= slack)
        and abs(inner.sum() - table[-1, -1]) <= slack
    )


def _left_out(name: str) -> DataNote:
    return DataNote(
        "matrix-totals",
        f"The last row and column, {quoted(name)}, are the sums of the others: they are no class, "
        "and were left out.",
    )
