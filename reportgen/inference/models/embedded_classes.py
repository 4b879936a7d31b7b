"""Class lists in model files: the order of the outputs, as saved with the model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reportgen.errors import ModelError
from reportgen.jsonio import literal
from reportgen.text import listing, quoted

__all__ = [
    "NO_CLASSES",
    "EmbeddedClasses",
    "embedded_classes",
    "parse_json",
    "parse_text",
]


@dataclass(frozen=True)
class EmbeddedClasses:
    """The class list of a model file.

    Attributes
    ----------
    names
        In the order of the model's outputs; None if the file has no valid list.
    source
        Where it was found: ``"classes.json in candidate.pt2"``.
    notes
        Why a list was not used.
    """

    names: tuple[str, ...] | None = None
    source: str = ""
    notes: tuple[str, ...] = ()


NO_CLASSES = EmbeddedClasses()


class _FaultError(Exception):
    """A fault in a class list; the text completes "the class list …"."""


def embedded_classes(value: Any, source: str, *, lenient: bool) -> EmbeddedClasses:
    """Parse the class list in `value`, from `source`.

    Parameters
    ----------
    value
        A list of names, ``{"classes": list}``, ``{"class_to_idx": map}``, a map from name to
        index, or a map from index to name. Names are unique; indices are 0 to K - 1.
    lenient
        Whether another class list is used anyway; then a fault only gives a note.

    Raises
    ------
    ModelError
        ``carried-classes``: the list has a fault and `lenient` is False.
    """
    try:
        return EmbeddedClasses(_names(value), source)
    except _FaultError as fault:
        if lenient:
            return EmbeddedClasses(notes=(f"The class list ({source}) was not used: it {fault}.",))
        raise ModelError(
            f"the class list ({source}) {fault}",
            slug="carried-classes",
            hint="pass the class names in the order of the model's outputs with --classes",
        ) from None


def parse_json(text: bytes, source: str, *, lenient: bool) -> EmbeddedClasses:
    """Parse the class list in JSON `text`; see :func:`embedded_classes`."""
    try:
        value = json.loads(text.decode("utf-8-sig"), object_pairs_hook=_unique_pairs)
    except (ValueError, RecursionError):
        value = None
    except _FaultError as fault:
        value = fault
    return embedded_classes(value, source, lenient=lenient)


def parse_text(text: str, n_outputs: int | None, source: str, *, lenient: bool) -> EmbeddedClasses:
    """Parse the class list in `text`: JSON, what Python prints, or as many names as outputs.

    Such names are on lines of their own, or between commas. See :func:`embedded_classes`.
    """
    if text.lstrip()[:1] in ("[", "{", "("):
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return embedded_classes(_printed(text), source, lenient=lenient)
        return parse_json(text.encode(), source, lenient=lenient)
    for names in (text.strip().splitlines(), text.split(",")):
        if len(names) == n_outputs and len(names) > 1:
            return embedded_classes([name.strip() for name in names], source, lenient=lenient)
    return parse_json(text.encode(), source, lenient=lenient)


def _printed(text: str) -> Any:
    try:
        return literal(text)
    except ValueError:
        return None


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    _check_unique([key for key, _ in pairs])
    return dict(pairs)


def _names(value: Any) -> tuple[str, ...]:
    if isinstance(value, _FaultError):
        raise value
    if isinstance(value, Mapping):
        for key in ("classes", "class_to_idx"):
            if key in value and not isinstance(value[key], (int, str)):
                return _names(value[key])
        value = _by_index(value)
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise _FaultError("is not a list of names")
    if not value or not all(isinstance(name, str) for name in value):
        raise _FaultError("is not a list of names")
    _check_unique(value)
    return tuple(value)


def _check_unique(names: Sequence[str]) -> None:
    first: dict[str, int] = {}
    for position, name in enumerate(names):
        if name in first:
            raise _FaultError(
                f"has {quoted(name)} twice, at positions {first[name]} and {position}"
            )
        first[name] = position


def _by_index(value: Mapping[Any, Any]) -> list[Any]:
    """The names of a map name → index, or index → name, in the order of the indices."""
    if value and all(_is_whole(index) for index in value.values()):
        pairs = [(index, name) for name, index in value.items()]
    elif value and all(_is_whole(index) or _is_number(index) for index in value):
        pairs = [(int(index), name) for index, name in value.items()]
    else:
        raise _FaultError("is not a list of names")
    pairs.sort(key=lambda pair: pair[0])
    indices = [index for index, _ in pairs]
    if indices != list(range(len(indices))):
        raise _FaultError(
            f"has the indices {listing(map(str, indices))}, not 0 to {len(indices) - 1}"
        )
    return [name for _, name in pairs]


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10
