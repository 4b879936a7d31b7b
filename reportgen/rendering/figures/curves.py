"""Charts drawn with matplotlib for slides, from the same marks as those of the page."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from reportgen.rendering import charts
from reportgen.rendering.charts import Bar, Dot, Line, Mark, Panel, Plot, RowPlot
from reportgen.rendering.figures.style import drawable, families, own_settings
from reportgen.report import ConfidenceSection, Report, ThresholdSection
from reportgen.text import middle_cut

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from reportgen.report import CalibrationChange

__all__ = [
    "baseline_figures",
    "curve_figures",
    "paint_chart",
    "row_figures",
    "threshold_figures",
]


INCHES = (6.5, 5.5)


INK, GREY, RULE = "#15181c", "#565e68", "#dcdfe3"


ACCENT, SOFT, WRONG = "#14559c", "#bcd3ec", "#8d959e"


LINES: Mapping[str, Mapping[str, Any]] = {
    "line": {"color": ACCENT, "linewidth": 1.8},
    "even": {"color": GREY, "linewidth": 1, "linestyle": (0, (4, 3))},
    "past": {"color": GREY, "linewidth": 1.2, "linestyle": (0, (5, 3))},
    "cap": {"color": ACCENT, "linewidth": 1.5},
}


BARS = {"count": SOFT, "right": ACCENT, "wrong": WRONG}


LOWEST = 0.2
"""Minimum fraction of the height of a panel; a lower one has no room for its ticks."""


FONT = 11


NAME_WIDTH = 32


def curve_figures(section: ConfidenceSection, subject: str) -> Iterator[tuple[str, Any]]:
    """File name without extension, and figure, of each non-empty chart."""
    titles = [chart.title for chart in section.charts]
    if any(row.bar.n for row in section.reliability):
        plot = charts.reliability_plot(section.reliability)
        yield "reliability", _figure(plot, titles[0], subject)
    if section.histogram:
        plot = charts.histogram_plot(section.histogram)
        yield "confidence-histogram", _figure(plot, titles[1], subject)
    if section.curve:
        points = ((point.letter, str(point.sentence)) for point in section.points)
        below = [f"{letter}: {text}" for letter, text in points if drawable(text)]
        plot = charts.curve_plot(section.curve, section.points)
        yield "risk-coverage", _figure(plot, titles[2], subject, below)


def baseline_figures(calibration: CalibrationChange | None) -> Iterator[tuple[str, Any]]:
    """The reliability diagram of the baseline, which the page shows beside the candidate's."""
    for _, rows in calibration.charts[:1] if calibration else ():
        if any(row.bar.n for row in rows):
            plot = charts.reliability_plot(rows)
            yield "reliability-baseline", _figure(plot, "Baseline: reliability diagram", "")


def threshold_figures(section: ThresholdSection, subject: str) -> Iterator[tuple[str, Any]]:
    """File name without extension, and figure, of the curves of a two-class model."""
    if section.charts:
        names = ("roc", "precision-recall")
        for name, plot, chart in zip(
            names, charts.threshold_plots(section), section.charts, strict=True
        ):
            yield name, _figure(plot, chart.title, subject)


def row_figures(report: Report) -> Iterator[tuple[str, Any]]:
    """File name without extension, and figure, of each table whose rows have bars."""
    for plot in charts.row_plots(report):
        yield plot.name, _row_figure(plot, str(report.subject))


def _figure(plot: Plot, title: str, subject: str, below: Iterable[str] = ()) -> Any:
    figure = _empty_figure(INCHES)
    heights = [max(panel.span[1] - panel.span[0], LOWEST) for panel in plot.panels]
    all_axes = figure.subplots(len(heights), sharex=True, squeeze=False, height_ratios=heights)
    for axes, panel in zip(all_axes[:, 0], plot.panels, strict=True):
        _paint_panel(axes, panel)
        _dress(axes, "y")
    lines = [plot.across, *(_wrap(line, 72) for line in below)]
    axes.set(xlim=(0, 100), xlabel="\n".join(lines))
    _head(figure, title, subject)
    return figure


def paint_chart(plot: Plot, title: str, axes: Axes) -> None:
    """Paint the first panel of a chart on existing axes."""
    with own_settings():
        _paint_panel(axes, plot.panels[0])
        _dress(axes, "y")
        axes.set(xlim=(0, 100), xlabel=plot.across)
        axes.set_title(title, loc="left", fontsize=FONT, fontweight="bold", color=INK)


def _paint_panel(axes: Axes, panel: Panel) -> None:
    """A panel of proportions in percent; one without ticks shows counts."""
    up = 100 if panel.ticks else 1
    _paint(axes, panel.marks, up)
    room = 1.0 if panel.grid else 1.05
    axes.set_ylim(0, up * room * panel.top)
    axes.set_ylabel(_wrap(panel.words, 24))
    if not panel.ticks:
        axes.yaxis.set_major_formatter("{x:,.0f}")


def _paint(axes: Axes, marks: Iterable[Mark], up: float) -> None:
    """Paint the marks; proportions across are in percent, values upwards are scaled by `up`."""
    for mark in marks:
        if isinstance(mark, Line):
            across, upwards = (
                [scale * at[i] for at in mark.points] for i, scale in enumerate((100, up))
            )
            style = "steps-pre" if mark.steps else "default"
            axes.plot(across, upwards, drawstyle=style, **LINES[mark.kind])
        elif isinstance(mark, Bar):
            wide = 100 * (mark.high - mark.low)
            axes.bar(100 * mark.low, up * mark.height, wide, align="edge", color=BARS[mark.kind])
        else:
            _paint_dot(axes, mark, (100 * mark.x, up * mark.y))


def _paint_dot(axes: Axes, dot: Dot, at: tuple[float, float]) -> None:
    size = 5.5 if dot.letters is None else 7
    axes.plot(*at, "o", color=ACCENT, markersize=size, clip_on=False,
              markerfacecolor=ACCENT if dot.full else "white")  # fmt: skip
    if dot.letters:
        place = (-9 if dot.left else 9, 7 if dot.above else -14)
        axes.annotate(dot.letters, at, xytext=place, textcoords="offset points", color=INK,
                      fontsize=FONT + 1, fontweight="bold",
                      ha="right" if dot.left else "left")  # fmt: skip


def _empty_figure(inches: tuple[float, float]) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=inches, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1))
    FigureCanvasAgg(figure)
    return figure


def _wrap(line: str, width: int) -> str:
    return "\n".join(textwrap.wrap(line.replace("\u00a0", " "), width))


def _dress(axes: Axes, lines_of: Literal["x", "y"]) -> None:
    axes.grid(visible=True, axis=lines_of, color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    if lines_of == "y":
        axes.spines["bottom"].set_color(WRONG)
    axes.tick_params(length=0, labelsize=FONT - 1, labelcolor=GREY)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=GREY, fontsize=FONT)


def _head(figure: Any, title: str, subject: str) -> None:
    """Title and subject above the first axes."""
    axes = figure.axes[0]
    line = middle_cut(subject, 70)
    if line and drawable(line):
        axes.set_title(line, loc="left", fontsize=FONT, color=GREY, fontfamily=families(line))
    figure.suptitle(title, x=0.01, ha="left", fontsize=15, fontweight="bold", color=INK)


def _row_figure(plot: RowPlot, subject: str) -> Any:
    wide = 6.5 if len(plot.heads) == 1 else 3.4 + 2.4 * len(plot.heads)
    figure = _empty_figure((wide, 1.7 + 0.26 * len(plot.names)))
    panels = figure.subplots(1, len(plot.heads), sharey=True, squeeze=False)[0]
    for i, (axes, head) in enumerate(zip(panels, plot.heads, strict=True)):
        _paint_column(axes, plot, i)
        axes.set_xlabel("\n".join(filter(None, (head, plot.more if not i else ""))))
    _names(panels[0], plot.names)
    _head(figure, plot.title, subject)
    return figure


def _paint_column(axes: Axes, plot: RowPlot, column: int) -> None:
    """One column of marks, the first on top, their texts at the right."""
    for place, cell in enumerate(plot.columns[column]):
        axes.text(1.02, place, cell.text, transform=axes.get_yaxis_transform(), va="center",
                  fontsize=FONT - 2, color=INK)  # fmt: skip
    marks = list(plot.marks(column))
    _paint(axes, marks, 1)
    if plot.signed:
        reach = _reach(marks)
        axes.set_xlim(-reach, reach)
        axes.axvline(0, color=GREY, linewidth=1)
        axes.xaxis.set_major_formatter(_points)
    else:
        axes.set_xlim(0, 100)
    _dress(axes, "x")


def _points(value: float, _place: float) -> str:
    return f"{value:+g}".replace("-", "\u2212") if value else "0"


def _reach(marks: Sequence[Mark]) -> float:
    """Lower and upper end of an axis that contains 0, every dot and every interval."""
    ends = [at[0] for mark in marks if isinstance(mark, Line) for at in mark.points]
    ends += [mark.x for mark in marks if isinstance(mark, Dot)]
    return max(5 * math.ceil(20 * max(map(abs, ends), default=0)), 5)


def _names(axes: Axes, names: Sequence[str]) -> None:
    short = [middle_cut(name, NAME_WIDTH) for name in names]
    shown = [name if drawable(name) else f"row {row}" for row, name in enumerate(short, 1)]
    axes.set_yticks(range(len(names)), labels=shown)
    axes.set_ylim(len(names) - 0.4, -0.6)
    for tick in axes.get_yticklabels():
        tick.set(color=INK, fontsize=FONT - 1, fontfamily=families(tick.get_text()))
