"""A confusion matrix that was divided before it was saved: what can still be said, and what not.

Without counts there is no number of samples, so no interval and no test. Shares over the true
classes say how often each class is found, and nothing that depends on how common it is: not
accuracy, not precision. So such a matrix is a type of its own, and never a matrix of counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion import ConfusionMatrix
from reportgen.errors import DataError, UsageError
from reportgen.text import quoted

__all__ = ["KNOWN_METRICS", "NormalisedMatrix", "normalised_matrix"]

SCALE = 10**9
_WORDS = {
    "true": "the true class",
    "predicted": "the predicted class",
    "all": "all samples",
}

KNOWN_METRICS: Mapping[str, frozenset[str] | None] = {
    "true": frozenset({"recall", "fnr", "balanced_accuracy", "macro_recall"}),
    "predicted": frozenset({"precision", "fdr", "macro_precision"}),
    "all": None,
}
"""What shares are over → the names of the metrics that they still determine; None for all.

(``balanced_accuracy`` means that of the summary: a single class's needs its specificity.)"""


@dataclass(frozen=True, eq=False)
class NormalisedMatrix:
    """Shares of (true class, predicted class), rows true, columns predicted.

    Attributes
    ----------
    shares
        float64, shape (K, K), 0..1, read-only. Rows (``over="true"``), columns
        (``"predicted"``) or all cells (``"all"``) add up to 1; rows or columns of an absent class
        to 0.
    over
        What they add up to 1 over.
    rounding
        By how much a share may have been rounded, at most: half of its last decimal.
    """

    shares: NDArray[np.float64]
    over: str
    rounding: float = 0.0

    @property
    def n_classes(self) -> int:
        return len(self.shares)

    @property
    def known(self) -> frozenset[str] | None:
        """Names of the metrics that the shares determine; None for all of them."""
        return KNOWN_METRICS[self.over]

    @property
    def sentence(self) -> str:
        """What a reader must know."""
        lost = (
            "There is no number of samples, so there are no intervals and no tests"
            if self.over == "all"
            else "How common the classes are is not known, so neither are accuracy, F1 and all "
            "else that depends on it, and there are no intervals and no tests"
        )
        return f"The matrix holds shares of {_WORDS[self.over]}, not counts. {lost}."

    def scaled(self) -> ConfusionMatrix:
        """The shares as whole numbers, in units of 10⁻⁹.

        Ratios of :attr:`known` metrics are those of the shares, to nine digits; totals, intervals
        and all other metrics of this matrix mean nothing.
        """
        return ConfusionMatrix.from_counts(np.rint(self.shares * SCALE).astype(np.int64))


def normalised_matrix(
    table: NDArray[np.float64], *, over: str, rows_are_true: bool, rounding: float, name: str
) -> NormalisedMatrix:
    """Shares, checked.

    Parameters
    ----------
    table
        float64, shape (K, K): shares, or percentages; a row or column that is nan is absent.
    over
        ``"true"``, ``"predicted"``, ``"all"``, or ``"auto"``: what adds up to 1.
    rounding
        By how much a cell of the table may have been rounded, at most.

    Raises
    ------
    DataError
        ``matrix-cell``: a share below 0 or above 1; ``shares-sum``: nothing adds up to 1.
    UsageError
        ``shares-ambiguous``: rows and columns both do.
    """
    table = _without_absent(table)
    shares = table if rows_are_true else table.T
    if not np.all(np.isfinite(shares)) or shares.min() < 0:
        at = np.argwhere(~(np.isfinite(shares) & (shares >= 0)))[0]
        raise DataError(
            f"cell ({at[0]}, {at[1]}) of {quoted(name)} is {shares[tuple(at)]:.6g}: not a share",
            slug="matrix-cell",
            hint="shares are 0 or more",
        )
    found = [
        (kind, unit) for unit in (1.0, 100.0) for kind in _fitting(shares / unit, rounding / unit)
    ]
    kinds = [kind for kind, _ in found] if over == "auto" else [k for k, _ in found if k == over]
    if not kinds:
        raise _no_sum(shares, over, name)
    if len(kinds) > 1 and len(shares) > 1:
        raise UsageError(
            f"in {quoted(name)} rows and columns both add up to 1",
            slug="shares-ambiguous",
            hint="say what was divided by: --normalised-over true or --normalised-over predicted",
        )
    unit = dict(found)[kinds[-1]]
    result = np.minimum(shares / unit, 1.0)
    result.flags.writeable = False
    return NormalisedMatrix(result, kinds[-1], rounding / unit)


def _without_absent(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 where a whole row or column is nan: that of a class without samples."""
    missing = np.isnan(table)
    absent = missing.all(axis=1, keepdims=True) | missing.all(axis=0, keepdims=True)
    return np.where(absent & missing, 0.0, table)


def _fitting(shares: NDArray[np.float64], rounding: float) -> list[str]:
    n = len(shares)
    slack = max(1e-6, min(0.05, rounding * n)) * 1.0001
    kinds = []
    for kind, sums in (("true", shares.sum(axis=1)), ("predicted", shares.sum(axis=0))):
        if np.all((np.abs(sums - 1) <= slack) | (sums == 0)) and sums.any():
            kinds.append(kind)
    all_slack = max(1e-6, min(0.05, rounding * n * n)) * 1.0001
    if abs(shares.sum() - 1) <= all_slack:
        kinds.append("all")
    return kinds


def _no_sum(shares: NDArray[np.float64], over: str, name: str) -> DataError:
    axis = 0 if over == "predicted" else 1
    sums = shares.sum(axis=axis)
    wrong = np.flatnonzero((np.abs(sums - 1) > 1e-6) & (sums != 0))
    at = int(wrong[0]) if len(wrong) else 0
    return DataError(
        f"{'columns' if axis == 0 else 'rows'} of {quoted(name)} don't add up to 1: "
        f"{'predicted' if axis == 0 else 'true'} class {at} (from 0) adds up to {sums[at]:.6g}",
        slug="shares-sum",
        details=[f"all cells together: {shares.sum():.6g}"],
        hint="shares are divided by the totals of rows, of columns, or by the number of samples; "
        "is --rows right?",
    )
