"""A matrix before its cells are validated, and tables with class names at both edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reportgen.errors import DataError
from reportgen.importers.matrices.edges import bare_names, rows_said
from reportgen.importers.matrices.margins import are_sums, is_total, totals_note, without_last
from reportgen.provenance import DataNote
from reportgen.text import listing, plural, quoted

__all__ = [
    "Crosstab",
    "Grid",
    "crosstab",
    "grid_of_crosstab",
]


Cells = Any
"""A list of rows of texts or numbers, or a two-dimensional numpy array."""


@dataclass(frozen=True)
class Grid:
    """A matrix before its cells are validated.

    Attributes
    ----------
    cells
        Rows of cells, of equal length; or a confusion matrix.
    row_names, column_names
        Class names at the edges, or None.
    rows
        Orientation stated in the file, ``"true"`` or ``"predicted"``; otherwise empty.
    support
        Number of samples of each true class, if the file has it.
    triples
        Instead of cells: (true, predicted, count) of a long table, as text.
    notes
        Notes on omitted parts.
    adds_up
        Whether counts of repeated cells in `triples` are added.
    told
        How the file was read, if not obvious, in words: ``long form: true "Actual", …``.
    unsaid
        Whether its format does not record the orientation.
    comma
        Whether its numbers had a decimal comma; `cells` and `triples` have a point.
    """

    name: str
    cells: Cells = ()
    row_names: tuple[str, ...] | None = None
    column_names: tuple[str, ...] | None = None
    rows: str = ""
    support: tuple[Any, ...] | None = None
    triples: tuple[tuple[str, str, str], ...] | None = None
    notes: tuple[DataNote, ...] = ()
    told: tuple[str, ...] = ()
    adds_up: bool = False
    unsaid: bool = False
    comma: bool = False


@dataclass(frozen=True)
class Crosstab:
    """A square table: the same classes at both edges.

    Attributes
    ----------
    cells
        K rows of K cells: as given, and 0 for a class that is missing on one side.
    names
        K class names.
    rows
        Orientation, ``"true"`` or ``"predicted"``; empty if not stated.
    notes
        Notes on omitted parts.
    """

    cells: Any
    names: tuple[str, ...]
    rows: str
    notes: tuple[DataNote, ...]


def crosstab(
    name: str, rows: Sequence[str], columns: Sequence[str], cells: Any, corner: str
) -> Crosstab:
    """Remove totals, and align rows and columns over all classes of both edges.

    Parameters
    ----------
    name
        Name of the table in messages.
    rows, columns
        Names of the R rows and the C columns.
    cells
        R rows of C cells: a list of rows of texts or numbers, or a numpy array.
    corner
        The name over the rows' names.

    Raises :class:`DataError`: ``duplicate-classes`` if a name appears twice on an axis,
    ``matrix-names`` if both have no name in common, ``matrix-not-square`` if there are not R rows
    of C cells.
    """
    notes: tuple[DataNote, ...] = ()
    _require_shape(name, rows, columns, cells)
    last = rows[-1] if rows and rows[-1:] == columns[-1:] else ""
    if is_total(last) and are_sums(cells, last):
        notes = (totals_note(rows[-1]),)
        cells = without_last(cells)
        rows, columns = rows[:-1], columns[:-1]
    rows, columns, said = bare_names(rows, columns)
    corner = corner if rows_said(corner) else said
    if tuple(rows) == tuple(columns):
        return Crosstab(cells, tuple(rows), rows_said(corner), notes)
    for edge in (rows, columns):
        _require_distinct(name, edge)
    if not set(rows) & set(columns):
        raise DataError(
            f"the rows and the columns of {name} have no class in common: "
            f"{listing(map(quoted, rows), 3)} beside {listing(map(quoted, columns), 3)}",
            slug="matrix-names",
            hint="write the same names at both edges",
        )
    both = tuple(rows) if set(rows) == set(columns) else tuple(sorted({*rows, *columns}))
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


def _require_shape(name: str, rows: Sequence[str], columns: Sequence[str], cells: Any) -> None:
    if len(cells) != len(rows):
        found = f"{plural(len(cells), 'row')} of cells, {plural(len(rows), 'name')} of rows"
    else:
        other = next((i for i, row in enumerate(cells) if len(row) != len(columns)), None)
        if other is None:
            return
        found = (
            f"{plural(len(cells[other]), 'cell')} in row {other + 1}, "
            f"{plural(len(columns), 'name')} of columns"
        )
    raise DataError(
        f"the matrix in {name} is not complete: {found}",
        slug="matrix-not-square",
        hint="write one cell for each row and each column",
    )


def _require_distinct(name: str, edge: Sequence[str]) -> None:
    twice = next((label for label in edge if edge.count(label) > 1), None)
    if twice is not None:
        raise DataError(
            f"the class {quoted(twice)} appears more than once on an axis of {name}",
            slug="duplicate-classes",
            hint="write every class once",
        )


def grid_of_crosstab(name: str, table: Crosstab) -> Grid:
    """The grid of a crosstab in a file or value named `name`."""
    return Grid(name, table.cells, table.names, table.names, table.rows, notes=table.notes)
