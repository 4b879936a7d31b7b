"""Checks the metrics in a ``report.json`` against its counts.

Everything that the confusion matrix determines is recomputed and compared, to detect damage and
manual edits: values, and the intervals of proportions. The methods of other intervals may change
between versions; each must contain its own value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.evaluation.catalogue import CLASS_METRICS, OPTIONAL_METRICS, SUMMARY_METRICS
from reportgen.evaluation.confidence import Confidence
from reportgen.evaluation.pairs import Pair
from reportgen.evaluation.proportions import ProportionPair
from reportgen.jsonio import TOLERANCE, JsonPath, agree
from reportgen.metrics import (
    ORDINAL,
    Costs,
    MacroMode,
    Metric,
    MetricColumn,
    expected_cost,
    ordinal_metrics,
    per_class_metrics,
    proportion_intervals,
    summary_metrics,
)

__all__ = [
    "check_calibration",
    "check_class_intervals",
    "check_class_metrics",
    "check_counts",
    "check_intervals",
    "check_means",
    "check_pairs",
    "check_summary",
]


_UNKNOWN = "not_recorded"


_RANGES = {metric.name: metric.range for metric in (*SUMMARY_METRICS, *OPTIONAL_METRICS)}


_CLASS_RANGES = {metric.name: metric.range for metric in CLASS_METRICS}


_MEANS = {"macro_roc_auc": "roc_auc", "macro_average_precision": "average_precision"}


_NEEDS_RANKS = "top5_accuracy"
"""The only metric of counts that the matrix does not determine."""


_SHARES = ("share_of_true", "share_of_errors")


_OF_SHARES = ("share", "reversed_share")


def check_counts(
    told: Mapping[str, Sequence[int | None]], counted: Mapping[str, Sequence[Any]], place: JsonPath
) -> None:
    """Check the counts of each class.

    All these functions raise :class:`~reportgen.jsonio.Contradiction` with the first location in
    `place` whose value differs from the confusion matrix.
    """
    for name, column in told.items():
        if list(column) != list(counted[name]):
            row = next(i for i, n in enumerate(column) if n != counted[name][i])
            place.items()[row][name].disagrees(counted[name][row])


def check_class_metrics(
    told: Mapping[str, MetricColumn], confusion: ConfusionMatrix, place: JsonPath
) -> None:
    """Check the class metrics that follow from counts."""
    for name, expected in per_class_metrics(confusion).items():
        column = told[name]
        gap = np.abs(column.value - expected.value)
        wrong = gap > TOLERANCE * np.maximum(1.0, np.abs(expected.value))
        wrong |= np.isnan(column.value) != np.isnan(expected.value)
        for row in np.flatnonzero(wrong).tolist():
            if column.reason[row] != _UNKNOWN:
                place.items()[row][name]["value"].disagrees(expected.metric(row).value)


def check_summary(
    told: Mapping[str, Metric],
    confusion: ConfusionMatrix,
    macro: MacroMode,
    costs: Costs | None,
    place: JsonPath,
) -> None:
    """Check the overall metrics that follow from counts, and from costs if given."""
    expected = {**summary_metrics(confusion, macro=macro), **expected_cost(confusion, costs)}
    if any(definition.name in told for definition in ORDINAL):
        expected = {**expected, **ordinal_metrics(confusion)}
    for name, metric in expected.items():
        if name == _NEEDS_RANKS or name not in told or told[name].reason == _UNKNOWN:
            continue
        if not agree(told[name].value, metric.value):
            place[name]["value"].disagrees(metric.value)


def check_class_intervals(
    told: Mapping[str, MetricColumn], confusion: ConfusionMatrix, place: JsonPath, *, exact: bool
) -> None:
    """The intervals of each class: those of proportions are Wilson's, or `exact`; all others
    contain their values.
    """
    expected = proportion_intervals(confusion, exact=exact).per_class
    for name, column in told.items():
        least, largest = _CLASS_RANGES[name]
        outside = (column.low < least - TOLERANCE) | (column.high > largest + TOLERANCE)
        for row in np.flatnonzero(outside).tolist():
            place.items()[row][name]["interval"].must_lie_in(least, largest)
        wrong = (column.low > column.value) | (column.high < column.value)
        if name in expected:
            wrong |= np.abs(column.low - expected[name].low) > TOLERANCE
            wrong |= np.abs(column.high - expected[name].high) > TOLERANCE
        for row in np.flatnonzero(wrong).tolist():
            at = place.items()[row][name]["interval"]
            if name in expected:
                at.must_have_ends(expected[name].metric(row).interval)
            at.must_contain(column.metric(row).value)


def check_intervals(
    told: Mapping[str, Metric],
    confusion: ConfusionMatrix,
    place: JsonPath,
    *,
    exact: bool,
    clustered: bool,
) -> None:
    """The overall intervals, as :func:`check_class_intervals`; those that allow for groups of
    samples (`clustered`) contain their values, no more is known of them.
    """
    expected = {} if clustered else proportion_intervals(confusion, exact=exact).summary
    for name, metric in told.items():
        if metric.reason == _UNKNOWN:
            continue
        at = place[name]["interval"]
        if name in expected:
            at.must_have_ends(expected[name].interval)
        at.must_contain(metric.value)
        at.must_lie_in(*_RANGES[name])


def check_means(
    told: Mapping[str, Metric], classes: Mapping[str, MetricColumn], place: JsonPath
) -> None:
    """Overall metrics of scores that are the means of those of the classes, in `place`."""
    for name, of_class in _MEANS.items():
        values = classes[of_class].value
        if told[name].value is None or np.isnan(values).all():
            continue
        mean = float(np.nanmean(values))
        if not agree(told[name].value, mean):
            place[name]["value"].disagrees(mean, "the list of classes")


def check_calibration(told: Confidence, summary: Mapping[str, Metric], place: JsonPath) -> None:
    """What follows from the bins of confidence, in `place`, the whole document."""
    sizes, correct = (
        np.array([getattr(bar, name) for bar in told.bins], np.float64)
        for name in ("n", "n_correct")
    )
    n, at = sizes.sum(), place["calibration"]
    for name, total in (("right", correct.sum()), ("wrong", n - correct.sum())):
        if sum(getattr(told, name)) != total:
            at[name].contradicts(f"the bins contain {total:,.0f} such predictions")
    if not n:
        return
    sums = sizes * [bar.confidence or 0.0 for bar in told.bins]
    gaps = np.abs(sums - correct)
    if not agree(told.mean_confidence, float(sums.sum() / n)):
        at["mean_confidence"].disagrees(float(sums.sum() / n), _BINS)
    for name, value in (("ece", gaps.sum() / n), ("mce", (gaps / np.maximum(sizes, 1)).max())):
        metric = summary[name]
        if metric.value is not None and not agree(metric.value, float(value)):
            place["summary"][name]["value"].disagrees(float(value), _BINS)


_BINS = "calibration.bins"


def check_pairs(
    told: Sequence[Pair | ProportionPair],
    expected: Iterable[Pair | ProportionPair],
    items: Sequence[JsonPath],
) -> None:
    """Check that the listed confusions are the first of `expected`, and their proportions.

    Counts are compared when they are read.
    """
    for item, pair, other in zip(items, told, expected, strict=False):
        if (pair.true, pair.predicted) != (other.true, other.predicted):
            item.contradicts("the confusion matrix has another confusion here")
        for name in (*_SHARES, *(_OF_SHARES if isinstance(pair, ProportionPair) else ())):
            if not agree(getattr(pair, name), getattr(other, name)):
                item[name].disagrees(getattr(other, name))
