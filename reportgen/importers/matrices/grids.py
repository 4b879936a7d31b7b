"""The cells of a matrix as in a file or a cross table, with the names at its edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from reportgen.confusion_counter import ConfusionCounter, as_array
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.csv_text import unguard
from reportgen.errors import DataError
from reportgen.importers.columns.counted import CountColumns, long_columns
from reportgen.importers.columns.words import COMMON_NAMES
from reportgen.importers.formats.arrays import CLASS_NAMES, ArraysTable, array_files, npy_file
from reportgen.importers.formats.decimal_commas import (
    has_decimal_comma,
    is_comma_number,
    with_point,
)
from reportgen.importers.formats.delimited import Dialect, rows_of, scan
from reportgen.importers.formats.json_files import read_json
from reportgen.importers.matrices.cell_numbers import is_number, number_of
from reportgen.importers.matrices.printed import Printed, printed_matrix
from reportgen.provenance import DataNote
from reportgen.text import count, listing, quoted

__all__ = [
    "LONG_HEADER",
    "MATRIX_ARRAYS",
    "Cells",
    "Crosstab",
    "Grid",
    "crosstab",
    "grid_of",
    "grid_of_file",
    "has_json_matrix",
    "is_corner",
    "looks_like_matrix",
    "rows_said",
    "without_margins",
]


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
        Name of the table in messages.
    rows, columns
        Names of the R rows and the C columns.
    cells
        R rows of C cells: a list of rows of texts or numbers, or a numpy array.
    corner
        The name over the rows' names.

    Raises :class:`DataError` (``duplicate-classes``) where a name appears twice at an edge.
    """
    notes: tuple[DataNote, ...] = ()
    if _ends_in_totals(rows, columns, cells):
        notes = (_leave_each_out(rows[-1]),)
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
            f"the class {quoted(twice)} appears more than once on an axis of {name}",
            slug="duplicate-classes",
            hint="write every class once",
        )


def _ends_in_totals(rows: Sequence[str], columns: Sequence[str], cells: Any) -> bool:
    """Whether the last row and column are named totals, and are the sums of the others."""
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


def without_legend(rows: list[list[str]]) -> tuple[list[list[str]], str]:
    """(the table without words over its columns and beside its rows, what they say of the rows).

    The words are those for labels and predictions, with nothing else in their row or column.
    """
    said = ""
    if [row[0] for row in rows] == rows[0]:
        return rows, ""  # these words are the names of the classes
    if len(rows) > 2 and _are_legend(rows[0]) and not _are_legend(rows[1]):
        over = next(role for cell in reversed(rows[0]) if (role := rows_said(cell)))
        corner = rows_said(rows[0][0]) if any(cell.strip() for cell in rows[0][1:]) else ""
        said = corner or ("predicted" if over == "true" else "true")
        rows = rows[1:]
    first = [row[0] for row in rows]
    if len(rows) > 2 and len(rows[0]) > 2 and not first[0].strip() and _are_legend(first):
        said = next(role for cell in first if (role := rows_said(cell)))
        rows = [row[1:] for row in rows]
    return rows, said


def _are_legend(cells: Sequence[str]) -> bool:
    """Whether cells contain nothing but words for labels or predictions, one at least,
    and blanks.
    """
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and len(filled) < len(cells) and all(map(rows_said, filled))


_MARGINS = _TOTALS | {"support", "row total", "row_total", "column total", "col_total", "row sum",
                      "col sum", "grand total", "n", "samples", "Σ".lower()}  # fmt: skip


def without_margins(rows: list[list[str]]) -> tuple[list[list[str]], tuple[DataNote, ...]]:
    """A table of text without a last column, or a last row, of totals that are the sums."""
    if len(rows) < 3 or len(rows[0]) < 3 or any(len(row) != len(rows[0]) for row in rows):
        return rows, ()
    column = rows[0][-1].strip().lower() in _MARGINS
    row = rows[-1][0].strip().lower() in _MARGINS
    if column == row:  # none, or both: these are distinguished with the names of both edges
        return rows, ()
    cells = [[number_of(cell) for cell in one[1:]] for one in rows[1:]]
    if any(cell is None for one in cells for cell in one):
        return rows, ()
    table = np.array(cells, np.float64)
    inner, sums = (table[:, :-1], table[:, -1]) if column else (table[:-1].T, table[-1])
    if not np.allclose(inner.sum(axis=1), sums, rtol=1e-9, atol=0):
        return rows, ()
    name = rows[0][-1] if column else rows[-1][0]
    note = DataNote(
        "matrix-totals",
        f"The last {'column' if column else 'row'}, {quoted(name)}, is the sums of the others: it "
        "is not a class, and was excluded.",
    )
    return ([one[:-1] for one in rows] if column else rows[:-1]), (note,)


def _leave_each_out(name: str) -> DataNote:
    return DataNote(
        "matrix-totals",
        f"The last row and column, {quoted(name)}, are the sums of the others: they are no class, "
        "and were excluded.",
    )


LONG_HEADER = ("true", "predicted", "count")


MATRIX_ARRAYS = ("matrix", "confusion_matrix", "confusion", "counts", "cm")
"""Names that a matrix goes by in an ``.npz``."""


Cells = Any
"""A list of rows of texts or numbers, or a numpy array of two dimensions."""


@dataclass(frozen=True)
class Grid:
    """A matrix before its cells are believed.

    Attributes
    ----------
    cells
        Rows of cells, all of one length; or a confusion matrix.
    row_names, column_names
        Class names at the edges; None where there are none.
    rows
        What the file itself says its rows are: ``"true"`` or ``"predicted"``; else empty.
    support
        Number of samples of each true class, where the file has it.
    triples
        Instead of cells: (true, predicted, count) of a long table, as text.
    notes
        What was left out.
    adds_up
        Whether a cell of `triples` that comes again is added to the first.
    told
        How the file was read, where that is not plain, in words: ``long form: true "Actual", …``.
    comma
        Whether its numbers had a decimal comma; in `cells` and `triples` they have a point.
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
    comma: bool = False


def grid_of_file(path: Path, kind: str, dialect: Dialect) -> Grid:
    """The grid in a file of format `kind`.

    The formats are those of :func:`~reportgen.importers.formats.opening.format_of`.
    """
    if kind == "csv":
        return replace(_grid_of_csv(path, dialect), comma=dialect.comma)
    if kind == "json":
        return _grid_of_json(path.name, read_json(path))
    if kind == "npy":
        return Grid(path.name, npy_file(path).read())
    if kind == "npz":
        return _grid_of_npz(path)
    raise DataError(
        f"{quoted(path.name)} is a table of predictions, not a confusion matrix",
        slug="input-kind",
        hint="read it with --kind predictions",
    )


def has_json_matrix(value: Any) -> bool:
    """Whether parsed JSON is rows of a matrix, or an object with one."""
    if isinstance(value, list):
        return _is_nested(value) and not any(isinstance(c, Mapping) for row in value for c in row)
    if not isinstance(value, Mapping):
        return False
    inner = value.get("confusion_matrix")
    inner = inner if isinstance(inner, Mapping) else value
    return any(_is_nested(inner.get(key)) for key in (*MATRIX_ARRAYS, "cells"))


def _is_nested(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(r, list) for r in value)


def grid_of(value: Any) -> Grid:
    """The grid in an array, tensor, list of lists or DataFrame, such as that of a crosstab; or of
    counts that were added up in a loop, whose rows are known to be true.
    """
    name = "the given matrix"
    if isinstance(value, ConfusionMatrix):
        return Grid(name, value, rows="true")
    if isinstance(value, ConfusionCounter):
        numbered = value.classes == tuple(map(str, range(len(value.classes))))
        return Grid(name, value.compute(), None if numbered else value.classes, rows="true")
    if isinstance(value, Mapping):
        return _grid_of_json(name, value)
    if not (hasattr(value, "index") and hasattr(value, "columns")):
        return Grid(name, value if isinstance(value, (list, tuple)) else as_array(value))
    rows, columns = (tuple(map(str, edge)) for edge in (value.index, value.columns))
    return _of_crosstab(
        name, crosstab(name, rows, columns, as_array(value), str(value.index.name or ""))
    )


def _of_crosstab(name: str, table: Crosstab) -> Grid:
    return Grid(name, table.cells, table.names, table.names, table.rows, notes=table.notes)


def looks_like_matrix(path: Path, dialect: Dialect) -> bool:
    """Whether a delimited file is a confusion matrix and not a table of predictions.

    It is one in the long form, or square with numbers inside, with or without names at its edges;
    but a first row with names such as ``label`` and ``prediction`` makes it a table, where the
    columns are not named like the rows.

    Raises :class:`DataError` where it may be shares of classes, or scores of one sample of each.
    """
    if printed_matrix(path, dialect) is not None:
        return True
    first = next(rows_of(path, dialect), None)
    if first is None:
        return False
    header = first[1]
    if tuple(header) == LONG_HEADER or _is_crosstab(path, dialect, header):
        return True
    known = {*COMMON_NAMES["label"], *COMMON_NAMES["prediction"]}
    rows = [cells for _, cells in islice(rows_of(path, dialect), len(header) + 2)]
    rows = _points(rows, dialect)
    bare, _ = without_legend(rows)
    legend = len(bare) < len(rows) or len(bare[0]) < len(header)
    if legend and names_agree(path.name, bare):
        return True
    if any(cell.strip().lower() in known for cell in header) and not _name_it(header):
        return False
    if names_agree(path.name, rows):
        return True
    rows, _ = without_margins(rows)
    header = rows[0]
    if len(rows) > 1 and not any(is_number(cell) for row in rows[1:] for cell in row[1:]):
        return False
    if len(rows) > len(header) + 1 or not len(header) - 1 <= len(rows):
        return False
    try:
        grid = _read_edges(path.name, rows)
    except DataError as error:
        if error.slug == "matrix-not-square":
            return False
        raise
    if grid.row_names and grid.column_names and grid.row_names != grid.column_names:
        return False
    return all(is_number(cell) for row in grid.cells for cell in row)


def names_agree(name: str, rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first column has the names of the first row: a matrix, whatever its cells are.

    Raises :class:`DataError` where something is next to it.
    """
    header, first = [c.strip() for c in rows[0][1:]], [row[0].strip() for row in rows[1:]]
    known = {*COMMON_NAMES["label"], *COMMON_NAMES["prediction"]}
    shared = set(header) & set(first)
    if len(shared) < 2 or len(set(first)) < len(first) or known & {c.lower() for c in header}:
        return False
    if all(map(is_number, shared)):
        return False  # row numbers, and columns named by numbers
    if header == first:
        return True
    beside = [c for c in header if c not in shared], [c for c in first if c not in shared]
    if len(shared) < max(len(header), len(first)) / 2 or not any(beside):
        return False
    inner, _ = without_margins([list(row) for row in rows])
    if [c.strip() for c in inner[0][1:]] == [row[0].strip() for row in inner[1:]]:
        return True
    if len(header) == len(first):
        return False
    raise DataError(
        f"{quoted(name)} contains more than a confusion matrix",
        slug="matrix-beside",
        details=[
            f"{what} not on the other axis: {listing(some, 5)}"
            for what, some in zip(("columns", "rows"), beside, strict=True)
            if some
        ],
        hint="remove them; totals may stay if they are the sums of the rest",
    )


def _is_crosstab(path: Path, dialect: Dialect, header: Sequence[str]) -> bool:
    """Whether rows and columns have equal names, once each, under the word for labels or
    predictions: what ``pandas.crosstab(...).to_csv()`` writes.
    """
    if not is_corner(header[0]):
        return False
    rows = [cells for _, cells in islice(rows_of(path, dialect), 2 * len(header) + 1)]
    rows = _points(rows, dialect)[1:]
    names, classes = [row[0] for row in rows], set(header[1:])
    alike = len(classes & set(names))
    once = len(set(names)) == len(names) and len(classes) == len(header) - 1
    if not once or 2 * alike < len(classes | set(names)):
        return False
    cells = [cell.strip() for row in rows for cell in row[1:]]
    if not all(map(is_number, cells)):
        return False
    if any(has_decimal_comma(cell) or (number_of(cell) or 0) > 1 for cell in cells):
        return True
    raise DataError(
        f"{quoted(path.name)} may be a confusion matrix, or the scores of one sample of each class",
        slug="input-kind",
        hint="specify which: --kind matrix (proportions: add --normalised), or --kind predictions",
    )


def _name_it(header: Sequence[str]) -> bool:
    """Whether the first cell is what a matrix has in its corner: nothing, or words for both."""
    return not header[0].strip() or "\\" in header[0]


def _grid_of_csv(path: Path, dialect: Dialect) -> Grid:
    if (printed := printed_matrix(path, dialect)) is not None:
        return _of_printed(path.name, printed)
    scan(path, dialect)
    rows = [cells for _, cells in rows_of(path, dialect)]
    if not rows:
        raise DataError(f"{quoted(path.name)} is empty", slug="matrix-empty")
    if (places := long_columns(rows[0])) is not None:
        label, prediction, n = places
        number = with_point if dialect.comma else str
        triples = tuple((row[label], row[prediction], number(row[n])) for row in rows[1:])
        told = CountColumns(rows[0][label], rows[0][prediction], rows[0][n]).told
        return Grid(path.name, triples=triples, told=(told,))
    if dialect.comma:
        _require_commas(path.name, rows)
    return _read_edges(path.name, _points(rows, dialect))


def _require_commas(name: str, rows: Sequence[Sequence[str]]) -> None:
    """Refuse a number whose point can't divide thousands: the file has no decimal commas."""
    for cell in (cell for row in rows[1:] for cell in row[1:]):
        if "." in cell and is_number(cell) and not is_comma_number(cell):
            raise DataError(
                f"cell {quoted(cell[:40])} of {quoted(name)} has a decimal point",
                slug="matrix-cell",
                hint="omit --decimal",
            )


def _points(table: list[list[str]], dialect: Dialect) -> list[list[str]]:
    """A table's cells, numbers with a decimal comma as such with a point.

    The names at the edges are left alone: edges change where they are numbers throughout.
    """
    if not dialect.comma:
        return table
    head = all(map(is_number, table[0]))
    first = all(is_number(row[0]) for row in table[1:])
    return [
        [with_point(cell) if (i or head) and (j or first) else cell for j, cell in enumerate(row)]
        for i, row in enumerate(table)
    ]


def _of_printed(name: str, printed: Printed) -> Grid:
    names = printed.names
    return Grid(name, printed.cells, names, names, printed.rows, told=(printed.told,))


def _read_edges(name: str, rows: list[list[str]]) -> Grid:
    """Which edges contain names: by the shape, and where it is square by the corner."""
    rows, said = without_legend(rows)
    rows, notes = without_margins(rows)
    grid = _of_edges(name, rows)
    return replace(grid, notes=(*grid.notes, *notes), rows=said or grid.rows)


def _of_edges(name: str, rows: list[list[str]]) -> Grid:
    n_rows, width = len(rows), len(rows[0])
    header = tuple(map(unguard, rows[0]))
    first = tuple(unguard(row[0]) for row in rows)
    if n_rows == width + 1 and any(is_number(row[0]) for row in rows[1:]):
        return Grid(name, rows[1:], None, header)
    if n_rows == width - 1 and any(map(is_number, rows[0][1:])):
        return Grid(name, [row[1:] for row in rows], first, None)
    if n_rows == width and all(map(is_number, (rows[0][0], *rows[0], *first))):
        return Grid(name, rows)
    inner = [row[1:] for row in rows[1:]]
    if is_corner(header[0]) or (n_rows == width and first[1:] == header[1:]):
        return _of_crosstab(name, crosstab(quoted(name), first[1:], header[1:], inner, header[0]))
    if n_rows == width:
        return Grid(name, inner, first[1:], header[1:])
    raise DataError(
        f"the matrix in {quoted(name)} is not square: "
        f"{count(n_rows - 1)} rows, {count(width - 1)} columns of counts",
        slug="matrix-not-square",
        hint="the first row and the first column contain the class names, the rest the counts; "
        "or omit both",
    )


def _grid_of_json(name: str, value: Any) -> Grid:
    if isinstance(value, list):
        return Grid(name, value)
    if not isinstance(value, Mapping):
        raise _no_matrix(name)
    classes = next(
        (value[key] for key in ("classes", "class_names", "labels") if key in value), None
    )
    inner = value
    if isinstance(value.get("confusion_matrix"), Mapping):
        inner = value["confusion_matrix"]
    key = next((key for key in MATRIX_ARRAYS if isinstance(inner.get(key), list)), None)
    names = _json_names(name, classes)
    rows = inner.get("rows", "")
    rows = rows if rows in ("true", "predicted") else ""
    support = value.get("support", value.get("supports"))
    if key is None and isinstance(inner.get("cells"), list) and names:
        return Grid(name, _dense(name, inner["cells"], len(names)), names, names, rows)
    if key is None:
        raise _no_matrix(name)
    known = tuple(support) if isinstance(support, list) else None
    return Grid(name, inner[key], names, names, rows, known)


def _json_names(name: str, classes: Any) -> tuple[str, ...] | None:
    if classes is None:
        return None
    if not isinstance(classes, list) or not all(isinstance(c, (str, int)) for c in classes):
        raise DataError(
            f"the class names in {quoted(name)} are not a list of strings", slug="matrix-names"
        )
    return tuple(map(str, classes))


def _dense(name: str, cells: Any, n: int) -> Any:
    try:
        return ConfusionMatrix.from_cells(cells, n)
    except (TypeError, ValueError, OverflowError) as error:
        raise _no_matrix(name) from error


def _no_matrix(name: str) -> DataError:
    return DataError(
        f"{quoted(name)} contains not a confusion matrix",
        slug="matrix-empty",
        hint='for example {"classes": ["cat", "dog"], "counts": [[5, 1], [2, 7]]}',
    )


def _grid_of_npz(path: Path) -> Grid:
    arrays = array_files(path)
    key = next((name for name in arrays if name.lower() in MATRIX_ARRAYS), None)
    if key is None and len([n for n in arrays if n not in CLASS_NAMES]) == 1:
        key = next(n for n in arrays if n not in CLASS_NAMES)
    if key is None:
        raise _no_matrix(path.name)
    found = ArraysTable.of_npz(path).class_names()
    names = found[0] if found else None
    return Grid(path.name, arrays[key].read(), names, names)
