"""Totals in a grid, of cells or lines: dropped if they equal the sums, otherwise refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.importers.matrices.cell_numbers import number_of
from reportgen.importers.matrices.crosstabs import Grid
from reportgen.importers.matrices.margins import (
    are_nearly_sums,
    are_sums,
    is_total,
    nearly,
    refuse_total,
    totals_note,
    without_last,
)
from reportgen.text import plural, quoted

__all__ = [
    "without_totals",
]


_ENOUGH = 1e-9


Triples = Sequence[tuple[str, str, str]]


def without_totals(grid: Grid, n_given: int | None) -> Grid:
    """The grid without totals.

    `n_given`, the number of classes in the user's list, decides whether the last row and column are
    one of them. Raises :class:`DataError` (``matrix-totals``) if rows or columns named as totals
    are not the sums.
    """
    if grid.triples is not None:
        return grid if n_given is not None else _of_lines(grid, grid.triples)
    cells = grid.cells
    if isinstance(cells, ConfusionMatrix) or not hasattr(cells, "__len__") or not _is_table(cells):
        return grid
    if n_given == len(cells):
        return grid
    rows, columns = grid.row_names, grid.column_names
    name = (rows or columns or ("",))[-1]
    if are_sums(cells, name):
        return replace(
            grid,
            cells=without_last(cells),
            row_names=rows and rows[:-1],
            column_names=columns and columns[:-1],
            notes=(*grid.notes, totals_note(name)),
            told=(*grid.told, f"totals excluded{f': {quoted(name)}' if name else ''}"),
        )
    if are_nearly_sums(cells, name):
        raise refuse_total(grid.name, name, "it is not the sum of the others")
    return grid


def _is_table(cells: object) -> bool:
    shape = getattr(cells, "shape", None)
    if shape is not None:
        return len(shape) == 2
    return isinstance(cells, (list, tuple)) and all(isinstance(r, (list, tuple)) for r in cells)


def _of_lines(grid: Grid, triples: Triples) -> Grid:
    """Without lines such as ``cat,Total,57`` and ``Total,,100``."""
    counts = [number_of(cell) or 0 for _, _, cell in triples]
    names = {name for true, predicted, _ in triples for name in (true, predicted)}
    totals = {name for name in names if is_total(name) or not name.strip()}
    if not totals or not names - totals:
        return grid
    kept = [i for i, (a, b, _) in enumerate(triples) if a not in totals and b not in totals]
    of_true, of_predicted = defaultdict[str, float](float), defaultdict[str, float](float)
    for i in kept:
        true, predicted, _ = triples[i]
        of_true[true] += counts[i]
        of_predicted[predicted] += counts[i]
    whole = sum(counts[i] for i in kept)
    off = False
    for (true, predicted, _), count in zip(triples, counts, strict=True):
        if true not in totals and predicted not in totals:
            continue
        wanted = (
            whole
            if true in totals and predicted in totals
            else of_predicted[predicted]
            if true in totals
            else of_true[true]
        )
        if not nearly(count, wanted):
            return grid  # a class of that name, or a line without a class
        off = off or abs(count - wanted) > _ENOUGH * wanted
    name = max(totals)
    if off:
        raise refuse_total(grid.name, name, "it is not the sum of the other lines")
    left_out = len(triples) - len(kept)
    return replace(
        grid,
        triples=tuple(triples[i] for i in kept),
        told=(*grid.told, f"{plural(left_out, 'line')} of totals excluded"),
    )
