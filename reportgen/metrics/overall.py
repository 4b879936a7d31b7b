"""Metrics of the whole matrix.

A metric is added by one entry in :data:`SUMMARY`: its description and its function. Macro averages
are over the classes that have samples, or by wish over all; see :func:`macro_note`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics import gradients
from reportgen.metrics.definitions import TAKAHASHI, Definition, MacroMode, Metric
from reportgen.metrics.gradients import Figure
from reportgen.metrics.intervals import ATANH, CONFIDENCE, LOGIT, WILSON, Scale, wilson
from reportgen.metrics.per_class import Interval

__all__ = [
    "SUMMARY",
    "Estimate",
    "MacroNote",
    "Proportion",
    "SummaryMetric",
    "Whole",
    "macro_note",
    "summary_metrics",
]


TOP_K = 5


@dataclass(frozen=True)
class Whole:
    """What the metrics of the whole are computed from.

    Attributes
    ----------
    matrix
        At least one sample.
    top5_hits
        Samples whose true class is among the five largest scores; None where there are no scores.
    macro
        Which classes macro averages are over.
    """

    matrix: ConfusionMatrix
    top5_hits: int | None
    macro: MacroMode = "present"


@dataclass(frozen=True)
class Proportion:
    """A share of samples with an interval of proportions.

    Attributes
    ----------
    of
        → (successes, trials), trials at least 1, or the reason code where there are none.
    """

    of: Callable[[Whole], tuple[int, int] | str]

    def __call__(self, whole: Whole, interval: Interval = wilson) -> Metric:
        found = self.of(whole)
        if isinstance(found, str):
            return Metric(None, None, found)
        low, high = interval(*found)
        return Metric(found[0] / found[1], (float(low), float(high)), None)


@dataclass(frozen=True)
class Estimate:
    """A figure with its delta-method interval.

    Attributes
    ----------
    statistic
        → the figure, which knows its error; None where labels or predictions are constant.
    scale
        On which the interval is symmetric.
    """

    statistic: Callable[[Whole], Figure | None]
    scale: Scale

    def __call__(self, whole: Whole) -> Metric:
        found = self.statistic(whole)
        if found is None:
            return Metric(None, None, "constant_labels_or_predictions")
        if found.value == self.scale.best:
            return Metric(found.value, None, "no_errors_seen")
        if found.value == self.scale.worst:
            return Metric(found.value, None, "none_right")
        low, high = self.scale.interval(found.value, found.standard_error(whole.matrix))
        if np.isnan(low):
            return Metric(found.value, None, "no_interval")
        return Metric(found.value, (float(low), float(high)), None)


@dataclass(frozen=True, kw_only=True)
class SummaryMetric(Definition):
    """The description of a metric of the whole matrix, and the function that computes it."""

    compute: Callable[[Whole], Metric]


@dataclass(frozen=True)
class MacroNote:
    """What macro averages leave out or count as 0; a report prints both.

    Attributes
    ----------
    absent
        Indices of classes without samples: left out, or counted as 0 where `macro` is ``"all"``.
    never_predicted
        Indices of classes with samples that are never predicted: precision counted as 0.
    n_averaged
        Number of classes that macro averages are over.
    macro
        Which classes those are: :data:`~reportgen.metrics.MACRO_MODES`.
    """

    absent: list[int]
    never_predicted: list[int]
    n_averaged: int
    macro: MacroMode = "present"


def summary_metrics(
    matrix: ConfusionMatrix, top5_hits: int | None = None, *, macro: MacroMode = "present"
) -> dict[str, Metric]:
    """Every metric of :data:`SUMMARY`, in that order, by name.

    Parameters
    ----------
    matrix
        Counts; without a sample, every metric is n/a with ``no_samples``.
    top5_hits
        Samples whose true class is among the five largest scores, or None where there are no
        scores.
    macro
        Which classes macro precision, recall and F1 average: those with samples, or every
        declared one, a class without samples counting as 0 (scikit-learn with all ``labels`` and
        ``zero_division=0``). Balanced accuracy is over the classes with samples in both modes.

    Raises :class:`ValueError` where the hits are negative or more than the samples.

    A metric with a delta-method interval has none at its ends, where the method's error is 0:
    reason ``no_errors_seen`` at 1, ``none_right`` at 0 (MCC and kappa: at −1). MCC and kappa of
    exactly 0 are inside their scale and keep the interval. Where the error is 0 inside the scale
    (kappa of a constant predictor; one class all right, one all wrong) the reason is
    ``no_interval``: an interval of no width would be a lie.
    """
    if top5_hits is not None and not 0 <= top5_hits <= matrix.n_samples:
        raise ValueError(f"{top5_hits} top-5 hits among {matrix.n_samples} samples")
    if matrix.n_samples == 0:
        return {metric.name: Metric(None, None, "no_samples") for metric in SUMMARY}
    whole = Whole(matrix, top5_hits, macro)
    return {metric.name: metric.compute(whole) for metric in SUMMARY}


def macro_note(matrix: ConfusionMatrix, macro: MacroMode = "present") -> MacroNote:
    """Which classes macro averages leave out, and which figures they count as 0."""
    present = matrix.true_totals > 0
    silent = present & (matrix.predicted_totals == 0)
    return MacroNote(
        np.flatnonzero(~present).tolist(),
        np.flatnonzero(silent).tolist(),
        gradients.n_averaged(matrix, macro),
        macro,
    )


def _accuracy(whole: Whole) -> tuple[int, int]:
    return whole.matrix.n_correct, whole.matrix.n_samples


def _error_rate(whole: Whole) -> tuple[int, int]:
    return whole.matrix.n_errors, whole.matrix.n_samples


def _no_information_rate(whole: Whole) -> Metric:
    """Goodman's simultaneous intervals of all classes: the one of the most common holds its share
    whichever class that really is.
    """
    totals, n = whole.matrix.true_totals, whole.matrix.n_samples
    largest, n_present = int(totals.max()), int(np.count_nonzero(totals))
    low, high = wilson(largest, n, 1 - (1 - CONFIDENCE) / n_present)
    return Metric(largest / n, (float(low), float(high)), None)


def _top5_accuracy(whole: Whole) -> tuple[int, int] | str:
    if whole.matrix.n_classes <= TOP_K:  # said first: scores would not help
        return "too_few_classes"
    if whole.top5_hits is None:
        return "no_scores"
    return whole.top5_hits, whole.matrix.n_samples


def _of(
    statistic: Callable[[ConfusionMatrix], Figure | None],
) -> Callable[[Whole], Figure | None]:
    return lambda whole: statistic(whole.matrix)


def _macro(
    statistic: Callable[[ConfusionMatrix, MacroMode], Figure],
) -> Callable[[Whole], Figure]:
    return lambda whole: statistic(whole.matrix, whole.macro)


_NO_SAMPLES = "when there are no samples"


_CONSTANT = "when all samples have one true class, or all have one predicted class"


_BROWN = (
    "interval: Wilson 1927, JASA 22, 209–212; "
    "Brown, Cai & DasGupta 2001, Statistical Science 16, 101–133"
)


_SOKOLOVA = "Sokolova & Lapalme 2009, Information Processing & Management 45, 427–437"


SUMMARY: tuple[SummaryMetric, ...] = (
    SummaryMetric(
        name="accuracy",
        title="Accuracy",
        formula="Σ TP / n",
        meaning="The share of all samples that the model gets right.",
        also="micro precision, micro recall, micro F1, top-1 accuracy",
        interval=WILSON,
        undefined=_NO_SAMPLES,
        source=_BROWN,
        compute=Proportion(_accuracy),
    ),
    SummaryMetric(
        name="error_rate",
        title="Error rate",
        formula="1 − Σ TP / n",
        meaning="The share of all samples that the model gets wrong.",
        also="zero-one loss, misclassification rate",
        interval=WILSON,
        undefined=_NO_SAMPLES,
        source=_BROWN,
        higher_is_better=False,
        compute=Proportion(_error_rate),
    ),
    SummaryMetric(
        name="no_information_rate",
        title="No-information rate",
        formula="max support / n",
        meaning=(
            "The accuracy of always answering the most common class, without looking. "
            "A useful model is well above it."
        ),
        also="majority-class accuracy, ZeroR baseline",
        interval=f"{WILSON}, simultaneous over the classes that have samples (Bonferroni)",
        undefined=_NO_SAMPLES,
        source=(
            "Kuhn 2008, Journal of Statistical Software 28(5); "
            "interval: Goodman 1965, Technometrics 7, 247–254"
        ),
        higher_is_better=None,
        compute=_no_information_rate,
    ),
    SummaryMetric(
        name="balanced_accuracy",
        title="Balanced accuracy",
        formula="mean recall",
        meaning=(
            "The accuracy if every class were equally common: "
            "a rare class counts as much as a common one."
        ),
        also="macro recall, mean per-class accuracy, unweighted average recall",
        interval=LOGIT.name,
        undefined=_NO_SAMPLES,
        source="Brodersen et al. 2010, ICPR, 3121–3124",
        compute=Estimate(_of(gradients.macro_recall), LOGIT),
    ),
    SummaryMetric(
        name="macro_precision",
        title="Macro precision",
        formula="mean precision",
        meaning=(
            "The average of the classes' precision, each class counting the same; "
            "a class that is never predicted counts as 0."
        ),
        also="macro-averaged positive predictive value",
        interval=LOGIT.name,
        undefined=_NO_SAMPLES,
        source=_SOKOLOVA,
        compute=Estimate(_macro(gradients.macro_precision), LOGIT),
    ),
    SummaryMetric(
        name="macro_recall",
        title="Macro recall",
        formula="mean recall",
        meaning=(
            "The average of the classes' recall, each class counting the same. "
            "Over the classes that have samples, it is the balanced accuracy."
        ),
        also="balanced accuracy, macro-averaged sensitivity",
        interval=LOGIT.name,
        undefined=_NO_SAMPLES,
        source=_SOKOLOVA,
        compute=Estimate(_macro(gradients.macro_recall), LOGIT),
    ),
    SummaryMetric(
        name="macro_f1",
        title="Macro F1",
        formula="mean F1",
        meaning=(
            "The average of the classes' F1, each class counting the same: "
            "a weak rare class shows. It is not the F1 of macro precision and macro recall."
        ),
        also="macro-averaged F-score",
        interval=LOGIT.name,
        undefined=_NO_SAMPLES,
        source=f"Opitz & Burst 2019, arXiv:1911.03347; standard error: {TAKAHASHI}",
        compute=Estimate(_macro(gradients.macro_f1), LOGIT),
    ),
    SummaryMetric(
        name="weighted_precision",
        title="Weighted precision",
        formula="Σ support · precision / n",
        meaning=(
            "The average of the classes' precision, each class counting by its number of samples; "
            "a class that is never predicted counts as 0."
        ),
        also="support-weighted precision",
        interval=LOGIT.name,
        undefined=_NO_SAMPLES,
        source=_SOKOLOVA,
        compute=Estimate(_of(gradients.weighted_precision), LOGIT),
    ),
    SummaryMetric(
        name="weighted_recall",
        title="Weighted recall",
        formula="Σ support · recall / n",
        meaning=(
            "The average of the classes' recall, each class counting by its number of samples. "
            "It is the accuracy."
        ),
        also="accuracy",
        interval=WILSON,
        undefined=_NO_SAMPLES,
        source=_SOKOLOVA,
        compute=Proportion(_accuracy),
    ),
    SummaryMetric(
        name="weighted_f1",
        title="Weighted F1",
        formula="Σ support · F1 / n",
        meaning="The average of the classes' F1, each class counting by its number of samples.",
        also="support-weighted F-score",
        interval=LOGIT.name,
        undefined=_NO_SAMPLES,
        source=_SOKOLOVA,
        compute=Estimate(_of(gradients.weighted_f1), LOGIT),
    ),
    SummaryMetric(
        name="cohen_kappa",
        title="Cohen's kappa",
        formula="(p_o − p_e) / (1 − p_e), p_o = accuracy, p_e = Σ support · predicted / n²",
        meaning=(
            "How much of the way from chance agreement to perfect agreement the model goes: "
            "1 is perfect, 0 is what random answers in the same proportions give."
        ),
        also="kappa",
        interval=ATANH.name,
        undefined="when all samples have one and the same true and predicted class",
        source=(
            "Cohen 1960, Educational and Psychological Measurement 20, 37–46; "
            "standard error: Fleiss, Cohen & Everitt 1969, Psychological Bulletin 72, 323–327"
        ),
        kind="signed",
        compute=Estimate(_of(gradients.cohen_kappa), ATANH),
    ),
    SummaryMetric(
        name="matthews_corrcoef",
        title="Matthews correlation",
        formula="(n Σ TP − Σ support · predicted) / √((n² − Σ support²)(n² − Σ predicted²))",
        meaning=(
            "Correlation of true and predicted classes, in which every cell of the matrix counts: "
            "1 is perfect, 0 is no better than chance."
        ),
        also="MCC, R_K, phi coefficient (two classes)",
        interval=ATANH.name,
        undefined=_CONSTANT,
        source="Gorodkin 2004, Computational Biology and Chemistry 28, 367–374",
        kind="signed",
        compute=Estimate(_of(gradients.matthews), ATANH),
    ),
    SummaryMetric(
        name="top5_accuracy",
        title="Top-5 accuracy",
        formula="samples with the true class among the 5 largest scores / n",
        meaning=(
            "The share of all samples whose true class is among the model's five best guesses; "
            "ties count against the model."
        ),
        also="top-5 hit rate, 1 − top-5 error",
        interval=WILSON,
        undefined="when there are no scores, or five classes or fewer",
        source="Russakovsky et al. 2015, International Journal of Computer Vision 115, 211–252",
        compute=Proportion(_top5_accuracy),
    ),
)
"""The metrics of the whole, in the order of JSON and page."""
