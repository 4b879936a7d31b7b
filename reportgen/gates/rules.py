"""The rules of gates: minimum or maximum, and which need a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from reportgen.gates.gate import Rule

__all__ = [
    "COMPARISONS",
    "DIRECTIONS",
    "Direction",
    "direction_of",
]


@dataclass(frozen=True)
class Direction:
    """Whether a limit is a minimum or a maximum, and its words.

    Attributes
    ----------
    sign
        1 for a minimum, -1 for a maximum.
    mark
        Comparison sign of a value that meets the limit: ``≥``.
    asked
        Word for the limit: ``required``, ``allowed``.
    extreme
        Word for the worst of several values: ``lowest``.
    """

    sign: int
    mark: str
    asked: str
    extreme: str

    def margin(self, value: float, limit: float) -> float:
        """The distance of the value from the limit: below 0 if it is not met, 0 at the limit."""
        return value - limit if self.sign > 0 else limit - value

    def keeps(self, value: float, limit: float) -> bool:
        """Whether an unrounded value meets the limit; at the limit it does."""
        return value >= limit if self.sign > 0 else value <= limit

    def ends(self, interval: tuple[float, float]) -> tuple[float, float]:
        """The less favourable end, and the other."""
        return interval if self.sign > 0 else (interval[1], interval[0])


_FLOOR = Direction(1, "≥", "required", "lowest")


_CEILING = Direction(-1, "≤", "allowed", "highest")


DIRECTIONS: dict[Rule, Direction] = {
    "at_least": _FLOOR,
    "at_most": _CEILING,
    "at_most_share": _CEILING,
}


COMPARISONS: tuple[Rule, ...] = tuple(rule for rule in get_args(Rule) if rule not in DIRECTIONS)
"""Rules that need a baseline."""


def direction_of(rule: Rule | None) -> Direction | None:
    """The direction of a rule on a value; None for a comparison."""
    return None if rule is None else DIRECTIONS.get(rule)
