"""The figures of a confusion matrix, with the intervals that were asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reportgen.clusters import ClusterIntervals
from reportgen.confusion import ConfusionMatrix
from reportgen.evaluation.options import EvaluationOptions
from reportgen.metrics import (
    Intervals,
    Metric,
    MetricColumn,
    clopper_pearson,
    ordinal_metrics,
    per_class_metrics,
    summary_metrics,
)
from reportgen.scoring.topk import TOP_KS, TopK

__all__ = ["MatrixFigures", "matrix_figures", "with_exact_top_k"]


@dataclass(frozen=True)
class MatrixFigures:
    """Metrics of the whole, of ordered classes where they were asked for, and of each class."""

    summary: Mapping[str, Metric]
    ordinal: Mapping[str, Metric]
    per_class: Mapping[str, MetricColumn]


def matrix_figures(
    confusion: ConfusionMatrix,
    top5_hits: int | None,
    options: EvaluationOptions,
    clustered: ClusterIntervals | None,
) -> MatrixFigures:
    """All figures that a matrix gives.

    Parameters
    ----------
    top5_hits
        As in :func:`~reportgen.metrics.summary_metrics`.
    clustered
        Intervals that allow for groups of samples; they take the place of all others.
    """
    summary = summary_metrics(confusion, top5_hits, macro=options.macro)
    ordinal = ordinal_metrics(confusion) if options.ordinal else {}
    per_class = per_class_metrics(confusion)
    found = _intervals(confusion, top5_hits, options)
    if found is not None:
        summary, ordinal = _replaced(summary, found.summary), _replaced(ordinal, found.summary)
        per_class = {**per_class, **found.per_class}
    if clustered is not None:
        allowed = {**_of_independent(summary), **clustered.intervals.summary}
        summary, ordinal = _replaced(summary, allowed), _replaced(ordinal, allowed)
    return MatrixFigures(summary, ordinal, per_class)


def _of_independent(summary: Mapping[str, Metric]) -> dict[str, Metric]:
    """The no-information rate without its interval, which is that of independent samples.

    It is the largest of many shares: in resamples of groups it is larger still, so that their
    percentiles are no interval.
    """
    metric = summary["no_information_rate"]
    if metric.interval is None:
        return {}
    return {"no_information_rate": replace(metric, interval=None, reason="no_group_interval")}


def _intervals(
    confusion: ConfusionMatrix, top5_hits: int | None, options: EvaluationOptions
) -> Intervals | None:
    if options.ci == "bootstrap":
        from reportgen.metrics import bootstrap_intervals

        return bootstrap_intervals(
            confusion, seed=options.seed, macro=options.macro, ordinal=options.ordinal
        )
    if options.ci == "exact":
        from reportgen.metrics import exact_intervals

        return exact_intervals(confusion, top5_hits)
    return None


def _replaced(metrics: Mapping[str, Metric], others: Mapping[str, Metric]) -> dict[str, Metric]:
    return {name: others.get(name, metric) for name, metric in metrics.items()}


def with_exact_top_k(summary: Mapping[str, Metric], top_k: TopK) -> dict[str, Metric]:
    """Top-1 and top-3 accuracy with Clopper-Pearson intervals in place of Wilson's."""
    exact = dict(summary)
    for k, hits in zip(TOP_KS, top_k.hits, strict=True):
        metric = summary.get(f"top{k}_accuracy")
        if metric is not None and metric.interval is not None:
            low, high = clopper_pearson(hits, top_k.n)
            exact[f"top{k}_accuracy"] = replace(metric, interval=(float(low), float(high)))
    return exact
