"""The intervals of all proportions: Wilson, or Clopper-Pearson with guaranteed coverage."""

from __future__ import annotations

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics.class_metrics import ClassCounts
from reportgen.metrics.definitions import Intervals
from reportgen.metrics.intervals import EXACT, WILSON, clopper_pearson, wilson
from reportgen.metrics.overall import SUMMARY, Proportion, TopHits, Whole
from reportgen.metrics.per_class import PER_CLASS, Share

__all__ = [
    "proportion_intervals",
]


def proportion_intervals(
    matrix: ConfusionMatrix, top5_hits: int | None = None, *, exact: bool
) -> Intervals:
    """The metrics that are proportions, with exact or with Wilson intervals.

    Parameters are those of :func:`~reportgen.metrics.summary_metrics`. Without samples there are
    none.
    """
    method, interval = (EXACT, clopper_pearson) if exact else (WILSON, wilson)
    if matrix.n_samples == 0:
        return Intervals(method, {}, {})
    whole, counts = Whole(matrix, top5_hits), ClassCounts.of(matrix)
    return Intervals(
        method,
        {
            metric.name: metric.compute(whole, metric.range, interval)
            for metric in SUMMARY
            if isinstance(metric.compute, Proportion | TopHits)
        },
        {
            metric.name: metric.of(counts, interval)
            for metric in PER_CLASS
            if isinstance(metric.compute, Share)
        },
    )
