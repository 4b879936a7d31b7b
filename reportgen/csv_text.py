"""CSV that spreadsheets can open without running what stands in it, and reading it back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

__all__ = [
    "csv_text",
    "guard",
    "unguard",
]


_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def guard(text: str) -> str:
    """`text`, with one ``'`` before it where a spreadsheet would take it for a formula.

    A text that begins with ``'`` gets one too where that hides a formula, so that
    :func:`unguarded` gives back what was written.
    """
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA_STARTS) else text


def unguard(text: str) -> str:
    """The inverse of :func:`guarded`."""
    return text[1:] if text.startswith("'") and guard(text[1:]) == text else text


def csv_text(header: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A CSV of `header` and `rows`: comma, ``\\n``, quotes where needed.

    Strings are guarded; numbers are written as Python writes them; None is an empty cell.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([guard(cell) for cell in header])
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return stream.getvalue()


def _cell(value: object) -> object:
    if value is None:
        return ""
    return guard(value) if isinstance(value, str) else value
