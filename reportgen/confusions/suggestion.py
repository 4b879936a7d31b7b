"""Groups that the confusions themselves suggest: the best way to cut the tree of classes.

A cut is any set of disjoint branches that holds every class. Its worth is its modularity: the
share of all confusion that is within the groups, less the share that would be there if each class
were confused as much as it is, but with no regard to groups. That is quasi-independence, since a
class is not confused with itself; the usual null model ignores this, and favours large groups where
there are few classes. The worth adds up over branches, so the best cut of each number of groups is
found by one walk up the tree.

Newman & Girvan 2004, Physical Review E 69, 026113. By chance alone, the best cut of a random graph
reaches about 0.97 / sqrt(mean degree): Reichardt & Bornholdt 2006, Physica D 224, 20-26.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion import ConfusionMatrix
from reportgen.confusions.groups import Grouping
from reportgen.confusions.order import ClassTree, confusion_tree
from reportgen.text import plural

__all__ = ["MOST_GROUPS", "suggested_groups"]

Floats = NDArray[np.float64]

MOST_GROUPS = 30
CHANCE = 0.97
MARGIN = 1.5
"""How many times what chance reaches a modularity must be before groups are suggested."""

FIT_ROUNDS = 500

SAME = 1e-9
"""Modularities closer than this are equal: then fewer groups are better."""


@dataclass
class _Branch:
    """A branch of the tree.

    Attributes
    ----------
    leaves
        Places of its classes among the linked ones.
    best
        For 1, 2, … groups the largest sum of modularity terms of a cut.
    split
        For each of those the number of groups of the left branch; 0 where the branch is one.
    """

    leaves: list[int]
    best: Floats
    split: list[int] = field(default_factory=lambda: [0])
    left: _Branch | None = None
    right: _Branch | None = None

    def cut(self, n_groups: int) -> list[list[int]]:
        """The classes of each group of the best cut into `n_groups`."""
        groups: list[list[int]] = []
        pending = [(self, n_groups)]
        while pending:
            branch, n = pending.pop()
            on_left = branch.split[n - 1]
            if branch.left is None or branch.right is None or on_left == 0:
                groups.append(branch.leaves)
            else:
                pending += [(branch.left, on_left), (branch.right, n - on_left)]
        return groups


def suggested_groups(
    matrix: ConfusionMatrix,
    classes: Sequence[str],
    *,
    most: int = MOST_GROUPS,
    tree: ClassTree | None = None,
) -> Grouping | None:
    """Two to `most` groups of classes that are confused with one another, in the tree's order.

    Of all cuts of :func:`~reportgen.confusions.confusion_tree` with that many groups, the one with
    the largest modularity; of equals, the one with the fewest groups. Classes without any error
    make one more group, the last. A group is named after its class with the most errors.

    None where fewer than three classes are confused, or more than 2,048, or the best modularity
    is one that unrelated errors could reach: then the confusions show no groups. `tree` is that of
    the whole `matrix` where it is at hand already.
    """
    tree = tree or confusion_tree(matrix)
    if tree is None or len(tree.linked) < 3:
        return None
    by_chance = CHANCE / math.sqrt(2 * matrix.n_errors / len(tree.linked))
    root = _grown(tree, most - bool(len(tree.alone)))
    enough = np.flatnonzero(root.best >= root.best.max() - SAME)
    n_groups = int(enough[0]) + 1
    modularity = float(root.best[n_groups - 1])
    if n_groups < 2 or modularity < MARGIN * by_chance:
        return None
    return _named(matrix, classes, tree, root.cut(n_groups), modularity)


def _grown(tree: ClassTree, most: int) -> _Branch:
    """The root, with the best cuts into at most `most` groups."""
    weight = tree.similarity.copy()  # row i: what branch i shares with each other branch
    total = float(weight.sum())
    size = len(tree.linked)
    place = list(range(size))  # node of the tree → its row in `weight`
    inside = np.zeros(size)
    factor = _fit(weight.sum(axis=1))
    square = factor**2

    def worth(row: int) -> float:
        by_chance = float(factor[row] ** 2 - square[row])  # sum of f_i f_j over pairs i ≠ j
        return (float(inside[row]) - by_chance) / total

    branches = [_Branch([i], np.zeros(1)) for i in range(size)]
    for join in tree.merges:
        a, b = int(join[0]), int(join[1])
        i, j = place[a], place[b]
        inside[i] += inside[j] + 2 * weight[i, j]
        for sums in (factor, square, weight):
            sums[i] += sums[j]
        weight[:, i] += weight[:, j]
        place.append(i)
        branches.append(_joined(branches[a], branches[b], worth(i), most))
    return branches[-1]


def _fit(degree: Floats) -> Floats:
    """f such that the sum of f_i f_j over j ≠ i is `degree_i`, as nearly as it can be."""
    factor: Floats = degree / math.sqrt(float(degree.sum()))
    for _ in range(FIT_ROUNDS):
        last = factor
        factor = np.sqrt(last * degree / (last.sum() - last))  # the root damps the swing
        if np.max(np.abs(factor - last)) <= 1e-12 * float(factor.max()):
            break
    return factor


def _joined(left: _Branch, right: _Branch, as_one: float, most: int) -> _Branch:
    n = min(len(left.best) + len(right.best), most)
    best, split = np.full(n, -np.inf), [0] * n
    best[0] = as_one
    for on_left, worth in enumerate(left.best.tolist(), start=1):
        sums = worth + right.best[: n - on_left]
        here = best[on_left : on_left + len(sums)]
        for k in np.flatnonzero(sums > here + SAME):
            best[on_left + k] = sums[k]
            split[on_left + k] = on_left
    return _Branch(left.leaves + right.leaves, best, split, left, right)


def _named(
    matrix: ConfusionMatrix,
    classes: Sequence[str],
    tree: ClassTree,
    groups: list[list[int]],
    modularity: float,
) -> Grouping:
    rank = {int(c): at for at, c in enumerate(tree.leaves)}
    members = [sorted(int(tree.linked[i]) for i in group) for group in groups]
    members.sort(key=lambda group: min(rank[c] for c in group))
    errors = (matrix.true_totals - matrix.diagonal) + (matrix.predicted_totals - matrix.diagonal)
    names = [_name([classes[c] for c in sorted(g, key=lambda c: -errors[c])]) for g in members]
    if len(tree.alone):
        members.append([int(c) for c in tree.alone])
        alone = [classes[c] for c in members[-1]]
        names.append(alone[0] if len(alone) == 1 else f"{len(alone):,} classes without errors")
    group_of = np.zeros(matrix.n_classes, np.int64)
    for at, group in enumerate(members):
        group_of[group] = at
    return Grouping(tuple(names), group_of, "suggested by the confusions", modularity)


def _name(classes: Sequence[str]) -> str:
    """``Shirt``, ``Shirt and Coat``, ``Shirt and 3 others``; the class with most errors first."""
    first, *others = classes
    if not others:
        return first
    return f"{first} and {others[0] if len(others) == 1 else plural(len(others), 'other')}"
