"""Descriptions of a value class and its attributes, from its docstring."""

from __future__ import annotations

import inspect
import re

__all__ = [
    "attribute_descriptions",
    "class_description",
]


_ROLE = re.compile(r":\w+:`~?(?:[\w.]*\.)?([^`]*)`")


_TICKS = re.compile(r"`{1,2}([^`]*)`{1,2}")


def class_description(kind: type) -> str:
    """The first paragraph as plain text; None is written as null."""
    return _plain((inspect.getdoc(kind) or "").split("\n\n")[0])


def attribute_descriptions(kind: type) -> dict[str, str]:
    """Name → its text in the section "Attributes"; several names may have the same text."""
    text = inspect.getdoc(kind) or ""
    _, found, body = text.partition("\nAttributes\n----------\n")
    told: dict[str, str] = {}
    for heading, lines in re.findall(r"^(\w[\w, ]*)\n((?:    .*\n?|\n(?=    ))+)", body, re.M):
        told |= dict.fromkeys(heading.split(", "), _plain(lines))
    return told if found else {}


def _plain(text: str) -> str:
    words = " ".join(text.split())
    return re.sub(r"\bNone\b", "null", _TICKS.sub(r"\1", _ROLE.sub(r"\1", words)))
