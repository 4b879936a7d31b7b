"""More than two classes: the curves of each against the rest, of those with the lowest ROC AUC.

Every point is a pair of counts, read off the groups of scores that the ROC AUC is made of anyway.
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
"""Classes whose curves are kept: those with the lowest ROC AUC."""


POINTS = 60


@dataclass(frozen=True)
class ClassCurve:
    """What falling thresholds on the score of one class flag, of it and of all others.

    Attributes
    ----------
    index
        Of the class.
    n_positive, n_negative
        Its samples that have scores, and those of all others; neither is 0.
    n_thresholds
        Points before thinning: different scores, or bins with samples.
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
        """The curve of a class that has samples, beside others."""
        _, tp, fp = flagged_from(groups)
        points = tuple((int(tp[i]), int(fp[i])) for i in fit(tp, fp, POINTS))
        return cls(index, int(tp[-1]), int(fp[-1]), len(tp), points)

    @property
    def prevalence(self) -> float:
        """Share of the class among the samples, 0..1: the precision of guessing."""
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
        """Raise :class:`~reportgen.jsonio.Fault` where the points that are there can't be."""
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
    """Raises :class:`~reportgen.jsonio.Fault` where a class has two curves."""
    seen: set[int] = set()
    for curve, at in zip(curves or (), () if place.is_none else place.items(), strict=True):
        if curve.index in seen:
            at["class"].contradicts("each class has one curve")
        seen.add(curve.index)
    return curves or ()


ClassCurves = Annotated[
    tuple[ClassCurve, ...], Via(tuple[ClassCurve, ...] | None, lambda curves: curves, _distinct)
]
"""In JSON: null is read as none."""


Ranked = tuple[tuple[float, ClassCurve], ...]
"""Curves with their ROC AUC, 0..1, lowest first."""


def choose_curves(kept: Ranked, index: int, auc: float | None, groups: Groups) -> Ranked:
    """`kept` with the curve of one more class, where it is among the worst so far.

    Classes come in their order, which decides between equal ones. No curve where `auc` is None.
    """
    if auc is None or (len(kept) == MOST_CURVES and auc >= kept[-1][0]):
        return kept
    found = (*kept, (auc, ClassCurve.of(index, groups)))
    return tuple(sorted(found, key=lambda pair: pair[0]))[:MOST_CURVES]
