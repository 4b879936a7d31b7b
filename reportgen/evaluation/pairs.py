"""Directed confusions: samples of one class predicted as another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.jsonio import ClassIndex, Share

__all__ = [
    "Pair",
    "pairs_of",
]


@dataclass(frozen=True)
class Pair:
    """A directed confusion: samples of class `true` predicted as `predicted`.

    Attributes
    ----------
    true, predicted
        Class indices.
    count
        Number of such samples, at least 1.
    share_of_true
        ``count`` / samples of the true class; 0..1.
    share_of_errors
        ``count`` / all errors; 0..1.
    reversed_count
        Number of samples of `predicted` predicted as `true`.
    """

    true: ClassIndex
    predicted: ClassIndex
    count: int
    share_of_true: Share
    share_of_errors: Share
    reversed_count: int


def pairs_of(confusion: ConfusionMatrix) -> Iterator[Pair]:
    """Every non-zero cell off the diagonal: by count downwards, then true, then predicted."""
    rows, columns, values = confusion.errors_by_count()
    support = confusion.true_totals[rows]
    n_errors = max(confusion.n_errors, 1)
    backwards = confusion.lookup(columns, rows)
    of_true = (values / support).tolist()
    of_errors = (values / n_errors).tolist()
    for i, (true, predicted, n) in enumerate(
        zip(rows.tolist(), columns.tolist(), values.tolist(), strict=True)
    ):
        yield Pair(true, predicted, n, of_true[i], of_errors[i], int(backwards[i]))
