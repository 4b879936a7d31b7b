"""Definitions of metrics, values with intervals, and reasons for missing ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.jsonio import Interval, JsonPath, Range

__all__ = [
    "RANGES",
    "REASONS",
    "TAKAHASHI",
    "Definition",
    "Intervals",
    "Kind",
    "Metric",
    "MetricColumn",
    "Reasons",
    "reasons",
]


Floats = NDArray[np.float64]


Reasons = tuple[str | None, ...]


Kind = Literal["count", "share", "signed", "ratio"]


TAKAHASHI = "Takahashi et al. 2022, Applied Intelligence 52, 4961–4972"


REASONS: dict[str, str] = {
    "no_samples": "There are no samples.",
    "no_true_samples": "The test set has no samples of this class.",
    "never_predicted": "The model never predicts this class.",
    "no_other_samples": "Every sample of the test set is of this class.",
    "always_predicted": "The model predicts this class for every sample.",
    "absent_and_never_predicted": (
        "The test set has no samples of this class, and the model never predicts it."
    ),
    "one_class_only": (
        "All samples, or none, are of this class, or the model always or never predicts it: "
        "the correlation is undefined."
    ),
    "no_scores": "The input contains no scores, or those of the predicted classes only.",
    "independent_scores": (
        "The scores are independent per class (one-vs-rest) and need not sum to "
        "1, so predictions have no probability."
    ),
    "shares_only": (
        "The matrix contains proportions, not counts, so everything that depends on the number of "
        "samples (all intervals) or on the class frequencies is unknown."
    ),
    "too_few_classes": "With k classes or fewer, top-k accuracy is always 1.",
    "too_few_samples": (
        "There are too few samples: no difference could be shown, and the coverage of an interval "
        "would be below its "
        "nominal level."
    ),
    "constant_labels_or_predictions": (
        "All samples have the same true class, or the same predicted class: "
        "chance-corrected agreement is undefined."
    ),
    "too_many_scores": (
        "There are more than 5 million scores (samples × classes), so "
        "the interval of this mean over classes is not computed."
    ),
    "no_group_interval": (
        "The samples are clustered, and no cluster-robust interval is available for this metric."
    ),
    "no_interval": (
        "No interval: none is defined for this metric, or the samples show no variation."
    ),
    "no_errors_seen": (
        "No errors observed: no interval for this metric. New samples may contain errors."
    ),
    "none_right": ("No correct predictions observed: no interval for this metric."),
    "not_recorded": (
        "The input file, written by another version of reportgen, does not contain this metric."
    ),
    "bootstrap_undefined": (
        "The metric is undefined in more than 5% of the resamples: "
        "there are too few samples for a bootstrap interval."
    ),
}
"""Reason code → a sentence for readers.

A code explains a null value or, with a value, a null interval.
"""


RANGES: dict[Kind, Range] = {
    "count": Range(0),
    "share": Range(0, 1),
    "signed": Range(-1),  # correlations and losses
    "ratio": Range(0),
}


@dataclass(frozen=True)
class Metric:
    """A value with its interval, and the reason if either is missing.

    Attributes
    ----------
    value
        The metric, or None if undefined; never 0 instead.
    interval
        Ends of the 95% confidence interval, or None.
    reason
        A key of :data:`REASONS` if value or interval is None; else None.
    """

    value: float | None
    interval: Interval | None
    reason: str | None

    def check_place(self, place: JsonPath) -> None:
        """Raise :class:`~reportgen.jsonio.Fault` for inconsistent parts."""
        if self.value is None and self.interval is not None:
            place["value"].contradicts("there can be no interval without a value")
        if self.reason is None and (self.value is None or self.interval is None):
            place["reason"].contradicts("a missing value or interval has a reason")


@dataclass(frozen=True, eq=False)
class MetricColumn:
    """One metric of all K classes.

    Attributes
    ----------
    value
        float64, shape (K,), read-only; nan if undefined.
    low, high
        float64, shape (K,), read-only: ends of the 95% confidence intervals; nan if there is none.
    reason
        K codes: a key of :data:`REASONS` where value or interval is missing, else None.
    """

    value: Floats
    low: Floats
    high: Floats
    reason: Reasons

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            array = np.asarray(getattr(self, name), np.float64).view()
            array.flags.writeable = False
            object.__setattr__(self, name, array)
            if array.shape != (len(self.reason),):
                raise ValueError(f"{name} has shape {array.shape} for {len(self.reason)} reasons")

    @classmethod
    def of(cls, metrics: Sequence[Metric]) -> MetricColumn:
        """The column of these metrics, one per class."""
        nan = float("nan")
        value = [nan if metric.value is None else metric.value for metric in metrics]
        ends = [(nan, nan) if metric.interval is None else metric.interval for metric in metrics]
        low, high = np.array(ends, np.float64).reshape(-1, 2).T
        reason = tuple(metric.reason for metric in metrics)
        return cls(np.array(value, np.float64), low, high, reason)

    def metric(self, i: int) -> Metric:
        """The metric of class `i`, in Python numbers."""
        value, low, high = float(self.value[i]), float(self.low[i]), float(self.high[i])
        return Metric(
            None if value != value else value,
            None if low != low or high != high else (low, high),
            self.reason[i],
        )

    def __len__(self) -> int:
        return len(self.reason)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, MetricColumn)
            and self.reason == other.reason
            and np.array_equal(self.value, other.value, equal_nan=True)
            and np.array_equal(self.low, other.low, equal_nan=True)
            and np.array_equal(self.high, other.high, equal_nan=True)
        )

    def __hash__(self) -> int:
        return hash(self.reason)


@dataclass(frozen=True)
class Intervals:
    """Metrics with non-default intervals, which replace the default ones.

    Attributes
    ----------
    method
        The method, in words.
    summary
        Name → overall metric, for those that the method changes.
    per_class
        Name → metric of all classes, for those that the method changes.
    """

    method: str
    summary: Mapping[str, Metric]
    per_class: Mapping[str, MetricColumn]


@dataclass(frozen=True, kw_only=True)
class Definition:
    """The only description of a metric; page, glossary, CSV and docs are derived from it.

    Attributes
    ----------
    name
        The key in ``report.json`` and the column in CSV: ``"recall"``.
    title
        The heading on the page: ``"Recall"``.
    formula
        In counts: ``"TP / (TP + FN)"``.
    meaning
        One or two plain sentences for readers who decide on a release.
    also
        Other names in the literature, separated by commas, or empty.
    interval
        The method of the 95% CI, or ``"none"``.
    undefined
        When the metric is n/a; ``"never"`` if a single sample defines it.
    source
        Source of the metric, or of its standard error.
    kind
        The print format: ``"count"`` as a whole number, ``"share"`` (0..1) as a percentage,
        ``"signed"`` (-1..1) and ``"ratio"`` (at least 0; 1 is chance level) as a decimal fraction.
    range
        Minimum and maximum; infinite if unbounded.
    higher_is_better
        None for metrics of the data, not of the model.
    """

    name: str
    title: str
    formula: str
    meaning: str
    also: str = ""
    interval: str = "none"
    undefined: str = "never"
    source: str
    kind: Kind = "share"
    range: tuple[float, float] = (0.0, 1.0)
    higher_is_better: bool | None = True


def reasons(size: int, *cases: tuple[NDArray[np.bool_], str]) -> Reasons:
    """For each of `size` classes, the code of the first (mask, code) case that applies."""
    codes: NDArray[np.object_] = np.full(size, None, dtype=object)
    for mask, code in reversed(cases):
        codes[mask] = code
    return tuple(codes.tolist())
