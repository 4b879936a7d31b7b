"""``--engine``: runs the model elsewhere than in this process, and the resources for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypedDict

from reportgen.errors import UsageError
from reportgen.options.declared import Declared, flag_of, option
from reportgen.text import quoted

__all__ = [
    "Ray",
    "RayKeywords",
    "engine_of",
    "take_engine",
]


ENGINES = ("ray",)


_ACTORS = re.compile(r"([1-9]\d*)(?::([1-9]\d*))?")


_PANEL = "Engine"


@dataclass(frozen=True)
class Ray(Declared):
    """A pool of actors in a Ray cluster; by default in a cluster on this machine.

    Every field has the same name as its option. Raises :class:`UsageError` (``option-value``) for
    an invalid value.
    """

    actors: str | int = option(
        "2",
        "Processes that run the model. MIN:MAX: start with MIN, add up to MAX as they fit.",
        _PANEL,
        shapes=False,
        metavar="N|MIN:MAX",
    )
    actor_gpus: float = option(
        0.0, "GPUs of an actor; 0.5: two actors per GPU.", _PANEL, shapes=False, min=0, metavar="N"
    )
    actor_cpus: float = option(
        1.0, "CPU cores of an actor.", _PANEL, shapes=False, min=0, metavar="N"
    )
    ray_address: str | None = option(
        None,
        "Ray cluster: auto, HOST:PORT or ray://HOST:PORT. Default: RAY_ADDRESS, or a cluster of "
        "this machine for the length of the run.",
        _PANEL,
        shapes=False,
        metavar="ADDRESS",
    )
    stall_timeout: float = option(
        600.0,
        "Seconds without a row after which the run ends.",
        _PANEL,
        shapes=False,
        min=1,
        metavar="N",
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "actors", str(self.actors))
        super().__post_init__()
        found = _ACTORS.fullmatch(str(self.actors))
        if found is None or int(found[1]) > int(found[2] or found[1]):
            raise UsageError(
                f"--actors {quoted(str(self.actors))} is not N or MIN:MAX",
                slug="option-value",
                hint="for example --actors 4, or --actors 2:8",
            )

    @property
    def n_actors(self) -> tuple[int, int]:
        """(smallest, largest) number of actors."""
        smallest, _, largest = str(self.actors).partition(":")
        return int(smallest), int(largest or smallest)


class RayKeywords(TypedDict, total=False):
    """The keyword arguments of :class:`Ray`."""

    actors: str | int
    actor_gpus: float
    actor_cpus: float
    ray_address: str | None
    stall_timeout: float


def engine_of(given: Ray | str | None) -> Ray | None:
    """The engine for ``engine=``: ``"ray"``, :class:`Ray`, or None for this process."""
    if given is None or isinstance(given, Ray):
        return given
    if given not in ENGINES:
        raise UsageError(
            f"--engine {quoted(str(given))} is not one of {', '.join(ENGINES)}",
            slug="option-value",
            hint="omit it, and the model runs in this process",
        )
    return Ray()


def take_engine(given: str | None, keywords: dict[str, Any]) -> Ray | None:
    """As :func:`engine_of`; removes the engine's options from `keywords`."""
    own: Mapping[str, Any] = {
        one.name: keywords.pop(one.name) for one in fields(Ray) if one.name in keywords
    }
    engine = engine_of(given)
    if engine is not None:
        return Ray.of(own)
    alone = [one.name for one in fields(Ray) if own.get(one.name, one.default) != one.default]
    if alone:
        raise UsageError(
            f"{flag_of(alone[0])} is for --engine ray",
            slug="option-conflict",
            hint=f"add --engine ray, or omit {flag_of(alone[0])}",
        )
    return None
