"""One-vs-rest curves for more than two classes, of those with the lowest ROC AUC.

Every point is a pair of counts, from the same score groups as the ROC AUC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from reportgen.analysis.scoring.ranked_scores import Groups
from reportgen.analysis.scoring.thresholds import fit, flagged_from
from reportgen.jsonio import ClassIndex, JsonPath, Key, Via

__all__ = [
    "MOST_CURVES",
    "ClassCurve",
    "ClassCurves",
    "choose_curves",
]


MOST_CURVES = 12
"""Maximum number of classes with stored curves: those with the lowest ROC AUC."""


POINTS = 60


@dataclass(frozen=True)
class ClassCurve:
    """Samples flagged by decreasing thresholds on the score of one class: of it, and of all others.

    Attributes
    ----------
    index
        Index of the class.
    n_positive, n_negative
        Number of its samples with scores, and of all others; neither is 0.
    n_thresholds
        Number of points before thinning: distinct scores, or non-empty bins.
    points
        (flagged samples of the class, flagged others), from the highest threshold to the one that
        flags everything, at most 60; both rise or stay, and no two are equal.
    """

    index: Annotated[ClassIndex, Key("class")]
    n_positive: int
    n_negative: int
    n_thresholds: int
    points: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, index: int, groups: Groups) -> ClassCurve:
        """The curve of a class with samples, and others."""
        _, tp, fp = flagged_from(groups)
        points = tuple((int(tp[i]), int(fp[i])) for i in fit(tp, fp, POINTS))
        return cls(index, int(tp[-1]), int(fp[-1]), len(tp), points)

    @property
    def prevalence(self) -> float:
        """Prevalence of the class, 0..1: the precision at chance level."""
        return self.n_positive / (self.n_positive + self.n_negative)

    def roc(self) -> Iterator[tuple[float, float]]:
        """(1 - specificity, sensitivity), both 0..1, from nothing flagged to everything."""
        yield 0.0, 0.0
        for tp, fp in self.points:
            yield fp / self.n_negative, tp / self.n_positive

    def precision_recall(self) -> Iterator[tuple[float, float]]:
        """(recall, precision), both 0..1, from the highest threshold to the lowest."""
        for tp, fp in self.points:
            yield tp / self.n_positive, tp / (tp + fp)

    def check_place(self, place: JsonPath) -> None:
        """Raise :class:`~reportgen.jsonio.Fault` for impossible points."""
        for name in ("n_positive", "n_negative"):
            if not place[name].whole():
                place[name].contradicts("a curve needs samples of the class and others")
        before = 0, 0
        for at, point in zip(place["points"].items(), self.points, strict=True):
            if point == before or point[0] < before[0] or point[1] < before[1]:
                at.contradicts("each point flags more than the one before")
            before = point
        if before != (self.n_positive, self.n_negative):
            place["points"].contradicts("the last point flags all samples")


def _distinct(curves: tuple[ClassCurve, ...] | None, place: JsonPath) -> tuple[ClassCurve, ...]:
    """Raises :class:`~reportgen.jsonio.Fault` if a class has two curves."""
    seen: set[int] = set()
    for curve, at in zip(curves or (), () if place.is_none else place.items(), strict=True):
        if curve.index in seen:
            at["class"].contradicts("each class has one curve")
        seen.add(curve.index)
    return curves or ()


ClassCurves = Annotated[
    tuple[ClassCurve, ...], Via(tuple[ClassCurve, ...] | None, lambda curves: curves, _distinct)
]
"""In JSON: null is read as an empty list."""


Ranked = tuple[tuple[float, ClassCurve], ...]
"""Curves with their ROC AUC, 0..1, lowest first."""


def choose_curves(kept: Ranked, index: int, auc: float | None, groups: Groups) -> Ranked:
    """`kept` with the curve of one more class, if it is among the worst so far.

    Classes come in order, which breaks ties. No curve if `auc` is None.
    """
    if auc is None or (len(kept) == MOST_CURVES and auc >= kept[-1][0]):
        return kept
    found = (*kept, (auc, ClassCurve.of(index, groups)))
    return tuple(sorted(found, key=lambda pair: pair[0]))[:MOST_CURVES]
