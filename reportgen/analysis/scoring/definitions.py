"""Definitions of the metrics of scores; and values with the error of binning."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reportgen.metrics import LOGIT, SCORE, WILSON, Definition, Metric

__all__ = [
    "CLASS_SCORES",
    "SCORES",
    "IntervalValue",
]


@dataclass(frozen=True)
class IntervalValue:
    """A metric that may come from histograms.

    Attributes
    ----------
    metric
        The metric with its confidence interval, or None and why.
    exact
        Whether every sample was ranked by its own score; otherwise the scores were binned.
    lowest, highest
        Bounds of the metric on these samples, over all orders inside the bins (unrelated to the
        confidence interval). Equal to the metric if it is exact; None if it is undefined.
    """

    metric: Metric
    exact: bool
    lowest: float | None
    highest: float | None

    @classmethod
    def undefined(cls, reason: str, exact: bool) -> IntervalValue:
        """No metric, with the reason."""
        return cls(Metric(None, None, reason), exact, None, None)

    @property
    def error(self) -> float:
        """Maximum error of the value on these samples; 0 if exact."""
        value = self.metric.value
        if value is None or self.lowest is None or self.highest is None:
            return 0.0
        return max(value - self.lowest, self.highest - value)


_NO_SCORES = "when there are no probabilities of all classes"


_NO_CONFIDENCE = "when there are no confidences"


_ONE_SIDE = "when the class has no samples, or every sample is of it"


_RUSSAKOVSKY = "Russakovsky et al. 2015, International Journal of Computer Vision 115, 211–252"


_GEIFMAN = "Geifman & El-Yaniv 2017, NeurIPS, 4878–4887"


_OF_ECE = (
    "infinitesimal jackknife with one additional confident error: upper end from the metric, lower "
    "end from the bias-corrected metric"
)


_HANLEY = "Hanley & McNeil 1982, Radiology 143, 29–36"


_BUCKLEY = "Buckley & Voorhees 2000, SIGIR, 33–40"


_JACKKNIFE = (
    "infinitesimal jackknife: Efron 1982, The Jackknife, the Bootstrap and Other Resampling "
    "Plans, SIAM"
)


_JOINT = "up to 5 million scores"


def _top_k(k: int, word: str) -> Definition:
    return Definition(
        name=f"top{k}_accuracy",
        title=f"Top-{k} accuracy",
        formula=f"samples with the true class among the {word} largest / n"
        if k > 1
        else "samples whose true class alone has the largest score / n",
        meaning=(
            f"Fraction of samples whose true class is among the {word} highest scores; ties "
            "count against the model."
            if k > 1
            else "Accuracy with tied scores counted as incorrect; equal to "
            "the accuracy if no scores are tied."
        ),
        also=f"top-{k} hit rate, 1 − top-{k} error",
        interval=WILSON,
        undefined=f"when there are no scores, or no more than {k} class{'es' if k > 1 else ''}",
        source=_RUSSAKOVSKY,
    )


SCORES: tuple[Definition, ...] = (
    _top_k(1, "one"),
    _top_k(3, "three"),
    Definition(
        name="log_loss",
        title="Log loss",
        formula="−mean ln p(label), in nats; p below 2⁻⁵² counts as 2⁻⁵²",
        meaning=(
            "Cross-entropy of the true class; penalises confident errors. A probability "
            "of 0 for the true class is clipped at 36 nats."
        ),
        also="cross-entropy, negative log-likelihood (NLL)",
        interval=(
            "delta method on the log scale, with one additional sample as bad as the worst, or 3 "
            "nats"
        ),
        undefined="when there are no probabilities of the true class",
        source="Good 1952, Journal of the Royal Statistical Society B 14, 107–114",
        kind="signed",
        range=(0.0, math.inf),
        higher_is_better=False,
    ),
    Definition(
        name="brier_score",
        title="Brier score (0–2)",
        formula="mean Σ_k (p_k − y_k)², y = 1 for the true class, else 0",
        meaning=(
            "Squared distance between the probabilities and the one-hot label, over all "
            "classes: 0 is perfect, 2 is worst. Some tools report half of it."
        ),
        also="quadratic score, mean squared error of probabilities",
        interval=f"{SCORE}, of half the score",
        undefined=_NO_SCORES,
        source="Brier 1950, Monthly Weather Review 78, 1–3",
        kind="signed",
        range=(0.0, 2.0),
        higher_is_better=False,
    ),
    Definition(
        name="ece",
        title="ECE",
        formula="Σ_b n_b/n · |accuracy_b − confidence_b|, 15 equal-width bins (a, b]",
        meaning=(
            "Mean gap between confidence and accuracy. In a finite sample, "
            "even a perfectly calibrated model has an ECE above 0."
        ),
        also="expected calibration error",
        interval=_OF_ECE,
        undefined=_NO_CONFIDENCE,
        source="Naeini et al. 2015, AAAI, 2901–2907; Guo et al. 2017, ICML, 1321–1330",
        higher_is_better=False,
    ),
    Definition(
        name="ece_equal_mass",
        title="ECE, equal mass",
        formula="Σ_b n_b/n · |accuracy_b − confidence_b|, 15 bins of equal size",
        meaning=(
            "ECE with bins of equal size, which resolves dense ranges of confidence more finely."
        ),
        also="adaptive calibration error of the top label",
        interval=_OF_ECE,
        undefined=_NO_CONFIDENCE,
        source="Nixon et al. 2019, CVPR Workshops; Roelofs et al. 2022, AISTATS, 4036–4054",
        higher_is_better=False,
    ),
    Definition(
        name="mce",
        title="MCE",
        formula="max_b |accuracy_b − confidence_b|, 15 equal-width bins (a, b]",
        meaning=(
            "Largest gap between confidence and accuracy in any bin; unstable for small bins."
        ),
        also="maximum calibration error",
        interval=(
            f"{WILSON} of each bin's accuracy, simultaneous over the bins with samples "
            "(Bonferroni), minus its mean confidence: the largest lower and the largest upper end"
        ),
        undefined=_NO_CONFIDENCE,
        source=(
            "Naeini et al. 2015, AAAI, 2901–2907; simultaneous intervals: Dunn 1961, JASA 56, 52–64"
        ),
        higher_is_better=False,
    ),
    Definition(
        name="ece_classwise",
        title="ECE, class-wise",
        formula="mean_k Σ_b n_kb/n · |frequency of class k_b − mean p_k,b|, 15 equal-width bins",
        meaning=(
            "Calibration error of the probabilities of every class, not only of the predicted "
            "class, "
            "averaged over the classes."
        ),
        also="static calibration error (SCE), marginal calibration error",
        interval=(
            "infinitesimal jackknife with one additional confident error, influences on all "
            "classes "
            "summed: upper end from the metric, lower end from the bias-corrected metric "
            f"({_JOINT})"
        ),
        undefined=_NO_SCORES,
        source=(
            "Nixon et al. 2019, CVPR Workshops; Kull et al. 2019, NeurIPS; "
            f"{_JACKKNIFE}; bias: Rasines & Young 2023, Biometrika 110, 597–614"
        ),
        higher_is_better=False,
    ),
    Definition(
        name="aurc",
        title="AURC",
        formula="mean over k = 1…n of the errors among the k most confident predictions / k",
        meaning=(
            "Mean selective risk over all coverages. It is low if "
            "the model is accurate and its errors have low confidence."
        ),
        also="area under the risk–coverage curve",
        interval=(f"{SCORE}; variance from the influence function, with 0.1 additional errors"),
        undefined=_NO_CONFIDENCE,
        source=_GEIFMAN,
        higher_is_better=False,
    ),
    Definition(
        name="excess_aurc",
        title="Excess AURC",
        formula="AURC − AURC of the same errors ranked last",
        meaning=(
            "AURC minus that of an ideal ranking; 0 means that all errors are less confident than "
            "all correct predictions."
        ),
        also="E-AURC",
        interval=(
            f"{LOGIT.name}, standard error from the influence function, with room above for "
            "confident errors at a rate of up to 3/n that were not seen"
        ),
        undefined=_NO_CONFIDENCE,
        source=(
            "Geifman, Uziel & El-Yaniv 2019, ICLR; room above: Hanley & Lippman-Hand 1983, "
            "JAMA 249, 1743–1745"
        ),
        higher_is_better=False,
    ),
    Definition(
        name="coverage_at_1_percent_error",
        title="Coverage at error ≤ 1%",
        formula="largest fraction of predictions, most confident first, with at most 1% errors",
        meaning=(
            "Largest coverage with at most 1% error. The threshold "
            "is chosen in-sample, so the value is optimistic."
        ),
        also="coverage at guaranteed risk",
        interval=(
            f"{WILSON} of the error at each threshold: from the coverage at which its upper bound "
            "is at most 1% to that at which its lower bound is; both ends are Wilson intervals too"
        ),
        undefined=_NO_CONFIDENCE,
        source=f"{_GEIFMAN}; test inversion: Wilson 1927, JASA 22, 209–212",
    ),
    Definition(
        name="error_at_90_percent_coverage",
        title="Error at 90% coverage",
        formula="errors / predictions, among the 90% most confident predictions",
        meaning="Error rate after abstaining on the least confident 10%.",
        also="selective risk",
        interval=f"{WILSON}, at the threshold found",
        undefined=_NO_CONFIDENCE,
        source=_GEIFMAN,
        higher_is_better=False,
    ),
    Definition(
        name="macro_roc_auc",
        title="Macro ROC AUC",
        formula="mean ROC AUC of the classes that have samples, and other samples",
        meaning=("One-vs-rest ROC AUC averaged over the classes; 0.5 is chance level."),
        also="one-vs-rest AUC, macro-averaged AUROC",
        interval=(
            f"{SCORE}, influences on all classes summed, with one additional sample on each "
            f"side ({_JOINT})"
        ),
        undefined=f"{_NO_SCORES}, or samples of one class only",
        source=_HANLEY,
        kind="signed",
    ),
    Definition(
        name="macro_average_precision",
        title="Macro average precision",
        formula="mean average precision of the classes that have samples, and other samples",
        meaning=(
            "Average precision averaged over the classes. More "
            "sensitive to rare classes than ROC AUC."
        ),
        also="mAP, macro-averaged area under the precision–recall curve",
        interval=(
            f"{SCORE}, influences on all classes summed; none where more than half of the "
            f"classes have fewer than 5 samples ({_JOINT})"
        ),
        undefined=f"{_NO_SCORES}, or samples of one class only",
        source=f"{_BUCKLEY}; {_JACKKNIFE}",
        kind="signed",
    ),
)
"""The overall metrics of scores, in the order of JSON and page. Top-5 is with the counts."""


CLASS_SCORES: tuple[Definition, ...] = (
    Definition(
        name="roc_auc",
        title="ROC AUC",
        formula="P(score of one of the class > score of another) + ½ P(equal)",
        meaning=(
            "Probability that a sample of the class scores higher than a sample "
            "of another class; 0.5 is chance level."
        ),
        also="AUROC, c-statistic, Mann–Whitney U / (P·N)",
        interval=f"{SCORE}; DeLong's variance, with one additional sample on each side",
        undefined=_ONE_SIDE,
        source=f"{_HANLEY}; DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44, 837–845",
        kind="signed",
    ),
    Definition(
        name="average_precision",
        title="Average precision",
        formula="Σ (gain in recall) · precision, over all thresholds",
        meaning=(
            "Area under the precision–recall curve of the class, one vs rest. The "
            "chance level is the class's prevalence."
        ),
        also="AP, area under the precision–recall curve",
        interval=f"{WILSON}, as a proportion of the class's samples; none with fewer than 20",
        undefined=_ONE_SIDE,
        source=f"{_BUCKLEY}; binomial error: Boyd, Eng & Page 2013, ECML PKDD, 451–466",
        kind="signed",
    ),
)
"""The class metrics of scores, in the order of columns."""
