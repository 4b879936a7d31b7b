"""Distinguishes whole numbers with row sums of 100: counts of 100 samples, or percentages."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion_matrix import ConfusionMatrix

__all__ = [
    "adds_up_to_100",
    "may_be_percentages",
]


_RARE = 0.01
"""Below this probability, rounded percentages do not sum to 100 in all rows."""


def adds_up_to_100(matrix: ConfusionMatrix) -> bool:
    """Whether all rows, or all columns, sum to 100 (at least two of them) or to 0."""
    return any(_hundreds(totals) for totals in (matrix.true_totals, matrix.predicted_totals))


def _hundreds(totals: NDArray[np.int64]) -> bool:
    return bool(np.isin(totals, (0, 100)).all()) and int((totals == 100).sum()) > 1


def _nearly_hundreds(classes: NDArray[np.int64], totals: NDArray[np.int64]) -> bool:
    """Whether the rows, of these cells and totals, sum to 100 but for what rounding changes.

    Rounding m numbers changes their sum with a standard deviation of √(m ∕ 12); three are allowed.
    """
    sizes = np.bincount(classes, minlength=len(totals))
    allowed = np.where(sizes > 2, np.ceil(3 * np.sqrt(sizes / 12)), 0)
    filled = totals > 0
    return int(filled.sum()) > 1 and bool((np.abs(totals - 100) <= allowed)[filled].all())


def may_be_percentages(matrix: ConfusionMatrix) -> bool:
    """Whether sums of 100, or nearly, may come from percentages rounded to whole numbers.

    Rounding errors of m nonzero numbers cancel with a probability of about √(6 ∕ πm), and always
    for two. If the numbers of a row have a common divisor, such as 5, its percentages may be exact,
    for 20 samples.
    """
    return any(
        (_hundreds(totals) or _nearly_hundreds(classes, totals))
        and _chance(classes, matrix.values, totals) >= _RARE
        for classes, totals in (
            (matrix.rows, matrix.true_totals),
            (matrix.columns, matrix.predicted_totals),
        )
    )


def _chance(
    classes: NDArray[np.int64], values: NDArray[np.int64], totals: NDArray[np.int64]
) -> float:
    """Probability that as many rows of rounded percentages, or more, sum to exactly 100."""
    order = np.argsort(classes, kind="stable")
    starts = np.flatnonzero(np.diff(classes[order], prepend=-1))
    sizes = np.diff(np.append(starts, len(order)))
    divisors = np.gcd.reduceat(values[order], starts)
    is_rounded = (sizes > 2) & (divisors == 1)
    n_exact = int((totals[classes[order][starts]][is_rounded] == 100).sum())
    chances = np.ones(1)  # of 0, 1, ... rows that sum to 100
    for m in sizes[is_rounded]:
        hit = math.sqrt(6 / (math.pi * int(m)))
        chances = np.convolve(chances, (1 - hit, hit))
    return float(chances[n_exact:].sum())
