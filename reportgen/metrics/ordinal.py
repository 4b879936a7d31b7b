"""Weighted kappa: agreement where the classes have an order and a near miss counts less.

The weight of a cell is |i − j| or (i − j)². On classes without an order the figure changes with
the order of the list, so it is given on request only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics.definitions import Metric
from reportgen.metrics.gradients import ByCell
from reportgen.metrics.intervals import ATANH
from reportgen.metrics.overall import Estimate, SummaryMetric, Whole

__all__ = [
    "ORDINAL",
    "Disagreement",
    "Weights",
    "disagreement",
    "ordinal_metrics",
]


Floats = NDArray[np.float64]


Weights = Literal["linear", "quadratic"]


@dataclass(frozen=True)
class Disagreement:
    """What weighted kappa is made of, w being the weights of the cells.

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
    # Python integers: squares of places times counts need not fit 64 bits
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


def _statistic(matrix: ConfusionMatrix, weights: Weights) -> ByCell | None:
    """1 − n A / B with A observed and B chance; None where one class is all, on both sides.

    The derivative by C_ij, up to a constant, which changes no error, is
    (n A / B² )(by_true_i + by_predicted_j) − n w_ij / B.
    """
    found = disagreement(matrix, weights)
    n, a, b = matrix.n_samples, found.observed, found.chance
    if b == 0:
        return None
    scale = n * a / b / b
    expected = scale * (found.by_true[matrix.rows] + found.by_predicted[matrix.columns])
    seen = (n / b) * found.weights
    return ByCell((b - n * a) / b, expected - seen, expected + seen)


def ordinal_metrics(matrix: ConfusionMatrix) -> dict[str, Metric]:
    """Every metric of :data:`ORDINAL`, by name; the class list must be in the classes' order."""
    if matrix.n_samples == 0:
        return {metric.name: Metric(None, None, "no_samples") for metric in ORDINAL}
    whole = Whole(matrix, None)
    return {metric.name: metric.compute(whole) for metric in ORDINAL}


_SOURCE = (
    "Cohen 1968, Psychological Bulletin 70, 213–220; "
    "standard error: Fleiss, Cohen & Everitt 1969, Psychological Bulletin 72, 323–327"
)


_UNDEFINED = "when all samples have one and the same true and predicted class"


ORDINAL: tuple[SummaryMetric, ...] = (
    SummaryMetric(
        name="kappa_linear",
        title="Weighted kappa, linear",
        formula="1 − Σ w·C / Σ w·E, w = |i − j|, E = support · predicted / n",
        meaning=(
            "Cohen's kappa for ordered classes: an answer that is two classes off counts twice "
            "as much as one that is one off. 1 is perfect, 0 is chance."
        ),
        also="linearly weighted kappa",
        interval=ATANH.name,
        undefined=_UNDEFINED,
        source=_SOURCE,
        kind="signed",
        compute=Estimate(lambda whole: _statistic(whole.matrix, "linear"), ATANH),
    ),
    SummaryMetric(
        name="kappa_quadratic",
        title="Weighted kappa, quadratic",
        formula="1 − Σ w·C / Σ w·E, w = (i − j)², E = support · predicted / n",
        meaning=(
            "Cohen's kappa for ordered classes: an answer that is two classes off counts four "
            "times as much as one that is one off. 1 is perfect, 0 is chance."
        ),
        also="quadratic weighted kappa (QWK)",
        interval=ATANH.name,
        undefined=_UNDEFINED,
        source=_SOURCE,
        kind="signed",
        compute=Estimate(lambda whole: _statistic(whole.matrix, "quadratic"), ATANH),
    ),
)
"""Metrics that use the order of the classes; given on request only."""
