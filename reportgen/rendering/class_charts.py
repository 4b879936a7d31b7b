"""Small drawings of one class against the rest: the ROC curve, and precision over recall.

As those of :mod:`reportgen.rendering.charts`: SVG of geometry attributes and classes, no style.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from markupsafe import Markup, escape

from reportgen.rendering.charts import label, path
from reportgen.report import Chart, ClassCurves

__all__ = [
    "FILTERS",
]


WIDTH, HEIGHT = 168, 180


LEFT, RIGHT = 26, 160


TOP, FLOOR = 16, 150


TICKS = (0.0, 0.5, 1.0)


def class_roc_chart(curves: ClassCurves) -> Markup:
    """Recall over the share of false alarms, with the diagonal of guessing."""
    line = "L".join(f"{_x(across):.1f} {_y(up):.1f}" for across, up in curves.roc)
    lines = (
        path("g-even", f"M{LEFT} {FLOOR}L{RIGHT} {TOP}"),
        path("g-line", f"M{line}"),
    )
    return _drawing(curves.charts[0], lines, "false alarms, %", "recall, %")


def class_precision_recall_chart(curves: ClassCurves) -> Markup:
    """Precision over recall in steps, as average precision counts it, with that of guessing."""
    steps, height = [], ""
    for across, up in curves.precision_recall:
        if (at := f"{_y(up):.1f}") != height:
            steps.append(f"V{at}")
        steps.append(f"H{_x(across):.1f}")
        height = at
    start = _y(curves.precision_recall[0][1])
    lines = (
        path("g-even", f"M{LEFT} {_y(curves.prevalence):.1f}H{RIGHT}"),
        path("g-line", f"M{LEFT} {start:.1f}{''.join(steps)}"),
    )
    return _drawing(curves.charts[1], lines, "recall, %", "precision, %")


def _x(share: float) -> float:
    """Where a share in 0..1 lies from left to right."""
    return LEFT + share * (RIGHT - LEFT)


def _y(share: float) -> float:
    """Where a share in 0..1 lies from bottom to top."""
    return FLOOR - share * (FLOOR - TOP)


def _drawing(chart: Chart, lines: Sequence[str], across: str, up: str) -> Markup:
    parts = "".join((*_axes(across, up), *lines))
    return Markup(
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(chart.alt)}">{parts}</svg>'
    )


def _axes(across: str, up: str) -> Iterator[str]:
    yield path("g-grid", "".join(f"M{LEFT} {_y(tick):.0f}H{RIGHT}" for tick in TICKS[1:]))
    yield path("g-axis", f"M{LEFT} {FLOOR}H{RIGHT}")
    for tick in TICKS:
        yield label(LEFT - 4, _y(tick) + 4, f"{100 * tick:.0f}", "end")
        end = tick == 1
        place = RIGHT + 6 if end else _x(tick)
        yield label(place, FLOOR + 13, f"{100 * tick:.0f}", "end" if end else "middle")
    yield label((LEFT + RIGHT) / 2, HEIGHT - 4, across, "middle")
    yield label(LEFT, 9, up)


FILTERS: dict[str, Callable[..., Any]] = {
    "class_precision_recall_chart": class_precision_recall_chart,
    "class_roc_chart": class_roc_chart,
}
