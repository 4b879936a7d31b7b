"""Clopper-Pearson intervals for all proportions, with guaranteed coverage."""

from __future__ import annotations

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics.class_metrics import ClassCounts
from reportgen.metrics.definitions import Intervals
from reportgen.metrics.intervals import EXACT, clopper_pearson
from reportgen.metrics.overall import SUMMARY, Proportion, TopHits, Whole
from reportgen.metrics.per_class import PER_CLASS, Share

__all__ = [
    "exact_intervals",
]


def exact_intervals(matrix: ConfusionMatrix, top5_hits: int | None = None) -> Intervals:
    """The metrics that are proportions, with exact instead of Wilson intervals.

    Parameters are those of :func:`~reportgen.metrics.summary_metrics`. Without samples nothing is
    replaced.
    """
    if matrix.n_samples == 0:
        return Intervals(EXACT, {}, {})
    whole, counts = Whole(matrix, top5_hits), ClassCounts.of(matrix)
    return Intervals(
        EXACT,
        {
            metric.name: metric.compute(whole, metric.range, clopper_pearson)
            for metric in SUMMARY
            if isinstance(metric.compute, Proportion | TopHits)
        },
        {
            metric.name: metric.of(counts, clopper_pearson)
            for metric in PER_CLASS
            if isinstance(metric.compute, Share)
        },
    )
