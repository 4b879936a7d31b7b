"""Confusion matrices from any source: CSV, JSON, arrays; counts, or declared proportions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.confusions import check_supports
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import DataError, UsageError
from reportgen.importers.columns.labels import Reading
from reportgen.importers.formats.delimited import dialect_of
from reportgen.importers.formats.detecting import format_of
from reportgen.importers.formats.limits import file_sha256, unchanged
from reportgen.importers.matrices.cell_numbers import number_of
from reportgen.importers.matrices.cells import classes_of, counts_of, n_given, shares_of
from reportgen.importers.matrices.crosstabs import Grid
from reportgen.importers.matrices.grids import grid_of, grid_of_file
from reportgen.importers.matrices.long_form import matrix_of_triples, reading_of_triples
from reportgen.importers.matrices.percentages import adds_up_to_100, may_be_percentages
from reportgen.importers.matrices.proportions import (
    NormalisedMatrix,
    normalised_matrix,
    read_supports,
    restore,
)
from reportgen.importers.matrices.spellings import in_percent, require_one_writing
from reportgen.importers.matrices.totals import without_totals
from reportgen.importers.read_as import read_as_matrix
from reportgen.options import InputOptions, render_command
from reportgen.provenance import DataNote, ModelFacts, Provenance
from reportgen.text import plural, printable, quoted

__all__ = [
    "MatrixInput",
    "matrix_input",
    "read_matrix_any",
]


Supports = NDArray[np.int64]


@dataclass(frozen=True)
class MatrixInput:
    """A saved confusion matrix, rows true, columns predicted, whatever its saved orientation.

    Attributes
    ----------
    matrix
        Counts, or proportions if the user declared it normalised.
    """

    matrix: ConfusionMatrix | NormalisedMatrix
    classes: tuple[str, ...]
    provenance: Provenance
    notes: tuple[DataNote, ...] = ()


def read_matrix_any(source: Any, options: InputOptions | None = None) -> MatrixInput:
    """Read a confusion matrix from a file, array, tensor, list of lists or DataFrame.

    Files: CSV (names at both edges, at one, or none; or ``true,predicted,count``), JSON (a list of
    rows, or ``{"classes": …, "counts": …}``), ``.npy``, ``.npz``. The orientation is that of
    ``options.rows``, as it can't be detected.

    Raises
    ------
    DataError
        It is not square, a cell is not a count (or proportion), or names differ or are repeated.
    UsageError
        A normalised matrix could be normalised by row or by column.
    """
    options = options or InputOptions()
    if isinstance(source, (str, Path)):
        path = Path(source)
        kind = format_of(path)
        with unchanged(path):
            grid, digest = _grid_of_path(path, kind, options), file_sha256(path)
        return matrix_input(grid, digest, printable(path.stem), options)
    return matrix_input(grid_of(source), "", "", options)


def _grid_of_path(path: Path, kind: str, options: InputOptions) -> Grid:
    if kind in ("parquet", "arrow", "jsonl") or (kind == "json" and _is_table(path)):
        from reportgen.importers.formats.opening import open_table
        from reportgen.importers.matrices.of_tables import grid_of_table

        with TemporaryDirectory(prefix="reportgen-") as spool:
            found = grid_of_table(open_table(path, options, Path(spool)), asked=True)
        if found is not None:
            return found
    dialect = dialect_of(path, options.separator, options.encoding, options.decimal)
    return grid_of_file(path, kind, dialect)


def _is_table(path: Path) -> bool:
    """Whether JSON contains rows by name, not a matrix."""
    from reportgen.importers.formats.json_files import read_json
    from reportgen.importers.formats.json_tables import json_table
    from reportgen.importers.matrices.json_matrices import has_json_matrix

    value = read_json(path)
    return not has_json_matrix(value) and json_table(value) is not None


def matrix_input(grid: Grid, digest: str, stem: str, options: InputOptions) -> MatrixInput:
    """Validate a grid.

    `digest` is the SHA-256 of its file, and `stem` the model name derived from it; both are empty
    without a file. Raises the errors of :func:`read_matrix_any`.
    """
    if grid.comma:
        grid = replace(grid, told=(*grid.told, "numbers with a decimal comma"))
    else:
        require_one_writing(grid)
    grid = without_totals(grid, n_given(options))
    if in_percent(grid) and not options.normalised:
        options = replace(options, normalised=True)
        grid = replace(grid, told=(*grid.told, "cells in percent"))
    rows_are_true = _rows(grid, options) == "true"
    reading = None if grid.triples is None else reading_of_triples(grid, options)
    if reading is None:
        classes, origin = classes_of(grid, options)
    else:
        classes, origin = reading.classes.names, reading.classes.source
    matrix = _matrix(grid, classes, options, rows_are_true, reading)
    _refuse_percentages(grid, matrix, options)
    supports = _supports(grid, classes, options)
    counts = _apply_supports(grid, matrix, supports, classes)
    provenance = Provenance(
        kind="confusion matrix",
        model=ModelFacts(name=stem),
        data_fingerprint=digest,
        classes_source=origin,
        command=render_command(printable(grid.name), options) if digest else "",
        read_as=read_as_matrix(
            len(classes), grid.told, rows_are_true=rows_are_true, long=reading is not None
        ),
        inference={
            "rows of the file": f"{'true' if rows_are_true else 'predicted'} classes",
            **_supports_facts(options),
        },
    )
    notes = _notes(matrix, counts, classes, grid, options)
    if reading is not None:
        notes = (*notes, *reading.notes)
    return MatrixInput(counts, classes, provenance, notes)


def _refuse_percentages(
    grid: Grid, matrix: ConfusionMatrix | NormalisedMatrix, options: InputOptions
) -> None:
    """Refuse whole numbers that may be percentages, unless something marks them as counts."""
    if not isinstance(matrix, ConfusionMatrix) or options.counts or _are_counts(grid, options):
        return
    if may_be_percentages(matrix):
        about = "" if adds_up_to_100(matrix) else "about "
        raise UsageError(
            f"the rows or columns of {quoted(grid.name)} add up to {about}100: its cells may be "
            "counts, or percentages",
            slug="counts-or-percentages",
            details=["with percentages there are no intervals and no tests"],
            hint="specify which: --counts or --normalised",
        )


def _are_counts(grid: Grid, options: InputOptions) -> bool:
    """Whether something marks the cells of a table as counts."""
    said = grid.triples is not None or isinstance(grid.cells, ConfusionMatrix)
    return said or grid.support is not None or options.supports is not None


def _supports_facts(options: InputOptions) -> Mapping[str, str]:
    if options.supports is None:
        return {}
    return {
        "samples of each class": printable(options.supports.name),
        "samples of each class SHA-256": file_sha256(options.supports),
    }


def _rows(grid: Grid, options: InputOptions) -> str:
    if grid.rows and options.rows not in ("auto", grid.rows):
        raise UsageError(
            f"{quoted(grid.name)} declares its rows as {grid.rows} classes, which "
            f"contradicts --rows {options.rows}",
            slug="option-conflict",
            hint="omit --rows",
        )
    if options.rows != "auto":
        return options.rows
    if grid.unsaid and not _is_symmetric(grid.cells):
        raise UsageError(
            f"{quoted(grid.name)} does not say whether its rows are true or predicted classes",
            slug="matrix-rows",
            details=['pandas drops the names of both axes with orient="split"'],
            hint="specify which: --rows true or --rows predicted",
        )
    return grid.rows or "true"


def _is_symmetric(cells: Any) -> bool:
    """Whether the matrix is symmetric."""
    texts = [[str(cell).strip() for cell in row] for row in cells]
    return texts == [list(column) for column in zip(*texts, strict=True)]


def _matrix(
    grid: Grid,
    classes: tuple[str, ...],
    options: InputOptions,
    rows_are_true: bool,
    reading: Reading | None,
) -> ConfusionMatrix | NormalisedMatrix:
    if options.normalised:
        shares, rounding = shares_of(grid, classes)
        return normalised_matrix(
            shares,
            over=options.normalised_over,
            rows_are_true=rows_are_true,
            rounding=rounding,
            name=grid.name,
        )
    if isinstance(grid.cells, ConfusionMatrix):
        matrix = grid.cells
    elif reading is not None:
        matrix = matrix_of_triples(grid, reading)
    else:
        matrix = ConfusionMatrix.from_counts(counts_of(grid, classes))
    return matrix if rows_are_true else matrix.transposed()


def _apply_supports(
    grid: Grid,
    matrix: ConfusionMatrix | NormalisedMatrix,
    supports: Supports | None,
    classes: Sequence[str],
) -> ConfusionMatrix | NormalisedMatrix:
    """Apply class supports: validate counts and orientation with them, or restore counts."""
    if supports is None:
        return matrix
    if isinstance(matrix, NormalisedMatrix):
        return restore(matrix, supports, classes, grid.name)
    check_supports(matrix, supports, classes, quoted(grid.name))
    return matrix


def _supports(grid: Grid, classes: Sequence[str], options: InputOptions) -> Supports | None:
    """Samples of each true class: from the user's file, otherwise from the matrix file."""
    if options.supports is not None:
        dialect = dialect_of(options.supports, options.separator, options.encoding, options.decimal)
        return read_supports(options.supports, classes, dialect)
    if grid.support is None:
        return None
    numbers = [number_of(value) for value in grid.support]
    whole = [int(n) for n in numbers if n is not None and 0 <= n < 2**53 and float(n).is_integer()]
    if len(whole) != len(numbers) or len(whole) != len(classes):
        raise DataError(
            f"the supports in {quoted(grid.name)} are not {plural(len(classes), 'whole number')}",
            slug="matrix-support",
            hint="correct the supports, or omit them",
        )
    return np.array(whole, np.int64)


def _notes(
    found: ConfusionMatrix | NormalisedMatrix,
    matrix: ConfusionMatrix | NormalisedMatrix,
    classes: Sequence[str],
    grid: Grid,
    options: InputOptions,
) -> tuple[DataNote, ...]:
    """Notes: `found` is the input in the file, `matrix` the result."""
    notes = list(grid.notes)
    if isinstance(matrix, NormalisedMatrix):
        notes.append(DataNote("normalised-matrix", matrix.sentence, "warning"))
    elif isinstance(found, NormalisedMatrix):
        notes.append(_restored_note(found, matrix, grid, options))
    elif not options.counts and not _are_counts(grid, options) and adds_up_to_100(matrix):
        notes.append(
            DataNote(
                "rows-of-100",
                "All rows or columns add up to 100. They were read as counts: rounded "
                "percentages rarely do.",
            )
        )
    unnamed = grid.row_names is None and grid.column_names is None and grid.triples is None
    if unnamed and options.classes is None:
        notes.append(
            DataNote(
                "classes-numbered",
                "The matrix came without class names: classes are numbered by position, from 0 "
                "(name them with --classes).",
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
        f"The matrix was saved as proportions of {of}. Its {plural(matrix.n_samples, 'count')} "
        "were "
        f"restored from the proportions and the class supports in {where}: every cell is a "
        "whole number within the rounding of its proportion, and every row adds up.",
        count=matrix.n_samples,
    )
