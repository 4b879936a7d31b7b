"""The report's figures on the user's matplotlib axes, for notebooks and slides"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from reportgen.comparison import Comparison
    from reportgen.evaluation import Evaluation

__all__ = ["confusion_matrix", "difference_matrix", "reliability_diagram", "risk_coverage"]


def confusion_matrix(
    evaluation: Evaluation,
    normalize: Literal["true", "pred", "all"] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the confusion matrix as a heatmap.

    `normalize`: None for counts, ``"true"`` by true class, ``"pred"`` by predicted class, ``"all"``
    by all samples. Above 30 classes they are in the clustered order of the report, and above 390
    each pixel is the largest of its cells. Without counts, None draws the proportions. Without
    `ax`, on the current axes. Returns the axes.

    Raises ValueError if a matrix without counts does not determine the requested normalisation.
    """
    from reportgen.rendering import paint_confusion

    return paint_confusion(evaluation, normalize, ax)


def difference_matrix(comparison: Comparison, ax: Axes | None = None) -> Axes:
    """Candidate minus baseline, in percentage points of the true class."""
    from reportgen.rendering import paint_difference

    return paint_difference(comparison, ax)


def reliability_diagram(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Accuracy by confidence with 95% CIs. Raises ValueError without confidences."""
    from reportgen.rendering import paint_reliability

    return paint_reliability(evaluation, ax)


def risk_coverage(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Selective risk by coverage. Raises ValueError without confidences."""
    from reportgen.rendering import paint_risk_coverage

    return paint_risk_coverage(evaluation, ax)
