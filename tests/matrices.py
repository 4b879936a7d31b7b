"""Small confusion matrices, and short ways to their metrics."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics import Metric, per_class_metrics, summary_metrics

HAND = [[5, 2, 0], [1, 7, 1], [0, 2, 0]]  # support 7, 9, 2; predicted 6, 11, 1; 18 samples


def of(table: Any) -> ConfusionMatrix:
    return ConfusionMatrix.from_counts(table)


def classes(table: Any, name: str) -> list[Metric]:
    column = per_class_metrics(of(table))[name]
    return [column.metric(i) for i in range(len(column))]


def values(table: Any, name: str) -> list[float | None]:
    return [metric.value for metric in classes(table, name)]


def why(table: Any, name: str) -> list[str | None]:
    return [metric.reason for metric in classes(table, name)]


def whole(table: Any) -> dict[str, Metric]:
    return summary_metrics(of(table), None)


def random_table(rng: np.random.Generator) -> NDArray[np.int64]:
    """2 to 7 classes, often with absent classes, never predicted ones and empty cells."""
    k = int(rng.integers(2, 8))
    table = rng.poisson(3, (k, k)) * rng.integers(0, 2, (k, k)) + np.diag(rng.poisson(8, k))
    if rng.random() < 0.3:
        table[rng.integers(k)] = 0
    if rng.random() < 0.3:
        table[:, rng.integers(k)] = 0
    table[0, k - 1] += 1
    return table


TABLES = [random_table(np.random.default_rng(seed)) for seed in range(40)]
