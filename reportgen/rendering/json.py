"""``report.json``: every number, for machines.

Its format is a contract (``docs/report-json.md``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from reportgen.jsonio import ElementTexts
from reportgen.review import Review

__all__ = [
    "render",
]


_SLAB = 4096
"""Elements of a list encoded at once."""


def render(review: Review) -> str:
    """The review as ASCII JSON, one list element per line; no NaN, floats in full precision.

    Raises :class:`ValueError` for a number that is not finite: undefined values must be null.
    """
    return "".join(_lines(review.to_json_texts()))


def _lines(value: dict[str, Any]) -> Iterator[str]:
    """An object with members on separate lines; lists of compounds have one element per line."""
    for position, (key, member) in enumerate(value.items()):
        yield "{\n" if position == 0 else ",\n"
        yield f" {_dump(key)}: "
        if key == "confusion_matrix":
            yield "{"
            for place, (name, part) in enumerate(member.items()):
                yield f"{', ' if place else ''}{_dump(name)}: {_spread(part)}"
            yield "}"
        else:
            yield _spread(member)
    yield "\n}\n"


def _spread(value: Any) -> str:
    if isinstance(value, ElementTexts):
        return "[\n  " + ",\n  ".join(value) + "\n ]" if value else "[]"
    if isinstance(value, list) and value and isinstance(value[0], dict | list):
        parts = (value[i : i + _SLAB] for i in range(0, len(value), _SLAB))
        return "[\n  " + ",\n  ".join(map(_element_lines, parts)) + "\n ]"
    if isinstance(value, dict) and value:
        members = (f"{_dump(key)}: {_dump(member)}" for key, member in value.items())
        return "{\n  " + ",\n  ".join(members) + "\n }"
    return _dump(value)


def _element_lines(elements: list[Any]) -> str:
    """Compounds as JSON, one per line.

    They are encoded at once if the separator is unambiguous, that is, if it occurs exactly once
    less than there are elements.
    """
    between = "}, {" if isinstance(elements[0], dict) else "], ["
    text = _dump(elements)[1:-1]
    if text.count(between) == len(elements) - 1:
        return text.replace(between, f"{between[0]},\n  {between[-1]}")
    return ",\n  ".join(map(_dump, elements))


def _dump(value: Any) -> str:
    return json.dumps(value, allow_nan=False)
