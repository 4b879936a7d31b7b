"""The two drawings of the threshold section: the ROC curve, and precision over recall.

As those of :mod:`reportgen.rendering.charts`: SVG of geometry attributes and classes, no style.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from markupsafe import Markup

from reportgen.rendering.charts import (
    LEFT,
    QUARTERS,
    RIGHT,
    TOP,
    axis_percents,
    drawing,
    grid,
    label,
    path,
    x,
)
from reportgen.report import Chart, ThresholdSection

__all__ = [
    "FILTERS",
]


FLOOR = 276


def roc_chart(section: ThresholdSection, chart: Chart) -> Markup:
    """Sensitivity over the share of false alarms, with the coin's diagonal."""
    places = [(mark.letter, mark.false_alarms, mark.sensitivity) for mark in section.marks]
    line = "L".join(f"{x(across):.1f} {y(up):.1f}" for across, up in section.roc)
    coin = path("g-even", f"M{LEFT} {FLOOR}L{RIGHT} {TOP}")
    return _frame(chart, [coin, path("g-line", f"M{line}")], places, _ROC_AXES)


def precision_recall_chart(section: ThresholdSection, chart: Chart) -> Markup:
    """Precision over recall in steps, as average precision counts it, with the coin's level."""
    places = [
        (mark.letter, mark.sensitivity, mark.precision)
        for mark in section.marks
        if mark.precision is not None
    ]
    level = y(section.prevalence)
    steps = "".join(f"V{y(up):.1f}H{x(across):.1f}" for across, up in section.precision_recall)
    start = y(section.precision_recall[0][1])
    parts = [
        path("g-even", f"M{LEFT} {level:.1f}H{RIGHT}"),
        path("g-line", f"M{LEFT} {start:.1f}{steps}"),
    ]
    return _frame(chart, parts, places, _PR_AXES)


_ROC_AXES = ("false alarms (1 \u2212 specificity), %", "found (sensitivity), %")


_PR_AXES = ("found (recall), %", "right among the flagged (precision), %")


def y(share: float) -> float:
    """Where a share in 0..1 lies from bottom to top."""
    return FLOOR - share * (FLOOR - TOP)


def _frame(
    chart: Chart,
    lines: Sequence[str],
    places: Sequence[tuple[str, float, float]],
    axes: tuple[str, str],
) -> Markup:
    parts = [
        *grid(QUARTERS, y),
        *lines,
        *(piece for place in _apart(places) for piece in _mark(*place)),
        path("g-axis", f"M{LEFT} {FLOOR}H{RIGHT}"),
        *axis_percents(FLOOR + 14, QUARTERS),
        label((LEFT + RIGHT) / 2, FLOOR + 32, axes[0], "middle"),
        label(LEFT, 10, axes[1]),
    ]
    return drawing(chart, parts)


def _apart(
    places: Sequence[tuple[str, float, float]],
) -> Iterator[tuple[str, float, float]]:
    """Letters of points that would lie on each other are written as one: ``A, B``."""
    joined: list[tuple[str, float, float]] = []
    for letter, across, up in places:
        for i, (other, left, height) in enumerate(joined):
            if abs(x(across) - x(left)) < 14 and abs(y(up) - y(height)) < 14:
                joined[i] = (f"{other}, {letter}", left, height)
                break
        else:
            joined.append((letter, across, up))
    for letters, left, height in joined:
        yield letters, left, height
    seen = {(left, height) for _, left, height in joined}
    for _, across, up in places:
        if (across, up) not in seen:
            yield "", across, up


def _mark(letters: str, across: float, up: float) -> Iterator[str]:
    """A dot, its letters to the side of it that has room."""
    at, height = x(across), y(up)
    yield f'<circle class="g-dot" cx="{at:.1f}" cy="{height:.1f}" r="4"/>'
    if not letters:
        return
    left = at > RIGHT - 12 * len(letters)
    place, anchor = (at - 8, "end") if left else (at + 8, "start")
    base = min(height + 14, FLOOR - 4)
    yield (
        f'<text class="g-letter" x="{place:.1f}" y="{base:.1f}" text-anchor="{anchor}">'
        f"{letters}</text>"
    )


FILTERS: dict[str, Callable[..., Any]] = {
    "precision_recall_chart": precision_recall_chart,
    "roc_chart": roc_chart,
}
