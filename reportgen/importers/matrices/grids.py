"""The cells of a matrix from a file or cross table, with the names at its edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from reportgen.confusion_counter import ConfusionCounter, as_array
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.csv_text import unguard
from reportgen.errors import DataError
from reportgen.importers.columns.counted import CountColumns, long_columns
from reportgen.importers.columns.words import COMMON_NAMES, folded
from reportgen.importers.formats.decimal_commas import (
    has_decimal_comma,
    is_comma_number,
    with_point,
)
from reportgen.importers.formats.delimited import Dialect, rows_of, scan, separated_by
from reportgen.importers.matrices.cell_numbers import is_number, number_of
from reportgen.importers.matrices.crosstabs import Grid, crosstab, grid_of_crosstab
from reportgen.importers.matrices.edges import bare_names, is_corner, rows_said
from reportgen.importers.matrices.margins import MARGINS, is_total, totals_note
from reportgen.importers.matrices.printed import Printed, printed_matrix
from reportgen.importers.matrices.reports_of_others import refuse_report_text
from reportgen.provenance import DataNote
from reportgen.text import count, listing, quoted

__all__ = [
    "LONG_HEADER",
    "grid_of",
    "grid_of_file",
    "looks_like_matrix",
    "without_margins",
]


def without_blanks(rows: list[list[str]]) -> list[list[str]]:
    """A table without trailing empty rows and columns, as spreadsheets save them."""
    while rows and not any(cell.strip() for cell in rows[-1]):
        rows = rows[:-1]
    while rows and len(rows[0]) > 1 and not any(row[-1].strip() for row in rows):
        rows = [row[:-1] for row in rows]
    return rows


def without_legend(rows: list[list[str]]) -> tuple[list[list[str]], str]:
    """(the table without axis titles above and beside it, the orientation they state).

    Axis titles are words for labels and predictions, alone in their row or column.
    """
    said = ""
    if [row[0] for row in rows] == rows[0]:
        return rows, ""  # these words are the class names
    if len(rows) > 2 and _are_legend(rows[0]) and not _are_legend(rows[1]):
        over = next(role for cell in reversed(rows[0]) if (role := rows_said(cell)))
        corner = rows_said(rows[0][0]) if any(cell.strip() for cell in rows[0][1:]) else ""
        said = corner or ("predicted" if over == "true" else "true")
        rows = rows[1:]
    first = [row[0] for row in rows]
    if len(rows) > 2 and len(rows[0]) > 2 and not first[0].strip() and _are_legend(first):
        said = next(role for cell in first if (role := rows_said(cell)))
        rows = [row[1:] for row in rows]
    return _with_one_header(rows), said


def _with_one_header(rows: list[list[str]]) -> list[list[str]]:
    """A table whose second line is the name over those of the rows alone, as pandas writes it where
    the columns have one too: with that in the corner.
    """
    if len(rows) < 3 or not rows[1][0].strip() or any(cell.strip() for cell in rows[1][1:]):
        return rows
    return [[rows[1][0], *rows[0][1:]], *rows[2:]]


def _are_legend(cells: Sequence[str]) -> bool:
    """Whether cells contain only words for labels or predictions, at least one, and blanks."""
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and len(filled) < len(cells) and all(map(rows_said, filled))


def without_margins(rows: list[list[str]]) -> tuple[list[list[str]], tuple[DataNote, ...]]:
    """A table of text without a last column or row of totals that equal the sums."""
    if len(rows) < 3 or len(rows[0]) < 3 or any(len(row) != len(rows[0]) for row in rows):
        return rows, ()
    column = rows[0][-1].strip().lower() in MARGINS
    row = rows[-1][0].strip().lower() in MARGINS
    if column == row:  # none, or both: these are recognised with the names of both edges
        return rows, ()
    cells = [[number_of(cell) for cell in one[1:]] for one in rows[1:]]
    if any(cell is None for one in cells for cell in one):
        return rows, ()
    table = np.array(cells, np.float64)
    inner, sums = (table[:, :-1], table[:, -1]) if column else (table[:-1].T, table[-1])
    if not np.allclose(inner.sum(axis=1), sums, rtol=1e-9, atol=0):
        return rows, ()
    name = rows[0][-1] if column else rows[-1][0]
    note = totals_note(name, "column" if column else "row")
    return ([one[:-1] for one in rows] if column else rows[:-1]), (note,)


LONG_HEADER = ("true", "predicted", "count")


def grid_of_file(path: Path, kind: str, dialect: Dialect) -> Grid:
    """Read the grid in a file of format `kind`; see ``format_of`` for the formats."""
    if kind == "csv":
        return _grid_of_csv(path, dialect)
    if kind == "json":
        from reportgen.importers.formats.json_files import read_json
        from reportgen.importers.matrices.json_matrices import grid_of_json

        return grid_of_json(path.name, read_json(path))
    if kind in ("npy", "npz"):
        from reportgen.importers.matrices.array_matrices import grid_of_arrays

        return grid_of_arrays(path, kind)
    raise DataError(
        f"{quoted(path.name)} is a table of predictions, not a confusion matrix",
        slug="input-kind",
        hint="read it with --kind predictions",
    )


def grid_of(value: Any) -> Grid:
    """The grid in an array, tensor, list of lists or DataFrame.

    A DataFrame may be a crosstab; the rows of a :class:`ConfusionCounter` are known to be true
    classes.
    """
    name = "the given matrix"
    if isinstance(value, ConfusionMatrix):
        return Grid(name, value, rows="true")
    if isinstance(value, ConfusionCounter):
        numbered = value.classes == tuple(map(str, range(len(value.classes))))
        return Grid(name, value.compute(), None if numbered else value.classes, rows="true")
    if isinstance(value, Mapping):
        from reportgen.importers.matrices.json_matrices import grid_of_json

        return grid_of_json(name, value)
    if not (hasattr(value, "index") and hasattr(value, "columns")):
        return Grid(name, value if isinstance(value, (list, tuple)) else as_array(value))
    rows, columns = (tuple(map(str, edge)) for edge in (value.index, value.columns))
    return grid_of_crosstab(
        name, crosstab(name, rows, columns, as_array(value), str(value.index.name or ""))
    )


def looks_like_matrix(path: Path, dialect: Dialect) -> bool:
    """Whether a delimited file is a confusion matrix, not a table of predictions.

    It is one in long form, or square with numbers inside, with or without names at its edges. If
    the first row has names such as ``label`` and ``prediction``, and the rows are not named like
    the columns, it is a table. Raises :class:`DataError` if it may contain proportions, or the
    scores of one sample per class, or if it is a report of metrics.
    """
    if printed_matrix(path, dialect) is not None:
        return True
    refuse_report_text(path, dialect)
    first = next(rows_of(path, dialect), None)
    if first is None:
        return False
    if tuple(first[1]) == LONG_HEADER or _is_crosstab(path, dialect, first[1]):
        return True
    rows = [cells for _, cells in islice(rows_of(path, dialect), len(first[1]) + 2)]
    rows = without_blanks(_points(rows, dialect))
    return bool(rows) and _are_of_matrix(path.name, rows)


def _are_of_matrix(name: str, rows: list[list[str]]) -> bool:
    """Whether the first rows of a delimited file are those of a matrix, by names or by shape."""
    known = {*COMMON_NAMES["label"], *COMMON_NAMES["prediction"]}
    header = rows[0]
    bare, _ = without_legend(rows)
    legend = len(bare) < len(rows) or len(bare[0]) < len(header)
    if legend and names_agree(name, bare):
        return True
    if any(cell.strip().lower() in known for cell in header) and not _name_it(header):
        return False
    if names_agree(name, rows):
        return True
    rows, _ = without_margins(rows)
    header = rows[0]
    if len(rows) > 1 and not any(is_number(cell) for row in rows[1:] for cell in row[1:]):
        return False
    if len(rows) > len(header) + 1 or not len(header) - 1 <= len(rows):
        return False
    try:
        grid = _read_edges(name, rows)
    except DataError as error:
        if error.slug == "matrix-not-square":
            return False
        raise
    if grid.row_names and grid.column_names and grid.row_names != grid.column_names:
        return False
    return all(is_number(cell) for row in grid.cells for cell in row)


def names_agree(name: str, rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first column has the names of the first row, which marks a matrix.

    Raises :class:`DataError` if further columns follow.
    """
    header, first = [c.strip() for c in rows[0][1:]], [row[0].strip() for row in rows[1:]]
    inside = [[n for n in edge if not _is_metric(n)] for edge in (first, header)]
    bare = [
        dict(zip(*both, strict=True)) for both in zip(inside, bare_names(*inside)[:2], strict=True)
    ]
    first, header = ([of.get(n, n) for n in e] for e, of in zip((first, header), bare, strict=True))
    known = {*COMMON_NAMES["label"], *COMMON_NAMES["prediction"]}
    shared = set(header) & set(first)
    if len(shared) < 2 or len(set(first)) < len(first) or known & {c.lower() for c in header}:
        return False
    beside = [c for c in header if c not in shared], [c for c in first if c not in shared]
    permuted = header != first and not any(beside)
    if all(map(is_number, shared)) and not permuted:
        return False  # row numbers, and columns named by numbers
    if header == first or permuted:
        return True
    if len(shared) < max(len(header), len(first)) / 2:
        return False
    inner, _ = without_margins([list(row) for row in rows])
    if [c.strip() for c in inner[0][1:]] == [row[0].strip() for row in inner[1:]]:
        return True
    if len(header) == len(first) and not all(map(_is_metric, (*beside[0], *beside[1]))):
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


_METRICS = frozenset({
    "precision", "recall", "f1", "f1_score", "f_score", "accuracy", "sensitivity", "specificity",
    "support", "error", "users_accuracy", "producers_accuracy",
})  # fmt: skip


def _is_metric(name: str) -> bool:
    """Whether a row or column of this name contains metrics of the matrix."""
    word = folded(name.replace("'", "")).removeprefix("class_")
    return word in _METRICS or is_total(name)


def _is_crosstab(path: Path, dialect: Dialect, header: Sequence[str]) -> bool:
    """Whether rows and columns have the same unique names, under a word for labels or predictions.

    This is the output of ``pandas.crosstab(...).to_csv()``.
    """
    if not is_corner(header[0]):
        return False
    rows = [cells for _, cells in islice(rows_of(path, dialect), 2 * len(header) + 1)]
    rows = _with_one_header(_points(rows, dialect))[1:]
    names, classes = [row[0] for row in rows], set(header[1:])
    alike = len(classes & set(names))
    once = len(set(names)) == len(names) and len(classes) == len(header) - 1
    if not once or 2 * alike < len(classes | set(names)):
        return False
    cells = [cell.strip() for row in rows for cell in row[1:]]
    if not all(is_number(cell) or not cell for cell in cells):
        return False
    if any(has_decimal_comma(cell) or (number_of(cell) or 0) > 1 for cell in cells):
        return True
    raise DataError(
        f"{quoted(path.name)} may be a confusion matrix, or the scores of one sample of each class",
        slug="input-kind",
        hint="specify which: --kind matrix (proportions: add --normalised), or --kind predictions",
    )


def _name_it(header: Sequence[str]) -> bool:
    """Whether the first cell fits the corner of a matrix: empty, or words for both axes."""
    return not header[0].strip() or "\\" in header[0]


def _grid_of_csv(path: Path, dialect: Dialect) -> Grid:
    if (printed := printed_matrix(path, dialect)) is not None:
        return _of_printed(path.name, printed)
    scan(path, dialect)
    rows = without_blanks([cells for _, cells in rows_of(path, dialect)])
    if not rows:
        raise DataError(f"{quoted(path.name)} is empty", slug="matrix-empty")
    if (places := long_columns(rows[0])) is not None:
        label, prediction, n = places
        number = with_point if dialect.comma else str
        triples = tuple((row[label], row[prediction], number(row[n])) for row in rows[1:])
        told = CountColumns(rows[0][label], rows[0][prediction], rows[0][n]).told
        grid = Grid(path.name, triples=triples, told=(told,))
    else:
        if dialect.comma:
            _require_commas(path.name, rows)
        grid = _read_edges(path.name, _points(rows, dialect))
    separated = (separated_by(dialect.delimiter),) if dialect.found else ()
    return replace(grid, told=(*grid.told, *separated), comma=dialect.comma)


def _require_commas(name: str, rows: Sequence[Sequence[str]]) -> None:
    """Refuse a number whose point can't be a thousands separator: there are no decimal commas."""
    for cell in (cell for row in rows[1:] for cell in row[1:]):
        if "." in cell and is_number(cell) and not is_comma_number(cell):
            raise DataError(
                f"cell {quoted(cell[:40])} of {quoted(name)} has a decimal point",
                slug="matrix-cell",
                hint="omit --decimal",
            )


def _points(table: list[list[str]], dialect: Dialect) -> list[list[str]]:
    """A table's cells, with decimal commas replaced by points.

    The edges are unchanged, unless all of them are numbers.
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
    names, columns = printed.names, printed.columns
    if names is None or columns is None or names == columns:
        names = names or columns
        return Grid(name, printed.cells, names, names, printed.rows, told=(printed.told,))
    table = crosstab(quoted(name), names, columns, printed.cells, printed.rows)
    return replace(grid_of_crosstab(name, table), told=(printed.told,))


def _read_edges(name: str, rows: list[list[str]]) -> Grid:
    """Which edges contain names: by the shape, or for a square table by the corner."""
    rows, said = without_legend(rows)
    rows, notes = without_margins(rows)
    grid = _of_edges(name, rows)
    return replace(grid, notes=(*grid.notes, *notes), rows=said or grid.rows)


def _of_edges(name: str, rows: list[list[str]]) -> Grid:
    n_rows, width = len(rows), len(rows[0])
    header = tuple(map(unguard, rows[0]))
    first = tuple(unguard(row[0]) for row in rows)
    if n_rows == width + 1 and any(is_number(row[0]) for row in rows[1:]):
        names = (header[0].removeprefix("# "), *header[1:])  # np.savetxt writes such a header
        return Grid(name, rows[1:], None, names)
    if n_rows == width - 1 and any(map(is_number, rows[0][1:])):
        return Grid(name, [row[1:] for row in rows], first, None)
    if n_rows == width and all(map(is_number, (rows[0][0], *rows[0], *first))):
        return Grid(name, rows)
    inner = [row[1:] for row in rows[1:]]
    edges = ([n for n in edge[1:] if not is_total(n)] for edge in (first, header))
    bare_rows, bare_columns, _ = bare_names(*edges)
    alike = n_rows == width and set(bare_rows) == set(bare_columns)
    if is_corner(header[0]) or alike:
        return grid_of_crosstab(
            name, crosstab(quoted(name), first[1:], header[1:], inner, header[0])
        )
    if n_rows == width:
        return _of_both_edges(name, inner, first, header)
    raise DataError(
        f"the matrix in {quoted(name)} is not square: "
        f"{count(n_rows - 1)} rows, {count(width - 1)} columns of counts",
        slug="matrix-not-square",
        hint="the first row and the first column contain the class names, the rest the counts; "
        "or omit both",
    )


def _of_both_edges(
    name: str, cells: list[list[str]], first: tuple[str, ...], header: tuple[str, ...]
) -> Grid:
    """A square with names at both edges, of which one may number the other, as pandas does."""
    rows, columns = first[1:], header[1:]
    told: tuple[str, ...] = ()
    numbers = tuple(map(str, range(len(rows))))
    words = [folded(one) for one in (*rows, *columns)]
    is_table = any(word in some for word in words for some in COMMON_NAMES.values())
    if not header[0].strip() and not is_table and (rows == numbers) != (columns == numbers):
        told = (
            f"{'rows' if rows == numbers else 'columns'} are numbered, in the order of the names",
        )
        rows = columns = columns if rows == numbers else rows
    return Grid(name, cells, rows, columns, told=told)
