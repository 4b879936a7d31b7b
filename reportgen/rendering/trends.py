"""A value over time as a small chart: a line with intervals, interrupted if the data change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reportgen.text import percent

__all__ = [
    "Point",
    "Trend",
    "draw_trend",
    "percent_or_na",
]


WIDTH, HEIGHT, EDGE = 360, 150, 8


LEFT, FLOOR = 38, 128
"""Margins of the drawing's axes: for percentages at the left, and numbers at the bottom."""


MOST_NUMBERS = 12


@dataclass(frozen=True)
class Trend:
    """A line through the values, its ends in words, and its alternative text."""

    title: str
    drawing: Markup
    first: str
    last: str
    lowest: str
    highest: str


@dataclass(frozen=True)
class Point:
    """A value in 0..1, None if undefined, with its interval if it has one."""

    value: float | None
    interval: tuple[float, float] | None
    same_data: bool
    """Whether the data are those of the previous point."""

    @property
    def reach(self) -> tuple[float, ...]:
        """The smallest and largest value to draw."""
        return () if self.value is None else (self.value, *(self.interval or ()))


def percent_or_na(value: float | None) -> str:
    """A value in 0..1 as a percentage; ``n/a`` if undefined."""
    return "n/a" if value is None else percent(value)


def draw_trend(title: str, points: Sequence[Point], numbers: Sequence[int] = ()) -> Trend:
    """The trend of `points`, oldest first, one per report or saved evaluation.

    `numbers` are the labels below the axis; by default from 1.
    """
    known = [point.value for point in points if point.value is not None]
    if not known:
        return Trend(title, Markup(""), "n/a", "n/a", "n/a", "n/a")
    ends = map(percent_or_na, (known[0], known[-1], min(known), max(known)))
    return Trend(title, _line(points, numbers or range(1, len(points) + 1)), *ends)


def _line(points: Sequence[Point], numbers: Sequence[int]) -> Markup:
    """A line through the values with their intervals, scaled to its content.

    It is interrupted at undefined values and if the data change: values on different data are not
    comparable.
    """
    reach = [value for point in points for value in point.reach]
    low, high = min(reach), max(reach)
    step = (WIDTH - LEFT - 2 * EDGE) / max(len(points) - 1, 1)

    def x(i: float) -> str:
        return f"{LEFT + EDGE + i * step:.1f}"

    def y(value: float) -> str:
        return f"{FLOOR - EDGE - _height(value, low, high):.1f}"

    path, whiskers, dots = "", "", ""
    for i, point in enumerate(points):
        if point.value is None:
            continue
        joined = i > 0 and point.same_data and points[i - 1].value is not None
        path += f"{'L' if joined else 'M'}{x(i)} {y(point.value)}"
        dots += f'<circle class="g-dot" cx="{x(i)}" cy="{y(point.value)}" r="3"/>'
        if point.interval:
            whiskers += f"M{x(i)} {y(point.interval[0])}V{y(point.interval[1])}"
    breaks = "".join(
        f"M{x(i - 0.5)} 0V{FLOOR}" for i, point in enumerate(points) if i and not point.same_data
    )
    return Markup(
        f'<svg class="chart trend" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">'
        f"{_axes([(value, y(value)) for value in sorted({low, high})], numbers, x)}"
        f'<path class="g-even" d="{breaks}"/><path class="g-whisker" d="{whiskers}"/>'
        f'<path class="g-line" d="{path}"/>{dots}</svg>'
    )


def _axes(
    levels: Sequence[tuple[float, str]], numbers: Sequence[int], x: Callable[[float], str]
) -> str:
    """Lines at the lowest and the highest value, and all row numbers, or the first and last."""
    lines = "".join(
        f'<path class="g-grid" d="M{LEFT} {at}H{WIDTH}"/>'
        f'<text class="g-txt" x="{LEFT - 4}" y="{float(at) + 3.5:.1f}" text-anchor="end">'
        f"{100 * value:.1f}</text>"
        for value, at in levels
    )
    n = len(numbers)
    shown = range(n) if n <= MOST_NUMBERS and numbers[-1] < 100 else (0, n - 1)
    return lines + "".join(
        f'<text class="g-txt" x="{x(i)}" y="{HEIGHT - 6}" text-anchor="{_anchor(i, numbers)}">'
        f"{numbers[i]}</text>"
        for i in shown
    )


def _anchor(i: int, numbers: Sequence[int]) -> str:
    """Text anchor: a long number at the right edge ends there."""
    return "end" if 0 < i == len(numbers) - 1 and numbers[i] > 99 else "middle"


def _height(value: float, low: float, high: float) -> float:
    room = FLOOR - 2 * EDGE
    return room / 2 if high == low else (value - low) / (high - low) * room
