"""Resamples of a confusion matrix, what they give for figures of the whole, and BCa intervals.

A resample draws as many samples as there are, with replacement: one multinomial draw over the
non-zero cells. All figures here depend on a matrix through a few sums over classes, so a resample
is reduced to those sums as soon as it is drawn; and one sample less changes two of the terms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics.definitions import MacroMode
from reportgen.metrics.ordinal import Weights, disagreement

__all__ = [
    "FIGURES",
    "Sums",
    "bca",
    "draw",
    "leave_each_out",
    "observe",
]


Floats = NDArray[np.float64]


Counts = NDArray[np.int64]


Sums = Mapping[str, Floats]
"""Name → a sum of each of B matrices: float64, shape (B,)."""


CHUNK = 1 << 20
"""Numbers that one array of resamples may hold: 8 MB."""


TIE = 1e-12
"""Values closer than this are the same fraction, rounded in different ways."""


MOST_UNDEFINED = 0.05
"""Share of resamples in which a figure may be undefined before the interval says nothing."""


def _over(part: Floats, whole: Floats) -> Floats:
    """part / whole, 0 where whole is 0: the rule of averages."""
    return part / np.maximum(whole, 1.0)


_TERMS: dict[str, Callable[[Floats, Floats, Floats], Floats]] = {
    "present": lambda _tp, r, _c: (r > 0).astype(np.float64),
    "right": lambda tp, _r, _c: tp,
    "recall": lambda tp, r, _c: _over(tp, r),
    "precision": lambda tp, _r, c: _over(tp, c),
    "f1": lambda tp, r, c: _over(2 * tp, r + c),
    "weighted_precision": lambda tp, r, c: _over(r * tp, c),
    "weighted_f1": lambda tp, r, c: _over(2 * r * tp, r + c),
    "chance": lambda _tp, r, c: r * c,
    "true_squares": lambda _tp, r, _c: r * r,
    "predicted_squares": lambda _tp, _r, c: c * c,
}
"""What is summed over classes: (TP, support, predicted) of a class → its term."""


def _divide(part: Floats, whole: Floats) -> Floats:
    values: Floats = np.full(whole.shape, np.nan)
    np.divide(part, whole, out=values, where=whole > 0)
    return values


def _kappa(s: Sums) -> Floats:
    square = s["n"] * s["n"]
    return _divide(s["right"] * s["n"] - s["chance"], square - s["chance"])


def _matthews(s: Sums) -> Floats:
    square = s["n"] * s["n"]
    constant = (square - s["true_squares"]) * (square - s["predicted_squares"])
    return _divide(s["right"] * s["n"] - s["chance"], np.sqrt(np.maximum(constant, 0.0)))


def _weighted_kappa(weights: Weights) -> Callable[[Sums], Floats]:
    def compute(s: Sums) -> Floats:
        chance = s[f"{weights}_chance"]
        return _divide(chance - s["n"] * s[f"{weights}_observed"], chance)

    return compute


FIGURES: dict[str, Callable[[Sums], Floats]] = {
    "balanced_accuracy": lambda s: _divide(s["recall"], s["present"]),
    "macro_precision": lambda s: _divide(s["precision"], s["averaged"]),
    "macro_recall": lambda s: _divide(s["recall"], s["averaged"]),
    "macro_f1": lambda s: _divide(s["f1"], s["averaged"]),
    "weighted_precision": lambda s: _divide(s["weighted_precision"], s["n"]),
    "weighted_f1": lambda s: _divide(s["weighted_f1"], s["n"]),
    "cohen_kappa": _kappa,
    "matthews_corrcoef": _matthews,
    "kappa_linear": _weighted_kappa("linear"),
    "kappa_quadratic": _weighted_kappa("quadratic"),
}
"""Name of a figure of the whole → its value from the sums; nan where undefined."""


@dataclass(frozen=True)
class Layout:
    """Where the cells of a matrix belong; U classes occur in it, as label or as prediction.

    Attributes
    ----------
    matrix
        M non-zero cells.
    places
        The class index of each of the U classes, increasing: int64, shape (U,).
    rows, columns
        For each cell the place of its true and of its predicted class among them: shape (M,).
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

    def sums(self, cells: Counts, macro: MacroMode, ordinal: bool) -> dict[str, Floats]:
        """The sums of B matrices with the same cells: counts of shape (B, M)."""
        r, c = self.totals(cells, self.rows), self.totals(cells, self.columns)
        right = self.rows == self.columns
        tp = np.zeros(r.shape)
        tp[:, self.rows[right]] = cells[:, right]
        sums = {name: term(tp, r, c).sum(axis=1) for name, term in _TERMS.items()}
        sums["n"] = cells.sum(axis=1).astype(np.float64)
        if ordinal:
            sums |= self._disagreements(cells, r, c)
        return _average(sums, self.matrix, macro)

    def _disagreements(self, cells: Counts, r: Floats, c: Floats) -> dict[str, Floats]:
        far = np.abs(self.matrix.rows - self.matrix.columns).astype(np.float64)
        n, places = r.sum(axis=1), self.places.astype(np.float64)
        # |i − j| is the number of steps between i and j: each counts those on both its sides
        steps = np.diff(places)
        below_r, below_c = (np.cumsum(x, axis=1)[:, :-1] for x in (r, c))
        apart = below_r * (n[:, None] - below_c) + below_c * (n[:, None] - below_r)
        squares = (r + c) @ (places * places)
        return {
            "linear_observed": cells @ far,
            "linear_chance": apart @ steps,
            "quadratic_observed": cells @ (far * far),
            "quadratic_chance": n * squares - 2 * (r @ places) * (c @ places),
        }


def _average(
    sums: dict[str, Floats], matrix: ConfusionMatrix, macro: MacroMode
) -> dict[str, Floats]:
    everywhere = np.full(sums["n"].shape, float(matrix.n_classes))
    return {**sums, "averaged": everywhere if macro == "all" else sums["present"]}


def observe(matrix: ConfusionMatrix, macro: MacroMode, *, ordinal: bool = False) -> Sums:
    """The sums of the matrix itself, made as those of the resamples are: shape (1,)."""
    return Layout.of(matrix).sums(matrix.values[None, :], macro, ordinal)


def draw(
    matrix: ConfusionMatrix,
    rng: np.random.Generator,
    draws: int,
    macro: MacroMode,
    *,
    ordinal: bool = False,
) -> Sums:
    """The sums of `draws` resamples: shape (draws,) each. Memory does not grow with K² or n."""
    layout = Layout.of(matrix)
    parts = [
        layout.sums(cells, macro, ordinal)
        for cells in _resamples(matrix, rng, draws, max(len(matrix.values), len(layout.places)))
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _resamples(
    matrix: ConfusionMatrix, rng: np.random.Generator, draws: int, width: int
) -> Iterator[Counts]:
    shares = matrix.values / matrix.n_samples
    size = max(1, CHUNK // width)
    for start in range(0, draws, size):
        yield rng.multinomial(matrix.n_samples, shares, size=min(size, draws - start))


def leave_each_out(matrix: ConfusionMatrix, macro: MacroMode, *, ordinal: bool = False) -> Sums:
    """The sums without one sample, for a sample of each non-zero cell: shape (M,) each.

    Of the terms only those of the cell's two classes change.
    """
    i, j, all_sums = matrix.rows, matrix.columns, observe(matrix, macro, ordinal=ordinal)
    hit = i == j
    tp, r, c = (x.astype(np.float64) for x in _margins(matrix))
    sums = {"n": np.full(len(i), matrix.n_samples - 1.0)}
    for name, term in _TERMS.items():
        row = term(tp[i] - hit, r[i] - 1, c[i] - hit) - term(tp[i], r[i], c[i])
        column = np.where(hit, 0.0, term(tp[j], r[j], c[j] - 1) - term(tp[j], r[j], c[j]))
        sums[name] = all_sums[name] + row + column
    modes: tuple[Weights, ...] = ("linear", "quadratic") if ordinal else ()
    for weights in modes:
        part = disagreement(matrix, weights)
        sums[f"{weights}_observed"] = all_sums[f"{weights}_observed"] - part.weights
        less = part.by_true[i] + part.by_predicted[j] - part.weights
        sums[f"{weights}_chance"] = all_sums[f"{weights}_chance"] - less
    return _average(sums, matrix, macro)


def _margins(matrix: ConfusionMatrix) -> tuple[Counts, Counts, Counts]:
    return matrix.diagonal, matrix.true_totals, matrix.predicted_totals


def bca(
    draws: Floats, value: Floats, without_one: Floats, weights: Floats, confidence: float
) -> tuple[Floats, Floats]:
    """Bias-corrected and accelerated bootstrap intervals of G figures.

    Parameters
    ----------
    draws
        The figures in B resamples, shape (G, B); nan where undefined.
    value
        The figures themselves, shape (G,).
    without_one
        The figures without one sample, for J kinds of samples: shape (G, J); nan where undefined.
    weights
        Number of samples of each kind: shape (G, J).

    Returns
    -------
    Lower and upper ends, shape (G,); nan where a figure is undefined in more than one resample of
    twenty.

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
    """Skewness of the jackknife values / 6: shape (G,); 0 where they don't vary."""
    counted = np.where(np.isnan(without_one), 0.0, weights)
    values = np.nan_to_num(without_one)
    total = np.maximum(counted.sum(axis=1), 1.0)
    mean = (counted * values).sum(axis=1) / total
    below = mean[:, None] - values
    square = (counted * below**2).sum(axis=1)
    cube = (counted * below**3).sum(axis=1)
    return np.nan_to_num(_divide(cube, 6 * square**1.5))


def _quantile(ordered: Floats, n: Counts, share: Floats) -> Floats:
    """The quantile of each row's first `n` values, linear between neighbours: shape (G,)."""
    last = np.maximum(n - 1, 0)
    place = share * last
    low = np.minimum(np.floor(place).astype(np.int64), last)
    high = np.minimum(low + 1, last)
    rows = np.arange(len(ordered))
    left, right = ordered[rows, low], ordered[rows, high]
    between: Floats = left + (place - low) * (right - left)
    return between
