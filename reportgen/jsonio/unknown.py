"""Unknown members of a later version, kept so that a document can be written back in full."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = [
    "Unknown",
    "restore_unknown",
]


@dataclass(frozen=True)
class Unknown:
    """The unknown members of one object.

    Attributes
    ----------
    path
        Location of the object in its document: keys and indices.
    members
        Name → parsed JSON.
    beside
        For each step of `path` that is an index, the scalar members of the list element; None for
        other steps. They identify the element.
    """

    path: tuple[str | int, ...]
    members: Mapping[str, Any]
    beside: tuple[Mapping[str, Any] | None, ...]

    __hash__ = None  # type: ignore[assignment]  # contains mappings


def restore_unknown(document: dict[str, Any], unknown: Iterable[Unknown]) -> dict[str, Any]:
    """`document` itself, with the unknown members restored if their objects still exist."""
    for one in unknown:
        owner = _owner(document, one)
        if owner is not None:
            for name, value in one.members.items():
                owner.setdefault(name, value)
    return document


def _owner(document: Any, unknown: Unknown) -> dict[str, Any] | None:
    at = document
    for key, beside in zip(unknown.path, unknown.beside, strict=True):
        at = _member(at, key)
        if beside is not None and not _holds(at, beside):
            return None
    return at if isinstance(at, dict) else None


def _member(at: Any, key: str | int) -> Any:
    if isinstance(key, int):
        return at[key] if isinstance(at, list) and key < len(at) else None
    return at.get(key) if isinstance(at, dict) else None


def _holds(at: Any, members: Mapping[str, Any]) -> bool:
    return isinstance(at, dict) and all(
        name in at and at[name] == value for name, value in members.items()
    )
