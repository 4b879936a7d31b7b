"""One-vs-rest metrics, for all classes at once.

To add a metric, add one entry to :data:`PER_CLASS`: its description and its function. Its order is
that of columns everywhere; new ones come last.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics import class_metrics
from reportgen.metrics.class_metrics import (
    SCORE_OF_BOTH,
    ClassCounts,
    ClassInterval,
    FBeta,
    Figure,
    LogRatio,
    OfUnion,
    Score,
    ratio,
)
from reportgen.metrics.definitions import TAKAHASHI, Definition, MetricColumn, Reasons, reasons
from reportgen.metrics.intervals import LOG, SCORE, UNION, WILSON, wilson
from reportgen.metrics.terms import Values

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
    """A proportion of samples with its interval; n/a if the denominator is 0.

    Attributes
    ----------
    part, whole
        Counts, int64, shape (K,).
    reason
        The reason code for a denominator of 0.
    """

    part: Callable[[ClassCounts], Counts]
    whole: Callable[[ClassCounts], Counts]
    reason: str

    def __call__(self, counts: ClassCounts, interval: Interval = wilson) -> MetricColumn:
        k, n = self.part(counts), self.whole(counts)
        return MetricColumn(ratio(k, n), *interval(k, n), reasons(len(n), (n == 0, self.reason)))


@dataclass(frozen=True)
class Estimated:
    """A metric other than a proportion, with its interval.

    Attributes
    ----------
    figure
        Function of TP, support, predictions and number of samples.
    undefined
        The reason code of each class whose metric is undefined, else None.
    interval
        The interval method.
    few
        Which classes have too few samples for an interval; None if there is no limit.
    """

    figure: Figure
    undefined: Callable[[ClassCounts], Reasons]
    interval: ClassInterval = SCORE_OF_BOTH
    few: Callable[[ClassCounts], NDArray[np.bool_]] | None = None

    def value(self, counts: ClassCounts) -> Floats:
        """The metric only: float64, shape (K,); nan if undefined."""
        columns = (counts.tp, counts.support, counts.predicted)
        tp, support, predicted = (np.asarray(x, np.float64) for x in columns)
        return np.asarray(self.figure(tp, support, predicted, float(counts.n)), np.float64)

    def __call__(self, counts: ClassCounts, limits: tuple[float, float]) -> MetricColumn:
        value = self.value(counts)
        low, high = self.interval(self.figure, counts, limits)
        few = np.zeros(len(value), np.bool_) if self.few is None else self.few(counts)
        missing = few | np.isnan(low) | np.isnan(high) | np.isnan(value)
        low, high = np.where(missing, np.nan, low), np.where(missing, np.nan, high)
        worst, best = limits
        no_interval = reasons(
            len(low),
            (few, "too_few_samples"),
            (missing & (value == best), "no_errors_seen"),
            (missing & (value == worst), "none_right"),
            (missing, "no_interval"),
        )
        reason = tuple(a or b for a, b in zip(self.undefined(counts), no_interval, strict=True))
        return MetricColumn(value, low, high, reason)


@dataclass(frozen=True, kw_only=True)
class ClassMetric(Definition):
    """The description and computation of a class metric."""

    compute: Share | Estimated

    def value(self, tp: Values, support: Values, predicted: Values, n: Values) -> Floats:
        """The metric only, from counts of any shape: float64; nan if undefined."""
        tp, support, predicted = (np.asarray(x) for x in (tp, support, predicted))
        n = np.broadcast_to(n, tp.shape)
        if isinstance(self.compute, Estimated):
            return np.asarray(
                self.compute.figure(
                    *(np.asarray(x, np.float64) for x in (tp, support, predicted, n))
                )
            )
        fp, fn = predicted - tp, support - tp
        counts = ClassCounts(n, support, predicted, tp, fp, fn, n - tp - fp - fn)
        return ratio(self.compute.part(counts), self.compute.whole(counts))

    def can_be_resampled(self, counts: ClassCounts) -> NDArray[np.bool_]:
        """Whether resamples of each class's counts vary as much as test sets: shape (K,)."""
        if isinstance(self.compute, Share):
            return np.ones(len(counts.tp), np.bool_)
        return class_metrics.is_variance_seen(self.compute.figure, counts)

    def of(self, counts: ClassCounts, interval: Interval = wilson) -> MetricColumn:
        """The metric of all classes; `interval` is that of proportions."""
        if isinstance(self.compute, Share):
            return self.compute(counts, interval)
        return self.compute(counts, self.range)


def per_class_metrics(matrix: ConfusionMatrix) -> dict[str, MetricColumn]:
    """All metrics of :data:`PER_CLASS`, in order, by name; each for all K classes."""
    counts = ClassCounts.of(matrix)
    if counts.n == 0:
        return {metric.name: _nothing(matrix.n_classes) for metric in PER_CLASS}
    return {metric.name: metric.of(counts) for metric in PER_CLASS}


def _nothing(n_classes: int) -> MetricColumn:
    nan = np.full(n_classes, np.nan)
    return MetricColumn(nan, nan, nan, ("no_samples",) * n_classes)


_YERUSHALMY = "Yerushalmy 1947, Public Health Reports 62, 1432–1449"


_ALTMAN = "Altman & Bland 1994, BMJ 309, 102"


_RIJSBERGEN = "van Rijsbergen 1979, Information Retrieval, 2nd edition, chapter 7"


_POWERS = "Powers 2011, Journal of Machine Learning Technologies 2, 37–63"


_NEITHER = "when the class has no samples and is never predicted"


FEWEST_OF_CLASS = 3
"""With fewer samples or predictions of a class, intervals of some metrics have too low coverage.

Those are means of two proportions, one of which has this denominator.
"""


FEWEST_OTHERS = 20
"""With fewer samples of the other classes, the interval of lift has too low coverage."""


def _few_true(counts: ClassCounts) -> NDArray[np.bool_]:
    return np.asarray(counts.support < FEWEST_OF_CLASS)


def _few_predicted(counts: ClassCounts) -> NDArray[np.bool_]:
    return np.asarray(counts.predicted < FEWEST_OF_CLASS)


def _neither(counts: ClassCounts) -> Reasons:
    absent = (counts.support == 0) & (counts.predicted == 0)
    return reasons(len(absent), (absent, "absent_and_never_predicted"))


def _no_two_sides(counts: ClassCounts) -> Reasons:
    return reasons(
        len(counts.support),
        (counts.support == 0, "no_true_samples"),
        (counts.others == 0, "no_other_samples"),
    )


def _no_two_answers(counts: ClassCounts) -> Reasons:
    return reasons(
        len(counts.support),
        (counts.predicted == 0, "never_predicted"),
        (counts.predicted_other == 0, "always_predicted"),
    )


def _one_class(counts: ClassCounts) -> Reasons:
    sides = (counts.support, counts.others, counts.predicted, counts.predicted_other)
    constant = np.any([side == 0 for side in sides], axis=0)
    return reasons(len(counts.support), (constant, "one_class_only"))


def _no_lift(counts: ClassCounts) -> Reasons:
    return reasons(
        len(counts.support),
        (counts.support == 0, "no_true_samples"),
        (counts.predicted == 0, "never_predicted"),
    )


COUNTS: tuple[Definition, ...] = (
    Definition(
        name="support",
        title="Support",
        formula="TP + FN",
        meaning="Number of test samples of the class.",
        also="true samples, condition positive",
        source="a count",
        kind="count",
        higher_is_better=None,
    ),
    Definition(
        name="predicted",
        title="Predicted",
        formula="TP + FP",
        meaning="Number of samples predicted as the class, correct or not.",
        also="test outcome positive",
        source="a count",
        kind="count",
        higher_is_better=None,
    ),
    Definition(
        name="tp",
        title="TP",
        formula="TP",
        meaning="Samples of the class predicted as the class.",
        also="true positives, hits",
        source="a count",
        kind="count",
    ),
    Definition(
        name="fp",
        title="FP",
        formula="FP",
        meaning="Samples of other classes predicted as the class.",
        also="false positives, false alarms, type I errors",
        source="a count",
        kind="count",
        higher_is_better=False,
    ),
    Definition(
        name="fn",
        title="FN",
        formula="FN",
        meaning="Samples of the class predicted as another class.",
        also="false negatives, misses, type II errors",
        source="a count",
        kind="count",
        higher_is_better=False,
    ),
    Definition(
        name="tn",
        title="TN",
        formula="TN",
        meaning="Samples of other classes predicted as other classes.",
        also="true negatives, correct rejections",
        source="a count",
        kind="count",
    ),
)
"""The counts beside the metrics of a class, in the order of columns."""


PER_CLASS: tuple[ClassMetric, ...] = (
    ClassMetric(
        name="precision",
        title="Precision",
        formula="TP / (TP + FP)",
        meaning="Fraction of the predictions of the class that are correct.",
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
        meaning="Fraction of the class's samples that are predicted correctly.",
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
            "Fraction of the other classes' samples that are not predicted as the class. "
            "With many classes it is high for nearly every class."
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
        meaning=("Fraction of the predictions of other classes that do not belong to the class."),
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
        meaning="Fraction of the other classes' samples that are predicted as the class.",
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
        meaning="Fraction of the class's samples that are predicted as another class.",
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
        meaning="Fraction of the predictions of the class that are incorrect.",
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
        meaning=("Fraction of the predictions of other classes that belong to the class."),
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
        meaning=("Harmonic mean of precision and recall. It is high only if both are high."),
        also="F-score, Dice coefficient, Sørensen index",
        interval=UNION,
        undefined=_NEITHER,
        source=f"{_RIJSBERGEN}; standard error: {TAKAHASHI}",
        compute=Estimated(FBeta(1, 1), _neither, OfUnion(lambda end: 2 * end / (1 + end))),
    ),
    ClassMetric(
        name="jaccard",
        title="Jaccard index",
        formula="TP / (TP + FP + FN) = F1 / (2 − F1)",
        meaning=(
            "Intersection over union of true and predicted samples of the class. "
            "It ranks classes as F1 does, with lower values."
        ),
        also="intersection over union (IoU), critical success index, threat score",
        interval=UNION,
        undefined=_NEITHER,
        source="Jaccard 1912, New Phytologist 11, 37–50",
        compute=Estimated(class_metrics.jaccard, _neither, OfUnion(lambda end: end)),
    ),
    ClassMetric(
        name="balanced_accuracy",
        title="Balanced accuracy",
        formula="(recall + specificity) / 2",
        meaning=("Accuracy one vs rest at a prevalence of 50%; 50% is chance level."),
        also="area under the ROC curve of the hard decision",
        interval=SCORE,
        undefined="when the class has no samples, or every sample is of it",
        source="Brodersen et al. 2010, ICPR, 3121–3124",
        compute=Estimated(
            class_metrics.balanced_accuracy, _no_two_sides, Score("true", skewed=False), _few_true
        ),
    ),
    ClassMetric(
        name="mcc",
        title="MCC",
        formula="(TP·TN − FP·FN) / √((TP+FP)(TP+FN)(TN+FP)(TN+FN))",
        meaning=(
            "Correlation of true and predicted membership in the class: 1 is "
            "perfect, 0 is chance level, −1 is total disagreement."
        ),
        also="Matthews correlation coefficient, phi",
        interval=SCORE,
        undefined="when the class has no samples or all, or is predicted never or always",
        source="Matthews 1975, Biochimica et Biophysica Acta 405, 442–451",
        kind="signed",
        range=(-1.0, 1.0),
        compute=Estimated(class_metrics.matthews, _one_class),
    ),
    ClassMetric(
        name="prevalence",
        title="Prevalence",
        formula="(TP + FN) / n",
        meaning=(
            "Fraction of the test samples that belong to the class. Precision and NPV depend on it."
        ),
        also="base rate, class frequency",
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
        meaning="F1 with more weight on recall: a false negative costs 4 times a false positive.",
        also="F-beta with β = 2",
        interval=SCORE,
        undefined=_NEITHER,
        source=_RIJSBERGEN,
        compute=Estimated(FBeta(4, 1), _neither, Score("true")),
    ),
    ClassMetric(
        name="f0_5",
        title="F0.5",
        formula="5 TP / (5 TP + FN + 4 FP)",
        meaning=(
            "F1 with more weight on precision: a false positive costs 4 times a false negative."
        ),
        also="F-beta with β = 0.5",
        interval=SCORE,
        undefined=_NEITHER,
        source=_RIJSBERGEN,
        compute=Estimated(FBeta(1, 4), _neither, Score("predicted")),
    ),
    ClassMetric(
        name="informedness",
        title="Informedness",
        formula="recall + specificity − 1 = 2 · balanced accuracy − 1",
        meaning=(
            "Recall minus false-positive rate, independent of "
            "prevalence: 1 is perfect, 0 is chance level, −1 is total disagreement."
        ),
        also="Youden's J, bookmaker informedness, ΔP′",
        interval=SCORE,
        undefined="when the class has no samples, or every sample is of it",
        source=f"Youden 1950, Cancer 3, 32–35; {_POWERS}",
        kind="signed",
        range=(-1.0, 1.0),
        compute=Estimated(
            class_metrics.informedness, _no_two_sides, Score("true", skewed=False), _few_true
        ),
    ),
    ClassMetric(
        name="markedness",
        title="Markedness",
        formula="precision + NPV − 1",
        meaning=(
            "Precision plus NPV, minus 1: 1 means that every prediction is correct, 0 "
            "is chance level, −1 that every prediction is incorrect."
        ),
        also="ΔP",
        interval=SCORE,
        undefined="when the class is predicted never or always",
        source=_POWERS,
        kind="signed",
        range=(-1.0, 1.0),
        compute=Estimated(
            class_metrics.markedness,
            _no_two_answers,
            Score("predicted", skewed=False),
            _few_predicted,
        ),
    ),
    ClassMetric(
        name="lift",
        title="Lift",
        formula="precision / prevalence = TP · n / (predicted · support)",
        meaning=(
            "How many times more frequent the class is among its predictions "
            "than in the test set; 1 is chance level. Only a rare class can reach a high lift."
        ),
        interval=LOG.name,
        undefined="when the class has no samples or is never predicted",
        source="Brin et al. 1997, ACM SIGMOD, 255–264",
        kind="ratio",
        range=(0.0, math.inf),
        compute=Estimated(
            class_metrics.lift, _no_lift, LogRatio(), lambda c: c.others < FEWEST_OTHERS
        ),
    ),
)
"""The class metrics, in the order of columns in JSON, CSV and page."""
