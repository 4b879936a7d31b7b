"""Figures of each class against all others, from four counts, with their standard errors.

Each figure has two functions: one gives the value alone, for as many classes or resamples as its
arrays are long; the other adds the standard error by the delta method, for which the four counts
of a class are taken as one multinomial sample.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics.definitions import Reasons, reasons

__all__ = [
    "ClassCounts",
    "Estimates",
    "FBeta",
    "balanced_accuracy",
    "balanced_accuracy_value",
    "informedness",
    "informedness_value",
    "jaccard",
    "jaccard_value",
    "lift",
    "lift_value",
    "markedness",
    "markedness_value",
    "matthews",
    "matthews_value",
    "ratio",
]


Floats = NDArray[np.float64]


Counts = NDArray[np.int64]


Value = Callable[["ClassCounts"], Floats]


@dataclass(frozen=True)
class ClassCounts:
    """Each class against all others: exact counts, int64, shape (K,).

    Attributes
    ----------
    n
        Number of samples.
    support, predicted
        Samples of the class, and samples that were called it.
    tp, fp, fn, tn
        True and false positives and negatives; they add up to `n` for each class.
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
        """Samples of all other classes."""
        return self.n - self.support

    @property
    def predicted_other(self) -> Counts:
        """Samples that were called any other class."""
        return self.n - self.predicted


@dataclass(frozen=True)
class Estimates:
    """A figure of each class with its standard error; all of shape (K,).

    Attributes
    ----------
    value
        float64; nan where undefined.
    standard_error
        float64; delta method, the four counts of each class taken as one multinomial sample.
    undefined
        The reason code where the value is undefined, else None.
    """

    value: Floats
    standard_error: Floats
    undefined: Reasons


def ratio(part: NDArray[Any], whole: NDArray[Any]) -> Floats:
    """part / whole, float64; nan where whole is 0."""
    shares: Floats = np.full(whole.shape, np.nan)
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares


@dataclass(frozen=True)
class FBeta:
    """(a + b) TP / (a support + b predicted): F-beta with beta² = a / b.

    This form stays defined where precision is not. Called, it gives the estimates.
    """

    of_support: int
    of_predicted: int

    def value(self, counts: ClassCounts) -> Floats:
        """The figure alone; nan where the class is neither there nor predicted."""
        return ratio(float(self.of_support + self.of_predicted) * counts.tp, self._size(counts))

    def _size(self, counts: ClassCounts) -> Floats:
        # as floats: five times the counts need not fit an int64
        return float(self.of_support) * counts.support + float(self.of_predicted) * counts.predicted

    def __call__(self, counts: ClassCounts) -> Estimates:
        a, b, size = self.of_support, self.of_predicted, self._size(counts)
        errors = ratio(float(a) * counts.fn + float(b) * counts.fp, size)
        value = self.value(counts)
        # derivatives by TP, FN and FP, each times size: (a + b)(1 - F), -a F, -b F
        variance = counts.tp * ((a + b) * errors) ** 2 + value**2 * (
            counts.fn * float(a * a) + counts.fp * float(b * b)
        )
        return Estimates(value, ratio(np.sqrt(variance), size), _neither(counts))


def jaccard_value(counts: ClassCounts) -> Floats:
    """TP / (TP + FP + FN)."""
    return ratio(counts.tp, counts.tp + counts.fp + counts.fn)


def jaccard(counts: ClassCounts) -> Estimates:
    """TP / (TP + FP + FN), with the error that makes its logit interval that of F1.

    logit F1 = logit Jaccard + log 2, so the two intervals are one, seen on two scales.
    """
    union = counts.tp + counts.fp + counts.fn
    value, errors = jaccard_value(counts), ratio(counts.fp + counts.fn, union)
    return Estimates(value, np.sqrt(ratio(value * errors, union)), _neither(counts))


def balanced_accuracy_value(counts: ClassCounts) -> Floats:
    """(recall + specificity) / 2."""
    return (ratio(counts.tp, counts.support) + ratio(counts.tn, counts.others)) / 2


def balanced_accuracy(counts: ClassCounts) -> Estimates:
    """(recall + specificity) / 2, two independent proportions."""
    error = _error_of_recall_and_specificity(counts) / 2
    return Estimates(balanced_accuracy_value(counts), error, _no_two_sides(counts))


def informedness_value(counts: ClassCounts) -> Floats:
    """recall + specificity - 1 = recall - FPR."""
    return ratio(counts.tp, counts.support) - ratio(counts.fp, counts.others)


def informedness(counts: ClassCounts) -> Estimates:
    """2 balanced accuracy - 1, with the error that makes the two intervals one.

    atanh J = logit(balanced accuracy) / 2.
    """
    error = _error_of_recall_and_specificity(counts)
    return Estimates(informedness_value(counts), error, _no_two_sides(counts))


def markedness_value(counts: ClassCounts) -> Floats:
    """precision + NPV - 1 = precision - FOR."""
    return informedness_value(_transpose(counts))


def markedness(counts: ClassCounts) -> Estimates:
    """The informedness of the transposed table: precision takes the place of recall."""
    found = informedness(_transpose(counts))
    undefined = reasons(
        len(found.value),
        (counts.predicted == 0, "never_predicted"),
        (counts.predicted_other == 0, "always_predicted"),
    )
    return Estimates(found.value, found.standard_error, undefined)


def lift_value(counts: ClassCounts) -> Floats:
    """precision / prevalence = TP n / (predicted * support)."""
    return ratio(counts.tp * float(counts.n), counts.predicted.astype(np.float64) * counts.support)


def lift(counts: ClassCounts) -> Estimates:
    """precision / prevalence; its error is that of its logarithm times the value."""
    value = lift_value(counts)
    ones = np.ones(len(value))
    by_tp = ones / np.maximum(counts.tp, 1)  # where there is none, the value is 0 and so its error
    by_r, by_c = ratio(ones, counts.support), ratio(ones, counts.predicted)
    by_n = 1 / counts.n
    # derivatives of the logarithm less their mean -1/n; paired so that equals cancel exactly
    variance = (
        counts.tp * ((by_tp - by_r) + (by_n - by_c)) ** 2
        + counts.fp * (by_n - by_c) ** 2
        + counts.fn * (by_n - by_r) ** 2
        + counts.tn * by_n**2
    )
    undefined = reasons(
        len(value),
        (counts.support == 0, "no_true_samples"),
        (counts.predicted == 0, "never_predicted"),
    )
    return Estimates(value, value * np.sqrt(variance), undefined)


def matthews_value(counts: ClassCounts) -> Floats:
    """MCC as √(recall·specificity·precision·NPV) - √(FNR·FPR·FDR·FOR): no product overflows.

    Good to an absolute 1e-15; :func:`matthews` is exact, but takes one class at a time.
    """
    r, s, c, d = counts.support, counts.others, counts.predicted, counts.predicted_other
    right = ratio(counts.tp, r) * ratio(counts.tn, s) * ratio(counts.tp, c) * ratio(counts.tn, d)
    wrong = ratio(counts.fn, r) * ratio(counts.fp, s) * ratio(counts.fp, c) * ratio(counts.fn, d)
    return np.sqrt(right) - np.sqrt(wrong)


def matthews(counts: ClassCounts) -> Estimates:
    """(TP TN - FP FN) / sqrt((TP+FP)(TP+FN)(TN+FP)(TN+FN)), from exact integers."""
    r, s = counts.support, counts.others
    c, d = counts.predicted, counts.predicted_other
    cells = zip(*(x.tolist() for x in (counts.tp, r, s, c, d)), strict=True)
    value = np.array([_phi(*of_class) for of_class in cells])
    by_r, by_s, by_c, by_d = (ratio(np.ones(len(x)), x) for x in (r, s, c, d))
    scale = np.sqrt(by_r * by_s) * np.sqrt(by_c * by_d)
    slopes = (
        (counts.tp, counts.tn * scale - value * (by_r + by_c) / 2),
        (counts.fn, -counts.fp * scale - value * (by_r + by_d) / 2),
        (counts.fp, -counts.fn * scale - value * (by_s + by_c) / 2),
        (counts.tn, counts.tp * scale - value * (by_s + by_d) / 2),
    )
    variance = sum((n * slope**2 for n, slope in slopes), start=np.zeros(len(r)))
    one_class = (r == 0) | (s == 0) | (c == 0) | (d == 0)
    return Estimates(value, np.sqrt(variance), reasons(len(r), (one_class, "one_class_only")))


def _phi(tp: int, r: int, s: int, c: int, d: int) -> float:
    """One class's MCC in Python integers: the products of four counts don't fit 64 bits."""
    top, square = tp * (r + s) - r * c, r * s * c * d
    if square == 0:
        return math.nan
    if top * top == square:  # rounding must not turn a perfect score into 0.9999999999999999
        return math.copysign(1.0, top)
    return top / math.sqrt(square)


def _neither(counts: ClassCounts) -> Reasons:
    absent = (counts.support == 0) & (counts.predicted == 0)
    return reasons(len(absent), (absent, "absent_and_never_predicted"))


def _error_of_recall_and_specificity(counts: ClassCounts) -> Floats:
    """Of their sum: they are independent, for they are shares of different samples."""
    n, m = counts.support, counts.others
    recall, miss = ratio(counts.tp, n), ratio(counts.fn, n)
    specificity, fall_out = ratio(counts.tn, m), ratio(counts.fp, m)
    error: Floats = np.sqrt(ratio(recall * miss, n) + ratio(specificity * fall_out, m))
    return error


def _transpose(counts: ClassCounts) -> ClassCounts:
    return replace(
        counts,
        support=counts.predicted,
        predicted=counts.support,
        fp=counts.fn,
        fn=counts.fp,
    )


def _no_two_sides(counts: ClassCounts) -> Reasons:
    return reasons(
        len(counts.support),
        (counts.support == 0, "no_true_samples"),
        (counts.others == 0, "no_other_samples"),
    )
