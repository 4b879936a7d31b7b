"""Ranked confusions of classes, and the number of errors of a pair expected by chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics import benjamini_hochberg, wilson

__all__ = [
    "EXPECTED_RULES",
    "RANKINGS",
    "DirectedPairs",
    "Expected",
    "ExpectedRule",
    "Ranking",
    "Rest",
    "SymmetricPairs",
    "binomial_tail",
    "directed_pairs",
    "expected_counts",
    "expected_within",
    "false_discovery",
    "symmetric_pairs",
    "unordered_pairs",
]


Floats = NDArray[np.float64]


Counts = NDArray[np.int64]


ExpectedRule = Literal["quasi-independence", "margins"]


EXPECTED_RULES: dict[ExpectedRule, str] = {
    "quasi-independence": (
        "The errors of each class, distributed by how often the other classes are predicted "
        "incorrectly: "
        "quasi-independence, fitted to the errors only."
    ),
    "margins": "The errors of each class, in proportion to the predictions of the other classes.",
}
"""Rule for expected counts → a sentence for readers."""


MAX_ROUNDS = 1000


FITTED = 1e-12
"""Maximum relative misfit of a row total at which the fit ends."""


USABLE = 1e-9
"""Maximum relative misfit at which a fit that did not converge is still used."""


@dataclass(frozen=True)
class Expected:
    """Expected counts of cells, and the rule that made them.

    Attributes
    ----------
    count
        float64, one for each cell requested.
    rule
        ``"margins"`` also if quasi-independence was requested but could not be fitted.
    """

    count: Floats
    rule: ExpectedRule


def expected_counts(
    matrix: ConfusionMatrix,
    true: Counts,
    predicted: Counts,
    rule: ExpectedRule = "quasi-independence",
) -> Expected:
    """The expected errors in the cells (true, predicted), none on the diagonal.

    Quasi-independence: E_ij = a_i b_j off the diagonal, with the row and column totals of the
    errors, found by iterative proportional fitting in O(K) per round. If all errors involve one
    class, the fit does not converge; then, and on request, E_ij = e_i c_j / (n − c_i), with e_i the
    errors of class i and c_j how often j is predicted.

    Goodman 1968, JASA 63, 1091-1131.
    """
    if rule == "quasi-independence":
        fitted = _fit(matrix)
        if fitted is not None:
            by_true, by_predicted = fitted
            return Expected(by_true[true] * by_predicted[predicted], rule)
    errors = (matrix.true_totals - matrix.diagonal)[true]
    others = (matrix.n_samples - matrix.predicted_totals)[true]
    share = matrix.predicted_totals[predicted] / np.maximum(others, 1)
    return Expected(errors * share, "margins")


def expected_within(matrix: ConfusionMatrix, group_of: Counts) -> float | None:
    """The proportion of errors expected within the groups by chance, 0..1.

    Parameters
    ----------
    group_of
        The group of each class, 0..G-1: int64, shape (K,).

    Returns
    -------
    By the same rules as :func:`expected_counts`, in O(K); None without errors.
    """
    if not matrix.n_errors:
        return None
    fitted = _fit(matrix)
    if fitted is not None:
        by_true, by_predicted = fitted
    else:
        errors = matrix.true_totals - matrix.diagonal
        others = matrix.n_samples - matrix.predicted_totals
        by_true = errors / np.maximum(others, 1)
        by_predicted = matrix.predicted_totals.astype(np.float64)
    of_group = np.bincount(group_of, by_predicted)
    within = float(np.sum(by_true * (of_group[group_of] - by_predicted)))
    return min(max(within / matrix.n_errors, 0.0), 1.0)


def _fit(matrix: ConfusionMatrix) -> tuple[Floats, Floats] | None:
    """The factors (a, b), float64 of shape (K,) each; None if they don't converge."""
    by_row = (matrix.true_totals - matrix.diagonal).astype(np.float64)
    by_column = (matrix.predicted_totals - matrix.diagonal).astype(np.float64)
    b = by_column.copy()
    misfit = np.inf
    for _ in range(MAX_ROUNDS):
        a = _divide(by_row, _sum_of_others(b))
        b = _divide(by_column, _sum_of_others(a))
        rows = a * _sum_of_others(b)
        misfit = float(np.max(np.abs(rows - by_row) / np.maximum(by_row, 1.0)))
        if misfit <= FITTED:
            break
    return (a, b) if misfit <= USABLE else None


def _sum_of_others(values: Floats) -> Floats:
    """For each element the sum of all others, without cancellation."""
    sums = np.zeros(len(values))
    sums[1:] = np.cumsum(values[:-1])
    sums[:-1] += np.cumsum(values[:0:-1])[::-1]
    return sums


def _divide(part: Floats, whole: Floats) -> Floats:
    values = np.zeros(len(part))
    np.divide(part, whole, out=values, where=whole > 0)
    return values


def binomial_tail(count: ArrayLike, trials: ArrayLike, share: ArrayLike) -> Floats:
    """P(X >= count), X binomial; count at least 1. Elementwise, float64."""
    from scipy.special import betainc

    k, n = np.asarray(count, np.float64), np.asarray(trials, np.float64)
    tail: Floats = np.asarray(betainc(k, n - k + 1, np.clip(share, 0.0, 1.0)), np.float64)
    return tail


def false_discovery(p: Floats, n_tests: int) -> Floats:
    """p-values adjusted to control the false-discovery rate among `n_tests`, 0..1, shape (N,).

    Benjamini-Hochberg. Tests that are not listed have p = 1, like a pair without errors.
    """
    if n_tests < len(p):
        raise ValueError(f"{len(p)} p-values of {n_tests} tests")
    adjusted = benjamini_hochberg(p).p * (n_tests / max(len(p), 1))
    return np.minimum(adjusted, 1.0)


Ranking = Literal["count", "rate", "lift"]


LEAST_FOR_RATE = 3


LEAST_FOR_LIFT = 5


RANKINGS: dict[Ranking, str] = {
    "count": "By the number of samples.",
    "rate": (
        f"By the lower 95% bound of the rate in the true class; {LEAST_FOR_RATE} samples or more."
    ),
    "lift": (f"By lift, observed relative to expected count; {LEAST_FOR_LIFT} samples or more."),
}
"""Ranking of directed pairs → a sentence for readers."""


LISTED = 20


@dataclass(frozen=True)
class Rest:
    """The errors that a ranking does not list, so that proportions sum to 1.

    Attributes
    ----------
    pairs
        Number of pairs.
    count
        Number of samples.
    share_of_errors
        `count` as a proportion of all errors; 0 without errors.
    """

    pairs: int
    count: int
    share_of_errors: float


@dataclass(frozen=True, eq=False)
class DirectedPairs:
    """P pairs, samples of class `true` predicted as `predicted`, best first.

    Attributes
    ----------
    ranking
        The ranking criterion.
    true, predicted
        Class indices, int64, shape (P,).
    count, reversed_count
        Samples of the pair, and of the reverse direction: int64.
    rate, rate_low, rate_high
        `count` as a proportion of the true class, with its Wilson interval: float64, 0..1.
    share_of_errors, share_of_class_errors
        `count` as a proportion of all errors, and of those of the true class: float64, 0..1.
    expected
        Errors expected by chance, by `expected_rule`: float64.
    lift
        `count` / `expected`: float64.
    p, q
        Probability of `count` or more under chance (binomial tail), and the same adjusted over
        all K (K − 1) pairs (Benjamini-Hochberg). With many samples both are tiny for any pair.
    rest
        The pairs that are not listed.
    """

    ranking: Ranking
    expected_rule: ExpectedRule
    true: Counts
    predicted: Counts
    count: Counts
    reversed_count: Counts
    rate: Floats
    rate_low: Floats
    rate_high: Floats
    share_of_errors: Floats
    share_of_class_errors: Floats
    expected: Floats
    lift: Floats
    p: Floats
    q: Floats
    rest: Rest

    def __len__(self) -> int:
        return len(self.count)


@dataclass(frozen=True, eq=False)
class SymmetricPairs:
    """P pairs of classes that are confused, most samples first.

    Attributes
    ----------
    a, b
        Class indices, int64, shape (P,), a < b.
    count, a_as_b, b_as_a
        Samples in both directions together, and in each: int64.
    rate
        `count` as a proportion of both classes: float64, 0..1.
    share_of_errors
        `count` as a proportion of all errors: float64, 0..1.
    direction_p
        Two-sided exact binomial p of symmetric counts: float64. A small p suggests bias or a
        labelling rule, otherwise the classes are similar.
    rest
        The pairs that are not listed.
    """

    a: Counts
    b: Counts
    count: Counts
    a_as_b: Counts
    b_as_a: Counts
    rate: Floats
    share_of_errors: Floats
    direction_p: Floats
    rest: Rest

    def __len__(self) -> int:
        return len(self.count)


def directed_pairs(
    matrix: ConfusionMatrix,
    by: Ranking = "count",
    *,
    limit: int | None = LISTED,
    expected: ExpectedRule = "quasi-independence",
) -> DirectedPairs:
    """The first `limit` pairs of a ranking; None for all.

    Ties: more samples, then the lower true, then the lower predicted index first.
    """
    true, predicted, count = matrix.errors_by_count()
    found = expected_counts(matrix, true, predicted, expected)
    class_errors = (matrix.true_totals - matrix.diagonal)[true]
    support = matrix.true_totals[true]
    low, high = wilson(count, support)
    lift = count / found.count
    p = binomial_tail(count, class_errors, found.count / class_errors)
    at = _rank(by, count, low, lift)[:limit]
    n_errors = matrix.n_errors
    return DirectedPairs(
        ranking=by,
        expected_rule=found.rule,
        true=true[at],
        predicted=predicted[at],
        count=count[at],
        reversed_count=matrix.lookup(predicted[at], true[at]),
        rate=count[at] / support[at],
        rate_low=low[at],
        rate_high=high[at],
        share_of_errors=count[at] / max(n_errors, 1),
        share_of_class_errors=count[at] / class_errors[at],
        expected=found.count[at],
        lift=lift[at],
        p=p[at],
        q=false_discovery(p, matrix.n_classes * (matrix.n_classes - 1))[at],
        rest=_rest(len(count) - len(at), n_errors - int(count[at].sum()), n_errors),
    )


def _rank(by: Ranking, count: Counts, low: Floats, lift: Floats) -> Counts:
    """Indices of the ranked pairs; the input is sorted by count, true, predicted."""
    if by == "count":
        return np.arange(len(count))
    least, figure = (LEAST_FOR_RATE, low) if by == "rate" else (LEAST_FOR_LIFT, lift)
    enough = np.flatnonzero(count >= least)
    return enough[np.argsort(-figure[enough], kind="stable")]


def unordered_pairs(matrix: ConfusionMatrix) -> tuple[Counts, Counts]:
    """The classes a < b of each pair with an error, by a, then by b: int64, shape (P,)."""
    wrong = matrix.rows != matrix.columns
    true, predicted = matrix.rows[wrong], matrix.columns[wrong]
    ordered = np.sort(np.minimum(true, predicted) * matrix.n_classes + np.maximum(true, predicted))
    keys = ordered[np.diff(ordered, prepend=-1) > 0]
    return keys // matrix.n_classes, keys % matrix.n_classes


def symmetric_pairs(matrix: ConfusionMatrix, *, limit: int | None = LISTED) -> SymmetricPairs:
    """The first `limit` pairs by count, None for all. Ties: the lower a, then the lower b first."""
    n_errors = matrix.n_errors
    a, b = unordered_pairs(matrix)
    count = matrix.lookup(a, b) + matrix.lookup(b, a)
    n_pairs = len(a)
    at = np.argsort(-count, kind="stable")[:limit]
    a, b, count = a[at], b[at], count[at]
    a_as_b, b_as_a = matrix.lookup(a, b), matrix.lookup(b, a)
    tail = binomial_tail(np.maximum(a_as_b, b_as_a), count, 0.5)
    return SymmetricPairs(
        a=a,
        b=b,
        count=count,
        a_as_b=a_as_b,
        b_as_a=b_as_a,
        rate=count / (matrix.true_totals[a] + matrix.true_totals[b]),
        share_of_errors=count / max(n_errors, 1),
        direction_p=np.minimum(2 * tail, 1.0),
        rest=_rest(n_pairs - len(at), n_errors - int(count.sum()), n_errors),
    )


def _rest(pairs: int, count: int, n_errors: int) -> Rest:
    return Rest(pairs, count, count / n_errors if n_errors else 0.0)
