"""Parses a matrix cell as a number: ``1,234``, ``96.0%``, ``4e+01``."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from reportgen.importers.formats.decimal_commas import has_decimal_comma

__all__ = [
    "is_number",
    "number_of",
]


_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:([,' \u00a0\u202f])\d{3})(?:\1\d{3})*")


_MOST = 10**18
"""Larger whole numbers would lose precision."""


_PERCENT = re.compile(r"(.*\S)\s*%", re.DOTALL)


def number_of(cell: Any) -> int | float | None:
    """Parse a cell as a number, or None; a percentage becomes a proportion.

    A whole number above 10¹⁸ becomes a float, infinite if too large for one.
    """
    if isinstance(cell, (bool, np.bool_)) or not isinstance(cell, (str, int, float, np.number)):
        return None
    if isinstance(cell, int):
        return cell if abs(cell) <= _MOST else _as_float(cell)
    if not isinstance(cell, str):
        return float(cell)
    text = cell.strip()
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    if (found := _PERCENT.fullmatch(text)) is not None:
        part = number_of(found[1])
        return None if part is None else part / 100
    if (found := _THOUSANDS.fullmatch(text)) is not None:
        return number_of(text.replace(found[1], ""))
    try:
        return float(text) if text.isascii() and "_" not in text else None
    except ValueError:
        return None


def _as_float(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def is_number(text: str) -> bool:
    """Whether a text is a number, possibly with a decimal comma."""
    return number_of(text) is not None or has_decimal_comma(text)
