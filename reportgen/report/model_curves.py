"""The section on the curves of more than two classes, as values."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.report.model_confidence import Chart
from reportgen.report.words import Name, Words

__all__ = ["ClassCurves", "CurveSection"]


@dataclass(frozen=True)
class ClassCurves:
    """Both curves of one class against the rest.

    Attributes
    ----------
    index, name
        Of the class.
    samples
        How many of the samples are of it, in words.
    roc
        (1 − specificity, sensitivity), both 0..1, from nothing flagged to everything flagged.
    precision_recall
        (recall, precision), both 0..1, from the highest threshold with anything flagged.
    prevalence
        Share of the class among the samples, 0..1: the precision of guessing.
    charts
        Title, message and caption of the two drawings, in this order.
    """

    index: int
    name: Name
    samples: str
    roc: tuple[tuple[float, float], ...]
    precision_recall: tuple[tuple[float, float], ...]
    prevalence: float
    charts: tuple[Chart, Chart]


@dataclass(frozen=True)
class CurveSection:
    """How well each class is told from all others by its score, worst first.

    Attributes
    ----------
    lead
        Which classes are shown, and what the curves show.
    missing
        Which classes have no curves, or why none has; empty where all have.
    classes
        At most twelve, lowest ROC AUC first.
    note
        How to read them, and where the figures are.
    """

    lead: Words
    missing: Words
    classes: tuple[ClassCurves, ...]
    note: Words
