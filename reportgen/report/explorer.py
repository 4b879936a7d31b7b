"""The threshold explorer of a two-class model: the points of a slider, and their costs."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.analysis.scoring import ThresholdCurve, ThresholdPoint
from reportgen.metrics import Costs
from reportgen.report.words import Name, share

__all__ = [
    "Explorer",
    "UnitCosts",
    "cheapest_point",
    "explorer",
    "unit_costs",
]


@dataclass(frozen=True)
class UnitCosts:
    """Cost of one sample: true positive, false negative, false positive, true negative."""

    tp: float
    fn: float
    fp: float
    tn: float

    def of(self, point: ThresholdPoint, n_positive: int, n_negative: int) -> float:
        """The expected cost at a point, given the numbers of samples; at least one sample."""
        total = (
            point.tp * self.tp
            + (n_positive - point.tp) * self.fn
            + point.fp * self.fp
            + (n_negative - point.fp) * self.tn
        )
        return total / (n_positive + n_negative)


def unit_costs(costs: Costs | None, positive: int) -> UnitCosts | None:
    """The costs of two classes; None without costs."""
    if costs is None:
        return None
    other = 1 - positive
    true, predicted = [positive, positive, other, other], [positive, other, positive, other]
    return UnitCosts(*costs.of_cells(true, predicted).tolist())


def cheapest_point(curve: ThresholdCurve, costs: UnitCosts | None) -> ThresholdPoint | None:
    """The point with the lowest expected cost on these samples; the highest threshold of ties.

    None without costs, or if a class has no samples.
    """
    if costs is None or not (curve.n_positive and curve.n_negative):
        return None
    points = sorted(_points(curve), key=lambda point: -point.threshold)
    return min(points, key=lambda point: costs.of(point, curve.n_positive, curve.n_negative))


def _points(curve: ThresholdCurve) -> list[ThresholdPoint]:
    """All known points, one per threshold."""
    named = [point for point in (curve.youden, curve.sensitive) if point is not None]
    found = {point.threshold: point for point in (*curve.curve, *named, *curve.levels)}
    if curve.curve and curve.curve[0].threshold < 1:
        found.setdefault(1.0, ThresholdPoint(1.0, 0, 0))  # above the highest score
    return list(found.values())


@dataclass(frozen=True)
class Stop:
    """A named point: its title, and its index among the points."""

    title: str
    at: int


@dataclass(frozen=True)
class Explorer:
    """The points of the slider, and their labels.

    Attributes
    ----------
    positive, negative
        The classes.
    points
        (threshold as text, number of positive samples flagged, of negative ones), by increasing
        threshold.
    start
        Index of the default threshold.
    stops
        Named points.
    n_positive, n_negative
        Number of samples with scores, at least one each.
    prevalence
        Prevalence of the positive class in this test set: ``"5.0%"``.
    costs
        Costs of one sample, if given.
    """

    positive: Name
    negative: Name
    points: tuple[tuple[str, int, int], ...]
    start: int
    stops: tuple[Stop, ...]
    n_positive: int
    n_negative: int
    prevalence: str
    costs: UnitCosts | None = None

    @property
    def data(self) -> dict[str, object]:
        """Data for the script of the page."""
        given = self.costs
        return {
            "n": [self.n_positive, self.n_negative],
            "points": [list(point) for point in self.points],
            "costs": None if given is None else [given.tp, given.fn, given.fp, given.tn],
        }


def explorer(
    curve: ThresholdCurve, names: tuple[Name, ...], costs: UnitCosts | None
) -> Explorer | None:
    """The explorer; None if a class has no samples."""
    if not (curve.n_positive and curve.n_negative):
        return None
    points = sorted(_points(curve), key=lambda point: point.threshold)
    places = {point.threshold: i for i, point in enumerate(points)}
    start = min(range(len(points)), key=lambda i: abs(points[i].threshold - 0.5))
    named = (
        ("max Youden’s J", curve.youden),
        ("sensitivity ≥ 95%", curve.sensitive),
        ("lowest expected cost", cheapest_point(curve, costs)),
    )
    stops = [Stop("default (0.5)", start)]
    stops += [Stop(title, places[point.threshold]) for title, point in named if point is not None]
    return Explorer(
        positive=names[curve.positive],
        negative=names[1 - curve.positive],
        points=tuple((_shown(point.threshold), point.tp, point.fp) for point in points),
        start=start,
        stops=tuple(stops),
        n_positive=curve.n_positive,
        n_negative=curve.n_negative,
        prevalence=share(curve.n_positive / (curve.n_positive + curve.n_negative)),
        costs=costs,
    )


def _shown(threshold: float) -> str:
    """Four digits, without an exponent."""
    text = f"{float(f'{threshold:.4g}'):.12f}"
    return text.rstrip("0").rstrip(".")
