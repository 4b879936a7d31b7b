"""What each figure of pairs and groups of classes is: name, formula, meaning, interval, source."""

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
        title="Of the true class",
        formula="C(i, j) / support(i)",
        meaning=(
            "The share of the samples of one class that are called another. Pairs ranked by it "
            "are ranked by the lower end of its interval, or one sample of one would come first."
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
            "How many times more samples of one class are called another than there would be if "
            "errors went wherever errors go. It finds pairs that are special, not those that are "
            "frequent."
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
            "Of the pairs with a q of at most 0.05, about one in twenty or fewer are there by "
            "chance alone. With many samples nearly every pair has a small q: the lift tells the "
            "size."
        ),
        also="false-discovery rate, adjusted p",
        source="Benjamini & Hochberg 1995, Journal of the Royal Statistical Society B 57, 289–300",
        kind="signed",
        higher_is_better=None,
    ),
)
"""Figures of pairs of classes."""


GROUP_METRICS: tuple[Definition, ...] = (
    Definition(
        name="group_accuracy",
        title="Right group",
        formula="samples called by a class of their own group / n",
        meaning=(
            "The accuracy that is left when classes of one group are taken as one. It is never "
            "below the accuracy."
        ),
        also="superclass accuracy, coarse accuracy",
        interval=WILSON,
        undefined=_NO_SAMPLES,
        source=_ALSALLAKH,
    ),
    Definition(
        name="within_group_error",
        title="Within-group error",
        formula="samples called by another class of their own group / n",
        meaning="The share of samples with a near miss: the wrong class, but of the right group.",
        also="near miss",
        interval=WILSON,
        undefined=_NO_SAMPLES,
        source=_ALSALLAKH,
        higher_is_better=False,
    ),
    Definition(
        name="between_group_error",
        title="Between-group error",
        formula="samples called by a class of another group / n",
        meaning=(
            "The share of samples that end in the wrong group. With the accuracy and the "
            "within-group error it adds up to 1."
        ),
        also="1 − right group",
        interval=WILSON,
        undefined=_NO_SAMPLES,
        source=_ALSALLAKH,
        higher_is_better=False,
    ),
    Definition(
        name="errors_within_groups",
        title="Errors within groups",
        formula="errors within the groups / all errors",
        meaning=(
            "How much of all error is confusion of classes that belong together. Beside it stands "
            "what the same groups would hold if errors had no regard to groups."
        ),
        undefined="when there are no errors",
        source=_GOODMAN,
        higher_is_better=None,
    ),
)
"""Figures of groups of classes."""
