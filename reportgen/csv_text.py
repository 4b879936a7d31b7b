"""CSV that spreadsheets can open without executing its cells, and reading it back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

__all__ = [
    "csv_cells",
    "csv_of_columns",
    "csv_rows",
    "csv_text",
    "guard",
    "unguard",
]


_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The last four are the wide forms, which East Asian spreadsheets take for the narrow ones."""


_BEFORE = "' \u00a0\u3000"
"""Quotes and blanks, which some spreadsheets drop before a formula."""


def guard(text: str) -> str:
    """`text`, with one ``'`` before it where a spreadsheet would take it for a formula.

    A text that begins with ``'`` gets one too where that hides a formula, so that
    :func:`unguard` gives back what was written.
    """
    return f"'{text}" if text.lstrip(_BEFORE).startswith(_FORMULA_STARTS) else text


def unguard(text: str) -> str:
    """The inverse of :func:`guard`."""
    return text[1:] if text.startswith("'") and guard(text[1:]) == text else text


def csv_text(header: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A CSV of `header` and `rows`: comma, ``\\n``, quotes where needed.

    Strings are guarded; numbers are written as Python writes them; None is an empty cell.
    """
    guarded = ([guard(one) if isinstance(one, str) else one for one in row] for row in rows)
    return _written(header, guarded)


def csv_of_columns(header: Sequence[str], columns: Iterable[Iterable[object]]) -> str:
    """The same of columns of one length, without a step of Python for each cell: texts among them
    must be guarded already.
    """
    return _written(header, zip(*columns, strict=True))


def csv_rows(columns: Iterable[Iterable[object]]) -> str:
    """The rows of :func:`csv_of_columns`, without a header: what is appended to one."""
    return _lines(zip(*columns, strict=True))


def csv_cells(texts: Iterable[str]) -> list[str]:
    """Each text as a cell among others is written: guarded, in quotes where needed."""
    return [_lines([[guard(text), ""]])[: -len(",\n")] for text in texts]


def _written(header: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    return _lines([map(guard, header)]) + _lines(rows)


def _lines(rows: Iterable[Iterable[object]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()
