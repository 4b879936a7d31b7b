"""Per-class changes of a baseline comparison."""

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
    """A class on both sides; `rank` is its position by regression.

    `gained` and `lost` are its samples that only one side predicts correctly, None if samples are
    not matched.
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
    """The classes, regressions first; numbers of drops and rises; `paired` if samples match."""

    lead: Words
    tally: tuple[Tally, ...]
    rows: tuple[ClassChangeRow, ...]
    scale: Scale
    paired: bool
