"""A single definition of an overall metric gives value, derivative, resamples and clusters.

A :class:`Counted` metric is a few terms, summed over the classes, and a function of the sums.
:class:`Totals` provides the sums: of the matrix, of resamples, or of the matrix without one sample.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics.macro_modes import MacroMode
from reportgen.metrics.terms import AVERAGED, Term, Values, derivative

__all__ = [
    "CellWeights",
    "Counted",
    "Margins",
    "Slopes",
    "Statistic",
    "Totals",
    "standard_error",
    "total",
]


Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Margins:
    """The arguments of terms, for B matrices of the same classes: float64, shape (B, U) each.

    Attributes
    ----------
    tp, support, predicted
        Correct predictions, samples and predictions of the U occurring classes.
    n_classes
        Number of classes K, at least U.
    """

    tp: Floats
    support: Floats
    predicted: Floats
    n_classes: int

    @classmethod
    def of(cls, matrix: ConfusionMatrix) -> Margins:
        """The margins of all classes of one matrix: shape (1, K)."""
        tp, support, predicted = (
            np.asarray(x, np.float64)[None, :]
            for x in (matrix.diagonal, matrix.true_totals, matrix.predicted_totals)
        )
        return cls(tp, support, predicted, matrix.n_classes)

    @property
    def columns(self) -> tuple[Floats, Floats, Floats]:
        """The arguments of a term."""
        return self.tp, self.support, self.predicted


CellWeights = Callable[[NDArray[np.int64], NDArray[np.int64]], Floats]
"""True and predicted class of M cells → a weight per cell, float64, shape (M,)."""


class Totals(Protocol):
    """Sums over the classes of one or several matrices."""

    def total(self, term: Term) -> Floats:
        """The sum of the term in each matrix: float64, shape (B,)."""

    def disagreement(self, weights: Literal["linear", "quadratic"]) -> tuple[Floats, Floats]:
        """Σ w C and Σ w · support · predicted, w = |i − j| or its square: shape (B,) each."""

    def weighed(self, weights: CellWeights) -> Floats:
        """Σ w C, for any weights: shape (B,)."""


class Statistic(Protocol):
    """An overall metric that can be computed from resamples."""

    def of(self, totals: Totals) -> Floats:
        """The metric in each of B matrices: float64, shape (B,); nan if undefined."""


class Slopes(NamedTuple):
    """Derivatives by the counts of B matrices: float64, shape (B, K) each.

    The derivative by ``C[i][j]`` is ``by_true[i] + by_predicted[j]``, plus ``more[i]`` if i = j.
    """

    by_true: Floats
    by_predicted: Floats
    more: Floats

    def of_cells(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Floats:
        """The derivatives by each of M cells: shape (B, M)."""
        slopes: Floats = self.by_true[:, rows] + self.by_predicted[:, columns]
        hit = rows == columns
        slopes[:, hit] += self.more[:, rows[hit]]
        return slopes


@dataclass(frozen=True)
class Counted:
    """``combine(Σ term(tp, support, predicted))``.

    Attributes
    ----------
    terms
        The terms that are summed over the classes.
    combine
        The sums, in the order of the terms → the metric; nan if undefined.
    exact
        Whether the terms are integers, and the value is computed without rounding: for large
        numbers that nearly cancel.
    """

    terms: tuple[Term, ...]
    combine: Callable[..., Values]
    exact: bool = False

    def of(self, totals: Totals) -> Floats:
        """The metric in each of B matrices: float64, shape (B,); nan if undefined."""
        return np.asarray(self.combine(*map(totals.total, self.terms)), np.float64)

    def value(self, matrix: ConfusionMatrix, macro: MacroMode = "present") -> float:
        """The metric; nan if undefined."""
        if self.exact:
            counts = (matrix.diagonal, matrix.true_totals, matrix.predicted_totals)
            whole = [x.astype(object) for x in counts]
            return float(self.combine(*(int(term.of(*whole).sum()) for term in self.terms)))
        margins = Margins.of(matrix)
        return float(self.combine(*self.sums(margins, macro))[0])

    def sums(self, margins: Margins, macro: MacroMode) -> list[Floats]:
        """The sums of the terms: shape (B,) each."""
        return [total(term, margins, macro) for term in self.terms]

    def slopes(self, margins: Margins, macro: MacroMode) -> Slopes:
        """The derivatives by each count, by a complex step."""
        sums = tuple(self.sums(margins, macro))
        by_tp, by_support, by_predicted = (np.zeros(margins.tp.shape) for _ in range(3))
        for place, term in enumerate(self.terms):
            weight = derivative(self.combine, sums, place)[:, None]
            by_tp += weight * derivative(term.of, margins.columns, 0)
            by_support += weight * derivative(term.of, margins.columns, 1)
            by_predicted += weight * derivative(term.of, margins.columns, 2)
        return Slopes(by_support, by_predicted, by_tp)


def total(term: Term, margins: Margins, macro: MacroMode) -> Floats:
    """The sum of a term over the classes of B matrices: shape (B,)."""
    if term is AVERAGED and macro == "all":
        return np.full(len(margins.tp), float(margins.n_classes))
    return np.asarray(term.of(*margins.columns).sum(axis=1), np.float64)


def standard_error(
    statistic: Counted, matrix: ConfusionMatrix, macro: MacroMode = "present"
) -> float:
    """Delta-method standard error: the cells are taken as one multinomial sample.

    √(Σ C (g − mean g)²), g the derivative by the count of each cell.
    """
    slopes = statistic.slopes(Margins.of(matrix), macro).of_cells(matrix.rows, matrix.columns)[0]
    mean = float((matrix.values * slopes).sum()) / matrix.n_samples
    return float(np.sqrt((matrix.values * (slopes - mean) ** 2).sum()))
