"""Order and groups of the classes as plain values, for ``report.json``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from reportgen.confusion import ConfusionMatrix
from reportgen.confusions.expected import expected_within
from reportgen.confusions.groups import Grouping, GroupMatrix, group_matrix
from reportgen.confusions.order import confusion_tree
from reportgen.confusions.suggestion import suggested_groups

__all__ = ["groups_json"]


class Evaluated(Protocol):
    """A confusion matrix with the names of its classes."""

    @property
    def classes(self) -> Sequence[str]: ...

    @property
    def confusion(self) -> ConfusionMatrix: ...


def groups_json(evaluation: Evaluated) -> dict[str, Any]:
    """``order``, ``suggested`` and ``given``; each of them null where there is none.

    ``order`` holds all class names, confused ones side by side; null where no class is confused
    with another, or more than 2,048 are. The other two describe groups of classes: the ones that
    the errors suggest, and those of ``evaluation.hierarchy`` where it has one.
    """
    matrix, classes = evaluation.confusion, evaluation.classes
    tree = confusion_tree(matrix)
    suggested = None if tree is None else suggested_groups(matrix, classes, tree=tree)
    return {
        "order": None if tree is None else [classes[i] for i in tree.order.tolist()],
        "suggested": _groups(matrix, classes, suggested),
        "given": _groups(matrix, classes, getattr(evaluation, "hierarchy", None)),
    }


def _groups(
    matrix: ConfusionMatrix, classes: Sequence[str], grouping: Grouping | None
) -> dict[str, Any] | None:
    if grouping is None:
        return None
    grouped = group_matrix(matrix, grouping)
    errors = grouped.n_errors
    return {
        "source": grouping.source,
        "modularity": grouping.modularity,
        "summary": {
            "accuracy": grouped.summary["accuracy"].to_json(),
            "group_accuracy": grouped.group_accuracy.to_json(),
            "within_group_error": grouped.summary["within_group_error"].to_json(),
            "between_group_error": grouped.summary["between_group_error"].to_json(),
        },
        "errors_within_groups": grouped.within_errors / errors if errors else None,
        "errors_within_groups_by_chance": expected_within(matrix, grouping.group_of),
        "groups": [_group(grouped, classes, g) for g in range(len(grouping.names))],
        "matrix": {
            "rows": "true",
            "columns": "predicted",
            "cells": [list(cell) for cell in grouped.confusion.cells()],
        },
    }


def _group(grouped: GroupMatrix, classes: Sequence[str], g: int) -> dict[str, Any]:
    return {
        "name": grouped.grouping.names[g],
        "classes": [classes[i] for i in grouped.grouping.members(g).tolist()],
        "support": int(grouped.confusion.true_totals[g]),
        "right": int(grouped.right[g]),
        "within": int(grouped.within[g]),
        "between": int(grouped.between[g]),
        **{name: column.metric(g).to_json() for name, column in grouped.per_group.items()},
    }
