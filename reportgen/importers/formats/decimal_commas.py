"""Numbers with a decimal comma, as in spreadsheets of many European locales."""

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
    """Whether a cell is a number with a decimal comma; points are thousands separators."""
    return _NUMBER.fullmatch(cell) is not None


def has_decimal_comma(cell: str) -> bool:
    """Whether a cell is a number that contains a comma: ``0,93``, ``1.234,5``."""
    return "," in cell and is_comma_number(cell)


def with_point(cell: str) -> str:
    """A number with a decimal comma rewritten with a point; other text unchanged.

    >>> with_point("1.234,5"), with_point("0,93"), with_point("1.234"), with_point("0.93")
    ('1234.5', '0.93', '1234', '0.93')
    """
    found = _NUMBER.fullmatch(cell)
    if found is None:
        return cell
    cell = cell.strip()
    return (cell.replace(found[1], "") if found[1] else cell).replace(",", ".")
