"""The few sets of classes in which the most errors gather: for a closer look at many classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.confusions.class_order import ClassTree, confusion_tree
from reportgen.confusion_matrix import DENSE_LIMIT, ConfusionMatrix

__all__ = [
    "ClassCluster",
    "worst_clusters",
]


Counts = NDArray[np.int64]


LEAST_CLASSES = 3
"""Fewer are a pair, and pairs are ranked on their own."""


LEAST_ERRORS = 5


TIED = 0.1
"""Two branches are one crowd where they are at least so much alike, as a part of the likeness of
the two most alike classes in them."""


@dataclass(frozen=True, eq=False)
class ClassCluster:
    """Classes that are taken for one another.

    Attributes
    ----------
    classes
        Class indices in the order of the tree, int64, shape (C,), C at least 3.
    counts
        Their part of the confusion matrix, int64, shape (C, C), rows true.
    errors
        Errors that stay among them.
    own_errors
        All errors of their samples.
    """

    classes: Counts
    counts: Counts
    errors: int
    own_errors: int


def worst_clusters(
    matrix: ConfusionMatrix, *, most: int = 6, size: int = 12, tree: ClassTree | None = None
) -> tuple[ClassCluster, ...]:
    """At most `most` disjoint crowds of 3 to `size` classes, most errors first.

    A crowd is a branch of :func:`~reportgen.analysis.confusions.confusion_tree` that is as large
    as it can be: to `size` classes, and while its two halves are at least a tenth as much alike
    as its two most alike classes. Of equals, the one that the tree has first. Crowds with fewer
    than 5 errors are left out. Where more than 2,048 classes are confused they are looked for
    among that many with the most errors. `tree` is the tree of `matrix` where it is at hand
    already.
    """
    tree = tree or confusion_tree(matrix, worst=DENSE_LIMIT)
    if tree is None:
        return ()
    rank = np.full(matrix.n_classes, len(tree.leaves))
    rank[tree.leaves] = np.arange(len(tree.leaves))
    branches = [np.sort(rank[tree.linked[branch]]) for branch in _branches(tree, size)]
    found = [_cluster(matrix, tree.leaves[branch]) for branch in branches]
    found = [crowd for crowd in found if crowd.errors >= LEAST_ERRORS]
    found.sort(key=lambda crowd: (-crowd.errors, rank[crowd.classes[0]]))
    return tuple(found[:most])


def _branches(tree: ClassTree, size: int) -> list[list[int]]:
    """The branches of 3 to `size` leaves that are as large as they can be; leaves as places."""
    n = len(tree.linked)
    leaves: dict[int, list[int]] = {i: [i] for i in range(n)}  # branches that may still grow
    closest: dict[int, float] = dict.fromkeys(range(n), 0.0)
    for step, (left, right, distance) in enumerate(tree.merges[:, :3].tolist()):
        a, b = int(left), int(right)
        if a not in leaves or b not in leaves or len(leaves[a]) + len(leaves[b]) > size:
            continue  # what grew so far is final
        alike = 1 - distance
        best = max(closest[a], closest[b], alike)
        if alike < TIED * best or alike <= 0:
            continue
        leaves[n + step], closest[n + step] = leaves.pop(a) + leaves.pop(b), best
    return [branch for branch in leaves.values() if len(branch) >= LEAST_CLASSES]


def _cluster(matrix: ConfusionMatrix, classes: Counts) -> ClassCluster:
    counts = matrix.lookup(classes[:, None], classes[None, :])
    own = int((matrix.true_totals - matrix.diagonal)[classes].sum())
    return ClassCluster(classes, counts, int(counts.sum() - np.trace(counts)), own)
