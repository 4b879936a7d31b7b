"""Searches and rebuilds trees of values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

__all__ = [
    "find_values",
    "rebuild",
]


T = TypeVar("T")


def find_values(value: Any, kind: type[T]) -> Iterator[T]:
    """Every `kind` among dataclasses, tuples and mappings in `value`, in order."""
    if isinstance(value, kind):
        yield value
    elif is_dataclass(value):
        for item in fields(value):
            yield from find_values(getattr(value, item.name), kind)
    elif isinstance(value, tuple):
        for member in value:
            yield from find_values(member, kind)
    elif isinstance(value, Mapping):
        yield from find_values(tuple(value.values()), kind)


def rebuild(value: Any, change: Callable[[Any], Any]) -> Any:
    """`value` with `change` applied to each dataclass in it, innermost first.

    Unchanged parts are the same objects as before.
    """
    if is_dataclass(value) and not isinstance(value, type):
        before = {item.name: getattr(value, item.name) for item in fields(value)}
        after = {name: rebuild(member, change) for name, member in before.items()}
        touched = {name: after[name] for name in before if after[name] is not before[name]}
        return change(replace(value, **touched) if touched else value)
    if type(value) is tuple:
        members = [rebuild(member, change) for member in value]
        same = all(new is old for new, old in zip(members, value, strict=True))
        return value if same else tuple(members)
    if isinstance(value, Mapping):
        pairs = {key: rebuild(member, change) for key, member in value.items()}
        return value if all(pairs[key] is value[key] for key in value) else pairs
    return value
