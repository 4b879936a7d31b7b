"""Curves, and rows of points with intervals, as figures for slides."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reportgen.rendering.figures.style import drawable, families
from reportgen.report import (
    CalibrationChange,
    Cell,
    ConfidenceSection,
    CurveRow,
    Delta,
    HistogramRow,
    OperatingPoint,
    ReliabilityRow,
    Report,
    ThresholdMark,
    ThresholdSection,
)
from reportgen.text import middle_cut, plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "baseline_figures",
    "curve_figures",
    "row_figures",
    "threshold_figures",
    "title",
]


INCHES = (6.5, 5.5)


INK, GREY, RULE = "#15181c", "#565e68", "#dcdfe3"


ACCENT, SOFT, WRONG = "#14559c", "#bcd3ec", "#8d959e"


SETTLED = 0.05
"""Coverage from which on the curve must fit; the error of the first few answers may be anything."""


FONT = 11


def curve_figures(section: ConfidenceSection, subject: str) -> Iterator[tuple[str, Any]]:
    """File name without ending, and figure, of each drawing that has something to show."""
    drawings: tuple[tuple[str, bool, Callable[[Any], None]], ...] = (
        ("reliability", any(row.bar.n for row in section.reliability),
         lambda figure: _reliability(figure, section.reliability)),
        ("confidence-histogram", bool(section.histogram),
         lambda figure: _histogram(figure, section.histogram)),
        ("risk-coverage", bool(section.curve),
         lambda figure: _curve(figure, section.curve, section.points)),
    )  # fmt: skip
    for (name, shown, draw), chart in zip(drawings, section.charts, strict=False):
        if shown:
            figure = _empty_figure()
            draw(figure)
            title(figure, chart.title, subject)
            yield name, figure


def baseline_figures(calibration: CalibrationChange | None) -> Iterator[tuple[str, Any]]:
    """The reliability diagram of the baseline, which the page shows beside the candidate's."""
    for _, rows in calibration.charts[:1] if calibration else ():
        if any(row.bar.n for row in rows):
            figure = _empty_figure()
            _reliability(figure, rows)
            title(figure, "Baseline: as sure as right?", "")
            yield "reliability-baseline", figure


def threshold_figures(section: ThresholdSection, subject: str) -> Iterator[tuple[str, Any]]:
    """File name without ending, and figure, of the curves of a two-class model."""
    curves = (
        ("roc", section.roc, "1 − specificity, %", "sensitivity, %"),
        ("precision-recall", section.precision_recall, "recall, %", "precision, %"),
    )
    for (name, line, across, up), chart in zip(curves, section.charts, strict=False):
        if not line:
            continue
        figure = _empty_figure()
        axes = figure.subplots()
        even = (0, 100) if name == "roc" else (100 * section.prevalence,) * 2
        axes.plot((0, 100), even, color=GREY, linewidth=1, linestyle=(0, (4, 3)))
        axes.plot(*([100 * at[i] for at in line] for i in (0, 1)), color=ACCENT, linewidth=1.8)
        for mark, at in _marks(section.marks, name):
            axes.plot(*at, "o", color=ACCENT, markersize=7, clip_on=False)
            axes.annotate(mark.letter, at, xytext=(8, -14), textcoords="offset points",
                          fontsize=FONT + 1, fontweight="bold", color=INK)  # fmt: skip
        axes.set(xlim=(0, 100), ylim=(0, 100))
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        _dress(axes)
        title(figure, chart.title, subject)
        yield name, figure


def _marks(
    marks: Sequence[ThresholdMark], name: str
) -> Iterator[tuple[ThresholdMark, tuple[float, float]]]:
    """Each named point with its place, in percent; one without a precision has none."""
    for mark in marks:
        if name == "roc":
            yield mark, (100 * mark.false_alarms, 100 * mark.sensitivity)
        elif mark.precision is not None:
            yield mark, (100 * mark.sensitivity, 100 * mark.precision)


def _empty_figure() -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=INCHES, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1))
    FigureCanvasAgg(figure)
    return figure


def _reliability(figure: Any, rows: Sequence[ReliabilityRow]) -> None:
    """Accuracy over confidence with intervals, and the number of answers in each bin below."""
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    upper.plot((0, 100), (0, 100), color=GREY, linewidth=1, linestyle=(0, (4, 3)))
    for row in rows:
        bar = row.bar
        if bar.accuracy is None or bar.interval is None or bar.confidence is None:
            continue
        at, (low, high) = 100 * bar.confidence, bar.interval
        upper.plot((at, at), (100 * low, 100 * high), color=ACCENT, linewidth=1.5)
        upper.plot(at, 100 * bar.accuracy, "o", markersize=6, color=ACCENT,
                   markerfacecolor="white" if row.few else ACCENT, clip_on=False)  # fmt: skip
    lower.bar(
        [50 * (row.bar.low + row.bar.high) for row in rows],
        [row.bar.n for row in rows],
        [94 * (row.bar.high - row.bar.low) for row in rows],
        color=SOFT,
    )
    upper.set(xlim=(0, 100), ylim=(0, 100))
    upper.set_ylabel("right, %")
    lower.set_ylabel("answers")
    lower.yaxis.set_major_formatter("{x:,.0f}")
    lower.set_xlabel("confidence, %")
    _dress(upper, lower)


def _histogram(figure: Any, rows: Sequence[HistogramRow]) -> None:
    """Right answers above, wrong ones below, as shares of their kind on one scale."""
    upper, lower = figure.subplots(2, 1, sharex=True, sharey=True)
    width = 100 / len(rows)
    places = [width * (i + 0.5) for i in range(len(rows))]
    for axes, shares, n, word, colour in (
        (upper, [row.right_share for row in rows], sum(row.right for row in rows), "right", ACCENT),
        (lower, [row.wrong_share for row in rows], sum(row.wrong for row in rows), "wrong", WRONG),
    ):
        axes.bar(places, [100 * share for share in shares], 0.94 * width, color=colour)
        axes.set_ylabel(f"% of {n:,} {word}")
    upper.set(xlim=(0, 100))
    lower.set_xlabel("confidence, %")
    _dress(upper, lower)


def _curve(figure: Any, rows: Sequence[CurveRow], points: Sequence[OperatingPoint]) -> None:
    """Error over coverage with the operating points; early points that are higher are cut off."""
    axes = figure.subplots()
    reach = max((row.error for row in rows if row.coverage >= SETTLED), default=1.0)
    axes.plot(
        [100 * row.coverage for row in rows], [100 * row.error for row in rows],
        color=ACCENT, linewidth=1.8,
    )  # fmt: skip
    for point in points:
        at = 100 * point.coverage, 100 * point.error
        axes.plot(*at, "o", color=ACCENT, markersize=7, clip_on=False)
        first = point.letter == "A"  # the two may lie close together: one letter on either side
        axes.annotate(
            point.letter, at, xytext=(-9, 7) if first else (9, -14), textcoords="offset points",
            fontsize=FONT + 1, fontweight="bold", color=INK, ha="right" if first else "left",
        )  # fmt: skip
    axes.set(xlim=(0, 100), ylim=(0, max(110 * reach, 0.1)))
    axes.set_ylabel("wrong among these, %")
    lines = [f"{point.letter}: {text}" for point in points if drawable(text := str(point.sentence))]
    axes.set_xlabel("\n".join(["answered, surest first, %", *map(_wrap, lines)]))
    _dress(axes)


def _wrap(line: str) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(line.replace("\u00a0", " "), 72))


def _dress(*all_axes: Axes) -> None:
    for axes in all_axes:
        axes.grid(visible=True, axis="y", color=RULE, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color(WRONG)
        axes.tick_params(length=0, labelsize=FONT - 1, labelcolor=GREY)
        for label in (axes.xaxis.label, axes.yaxis.label):
            label.set(color=GREY, fontsize=FONT)


def title(figure: Any, title: str, subject: str) -> None:
    """Title and subject above the first axes."""
    axes = figure.axes[0]
    line = middle_cut(subject, 70)
    if line and drawable(line):
        axes.set_title(line, loc="left", fontsize=FONT, color=GREY, fontfamily=families(line))
    figure.suptitle(title, x=0.01, ha="left", fontsize=15, fontweight="bold", color=INK)


MOST_ROWS = 30
"""More would not be legible on a slide; the first are the ones to look at."""


NAME_WIDTH = 32


CLEAR = ("better", "worse")
"""Significant changes: their dots are full."""


@dataclass(frozen=True)
class _Mark:
    """A share or a difference of shares with its interval, and as text; `full` is its dot."""

    value: float | None
    low: float | None
    high: float | None
    text: str
    full: bool = True

    @classmethod
    def of(cls, cell: Cell) -> _Mark:
        return cls(cell.value, cell.low, cell.high, cell.text)

    @classmethod
    def of_change(cls, change: Delta) -> _Mark:
        full = change.kind in CLEAR
        return cls(change.value, change.low, change.high, change.text, full)


@dataclass(frozen=True)
class _Chart:
    """Rows of marks, a column of them for each head; `signed` where they are differences."""

    name: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[_Mark, ...]], ...]
    more: str = ""
    signed: bool = False


def row_figures(report: Report) -> Iterator[tuple[str, Any]]:
    """File name without ending, and figure, of each table whose rows have bars."""
    for chart in _charts(report):
        if any(mark.value is not None for _, marks in chart.rows for mark in marks):
            yield chart.name, _draw(chart, str(report.subject))


def _charts(report: Report) -> Iterator[_Chart]:
    yield _of_classes(report)
    if report.slices is not None:
        rows = [
            (f"{row.column.text}: {row.part.text}", (_Mark.of(row.accuracy),))
            for row in report.slices.rows
        ]
        yield _chart("slice-accuracy", "Accuracy of parts of the data", ("Accuracy, %",), rows)
    for one in report.groups.sets if report.groups else ():
        named = [
            (
                row.name.text if row.name else ", ".join(name.text for name in row.first),
                tuple(map(_Mark.of, row.cells)),
            )
            for row in one.rows
        ]
        heads = tuple(f"{head}, %" for head in one.heads)
        yield _chart(f"groups-{one.key}", str(one.title), heads, named)
    changes = report.comparison.classes if report.comparison else None
    if changes is not None:
        harmed = [(row.name.text, (_Mark.of_change(row.recall),)) for row in changes.rows]
        head = ("Recall, candidate less baseline, points\nfull dots: significant",)
        yield _chart("recall-changes", "Classes by harm", head, harmed, signed=True)


def _of_classes(report: Report) -> _Chart:
    shares = [item for item in report.classes.main if item.kind == "share"][:3]
    rows = [
        (row.name.text, tuple(_Mark.of(row.cells[item.name]) for item in shares))
        for row in report.classes.rows
    ]
    heads = tuple(f"{item.title}, %" for item in shares)
    return _chart("class-figures", "Classes, lowest recall first", heads, rows)


def _chart(
    name: str,
    title: str,
    heads: tuple[str, ...],
    rows: Sequence[tuple[str, tuple[_Mark, ...]]],
    *,
    signed: bool = False,
) -> _Chart:
    shown = tuple(
        (text if drawable(text) else f"row {number}", marks)
        for number, (whole, marks) in enumerate(rows[:MOST_ROWS], 1)
        for text in (middle_cut(whole, NAME_WIDTH),)
    )
    left_out = len(rows) - len(shown)
    more = f"{plural(left_out, 'further row')} not drawn" if left_out else ""
    return _Chart(name, title, heads, shown, more, signed)


def _draw(chart: _Chart, subject: str) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    wide = 6.5 if len(chart.heads) == 1 else 3.4 + 2.4 * len(chart.heads)
    size = (wide, 1.7 + 0.26 * len(chart.rows))
    figure = Figure(figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1))
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(chart.heads), sharey=True, squeeze=False)[0]
    for i, (axes, head) in enumerate(zip(panels, chart.heads, strict=True)):
        marks = [row[i] for _, row in chart.rows]
        _panel(axes, marks, signed=chart.signed)
        axes.set_xlabel("\n".join(filter(None, (head, chart.more if not i else ""))))
        axes.xaxis.label.set(color=GREY, fontsize=FONT)
    _names(panels[0], [name for name, _ in chart.rows])
    title(figure, chart.title, subject)
    return figure


def _panel(axes: Any, marks: Sequence[_Mark], *, signed: bool) -> None:
    """One column of marks, the first on top, their texts at the right."""
    for place, mark in enumerate(marks):
        axes.text(1.02, place, mark.text, transform=axes.get_yaxis_transform(), va="center",
                  fontsize=FONT - 2, color=INK)  # fmt: skip
        if mark.value is None:
            continue
        if mark.low is not None and mark.high is not None:
            ends = (100 * mark.low, 100 * mark.high)
            axes.plot(ends, (place, place), color=ACCENT, linewidth=1.5)
        axes.plot(100 * mark.value, place, "o", color=ACCENT, markersize=5.5, clip_on=False,
                  markerfacecolor=ACCENT if mark.full else "white")  # fmt: skip
    if signed:
        reach = _reach(marks)
        axes.set_xlim(-reach, reach)
        axes.axvline(0, color=GREY, linewidth=1)
        axes.xaxis.set_major_formatter(_points)
    else:
        axes.set_xlim(0, 100)
    axes.grid(visible=True, axis="x", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0, labelsize=FONT - 1, labelcolor=GREY)


def _points(value: float, _place: int) -> str:
    return f"{value:+g}".replace("-", "\u2212") if value else "0"


def _reach(marks: Sequence[_Mark]) -> float:
    """Points from 0 to either end of an axis that holds every mark and interval."""
    values = [
        value for mark in marks for value in (mark.value, mark.low, mark.high) if value is not None
    ]
    return max(5 * math.ceil(20 * max(map(abs, values), default=0)), 5)


def _names(axes: Any, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), labels=names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    for tick in axes.get_yticklabels():
        tick.set(color=INK, fontsize=FONT - 1, fontfamily=families(tick.get_text()))
