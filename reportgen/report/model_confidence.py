"""The section on confidence, as values."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.evaluation import ReliabilityBar
from reportgen.report.model_base import Fact
from reportgen.report.words import Words

__all__ = [
    "Chart",
    "ConfidenceSection",
    "CurveRow",
    "HistogramRow",
    "OperatingPoint",
    "ReliabilityRow",
]


@dataclass(frozen=True)
class ReliabilityRow:
    """A bin of the reliability diagram: its numbers to be drawn, and the same as text."""

    bar: ReliabilityBar
    span: str
    count: str
    accuracy: str
    range: str
    confidence: str
    few: bool


@dataclass(frozen=True)
class HistogramRow:
    """Right and wrong answers in one bin of confidence, as counts and as shares of their kind."""

    span: str
    right: int
    wrong: int
    right_share: float
    wrong_share: float


@dataclass(frozen=True)
class CurveRow:
    """A point of the risk-coverage curve: shares, 0..1, and the same as text."""

    coverage: float
    error: float
    coverage_text: str
    error_text: str


@dataclass(frozen=True)
class OperatingPoint:
    """A marked point of the risk-coverage curve: its letter, where it is, and what it means."""

    letter: str
    coverage: float
    error: float
    sentence: Words


@dataclass(frozen=True)
class Chart:
    """What each drawing has beside it: a title, the message in words, and how to read it."""

    title: str
    alt: str
    caption: Words


@dataclass(frozen=True)
class ConfidenceSection:
    """How sure the model was, and whether rightly so; without rows where `missing` says why.

    Attributes
    ----------
    lead
        The message.
    missing
        What is not here, and why; empty where nothing is missing.
    facts
        Each figure in a sentence.
    reliability, histogram, curve
        The rows of the three drawings, empty bins included.
    curve_table
        The points of the curve that its table lists.
    points
        Operating points, marked on the curve and told in words.
    charts
        Of reliability, histogram and curve, in this order.
    """

    lead: Words
    missing: Words
    facts: tuple[Fact, ...] = ()
    reliability: tuple[ReliabilityRow, ...] = ()
    histogram: tuple[HistogramRow, ...] = ()
    curve: tuple[CurveRow, ...] = ()
    curve_table: tuple[CurveRow, ...] = ()
    points: tuple[OperatingPoint, ...] = ()
    charts: tuple[Chart, ...] = ()
