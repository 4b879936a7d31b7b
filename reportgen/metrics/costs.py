"""Costs of errors by true and predicted class, and the expected cost per sample.

A pair that is not listed costs 1, a correct prediction 0: without a list, the expected cost is the
error rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics.counted import Totals
from reportgen.metrics.definitions import Definition, Metric
from reportgen.metrics.intervals import SCORE
from reportgen.metrics.mean_interval import Outcomes
from reportgen.metrics.overall import SummaryMetric, Whole
from reportgen.metrics.score_interval import LEAST_SEEN
from reportgen.metrics.terms import SUPPORT, divided

__all__ = [
    "COSTING",
    "Costs",
    "cost_difference",
    "cost_metrics",
    "expected_cost",
]


Floats = NDArray[np.float64]


Indices = NDArray[np.int64]


UNLISTED = 1.0
"""The cost of an error that is not listed."""


_SHIFT = np.int64(1) << 31  # more than the number of classes: a pair of indices is one key


@dataclass(frozen=True, eq=False)
class Costs:
    """Costs of confusions that differ from the defaults.

    Attributes
    ----------
    source
        The file they were read from: ``"costs.csv"``.
    rows, columns
        True and predicted class of the M listed pairs: int64, shape (M,), sorted, unique.
    values
        float64, shape (M,), finite, at least 0.
    """

    source: str
    rows: Indices
    columns: Indices
    values: Floats

    @classmethod
    def of(cls, source: str, pairs: Sequence[tuple[int, int, float]]) -> Costs:
        """From (true, predicted, cost) in any order.

        Raises :class:`ValueError` for a repeated pair, and for a cost below 0 or not finite.
        """
        listed = sorted(pairs)
        rows, columns = (np.array([one[at] for one in listed], np.int64) for at in (0, 1))
        values = np.array([one[2] for one in listed], np.float64)
        keys = rows * _SHIFT + columns
        if len(keys) > 1 and bool(np.any(keys[1:] == keys[:-1])):
            raise ValueError("a pair is listed twice")
        if not np.all(np.isfinite(values) & (values >= 0)):
            raise ValueError("a cost is a finite number, 0 or more")
        return cls(source, rows, columns, values)

    def of_cells(self, rows: ArrayLike, columns: ArrayLike) -> Floats:
        """The cost of each of N cells, true class and predicted class: float64, shape (N,)."""
        true, predicted = np.asarray(rows, np.int64), np.asarray(columns, np.int64)
        found = np.where(true == predicted, 0.0, UNLISTED)
        if len(self.values):
            known, wanted = self.rows * _SHIFT + self.columns, true * _SHIFT + predicted
            at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
            found = np.where(known[at] == wanted, self.values[at], found)
        return found

    def levels(self, present: NDArray[np.bool_]) -> Floats:
        """All possible costs of a sample of classes in `present`, shape (K,): sorted, unique."""
        of_rows = present[self.rows]
        listed, right = self.values[of_rows], self.rows == self.columns
        n_present, n_others = np.count_nonzero(present), len(present) - 1
        usual: list[float] = []
        if np.count_nonzero(of_rows & right) < n_present:
            usual.append(0.0)
        if np.count_nonzero(of_rows & ~right) < n_present * n_others:
            usual.append(UNLISTED)
        return np.unique(np.concatenate([listed, usual]))

    def moved(self, place: Indices) -> Costs:
        """The costs with class ``i`` renumbered as ``place[i]``."""
        rows, columns = place[self.rows].tolist(), place[self.columns].tolist()
        return Costs.of(self.source, list(zip(rows, columns, self.values.tolist(), strict=True)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Costs) and all(
            np.array_equal(getattr(self, item.name), getattr(other, item.name))
            for item in fields(self)
        )

    def __hash__(self) -> int:
        return hash((self.source, self.values.tobytes()))


def _unseen(levels: Floats) -> Floats:
    """One more sample without a cost, and one with any of the possible costs."""
    costly = levels > 0
    return np.where(costly, 1.0 / max(int(costly.sum()), 1), 1.0)


def _outcomes(costs: Costs, matrix: ConfusionMatrix) -> Outcomes:
    levels = costs.levels(matrix.true_totals > 0)
    place = np.searchsorted(levels, costs.of_cells(matrix.rows, matrix.columns))
    counts = np.bincount(place, matrix.values, len(levels))
    return Outcomes(levels, counts.astype(np.float64), _unseen(levels))


@dataclass(frozen=True)
class ExpectedCost:
    """Σ count · cost / n, with its score interval."""

    costs: Costs

    @property
    def statistic(self) -> ExpectedCost:
        """Itself: resamples call it with their cells."""
        return self

    def of(self, totals: Totals) -> Floats:
        """The metric in each of B matrices: float64, shape (B,); nan without samples."""
        return np.asarray(divided(totals.weighed(self.costs.of_cells), totals.total(SUPPORT)))

    def __call__(self, whole: Whole, _limits: tuple[float, float]) -> Metric:
        found = _outcomes(self.costs, whole.matrix)
        ends = found.interval()
        return Metric(found.mean, ends, None if ends else "no_interval")

    def can_be_resampled(self, whole: Whole) -> bool:
        """Whether the samples themselves have most of the variance used."""
        found = _outcomes(self.costs, whole.matrix)
        seen, likely = (
            _variance(found.values, counts)
            for counts in (found.counts, found.counts + found.unseen)
        )
        return seen >= LEAST_SEEN * likely


def _variance(values: Floats, counts: Floats) -> float:
    shares, scaled = counts / counts.sum(), values / max(float(values.max()), 1e-300)
    return float(shares @ (scaled - shares @ scaled) ** 2)


COSTING = Definition(
    name="expected_cost",
    title="Expected cost",
    formula="Σ count · cost / n",
    meaning=(
        "Mean cost per sample, from the cost of each pair of true and predicted class. "
        "Unlisted errors cost 1, correct predictions 0."
    ),
    also="average misclassification cost, expected loss",
    interval=SCORE,
    undefined="when there are no samples",
    source="Elkan 2001, IJCAI, 973–978; interval: Wilson 1927, JASA 22, 209–212",
    kind="signed",
    range=(0.0, float("inf")),
    higher_is_better=False,
)
"""The overall metric that exists if costs are given."""


def cost_metrics(costs: Costs | None) -> tuple[SummaryMetric, ...]:
    """:data:`COSTING` with its computation; empty without costs."""
    if costs is None:
        return ()
    told = {item.name: getattr(COSTING, item.name) for item in fields(COSTING)}
    return (SummaryMetric(**told, compute=ExpectedCost(costs)),)


def expected_cost(matrix: ConfusionMatrix, costs: Costs | None) -> dict[str, Metric]:
    """The metric by its name; empty without costs."""
    if matrix.n_samples == 0:
        return {one.name: Metric(None, None, "no_samples") for one in cost_metrics(costs)}
    return {one.name: one.of(Whole(matrix, None)) for one in cost_metrics(costs)}


def cost_difference(
    costs: Costs,
    label: Indices,
    baseline: Indices,
    candidate: Indices,
    counts: Indices,
    n_classes: int,
) -> Outcomes:
    """Difference in expected cost, candidate minus baseline, on the same samples.

    Parameters
    ----------
    label, baseline, candidate
        True class and both predictions of each kind of samples: shape (M,).
    counts
        Number of samples of each kind, shape (M,); at least one in total.
    """
    seen = costs.of_cells(label, candidate) - costs.of_cells(label, baseline)
    single = costs.levels(np.bincount(label, minlength=n_classes) > 0)
    single = single[single > 0]
    values = np.unique(np.concatenate([-single, [0.0], single, seen]))
    found = np.bincount(np.searchsorted(values, seen), counts, len(values)).astype(np.float64)
    possible = np.isin(np.abs(values), single)
    unseen = np.where(possible, 1.0 / max(len(single), 1), np.where(values == 0, 2.0, 0.0))
    return Outcomes(values, found, unseen)
