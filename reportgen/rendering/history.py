"""The page of a history: every saved evaluation as a row, accuracy and worst recall as lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reportgen import __version__
from reportgen.rendering import html
from reportgen.report import Name
from reportgen.review import HistoryEntry
from reportgen.text import count, interval_percent, percent, printable

__all__ = [
    "render_history",
]


TEMPLATE = "history.html.j2"


WIDTH, HEIGHT, EDGE = 360, 150, 8


LEFT, FLOOR = 38, 128
"""Where the drawing's axes stand: percentages at the left of one, numbers below the other."""


MOST_NUMBERS = 12


STATUSES = {"SHIP": "passed", "DO NOT SHIP": "failed", "INCONCLUSIVE": "inconclusive"}
"""Verdict → the status whose mark it has."""


@dataclass(frozen=True)
class _Row:
    """One evaluation as it is read."""

    number: int
    date: Name
    name: Name
    model: Name
    data: Name
    samples: str
    accuracy: str
    range: str
    macro_f1: str
    worst_class: Name
    worst_recall: str
    kind: str
    verdict: str
    other_data: bool


@dataclass(frozen=True)
class _Trend:
    """A line through the values, its ends in words, and how it reads aloud."""

    title: str
    drawing: Markup
    first: str
    last: str
    lowest: str
    highest: str


@dataclass(frozen=True)
class _Point:
    """A value of 0..1, None where it is undefined, with its interval where it has one."""

    value: float | None
    interval: tuple[float, float] | None
    same_data: bool
    """Whether the data are those of the point before."""

    @property
    def reach(self) -> tuple[float, ...]:
        """The values that its drawing takes."""
        return () if self.value is None else (self.value, *(self.interval or ()))


def render_history(entries: Sequence[HistoryEntry]) -> str:
    """The whole page, ASCII, without script and images."""
    rows = [_row(number, entries, entry) for number, entry in enumerate(entries, 1)]
    same = [not row.other_data for row in rows]
    accuracies = [
        _Point(entry.accuracy, entry.accuracy_interval, here)
        for entry, here in zip(entries, same, strict=True)
    ]
    recalls = [
        _Point(entry.worst_recall, None, here) for entry, here in zip(entries, same, strict=True)
    ]
    values = {
        "rows": rows,
        "trends": [_trend("Accuracy", accuracies), _trend("Worst recall", recalls)]
        if len(entries) > 1
        else [],
        "mixed": not all(same),
        "dated": any(entry.date for entry in entries),
        "made_with": f"reportgen {__version__}",
    }
    return html.plain_page(TEMPLATE, values).html


def _row(number: int, entries: Sequence[HistoryEntry], entry: HistoryEntry) -> _Row:
    before = entries[number - 2] if number > 1 else entry
    return _Row(
        number=number,
        date=Name.of(entry.date or "not given", 20),
        name=Name.of(entry.name, 40),
        model=Name.of(" ".join(filter(None, (entry.model, entry.version))) or "not named", 40),
        data=Name.of(" ".join(filter(None, (entry.data, entry.split))) or "not named", 40),
        samples=count(entry.n_samples),
        accuracy=_share(entry.accuracy),
        range=interval_percent(entry.accuracy_interval) if entry.accuracy_interval else "",
        macro_f1=_share(entry.macro_f1),
        worst_class=Name.of(entry.worst_class, 40),
        worst_recall=_share(entry.worst_recall),
        kind=STATUSES.get(entry.verdict, "not applicable"),
        verdict=printable(entry.verdict)[:40],
        other_data=entry.data_fingerprint != before.data_fingerprint,
    )


def _share(value: float | None) -> str:
    return "n/a" if value is None else percent(value)


def _trend(title: str, points: Sequence[_Point]) -> _Trend:
    known = [point.value for point in points if point.value is not None]
    if not known:
        return _Trend(title, Markup(""), "n/a", "n/a", "n/a", "n/a")
    return _Trend(
        title, _line(points),
        _share(known[0]), _share(known[-1]), _share(min(known)), _share(max(known)),
    )  # fmt: skip


def _line(points: Sequence[_Point]) -> Markup:
    """A line over the values with their intervals; its scale is that of what it shows.

    It is broken where a value is undefined and where the data change: across that, values can't
    be compared.
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
        f"{_axes([(value, y(value)) for value in sorted({low, high})], len(points), x)}"
        f'<path class="g-even" d="{breaks}"/><path class="g-whisker" d="{whiskers}"/>'
        f'<path class="g-line" d="{path}"/>{dots}</svg>'
    )


def _axes(levels: Sequence[tuple[float, str]], n: int, x: Callable[[float], str]) -> str:
    """Lines at the lowest and the highest value, and the rows' numbers, or the first and last."""
    lines = "".join(
        f'<path class="g-grid" d="M{LEFT} {at}H{WIDTH}"/>'
        f'<text class="g-txt" x="{LEFT - 4}" y="{float(at) + 3.5:.1f}" text-anchor="end">'
        f"{100 * value:.1f}</text>"
        for value, at in levels
    )
    shown = range(n) if n <= MOST_NUMBERS else (0, n - 1)
    return lines + "".join(
        f'<text class="g-txt" x="{x(i)}" y="{HEIGHT - 6}" text-anchor="middle">{i + 1}</text>'
        for i in shown
    )


def _height(value: float, low: float, high: float) -> float:
    room = FLOOR - 2 * EDGE
    return room / 2 if high == low else (value - low) / (high - low) * room
