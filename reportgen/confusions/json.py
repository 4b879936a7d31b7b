"""Order and groups of the classes as they stand in ``report.json``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from reportgen.confusion import ConfusionMatrix
from reportgen.confusions.expected import expected_within
from reportgen.confusions.groups import Grouping, GroupMatrix, group_matrix
from reportgen.confusions.order import confusion_tree
from reportgen.confusions.suggestion import suggested_groups
from reportgen.jsonio import ClassIndex, Share
from reportgen.metrics import ShareMetric

__all__ = ["ClassGroups", "class_groups"]


class Evaluated(Protocol):
    """A confusion matrix with the names of its classes."""

    @property
    def classes(self) -> Sequence[str]: ...

    @property
    def confusion(self) -> ConfusionMatrix: ...


@dataclass(frozen=True)
class GroupRow:
    """One group of classes: its classes, its samples, and what became of them."""

    name: str
    classes: tuple[ClassIndex, ...]
    support: int
    right: int
    within: int
    between: int
    accuracy: ShareMetric
    within_group_error: ShareMetric
    between_group_error: ShareMetric


@dataclass(frozen=True)
class GroupSummary:
    """Figures of the whole, by groups."""

    accuracy: ShareMetric
    group_accuracy: ShareMetric
    within_group_error: ShareMetric
    between_group_error: ShareMetric


@dataclass(frozen=True)
class GroupCells:
    """The matrix of the groups, by the indices of the groups: the cells that are not 0, sorted."""

    rows: Literal["true"]
    columns: Literal["predicted"]
    cells: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class GroupFigures:
    """Groups of classes with their figures."""

    source: str
    modularity: float | None
    summary: GroupSummary
    errors_within_groups: Share | None
    errors_within_groups_by_chance: Share | None
    groups: tuple[GroupRow, ...]
    matrix: GroupCells


@dataclass(frozen=True)
class ClassGroups:
    """Which classes are confused with which.

    Attributes
    ----------
    order
        All classes, confused ones side by side; None where no class is confused with another, or
        more than 2,048 are.
    suggested
        The groups that the errors suggest; None where they suggest none.
    given
        Those of the user; None where there are none.
    """

    order: tuple[ClassIndex, ...] | None
    suggested: GroupFigures | None
    given: GroupFigures | None


def class_groups(evaluation: Evaluated) -> ClassGroups:
    """Order and groups of the classes; those of ``evaluation.hierarchy`` where it has one."""
    matrix, classes = evaluation.confusion, evaluation.classes
    tree = confusion_tree(matrix)
    suggested = None if tree is None else suggested_groups(matrix, classes, tree=tree)
    return ClassGroups(
        order=None if tree is None else tuple(tree.order.tolist()),
        suggested=_figures(matrix, suggested),
        given=_figures(matrix, getattr(evaluation, "hierarchy", None)),
    )


def _figures(matrix: ConfusionMatrix, grouping: Grouping | None) -> GroupFigures | None:
    if grouping is None:
        return None
    grouped = group_matrix(matrix, grouping)
    errors = grouped.n_errors
    return GroupFigures(
        source=grouping.source,
        modularity=grouping.modularity,
        summary=GroupSummary(
            grouped.summary["accuracy"],
            grouped.group_accuracy,
            grouped.summary["within_group_error"],
            grouped.summary["between_group_error"],
        ),
        errors_within_groups=grouped.within_errors / errors if errors else None,
        errors_within_groups_by_chance=expected_within(matrix, grouping.group_of),
        groups=tuple(_row(grouped, g) for g in range(len(grouping.names))),
        matrix=GroupCells("true", "predicted", tuple(grouped.confusion.cells())),
    )


def _row(grouped: GroupMatrix, g: int) -> GroupRow:
    return GroupRow(
        grouped.grouping.names[g],
        tuple(grouped.grouping.members(g).tolist()),
        int(grouped.confusion.true_totals[g]),
        int(grouped.right[g]),
        int(grouped.within[g]),
        int(grouped.between[g]),
        **{name: column.metric(g) for name, column in grouped.per_group.items()},
    )
