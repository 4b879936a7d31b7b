"""The report's figures on existing axes, such as those of a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from reportgen.rendering.charts import curve_plot, reliability_plot
from reportgen.rendering.figures.curves import paint_chart
from reportgen.rendering.figures.heatmap import paint_heatmap
from reportgen.report import build_report, confusion_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from reportgen.comparison import Comparison
    from reportgen.evaluation import Evaluation

__all__ = ["paint_confusion", "paint_difference", "paint_reliability", "paint_risk_coverage"]


def paint_confusion(
    evaluation: Evaluation, normalize: Literal["true", "pred", "all"] | None, axes: Axes | None
) -> Axes:
    if normalize not in (None, "true", "pred", "all"):
        raise ValueError(f"normalize is None, 'true', 'pred' or 'all', not {normalize!r}")
    picture = confusion_picture(evaluation, normalize)
    own = _axes(axes)
    paint_heatmap(picture, own)
    return own


def paint_difference(comparison: Comparison, axes: Axes | None) -> Axes:
    review = build_report(comparison.candidate, comparison=comparison).comparison
    section = None if review is None else review.difference
    if section is None:
        raise ValueError("a difference matrix needs counts on both sides")
    own = _axes(axes)
    paint_heatmap((*section.slides, *section.figures)[0], own)
    return own


def paint_reliability(evaluation: Evaluation, axes: Axes | None) -> Axes:
    section = build_report(evaluation).confidence
    if not any(row.bar.n for row in section.reliability):
        raise ValueError("a reliability diagram needs confidences, and there are none")
    own = _axes(axes)
    paint_chart(reliability_plot(section.reliability), section.charts[0].title, own)
    return own


def paint_risk_coverage(evaluation: Evaluation, axes: Axes | None) -> Axes:
    section = build_report(evaluation).confidence
    if not section.curve:
        raise ValueError("a risk-coverage curve needs confidences, and there are none")
    own = _axes(axes)
    paint_chart(curve_plot(section.curve, section.points), section.charts[2].title, own)
    return own


def _axes(axes: Axes | None) -> Axes:
    """The given axes, or the current ones of pyplot."""
    if axes is not None:
        return axes
    from matplotlib import pyplot

    return pyplot.gca()
