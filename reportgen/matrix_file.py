"""A confusion matrix saved as CSV: class names in the first row and column, rows true.

Cells are text until they are proven to be counts, so a class may be called ``NA`` or ``007``.
The long form that is written above 2,048 classes (``true,predicted,count``) is read as well.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np

from reportgen.confusion import ConfusionMatrix
from reportgen.csv_text import unguarded
from reportgen.errors import DataError
from reportgen.text import count, printable, quoted

__all__ = ["LONG_HEADER", "looks_like_matrix", "read_matrix"]

LONG_HEADER = ("true", "predicted", "count")
FIELD_LIMIT = 131_072


def looks_like_matrix(path: Path) -> bool:
    """Whether a CSV is a confusion matrix: its header after the first cell equals its first
    column, or it has the columns of the long form.
    """
    rows = _rows(path)
    header = next(rows, [])
    if tuple(header) == LONG_HEADER:
        return True
    if len(header) < 2:
        return False
    first_column = []
    for row in rows:
        first_column.append(row[0] if row else "")
        if len(first_column) > len(header) - 1:
            return False
    return header[1:] == first_column


def read_matrix(
    path: Path, *, rows_are_true: bool = True
) -> tuple[ConfusionMatrix, tuple[str, ...]]:
    """(counts, class names); rows true, columns predicted, whichever way the file has them.

    Raises :class:`DataError` naming the cell, where the table is not square, its names differ
    or are repeated, or a cell is no count.
    """
    rows = _rows(path)
    header = next(rows, None)
    if header is None:
        raise DataError(f"{quoted(path.name)} is empty", slug="matrix-empty")
    matrix, classes = (
        _long(path, rows) if tuple(header) == LONG_HEADER else _square(path, header, list(rows))
    )
    return (matrix if rows_are_true else matrix.transposed()), classes


def _square(
    path: Path, header: list[str], rows: Sequence[list[str]]
) -> tuple[ConfusionMatrix, tuple[str, ...]]:
    names = [_name(cell) for cell in header[1:]]
    _require_unique(path, names)
    if len(rows) != len(names) or not names:
        raise DataError(
            f"the matrix in {quoted(path.name)} is not square: "
            f"{count(len(rows))} rows, {count(len(names))} columns of counts",
            slug="matrix-not-square",
            hint="the first row and the first column hold the class names, the rest the counts",
        )
    for line, (row, name) in enumerate(zip(rows, names, strict=True), start=2):
        if _name(row[0]) != name:
            raise DataError(
                f"line {line} of {quoted(path.name)} is class {quoted(row[0])}, "
                f"but column {line} is {quoted(name)}",
                slug="matrix-names",
                hint="rows and columns must hold the same classes in the same order",
            )
    counts = [
        [_count(path, cell, row[0], names[i]) for i, cell in enumerate(row[1:])] for row in rows
    ]
    return ConfusionMatrix.from_counts(np.array(counts, np.int64)), tuple(names)


def _long(path: Path, rows: Iterator[list[str]]) -> tuple[ConfusionMatrix, tuple[str, ...]]:
    cells: dict[tuple[str, str], int] = {}
    names: dict[str, int] = {}
    for line, (true, predicted, cell) in enumerate(rows, start=2):
        pair = (_name(true), _name(predicted))
        if pair in cells:
            raise DataError(
                f"line {line} of {quoted(path.name)} repeats the cell "
                f"{quoted(true)}, {quoted(predicted)}",
                slug="matrix-cell",
            )
        cells[pair] = _count(path, cell, *pair)
        for name in pair:
            names.setdefault(name, len(names))
    if not names:
        raise DataError(f"{quoted(path.name)} holds no cells", slug="matrix-empty")
    ordered = sorted(names)
    index = {name: i for i, name in enumerate(ordered)}
    triples = [(index[t], index[p], n) for (t, p), n in cells.items() if n]
    return ConfusionMatrix.from_cells(triples, len(ordered)), tuple(ordered)


def _rows(path: Path) -> Iterator[list[str]]:
    """The rows of a strict CSV, all of one width; errors name the line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(_without_nul(stream, path), strict=True)
            width = None
            for row in reader:
                if not row:
                    continue
                width = len(row) if width is None else width
                if len(row) != width:
                    raise DataError(
                        f"line {reader.line_num} of {quoted(path.name)} has {len(row)} cells, "
                        f"not {width}",
                        slug="table-ragged",
                    )
                yield row
    except UnicodeDecodeError as error:
        raise DataError(
            f"{quoted(path.name)} is not UTF-8 at byte {error.start}",
            slug="table-encoding",
            hint="save it as UTF-8",
        ) from error
    except csv.Error as error:
        _strict_failure(path, reader.line_num, error)
    except FileNotFoundError as error:
        raise DataError(f"there is no file {quoted(path.name)}", slug="input-missing") from error
    except OSError as error:
        raise DataError(
            f"{quoted(path.name)} can't be read: {error.strerror}", slug="input-unreadable"
        ) from error


def _strict_failure(path: Path, line: int, error: csv.Error) -> NoReturn:
    text = str(error)
    if "field larger" in text:
        what = f"a field is longer than {FIELD_LIMIT} characters"
    elif "unexpected end" in text:
        what = "a quote that was opened never closes"
    else:
        what = text
    raise DataError(
        f"{quoted(path.name)} is no valid CSV, by line {line}: {printable(what)}",
        slug="table-syntax",
        hint="check the quotes; cells that hold quotes or commas must be quoted",
    ) from error


def _without_nul(lines: Iterator[str], path: Path) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if "\0" in line:
            raise DataError(
                f"line {number} of {quoted(path.name)} holds a NUL byte", slug="table-syntax"
            )
        yield line


def _name(cell: str) -> str:
    return printable(unguarded(cell))


def _require_unique(path: Path, names: Sequence[str]) -> None:
    seen: dict[str, int] = {}
    for column, name in enumerate(names, start=2):
        if not name.strip():
            raise DataError(
                f"column {column} of {quoted(path.name)} has no class name", slug="matrix-names"
            )
        if name in seen:
            raise DataError(
                f"class {quoted(name)} stands in columns {seen[name]} and {column} "
                f"of {quoted(path.name)}",
                slug="duplicate-classes",
            )
        seen[name] = column


def _count(path: Path, cell: str, true: str, predicted: str) -> int:
    text = cell.strip()
    if text.isascii() and text.isdigit() and len(text) <= 15:
        return int(text)
    value = float(text) if _is_number(text) else None
    if value is not None and value.is_integer() and 0 <= value < 1e15:
        return int(value)
    fraction = value is not None and 0 < value < 1
    raise DataError(
        f"cell {quoted(cell[:40])} (true {quoted(true)}, predicted {quoted(predicted)}) "
        f"of {quoted(path.name)} is not a count",
        slug="matrix-cell",
        hint="shares can't be turned back into counts: save the matrix before it is normalised"
        if fraction
        else "counts are whole numbers, 0 or more",
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text
