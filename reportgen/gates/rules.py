"""The rules of gates: on which side of a limit a value must be, and which need a baseline."""

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
    """Which side of its limit a value has to be on, and the words of that.

    Attributes
    ----------
    sign
        1 where more is better, else -1.
    mark
        Between a value that keeps the limit and the limit: ``≥``.
    asked
        What the limit is: ``required``, ``allowed``.
    extreme
        The worst of several values: ``lowest``.
    """

    sign: int
    mark: str
    asked: str
    extreme: str

    def margin(self, value: float, limit: float) -> float:
        """How far the value is on the right side; below 0 on the wrong one, 0 at the limit."""
        return value - limit if self.sign > 0 else limit - value

    def keeps(self, value: float, limit: float) -> bool:
        """Whether a raw value keeps the limit; at the limit it does."""
        return value >= limit if self.sign > 0 else value <= limit

    def ends(self, interval: tuple[float, float]) -> tuple[float, float]:
        """The end that is hardest to keep within the limit, and the other."""
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
    """The direction of a rule on one model's value; None where it compares two."""
    return None if rule is None else DIRECTIONS.get(rule)
