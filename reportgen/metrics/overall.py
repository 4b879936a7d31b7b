"""Overall metrics.

To add a metric, add one entry to :data:`SUMMARY`: its description, the terms that are summed over
the classes, and a function of the sums. Macro averages are over the classes with samples, or
optionally over all; see :func:`macro_note`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics.counted import Counted, Statistic
from reportgen.metrics.definitions import TAKAHASHI, Definition, Metric
from reportgen.metrics.intervals import CONFIDENCE, SCORE, WILSON, wilson
from reportgen.metrics.macro_modes import MacroMode
from reportgen.metrics.per_class import Interval
from reportgen.metrics.score_interval import Given, cells_of, is_variance_seen, score_interval
from reportgen.metrics.terms import (
    AVERAGED,
    CHANCE,
    ERRORS,
    F1,
    PRECISION,
    PREDICTED_SQUARES,
    PRESENT,
    RECALL,
    RIGHT,
    SUPPORT,
    TRUE_SQUARES,
    WEIGHTED_F1,
    WEIGHTED_PRECISION,
    Term,
    Values,
    divided,
    root,
)

__all__ = [
    "SUMMARY",
    "Estimate",
    "MacroNote",
    "Proportion",
    "SummaryMetric",
    "TopHits",
    "Whole",
    "macro_note",
    "many_in_small_classes",
    "many_small_classes",
    "summary_metrics",
]


TOP_K = 5


@dataclass(frozen=True)
class Whole:
    """The input of the overall metrics.

    Attributes
    ----------
    matrix
        Counts, with at least one sample.
    top5_hits
        Number of samples whose true class is among the five largest scores; None without scores.
    macro
        The classes that macro averages are over.
    """

    matrix: ConfusionMatrix
    top5_hits: int | None
    macro: MacroMode = "present"


@dataclass(frozen=True)
class Proportion:
    """A proportion of samples with its interval.

    Attributes
    ----------
    part, whole
        The integer terms that are summed over the classes.
    """

    part: Term
    whole: Term = SUPPORT

    @property
    def statistic(self) -> Counted:
        """The proportion, for resamples."""
        return Counted((self.part, self.whole), divided)

    def __call__(
        self, whole: Whole, _limits: tuple[float, float], interval: Interval = wilson
    ) -> Metric:
        part, total = (_sum(term, whole.matrix) for term in (self.part, self.whole))
        low, high = interval(part, total)
        return Metric(part / total, (float(low), float(high)), None)


def _sum(term: Term, matrix: ConfusionMatrix) -> int:
    return int(term.of(matrix.diagonal, matrix.true_totals, matrix.predicted_totals).sum())


@dataclass(frozen=True)
class TopHits:
    """The proportion of samples whose true class is among the largest scores."""

    def __call__(
        self, whole: Whole, _limits: tuple[float, float], interval: Interval = wilson
    ) -> Metric:
        if whole.matrix.n_classes <= TOP_K:  # checked first: scores would not help
            return Metric(None, None, "too_few_classes")
        if whole.top5_hits is None:
            return Metric(None, None, "no_scores")
        low, high = interval(whole.top5_hits, whole.matrix.n_samples)
        share = whole.top5_hits / whole.matrix.n_samples
        return Metric(share, (float(low), float(high)), None)


@dataclass(frozen=True)
class Estimate:
    """A metric other than a proportion, with its score interval.

    Attributes
    ----------
    statistic
        The metric; nan for constant labels or predictions.
    given
        The classes that smooth its variance: a value of
        :data:`~reportgen.metrics.score_interval.Given`.
    skewed
        Whether its skewness is considered: not for a mean of recalls.
    few
        Checks whether too many classes or samples are in classes of fewer than :data:`FEW` samples
        for an interval; None if small classes do not matter.
    """

    statistic: Counted
    given: Given = "both"
    skewed: bool = True
    few: Few | None = None

    def __call__(self, whole: Whole, limits: tuple[float, float]) -> Metric:
        value = self.statistic.value(whole.matrix, whole.macro)
        if math.isnan(value):
            return Metric(None, None, "constant_labels_or_predictions")
        value = min(max(value, limits[0]), limits[1])  # rounding must not leave the range
        if self.few is not None and self.few(whole.matrix.true_totals):
            return Metric(value, None, "too_few_samples")
        low, high = score_interval(
            self.statistic,
            cells_of(whole.matrix),
            np.array([value]),
            limits=limits,
            given=self.given,
            skewed=self.skewed,
            macro=whole.macro,
        )
        if np.isnan(low[0]):
            return Metric(value, None, _why(value, limits))
        return Metric(value, (float(low[0]), float(high[0])), None)

    def can_be_resampled(self, whole: Whole) -> bool:
        """Whether resamples of the counts vary as much as test sets."""
        seen = is_variance_seen(
            self.statistic, cells_of(whole.matrix), given=self.given, macro=whole.macro
        )
        return bool(seen[0])


def _why(value: float, limits: tuple[float, float]) -> str:
    return {limits[0]: "none_right", limits[1]: "no_errors_seen"}.get(value, "no_interval")


FEW = 3
"""A class with fewer samples may have no predictions by chance."""


FEW_OF_MANY = 5
"""The limit for several such classes: their errors add up."""

Few = Callable[[NDArray[np.int64]], bool]
"""Number of samples of each class → whether they are too few."""


def many_small_classes(support: NDArray[np.int64]) -> bool:
    """Whether more than a fifth of the classes with samples have fewer than :data:`FEW`.

    For many classes, fewer than :data:`FEW_OF_MANY`.
    """
    support = support[support > 0]
    fifth = 0.2 * len(support)
    small, smallish = (np.count_nonzero(support < few) for few in (FEW, FEW_OF_MANY))
    return bool(small > fifth or smallish > max(2.0, fifth))


def many_in_small_classes(support: NDArray[np.int64]) -> bool:
    """Whether more than a tenth of the samples are in classes with fewer than :data:`FEW`."""
    return bool(support[support < FEW].sum() > 0.1 * support.sum())


Computation = Callable[[Whole, tuple[float, float]], Metric]


@dataclass(frozen=True, kw_only=True)
class SummaryMetric(Definition):
    """An overall metric: its description and computation.

    Attributes
    ----------
    compute
        A :class:`Proportion` or :class:`Estimate`, which defines value, interval, bootstrap and
        cluster-robust interval; or a function, which only returns value and interval.
    """

    compute: Computation

    def of(self, whole: Whole) -> Metric:
        """The metric with its interval."""
        return self.compute(whole, self.range)

    @property
    def statistic(self) -> Statistic | None:
        """Computes the metric in resamples; None if it can't be resampled."""
        return getattr(self.compute, "statistic", None)

    def can_be_resampled(self, whole: Whole) -> bool:
        """Whether resamples of the counts vary as much as test sets."""
        asked = getattr(self.compute, "can_be_resampled", None)
        return asked is None or bool(asked(whole))


@dataclass(frozen=True)
class MacroNote:
    """Classes that macro averages skip or count as 0; a report prints both.

    Attributes
    ----------
    absent
        Indices of classes without samples: skipped, or counted as 0 if `macro` is ``"all"``.
    never_predicted
        Indices of classes with samples that are never predicted: precision counted as 0.
    n_averaged
        Number of classes that macro averages are over.
    macro
        The mode: :data:`~reportgen.metrics.MACRO_MODES`.
    """

    absent: list[int]
    never_predicted: list[int]
    n_averaged: int
    macro: MacroMode = "present"


def summary_metrics(
    matrix: ConfusionMatrix,
    top5_hits: int | None = None,
    *,
    macro: MacroMode = "present",
    only: Collection[str] | None = None,
) -> dict[str, Metric]:
    """All metrics of :data:`SUMMARY`, in order, by name.

    Parameters
    ----------
    matrix
        Counts; without samples, all metrics are n/a with ``no_samples``.
    top5_hits
        Number of samples whose true class is among the five largest scores, or None without scores.
    macro
        The classes that macro precision, recall and F1 average over: those with samples, or all
        declared ones, with 0 for a class without samples (scikit-learn with all ``labels`` and
        ``zero_division=0``). Balanced accuracy is over the classes with samples in both modes.
    only
        Names of the requested metrics; None for all.

    Raises :class:`ValueError` if the hits are negative or exceed the samples. Without variation in
    the matrix, a metric has no interval: reason ``no_errors_seen`` at its best value,
    ``none_right`` at its worst, else ``no_interval``. Averages of precision and F1 have none if
    many classes have a sample or two: ``too_few_samples``.
    """
    if top5_hits is not None and not 0 <= top5_hits <= matrix.n_samples:
        raise ValueError(f"{top5_hits} top-5 hits among {matrix.n_samples} samples")
    wanted = [metric for metric in SUMMARY if only is None or metric.name in only]
    if matrix.n_samples == 0:
        return {metric.name: Metric(None, None, "no_samples") for metric in wanted}
    whole = Whole(matrix, top5_hits, macro)
    return {metric.name: metric.of(whole) for metric in wanted}


def macro_note(matrix: ConfusionMatrix, macro: MacroMode = "present") -> MacroNote:
    """The classes that macro averages skip, and those that they count as 0."""
    present = matrix.true_totals > 0
    silent = present & (matrix.predicted_totals == 0)
    return MacroNote(
        np.flatnonzero(~present).tolist(),
        np.flatnonzero(silent).tolist(),
        _n_averaged(matrix, macro),
        macro,
    )


def _n_averaged(matrix: ConfusionMatrix, macro: MacroMode) -> int:
    return matrix.n_classes if macro == "all" else int(np.count_nonzero(matrix.true_totals))


def _no_information_rate(whole: Whole, _limits: tuple[float, float]) -> Metric:
    """Goodman's simultaneous intervals of all classes.

    That of the most frequent class covers its proportion, whichever class it really is.
    """
    totals, n = whole.matrix.true_totals, whole.matrix.n_samples
    largest, n_present = int(totals.max()), int(np.count_nonzero(totals))
    low, high = wilson(largest, n, 1 - (1 - CONFIDENCE) / n_present)
    return Metric(largest / n, (float(low), float(high)), None)


def _kappa(right: Values, chance: Values, n: Values) -> Values:
    return divided(right * n - chance, n * n - chance)


def _matthews(
    right: Values, chance: Values, n: Values, true_squares: Values, predicted_squares: Values
) -> Values:
    spread = (n * n - true_squares) * (n * n - predicted_squares)
    return divided(right * n - chance, root(spread))


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
        meaning="Fraction of samples predicted correctly.",
        also="micro precision, micro recall, micro F1, top-1 accuracy",
        interval=WILSON,
        undefined=_NO_SAMPLES,
        source=_BROWN,
        compute=Proportion(RIGHT),
    ),
    SummaryMetric(
        name="error_rate",
        title="Error rate",
        formula="1 − Σ TP / n",
        meaning="Fraction of samples predicted incorrectly.",
        also="zero-one loss, misclassification rate",
        interval=WILSON,
        undefined=_NO_SAMPLES,
        source=_BROWN,
        higher_is_better=False,
        compute=Proportion(ERRORS),
    ),
    SummaryMetric(
        name="no_information_rate",
        title="No-information rate",
        formula="max support / n",
        meaning=(
            "Accuracy of always predicting the most frequent class. A useful "
            "model is well above it."
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
        meaning=("Accuracy if all classes were equally frequent: every class has the same weight."),
        also="macro recall, mean per-class accuracy, unweighted average recall",
        interval=SCORE,
        undefined=_NO_SAMPLES,
        source="Brodersen et al. 2010, ICPR, 3121–3124",
        compute=Estimate(Counted((RECALL, PRESENT), divided), "true", skewed=False),
    ),
    SummaryMetric(
        name="macro_precision",
        title="Macro precision",
        formula="mean precision",
        meaning=(
            "Unweighted mean of the per-class precision; a class "
            "that is never predicted counts as 0."
        ),
        also="macro-averaged positive predictive value",
        interval=SCORE,
        undefined=_NO_SAMPLES,
        source=_SOKOLOVA,
        compute=Estimate(
            Counted((PRECISION, AVERAGED), divided), "predicted", few=many_small_classes
        ),
    ),
    SummaryMetric(
        name="macro_recall",
        title="Macro recall",
        formula="mean recall",
        meaning=(
            "Unweighted mean of the per-class recall. Over the "
            "classes with samples, it equals the balanced accuracy."
        ),
        also="balanced accuracy, macro-averaged sensitivity",
        interval=SCORE,
        undefined=_NO_SAMPLES,
        source=_SOKOLOVA,
        compute=Estimate(Counted((RECALL, AVERAGED), divided), "true", skewed=False),
    ),
    SummaryMetric(
        name="macro_f1",
        title="Macro F1",
        formula="mean F1",
        meaning=(
            "Unweighted mean of the per-class F1, sensitive to "
            "rare classes. It is not the F1 of macro precision and macro recall."
        ),
        also="macro-averaged F-score",
        interval=SCORE,
        undefined=_NO_SAMPLES,
        source=f"Opitz & Burst 2019, arXiv:1911.03347; standard error: {TAKAHASHI}",
        compute=Estimate(Counted((F1, AVERAGED), divided), few=many_small_classes),
    ),
    SummaryMetric(
        name="weighted_precision",
        title="Weighted precision",
        formula="Σ support · precision / n",
        meaning=(
            "Mean of the per-class precision, weighted by support; a class that "
            "is never predicted counts as 0."
        ),
        also="support-weighted precision",
        interval=SCORE,
        undefined=_NO_SAMPLES,
        source=_SOKOLOVA,
        compute=Estimate(
            Counted((WEIGHTED_PRECISION, SUPPORT), divided),
            "predicted",
            few=many_in_small_classes,
        ),
    ),
    SummaryMetric(
        name="weighted_recall",
        title="Weighted recall",
        formula="Σ support · recall / n",
        meaning=("Mean of the per-class recall, weighted by support. It equals the accuracy."),
        also="accuracy",
        interval=WILSON,
        undefined=_NO_SAMPLES,
        source=_SOKOLOVA,
        compute=Proportion(RIGHT),
    ),
    SummaryMetric(
        name="weighted_f1",
        title="Weighted F1",
        formula="Σ support · F1 / n",
        meaning="Mean of the per-class F1, weighted by support.",
        also="support-weighted F-score",
        interval=SCORE,
        undefined=_NO_SAMPLES,
        source=_SOKOLOVA,
        compute=Estimate(Counted((WEIGHTED_F1, SUPPORT), divided)),
    ),
    SummaryMetric(
        name="cohen_kappa",
        title="Cohen's kappa",
        formula="(p_o − p_e) / (1 − p_e), p_o = accuracy, p_e = Σ support · predicted / n²",
        meaning=(
            "Agreement of labels and predictions, corrected for chance: 1 is perfect, 0 "
            "is what random predictions with the same class frequencies give."
        ),
        also="kappa",
        interval=SCORE,
        undefined="when only one class occurs, both as label and as prediction",
        source=(
            "Cohen 1960, Educational and Psychological Measurement 20, 37–46; "
            "standard error: Fleiss, Cohen & Everitt 1969, Psychological Bulletin 72, 323–327"
        ),
        kind="signed",
        range=(-1.0, 1.0),
        compute=Estimate(Counted((RIGHT, CHANCE, SUPPORT), _kappa, exact=True)),
    ),
    SummaryMetric(
        name="matthews_corrcoef",
        title="Matthews correlation",
        formula="(n Σ TP − Σ support · predicted) / √((n² − Σ support²)(n² − Σ predicted²))",
        meaning=(
            "Correlation of true and predicted classes over all cells of the matrix: "
            "1 is perfect, 0 is chance level."
        ),
        also="MCC, R_K, phi coefficient (two classes)",
        interval=SCORE,
        undefined=_CONSTANT,
        source="Gorodkin 2004, Computational Biology and Chemistry 28, 367–374",
        kind="signed",
        range=(-1.0, 1.0),
        compute=Estimate(
            Counted(
                (RIGHT, CHANCE, SUPPORT, TRUE_SQUARES, PREDICTED_SQUARES), _matthews, exact=True
            )
        ),
    ),
    SummaryMetric(
        name="top5_accuracy",
        title="Top-5 accuracy",
        formula="samples with the true class among the 5 largest scores / n",
        meaning=(
            "Fraction of samples whose true class is among the five highest scores; ties "
            "count against the model."
        ),
        also="top-5 hit rate, 1 − top-5 error",
        interval=WILSON,
        undefined="when there are no scores, or five classes or fewer",
        source="Russakovsky et al. 2015, International Journal of Computer Vision 115, 211–252",
        compute=TopHits(),
    ),
)
"""The overall metrics, in the order of JSON and page."""
