"""The sections of a release review as values: gates, and the comparison with a baseline."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.report.comparison.deltas import Delta, Scale, Tally
from reportgen.report.words import Name, Words

__all__ = [
    "ClassChangeRow",
    "ClassChanges",
]


@dataclass(frozen=True)
class ClassChangeRow:
    """One class on both sides; `rank` is its place by harm, `gained` and `lost` are its samples
    by who was right alone, None where samples are not matched.
    """

    index: int
    name: Name
    rank: int
    support: int
    few: bool
    recall: Delta
    p: str
    exact_p: float | None
    gained: int | None
    lost: int | None
    precision: Delta
    f1: Delta


@dataclass(frozen=True)
class ClassChanges:
    """The classes by harm, and how many fell and rose; `paired` where gained and lost are known."""

    lead: Words
    tally: tuple[Tally, ...]
    rows: tuple[ClassChangeRow, ...]
    scale: Scale
    paired: bool
