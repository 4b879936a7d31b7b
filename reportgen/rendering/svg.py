"""Charts for the page: SVG with geometry and CSS classes, no style.

They are built only from numbers and escaped text. For screen readers, each is one image with its
message as the label.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from reportgen.rendering import charts
from reportgen.rendering.charts import Bar, Dot, Line, Mark, Panel, Place, Plot
from reportgen.report import (
    Chart,
    ClassCurves,
    CurveRow,
    HistogramRow,
    OperatingPoint,
    ReliabilityRow,
    ThresholdSection,
)

__all__ = [
    "FILTERS",
    "PAGE",
    "SMALL",
    "Frame",
    "paint",
]


@dataclass(frozen=True)
class Frame:
    """A picture's size, the position of its plot, and base lines of the texts above and below.

    All in px, from the top left.
    """

    width: int
    height: int
    left: int
    right: int
    top: int
    floor: int
    head: int
    foot: int

    def x(self, share: float) -> float:
        """The x position of a proportion in 0..1."""
        return self.left + share * (self.right - self.left)

    def y(self, share: float) -> float:
        """The y position of a proportion in 0..1 of the plot's height."""
        return self.floor - share * (self.floor - self.top)


PAGE = Frame(340, 318, left=34, right=332, top=18, floor=276, head=10, foot=308)


WIDE = Frame(500, 318, left=34, right=492, top=18, floor=276, head=10, foot=308)


SMALL = Frame(168, 180, left=26, right=160, top=16, floor=150, head=9, foot=176)


BARS = {"count": "g-bar", "right": "g-bar", "wrong": "g-wrong"}


def paint(plot: Plot, chart: Chart, frame: Frame = PAGE) -> Markup:
    """The complete picture."""
    parts: list[str] = []
    head: float = frame.head
    for panel in plot.panels:
        parts += _Painter(frame, panel).parts(head)
        head = frame.y((panel.span[0] + plot.panels[-1].span[1]) / 2) + 6  # between the two
    parts += _x_axis(plot, frame)
    return Markup(
        f'<svg class="chart" viewBox="0 0 {frame.width} {frame.height}" role="img" '
        f'aria-label="{escape(chart.alt)}">{"".join(parts)}</svg>'
    )


def _x_axis(plot: Plot, frame: Frame) -> Iterator[str]:
    yield _path("g-axis", f"M{frame.left} {frame.floor}H{frame.right}")
    for tick in plot.ticks:
        place = (frame.x(tick) + 4, "end") if tick == 1 else (frame.x(tick), "middle")
        yield _text(place[0], frame.floor + 14, f"{100 * tick:.0f}", place[1])
    yield _text((frame.left + frame.right) / 2, frame.foot, plot.across, "middle")


@dataclass(frozen=True)
class _Painter:
    """Paints one panel in its frame."""

    frame: Frame
    panel: Panel

    def y(self, value: float) -> float:
        """The y position of a value; clipped at the end of the axis."""
        low, high = self.panel.span
        return self.frame.y(low + min(value / self.panel.top, 1.0) * (high - low))

    def parts(self, head: float) -> Iterator[str]:
        """Grid, marks and texts; `head` is the base line of the y axis title."""
        left, right = self.frame.left, self.frame.right
        if self.panel.grid:
            lines = (f"M{left} {_n(self.y(tick))}H{right}" for tick in self.panel.ticks)
            yield _path("g-grid", "".join(lines))
        for mark in self.panel.marks:
            yield from self.mark(mark)
        if not self.panel.grid:
            yield _path("g-axis", f"M{left} {_n(self.y(0))}H{right}")
        for tick in self.panel.ticks:
            # without lines, labels are inside the panel
            down = 4 if self.panel.grid else 8 if tick else 0
            text = f"{100 * tick:.3g}" if self.panel.grid else f"{100 * tick:.0f}"
            yield _text(left - 5, self.y(tick) + down, text, "end")
        words = self.panel.words if self.panel.ticks else self._words_of_counts()
        yield _text(left, head, words)

    def _words_of_counts(self) -> str:
        return f"{self.panel.words}, up to {self.panel.top:,} per bin"

    def mark(self, mark: Mark) -> Iterator[str]:
        if isinstance(mark, Line):
            yield self._cap(mark) if mark.kind == "cap" else self._line(mark)
        elif isinstance(mark, Bar):
            yield self._bar(mark)
        else:
            yield from self._dot(mark)

    def _at(self, place: Place) -> str:
        return f"{_n(self.frame.x(place[0]))} {_n(self.y(place[1]))}"

    def _line(self, line: Line) -> str:
        if not line.steps:
            return _path(f"g-{line.kind}", f"M{'L'.join(map(self._at, line.points))}")
        steps, height = f"M{self._at(line.points[0])}", _n(self.y(line.points[0][1]))
        for x, value in line.points[1:]:
            if (at := _n(self.y(value))) != height:
                steps += f"V{at}"
            steps += f"H{_n(self.frame.x(x))}"
            height = at
        return _path(f"g-{line.kind}", steps)

    def _cap(self, line: Line) -> str:
        """A vertical interval with its ends."""
        (x, low), (_, high) = line.points
        at, ends = self.frame.x(x), (_n(self.y(low)), _n(self.y(high)))
        caps = "".join(f"M{_n(at - 3)} {end}h6" for end in ends)
        return _path("g-cap", f"M{_n(at)} {ends[0]}V{ends[1]}{caps}")

    def _bar(self, bar: Bar) -> str:
        """A bar; even a small count is visible."""
        left, floor = self.frame.x(bar.low), self.y(0)
        tall = max(floor - self.y(bar.height), 0.75)
        return (
            f'<rect class="{BARS[bar.kind]}" x="{_n(left)}" y="{_n(floor - tall)}" '
            f'width="{_n(self.frame.x(bar.high) - left)}" height="{_n(tall)}"/>'
        )

    def _dot(self, dot: Dot) -> Iterator[str]:
        x, y = self.frame.x(dot.x), self.y(dot.y)
        radius = "3.5" if dot.letters is None else "4"
        kind = "g-before" if dot.past else "g-dot" if dot.full else "g-hollow"
        yield f'<circle class="{kind}" cx="{_n(x)}" cy="{_n(y)}" r="{radius}"/>'
        if dot.letters:
            base = y - 7 if dot.above else min(y + 13, self.frame.floor - 4)
            place = (x - 8, "end") if dot.left else (x + 8, "start")
            yield _text(place[0], base, dot.letters, place[1], "g-letter")


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _path(kind: str, steps: str) -> str:
    return f'<path class="{kind}" d="{steps}"/>'


def _text(x: float, base: float, text: str, anchor: str = "start", kind: str = "g-txt") -> str:
    place = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text class="{kind}" x="{_n(x)}" y="{_n(base)}"{place}>{escape(text)}</text>'


def reliability_chart(
    rows: Sequence[ReliabilityRow], chart: Chart, before: Sequence[ReliabilityRow] = ()
) -> Markup:
    return paint(charts.reliability_plot(rows, before), chart)


def histogram_chart(rows: Sequence[HistogramRow], chart: Chart) -> Markup:
    return paint(charts.histogram_plot(rows), chart)


def curve_chart(
    rows: Sequence[CurveRow],
    points: Sequence[OperatingPoint],
    chart: Chart,
    before: Sequence[CurveRow] = (),
) -> Markup:
    return paint(charts.curve_plot(rows, points, before), chart, WIDE)


def roc_chart(section: ThresholdSection, chart: Chart) -> Markup:
    return paint(charts.threshold_plots(section)[0], chart)


def precision_recall_chart(section: ThresholdSection, chart: Chart) -> Markup:
    return paint(charts.threshold_plots(section)[1], chart)


def class_roc_chart(curves: ClassCurves) -> Markup:
    return paint(charts.class_plots(curves)[0], curves.charts[0], SMALL)


def class_precision_recall_chart(curves: ClassCurves) -> Markup:
    return paint(charts.class_plots(curves)[1], curves.charts[1], SMALL)


FILTERS: dict[str, Callable[..., Any]] = {
    "class_precision_recall_chart": class_precision_recall_chart,
    "class_roc_chart": class_roc_chart,
    "curve_chart": curve_chart,
    "histogram_chart": histogram_chart,
    "precision_recall_chart": precision_recall_chart,
    "reliability_chart": reliability_chart,
    "roc_chart": roc_chart,
}
