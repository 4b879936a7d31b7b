"""Groups of classes, and how the errors divide into those within a group and those across."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion import ConfusionMatrix
from reportgen.metrics import Metric, MetricColumn, wilson

__all__ = ["GroupMatrix", "Grouping", "group_matrix"]

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Grouping:
    """Every class in exactly one group.

    Attributes
    ----------
    names
        Of the G groups, each with one class or more.
    group_of
        The group index of each class: int64, shape (K,), read-only.
    source
        Where the groups come from, in words: ``"groups.csv"``, ``"suggested by the confusions"``.
    modularity
        Of suggested groups: how much more confusion is within them than chance would put there,
        below 1, 0 is chance; None for groups that were given.
    """

    names: tuple[str, ...]
    group_of: Counts
    source: str
    modularity: float | None = None

    def __post_init__(self) -> None:
        group_of = np.asarray(self.group_of, np.int64).view()
        group_of.flags.writeable = False
        object.__setattr__(self, "group_of", group_of)
        if not np.array_equal(np.unique(group_of), np.arange(len(self.names))):
            raise ValueError("every group needs a class, and every class a group")

    def members(self, group: int) -> Counts:
        """The classes of a group, int64, increasing."""
        return np.flatnonzero(self.group_of == group)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Grouping)
            and (self.names, self.source, self.modularity)
            == (other.names, other.source, other.modularity)
            and np.array_equal(self.group_of, other.group_of)
        )

    def __hash__(self) -> int:
        return hash((self.names, self.group_of.tobytes()))


@dataclass(frozen=True, eq=False)
class GroupMatrix:
    """The confusion matrix of groups, its diagonal divided into right answers and near misses.

    Attributes
    ----------
    grouping
        G groups of the K classes.
    confusion
        Counts of groups, rows true; the diagonal holds right answers and errors within the group.
    right
        Samples of each group that got their own class: int64, shape (G,).
    """

    grouping: Grouping
    confusion: ConfusionMatrix
    right: Counts

    @cached_property
    def within(self) -> Counts:
        """Samples of each group that got another class of their group: int64, shape (G,)."""
        return self.confusion.diagonal - self.right

    @cached_property
    def between(self) -> Counts:
        """Samples of each group that got a class of another group: int64, shape (G,)."""
        return self.confusion.true_totals - self.confusion.diagonal

    @cached_property
    def summary(self) -> Mapping[str, Metric]:
        """Shares of all samples, which add up to 1, with Wilson intervals.

        ``accuracy``; ``within_group_error``: the wrong class, of the right group;
        ``between_group_error``: the wrong group. Without samples n/a, ``no_samples``.
        """
        n = self.confusion.n_samples
        return {
            name: MetricColumn.metric(_shares(np.array([part.sum()]), np.array([n])), 0)
            for name, part in self._parts.items()
        }

    @cached_property
    def group_accuracy(self) -> Metric:
        """The share of all samples that got a class of their group, with Wilson's interval."""
        right = np.array([self.confusion.n_correct])
        return MetricColumn.metric(_shares(right, np.array([self.confusion.n_samples])), 0)

    @property
    def within_errors(self) -> int:
        """Errors that stay within the groups."""
        return int(self.within.sum())

    @property
    def n_errors(self) -> int:
        """All errors, within and between the groups."""
        return self.confusion.n_samples - int(self.right.sum())

    @cached_property
    def per_group(self) -> Mapping[str, MetricColumn]:
        """The same shares of the samples of each group; ``no_samples`` where it has none."""
        support = self.confusion.true_totals
        return {name: _shares(part, support) for name, part in self._parts.items()}

    @property
    def _parts(self) -> dict[str, Counts]:
        return {
            "accuracy": self.right,
            "within_group_error": self.within,
            "between_group_error": self.between,
        }


def group_matrix(matrix: ConfusionMatrix, grouping: Grouping) -> GroupMatrix:
    """`matrix` with the classes of each group made one.

    Raises :class:`ValueError` where the groups are of other classes than the matrix.
    """
    if len(grouping.group_of) != matrix.n_classes:
        raise ValueError(f"groups of {len(grouping.group_of)} classes for {matrix.n_classes}")
    size = len(grouping.names)
    cells = grouping.group_of[matrix.rows] * size + grouping.group_of[matrix.columns]
    keys, inverse = np.unique(cells, return_inverse=True)
    values = np.zeros(len(keys), np.int64)
    np.add.at(values, inverse.reshape(-1), matrix.values)
    right = np.zeros(size, np.int64)
    np.add.at(right, grouping.group_of, matrix.diagonal)
    return GroupMatrix(grouping, ConfusionMatrix(size, keys, values), right)


def _shares(part: Counts, whole: Counts) -> MetricColumn:
    share = np.full(len(whole), np.nan)
    np.divide(part, whole, out=share, where=whole > 0)
    reason = tuple(None if n else "no_samples" for n in whole.tolist())
    return MetricColumn(share, *wilson(part, whole), reason)
