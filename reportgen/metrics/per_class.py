"""Metrics of each class against all others, for all classes at once.

A metric is added by one entry in :data:`PER_CLASS`: its description and its function. The order
there is the order of columns everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion import ConfusionMatrix
from reportgen.metrics.definitions import (
    TAKAHASHI,
    Definition,
    MetricColumn,
    Reasons,
    reasons,
)
from reportgen.metrics.intervals import ATANH, LOGIT, WILSON, Scale, wilson

__all__ = [
    "COUNTS",
    "PER_CLASS",
    "ClassCounts",
    "ClassMetric",
    "Estimates",
    "balanced_accuracy",
    "f1",
    "jaccard",
    "matthews",
    "per_class_metrics",
]

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class ClassCounts:
    """Each class against all others: exact counts, int64, shape (K,).

    Attributes
    ----------
    n
        Number of samples.
    support, predicted
        Samples of the class, and samples that were called it.
    tp, fp, fn, tn
        True and false positives and negatives; they add up to `n` for each class.
    """

    n: int
    support: Counts
    predicted: Counts
    tp: Counts
    fp: Counts
    fn: Counts
    tn: Counts

    @classmethod
    def of(cls, matrix: ConfusionMatrix) -> ClassCounts:
        """From the margins and the diagonal of `matrix`."""
        support, predicted, tp = matrix.true_totals, matrix.predicted_totals, matrix.diagonal
        fp, fn = predicted - tp, support - tp
        n = matrix.n_samples
        return cls(n, support, predicted, tp, fp, fn, n - tp - fp - fn)

    @property
    def others(self) -> Counts:
        """Samples of all other classes."""
        return self.n - self.support

    @property
    def predicted_other(self) -> Counts:
        """Samples that were called any other class."""
        return self.n - self.predicted


@dataclass(frozen=True)
class Estimates:
    """A figure of each class with its standard error; all of shape (K,).

    Attributes
    ----------
    value
        float64; nan where undefined.
    standard_error
        float64; delta method, the four counts of each class taken as one multinomial sample.
    undefined
        The reason code where the value is undefined, else None.
    """

    value: Floats
    standard_error: Floats
    undefined: Reasons


@dataclass(frozen=True, kw_only=True)
class ClassMetric(Definition):
    """The description of a per-class metric, and the function that computes it."""

    compute: Callable[[ClassCounts], MetricColumn]


def per_class_metrics(matrix: ConfusionMatrix) -> dict[str, MetricColumn]:
    """Every metric of :data:`PER_CLASS`, in that order, by name; each of all K classes."""
    counts = ClassCounts.of(matrix)
    if counts.n == 0:
        return {metric.name: _nothing(matrix.n_classes) for metric in PER_CLASS}
    return {metric.name: metric.compute(counts) for metric in PER_CLASS}


def _nothing(n_classes: int) -> MetricColumn:
    nan = np.full(n_classes, np.nan)
    return MetricColumn(nan, nan, nan, ("no_samples",) * n_classes)


def _ratio(part: Counts | Floats, whole: Counts | Floats) -> Floats:
    """part / whole, float64; nan where whole is 0."""
    shares: Floats = np.full(whole.shape, np.nan)
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares


def _proportion(
    part: Callable[[ClassCounts], Counts], whole: Callable[[ClassCounts], Counts], reason: str
) -> Callable[[ClassCounts], MetricColumn]:
    """A share of samples with its Wilson interval; n/a for `reason` where the whole is 0."""

    def compute(counts: ClassCounts) -> MetricColumn:
        k, n = part(counts), whole(counts)
        return MetricColumn(_ratio(k, n), *wilson(k, n), reasons(len(n), (n == 0, reason)))

    return compute


def _estimated(
    estimate: Callable[[ClassCounts], Estimates], scale: Scale
) -> Callable[[ClassCounts], MetricColumn]:
    """A figure with its delta-method interval, which is missing at both ends of the scale, and
    where the standard error is 0.
    """

    def compute(counts: ClassCounts) -> MetricColumn:
        found = estimate(counts)
        low, high = scale.interval(found.value, found.standard_error)
        no_interval = reasons(
            len(low),
            (found.value == 1, "no_errors_seen"),
            (found.value == scale.worst, "none_right"),
            (np.isnan(low), "no_interval"),
        )
        reason = tuple(a or b for a, b in zip(found.undefined, no_interval, strict=True))
        return MetricColumn(found.value, low, high, reason)

    return compute


def f1(counts: ClassCounts) -> Estimates:
    """2 TP / (2 TP + FP + FN): the form that stays defined where precision is not."""
    size = counts.support + counts.predicted
    value, errors = _ratio(2 * counts.tp, size), _ratio(counts.fp + counts.fn, size)
    # derivatives: 2 (1 - F1) / size by TP, -F1 / size by FP and by FN
    variance = counts.tp * (2 * errors) ** 2 + (counts.fp + counts.fn) * value**2
    return Estimates(value, _ratio(np.sqrt(variance), size), _neither(counts))


def jaccard(counts: ClassCounts) -> Estimates:
    """TP / (TP + FP + FN), with the error that makes its logit interval that of F1.

    logit F1 = logit Jaccard + log 2, so the two intervals are one, seen on two scales.
    """
    union = counts.tp + counts.fp + counts.fn
    value, errors = _ratio(counts.tp, union), _ratio(counts.fp + counts.fn, union)
    return Estimates(value, np.sqrt(_ratio(value * errors, union)), _neither(counts))


def balanced_accuracy(counts: ClassCounts) -> Estimates:
    """(recall + specificity) / 2, two independent proportions."""
    n, m = counts.support, counts.others
    recall, miss = _ratio(counts.tp, n), _ratio(counts.fn, n)
    specificity, fall_out = _ratio(counts.tn, m), _ratio(counts.fp, m)
    variance = _ratio(recall * miss, n) + _ratio(specificity * fall_out, m)
    undefined = reasons(len(n), (n == 0, "no_true_samples"), (m == 0, "no_other_samples"))
    return Estimates((recall + specificity) / 2, np.sqrt(variance) / 2, undefined)


def matthews(counts: ClassCounts) -> Estimates:
    """(TP TN - FP FN) / sqrt((TP+FP)(TP+FN)(TN+FP)(TN+FN)), from exact integers."""
    r, s = counts.support, counts.others
    c, d = counts.predicted, counts.predicted_other
    cells = zip(*(x.tolist() for x in (counts.tp, r, s, c, d)), strict=True)
    value = np.array([_phi(*of_class) for of_class in cells])
    by_r, by_s, by_c, by_d = (_ratio(np.ones(len(x)), x) for x in (r, s, c, d))
    scale = np.sqrt(by_r * by_s) * np.sqrt(by_c * by_d)
    slopes = (
        (counts.tp, counts.tn * scale - value * (by_r + by_c) / 2),
        (counts.fn, -counts.fp * scale - value * (by_r + by_d) / 2),
        (counts.fp, -counts.fn * scale - value * (by_s + by_c) / 2),
        (counts.tn, counts.tp * scale - value * (by_s + by_d) / 2),
    )
    variance = sum((n * slope**2 for n, slope in slopes), start=np.zeros(len(r)))
    one_class = (r == 0) | (s == 0) | (c == 0) | (d == 0)
    return Estimates(value, np.sqrt(variance), reasons(len(r), (one_class, "one_class_only")))


def _phi(tp: int, r: int, s: int, c: int, d: int) -> float:
    """One class's MCC in Python integers: the products of four counts don't fit 64 bits."""
    top, square = tp * (r + s) - r * c, r * s * c * d
    if square == 0:
        return math.nan
    if top * top == square:  # rounding must not turn a perfect score into 0.9999999999999999
        return math.copysign(1.0, top)
    return top / math.sqrt(square)


def _neither(counts: ClassCounts) -> Reasons:
    absent = (counts.support == 0) & (counts.predicted == 0)
    return reasons(len(absent), (absent, "absent_and_never_predicted"))


_YERUSHALMY = "Yerushalmy 1947, Public Health Reports 62, 1432–1449"
_ALTMAN = "Altman & Bland 1994, BMJ 309, 102"
_RIJSBERGEN = "van Rijsbergen 1979, Information Retrieval, 2nd edition, chapter 7"

COUNTS: tuple[Definition, ...] = (
    Definition(
        name="support",
        title="Support",
        formula="TP + FN",
        meaning="How many samples of the class are in the test set.",
        also="true samples, condition positive",
        source="a count",
        kind="count",
        higher_is_better=None,
    ),
    Definition(
        name="predicted",
        title="Predicted",
        formula="TP + FP",
        meaning="How many samples the model calls this class, rightly or wrongly.",
        also="test outcome positive",
        source="a count",
        kind="count",
        higher_is_better=None,
    ),
    Definition(
        name="tp",
        title="TP",
        formula="TP",
        meaning="Samples of the class that are called it: found.",
        also="true positives, hits",
        source="a count",
        kind="count",
    ),
    Definition(
        name="fp",
        title="FP",
        formula="FP",
        meaning="Samples of other classes that are called this class: false alarms.",
        also="false positives, false alarms, type I errors",
        source="a count",
        kind="count",
        higher_is_better=False,
    ),
    Definition(
        name="fn",
        title="FN",
        formula="FN",
        meaning="Samples of the class that are called something else: missed.",
        also="false negatives, misses, type II errors",
        source="a count",
        kind="count",
        higher_is_better=False,
    ),
    Definition(
        name="tn",
        title="TN",
        formula="TN",
        meaning="Samples of other classes that are not called this class.",
        also="true negatives, correct rejections",
        source="a count",
        kind="count",
    ),
)
"""The whole numbers beside the metrics of a class, in the order of columns."""

PER_CLASS: tuple[ClassMetric, ...] = (
    ClassMetric(
        name="precision",
        title="Precision",
        formula="TP / (TP + FP)",
        meaning="Of the samples that the model calls this class, the share that really is.",
        also="positive predictive value (PPV), user's accuracy",
        interval=WILSON,
        undefined="when the class is never predicted",
        source=_ALTMAN,
        compute=_proportion(lambda c: c.tp, lambda c: c.predicted, "never_predicted"),
    ),
    ClassMetric(
        name="recall",
        title="Recall",
        formula="TP / (TP + FN)",
        meaning="Of the samples of the class, the share that the model finds.",
        also="sensitivity, true-positive rate (TPR), hit rate, producer's accuracy",
        interval=WILSON,
        undefined="when the class has no samples",
        source=_YERUSHALMY,
        compute=_proportion(lambda c: c.tp, lambda c: c.support, "no_true_samples"),
    ),
    ClassMetric(
        name="specificity",
        title="Specificity",
        formula="TN / (TN + FP)",
        meaning=(
            "Of the samples of all other classes, the share that is not taken for this one. "
            "High for nearly every class where there are many classes."
        ),
        also="true-negative rate (TNR), selectivity",
        interval=WILSON,
        undefined="when every sample is of the class",
        source=_YERUSHALMY,
        compute=_proportion(lambda c: c.tn, lambda c: c.others, "no_other_samples"),
    ),
    ClassMetric(
        name="npv",
        title="NPV",
        formula="TN / (TN + FN)",
        meaning=(
            "Of the samples that the model calls something else, "
            "the share that is indeed not of this class."
        ),
        also="negative predictive value",
        interval=WILSON,
        undefined="when every sample is predicted as the class",
        source=_ALTMAN,
        compute=_proportion(lambda c: c.tn, lambda c: c.predicted_other, "always_predicted"),
    ),
    ClassMetric(
        name="fpr",
        title="FPR",
        formula="FP / (TN + FP) = 1 − specificity",
        meaning="Of the samples of all other classes, the share that is taken for this one.",
        also="false-positive rate, fall-out, type I error rate",
        interval=WILSON,
        undefined="when every sample is of the class",
        source=_YERUSHALMY,
        higher_is_better=False,
        compute=_proportion(lambda c: c.fp, lambda c: c.others, "no_other_samples"),
    ),
    ClassMetric(
        name="fnr",
        title="FNR",
        formula="FN / (TP + FN) = 1 − recall",
        meaning="Of the samples of the class, the share that the model misses.",
        also="false-negative rate, miss rate, type II error rate",
        interval=WILSON,
        undefined="when the class has no samples",
        source=_YERUSHALMY,
        higher_is_better=False,
        compute=_proportion(lambda c: c.fn, lambda c: c.support, "no_true_samples"),
    ),
    ClassMetric(
        name="fdr",
        title="FDR",
        formula="FP / (TP + FP) = 1 − precision",
        meaning="Of the samples that the model calls this class, the share that is not.",
        also="false discovery rate",
        interval=WILSON,
        undefined="when the class is never predicted",
        source=_ALTMAN,
        higher_is_better=False,
        compute=_proportion(lambda c: c.fp, lambda c: c.predicted, "never_predicted"),
    ),
    ClassMetric(
        name="for",
        title="FOR",
        formula="FN / (TN + FN) = 1 − NPV",
        meaning=(
            "Of the samples that the model calls something else, "
            "the share that is of this class after all."
        ),
        also="false omission rate",
        interval=WILSON,
        undefined="when every sample is predicted as the class",
        source=_ALTMAN,
        higher_is_better=False,
        compute=_proportion(lambda c: c.fn, lambda c: c.predicted_other, "always_predicted"),
    ),
    ClassMetric(
        name="f1",
        title="F1",
        formula="2 TP / (2 TP + FP + FN)",
        meaning=(
            "One figure for precision and recall, their harmonic mean: "
            "it is high only where both are."
        ),
        also="F-score, Dice coefficient, Sørensen index",
        interval=LOGIT.name,
        undefined="when the class has no samples and is never predicted",
        source=f"{_RIJSBERGEN}; standard error: {TAKAHASHI}",
        compute=_estimated(f1, LOGIT),
    ),
    ClassMetric(
        name="jaccard",
        title="Jaccard index",
        formula="TP / (TP + FP + FN) = F1 / (2 − F1)",
        meaning=(
            "Of the samples that are of the class or are called it, the share that is both. "
            "It ranks classes as F1 does, and is the harsher of the two."
        ),
        also="intersection over union (IoU), critical success index, threat score",
        interval=LOGIT.name,
        undefined="when the class has no samples and is never predicted",
        source="Jaccard 1912, New Phytologist 11, 37–50",
        compute=_estimated(jaccard, LOGIT),
    ),
    ClassMetric(
        name="balanced_accuracy",
        title="Balanced accuracy",
        formula="(recall + specificity) / 2",
        meaning=(
            "How well the class is told from the rest if it made up half of all samples; "
            "50 % is what guessing gives."
        ),
        also="area under the ROC curve of the hard decision",
        interval=LOGIT.name,
        undefined="when the class has no samples, or every sample is of it",
        source="Brodersen et al. 2010, ICPR, 3121–3124",
        compute=_estimated(balanced_accuracy, LOGIT),
    ),
    ClassMetric(
        name="mcc",
        title="MCC",
        formula="(TP·TN − FP·FN) / √((TP+FP)(TP+FN)(TN+FP)(TN+FN))",
        meaning=(
            "Correlation of “is the class” with “is called the class”: 1 is perfect, "
            "0 is no better than chance, −1 is always the wrong way round."
        ),
        also="Matthews correlation coefficient, phi",
        interval=ATANH.name,
        undefined="when the class has no samples or all, or is predicted never or always",
        source="Matthews 1975, Biochimica et Biophysica Acta 405, 442–451",
        kind="signed",
        compute=_estimated(matthews, ATANH),
    ),
    ClassMetric(
        name="prevalence",
        title="Prevalence",
        formula="(TP + FN) / n",
        meaning=(
            "The share of the class in the test set. Precision and NPV hold "
            "where the class is as common as here."
        ),
        also="base rate, class share",
        interval=WILSON,
        undefined="when there are no samples",
        source="Altman & Bland 1994, BMJ 309, 102",
        higher_is_better=None,
        compute=_proportion(
            lambda c: c.support, lambda c: np.full(len(c.support), c.n), "no_samples"
        ),
    ),
)
"""The metrics of a class, in the order of columns in JSON, CSV and page."""
