"""`Bounded`: a figure with the range in which binning left it."""

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
    """A figure that may come from histograms.

    Attributes
    ----------
    metric
        The figure with its confidence interval, or None and why.
    exact
        Whether every sample was ranked by its own score; else the scores were binned.
    lowest, highest
        The figure of these very samples lies between the two, whatever their order inside the
        bins (nothing to do with the confidence interval). Both equal the figure where it is
        exact; None where it is undefined.
    """

    metric: Metric
    exact: bool
    lowest: float | None
    highest: float | None

    @classmethod
    def undefined(cls, reason: str, exact: bool) -> IntervalValue:
        """No figure, and why."""
        return cls(Metric(None, None, reason), exact, None, None)

    @property
    def error(self) -> float:
        """How far the figure of these samples may be from the value; 0 where it is exact."""
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
    "infinitesimal jackknife with one confident error more: above from the figure, below from "
    "what is left of it without its bias"
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
            f"The share of all samples whose true class is among the model's {word} best guesses; "
            "ties count against the model."
            if k > 1
            else "Accuracy, if an answer counts as wrong whenever another class has the very same "
            "score; equal to the accuracy where no scores are tied."
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
            "How surprised the model is by the truth. It punishes being sure and wrong: a true "
            "class that was given no chance at all costs 36 nats."
        ),
        also="cross-entropy, negative log-likelihood (NLL)",
        interval=(
            "delta method on the log scale, with one more sample as bad as the worst, or 3 nats"
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
            "Squared distance between the probabilities and the truth, over all classes: 0 is "
            "perfect, 2 is sure and wrong every time. Some tools show half of it."
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
            "By how much the model's confidence misses its accuracy, on average. "
            "Even a perfectly calibrated model shows some in a finite sample."
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
            "The ECE with bins that contain equally many samples, "
            "so that the crowded end of the scale is looked at more closely."
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
            "The largest gap between confidence and accuracy of any bin. "
            "A bin of few samples can make it large by chance."
        ),
        also="maximum calibration error",
        interval=(
            f"{WILSON} of each bin's accuracy, simultaneous over the bins that contain samples "
            "(Bonferroni), less its mean confidence: the largest lower and the largest upper end"
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
        formula="mean_k Σ_b n_kb/n · |share of class k_b − mean p_k,b|, 15 equal-width bins",
        meaning=(
            "The calibration error of every class's probability, not only of the predicted one's, "
            "averaged over all classes."
        ),
        also="static calibration error (SCE), marginal calibration error",
        interval=(
            "infinitesimal jackknife with one confident error more, samples' pulls on all classes "
            "added up: above from the figure, below from what is left of it without its bias "
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
        formula="mean over k = 1…n of the errors among the k most confident answers / k",
        meaning=(
            "The error rate if the model may abstain, averaged over how often it does. "
            "It is low where the model is accurate, and its errors are those it is unsure of."
        ),
        also="area under the risk–coverage curve",
        interval=(f"{SCORE}; variance from the influence function, with a tenth of an error more"),
        undefined=_NO_CONFIDENCE,
        source=_GEIFMAN,
        higher_is_better=False,
    ),
    Definition(
        name="excess_aurc",
        title="Excess AURC",
        formula="AURC − AURC of the same errors ranked last",
        meaning=(
            "What is lost because some errors are more confident than some right answers; "
            "0 is a perfect ranking."
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
        formula="largest share of answers, most confident first, with at most 1% errors",
        meaning=(
            "How much of the work the model can do alone at an error of at most 1%. "
            "The threshold is chosen on these very samples: expect a little less on others."
        ),
        also="coverage at guaranteed risk",
        interval=(
            f"{WILSON} of the error at each threshold: from the coverage down to which it is "
            "surely at most 1% to that down to which it may be; both ends Wilson's too"
        ),
        undefined=_NO_CONFIDENCE,
        source=f"{_GEIFMAN}; test inversion: Wilson 1927, JASA 22, 209–212",
    ),
    Definition(
        name="error_at_90_percent_coverage",
        title="Error at 90% coverage",
        formula="errors / answers, among the most confident answers that make up 90%",
        meaning="The error rate if the tenth of the answers that is least sure goes to a human.",
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
        meaning=(
            "How well the scores rank samples of a class above all others, averaged over classes; "
            "0.5 is what guessing gives."
        ),
        also="one-vs-rest AUC, macro-averaged AUROC",
        interval=(
            f"{SCORE}, samples' pulls on all classes added up, with one more sample on either "
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
            "Precision averaged over all the ways of finding more of a class, then over classes. "
            "Rare classes make it low where ROC AUC still looks good."
        ),
        also="mAP, macro-averaged area under the precision–recall curve",
        interval=(
            f"{SCORE}, samples' pulls on all classes added up; none where more than half of the "
            f"classes have fewer than 5 samples ({_JOINT})"
        ),
        undefined=f"{_NO_SCORES}, or samples of one class only",
        source=f"{_BUCKLEY}; {_JACKKNIFE}",
        kind="signed",
    ),
)
"""The figures of the whole, in the order of JSON and page. Top-5 stands with the counts."""


CLASS_SCORES: tuple[Definition, ...] = (
    Definition(
        name="roc_auc",
        title="ROC AUC",
        formula="P(score of one of the class > score of another) + ½ P(equal)",
        meaning=(
            "Put a sample of the class beside one of any other: how often the class's own has "
            "the higher score. 0.5 is what guessing gives."
        ),
        also="AUROC, c-statistic, Mann–Whitney U / (P·N)",
        interval=f"{SCORE}; DeLong's variance, with one more sample on either side",
        undefined=_ONE_SIDE,
        source=f"{_HANLEY}; DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44, 837–845",
        kind="signed",
    ),
    Definition(
        name="average_precision",
        title="Average precision",
        formula="Σ (gain in recall) · precision, over all thresholds",
        meaning=(
            "Precision, averaged over the samples of the class as the threshold falls. "
            "Guessing gives the class's prevalence."
        ),
        also="AP, area under the precision–recall curve",
        interval=f"{WILSON}, as of a share of the class's samples; none with fewer than 20",
        undefined=_ONE_SIDE,
        source=f"{_BUCKLEY}; binomial error: Boyd, Eng & Page 2013, ECML PKDD, 451–466",
        kind="signed",
    ),
)
"""The figures of a class, in the order of columns."""
