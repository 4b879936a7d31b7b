"""Metrics of each class against all others, for all classes at once.

A metric is added by one entry in :data:`PER_CLASS`: its description and its function. The order
there is the order of columns everywhere; new ones come last.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics import class_metrics
from reportgen.metrics.class_metrics import ClassCounts, Estimates, FBeta, ratio
from reportgen.metrics.definitions import TAKAHASHI, Definition, MetricColumn, reasons
from reportgen.metrics.intervals import ATANH, LOG, LOGIT, WILSON, Scale, wilson

__all__ = [
    "COUNTS",
    "PER_CLASS",
    "ClassMetric",
    "Estimated",
    "Interval",
    "Share",
    "per_class_metrics",
]


Floats = NDArray[np.float64]


Counts = NDArray[np.int64]


Interval = Callable[[ArrayLike, ArrayLike], tuple[Floats, Floats]]


@dataclass(frozen=True)
class Share:
    """A share of samples with an interval of proportions; n/a where the whole is 0.

    Attributes
    ----------
    part, whole
        Counts, int64, shape (K,).
    reason
        The code where the whole is 0.
    """

    part: Callable[[ClassCounts], Counts]
    whole: Callable[[ClassCounts], Counts]
    reason: str

    def __call__(self, counts: ClassCounts, interval: Interval = wilson) -> MetricColumn:
        k, n = self.part(counts), self.whole(counts)
        return MetricColumn(ratio(k, n), *interval(k, n), reasons(len(n), (n == 0, self.reason)))


@dataclass(frozen=True)
class Estimated:
    """A figure with its delta-method interval, which is missing at both ends of the scale, and
    where the standard error is 0.

    Attributes
    ----------
    estimate
        The figure with its standard error.
    scale
        On which the interval is symmetric.
    value
        The figure alone, for bootstrap resamples; equal up to rounding.
    """

    estimate: Callable[[ClassCounts], Estimates]
    scale: Scale
    value: Callable[[ClassCounts], Floats]

    def __call__(self, counts: ClassCounts) -> MetricColumn:
        found = self.estimate(counts)
        low, high = self.scale.interval(found.value, found.standard_error)
        no_interval = reasons(
            len(low),
            (found.value == self.scale.best, "no_errors_seen"),
            (found.value == self.scale.worst, "none_right"),
            (np.isnan(low), "no_interval"),
        )
        reason = tuple(a or b for a, b in zip(found.undefined, no_interval, strict=True))
        return MetricColumn(found.value, low, high, reason)


@dataclass(frozen=True, kw_only=True)
class ClassMetric(Definition):
    """The description of a per-class metric, and the function that computes it."""

    compute: Share | Estimated


def per_class_metrics(matrix: ConfusionMatrix) -> dict[str, MetricColumn]:
    """Every metric of :data:`PER_CLASS`, in that order, by name; each of all K classes."""
    counts = ClassCounts.of(matrix)
    if counts.n == 0:
        return {metric.name: _nothing(matrix.n_classes) for metric in PER_CLASS}
    return {metric.name: metric.compute(counts) for metric in PER_CLASS}


def _nothing(n_classes: int) -> MetricColumn:
    nan = np.full(n_classes, np.nan)
    return MetricColumn(nan, nan, nan, ("no_samples",) * n_classes)


_YERUSHALMY = "Yerushalmy 1947, Public Health Reports 62, 1432–1449"


_ALTMAN = "Altman & Bland 1994, BMJ 309, 102"


_RIJSBERGEN = "van Rijsbergen 1979, Information Retrieval, 2nd edition, chapter 7"


_POWERS = "Powers 2011, Journal of Machine Learning Technologies 2, 37–63"


_NEITHER = "when the class has no samples and is never predicted"


_F1, _F2, _F05 = FBeta(1, 1), FBeta(4, 1), FBeta(1, 4)


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
        compute=Share(lambda c: c.tp, lambda c: c.predicted, "never_predicted"),
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
        compute=Share(lambda c: c.tp, lambda c: c.support, "no_true_samples"),
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
        compute=Share(lambda c: c.tn, lambda c: c.others, "no_other_samples"),
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
        compute=Share(lambda c: c.tn, lambda c: c.predicted_other, "always_predicted"),
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
        compute=Share(lambda c: c.fp, lambda c: c.others, "no_other_samples"),
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
        compute=Share(lambda c: c.fn, lambda c: c.support, "no_true_samples"),
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
        compute=Share(lambda c: c.fp, lambda c: c.predicted, "never_predicted"),
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
        compute=Share(lambda c: c.fn, lambda c: c.predicted_other, "always_predicted"),
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
        undefined=_NEITHER,
        source=f"{_RIJSBERGEN}; standard error: {TAKAHASHI}",
        compute=Estimated(_F1, LOGIT, _F1.value),
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
        undefined=_NEITHER,
        source="Jaccard 1912, New Phytologist 11, 37–50",
        compute=Estimated(class_metrics.jaccard, LOGIT, class_metrics.jaccard_value),
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
        compute=Estimated(
            class_metrics.balanced_accuracy, LOGIT, class_metrics.balanced_accuracy_value
        ),
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
        compute=Estimated(class_metrics.matthews, ATANH, class_metrics.matthews_value),
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
        compute=Share(lambda c: c.support, lambda c: np.full(len(c.support), c.n), "no_samples"),
    ),
    ClassMetric(
        name="f2",
        title="F2",
        formula="5 TP / (5 TP + 4 FN + FP)",
        meaning="F1 with more weight on recall: a missed sample costs four times a false alarm.",
        also="F-beta with β = 2",
        interval=LOGIT.name,
        undefined=_NEITHER,
        source=_RIJSBERGEN,
        compute=Estimated(_F2, LOGIT, _F2.value),
    ),
    ClassMetric(
        name="f0_5",
        title="F0.5",
        formula="5 TP / (5 TP + FN + 4 FP)",
        meaning=(
            "F1 with more weight on precision: a false alarm costs four times a missed sample."
        ),
        also="F-beta with β = 0.5",
        interval=LOGIT.name,
        undefined=_NEITHER,
        source=_RIJSBERGEN,
        compute=Estimated(_F05, LOGIT, _F05.value),
    ),
    ClassMetric(
        name="informedness",
        title="Informedness",
        formula="recall + specificity − 1 = 2 · balanced accuracy − 1",
        meaning=(
            "How much better than guessing the class is told from the rest, "
            "however common it is: 1 is perfect, 0 is guessing, −1 is always the wrong way round."
        ),
        also="Youden's J, bookmaker informedness, ΔP′",
        interval=ATANH.name,
        undefined="when the class has no samples, or every sample is of it",
        source=f"Youden 1950, Cancer 3, 32–35; {_POWERS}",
        kind="signed",
        compute=Estimated(class_metrics.informedness, ATANH, class_metrics.informedness_value),
    ),
    ClassMetric(
        name="markedness",
        title="Markedness",
        formula="precision + NPV − 1",
        meaning=(
            "How much an answer, “is the class” or “is not”, tells beyond guessing: "
            "1 is always true, 0 tells nothing, −1 is always false."
        ),
        also="ΔP",
        interval=ATANH.name,
        undefined="when the class is predicted never or always",
        source=_POWERS,
        kind="signed",
        compute=Estimated(class_metrics.markedness, ATANH, class_metrics.markedness_value),
    ),
    ClassMetric(
        name="lift",
        title="Lift",
        formula="precision / prevalence = TP · n / (predicted · support)",
        meaning=(
            "How many times more common the class is among the samples that are called it than "
            "in the whole test set: 1 is guessing. A rare class can reach a high lift, a common "
            "one cannot."
        ),
        interval=LOG.name,
        undefined="when the class has no samples or is never predicted",
        source="Brin et al. 1997, ACM SIGMOD, 255–264",
        kind="ratio",
        compute=Estimated(class_metrics.lift, LOG, class_metrics.lift_value),
    ),
)
"""The metrics of a class, in the order of columns in JSON, CSV and page."""
