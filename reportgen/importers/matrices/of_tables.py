"""Confusion matrices in tables of typed columns, such as a crosstab saved as Parquet."""

from __future__ import annotations

from collections.abc import Sequence

from reportgen.errors import DataError
from reportgen.importers.columns.counted import text_rows
from reportgen.importers.columns.words import is_called
from reportgen.importers.formats.tables import LIST, OTHER, TEXT, Table, is_unnamed
from reportgen.importers.matrices.cell_numbers import number_of
from reportgen.importers.matrices.crosstabs import Grid, crosstab, grid_of_crosstab
from reportgen.importers.matrices.edges import bare_names
from reportgen.text import quoted

__all__ = [
    "grid_of_table",
]


_MOST = 2048


_INDEX = frozenset({"index", "__index_level_0__", "row_0"})


def grid_of_table(table: Table, *, asked: bool = False) -> Grid | None:
    """The matrix in a table with a column of unique names, and a numeric column for each of them.

    None for another table. `asked`: the user declared a matrix. Raises :class:`DataError` if it may
    be the scores of one sample per class, or if the row names are missing.
    """
    columns = [c for c in table.columns.values() if c.kind not in (LIST, OTHER)]
    if not 2 <= table.n_rows <= _MOST or not table.n_rows <= len(columns) + 1 <= _MOST:
        return None
    rows = list(text_rows(table, [c.name for c in columns], _MOST))
    for at, column in enumerate(columns):
        if column.kind != TEXT:
            continue
        names = [row[at].strip() for row in rows]
        others = [i for i, c in enumerate(columns) if i != at and not _is_index(c.name)]
        if not _alike(names, [columns[i].name for i in others]):
            continue
        cells = [[row[i] for i in others] for row in rows]
        if not _are_numbers(cells):
            continue
        _refuse_scores(table.name, cells, asked=asked)
        corner = "" if _is_index(column.name) else column.name
        edges = names, [columns[i].name for i in others]
        return grid_of_crosstab(table.name, crosstab(quoted(table.name), *edges, cells, corner))
    _refuse_nameless(table.name, [c.name for c in columns], rows)
    return None


def _is_index(name: str) -> bool:
    return is_unnamed(name) or name in _INDEX


def _alike(rows: Sequence[str], columns: Sequence[str]) -> bool:
    rows, columns, _ = bare_names(rows, columns)
    shared = set(rows) & set(columns)
    distinct = len(set(rows)) == len(rows)
    return distinct and len(shared) > 1 and 2 * len(shared) >= max(len(rows), len(columns))


def _are_numbers(cells: Sequence[Sequence[str]]) -> bool:
    return all(number_of(cell) is not None for row in cells for cell in row)


def _refuse_scores(name: str, cells: Sequence[Sequence[str]], *, asked: bool) -> None:
    if asked or any((number_of(cell) or 0) > 1 for row in cells for cell in row):
        return
    raise DataError(
        f"{quoted(name)} may be a confusion matrix, or the scores of one sample of each class",
        slug="input-kind",
        hint="specify which: --kind matrix (proportions: add --normalised), or --kind predictions",
    )


def _refuse_nameless(name: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Refuse a square table of counts: a matrix that lost its row names."""
    if any(is_called(column, role) for column in columns for role in ("label", "prediction")):
        return
    kept = [i for i, column in enumerate(columns) if not _is_index(column)]
    cells = [[row[i] for i in kept] for row in rows]
    if not len(kept) == len(rows) > 1:
        return
    numbers = [number_of(cell) for row in cells for cell in row]
    counts = [n for n in numbers if isinstance(n, int) and n >= 0]
    if len(counts) < len(numbers) or max(counts) <= len(rows):
        return
    raise DataError(
        f"{quoted(name)} seems to be a confusion matrix, and its rows have no names",
        slug="input-kind",
        details=[f"it has {len(rows)} rows, and as many columns of whole numbers"],
        hint="save it with the names of its rows: of pandas with to_csv; if it is a table of "
        "predictions: --kind predictions",
    )
