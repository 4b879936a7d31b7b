"""The class list of a matrix: names at its edges, given ones, or positions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reportgen.classes import check_distinct, display_name, name_key, read_class_list
from reportgen.confusion import ConfusionMatrix
from reportgen.errors import DataError
from reportgen.inputs.matrices.grids import Grid
from reportgen.inputs.options import InputOptions
from reportgen.text import count, printable, quoted

__all__ = ["classes_of"]


def classes_of(grid: Grid, options: InputOptions) -> tuple[tuple[str, ...], str]:
    """The class list and where it came from; names at both edges and given ones must agree."""
    given, source = _given(options)
    n = _size(grid)
    found = grid.row_names or grid.column_names
    if grid.row_names is not None and grid.column_names is not None:
        _require_same(grid, grid.row_names, grid.column_names)
    if found is not None:
        _require_names(grid, found)
        if given is not None:
            _require_given(grid, found, given, source)
        return tuple(map(display_name, found)), f"rows and columns of {printable(grid.name)}"
    if given is None:
        return tuple(map(str, range(n))), "positions in the matrix"
    if len(given) != n:
        raise DataError(
            f"the matrix in {quoted(grid.name)} has {count(n)} classes, {source} has "
            f"{count(len(given))}",
            slug="classes-count",
            hint="give the class list of the model with --classes FILE",
        )
    return given, source


def _given(options: InputOptions) -> tuple[tuple[str, ...] | None, str]:
    if options.classes is None:
        return None, ""
    if isinstance(options.classes, Path):
        names: Sequence[str] = read_class_list(options.classes)
        source = printable(options.classes.name)
    else:
        names, source = options.classes, "classes="
        check_distinct(names, source, lambda position: f"position {position + 1}")
    return tuple(map(display_name, names)), source


def _size(grid: Grid) -> int:
    """K, of a matrix that is square."""
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
                hint="rows and columns must hold the same classes in the same order",
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
                f"class {quoted(name)} stands in columns {seen[name]} and {column} "
                f"of {quoted(grid.name)}",
                slug="duplicate-classes",
            )
        seen[name] = column
    check_distinct(names, quoted(grid.name), lambda position: f"column {position + 2}")


def _require_given(grid: Grid, found: Sequence[str], given: Sequence[str], source: str) -> None:
    names = [display_name(name) for name in found]
    if names != list(given):
        pairs = zip(names, given, strict=False)
        ours, theirs = next(((a, b) for a, b in pairs if a != b), (names[-1], given[-1]))
        raise DataError(
            f"{quoted(grid.name)} names its classes otherwise than {source}: {quoted(ours)}, "
            f"{quoted(theirs)}",
            slug="classes-differ",
            hint="leave out --classes: the matrix has names of its own",
        )
