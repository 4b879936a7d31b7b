"""Weighted kappa: agreement for ordered classes, with smaller weights for near misses.

The weight of a cell is |i − j| or (i − j)². For classes without an order it would depend on the
order of the list, so it is only given on request.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics.counted import Totals
from reportgen.metrics.definitions import Metric
from reportgen.metrics.intervals import ATANH, SCORE
from reportgen.metrics.overall import SummaryMetric, Whole
from reportgen.metrics.score_interval import Smoothed, bounded_interval, cells_of, occurring
from reportgen.metrics.terms import SUPPORT, divided

__all__ = [
    "ORDINAL",
    "Disagreement",
    "WeightedKappa",
    "Weights",
    "disagreement",
    "ordinal_metrics",
]


Floats = NDArray[np.float64]


Weights = Literal["linear", "quadratic"]


@dataclass(frozen=True)
class Disagreement:
    """The sums of weighted kappa, with cell weights w.

    Attributes
    ----------
    weights
        w of each non-zero cell, in the order of ``matrix.keys``: float64, shape (M,).
    observed
        Sum of w C over all cells, exact.
    chance
        Sum of w r_i c_j over all cells, exact; kappa is 1 − n observed / chance.
    by_true
        Sum over j of w_ij c_j: float64, shape (K,).
    by_predicted
        Sum over i of w_ij r_i: float64, shape (K,).
    """

    weights: Floats
    observed: int
    chance: int
    by_true: Floats
    by_predicted: Floats


def disagreement(matrix: ConfusionMatrix, weights: Weights) -> Disagreement:
    """Observed and chance disagreement, in time and memory O(K + cells)."""
    far = np.abs(matrix.rows - matrix.columns)
    cells = far * far if weights == "quadratic" else far
    observed = sum(w * n for w, n in zip(cells.tolist(), matrix.values.tolist(), strict=True))
    sums = _quadratic_sums if weights == "quadratic" else _linear_sums
    # Python integers: squared distances times counts may exceed 64 bits
    r, c = matrix.true_totals.astype(object), matrix.predicted_totals.astype(object)
    by_true, by_predicted = sums(c), sums(r)
    chance = int((r * by_true).sum())
    return Disagreement(
        cells.astype(np.float64),
        observed,
        chance,
        by_true.astype(np.float64),
        by_predicted.astype(np.float64),
    )


def _linear_sums(totals: NDArray[np.object_]) -> NDArray[np.object_]:
    """Sum over j of |i − j| totals_j, for each i."""
    places = np.arange(len(totals), dtype=object)
    below, moment = np.cumsum(totals), np.cumsum(places * totals)
    above, far = totals.sum() - below, (places * totals).sum() - moment
    sums: NDArray[np.object_] = places * below - moment + far - places * above
    return sums


def _quadratic_sums(totals: NDArray[np.object_]) -> NDArray[np.object_]:
    """Sum over j of (i − j)² totals_j, for each i."""
    places = np.arange(len(totals), dtype=object)
    first, second = (places * totals).sum(), (places * places * totals).sum()
    sums: NDArray[np.object_] = places * places * totals.sum() - 2 * places * first + second
    return sums


@dataclass(frozen=True)
class WeightedKappa:
    """1 − n A / B with A observed and B chance disagreement, and its delta-method interval.

    Undefined if all labels and predictions are one class.
    """

    weights: Weights

    @property
    def statistic(self) -> WeightedKappa:
        """Itself: resamples call it with their disagreements."""
        return self

    def of(self, totals: Totals) -> Floats:
        """The metric in each of B matrices: float64, shape (B,); nan if undefined."""
        observed, chance = totals.disagreement(self.weights)
        return np.asarray(divided(chance - totals.total(SUPPORT) * observed, chance), np.float64)

    def __call__(self, whole: Whole, limits: tuple[float, float]) -> Metric:
        matrix = whole.matrix
        found = disagreement(matrix, self.weights)
        n, a, b = matrix.n_samples, found.observed, found.chance
        if b == 0:
            return Metric(None, None, "constant_labels_or_predictions")
        value = (b - n * a) / b
        if len(occurring(matrix)) <= MOST_DENSE:
            low, high = _score_interval(matrix, self.weights, value, limits)
        else:
            low, high = map(float, ATANH.interval(value, _standard_error(matrix, found)))
        if np.isnan(low):
            code = {limits[0]: "none_right", limits[1]: "no_errors_seen"}
            return Metric(value, None, code.get(value, "no_interval"))
        return Metric(value, (float(low), float(high)), None)


MOST_DENSE = 256
"""Up to this many occurring classes, the interval is a score interval from a square table.

Above, it is the delta method's on the atanh scale: so many ordered classes need many samples.
"""


def _score_interval(
    matrix: ConfusionMatrix, weights: Weights, value: float, limits: tuple[float, float]
) -> tuple[float, float]:
    """As for Cohen's kappa: the moments are those of the smoothed table."""
    places = occurring(matrix).astype(np.float64)
    w = np.abs(places[:, None] - places) ** (2 if weights == "quadratic" else 1)
    table = Smoothed.of(cells_of(matrix), "both").dense()[0]
    r, c = table.sum(axis=1), table.sum(axis=0)
    n, a, by_true, by_predicted = table.sum(), float((w * table).sum()), w @ c, w @ r
    b = float(r @ by_true)
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = n * a / b / b * (by_true[:, None] + by_predicted) - n / b * w
        slopes -= (table * slopes).sum() / n
        moments = [np.array([(table * slopes**p).sum()]) for p in (2, 3)]
        typical = np.array([1 - n * a / b])
    low, high = bounded_interval(
        np.array([value]), np.array([value]), typical, moments[0], moments[1], limits
    )
    return float(low[0]), float(high[0])


_ROUNDING = 1e-12
"""Rounding error of exactly cancelling terms, relative to them, is below this.

A real standard error is much larger: at least 1 / sqrt(n) of them.
"""


def _standard_error(matrix: ConfusionMatrix, found: Disagreement) -> float:
    """Delta method, the cells as one multinomial sample; exactly 0 without variation.

    The derivative by C_ij, up to an irrelevant constant, is (n A / B²)(by_true_i + by_predicted_j)
    − n w_ij / B.
    """
    n, a, b = matrix.n_samples, found.observed, found.chance
    scale = n * a / b / b
    expected = scale * (found.by_true[matrix.rows] + found.by_predicted[matrix.columns])
    seen = (n / b) * found.weights
    slopes = expected - seen
    mean = float(np.sum(matrix.values * slopes)) / n
    error = math.sqrt(float(np.sum(matrix.values * (slopes - mean) ** 2)))
    rounding = _ROUNDING * math.sqrt(float(np.sum(matrix.values * (expected + seen) ** 2)))
    return error if error > rounding else 0.0


def ordinal_metrics(matrix: ConfusionMatrix) -> dict[str, Metric]:
    """Every metric of :data:`ORDINAL`, by name; the class list must be in the classes' order."""
    if matrix.n_samples == 0:
        return {metric.name: Metric(None, None, "no_samples") for metric in ORDINAL}
    whole = Whole(matrix, None)
    return {metric.name: metric.of(whole) for metric in ORDINAL}


_SOURCE = (
    "Cohen 1968, Psychological Bulletin 70, 213–220; "
    "standard error: Fleiss, Cohen & Everitt 1969, Psychological Bulletin 72, 323–327"
)


_UNDEFINED = "when only one class occurs, both as label and as prediction"


ORDINAL: tuple[SummaryMetric, ...] = (
    SummaryMetric(
        name="kappa_linear",
        title="Weighted kappa, linear",
        formula="1 − Σ w·C / Σ w·E, w = |i − j|, E = support · predicted / n",
        meaning=(
            "Cohen's kappa for ordinal classes: an error of two classes counts twice as much "
            "as an error of one. 1 is perfect, 0 is chance level."
        ),
        also="linearly weighted kappa",
        interval=SCORE,
        undefined=_UNDEFINED,
        source=_SOURCE,
        kind="signed",
        range=(-1.0, 1.0),
        compute=WeightedKappa("linear"),
    ),
    SummaryMetric(
        name="kappa_quadratic",
        title="Weighted kappa, quadratic",
        formula="1 − Σ w·C / Σ w·E, w = (i − j)², E = support · predicted / n",
        meaning=(
            "Cohen's kappa for ordinal classes: an error of two classes counts four times "
            "as much as an error of one. 1 is perfect, 0 is chance level."
        ),
        also="quadratic weighted kappa (QWK)",
        interval=SCORE,
        undefined=_UNDEFINED,
        source=_SOURCE,
        kind="signed",
        range=(-1.0, 1.0),
        compute=WeightedKappa("quadratic"),
    ),
)
"""Metrics that use the order of the classes; only given on request."""
