"""A class order in which confused classes are adjacent, and its tree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion_matrix import DENSE_LIMIT, ConfusionMatrix

__all__ = [
    "ClassTree",
    "confusion_order",
    "confusion_tree",
]


Floats = NDArray[np.float64]


Counts = NDArray[np.int64]


OPTIMAL_LIMIT = 300
"""Maximum number of classes with optimal leaf ordering; above, it takes seconds without benefit."""


@dataclass(frozen=True, eq=False)
class ClassTree:
    """The classes with errors, merged pairwise, most confused first.

    Attributes
    ----------
    linked
        The L classes with errors, as true or as predicted class: int64, increasing.
    alone
        The others: int64, increasing.
    similarity
        (R_ij + R_ji) / 2 of the linked classes, R row-normalised, 0 on the diagonal: float64, shape
        (L, L).
    merges
        One row per merge, in the format of :func:`scipy.cluster.hierarchy.linkage`: shape (L − 1,
        4).
    leaves
        The linked classes in tree order, starting with the end of lower index: int64.
    """

    linked: Counts
    alone: Counts
    similarity: Floats
    merges: Floats
    leaves: Counts

    @property
    def order(self) -> Counts:
        """A permutation of all K classes; those without errors come last, in their order."""
        return np.concatenate([self.leaves, self.alone])


def confusion_tree(matrix: ConfusionMatrix, *, worst: int | None = None) -> ClassTree | None:
    """Average linkage on the distance 1 − (R_ij + R_ji) / 2 of the row-normalised matrix R.

    With optimal leaf ordering (Bar-Joseph et al. 2001, Bioinformatics 17, S22-S29) up to 300
    classes. `worst`, at most 2,048, restricts it to that many classes with the most errors, as true
    or predicted class; the first of ties. None without confusions, or with more than 2,048 confused
    classes.
    """
    linked = _link(matrix)
    if worst is not None and len(linked) > worst:
        linked = _worst(matrix, linked, worst)
    if not 2 <= len(linked) <= DENSE_LIMIT:
        return None
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    similarity = _similarity(matrix, linked)
    distance = 1 - similarity
    np.fill_diagonal(distance, 0.0)
    merges = linkage(
        squareform(distance, checks=False),
        "average",
        optimal_ordering=len(linked) <= OPTIMAL_LIMIT,
    )
    order = np.asarray(leaves_list(merges), np.int64)
    leaves = linked[order if order[0] < order[-1] else order[::-1]]
    alone = np.setdiff1d(np.arange(matrix.n_classes), linked)
    return ClassTree(linked, alone, similarity, np.asarray(merges, np.float64), leaves)


def confusion_order(matrix: ConfusionMatrix) -> Counts:
    """A permutation of the classes, int64, shape (K,): that of :func:`confusion_tree`.

    Data order for more than 2,048 confused classes.
    """
    tree = confusion_tree(matrix)
    return np.arange(matrix.n_classes) if tree is None else tree.order


def _link(matrix: ConfusionMatrix) -> Counts:
    wrong = matrix.rows != matrix.columns
    sides = np.concatenate([matrix.rows[wrong], matrix.columns[wrong]])
    return np.flatnonzero(np.bincount(sides, minlength=matrix.n_classes))


def _worst(matrix: ConfusionMatrix, linked: Counts, n: int) -> Counts:
    """The `n` classes with the most errors, increasing."""
    errors = (matrix.true_totals + matrix.predicted_totals - 2 * matrix.diagonal)[linked]
    return np.sort(linked[np.argsort(-errors, kind="stable")[:n]])


def _similarity(matrix: ConfusionMatrix, linked: Counts) -> Floats:
    rows, columns, counts = matrix.errors_by_count()
    half = counts / matrix.true_totals[rows] / 2
    place = np.full(matrix.n_classes, -1)
    place[linked] = np.arange(len(linked))
    i, j = place[rows], place[columns]
    known = (i >= 0) & (j >= 0)
    similarity = np.zeros((len(linked), len(linked)))
    similarity[i[known], j[known]] = half[known]
    similarity += similarity.T
    return similarity
