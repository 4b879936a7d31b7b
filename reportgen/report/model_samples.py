"""The sections that look below the whole, as values: slices, and suspected labels."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.report.model_base import Cell, Reason, Thumbnail
from reportgen.report.words import Name, Words

__all__ = ["SliceRow", "SliceSection", "SuspectRow", "SuspectSection"]


@dataclass(frozen=True)
class SliceRow:
    """One part of the samples, as it is read; `verdict` is a word where there is one.

    Attributes
    ----------
    column, part
        What tells the part apart, and which one it is.
    difference, exact_difference
        Accuracy less that of the rest, in points; empty and None where there is no rest.
    p
        Corrected p-value as text, and as a number in `exact_p`.
    """

    column: Name
    part: Name
    count: int
    accuracy: Cell
    balanced: Cell
    macro_f1: Cell
    gap: str
    exact_gap: float | None
    difference: str
    difference_range: str
    exact_difference: float | None
    p: str
    exact_p: float | None
    verdict: str
    few: bool


@dataclass(frozen=True)
class SliceSection:
    """Slices, the worst first; `left_out` says which columns are not cut, and why."""

    lead: Words
    rows: tuple[SliceRow, ...]
    left_out: tuple[Words, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class SuspectRow:
    """A sample whose label is worth a second look."""

    rank: int
    path: Name
    file: Name
    label: Name
    suggested: Name
    margin: float
    label_probability: str
    exact_label: float
    suggested_probability: str
    exact_suggested: float
    thumbnail: Thumbnail | None
    alt: str


@dataclass(frozen=True)
class SuspectSection:
    """Labels worth a second look, strongest suspicion first; `warnings` weaken the list."""

    lead: Words
    warnings: tuple[str, ...]
    rows: tuple[SuspectRow, ...]
