"""The curves of the confidence section as figures of their own, for slides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from reportgen.figures.fonts import drawable, families
from reportgen.report.model import (
    ConfidenceSection,
    CurveRow,
    HistogramRow,
    OperatingPoint,
    ReliabilityRow,
)
from reportgen.report.model_review import CalibrationChange
from reportgen.report.model_threshold import ThresholdMark, ThresholdSection
from reportgen.text import middle_cut

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["baseline_figures", "curve_figures", "threshold_figures", "titled"]

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
            titled(figure, chart.title, subject)
            yield name, figure


def baseline_figures(calibration: CalibrationChange | None) -> Iterator[tuple[str, Any]]:
    """The reliability diagram of the baseline, which the page shows beside the candidate's."""
    for _, rows in calibration.charts[:1] if calibration else ():
        if any(row.bar.n for row in rows):
            figure = _empty_figure()
            _reliability(figure, rows)
            titled(figure, "Baseline: as sure as right?", "")
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
        titled(figure, chart.title, subject)
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
    axes.set_xlabel("\n".join(["answered, surest first, %", *map(_wrapped, lines)]))
    _dress(axes)


def _wrapped(line: str) -> str:
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


def titled(figure: Any, title: str, subject: str) -> None:
    """Title and subject above the first axes."""
    axes = figure.axes[0]
    line = middle_cut(subject, 70)
    if line and drawable(line):
        axes.set_title(line, loc="left", fontsize=FONT, color=GREY, fontfamily=families(line))
    figure.suptitle(title, x=0.01, ha="left", fontsize=15, fontweight="bold", color=INK)
