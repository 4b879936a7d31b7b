"""Options as declared fields: defined once for command line, library, validation and documents.

A class of options is a frozen dataclass of :func:`option` fields that extends :class:`Declared`.
The command line makes a flag of every field, with ``-`` for ``_``; the library takes the same
names as keywords.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Self

from reportgen.errors import UsageError
from reportgen.paths import refuse_address
from reportgen.text import nearest, quoted, without_secrets

__all__ = [
    "Declared",
    "option",
    "sort_options",
]


def option(default: Any, text: str, panel: str, **more: Any) -> Any:
    """A field with its help text and its panel in the help page.

    `more` may contain ``choices``, ``also`` (further permitted values: their notation and a
    pattern), ``min``, ``max``, ``metavar``, ``repeated`` (may be given several times on the command
    line) and ``shapes=False`` (it does not affect the result, so printed commands omit it).
    """
    return field(default=default, metadata={"help": text, "panel": panel, **more})


@dataclass(frozen=True)
class Declared:
    """Options that validate themselves, and can be written as command-line words.

    Raises :class:`UsageError` (``option-value``) if a value is not one of the choices, too small or
    too large.
    """

    PATHS: ClassVar[tuple[str, ...]] = ()
    """Fields with a path: the library accepts text for them."""
    TUPLES: ClassVar[tuple[str, ...]] = ()
    """Fields with several texts: the library accepts lists for them."""

    def __post_init__(self) -> None:
        for item in fields(self):
            _check(item.name, getattr(self, item.name), item.metadata)

    @classmethod
    def of(cls, keywords: Mapping[str, Any]) -> Self:
        """Construct from keyword arguments of the library's functions; unknown ones are refused."""
        refuse_unknown(keywords, [item.name for item in fields(cls)])
        return cls(**cls.converted(dict(keywords)))

    @classmethod
    def converted(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Convert the values that library callers may pass to the types of the fields."""
        for name in cls.PATHS:
            if isinstance(values.get(name), str):
                values[name] = Path(values[name])
        for name in cls.TUPLES:
            if isinstance(values.get(name), (list, tuple)):
                values[name] = tuple(map(str, values[name]))
        return values

    def command_words(self) -> list[str]:
        """The options that affect the result and differ from their defaults; base names only."""
        return [
            word
            for item in fields(self)
            if item.metadata.get("shapes", True) and getattr(self, item.name) != item.default
            for word in map(without_secrets, self.words_of(item.name, getattr(self, item.name)))
        ]

    def words_of(self, name: str, value: Any) -> list[str]:
        """One option as typed on the command line."""
        flag = flag_of(name)
        if isinstance(value, bool):
            return [flag]
        if isinstance(value, tuple) and type(self).__dataclass_fields__[name].metadata.get(
            "repeated"
        ):
            return [word for one in value for word in (flag, str(one))]
        if isinstance(value, tuple):
            is_list = name in ("classes", "data_classes")
            return [flag, "classes.txt" if is_list else ",".join(value)]
        return [flag, value.name if isinstance(value, Path) else str(value)]


def flag_of(name: str) -> str:
    """``--label-column`` of ``label_column``."""
    return "--" + name.replace("_", "-")


def refuse_unknown(keywords: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raise :class:`UsageError` for the first keyword that is not in `known`."""
    for name in keywords:
        if name not in known:
            meant = nearest(name, sorted(known))
            raise UsageError(
                f"there is no option {quoted(name)}",
                slug="option-unknown",
                hint=f"did you mean {meant}?" if meant else None,
            )


def sort_options(keywords: Mapping[str, Any], *kinds: type[Declared]) -> tuple[Any, ...]:
    """Distribute keyword arguments to the option classes that have them; unknown ones are refused.

    A name in several classes goes to all of them.
    """
    names = [{item.name for item in fields(kind)} for kind in kinds]
    refuse_unknown(keywords, sorted(set().union(*names)))
    return tuple(
        kind.of({key: value for key, value in keywords.items() if key in own})
        for kind, own in zip(kinds, names, strict=True)
    )


def _check(name: str, value: Any, metadata: Mapping[str, Any]) -> None:
    flag = flag_of(name)
    if isinstance(value, Path):
        refuse_address(value, flag)
    choices: Sequence[Any] = metadata.get("choices", ())
    shape, pattern = metadata.get("also", ("", ""))
    if choices and value not in choices and not (pattern and re.fullmatch(pattern, str(value))):
        known = [str(choice) for choice in (*choices, shape or None) if choice is not None]
        meant = nearest(str(value), known)
        raise UsageError(
            f"{flag} {quoted(str(value))} is not one of {', '.join(known)}",
            slug="option-value",
            hint=f"did you mean {meant}?" if meant else None,
        )
    if value is not None and "min" in metadata and value < metadata["min"]:
        raise UsageError(
            f"{flag} {value} is too small: at least {metadata['min']}", slug="option-value"
        )
    if value is not None and "max" in metadata and value > metadata["max"]:
        raise UsageError(
            f"{flag} {value} is too large: at most {metadata['max']}", slug="option-value"
        )
