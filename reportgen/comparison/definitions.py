"""The terms of a comparison, defined once for glossary and documentation."""

from __future__ import annotations

from reportgen.metrics import REASONS as METRIC_REASONS
from reportgen.metrics import Definition

__all__ = [
    "ALPHA",
    "COMPARED",
    "COMPARED_WHERE_GIVEN",
    "COMPARISON_TERMS",
    "REASONS",
]


ALPHA = 0.05
"""Significant: a Holm-corrected p below this.

Families: the overall metrics, the classes, the slices, the confusions.
"""


COMPARED = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "ece")
"""Overall metrics in a comparison, in the order of all outputs."""


COMPARED_WHERE_GIVEN = ("expected_cost",)
"""Further ones, if both sides have them."""


COMPARISON_TERMS: tuple[Definition, ...] = (
    Definition(
        name="gained_lost",
        title="Fixes and regressions",
        formula="fixes: only the candidate is correct; regressions: only the baseline is correct",
        meaning=(
            "Samples that exactly one of the two models predicts correctly. The "
            "difference in accuracy is (fixes − regressions) / samples."
        ),
        also="gained and lost samples; discordant pairs",
        undefined="for an unpaired comparison",
        source="McNemar 1947, Psychometrika 12, 153–157",
        kind="count",
        higher_is_better=None,
    ),
    Definition(
        name="agreement",
        title="Agreement and churn",
        formula="identical predictions / samples; churn = 1 − agreement",
        meaning=(
            "How often both models make the same prediction, correct or not. Two models "
            "of equal accuracy can differ on many samples: users notice churn even if accuracy is "
            "unchanged."
        ),
        undefined="for an unpaired comparison",
        source="Milani Fard et al. 2016, NeurIPS 29, 3179–3187",
        higher_is_better=None,
    ),
    Definition(
        name="mcnemar_mid_p",
        title="McNemar's test, mid-p",
        formula="2 (P(X < min) + P(X = min) / 2), at most 1; X ~ Bin(fixes + regressions, 1/2)",
        meaning=(
            "p-value of the difference between fixes and regressions, if both "
            "models were equally good. Below 0.05 the difference is significant."
        ),
        also="test of marginal homogeneity",
        undefined="for an unpaired comparison",
        source="Fagerland, Lydersen & Laake 2013, BMC Medical Research Methodology 13, 91",
        higher_is_better=None,
    ),
    Definition(
        name="tango_interval",
        title="Tango's interval",
        formula="all differences D whose score test z(D) lies within ±1.96",
        meaning=(
            "Interval of the difference in accuracy or recall for matched "
            "samples. It has a width even if the two models never differ."
        ),
        undefined="for an unpaired comparison, which uses Newcombe's interval",
        source="Tango 1998, Statistics in Medicine 17, 891–908; "
        "Newcombe 1998, Statistics in Medicine 17, 873–890",
        kind="signed",
        higher_is_better=None,
    ),
    Definition(
        name="mover_interval",
        title="Unpaired interval (Newcombe, MOVER)",
        formula="difference ± √(a² + b²); a, b: from each value to the end of its interval",
        meaning=(
            "Interval of an unpaired difference, from the interval of each "
            "side, for any metric that has one. Two models tend to be correct on the same "
            "samples, so it is wider than a paired interval. p is the level at which the interval "
            "would end at 0; for proportions it is the score test, or Fisher's exact test for "
            "small expected counts."
        ),
        undefined="when a side has no interval",
        source="Newcombe 1998, Statistics in Medicine 17, 873–890; "
        "Zou & Donner 2008, Statistics in Medicine 27, 1693–1702",
        kind="signed",
        higher_is_better=None,
    ),
    Definition(
        name="paired_bootstrap",
        title="Paired bootstrap",
        formula="samples drawn with replacement, both models measured on each draw",
        meaning=(
            "Interval for differences without a closed formula, such as "
            "macro F1 or calibration. Both models are evaluated on the same resamples."
        ),
        undefined="for an unpaired comparison",
        source="Efron & Tibshirani 1993, An Introduction to the Bootstrap",
        kind="signed",
        higher_is_better=None,
    ),
    Definition(
        name="non_inferiority",
        title="Non-inferiority to the baseline",
        formula="the lower end of the 90% interval of the difference is above −margin",
        meaning=(
            "The candidate is at most the agreed margin worse. A missing significant "
            "difference is not enough: with few samples nothing is significant."
        ),
        source="Liu et al. 2002, Statistics in Medicine 21, 231–245",
        higher_is_better=None,
    ),
    Definition(
        name="holm",
        title="Correction for multiple tests (Holm)",
        formula="the i-th smallest of m p-values × (m − i + 1), monotone, at most 1",
        meaning=(
            "Without a correction, 5 of 100 unchanged classes would be significant "
            "by chance. With corrected p-values, 95 of 100 reports on unchanged classes have no "
            "significant class."
        ),
        source="Holm 1979, Scandinavian Journal of Statistics 6, 65–70",
        higher_is_better=None,
    ),
)
"""In the order of the glossary."""


REASONS: dict[str, str] = {
    **METRIC_REASONS,
    "matrix": ("One side is a confusion matrix: per-sample predictions are missing."),
    "no_predictions": ("One side is a report without per-sample predictions."),
    "no_side_interval": (
        "The samples are not matched, and one of the two metrics has no "
        "interval, so their difference has none."
    ),
    "partial_scores": (
        "Some samples have scores on one side only, so the two metrics cover different samples."
    ),
    "no_disagreement": (
        "Both models made the same predictions on all samples that this metric counts: there is "
        "no difference to estimate."
    ),
    "no_variation": (
        "Degenerate resamples: the difference is the same in every one, so its "
        "variance cannot be estimated."
    ),
    "too_many_classes": (
        "With this many classes, intervals are computed for differences in recall only, not "
        "in precision and F1."
    ),
}
"""Reason code → a sentence for readers: those of the metrics, and those of comparisons."""
