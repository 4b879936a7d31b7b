"""Definitions of the metrics of pairs and groups: name, formula, meaning, interval, source."""

from __future__ import annotations

from reportgen.metrics import WILSON, Definition

__all__ = [
    "GROUP_METRICS",
    "PAIR_METRICS",
]


_ALSALLAKH = (
    "Alsallakh et al. 2018, IEEE Transactions on Visualization and Computer Graphics 24, 152–162"
)


_GOODMAN = "Goodman 1968, Journal of the American Statistical Association 63, 1091–1131"


_NO_SAMPLES = "when there are no samples"


PAIR_METRICS: tuple[Definition, ...] = (
    Definition(
        name="pair_rate",
        title="% of true class",
        formula="C(i, j) / support(i)",
        meaning=(
            "Fraction of the true class's samples that are predicted as the other class. "
            "The ranking uses the lower CI bound, so that tiny classes do not come first."
        ),
        also="confusion rate, cell of the row-normalised matrix",
        interval=WILSON,
        undefined="when the true class has no samples",
        source="Wilson 1927, Journal of the American Statistical Association 22, 209–212",
        higher_is_better=False,
    ),
    Definition(
        name="pair_lift",
        title="Lift of a pair",
        formula="C(i, j) / E(i, j), E the errors expected by chance",
        meaning=(
            "Observed confusions relative to what the class "
            "totals predict. It finds unusual pairs rather than frequent ones."
        ),
        also="observed-to-expected ratio",
        undefined="when no error is expected",
        source=_GOODMAN,
        kind="ratio",
        higher_is_better=None,
    ),
    Definition(
        name="pair_q",
        title="q of a pair",
        formula="binomial P(C(i, j) or more), adjusted over all K (K − 1) pairs",
        meaning=(
            "Expected false discoveries: at most 5% of the pairs with q ≤ 0.05. "
            "With many samples nearly every pair has a small q; the lift is the effect size."
        ),
        also="false-discovery rate, adjusted p",
        source="Benjamini & Hochberg 1995, Journal of the Royal Statistical Society B 57, 289–300",
        kind="signed",
        higher_is_better=None,
    ),
)
"""Metrics of pairs of classes."""


GROUP_METRICS: tuple[Definition, ...] = (
    Definition(
        name="group_accuracy",
        title="Correct group",
        formula="samples predicted as a class of their own group / n",
        meaning=(
            "Accuracy after merging the classes of each group. It is never below the accuracy."
        ),
        also="superclass accuracy, coarse accuracy",
        interval=WILSON,
        undefined=_NO_SAMPLES,
        source=_ALSALLAKH,
    ),
    Definition(
        name="within_group_error",
        title="Within-group error",
        formula="samples predicted as another class of their own group / n",
        meaning="Fraction of samples predicted as an incorrect class of the correct group.",
        also="near miss",
        interval=WILSON,
        undefined=_NO_SAMPLES,
        source=_ALSALLAKH,
        higher_is_better=False,
    ),
    Definition(
        name="between_group_error",
        title="Between-group error",
        formula="samples predicted as a class of another group / n",
        meaning=(
            "Fraction of samples predicted as a class of another group. Accuracy, within-group "
            "error and between-group error sum to 1."
        ),
        also="1 − correct group",
        interval=WILSON,
        undefined=_NO_SAMPLES,
        source=_ALSALLAKH,
        higher_is_better=False,
    ),
    Definition(
        name="errors_within_groups",
        title="Within-group, % of errors",
        formula="errors within the groups / all errors",
        meaning=(
            "Fraction of all errors that stay within a group, next to the "
            "value expected by chance for the same groups."
        ),
        undefined="when there are no errors",
        source=_GOODMAN,
        higher_is_better=None,
    ),
)
"""Metrics of groups of classes."""
