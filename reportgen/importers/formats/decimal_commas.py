"""Numbers with a decimal comma, as a spreadsheet of much of Europe saves them."""

from __future__ import annotations

import re

__all__ = [
    "DECIMAL_COMMA_HINT",
    "has_decimal_comma",
    "is_comma_number",
    "with_point",
]


DECIMAL_COMMA_HINT = "if the comma is a decimal comma: --decimal ','"


_NUMBER = re.compile(
    r"\s*(?=[^%]*[0-9])[-+]?"
    r"(?:[1-9][0-9]{0,2}(?:([.' \u00a0\u202f])[0-9]{3})(?:\1[0-9]{3})*|[0-9]*)"
    r"(?:,[0-9]+)?(?:[eE][+-]?[0-9]+)?\s*%?\s*"
)


def is_comma_number(cell: str) -> bool:
    """Whether a cell is a number where commas are decimal commas and points divide thousands."""
    return _NUMBER.fullmatch(cell) is not None


def has_decimal_comma(cell: str) -> bool:
    """Whether a cell is a number with a comma: ``0,93``, ``1.234,5``."""
    return "," in cell and is_comma_number(cell)


def with_point(cell: str) -> str:
    """A number with a decimal comma as one with a point; any other text as it is.

    >>> with_point("1.234,5"), with_point("0,93"), with_point("1.234"), with_point("0.93")
    ('1234.5', '0.93', '1234', '0.93')
    """
    found = _NUMBER.fullmatch(cell)
    if found is None:
        return cell
    cell = cell.strip()
    return (cell.replace(found[1], "") if found[1] else cell).replace(",", ".")
