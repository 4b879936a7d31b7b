"""JSON text of many values at a time: columns of numbers are encoded at one go."""

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
    """The elements of a list, each as JSON text already."""


def number_texts(values: Sequence[float | None]) -> list[str]:
    """Of numbers, true and false, and None. ValueError where a number is not finite."""
    if not len(values):
        return []
    return json.dumps(list(values), allow_nan=False)[1:-1].split(", ")


def string_texts(values: Sequence[str]) -> list[str]:
    """Of strings, in ASCII."""
    return list(map(encode_basestring_ascii, values))


def object_texts(names: Sequence[str], columns: Sequence[Sequence[str]]) -> list[str]:
    """Of objects that all have these names; `columns` holds the texts of the values by name."""
    members = (f"{encode_basestring_ascii(name)}: ".replace("%", "%%") + "%s" for name in names)
    template = "{" + ", ".join(members) + "}"
    rows: Any = zip(*columns, strict=True)
    return [template % row for row in rows]
