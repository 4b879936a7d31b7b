"""Coverage and overall accuracy of a model that may abstain; only given for such models."""

from __future__ import annotations

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics.definitions import Definition, Metric
from reportgen.metrics.intervals import WILSON, clopper_pearson, wilson

__all__ = [
    "ABSTAINING",
    "abstaining_metrics",
]


_SOURCE = "El-Yaniv & Wiener 2010, Journal of Machine Learning Research 11, 1605–1641"


ABSTAINING: tuple[Definition, ...] = (
    Definition(
        name="coverage",
        title="Coverage",
        formula="predictions / (predictions + abstentions)",
        meaning=(
            "Fraction of samples with a prediction. All metrics except the overall "
            "accuracy are computed on them."
        ),
        also="acceptance rate; 1 − rejection rate",
        interval=WILSON,
        source=_SOURCE,
        higher_is_better=True,
    ),
    Definition(
        name="overall_accuracy",
        title="Overall accuracy",
        formula="Σ_k C_kk / (predictions + abstentions)",
        meaning=(
            "Accuracy over all samples, with abstentions counted as incorrect: coverage × accuracy."
        ),
        interval=WILSON,
        source=_SOURCE,
    ),
)
"""Overall metrics of a model that may abstain, in the order of all outputs."""


def abstaining_metrics(
    matrix: ConfusionMatrix, n_abstained: int, *, exact: bool = False, grouped: bool = False
) -> dict[str, Metric]:
    """Every metric of :data:`ABSTAINING`, by name.

    Parameters
    ----------
    matrix
        The matrix of samples with a prediction.
    n_abstained
        Number of samples without one, at least 0.
    exact
        Whether the intervals are Clopper-Pearson's instead of Wilson's.
    grouped
        Whether samples are clustered; these intervals are not cluster-robust.
    """
    n = matrix.n_samples + n_abstained
    hits = {"coverage": matrix.n_samples, "overall_accuracy": matrix.n_correct}
    return {name: _share(k, n, exact=exact, grouped=grouped) for name, k in hits.items()}


def _share(k: int, n: int, *, exact: bool, grouped: bool) -> Metric:
    if n == 0:
        return Metric(None, None, "no_samples")
    if grouped:
        return Metric(k / n, None, "no_group_interval")
    low, high = (clopper_pearson if exact else wilson)(k, n)
    return Metric(k / n, (float(low), float(high)), None)
