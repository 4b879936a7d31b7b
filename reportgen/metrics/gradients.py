"""Standard errors of figures of the whole matrix, by the delta method.

The cells are taken as one multinomial sample. A figure θ that depends on shares of cells only has
the variance ``sum C_ij (g_ij - mean g)²`` with ``g_ij`` its derivative by the count ``C_ij``. Each
derivative used here has the form "a number of the row + a number of the column" off the diagonal,
and another number on it, so K² cells need 3 K numbers, and only non-zero cells are visited.

Notation: r, c row and column sums, n their total, t the trace, m the number of classes that macro
averages are over: those with samples, or all. Where a class's part is fixed by rule (precision of
a class that is never predicted is counted as 0), its derivative is 0 too. With class sizes fixed
by design, the error is a little smaller than the one given.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics.definitions import MacroMode

__all__ = [
    "ByCell",
    "Figure",
    "Statistic",
    "cohen_kappa",
    "macro_f1",
    "macro_precision",
    "macro_recall",
    "matthews",
    "n_averaged",
    "weighted_f1",
    "weighted_precision",
]


Floats = NDArray[np.float64]


Counts = NDArray[np.int64]


Terms = tuple[Floats, ...]
"""Arrays of shape (K,) that are to be added up."""


_ROUNDING = 1e-12
"""What is left of terms that cancel exactly, relative to them, is below this. A real error is far
above: at least 1 / sqrt(n) of them."""


class Figure(Protocol):
    """A figure of the whole matrix that knows its error."""

    @property
    def value(self) -> float: ...

    def standard_error(self, matrix: ConfusionMatrix) -> float: ...


@dataclass(frozen=True)
class ByCell:
    """A figure and its derivative by each count.

    Attributes
    ----------
    value
        The figure.
    gradient
        The derivative by each non-zero cell, in the order of ``matrix.keys``, up to a constant:
        float64, shape (M,).
    size
        The sum of the sizes of the terms that each derivative is the sum of.
    """

    value: float
    gradient: Floats
    size: Floats

    def standard_error(self, matrix: ConfusionMatrix) -> float:
        """Delta-method standard error; exactly 0 where nothing varies."""
        mean = float(np.sum(matrix.values * self.gradient)) / matrix.n_samples
        error = math.sqrt(float(np.sum(matrix.values * (self.gradient - mean) ** 2)))
        rounding = _ROUNDING * math.sqrt(float(np.sum(matrix.values * self.size**2)))
        return error if error > rounding else 0.0


@dataclass(frozen=True)
class Statistic:
    """A figure and its derivative by each count, as sums of terms: float64, shape (K,) each.

    Attributes
    ----------
    value
        The figure.
    by_true, by_predicted
        The derivative by ``C[i][j]``, i ≠ j, is ``by_true[i] + by_predicted[j]``.
    right
        The derivative by ``C[i][i]``.
    """

    value: float
    by_true: Terms
    by_predicted: Terms
    right: Terms

    def gradient(self, matrix: ConfusionMatrix) -> Floats:
        """The derivative by each non-zero cell, in the order of ``matrix.keys``: shape (M,)."""
        return self._by_cell(matrix, lambda term: term)

    def standard_error(self, matrix: ConfusionMatrix) -> float:
        """Delta-method standard error; exactly 0 where nothing varies."""
        size = self._by_cell(matrix, np.abs)
        return ByCell(self.value, self.gradient(matrix), size).standard_error(matrix)

    def _by_cell(self, matrix: ConfusionMatrix, form: Callable[[Floats], Floats]) -> Floats:
        by_true, by_predicted, right = (
            sum(map(form, terms), start=np.zeros(matrix.n_classes))
            for terms in (self.by_true, self.by_predicted, self.right)
        )
        rows, columns = matrix.rows, matrix.columns
        return np.where(rows == columns, right[rows], by_true[rows] + by_predicted[columns])


def n_averaged(matrix: ConfusionMatrix, macro: MacroMode) -> int:
    """How many classes macro averages are over; a class without samples adds 0 to any of them."""
    return matrix.n_classes if macro == "all" else int(np.count_nonzero(matrix.true_totals))


def macro_recall(matrix: ConfusionMatrix, macro: MacroMode = "present") -> Statistic:
    """Mean recall: of the classes with samples, the balanced accuracy."""
    recall, miss, support = _shares(matrix, matrix.true_totals)
    m = n_averaged(matrix, macro)
    slope = 1 / (support * m)
    return Statistic(float(recall.sum()) / m, (-recall * slope,), (), (miss * slope,))


def macro_precision(matrix: ConfusionMatrix, macro: MacroMode = "present") -> Statistic:
    """Mean precision; 0 for a class that is never predicted."""
    precision, false, predicted = _shares(matrix, matrix.predicted_totals)
    m = n_averaged(matrix, macro)
    slope = 1 / (predicted * m)
    return Statistic(float(precision.sum()) / m, (), (-precision * slope,), (false * slope,))


def macro_f1(matrix: ConfusionMatrix, macro: MacroMode = "present") -> Statistic:
    """Mean F1: the mean of F1s, not the F1 of means."""
    f1, errors, size = _f1(matrix)
    m = n_averaged(matrix, macro)
    slope = 1 / (size * m)
    value = float(f1.sum()) / m
    return Statistic(value, (-f1 * slope,), (-f1 * slope,), (2 * errors * slope,))


def weighted_precision(matrix: ConfusionMatrix) -> Statistic:
    """Precision averaged by support; 0 for a class that is never predicted."""
    precision, false, predicted = _shares(matrix, matrix.predicted_totals)
    support, n = matrix.true_totals, float(matrix.n_samples)
    value = _weighted(precision, matrix)
    weight = support / predicted / n
    own = precision / n, np.full(len(support), -value / n)
    return Statistic(value, own, (-weight * precision,), (*own, weight * false))


def weighted_f1(matrix: ConfusionMatrix) -> Statistic:
    """F1 averaged by support."""
    f1, errors, size = _f1(matrix)
    support, n = matrix.true_totals, float(matrix.n_samples)
    value = _weighted(f1, matrix)
    weight = support / size / n
    own = f1 / n, np.full(len(support), -value / n)
    return Statistic(value, (*own, -weight * f1), (-weight * f1,), (*own, 2 * weight * errors))


def cohen_kappa(matrix: ConfusionMatrix) -> Statistic | None:
    """(t n - s) / (n² - s), s = sum r_k c_k; None where one class is all, on both sides.

    The derivative by C_ij is (d_ij n - n - E + u ((n - c_i) + (n - r_j))) / (n² - s) with E the
    number of errors and u = 1 - kappa: the usual form with its large terms cancelled by hand.
    """
    r, c = matrix.true_totals, matrix.predicted_totals
    n, errors = matrix.n_samples, matrix.n_errors
    chance = n * n - _dot(r, c)
    if chance == 0:
        return None
    not_c, not_r = (n - c).astype(np.float64), (n - r).astype(np.float64)
    scale = n * errors / chance / chance
    by_c, by_r = scale * not_c, scale * not_r
    wrong, right = (np.full(len(r), -(x / chance)) for x in (n + errors, errors))
    value = (chance - n * errors) / chance
    return Statistic(value, (by_c, wrong), (by_r,), (by_c, by_r, right))


def matthews(matrix: ConfusionMatrix) -> Statistic | None:
    """(t n - s) / sqrt((n² - sum r²)(n² - sum c²)); None where a side is constant."""
    r, c = matrix.true_totals, matrix.predicted_totals
    n, errors = matrix.n_samples, matrix.n_errors
    a, b = n * n - _dot(r, r), n * n - _dot(c, c)
    if a == 0 or b == 0:
        return None
    top = n * (n - errors) - _dot(r, c)
    root = math.sqrt(a * b)
    # compared in integers: rounding must not turn a perfect score into 0.9999999999999999
    value = math.copysign(1.0, top) if top * top == a * b else top / root
    not_c, not_r = (n - c).astype(np.float64), (n - r).astype(np.float64)
    by_c, by_r = not_c / root, not_r / root
    by_a, by_b = -value * not_r / float(a), -value * not_c / float(b)
    wrong, right = (np.full(len(r), -(x / root)) for x in (n + errors, errors))
    return Statistic(value, (by_c, by_a, wrong), (by_r, by_b), (by_c, by_r, by_a, by_b, right))


def _weighted(values: Floats, matrix: ConfusionMatrix) -> float:
    """Mean by support, at most 1: rounding of the products must not lift it above."""
    return min(float(np.sum(matrix.true_totals * values)) / matrix.n_samples, 1.0)


def _shares(matrix: ConfusionMatrix, totals: Counts) -> tuple[Floats, Floats, Floats]:
    """The right and the wrong share of each total, and the total as a safe divisor.

    Where a total is 0, so are both shares, the rule for precision in averages; the divisor is then
    1. The right share of a class without samples is 0 as well: it adds nothing to a mean.
    """
    divisor = np.maximum(totals, 1).astype(np.float64)
    return matrix.diagonal / divisor, (totals - matrix.diagonal) / divisor, divisor


def _f1(matrix: ConfusionMatrix) -> tuple[Floats, Floats, Floats]:
    """F1, 1 - F1, and the size r + c as a safe divisor, as in :func:`_shares`."""
    size = matrix.true_totals + matrix.predicted_totals
    twice = 2 * matrix.diagonal
    divisor = np.maximum(size, 1).astype(np.float64)
    return twice / divisor, (size - twice) / divisor, divisor


def _dot(a: Counts, b: Counts) -> int:
    """sum a_k b_k in Python integers: at 10⁶ samples the factors of MCC leave 64 bits."""
    return sum(x * y for x, y in zip(a.tolist(), b.tolist(), strict=True))
