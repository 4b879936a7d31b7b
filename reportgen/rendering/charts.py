"""The drawings of the confidence section: SVG of geometry attributes and classes, no style.

They are built from numbers and from escaped text, and from nothing else. Each is one image to
those who don't see it, with its message as its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from markupsafe import Markup, escape

from reportgen.report import Chart, CurveRow, HistogramRow, OperatingPoint, ReliabilityRow

__all__ = [
    "FILTERS",
    "LEFT",
    "QUARTERS",
    "RIGHT",
    "TOP",
    "axis_percents",
    "drawing",
    "grid",
    "label",
    "path",
    "x",
]


WIDTH, HEIGHT = 340, 318


LEFT, RIGHT = 34, 332


TOP = 18


QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


ERROR_AXES = ((0.01, 5), (0.02, 4), (0.05, 5), (0.1, 5), (0.2, 4), (0.5, 5), (1.0, 4))
"""Upper ends of the curve's axis with their numbers of steps; the smallest that holds is taken."""


SETTLED = 0.05
"""Coverage from which on the curve must fit; the error of the first few answers may be anything."""


def x(share: float) -> float:
    """Where a share in 0..1 lies from left to right."""
    return LEFT + share * (RIGHT - LEFT)


def reliability_chart(rows: Sequence[ReliabilityRow], chart: Chart) -> Markup:
    """Accuracy over confidence, with the number of answers in each bin below."""
    bottom, floor = 226, 276

    def y(share: float) -> float:
        return bottom - share * (bottom - TOP)

    most = max(row.bar.n for row in rows)
    parts = [
        *grid(QUARTERS, y),
        path("g-even", f"M{LEFT} {bottom}L{RIGHT} {TOP}"),
        *(mark for row in rows for mark in _dot(row, y)),
        *(_count_bar(row, most, floor) for row in rows if row.bar.n),
        path("g-axis", f"M{LEFT} {floor}H{RIGHT}"),
        *axis_percents(floor + 14, QUARTERS),
        label((LEFT + RIGHT) / 2, floor + 32, "confidence, %", "middle"),
        label(LEFT, 10, "right, %"),
        label(LEFT + 2, 243, f"answers, up to {most:,} a bin"),
    ]
    return drawing(chart, parts)


def _dot(row: ReliabilityRow, y: Callable[[float], float]) -> Iterator[str]:
    bar = row.bar
    if bar.accuracy is None or bar.interval is None or bar.confidence is None:
        return
    at, (low, high) = x(bar.confidence), bar.interval
    yield path(
        "g-cap",
        f"M{at:.1f} {y(low):.1f}V{y(high):.1f}M{at - 3:.1f} {y(low):.1f}h6"
        f"M{at - 3:.1f} {y(high):.1f}h6",
    )
    kind = "g-hollow" if row.few else "g-dot"
    yield f'<circle class="{kind}" cx="{at:.1f}" cy="{y(bar.accuracy):.1f}" r="3.5"/>'


def _count_bar(row: ReliabilityRow, most: int, floor: float) -> str:
    left, right = x(row.bar.low) + 1, x(row.bar.high) - 1
    return _rect("g-bar", left, floor, right - left, 30 * row.bar.n / most)


def histogram_chart(rows: Sequence[HistogramRow], chart: Chart) -> Markup:
    """Right answers above, wrong ones below, as shares of their kind on one scale."""
    tall, floors = 112, (134, 276)
    top = max(max(row.right_share, row.wrong_share) for row in rows) or 1.0
    width = (RIGHT - LEFT) / len(rows)
    right, wrong = sum(row.right for row in rows), sum(row.wrong for row in rows)
    parts: list[str] = []
    for floor, kind, shares in (
        (floors[0], "g-bar", [row.right_share for row in rows]),
        (floors[1], "g-wrong", [row.wrong_share for row in rows]),
    ):
        parts += (
            _rect(kind, LEFT + i * width + 0.5, floor, width - 1, tall * share / top)
            for i, share in enumerate(shares)
            if share
        )
        parts.append(path("g-axis", f"M{LEFT} {floor}H{RIGHT}"))
        parts.append(label(LEFT - 5, floor - tall + 8, f"{100 * top:.0f}", "end"))
        parts.append(label(LEFT - 5, floor, "0", "end"))
    parts += [
        label(LEFT, 10, f"{right:,} right, % of them in each bin"),
        label(LEFT, floors[0] + 20, f"{wrong:,} wrong, % of them in each bin"),
        *axis_percents(floors[1] + 14, QUARTERS),
        label((LEFT + RIGHT) / 2, floors[1] + 32, "confidence, %", "middle"),
    ]
    return drawing(chart, parts)


def curve_chart(rows: Sequence[CurveRow], points: Sequence[OperatingPoint], chart: Chart) -> Markup:
    """Error over coverage with the operating points; early points that are higher are cut off."""
    floor = 276
    reach = max((row.error for row in rows if row.coverage >= SETTLED), default=1.0)
    top, n_steps = next(axis for axis in ERROR_AXES if axis[0] >= min(reach, 1.0))

    def y(share: float) -> float:
        return floor - min(share / top, 1.0) * (floor - TOP)

    line = "L".join(f"{x(row.coverage):.1f} {y(row.error):.1f}" for row in rows)
    parts = [
        *grid([top * i / n_steps for i in range(n_steps + 1)], y),
        path("g-line", f"M{line}"),
        *(mark for point in points for mark in _point(point, y, floor)),
        path("g-axis", f"M{LEFT} {floor}H{RIGHT}"),
        *axis_percents(floor + 14, QUARTERS),
        label((LEFT + RIGHT) / 2, floor + 32, "answered, surest first, %", "middle"),
        label(LEFT, 10, "wrong among these, %"),
    ]
    return drawing(chart, parts)


def _point(point: OperatingPoint, y: Callable[[float], float], floor: float) -> Iterator[str]:
    at, height = x(point.coverage), y(point.error)
    yield path("g-even", f"M{LEFT} {height:.1f}H{at:.1f}V{floor}")
    yield f'<circle class="g-dot" cx="{at:.1f}" cy="{height:.1f}" r="4"/>'
    first = point.letter == "A"  # the two may lie close together: one letter on either side
    left, anchor = (at - 7, "end") if first else (at + 7, "start")
    base = height - 7 if first else min(height + 12, floor - 4)
    yield f'<text class="g-letter" x="{left:.1f}" y="{base:.1f}" text-anchor="{anchor}">'
    yield f"{escape(point.letter)}</text>"


def grid(ticks: Sequence[float], y: Callable[[float], float]) -> Iterator[str]:
    """Lines at these shares, with their percentages at the left."""
    for tick in ticks:
        yield path("g-grid", f"M{LEFT} {y(tick):.1f}H{RIGHT}")
        yield label(LEFT - 5, y(tick) + 4, f"{100 * tick:.3g}", "end")


def axis_percents(at: float, ticks: Iterable[float]) -> Iterator[str]:
    for tick in ticks:
        anchor = "end" if tick == 1 else "middle"
        yield label(x(tick) + (4 if tick == 1 else 0), at, f"{100 * tick:.0f}", anchor)


def drawing(chart: Chart, parts: Iterable[str]) -> Markup:
    name = escape(chart.alt)
    return Markup(
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}">'
        f"{''.join(parts)}</svg>"
    )


def path(kind: str, steps: str) -> str:
    return f'<path class="{kind}" d="{steps}"/>'


def _rect(kind: str, left: float, floor: float, width: float, height: float) -> str:
    """A bar that stands on `floor`; one of few samples is still seen."""
    tall = max(height, 0.75)
    return (
        f'<rect class="{kind}" x="{left:.1f}" y="{floor - tall:.1f}" '
        f'width="{width:.1f}" height="{tall:.1f}"/>'
    )


def label(at: float, base: float, text: str, anchor: str = "start") -> str:
    place = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text class="g-txt" x="{at:.1f}" y="{base:.1f}"{place}>{escape(text)}</text>'


FILTERS: dict[str, Callable[..., Any]] = {
    "curve_chart": curve_chart,
    "histogram_chart": histogram_chart,
    "reliability_chart": reliability_chart,
}
