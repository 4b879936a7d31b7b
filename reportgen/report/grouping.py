"""The order and the groups of the classes, found once for all that is said of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion import DENSE_LIMIT, ConfusionMatrix
from reportgen.confusions import (
    ClassTree,
    Crowd,
    GroupMatrix,
    confusion_tree,
    expected_within,
    group_matrix,
    suggested_groups,
    worst_crowds,
)
from reportgen.evaluation import Evaluation

__all__ = ["LEAST_CLASSES", "ClassGroups"]

LEAST_CLASSES = 6
"""Fewer classes are seen at a glance: groups of them are not looked for."""


@dataclass(frozen=True)
class ClassGroups:
    """What the errors of an evaluation say of its classes; each part is made when asked for."""

    evaluation: Evaluation

    @property
    def matrix(self) -> ConfusionMatrix:
        return self.evaluation.confusion

    @cached_property
    def tree(self) -> ClassTree | None:
        """None where no class is confused with another, or more than 2,048 are."""
        return confusion_tree(self.matrix)

    @property
    def order(self) -> NDArray[np.int64]:
        """A permutation of the classes, int64, shape (K,): that of the data without a tree."""
        return np.arange(self.matrix.n_classes) if self.tree is None else self.tree.order

    @cached_property
    def suggested(self) -> GroupMatrix | None:
        """Groups that the errors suggest, of six classes or more."""
        if self.tree is None or self.matrix.n_classes < LEAST_CLASSES:
            return None
        found = suggested_groups(self.matrix, self.evaluation.classes, tree=self.tree)
        return None if found is None else group_matrix(self.matrix, found)

    @cached_property
    def given(self) -> GroupMatrix | None:
        """The user's groups."""
        hierarchy = self.evaluation.hierarchy
        return None if hierarchy is None else group_matrix(self.matrix, hierarchy)

    @cached_property
    def crowds(self) -> tuple[Crowd, ...]:
        """The sets of at most 12 classes in which the most errors gather."""
        return worst_crowds(self.matrix, tree=self.tree)

    @cached_property
    def too_many(self) -> bool:
        """Whether more classes are confused than are compared with one another: 2,048."""
        wrong = self.matrix.rows != self.matrix.columns
        linked = np.union1d(self.matrix.rows[wrong], self.matrix.columns[wrong])
        return len(linked) > DENSE_LIMIT

    def by_chance(self, groups: GroupMatrix) -> float | None:
        """The share of all errors that these groups would hold by chance; None without errors."""
        return expected_within(self.matrix, groups.grouping.group_of)
