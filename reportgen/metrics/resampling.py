"""Resamples of a confusion matrix, their sums for metrics, and BCa intervals.

A resample draws n samples with replacement: one multinomial draw over the non-zero cells. Metrics
depend on a matrix through a few sums over classes; removing one sample changes two of the terms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics.counted import CellWeights, Margins, total
from reportgen.metrics.macro_modes import MacroMode
from reportgen.metrics.ordinal import Weights, disagreement
from reportgen.metrics.terms import AVERAGED, Term, divided

__all__ = [
    "Layout",
    "LeftOut",
    "Resamples",
    "bca",
    "draw",
]


Floats = NDArray[np.float64]


Counts = NDArray[np.int64]


CHUNK = 1 << 20
"""Maximum size of an array of resamples: 8 MB."""


TIE = 1e-12
"""Values closer than this are equal fractions with different rounding."""


MOST_UNDEFINED = 0.05
"""Maximum proportion of resamples with an undefined metric for a valid interval."""


@dataclass(frozen=True)
class Layout:
    """The classes of the cells of a matrix; U classes occur in it, as label or prediction.

    Attributes
    ----------
    matrix
        M non-zero cells.
    places
        The class index of each of the U classes, increasing: int64, shape (U,).
    rows, columns
        For each cell, the index of its true and predicted class among them: shape (M,).
    """

    matrix: ConfusionMatrix
    places: Counts
    rows: Counts
    columns: Counts

    @classmethod
    def of(cls, matrix: ConfusionMatrix) -> Layout:
        places = np.flatnonzero(matrix.true_totals + matrix.predicted_totals)
        rows = np.searchsorted(places, matrix.rows)
        return cls(matrix, places, rows, np.searchsorted(places, matrix.columns))

    def totals(self, cells: Counts, where: Counts) -> Floats:
        """Sums of `cells`, shape (B, M), by the class in `where`: float64, shape (B, U)."""
        order = np.argsort(where, kind="stable")
        held, starts = np.unique(where[order], return_index=True)
        totals = np.zeros((len(cells), len(self.places)))
        totals[:, held] = np.add.reduceat(cells[:, order], starts, axis=1)
        return totals

    def resamples(self, cells: Counts, macro: MacroMode) -> Resamples:
        """B matrices with the same cells and counts of shape (B, M)."""
        right = self.rows == self.columns
        tp = np.zeros((len(cells), len(self.places)))
        tp[:, self.rows[right]] = cells[:, right]
        support, predicted = self.totals(cells, self.rows), self.totals(cells, self.columns)
        margins = Margins(tp, support, predicted, self.matrix.n_classes)
        return Resamples(self, cells, margins, macro)


@dataclass(frozen=True)
class Resamples:
    """Matrices with the cells of one layout, and the sums over their classes.

    Attributes
    ----------
    cells
        Their counts: int64, shape (B, M).
    """

    layout: Layout
    cells: Counts
    margins: Margins
    macro: MacroMode

    def total(self, term: Term) -> Floats:
        """The sum of the term in each matrix: float64, shape (B,)."""
        return total(term, self.margins, self.macro)

    def disagreement(self, weights: Weights) -> tuple[Floats, Floats]:
        """Observed and chance disagreement of each matrix: shape (B,)."""
        matrix, (_, r, c) = self.layout.matrix, self.margins.columns
        far = np.abs(matrix.rows - matrix.columns).astype(np.float64)
        n, places = r.sum(axis=1), self.layout.places.astype(np.float64)
        if weights == "quadratic":
            chance = n * ((r + c) @ (places * places)) - 2 * (r @ places) * (c @ places)
            return self.cells @ (far * far), chance
        # |i − j| is the number of steps between i and j: each step counts those on both sides
        below_r, below_c = (np.cumsum(x, axis=1)[:, :-1] for x in (r, c))
        apart = below_r * (n[:, None] - below_c) + below_c * (n[:, None] - below_r)
        return self.cells @ far, apart @ np.diff(places)

    def weighed(self, weights: CellWeights) -> Floats:
        """The weighted sum of the counts of each matrix: shape (B,)."""
        matrix = self.layout.matrix
        return np.asarray(self.cells @ weights(matrix.rows, matrix.columns), np.float64)


def observe(matrix: ConfusionMatrix, macro: MacroMode) -> Resamples:
    """The matrix itself, as one resample."""
    return Layout.of(matrix).resamples(matrix.values[None, :], macro)


def draw(
    matrix: ConfusionMatrix, rng: np.random.Generator, draws: int, macro: MacroMode
) -> Iterator[Resamples]:
    """`draws` resamples, in blocks. Memory does not grow with K² or n."""
    layout = Layout.of(matrix)
    for cells in _resamples(matrix, rng, draws, max(len(matrix.values), len(layout.places))):
        yield layout.resamples(cells, macro)


def _resamples(
    matrix: ConfusionMatrix, rng: np.random.Generator, draws: int, width: int
) -> Iterator[Counts]:
    shares = matrix.values / matrix.n_samples
    size = max(1, CHUNK // width)
    for start in range(0, draws, size):
        yield rng.multinomial(matrix.n_samples, shares, size=min(size, draws - start))


@dataclass(frozen=True)
class LeftOut:
    """The matrix without one sample, for a sample of each of its M non-zero cells."""

    matrix: ConfusionMatrix
    macro: MacroMode

    def total(self, term: Term) -> Floats:
        """The sum of the term without each sample: shape (M,). Those of its two classes change."""
        whole = total(term, Margins.of(self.matrix), self.macro)
        if term is AVERAGED and self.macro == "all":
            return np.full(len(self.matrix.rows), whole[0])
        i, j = self.matrix.rows, self.matrix.columns
        hit = i == j
        tp, r, c = (x[0] for x in Margins.of(self.matrix).columns)
        row = term.of(tp[i] - hit, r[i] - 1, c[i] - hit) - term.of(tp[i], r[i], c[i])
        column = term.of(tp[j], r[j], c[j] - 1) - term.of(tp[j], r[j], c[j])
        return np.asarray(whole + row + np.where(hit, 0.0, column), np.float64)

    def disagreement(self, weights: Weights) -> tuple[Floats, Floats]:
        """Observed and chance disagreement without each sample: shape (M,) each."""
        i, j = self.matrix.rows, self.matrix.columns
        part = disagreement(self.matrix, weights)
        less = part.by_true[i] + part.by_predicted[j] - part.weights
        return part.observed - part.weights, part.chance - less

    def weighed(self, weights: CellWeights) -> Floats:
        """The weighted sum of the counts without each sample: shape (M,)."""
        of_cell = weights(self.matrix.rows, self.matrix.columns)
        return np.asarray(self.matrix.values @ of_cell - of_cell, np.float64)


def bca(
    draws: Floats, value: Floats, without_one: Floats, weights: Floats, confidence: float
) -> tuple[Floats, Floats]:
    """Bias-corrected and accelerated bootstrap intervals of G metrics.

    Parameters
    ----------
    draws
        The metrics in B resamples, shape (G, B); nan if undefined.
    value
        The metrics themselves, shape (G,).
    without_one
        The metrics without one sample, for J kinds of samples: shape (G, J); nan if undefined.
    weights
        Number of samples of each kind: shape (G, J).

    Returns
    -------
    Lower and upper ends, shape (G,); nan if a metric is undefined in more than 5% of the resamples.

    Efron 1987, JASA 82, 171-185.
    """
    from scipy.special import ndtr, ndtri

    n_defined = np.count_nonzero(~np.isnan(draws), axis=1)
    some = np.maximum(n_defined, 1)
    above = np.count_nonzero(draws > value[:, None] + TIE, axis=1)
    below = np.count_nonzero(draws < value[:, None] - TIE, axis=1)
    share = 0.5 + (below - above) / (2 * some)  # a tie counts half
    bias = ndtri(np.clip(share, 0.5 / some, 1 - 0.5 / some))
    acceleration = _acceleration(without_one, weights)
    enough = n_defined >= (1 - MOST_UNDEFINED) * draws.shape[1]
    ordered = np.sort(draws, axis=1)  # nan comes last
    ends = []
    for z in ndtri([(1 - confidence) / 2, (1 + confidence) / 2]):
        moved = bias + z
        slack = np.maximum(1 - acceleration * moved, 1e-9)
        at = _quantile(ordered, n_defined, ndtr(bias + moved / slack))
        ends.append(np.where(enough, at, np.nan))
    return ends[0], ends[1]


def _acceleration(without_one: Floats, weights: Floats) -> Floats:
    """Skewness of the jackknife values / 6: shape (G,); 0 without variation."""
    counted = np.where(np.isnan(without_one), 0.0, weights)
    values = np.nan_to_num(without_one)
    total = np.maximum(counted.sum(axis=1), 1.0)
    mean = (counted * values).sum(axis=1) / total
    below = mean[:, None] - values
    square = (counted * below**2).sum(axis=1)
    cube = (counted * below**3).sum(axis=1)
    return np.asarray(np.nan_to_num(divided(cube, 6 * square**1.5)))


def _quantile(ordered: Floats, n: Counts, share: Floats) -> Floats:
    """The quantile of each row's first `n` values, with linear interpolation: shape (G,)."""
    last = np.maximum(n - 1, 0)
    place = share * last
    low = np.minimum(np.floor(place).astype(np.int64), last)
    high = np.minimum(low + 1, last)
    rows = np.arange(len(ordered))
    left, right = ordered[rows, low], ordered[rows, high]
    between: Floats = left + (place - low) * (right - left)
    return between
