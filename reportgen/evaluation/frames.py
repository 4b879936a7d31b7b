"""The metrics of an evaluation as columns, for ``per_class.csv`` and pandas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reportgen.evaluation.catalogue import CLASS_METRICS
from reportgen.evaluation.class_rows import COUNT_NAMES

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from reportgen.evaluation.evaluation import Evaluation

__all__ = [
    "class_columns",
    "class_frame",
    "summary_frame",
]


def class_columns(
    evaluation: Evaluation,
) -> dict[str, Sequence[int | None] | NDArray[np.float64]]:
    """The columns of ``per_class.csv`` without names: counts, then each metric with its interval.

    Counts are None and metrics nan if undefined.
    """
    columns: dict[str, Any] = {**evaluation.count_columns()}
    for definition in CLASS_METRICS:
        metric = evaluation.per_class[definition.name]
        columns[definition.name] = metric.value
        columns[f"{definition.name}_low"] = metric.low
        columns[f"{definition.name}_high"] = metric.high
    return columns


def class_frame(evaluation: Evaluation) -> pd.DataFrame:
    """:meth:`Evaluation.to_frame`."""
    import pandas as pd

    index = pd.Index(evaluation.classes, dtype=object, name="class")
    frame = pd.DataFrame(class_columns(evaluation), index)
    return frame.astype(dict.fromkeys(COUNT_NAMES, "Int64"))


def summary_frame(evaluation: Evaluation) -> pd.DataFrame:
    """:meth:`Evaluation.summary_frame`."""
    import pandas as pd

    rows = []
    for definition in evaluation.definitions:
        metric = evaluation.summary[definition.name]
        low, high = metric.interval or (None, None)
        rows.append((definition.title, metric.value, low, high, metric.reason or ""))
    index = pd.Index([one.name for one in evaluation.definitions], dtype=object, name="metric")
    frame = pd.DataFrame(rows, index, ["title", "value", "low", "high", "reason"])
    return frame.astype(dict.fromkeys(["value", "low", "high"], float))
