"""CSV that is safe in spreadsheets: cells are never formulas; and reading it back, and that of
others.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from itertools import islice

__all__ = [
    "csv_cells",
    "csv_of_columns",
    "csv_rows",
    "csv_text",
    "declares_separator",
    "guard",
    "guarded",
    "separators",
    "unguard",
]


_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The last four are full-width forms, which East Asian spreadsheets read as the ASCII ones."""


_BEFORE = "' \u00a0\u3000"
"""Quotes and blanks that some spreadsheets drop before a formula."""


def guard(text: str) -> str:
    """`text`, prefixed with ``'`` if a spreadsheet would read it as a formula.

    A text that begins with ``'`` before a formula is prefixed too, so that :func:`unguard` is the
    inverse.
    """
    return f"'{text}" if text.lstrip(_BEFORE).startswith(_FORMULA_STARTS) else text


def guarded(texts: Sequence[str]) -> Sequence[str]:
    """Each text as :func:`guard` returns it: at once if none begins with a character of concern."""
    begin = {text[:1] for text in texts}
    return texts if begin.isdisjoint({*_FORMULA_STARTS, *_BEFORE}) else list(map(guard, texts))


def unguard(text: str) -> str:
    """The inverse of :func:`guard`."""
    return text[1:] if text.startswith("'") and guard(text[1:]) == text else text


def csv_text(header: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A CSV of `header` and `rows`: comma, ``\\n``, quotes if needed.

    Strings are guarded; numbers are in Python's notation; None is an empty cell.
    """
    guarded = ([guard(one) if isinstance(one, str) else one for one in row] for row in rows)
    return _written(header, guarded)


def csv_of_columns(header: Sequence[str], columns: Iterable[Iterable[object]]) -> str:
    """As :func:`csv_text`, for columns of equal length, without a Python step per cell.

    Texts must be guarded already.
    """
    return _written(header, zip(*columns, strict=True))


def csv_rows(columns: Iterable[Iterable[object]]) -> str:
    """The rows of :func:`csv_of_columns` without a header, for appending."""
    return _lines(zip(*columns, strict=True))


def csv_cells(texts: Sequence[str]) -> Sequence[str]:
    """The texts of cells: guarded, quoted if needed."""
    safe = guarded(texts)
    if _NEVER_QUOTED(" ".join(safe)):
        return safe
    return [_lines([[one, ""]])[: -len(",\n")] for one in safe]


_NEVER_QUOTED = re.compile('[^",\r\n]*').fullmatch


_HEAD_ROWS = 20


def separators(text: str) -> dict[str, int]:
    """The possible delimiters of a table: ``,``, ``;``, tab or ``|`` → columns.

    The header decides; a comma takes precedence, unless the first rows fit both. Several if the
    first rows are ambiguous; empty if each line is one cell.
    """
    widths = {mark: found for mark in ",;\t|" if (found := _widths(text, mark))}
    chosen = list(widths)
    if len(widths) > 1:
        fitting = [mark for mark, each in widths.items() if len(set(each)) == 1]
        if "," in widths:
            proven = [mark for mark in fitting if len(widths[mark]) > 1]
            chosen = proven if "," in proven else [","]
        else:
            chosen = fitting or chosen
    return {mark: widths[mark][0] for mark in chosen}


def _widths(text: str, mark: str) -> list[int]:
    """Number of cells in each of the first rows; empty if `mark` does not separate them."""
    if mark not in text:
        return []
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    try:
        first = islice((row for row in rows if row and not declares_separator(row)), _HEAD_ROWS)
        widths = list(map(len, first))
    except csv.Error:
        return []
    return widths if widths and min(widths[:2]) > 1 else []


def declares_separator(row: Sequence[str]) -> bool:
    """Whether a row is the line ``sep=;`` of Excel, whatever its delimiter."""
    return row[0].lower().startswith("sep=") and len(row) <= 2


def _written(header: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    return _lines([map(guard, header)]) + _lines(rows)


def _lines(rows: Iterable[Iterable[object]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()
