"""What the sections of a report need from an evaluation, and the names in its sentences."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.confusions import (
    ClassTree,
    ConfusedPair,
    GroupMatrix,
    LowestShare,
    confusion_tree,
    expected_within,
    group_matrix,
    lowest_share,
    most_confused,
    suggested_groups,
)
from reportgen.analysis.confusions import prediction_bias as bias_of
from reportgen.confusion_matrix import DENSE_LIMIT, ConfusionMatrix
from reportgen.evaluation import Evaluation, Proportions
from reportgen.metrics import Metric
from reportgen.report.words import Name, Words, say

__all__ = [
    "LEAST_CLASSES",
    "LISTED_CLASSES",
    "LOW_SUPPORT",
    "ClassGroups",
    "Context",
]


LEAST_CLASSES = 6
"""With fewer classes, groups are obvious and not looked for."""


@dataclass(frozen=True)
class ClassGroups:
    """The clusters in the errors of an evaluation, computed on demand."""

    evaluation: Evaluation

    @property
    def matrix(self) -> ConfusionMatrix:
        return self.evaluation.confusion

    @cached_property
    def tree(self) -> ClassTree | None:
        """The tree of classes; None without confusions, or for more than 2,048 classes."""
        return confusion_tree(self.matrix)

    @property
    def order(self) -> NDArray[np.int64]:
        """A permutation of the classes, int64, shape (K,); data order without a tree."""
        return np.arange(self.matrix.n_classes) if self.tree is None else self.tree.order

    @cached_property
    def suggested(self) -> GroupMatrix | None:
        """Clusters found in the errors, with six classes or more."""
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
    def alike(self) -> bool:
        """Whether the clusters equal the user's groups."""
        if self.given is None or self.suggested is None:
            return False
        sides = [one.grouping for one in (self.given, self.suggested)]
        both = np.unique(np.stack([one.group_of for one in sides]), axis=1).shape[1]
        return {both} == {len(one.names) for one in sides}

    @cached_property
    def too_many(self) -> bool:
        """Whether too many classes are confused for clustering: more than 2,048."""
        wrong = self.matrix.rows != self.matrix.columns
        linked = np.union1d(self.matrix.rows[wrong], self.matrix.columns[wrong])
        return len(linked) > DENSE_LIMIT

    def by_chance(self, groups: GroupMatrix) -> float | None:
        """Proportion of errors expected within these groups by chance; None without errors."""
        return expected_within(self.matrix, groups.grouping.group_of)


LISTED_CLASSES = 200
"""Maximum number of classes with a row of their own on the page; the others are looked up."""


LOW_SUPPORT = 30
"""Classes with fewer samples are marked: the 95% CI of a proportion is then wider than ±10 pp."""


@dataclass(frozen=True)
class Context:
    """An evaluation with printable names, and values that several rules need.

    Attributes
    ----------
    shown
        Cells (true, predicted) with an id on the page.
    """

    evaluation: Evaluation
    names: tuple[Name, ...]
    shown: frozenset[tuple[int, int]]

    @property
    def matrix(self) -> ConfusionMatrix:
        return self.evaluation.confusion

    @property
    def proportions(self) -> Proportions | None:
        """The matrix if it contains proportions only; :attr:`matrix` is then empty."""
        return self.evaluation.shares

    @cached_property
    def present(self) -> list[int]:
        """Classes with samples."""
        known = self.proportions
        totals = self.matrix.true_totals if known is None else known.values.any(axis=1)
        return [int(i) for i in np.flatnonzero(totals)]

    @cached_property
    def absent(self) -> list[Name]:
        """Names of the classes without samples."""
        present = set(self.present)
        return [name for i, name in enumerate(self.names) if i not in present]

    @cached_property
    def recall(self) -> dict[int, float]:
        """Recall of each class with samples; empty if proportions don't determine it."""
        if self.proportions is not None:
            values = self.evaluation.per_class["recall"].value.tolist()
            return {i: value for i, value in enumerate(values) if value == value}
        hits, support = self.matrix.diagonal, self.matrix.true_totals
        return {i: int(hits[i]) / int(support[i]) for i in self.present}

    @cached_property
    def lowest_recall(self) -> LowestShare | None:
        """Comparison of the classes' recalls; None for fewer than two classes."""
        return lowest_share(self.matrix.diagonal, self.matrix.true_totals)

    @cached_property
    def weakest(self) -> int | None:
        """The class with the lowest recall, among those significantly below the others, if any.

        None if fewer than two have samples, or all recalls are equal.
        """
        low = self.lowest_recall
        if low is None or len(set(self.recall.values())) < 2:
            return None
        return min(low.significant or [low.lowest], key=lambda i: (self.recall[i], i))

    def is_low(self, i: int) -> bool:
        """Whether a class's recall is significantly below that of the others."""
        return self.lowest_recall is not None and i in self.lowest_recall.significant

    @cached_property
    def most_confused(self) -> ConfusedPair | None:
        """The most confused pair; None without errors, or with two classes."""
        return most_confused(self.matrix)

    @cached_property
    def prediction_bias(self) -> NDArray[np.float64]:
        """Holm-corrected p-value of each class, for being predicted as often as it occurs."""
        return bias_of(self.matrix)

    @cached_property
    def groups(self) -> ClassGroups:
        """The order of the classes, and their groups."""
        return ClassGroups(self.evaluation)

    @cached_property
    def largest_error(self) -> dict[int, tuple[int, float]]:
        """Each class's most frequent error: predicted class, and proportion of the true class."""
        known, pairs = self.proportions, self.evaluation.pairs
        first: dict[int, tuple[int, float]] = {}
        of_class = np.sort(np.unique(pairs.true, return_index=True)[1])
        for pair in pairs.taken(of_class) if known is None else known.pairs:
            if pair.share_of_true is not None:
                first.setdefault(pair.true, (pair.predicted, pair.share_of_true))
        return first

    def support(self, i: int) -> int:
        return int(self.matrix.true_totals[i])

    def predicted(self, i: int) -> int:
        return int(self.matrix.predicted_totals[i])

    def summary(self, name: str) -> Metric:
        return self.evaluation.summary[name]

    def of_class(self, name: str, i: int) -> Metric:
        return self.evaluation.per_class[name].metric(i)

    @cached_property
    def by_recall(self) -> list[int]:
        """All classes, lowest recall first; undefined recall last."""
        known = self.recall
        return sorted(
            range(len(self.names)),
            key=lambda i: (i not in known, known.get(i, 0.0), -self.support(i), i),
        )

    @cached_property
    def listed(self) -> tuple[int, ...]:
        """The classes with a row of their own: with many classes, those with the lowest recall."""
        return tuple(self.by_recall[:LISTED_CLASSES])

    def at_class(self, i: int) -> tuple[str, Words]:
        """Link target and text for a class; the section, if it has no row of its own."""
        if len(self.names) > LISTED_CLASSES and i not in self.listed:
            return "classes", say("Per-class metrics")
        return f"c-{i}", say("{name} in the table", name=self.names[i])

    def at_pair(self, true: int, predicted: int) -> tuple[str, Words]:
        """Link target and text for a pair; the section, if it has no row of its own."""
        for one, other in ((true, predicted), (predicted, true)):
            if (one, other) in self.shown:
                return f"p-{one}-{other}", say("The pair")
        return "pairs", say("The pairs")
