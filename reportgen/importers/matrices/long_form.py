"""Confusion matrices in long form: one cell per line, ``label,prediction,count`` in any order."""

from __future__ import annotations

from collections import Counter

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import DataError
from reportgen.importers.columns.cells import plain_label
from reportgen.importers.columns.counted import CountColumns, text_rows
from reportgen.importers.columns.labels import ClassNames, Reading, read_labels
from reportgen.importers.formats.decimal_commas import with_point
from reportgen.importers.formats.tables import Table
from reportgen.importers.matrices.cells import count_of
from reportgen.importers.matrices.crosstabs import Grid
from reportgen.options import InputOptions
from reportgen.text import listing, quoted

__all__ = [
    "long_grid",
    "matrix_of_triples",
    "reading_of_triples",
]


def long_grid(table: Table, columns: CountColumns) -> Grid:
    """The cells of a table in long form, as text."""
    names = [columns.label, columns.prediction, columns.count]
    comma = table.columns[columns.count].comma
    number = with_point if comma else str
    triples = tuple((a, b, number(n)) for a, b, n in text_rows(table, names, table.n_rows))
    rest = [name for name in table.columns if name not in names]
    unused = [f"not used: {listing(rest, 8)}"] if rest else []
    return Grid(
        table.name,
        triples=triples,
        adds_up=columns.declared,
        told=(columns.told, *unused),
        comma=comma,
    )


def reading_of_triples(grid: Grid, options: InputOptions) -> Reading:
    """Map names or indices in the cells to classes.

    Raises :class:`DataError` as for predictions.
    """
    assert grid.triples is not None
    if not grid.triples:
        raise DataError(f"{quoted(grid.name)} contains no cells", slug="matrix-empty")
    labels = Counter(plain_label(true) for true, _, _ in grid.triples)
    predictions = Counter(plain_label(predicted) for _, predicted, _ in grid.triples)

    def place(role: str, text: str) -> str:
        at = 0 if role == "label" else 1
        row = next(
            (i for i, cells in enumerate(grid.triples or ()) if plain_label(cells[at]) == text), 0
        )
        return f"cell {row + 1:,} of {quoted(grid.name)}"

    return read_labels(
        labels,
        predictions,
        ClassNames.given(options),
        n_scores=None,
        labels_are=options.labels_are,
        base=options.label_base,
        place=place,
    )


def matrix_of_triples(grid: Grid, reading: Reading) -> ConfusionMatrix:
    """The counts of a long table.

    Raises :class:`DataError` if a cell is repeated or not a count.
    """
    assert grid.triples is not None
    cells: dict[tuple[int, int], int] = {}
    for true, predicted, cell in grid.triples:
        pair = reading.labels[plain_label(true)], reading.predictions[plain_label(predicted)]
        if pair in cells and not grid.adds_up:
            raise DataError(
                f"{quoted(grid.name)} repeats the cell {quoted(true)}, {quoted(predicted)}",
                slug="matrix-cell",
                hint="write every cell once; --count-column NAME adds up repeated ones",
            )
        cells[pair] = cells.get(pair, 0) + count_of(grid, cell, true, predicted)
    triples = [(true, predicted, n) for (true, predicted), n in cells.items() if n]
    if not grid.adds_up and triples and all(true != predicted for true, predicted in cells):
        raise DataError(
            f"{quoted(grid.name)} contains only incorrect predictions",
            slug="matrix-cell",
            details=["a list of the most frequent confusions is not a confusion matrix"],
            hint="add the correct predictions of each class; if there are none, name the column of "
            "counts: --count-column NAME",
        )
    return ConfusionMatrix.from_cells(triples, len(reading.classes.names))
