"""An order of the classes in which confused ones stand together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion import ConfusionMatrix

__all__ = ["confusion_order"]

OPTIMAL_LIMIT = 300
"""Most classes whose leaves are ordered optimally; above, that costs seconds and gains nothing."""


def confusion_order(matrix: ConfusionMatrix) -> NDArray[np.int64]:
    """A permutation of the classes, int64, shape (K,), found by seriation.

    Average linkage on the distance 1 − (R_ij + R_ji) / 2 of the row shares R, with optimal leaf
    ordering (Bar-Joseph et al. 2001, Bioinformatics 17, S22-S29) to 300 classes; the end with the
    lower index comes first. Classes without any error keep their order, at the end.
    """
    rows, columns, _ = matrix.errors_by_count()
    linked = np.unique(np.concatenate([rows, columns]))
    alone = np.setdiff1d(np.arange(matrix.n_classes), linked)
    if len(linked) < 3:
        return np.concatenate([linked, alone]).astype(np.int64)
    return np.concatenate([linked[_leaves(matrix, linked)], alone]).astype(np.int64)


def _leaves(matrix: ConfusionMatrix, linked: NDArray[np.int64]) -> NDArray[np.int64]:
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    shares = np.nan_to_num(matrix.normalized("true")[np.ix_(linked, linked)])
    distance = 1 - (shares + shares.T) / 2
    np.fill_diagonal(distance, 0.0)
    tree = linkage(
        squareform(distance, checks=False),
        "average",
        optimal_ordering=len(linked) <= OPTIMAL_LIMIT,
    )
    order = np.asarray(leaves_list(tree), np.int64)
    return order if order[0] < order[-1] else order[::-1]
