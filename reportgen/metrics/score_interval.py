"""Score intervals of metrics that are no plain proportion: Wilson's, of an effective sample size.

The delta method uses the variance of the observed counts: a class without an error has none, so the
interval is too narrow, especially for rare classes. Here the variance is that of a matrix in which
every class has one more correct and one more incorrect prediction (:class:`Smoothed`). It only
determines the effective sample size: the number of independent samples that would give a proportion
between the metric's worst and best value as well. Wilson's interval of that proportion is carried
back, around the metric itself, minus its bias of second order (:func:`_bias`).

Where the metric is skewed more than such a proportion would be, because almost all of its variance
comes from one rare class, the lower end of the proportion's range is raised until the skewness
agrees. All of it follows from the terms of the metric: nothing is written for a single one.

Everything is made for B matrices with the same cells at once. Coverage: docs/metrics.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics.counted import Counted, Margins, Slopes
from reportgen.metrics.intervals import CONFIDENCE, quantile
from reportgen.metrics.macro_modes import MacroMode
from reportgen.metrics.terms import Values, derivative

__all__ = [
    "LEAST_SEEN",
    "Cells",
    "Given",
    "Smoothed",
    "Spread",
    "bounded_interval",
    "cells_of",
    "is_variance_seen",
    "occurring",
    "score_interval",
]


Floats = NDArray[np.float64]


Places = NDArray[np.int64]


Given = Literal["true", "predicted", "both"]
"""The classes with one more correct and one more incorrect prediction.

Those of labels, of predictions, or half of each, for metrics that treat both alike.
"""


@dataclass(frozen=True)
class Cells:
    """The counts of B matrices over the U occurring classes, in any order.

    Attributes
    ----------
    rows, columns
        Class of the label and of the prediction of M cells off the diagonal: int64, shape (M,).
    wrong
        Their counts: float64, shape (B, M).
    right
        Counts on the diagonal: float64, shape (B, U).
    n_classes
        Number of classes K, at least U.
    """

    rows: Places
    columns: Places
    wrong: Floats
    right: Floats
    n_classes: int

    @property
    def transposed(self) -> Cells:
        """Labels and predictions exchanged."""
        return Cells(self.columns, self.rows, self.wrong, self.right, self.n_classes)

    def missed(self) -> Floats:
        """Number of errors of each true class: shape (B, U)."""
        missed = np.zeros(self.right.shape)
        np.add.at(missed.T, self.rows, self.wrong.T)
        return missed

    def margins(self) -> Margins:
        """TP, support and predictions of each class."""
        support = self.right + self.missed()
        return Margins(self.right, support, self.right + self.transposed.missed(), self.n_classes)


def occurring(matrix: ConfusionMatrix) -> Places:
    """Indices of the classes with samples or predictions: int64, shape (U,)."""
    return np.flatnonzero(matrix.true_totals + matrix.predicted_totals)


def cells_of(matrix: ConfusionMatrix) -> Cells:
    """One matrix over its occurring classes."""
    places = occurring(matrix)
    wrong = matrix.rows != matrix.columns
    return Cells(
        np.searchsorted(places, matrix.rows[wrong]),
        np.searchsorted(places, matrix.columns[wrong]),
        matrix.values[None, wrong].astype(np.float64),
        matrix.diagonal[None, places].astype(np.float64),
        matrix.n_classes,
    )


@dataclass(frozen=True)
class Spread:
    """Unseen errors of each class, spread evenly over all others; shape (B, U).

    Attributes
    ----------
    missed
        Of true classes.
    false
        Of predicted classes.
    """

    missed: Floats
    false: Floats

    def arriving(self, sent: Floats) -> Floats:
        """The errors that each class receives from all others: shape (B, U)."""
        others = max(sent.shape[1] - 1, 1)
        return np.asarray((sent.sum(axis=1, keepdims=True) - sent) / others)


@dataclass(frozen=True)
class Smoothed:
    """Matrices with one more correct and one more incorrect prediction per class, rescaled.

    Only the proportions of correct predictions change: (k + 1) / (n + 2) instead of k / n.
    Incorrect ones are distributed as before; for a class without any, evenly over all other
    classes.
    """

    cells: Cells
    spread: Spread

    @classmethod
    def of(cls, cells: Cells, given: Given) -> Smoothed:
        """Smoothed by true classes, by predicted ones, or by both: the mean of the two."""
        if given == "true":
            return cls._by_true(cells)
        turned = cls._by_true(cells.transposed)
        by_predicted = cls(
            turned.cells.transposed, Spread(turned.spread.false, turned.spread.missed)
        )
        if given == "predicted":
            return by_predicted
        return cls._by_true(cells)._mean(by_predicted)

    @classmethod
    def _by_true(cls, cells: Cells) -> Smoothed:
        missed = cells.missed()
        support = cells.right + missed
        right = support * (cells.right + 1) / (support + 2)
        wrong = support - right
        growth = np.divide(wrong, missed, out=np.zeros_like(wrong), where=missed > 0)
        unseen = np.where(missed > 0, 0.0, wrong)
        moved = Cells(
            cells.rows, cells.columns, cells.wrong * growth[:, cells.rows], right, cells.n_classes
        )
        return cls(moved, Spread(unseen, np.zeros_like(unseen)))

    def _mean(self, other: Smoothed) -> Smoothed:
        a, b = self.cells, other.cells
        return Smoothed(
            Cells(a.rows, a.columns, (a.wrong + b.wrong) / 2, (a.right + b.right) / 2, a.n_classes),
            Spread(self.spread.missed / 2, other.spread.false / 2),
        )

    def margins(self) -> Margins:
        """TP, support and predictions of each class, with the spread errors."""
        plain, spread = self.cells.margins(), self.spread
        return Margins(
            plain.tp,
            plain.support + spread.missed + spread.arriving(spread.false),
            plain.predicted + spread.false + spread.arriving(spread.missed),
            plain.n_classes,
        )

    def dense(self) -> Floats:
        """The dense matrices of counts: shape (B, U, U)."""
        cells, spread = self.cells, self.spread
        n_classes = cells.right.shape[1]
        others = max(n_classes - 1, 1)
        counts = (spread.missed[:, :, None] + spread.false[:, None, :]) / others
        counts[:, cells.rows, cells.columns] += cells.wrong
        diagonal = np.arange(n_classes)
        counts[:, diagonal, diagonal] = cells.right
        return np.asarray(counts)

    def moments(self, slopes: Slopes) -> tuple[Floats, Floats]:
        """Variance and third central moment of a metric with that derivative: shape (B,) each.

        The smoothed cells are taken as one multinomial sample.
        """
        cells, spread = self.cells, self.spread
        of_right = slopes.by_true + slopes.by_predicted + slopes.more
        of_wrong = slopes.of_cells(cells.rows, cells.columns)
        rows = _spread_powers(spread.missed, slopes.by_true, slopes.by_predicted)
        columns = _spread_powers(spread.false, slopes.by_predicted, slopes.by_true)
        n = sum(x.sum(axis=1) for x in (cells.right, cells.wrong, spread.missed, spread.false))
        mean = (
            (cells.right * of_right).sum(axis=1) + (cells.wrong * of_wrong).sum(axis=1)
            + rows(0.0)[0] + columns(0.0)[0]
        ) / n  # fmt: skip
        parts = rows(mean), columns(mean)
        of_right, of_wrong = of_right - mean[:, None], of_wrong - mean[:, None]
        second, third = (
            (cells.right * of_right**p).sum(axis=1) + (cells.wrong * of_wrong**p).sum(axis=1)
            + parts[0][p - 1] + parts[1][p - 1]
            for p in (2, 3)
        )  # fmt: skip
        return second, third


def _spread_powers(
    mass: Floats, own: Floats, others: Floats
) -> Callable[[Floats | float], tuple[Floats, Floats, Floats]]:
    """Σ mass · (own + other − mean)ᵖ for p = 1, 2, 3, over the other classes of each class.

    If there is only one class, its errors go to one that does not occur, with slope 0.
    """
    n_others = max(own.shape[1] - 1, 1)
    middle = others.mean(axis=1, keepdims=True) if own.shape[1] > 1 else 0.0
    apart = others - middle if own.shape[1] > 1 else np.zeros_like(others)
    m1, m2, m3 = (((apart**p).sum(axis=1, keepdims=True) - apart**p) / n_others for p in (1, 2, 3))

    def powers(mean: Floats | float) -> tuple[Floats, Floats, Floats]:
        a = own + middle - np.asarray(mean).reshape(-1, 1)
        terms = (a + m1, a**2 + 2 * a * m1 + m2, a**3 + 3 * a**2 * m1 + 3 * a * m2 + m3)
        first, second, third = ((mass * term).sum(axis=1) for term in terms)
        return first, second, third

    return powers


def score_interval(
    metric: Counted,
    cells: Cells,
    value: Floats,
    *,
    limits: tuple[float, float],
    given: Given,
    skewed: bool = True,
    macro: MacroMode = "present",
    confidence: float = CONFIDENCE,
) -> tuple[Floats, Floats]:
    """The lower and upper ends for B matrices: float64, shape (B,); nan without variation.

    Parameters
    ----------
    metric, value
        The metric, and its value in each matrix: shape (B,).
    limits
        Its worst and its best value.
    given, skewed
        How it is smoothed, and whether its skewness is considered. A mean of the classes' recall is
        no more skewed than a proportion.
    """
    smoothed = Smoothed.of(cells, given)
    margins = smoothed.margins()
    variance, third = smoothed.moments(metric.slopes(margins, macro))
    typical = np.asarray(metric.combine(*metric.sums(margins, macro)), np.float64)
    third = third if skewed else np.full_like(third, -np.inf)
    centre = value - _bias(metric, cells.margins(), macro)
    return bounded_interval(value, centre, typical, variance, third, limits, confidence)


LEAST_SEEN = 0.5
"""Minimum fraction of the smoothed variance that the counts themselves must have.

Otherwise resamples vary less than test sets: classes without an error (or without a correct
prediction) do not contribute.
"""


def is_variance_seen(
    metric: Counted, cells: Cells, *, given: Given, macro: MacroMode = "present"
) -> NDArray[np.bool_]:
    """Whether resamples of the counts vary enough for a bootstrap interval: bool, shape (B,).

    In simulations of balanced accuracy with 5 to 20 samples of the rare class, such intervals cover
    39 to 91% at nominal 95%, and at least 97% if half of the variance is observed.
    """
    smoothed, nothing = Smoothed.of(cells, given), np.zeros_like(cells.right)
    likely, _ = smoothed.moments(metric.slopes(smoothed.margins(), macro))
    as_is = Smoothed(cells, Spread(nothing, nothing))
    seen, _ = as_is.moments(metric.slopes(cells.margins(), macro))
    return np.asarray(seen >= LEAST_SEEN * likely)


def bounded_interval(
    value: Floats,
    centre: Floats,
    typical: Floats,
    variance: Floats,
    third: Floats,
    limits: tuple[float, float],
    confidence: float = CONFIDENCE,
) -> tuple[Floats, Floats]:
    """Wilson's interval of a proportion with the variance and the skewness of a metric.

    Parameters
    ----------
    value, centre
        The metric, and the same minus its bias.
    typical, variance, third
        Its value, variance and third central moment, smoothed so that every class has correct and
        incorrect predictions.
    limits
        Worst and best value.

    Of a proportion of N samples that lies between A and B, the variance is (θ − A)(B − θ) / N, and
    third / variance² = 1 / (θ − A) − 1 / (B − θ). B is the best value; A is the worst one, or a
    larger value if the metric is more skewed to the right.
    """
    worst, best = limits
    with np.errstate(divide="ignore", invalid="ignore"):
        above, below = best - typical, typical - worst
        reach = 1 / np.maximum(1 / above + third / variance**2, 1 / below)
        start = np.minimum(typical - reach, np.clip(centre, worst, best))
        trials = (typical - start) * above / variance
        share = np.clip((centre - start) / (best - start), 0.0, 1.0)
    sound = (variance > 0) & (above > 0) & (below > 0) & np.isfinite(trials) & (trials > 0)
    trials, share = np.where(sound, trials, 1.0), np.where(sound, share, 0.5)
    low, high = _wilson_share(share, trials, quantile(confidence))
    width = best - start
    low, high = (
        np.clip(start + width * low, worst, best),
        np.clip(start + width * high, worst, best),
    )
    low, high = np.minimum(low, value), np.maximum(high, value)
    sound &= low < high
    return np.where(sound, low, np.nan), np.where(sound, high, np.nan)


def _wilson_share(share: Floats, trials: Floats, z: float) -> tuple[Floats, Floats]:
    """Wilson's interval of a proportion with a possibly fractional number of trials."""
    scale = 1 + z * z / trials
    centre = share + z * z / (2 * trials)
    half = z * np.sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2)
    return (centre - half) / scale, (centre + half) / scale


_NUDGE = 1e-4
"""Step of the difference of two derivatives, relative to the count: accurate to about 8 digits."""


def _bias(metric: Counted, margins: Margins, macro: MacroMode) -> Floats:
    """The bias of the metric: shape (B,).

    That of the terms to second order, ½ tr(Hessian · covariance): a mean over many small classes
    has little variance and all of their bias. The combination adds a bias of order 1 / n. Classes
    without samples, or never predicted, are skipped: their terms are fixed by rule.
    """
    tp, r, c = margins.columns
    n = r.sum(axis=1, keepdims=True)
    covariance = {
        (0, 0): tp * (1 - tp / n), (0, 1): tp * (1 - r / n), (0, 2): tp * (1 - c / n),
        (1, 1): r * (1 - r / n), (1, 2): tp - r * c / n, (2, 2): c * (1 - c / n),
    }  # fmt: skip
    counted = (r > 0) & (c > 0)
    sums = tuple(metric.sums(margins, macro))
    bias = np.zeros(len(tp))
    for place, term in enumerate(metric.terms):
        if term.unbiased:
            continue
        weight = derivative(metric.combine, sums, place)
        of_term = sum(
            (1 if by == with_ else 2) * _second(term.of, margins.columns, by, with_) * moment
            for (by, with_), moment in covariance.items()
        )
        bias += weight * np.where(counted, of_term, 0.0).sum(axis=1) / 2
    return bias


def _second(function: Callable[..., Values], at: tuple[Floats, ...], by: int, with_: int) -> Floats:
    """A second derivative: the difference of two complex steps."""
    step = _NUDGE * np.maximum(at[by], 1.0)
    up, down = (
        derivative(
            function, tuple(x + sign * step if i == by else x for i, x in enumerate(at)), with_
        )
        for sign in (1, -1)
    )
    return np.asarray((up - down) / (2 * step))
