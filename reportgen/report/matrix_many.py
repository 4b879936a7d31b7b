"""The matrix of more than 30 classes as pictures, in which confused ones stand together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion import DENSE_LIMIT, ConfusionMatrix
from reportgen.report.facts import Facts

__all__ = ["OVERVIEW_SIDE", "boxes", "drawn_order", "overview"]

Image = NDArray[np.float64]

OVERVIEW_SIDE = 390
"""Most cells a side of an overview picture; more classes share one, and the largest value shows."""
FROM_CLASSES = 30
"""To so many classes, and above 2,048, pictures show them in the order of the data set."""


def drawn_order(facts: Facts) -> NDArray[np.int64]:
    """The classes in the order of the pictures: int64, shape (K,)."""
    k = len(facts.names)
    return facts.groups.order if FROM_CLASSES < k <= DENSE_LIMIT else np.arange(k)


def boxes(facts: Facts) -> tuple[tuple[int, int], ...]:
    """Where the suggested groups stand in a picture in :func:`drawn_order`.

    (first cell, number of cells) of each group with errors and more than one class.
    """
    groups, k = facts.groups.suggested, len(facts.names)
    if groups is None or not FROM_CLASSES < k <= DENSE_LIMIT:
        return ()
    side = min(k, OVERVIEW_SIDE)
    of_place = groups.grouping.group_of[facts.groups.order]
    found = []
    for g in range(len(groups.grouping.names)):
        places = np.flatnonzero(of_place == g)
        first, last = int(places[0]) * side // k, int(places[-1]) * side // k
        if groups.within[g] and last > first:
            found.append((first, last - first + 1))
    return tuple(found)


def overview(matrix: ConfusionMatrix, order: NDArray[np.int64]) -> tuple[Image, Image]:
    """Counts and row shares, shape (P, P) with P <= 390: each value the largest of its cells."""
    k = matrix.n_classes
    side = min(k, OVERVIEW_SIDE)
    place = np.empty(k, np.int64)
    place[order] = np.arange(k) * side // k
    counts, shares = np.zeros((side, side)), np.zeros((side, side))
    at = place[matrix.rows], place[matrix.columns]
    np.maximum.at(counts, at, matrix.values.astype(np.float64))
    np.maximum.at(shares, at, matrix.values / matrix.true_totals[matrix.rows])
    return counts, shares
