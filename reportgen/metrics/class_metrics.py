"""One-vs-rest metrics of each class, and their score intervals.

A metric is a function of TP, support, predictions and number of samples, written for any numeric
type, so that its derivatives can be computed by a complex step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics.intervals import LOG, wilson
from reportgen.metrics.score_interval import LEAST_SEEN, Given, bounded_interval
from reportgen.metrics.terms import Values, derivative, divided, root

__all__ = [
    "SCORE_OF_BOTH",
    "ClassCounts",
    "ClassInterval",
    "FBeta",
    "Figure",
    "LogRatio",
    "OfUnion",
    "Score",
    "balanced_accuracy",
    "informedness",
    "is_variance_seen",
    "jaccard",
    "lift",
    "markedness",
    "matthews",
    "ratio",
]


Floats = NDArray[np.float64]


Counts = NDArray[np.int64]


Ends = tuple[Floats, Floats]


Figure = Callable[[Values, Values, Values, Values], Values]
"""(TP, support, predicted, n) of classes → the metric of each; nan if undefined."""


@dataclass(frozen=True)
class ClassCounts:
    """One-vs-rest counts of each class: exact, int64, shape (K,).

    Attributes
    ----------
    n
        Number of samples.
    support, predicted
        Samples of the class, and samples predicted as it.
    tp, fp, fn, tn
        True and false positives and negatives; they sum to `n` for each class.
    """

    n: int
    support: Counts
    predicted: Counts
    tp: Counts
    fp: Counts
    fn: Counts
    tn: Counts

    @classmethod
    def of(cls, matrix: ConfusionMatrix) -> ClassCounts:
        """From the margins and the diagonal of `matrix`."""
        support, predicted, tp = matrix.true_totals, matrix.predicted_totals, matrix.diagonal
        fp, fn = predicted - tp, support - tp
        n = matrix.n_samples
        return cls(n, support, predicted, tp, fp, fn, n - tp - fp - fn)

    @property
    def others(self) -> Counts:
        """Number of samples of all other classes."""
        return self.n - self.support

    @property
    def predicted_other(self) -> Counts:
        """Number of samples predicted as any other class."""
        return self.n - self.predicted


def ratio(part: NDArray[Any], whole: NDArray[Any]) -> Floats:
    """part / whole, float64; nan if whole is 0."""
    shares: Floats = np.full(whole.shape, np.nan)
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares


# Metrics


@dataclass(frozen=True)
class FBeta:
    """(a + b) TP / (a support + b predicted): F-beta with beta² = a / b.

    This form is defined even if precision is not.
    """

    of_support: int
    of_predicted: int

    def __call__(self, tp: Values, support: Values, predicted: Values, _n: Values) -> Values:
        a, b = float(self.of_support), float(self.of_predicted)
        return divided((a + b) * tp, a * support + b * predicted)


def jaccard(tp: Values, support: Values, predicted: Values, _n: Values) -> Values:
    """TP / (TP + FP + FN)."""
    return divided(tp, support + predicted - tp)


def balanced_accuracy(tp: Values, support: Values, predicted: Values, n: Values) -> Values:
    """(recall + specificity) / 2."""
    others = n - support
    return (divided(tp, support) + divided(others - (predicted - tp), others)) / 2


def informedness(tp: Values, support: Values, predicted: Values, n: Values) -> Values:
    """recall + specificity - 1 = recall - FPR."""
    return divided(tp, support) - divided(predicted - tp, n - support)


def markedness(tp: Values, support: Values, predicted: Values, n: Values) -> Values:
    """precision + NPV - 1: the informedness of the transposed table."""
    return informedness(tp, predicted, support, n)


def matthews(tp: Values, support: Values, predicted: Values, n: Values) -> Values:
    """(TP TN - FP FN) / sqrt(support · others · predicted · not predicted).

    The products are paired so that a perfect class has exactly 1.
    """
    fp, fn = predicted - tp, support - tp
    others, tn = n - support, n - support - predicted + tp
    square = (support * others) * (predicted * (n - predicted))
    return divided(tp * tn - fp * fn, root(square))


def lift(tp: Values, support: Values, predicted: Values, n: Values) -> Values:
    """precision / prevalence = TP n / (predicted · support)."""
    return divided(tp * n, predicted * support)


# Intervals

Table = tuple[Floats, Floats, Floats, Floats]
"""TP, FN, FP and TN of each class."""


ClassInterval = Callable[[Figure, ClassCounts, tuple[float, float]], Ends]
"""(metric, counts, worst and best value) → ends, float64, shape (K,); nan for none."""


@dataclass(frozen=True)
class Score:
    """The score interval of a class's table, smoothed by `given`.

    As for overall metrics: see :mod:`reportgen.metrics.score_interval`.
    """

    given: Given = "both"
    skewed: bool = True

    def __call__(self, figure: Figure, counts: ClassCounts, limits: tuple[float, float]) -> Ends:
        value = _value(figure, _table(counts))
        table = _smoothed(_table(counts), self.given)
        variance, third = (_moment(figure, table, power) for power in (2, 3))
        third = third if self.skewed else np.full_like(third, -np.inf)
        return bounded_interval(value, value, _value(figure, table), variance, third, limits)


SCORE_OF_BOTH = Score()


@dataclass(frozen=True)
class OfUnion:
    """Wilson's interval of the Jaccard index, a proportion of TP + FP + FN.

    `carried` maps its ends to the metric: F1 is a monotone function of it.
    """

    carried: Callable[[Floats], Floats]

    def __call__(self, figure: Figure, counts: ClassCounts, limits: tuple[float, float]) -> Ends:  # noqa: ARG002
        low, high = wilson(counts.tp, counts.tp + counts.fp + counts.fn)
        return self.carried(low), self.carried(high)


class LogRatio:
    """Symmetric on the log scale, with the standard error of the smoothed table."""

    def __call__(self, figure: Figure, counts: ClassCounts, limits: tuple[float, float]) -> Ends:  # noqa: ARG002
        value = _value(figure, _table(counts))
        table = _smoothed(_table(counts), "both")
        typical = _value(figure, table)
        error = np.sqrt(_moment(figure, table, 2)) / np.where(typical > 0, typical, np.nan)
        return LOG.interval(value, value * error)


def _table(counts: ClassCounts) -> Table:
    tp, fn, fp, tn = (
        np.asarray(x, np.float64) for x in (counts.tp, counts.fn, counts.fp, counts.tn)
    )
    return tp, fn, fp, tn


def _smoothed(table: Table, given: Given) -> Table:
    """Add one correct and one incorrect prediction on either side, then scale to the old size."""
    tp, fn, fp, tn = table
    if given == "predicted":
        tp, fp, fn, tn = _smoothed((tp, fp, fn, tn), "true")
        return tp, fn, fp, tn
    if given == "both":
        pairs = zip(_smoothed(table, "true"), _smoothed(table, "predicted"), strict=True)
        tp, fn, fp, tn = ((a + b) / 2 for a, b in pairs)
        return tp, fn, fp, tn
    support, others = tp + fn, fp + tn
    recall, specificity = (tp + 1) / (support + 2), (tn + 1) / (others + 2)
    return (
        support * recall, support * (1 - recall), others * (1 - specificity), others * specificity
    )  # fmt: skip


def is_variance_seen(figure: Figure, counts: ClassCounts) -> NDArray[np.bool_]:
    """Whether resamples of each class's counts vary as much as test sets: bool, shape (K,)."""
    table = _table(counts)
    seen, likely = (_moment(figure, cells, 2) for cells in (table, _smoothed(table, "both")))
    return np.asarray(seen >= LEAST_SEEN * likely)


def _moment(figure: Figure, table: Table, power: int) -> Floats:
    """Central moment of a metric, with the cells of each class as one multinomial sample."""
    slopes = _slopes(figure, table)
    cells = list(zip(table, slopes, strict=True))
    mean = sum(x * slope for x, slope in cells) / sum(table)
    return np.asarray(sum(x * (slope - mean) ** power for x, slope in cells), np.float64)


def _of_cells(figure: Figure) -> Callable[[Values, Values, Values, Values], Values]:
    return lambda tp, fn, fp, tn: figure(tp, tp + fn, tp + fp, tp + fn + fp + tn)


def _value(figure: Figure, table: Table) -> Floats:
    return np.asarray(_of_cells(figure)(*table), np.float64)


def _slopes(figure: Figure, table: Table) -> list[Floats]:
    """The derivatives by each of the four counts."""
    return [derivative(_of_cells(figure), table, by) for by in range(4)]
