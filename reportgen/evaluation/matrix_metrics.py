"""The metrics of a confusion matrix, with the requested intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reportgen.analysis.scoring import TOP_KS, TopK
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics import (
    ClusterIntervals,
    Costs,
    Intervals,
    Metric,
    MetricColumn,
    clopper_pearson,
    expected_cost,
    ordinal_metrics,
    per_class_metrics,
    summary_metrics,
)
from reportgen.options import EvaluationOptions

__all__ = [
    "MatrixMetrics",
    "matrix_metrics",
    "use_exact_top_k",
]


@dataclass(frozen=True)
class MatrixMetrics:
    """Overall metrics, including requested optional ones, and class metrics."""

    summary: Mapping[str, Metric]
    ordinal: Mapping[str, Metric]
    cost: Mapping[str, Metric]
    per_class: Mapping[str, MetricColumn]


def matrix_metrics(
    confusion: ConfusionMatrix,
    top5_hits: int | None,
    options: EvaluationOptions,
    clustered: ClusterIntervals | None,
    costs: Costs | None = None,
) -> MatrixMetrics:
    """All metrics that a matrix determines.

    Parameters
    ----------
    top5_hits
        As in :func:`~reportgen.metrics.summary_metrics`.
    clustered
        Cluster-robust intervals; they replace all others.
    costs
        For the expected cost.
    """
    summary = summary_metrics(confusion, top5_hits, macro=options.macro)
    ordinal = ordinal_metrics(confusion) if options.ordinal else {}
    per_class, others = per_class_metrics(confusion), {}
    found = _intervals(confusion, top5_hits, options, costs)
    if found is not None:
        others = {**found.summary}
        per_class = {**per_class, **found.per_class}
    if clustered is not None:
        others |= {**_of_independent(summary), **clustered.intervals.summary}
    return MatrixMetrics(
        _replace(summary, others),
        _replace(ordinal, others),
        _replace(expected_cost(confusion, costs), others),
        per_class,
    )


def _of_independent(summary: Mapping[str, Metric]) -> dict[str, Metric]:
    """The no-information rate without its interval, which assumes independent samples.

    It is the maximum of several proportions, and larger still in cluster resamples, so their
    percentiles are not an interval.
    """
    metric = summary["no_information_rate"]
    if metric.interval is None:
        return {}
    return {"no_information_rate": replace(metric, interval=None, reason="no_group_interval")}


def _intervals(
    confusion: ConfusionMatrix,
    top5_hits: int | None,
    options: EvaluationOptions,
    costs: Costs | None,
) -> Intervals | None:
    if options.ci == "bootstrap":
        from reportgen.metrics import bootstrap_intervals

        return bootstrap_intervals(
            confusion,
            seed=options.seed,
            macro=options.macro,
            ordinal=options.ordinal,
            costs=costs,
        )
    if options.ci == "exact":
        from reportgen.metrics import proportion_intervals

        return proportion_intervals(confusion, top5_hits, exact=True)
    return None


def _replace(metrics: Mapping[str, Metric], others: Mapping[str, Metric]) -> dict[str, Metric]:
    return {name: others.get(name, metric) for name, metric in metrics.items()}


def use_exact_top_k(summary: Mapping[str, Metric], top_k: TopK) -> dict[str, Metric]:
    """Top-1 and top-3 accuracy with Clopper-Pearson instead of Wilson intervals."""
    exact = dict(summary)
    for k, hits in zip(TOP_KS, top_k.hits, strict=True):
        metric = summary.get(f"top{k}_accuracy")
        if metric is not None and metric.interval is not None:
            low, high = clopper_pearson(hits, top_k.n)
            exact[f"top{k}_accuracy"] = replace(metric, interval=(float(low), float(high)))
    return exact
