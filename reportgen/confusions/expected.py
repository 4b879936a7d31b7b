"""How many errors of a pair chance alone would make, and how surprising the seen number is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reportgen.confusion import ConfusionMatrix
from reportgen.multiple import benjamini_hochberg

__all__ = [
    "EXPECTED_RULES",
    "Expected",
    "ExpectedRule",
    "binomial_tail",
    "expected_counts",
    "expected_within",
    "false_discovery",
]

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
ExpectedRule = Literal["quasi-independence", "margins"]

EXPECTED_RULES: dict[ExpectedRule, str] = {
    "quasi-independence": (
        "The errors of each class, spread by how often the other classes are answered wrongly: "
        "quasi-independence, fitted to the errors alone."
    ),
    "margins": "The errors of each class, spread by how often the other classes are predicted.",
}
"""How expected counts are made → one sentence for readers."""

MAX_ROUNDS = 1000
FITTED = 1e-12
"""Largest relative misfit of a row total at which the fit ends."""

USABLE = 1e-9
"""Largest relative misfit with which a fit that has not ended is still used."""


@dataclass(frozen=True)
class Expected:
    """Expected counts of cells, and the rule that made them.

    Attributes
    ----------
    count
        float64, one for each cell asked for.
    rule
        ``"margins"`` also where quasi-independence was asked for and has no fit.
    """

    count: Floats
    rule: ExpectedRule


def expected_counts(
    matrix: ConfusionMatrix,
    true: Counts,
    predicted: Counts,
    rule: ExpectedRule = "quasi-independence",
) -> Expected:
    """The errors that are expected in the cells (true, predicted), none on the diagonal.

    Quasi-independence: E_ij = a_i b_j off the diagonal, with the row and column totals of the
    errors, found by iterative proportional fitting in O(K) a round. Where all errors involve one
    class the fit has no end; then, and on request, E_ij = e_i c_j / (n − c_i), with e_i the errors
    of class i and c_j how often j is predicted.

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
    """The share of all errors that would stay within the groups by chance alone, 0..1.

    Parameters
    ----------
    group_of
        The group of each class, 0..G-1: int64, shape (K,).

    Returns
    -------
    By the same rules as :func:`expected_counts`, in O(K); None where there are no errors.
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
    """The factors (a, b), float64 of shape (K,) each; None where they don't converge."""
    by_row = (matrix.true_totals - matrix.diagonal).astype(np.float64)
    by_column = (matrix.predicted_totals - matrix.diagonal).astype(np.float64)
    b = by_column.copy()
    misfit = np.inf
    for _ in range(MAX_ROUNDS):
        a = _divided(by_row, _sum_of_others(b))
        b = _divided(by_column, _sum_of_others(a))
        rows = a * _sum_of_others(b)
        misfit = float(np.max(np.abs(rows - by_row) / np.maximum(by_row, 1.0)))
        if misfit <= FITTED:
            break
    return (a, b) if misfit <= USABLE else None


def _sum_of_others(values: Floats) -> Floats:
    """For each place the sum of all others, without taking a large number from a large one."""
    sums = np.zeros(len(values))
    sums[1:] = np.cumsum(values[:-1])
    sums[:-1] += np.cumsum(values[:0:-1])[::-1]
    return sums


def _divided(part: Floats, whole: Floats) -> Floats:
    values = np.zeros(len(part))
    np.divide(part, whole, out=values, where=whole > 0)
    return values


def binomial_tail(count: ArrayLike, trials: ArrayLike, share: ArrayLike) -> Floats:
    """P(X >= count), X binomial; count at least 1. Element by element, float64."""
    from scipy.special import betainc

    k, n = np.asarray(count, np.float64), np.asarray(trials, np.float64)
    tail: Floats = np.asarray(betainc(k, n - k + 1, np.clip(share, 0.0, 1.0)), np.float64)
    return tail


def false_discovery(p: Floats, n_tests: int) -> Floats:
    """p-values adjusted to control the false-discovery rate among `n_tests`, 0..1, shape (N,).

    The tests that are not listed have p = 1, as a pair without errors has: Benjamini and
    Hochberg's values for the listed ones alone, times the number of tests for each of those.
    """
    if n_tests < len(p):
        raise ValueError(f"{len(p)} p-values of {n_tests} tests")
    adjusted = benjamini_hochberg(p).p * (n_tests / max(len(p), 1))
    return np.minimum(adjusted, 1.0)
