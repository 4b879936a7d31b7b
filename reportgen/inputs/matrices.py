"""Confusion matrices from anywhere: CSV, JSON, arrays; counts, or shares where that is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.classes import check_distinct, display_name, name_key, read_class_list
from reportgen.confusion import ConfusionMatrix
from reportgen.confusions import check_supports
from reportgen.errors import DataError, UsageError
from reportgen.inputs.formats import format_of
from reportgen.inputs.grids import Grid, grid_of, grid_of_file
from reportgen.inputs.limits import file_sha256
from reportgen.inputs.normalised import NormalisedMatrix, normalised_matrix
from reportgen.inputs.options import InputOptions
from reportgen.inputs.strict_csv import dialect_of
from reportgen.inputs.supports import read_supports, restored
from reportgen.inputs.words import render_command
from reportgen.provenance import DataNote, ModelFacts, Provenance
from reportgen.text import count, plural, printable, quoted

__all__ = ["MatrixInput", "read_matrix_any"]

_MAX_DENSE = 4096
_FEW_DECIMALS = 8


Supports = NDArray[np.int64]


@dataclass(frozen=True)
class MatrixInput:
    """A saved confusion matrix, rows true, columns predicted, whichever way it was saved.

    Attributes
    ----------
    matrix
        Counts; or shares, where the user said that it is normalised.
    """

    matrix: ConfusionMatrix | NormalisedMatrix
    classes: tuple[str, ...]
    provenance: Provenance
    notes: tuple[DataNote, ...] = ()


def read_matrix_any(source: Any, options: InputOptions | None = None) -> MatrixInput:
    """A confusion matrix from a file, or from an array, tensor, list of lists or DataFrame.

    Files: CSV (names at both edges, at one, or none; or ``true,predicted,count``), JSON (a list
    of rows, or ``{"classes": …, "counts": …}``), ``.npy``, ``.npz``. Orientation is what
    ``options.rows`` says, as it can't be seen.

    Raises
    ------
    DataError
        Where it is not square, a cell is no count (or no share), names differ or are repeated.
    UsageError
        Where the shares of a normalised matrix could be over rows or over columns.
    """
    options = options or InputOptions()
    if isinstance(source, (str, Path)):
        path = Path(source)
        dialect = dialect_of(path, options.separator, options.encoding)
        grid = grid_of_file(path, format_of(path), dialect)
        digest, stem = file_sha256(path), printable(path.stem)
    else:
        grid, digest, stem = grid_of(source), "", ""
    rows_are_true = _rows(grid, options) == "true"
    classes, origin = _classes(grid, options)
    matrix = _matrix(grid, classes, options, rows_are_true)
    supports = _supports(grid, classes, options)
    counts = _with_supports(grid, matrix, supports, classes)
    provenance = Provenance(
        kind="confusion matrix",
        model=ModelFacts(name=stem),
        data_fingerprint=digest,
        classes_source=origin,
        command=render_command(printable(grid.name), options) if digest else "",
        inference={
            "rows of the file": f"{'true' if rows_are_true else 'predicted'} classes",
            **_supports_facts(options),
        },
    )
    notes = _notes(matrix, counts, classes, grid, options)
    return MatrixInput(counts, classes, provenance, notes)


def _supports_facts(options: InputOptions) -> Mapping[str, str]:
    if options.supports is None:
        return {}
    return {
        "samples of each class": printable(options.supports.name),
        "samples of each class SHA-256": file_sha256(options.supports),
    }


def _rows(grid: Grid, options: InputOptions) -> str:
    if grid.rows and options.rows != "true" and options.rows != grid.rows:
        raise UsageError(
            f"{quoted(grid.name)} says that its rows are {grid.rows} classes, --rows "
            f"{options.rows} says otherwise",
            slug="option-conflict",
            hint="leave out --rows",
        )
    return grid.rows or options.rows


def _classes(grid: Grid, options: InputOptions) -> tuple[tuple[str, ...], str]:
    """The class list and where it came from; names at both edges and given ones must agree."""
    given, source = _given(options)
    if grid.triples is not None:
        return _of_triples(grid, given, source)
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


def _of_triples(
    grid: Grid, given: tuple[str, ...] | None, source: str
) -> tuple[tuple[str, ...], str]:
    assert grid.triples is not None
    names = sorted({display_name(name) for true, predicted, _ in grid.triples
                    for name in (true, predicted)})  # fmt: skip
    if not names:
        raise DataError(f"{quoted(grid.name)} holds no cells", slug="matrix-empty")
    if given is None:
        return tuple(names), f"the names in {printable(grid.name)}"
    if unknown := sorted(set(names) - set(given)):
        raise DataError(
            f"{quoted(unknown[0])} in {quoted(grid.name)} is not in {source}",
            slug="label-unknown",
            hint="correct the class list, or leave out --classes",
        )
    return given, source


def _matrix(
    grid: Grid, classes: tuple[str, ...], options: InputOptions, rows_are_true: bool
) -> ConfusionMatrix | NormalisedMatrix:
    if options.normalised:
        shares, rounding = _shares(grid, classes)
        return normalised_matrix(
            shares,
            over=options.normalised_over,
            rows_are_true=rows_are_true,
            rounding=rounding,
            name=grid.name,
        )
    if isinstance(grid.cells, ConfusionMatrix):
        matrix = grid.cells
    elif grid.triples is not None:
        matrix = _from_triples(grid, classes)
    else:
        matrix = ConfusionMatrix.from_counts(_counts(grid, classes))
    return matrix if rows_are_true else matrix.transposed()


def _from_triples(grid: Grid, classes: tuple[str, ...]) -> ConfusionMatrix:
    assert grid.triples is not None
    index = {name: i for i, name in enumerate(classes)}
    cells: dict[tuple[int, int], int] = {}
    for true, predicted, cell in grid.triples:
        pair = index[display_name(true)], index[display_name(predicted)]
        if pair in cells:
            raise DataError(
                f"{quoted(grid.name)} repeats the cell {quoted(true)}, {quoted(predicted)}",
                slug="matrix-cell",
            )
        cells[pair] = _count(grid, cell, true, predicted)
    triples = [(true, predicted, n) for (true, predicted), n in cells.items() if n]
    return ConfusionMatrix.from_cells(triples, len(classes))


def _counts(grid: Grid, classes: Sequence[str]) -> Any:
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
            table.append([_count(grid, c, name, classes[i]) for i, c in enumerate(_listed(row))])
    return table


def _listed(row: Any) -> list[Any]:
    return list(row.tolist() if isinstance(row, np.ndarray) else row)


def _plain_digits(row: Sequence[str]) -> bool:
    joined = "".join(row)
    return joined.isascii() and joined.isdigit() and all(0 < len(cell) <= 18 for cell in row)


def _count(grid: Grid, cell: Any, row: str, column: str) -> int:
    value = _number(cell)
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


def _number(cell: Any) -> int | float | None:
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


def _shares(grid: Grid, classes: Sequence[str]) -> tuple[NDArray[np.float64], float]:
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
            value = np.nan if cell is None or cell == "" else _number(cell)
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


def _with_supports(
    grid: Grid,
    matrix: ConfusionMatrix | NormalisedMatrix,
    supports: Supports | None,
    classes: Sequence[str],
) -> ConfusionMatrix | NormalisedMatrix:
    """Counts that were held against the supports, which tell rows from columns; or the counts
    that the supports make of shares.
    """
    if supports is None:
        return matrix
    if isinstance(matrix, NormalisedMatrix):
        return restored(matrix, supports, classes, grid.name)
    check_supports(matrix, supports, classes, quoted(grid.name))
    return matrix


def _supports(grid: Grid, classes: Sequence[str], options: InputOptions) -> Supports | None:
    """Samples of each true class: from a file of the user's, else from the matrix's own."""
    if options.supports is not None:
        dialect = dialect_of(options.supports, options.separator, options.encoding)
        return read_supports(options.supports, classes, dialect)
    if grid.support is None:
        return None
    numbers = [_number(value) for value in grid.support]
    whole = [int(n) for n in numbers if n is not None and n >= 0 and float(n).is_integer()]
    if len(whole) != len(numbers) or len(whole) != len(classes):
        raise DataError(
            f"the supports in {quoted(grid.name)} are not {plural(len(classes), 'whole number')}",
            slug="matrix-support",
            hint="correct the supports, or leave them out",
        )
    return np.array(whole, np.int64)


def _notes(
    found: ConfusionMatrix | NormalisedMatrix,
    matrix: ConfusionMatrix | NormalisedMatrix,
    classes: Sequence[str],
    grid: Grid,
    options: InputOptions,
) -> tuple[DataNote, ...]:
    """What to know: `found` is what stands in the file, `matrix` what became of it."""
    notes = []
    if isinstance(matrix, NormalisedMatrix):
        notes.append(DataNote("normalised-matrix", matrix.sentence, "warning"))
    elif isinstance(found, NormalisedMatrix):
        notes.append(_restored_note(found, matrix, grid, options))
    unnamed = grid.row_names is None and grid.column_names is None and grid.triples is None
    if unnamed and options.classes is None:
        notes.append(
            DataNote(
                "classes-numbered",
                "The matrix came without class names: its classes are called by their position, "
                "from 0 (--classes names them).",
                count=len(classes),
            )
        )
    return tuple(notes)


def _restored_note(
    shares: NormalisedMatrix, matrix: ConfusionMatrix, grid: Grid, options: InputOptions
) -> DataNote:
    where = printable(grid.name if options.supports is None else options.supports.name)
    of = "each true class" if shares.over == "true" else "the whole matrix"
    return DataNote(
        "restored-from-shares",
        f"The matrix was saved as shares of {of}. Its {plural(matrix.n_samples, 'count')} were "
        f"restored from shares and from the samples of each class in {where}: every cell is a "
        "whole number within the rounding of its share, and every row adds up.",
        count=matrix.n_samples,
    )
