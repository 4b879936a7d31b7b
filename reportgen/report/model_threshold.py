"""The section on thresholds of a two-class model, as values."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.report.model_base import Cell, Fact, Reason
from reportgen.report.model_confidence import Chart
from reportgen.report.words import Words

__all__ = ["ThresholdMark", "ThresholdRow", "ThresholdSection"]


@dataclass(frozen=True)
class ThresholdRow:
    """An operating point: `letters` are its marks in the drawings, `remark` says what it is.

    `exact` is the threshold for sorting, `cells` hold sensitivity, specificity, PPV, NPV and F1.
    """

    exact: float
    text: str
    letters: str
    remark: str
    flagged: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class ThresholdMark:
    """A marked point of both curves; no precision where nothing is flagged. All shares, 0..1."""

    letter: str
    false_alarms: float
    sensitivity: float
    precision: float | None


@dataclass(frozen=True)
class ThresholdSection:
    """What each threshold on the probability of the positive class would do.

    Attributes
    ----------
    lead
        Which class is positive, and what a threshold does.
    facts
        The named operating points in words.
    rows
        The table, threshold upwards.
    roc
        (1 − specificity, sensitivity), both 0..1, from nothing flagged to everything flagged.
    precision_recall
        (recall, precision), both 0..1, from the highest threshold with anything flagged.
    prevalence
        Share of positive samples, 0..1: the precision of a coin.
    marks
        The named points, for the drawings.
    charts
        Title, message and caption of the two drawings; empty where one class has no samples.
    notes
        What to know before a threshold is chosen.
    reasons
        Footnotes of the table.
    """

    lead: Words
    facts: tuple[Fact, ...]
    rows: tuple[ThresholdRow, ...]
    roc: tuple[tuple[float, float], ...]
    precision_recall: tuple[tuple[float, float], ...]
    prevalence: float
    marks: tuple[ThresholdMark, ...]
    charts: tuple[Chart, ...]
    notes: tuple[Words, ...]
    reasons: tuple[Reason, ...]
