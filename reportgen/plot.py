"""The report's figures on your own matplotlib axes, for notebooks and slides"""

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
    """The confusion matrix as a heatmap: counts, or shares of each true class (``"true"``), of each
    predicted class (``"pred"``) or of all samples (``"all"``).

    Above 30 classes it shows them in the order of the report, in which confused ones are
    neighbours, and above 390 each pixel shows the largest of its cells. Without counts, None draws
    the proportions as they are. Without `ax`, on the current axes. Returns the axes.

    Raises ValueError where a matrix without counts does not determine what is requested.
    """
    from reportgen.rendering import paint_confusion

    return paint_confusion(evaluation, normalize, ax)


def difference_matrix(comparison: Comparison, ax: Axes | None = None) -> Axes:
    """Candidate minus baseline, in percentage points of the true class."""
    from reportgen.rendering import paint_difference

    return paint_difference(comparison, ax)


def reliability_diagram(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Accuracy over confidence with 95% CIs. Raises ValueError where there are no confidences."""
    from reportgen.rendering import paint_reliability

    return paint_reliability(evaluation, ax)


def risk_coverage(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Selective risk over coverage. Raises ValueError where there are no confidences."""
    from reportgen.rendering import paint_risk_coverage

    return paint_risk_coverage(evaluation, ax)
