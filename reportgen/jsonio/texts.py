"""JSON text of many values: columns of numbers are encoded at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from json.encoder import encode_basestring_ascii
from typing import Any

__all__ = [
    "ElementTexts",
    "number_texts",
    "object_texts",
    "string_texts",
]


class ElementTexts(list[str]):
    """The elements of a list, already as JSON text."""


def number_texts(values: Sequence[float | None]) -> list[str]:
    """JSON texts of numbers, booleans and None. Raises ValueError for infinite numbers and nan."""
    if not len(values):
        return []
    return json.dumps(list(values), allow_nan=False)[1:-1].split(", ")


def string_texts(values: Sequence[str]) -> list[str]:
    """JSON texts of strings, in ASCII."""
    return list(map(encode_basestring_ascii, values))


def object_texts(names: Sequence[str], columns: Sequence[Sequence[str]]) -> list[str]:
    """JSON texts of objects with the same names; `columns` has the texts of the values by name."""
    members = (f"{encode_basestring_ascii(name)}: ".replace("%", "%%") + "%s" for name in names)
    template = "{" + ", ".join(members) + "}"
    rows: Any = zip(*columns, strict=True)
    return [template % row for row in rows]
