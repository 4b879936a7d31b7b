"""The expected cost of an evaluation made before its costs were given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from reportgen.evaluation.evaluation import Evaluation
from reportgen.evaluation.given_costs import read_costs
from reportgen.evaluation.proportions import Proportions
from reportgen.metrics import COSTING, Costs, Metric, expected_cost

__all__ = [
    "with_costs",
]


def with_costs(evaluation: Evaluation, path: Path, shown: Sequence[str] = ()) -> Evaluation:
    """The evaluation with its expected cost by the costs in a file, which replace any others.

    `shown` are the display names of its classes, if it has those of the data now. The metric is
    computed from counts: for clustered samples, it has no interval.
    """
    costs = read_costs(path, evaluation.classes, evaluation.class_ids or shown)
    if costs == evaluation.costs:
        return evaluation
    found = expected_cost(evaluation.confusion, costs)
    if evaluation.shares is not None:
        found = _of_proportions(evaluation.shares, costs)
    elif evaluation.sample_groups is not None:
        found = {
            name: replace(one, interval=None, reason="no_group_interval")
            for name, one in found.items()
        }
    summary = {name: one for name, one in evaluation.summary.items() if name not in found}
    return replace(evaluation, costs=costs, summary=summary | found)


def _of_proportions(shares: Proportions, costs: Costs) -> dict[str, Metric]:
    """Proportions of all samples determine the cost; others lack the class frequencies."""
    if shares.over != "all":
        return {COSTING.name: Metric(None, None, "shares_only")}
    rows, columns = np.nonzero(shares.values)
    weights = shares.values[rows, columns]
    value = float(weights / weights.sum() @ costs.of_cells(rows, columns))
    return {COSTING.name: Metric(value, None, "shares_only")}
