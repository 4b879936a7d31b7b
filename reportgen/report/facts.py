"""What the sections of a report ask of an evaluation, with the names that its sentences use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reportgen.confusion import ConfusionMatrix
from reportgen.evaluation import Evaluation, Pair
from reportgen.metrics import Metric
from reportgen.report.grouping import ClassGroups
from reportgen.report.words import Name, Words, say

__all__ = ["LOW_SUPPORT", "Facts"]

LOW_SUPPORT = 30
"""Fewer samples than this carry a mark: the 95 % interval of a share is then over ±10 points."""


@dataclass(frozen=True)
class Facts:
    """An evaluation with the names that sentences use, and what several rules ask for.

    Attributes
    ----------
    shown
        Cells (true, predicted) that have an id of their own on the page.
    """

    evaluation: Evaluation
    names: tuple[Name, ...]
    shown: frozenset[tuple[int, int]]

    @property
    def matrix(self) -> ConfusionMatrix:
        return self.evaluation.confusion

    @cached_property
    def present(self) -> list[int]:
        """Classes with samples."""
        return [int(i) for i in np.flatnonzero(self.matrix.true_totals)]

    @cached_property
    def recall(self) -> dict[int, float]:
        """Recall of each class with samples."""
        hits, support = self.matrix.diagonal, self.matrix.true_totals
        return {i: int(hits[i]) / int(support[i]) for i in self.present}

    @cached_property
    def groups(self) -> ClassGroups:
        """The order of the classes, and their groups."""
        return ClassGroups(self.evaluation)

    @cached_property
    def taken_for(self) -> dict[int, Pair]:
        """The most frequent error of each class that has one."""
        first: dict[int, Pair] = {}
        for pair in self.evaluation.pairs:
            first.setdefault(pair.true, pair)
        return first

    def support(self, i: int) -> int:
        return int(self.matrix.true_totals[i])

    def predicted(self, i: int) -> int:
        return int(self.matrix.predicted_totals[i])

    def summary(self, name: str) -> Metric:
        return self.evaluation.summary[name]

    def of_class(self, name: str, i: int) -> Metric:
        return self.evaluation.per_class[name].metric(i)

    def at_class(self, i: int) -> tuple[str, Words]:
        """Target and link text of a class."""
        return f"c-{i}", say("{name} in the table", name=self.names[i])

    def at_pair(self, true: int, predicted: int) -> tuple[str, Words]:
        """Target and link text of a pair, or of the section where it has no line of its own."""
        for one, other in ((true, predicted), (predicted, true)):
            if (one, other) in self.shown:
                return f"p-{one}-{other}", say("The pair")
        return "pairs", say("The pairs")
