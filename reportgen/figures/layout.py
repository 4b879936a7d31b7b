"""Where the parts of a heatmap stand, so that nothing is cut and all can be read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reportgen.figures.fonts import drawable, families
from reportgen.report.model import HeatmapSpec
from reportgen.text import middle_cut

__all__ = [
    "SCALE_FONT",
    "SCALE_WIDTH",
    "Layout",
    "axis_labels",
    "fitting",
    "is_crowded",
    "layout_of",
    "scale_ticks",
    "stand_upright",
]

MAX_WIDTH, NARROW = 800, 496
"""Widest picture, and one that fits beside another, in CSS pixels."""
LEGIBLE = 7.5
"""Smallest digits of a narrow picture, in CSS pixels; where they would be smaller it is wide."""
SCALE_WIDTH, SCALE_FONT = 10, 9
SCALE_ROOM = "000,000"
"""The longest text beside a colour scale: the same room for all, so that pictures of one matrix
have the same size and the same cells."""
SPACIOUS = 15
"""Most classes whose picture is narrow and has a colour scale beside its numbers."""


@dataclass(frozen=True)
class Layout:
    """Where things stand, in CSS pixels from the figure's upper left corner."""

    width: float
    height: float
    left: float
    top: float
    cell: float
    side: float
    font: float
    label_font: float


def axis_labels(spec: HeatmapSpec) -> tuple[Sequence[str], bool]:
    """The names, or, where some can't be drawn, the classes' numbers: 1, 2, 3, …"""
    if all(map(drawable, spec.labels)):
        return spec.labels, False
    return [str(number) for number in spec.numbers or range(1, len(spec.labels) + 1)], True


def stand_upright(labels: Sequence[str]) -> bool:
    """Whether the names below the columns are so short and few that they need not be turned."""
    return len(labels) <= 30 and max(map(len, labels), default=0) <= 3


def layout_of(spec: HeatmapSpec, labels: Sequence[str], canvas: Any) -> Layout:
    """Room for the longest label, and cells as large as the width allows: narrow, if legible."""
    if not labels or len(spec.values) <= SPACIOUS:
        narrow = _layout(spec, labels, canvas, NARROW)
        if spec.texts is None or _digit_font(spec, canvas, narrow.cell, spec.beside) >= LEGIBLE:
            return narrow
    return _layout(spec, labels, canvas, MAX_WIDTH)


def _layout(spec: HeatmapSpec, labels: Sequence[str], canvas: Any, width: float) -> Layout:
    k = len(spec.values)
    label_font = _between(8.5, 300 / max(k, 1), 11.5)
    longest = max((_text_width(canvas, label, label_font) for label in labels), default=0.0)
    left = 34 + longest + (6 if labels else 0)
    right, top = 16.0, 48
    if not is_crowded(spec):
        ends = (SCALE_ROOM, *(text for _, text in scale_ticks(spec)))
        widest = max(_text_width(canvas, text, SCALE_FONT) for text in ends)
        right = 14 + SCALE_WIDTH + 3 + widest + 8
    side = width - left - right
    if not labels and spec.texts is None:
        side = k * max(1, int(2 * side / k)) / 2  # whole pixels a cell
        width = left + side + right
    cell = side / k
    below = label_font * 1.4 if stand_upright(labels) else longest
    bottom = 30 + below + (6 if labels else 0)
    return Layout(
        width=round(width),
        height=round(top + side + bottom),
        left=left,
        top=top,
        cell=cell,
        side=side,
        font=_digit_font(spec, canvas, cell),
        label_font=label_font,
    )


def scale_ticks(spec: HeatmapSpec) -> list[tuple[float, str]]:
    """The colour scale's ends and its middle: value and text."""
    if spec.diverging:
        end = f"{100 * spec.top:.3g}"
        return [(-spec.top, f"\u2212{end}"), (0.0, "0"), (spec.top, f"+{end}")]
    values = [0.0, spec.top * 0.5 ** (1 / spec.power), spec.top] if spec.top else [0.0]
    return [(value, _scale_text(value, spec)) for value in values]


def _scale_text(value: float, spec: HeatmapSpec) -> str:
    if spec.unit != "samples":
        return f"{100 * value:.3g} %"
    if value >= 1e6:
        return f"{value / 1e6:.3g}M" if value < 1e9 else f"{value / 1e9:.3g}G"
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def _digit_font(spec: HeatmapSpec, canvas: Any, cell: float, beside: Sequence[str] = ()) -> float:
    """The font size, in CSS pixels, at which the longest number fits its cell; that of the texts
    `beside` too, where they are given.
    """
    if spec.texts is None:
        return 0.0
    shapes = {re.sub("[0-9]", "0", text) for row in (*spec.texts, beside) for text in row}
    widest = max(_text_width(canvas, shape, 10.0) for shape in shapes)  # digits are equally wide
    return min(11.5, 10.0 * (cell - 3) / max(widest, 1.0), 0.62 * cell)


def _text_width(canvas: Any, text: str, size: float) -> float:
    """Width in CSS pixels of `text` at a font size in CSS pixels."""
    from matplotlib.font_manager import FontProperties

    font = FontProperties(family=families(text), size=size)
    width, _, _ = canvas.get_renderer().get_text_width_height_descent(text, font, False)
    return float(width) / 2


def _between(low: float, value: float, high: float) -> float:
    return max(low, min(value, high))


def is_crowded(spec: HeatmapSpec) -> bool:
    """Whether so many numbers are drawn that they need all the room: there is no colour scale."""
    return spec.texts is not None and len(spec.values) > SPACIOUS


def fitting(text: str, canvas: Any, width: float) -> str:
    """`text` in at most `width` CSS pixels, its middle cut; nothing where it can't be drawn."""
    if not drawable(text):
        return ""
    for length in range(len(text), 8, -4):
        cut = middle_cut(text, length)
        if _text_width(canvas, cut, 10.5) <= width:
            return cut
    return ""
