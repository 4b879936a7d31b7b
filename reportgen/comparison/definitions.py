"""The terms of a comparison, described once: glossary and documentation are made from them."""

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
"""Significant: a Holm-corrected p below this within its family, which is the metrics of the
whole, the classes, the slices, or the confusions."""


COMPARED = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "ece")
"""Metrics of the whole that are compared, in the order of all outputs."""


COMPARED_WHERE_GIVEN = ("expected_cost",)
"""Those that follow where both sides have them."""


COMPARISON_TERMS: tuple[Definition, ...] = (
    Definition(
        name="gained_lost",
        title="Gained and lost samples",
        formula="gained: candidate right, baseline wrong; lost: baseline right, candidate wrong",
        meaning=(
            "The samples that exactly one of the two models gets right. The difference in "
            "accuracy is made of them alone: (gained − lost) / samples."
        ),
        also="fixed and broken samples; discordant pairs",
        undefined="when samples are not matched",
        source="McNemar 1947, Psychometrika 12, 153–157",
        kind="count",
        higher_is_better=None,
    ),
    Definition(
        name="agreement",
        title="Agreement and churn",
        formula="same answers / samples; churn = 1 − agreement",
        meaning=(
            "How often both models give the same answer, right or wrong. Two models of equal "
            "accuracy may differ on many samples: users notice churn even where the score stands "
            "still."
        ),
        undefined="when samples are not matched",
        source="Milani Fard et al. 2016, NeurIPS 29, 3179–3187",
        higher_is_better=None,
    ),
    Definition(
        name="mcnemar_mid_p",
        title="McNemar's test, mid-p",
        formula="2 (P(X < min) + P(X = min) / 2), at most 1; X binomial of gained + lost at 1/2",
        meaning=(
            "How easily chance alone would make gained and lost samples as unequal as they are, "
            "if both models were equally good. Below 0.05 chance is an unlikely explanation."
        ),
        also="test of marginal homogeneity",
        undefined="when samples are not matched",
        source="Fagerland, Lydersen & Laake 2013, BMC Medical Research Methodology 13, 91",
        higher_is_better=None,
    ),
    Definition(
        name="tango_interval",
        title="Tango's interval",
        formula="all differences D whose score test z(D) lies within ±1.96",
        meaning=(
            "Where the true difference in accuracy or recall may lie, for matched samples. It has "
            "a width even where the two models never differ, as few samples show little."
        ),
        undefined="when samples are not matched: Newcombe's interval stands in its place",
        source="Tango 1998, Statistics in Medicine 17, 891–908; "
        "Newcombe 1998, Statistics in Medicine 17, 873–890",
        kind="signed",
        higher_is_better=None,
    ),
    Definition(
        name="mover_interval",
        title="Interval of unmatched sides (Newcombe, MOVER)",
        formula="difference ± √(a² + b²); a, b: from each figure to the end of its interval",
        meaning=(
            "Where the true difference may lie when samples are not matched: made of the interval "
            "of each side, for any figure that has one. Two models on the same samples tend to be "
            "right together, so it is wider than matched samples would give. p is the level at "
            "which the interval would end at 0; for shares of samples it is the score test, or "
            "Fisher's exact test where few are expected."
        ),
        undefined="when a side has no interval of its own",
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
            "An interval for differences that no formula covers, such as macro F1 or calibration. "
            "Both models always see the same draw, so that hard samples don't count against one "
            "of them."
        ),
        undefined="when samples are not matched",
        source="Efron & Tibshirani 1993, An Introduction to the Bootstrap",
        kind="signed",
        higher_is_better=None,
    ),
    Definition(
        name="non_inferiority",
        title="Not worse than the baseline (non-inferiority)",
        formula="the lower end of the 90% interval of the difference lies above −margin",
        meaning=(
            "The candidate is shown to be at most the agreed margin worse. Having seen no "
            "difference is not enough: with few samples nothing would be seen."
        ),
        source="Liu et al. 2002, Statistics in Medicine 21, 231–245",
        higher_is_better=None,
    ),
    Definition(
        name="holm",
        title="Correction for many tests (Holm)",
        formula="the i-th smallest of m p-values × (m − i + 1), never falling, at most 1",
        meaning=(
            "Of a hundred classes that didn't change, five would look changed by chance. "
            "Corrected p-values allow for that: in 95 of 100 such reports not one class is called "
            "worse or better by chance."
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
        "Both models made the same predictions wherever this metric looks: there is no difference "
        "to estimate."
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
"""Reason code → one sentence for readers: those of the metrics, and those of comparisons."""
