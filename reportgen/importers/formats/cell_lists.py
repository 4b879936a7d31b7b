"""Parses cells with several values: lists, or text in the notation of various programs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reportgen.jsonio import literal

__all__ = [
    "CellReader",
    "by_mark",
    "listed",
    "numbered",
    "sample_reader",
    "scored",
]


CellReader = Callable[[Any], "list[str] | None"]
"""Parses a cell to a list of texts; None if it is not a list."""


_LONGEST = 1 << 18


_PART = re.compile(r"'[^']*'|\"[^\"]*\"|[^\s,]+")


_TENSOR = re.compile(
    r"(?:tensor|(?:np\.)?array)\((.*?)(?:,\s*(?:dtype|device|grad_fn)=.*)?\)", re.DOTALL
)


_NUMBERS = re.compile(r"[-+0-9.eE\s,;]|nan|inf")


_SHARE = re.compile(r"\(?[\d.]+%?\)?,?(?<=[%),.])|\d*\.\d+")


_MARKS = ("|", ";", ",", " ")


def listed(cell: Any) -> list[str] | None:
    """The values of a list, or of text in list notation, as texts; None for others.

    >>> listed("[0.7 0.3]"), listed("tensor(['cat', 'dog'])"), listed("cat")
    (['0.7', '0.3'], ['cat', 'dog'], None)
    """
    if isinstance(cell, (list, tuple)):
        return ["" if value is None else str(value) for value in cell]
    if not isinstance(cell, str) or len(cell) > _LONGEST:
        return None
    text = cell.strip()
    if (wrapped := _TENSOR.fullmatch(text)) is not None:
        text = wrapped[1].strip()
    if text[:1] + text[-1:] not in ("[]", "()") or any(mark in text[1:-1] for mark in "[]{}()"):
        return None
    try:
        value = literal(text)
    except ValueError:  # numpy prints without commas
        return [part.strip("'\"") for part in _PART.findall(text[1:-1])] or None
    return [str(one) for one in value] if isinstance(value, (list, tuple)) else None


def numbered(cell: Any) -> list[str] | None:
    """The numbers of a list, with or without brackets, as texts; None for others."""
    if isinstance(cell, str) and len(cell) <= _LONGEST and not _NUMBERS.sub("", cell):
        parts = cell.replace(",", " ").replace(";", " ").split()
        return parts if len(parts) > 1 else None
    found = listed(cell)
    return found if found and len(found) > 1 and all(map(_is_number, found)) else None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def scored(cell: Any) -> Mapping[str, float] | None:
    """The scores in a cell of text such as ``{"cat": 0.9, "dog": 0.1}``."""
    if not isinstance(cell, str) or len(cell) > _LONGEST or cell.strip()[:1] != "{":
        return None
    try:
        value = literal(cell)
    except ValueError:
        return None
    if not isinstance(value, Mapping) or len(value) < 2:
        return None
    if not all(type(one) in (int, float) for one in value.values()):
        return None
    return {str(name): float(one) for name, one in value.items()}


def by_mark(mark: str) -> CellReader:
    """A reader of texts with a separator between the values, without brackets."""

    def read(cell: Any) -> list[str] | None:
        if not isinstance(cell, str) or mark not in cell.strip():
            return None
        parts = cell.split() if mark == " " else [part.strip() for part in cell.split(mark)]
        return parts if all(parts) else None

    return read


def sample_reader(cells: Sequence[Any], labels: Sequence[str]) -> CellReader | None:
    """The reader for `cells` as lists of classes, best first; None if they are single classes.

    All cells must have the same number of values, at least two and without repeats. Most labels
    must occur in them, and most of the first values must be labels.
    """
    names = {label.strip() for label in labels}
    for read in (listed, *map(by_mark, _MARKS)):
        rows = [read(cell) for cell in cells]
        lists = [row for row in rows if row is not None]
        if not lists or len(lists) < len(rows) or len({len(row) for row in lists}) > 1:
            continue
        if len(lists[0]) < 2 or any(len(set(row)) < len(row) for row in lists):
            continue
        known = {value for row in lists for value in row}
        if any(_SHARE.fullmatch(value) for value in known):
            continue  # proportions between the names: not a list of names
        found = sum(label.strip() in known for label in labels) * 2 > len(labels)
        if found and 2 * sum(row[0] in names for row in lists) > len(lists):
            return read
    return None
