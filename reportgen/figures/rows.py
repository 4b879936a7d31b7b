"""Figures that the page draws within the rows of its tables, as charts of their own: for slides."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from reportgen.figures.curves import ACCENT, FONT, GREY, INK, RULE, titled
from reportgen.figures.fonts import drawable, families
from reportgen.report import Report
from reportgen.report.model import Cell
from reportgen.report.model_review import Delta
from reportgen.text import middle_cut, plural

__all__ = ["row_figures"]

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
            yield chart.name, _drawn(chart, str(report.subject))


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


def _drawn(chart: _Chart, subject: str) -> Any:
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
    titled(figure, chart.title, subject)
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
