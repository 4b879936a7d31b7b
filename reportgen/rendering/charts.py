"""The geometry of all charts: marks in data units, painted by both the page and the figures.

Both axes are proportions, 0..1, unless a panel declares otherwise. No pixels, no colours: the
`kind` of a mark defines its meaning, and each painter its look.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.report import (
    Cell,
    ClassCurves,
    CurveRow,
    HistogramRow,
    OperatingPoint,
    ReliabilityRow,
    Report,
    ThresholdSection,
)
from reportgen.text import plural

if TYPE_CHECKING:
    from reportgen.report import Delta

__all__ = [
    "Bar",
    "Dot",
    "Line",
    "Mark",
    "Panel",
    "Place",
    "Plot",
    "RowPlot",
    "class_plots",
    "curve_plot",
    "histogram_plot",
    "reliability_plot",
    "row_plots",
    "threshold_plots",
]


Place = tuple[float, float]


HALVES = (0.0, 0.5, 1.0)


QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


HIGH = 258
"""Units of a plot's height for spans: pixels of the page, so that they are integers."""


GAP = 0.03
"""Gap on either side of a bar, as a fraction of its bin."""


NEAR = 0.05
"""Points closer than this in both directions share one place for their letters."""


LETTER = 0.0403
"""Width of a letter beside its dot, as a fraction of the plot's width."""


ERROR_AXES = (
    (0.01, 5),
    (0.02, 4),
    (0.05, 5),
    (0.1, 5),
    (0.2, 4),
    (0.3, 3),
    (0.4, 4),
    (0.5, 5),
    (1.0, 4),
)
"""Upper ends of the risk axis with their numbers of steps; the smallest that fits is used."""


SETTLED = 0.05
"""The curve must fit from this coverage on; the risk of the first few is arbitrary."""


MOST_ROWS = 30
"""More rows would not be legible on a slide; the first are the most important."""


CLEAR = ("better", "worse")
"""Significant changes: their dots are filled."""


@dataclass(frozen=True)
class Line:
    """A line through points.

    Kinds: ``line`` for data, ``past`` for the baseline's data, ``even`` for a level, ``cap`` for an
    interval. With `steps` it first goes up or down to the height of each point, then across.
    """

    kind: str
    points: tuple[Place, ...]
    steps: bool = False


@dataclass(frozen=True)
class Dot:
    """A point; with `letters` (even empty) it is larger and mentioned in the text.

    Kind ``past`` is the baseline's.
    """

    x: float
    y: float
    full: bool = True
    letters: str | None = None
    left: bool = False
    above: bool = False
    past: bool = False


@dataclass(frozen=True)
class Bar:
    """A bar from 0 to `height`: a ``count``, or ``right`` or ``wrong`` predictions."""

    kind: str
    low: float
    high: float
    height: float


Mark = Line | Dot | Bar


@dataclass(frozen=True)
class Panel:
    """Marks on a y axis from 0 to `top`; `span` is its part of the plot's height."""

    words: str
    top: float
    marks: tuple[Mark, ...]
    ticks: tuple[float, ...] = QUARTERS
    grid: bool = True
    span: Place = (0.0, 1.0)


@dataclass(frozen=True)
class Plot:
    """Panels above each other on a common x axis, 0..1, which shows `across`.

    A panel without ticks shows counts, all others show proportions.
    """

    across: str
    panels: tuple[Panel, ...]
    ticks: tuple[float, ...] = QUARTERS


def reliability_plot(rows: Sequence[ReliabilityRow], before: Sequence[ReliabilityRow] = ()) -> Plot:
    """Accuracy by confidence with intervals, and the number of predictions per bin below.

    The bins of a baseline `before` are a line, except those of few samples.
    """
    even = Line("even", ((0.0, 0.0), (1.0, 1.0)))
    dots = (*_past(before), *(mark for row in rows for mark in _bin_marks(row)))
    bars = tuple(_bar("count", row.bar.low, row.bar.high, row.bar.n) for row in rows if row.bar.n)
    most = max(row.bar.n for row in rows)
    return Plot(
        "confidence, %",
        (
            Panel("accuracy, %", 1.0, (even, *dots), span=(50 / HIGH, 1.0)),
            Panel("samples", most, bars, ticks=(), grid=False, span=(0.0, 30 / HIGH)),
        ),
    )


def _past(before: Sequence[ReliabilityRow]) -> Iterator[Mark]:
    """A dashed line through hollow dots."""
    known = [
        (row.bar.confidence, row.bar.accuracy)
        for row in before
        if row.bar.confidence is not None and row.bar.accuracy is not None and not row.few
    ]
    if len(known) > 1:
        yield Line("past", tuple(known))
    for x, y in known:
        yield Dot(x, y, past=True)


def _bin_marks(row: ReliabilityRow) -> Iterator[Mark]:
    bar = row.bar
    if bar.accuracy is None or bar.interval is None or bar.confidence is None:
        return
    low, high = bar.interval
    yield Line("cap", ((bar.confidence, low), (bar.confidence, high)))
    yield Dot(bar.confidence, bar.accuracy, full=not row.few)


def _bar(kind: str, low: float, high: float, height: float) -> Bar:
    gap = GAP * (high - low)
    return Bar(kind, low + gap, high - gap, height)


def histogram_plot(rows: Sequence[HistogramRow]) -> Plot:
    """Correct predictions above, incorrect below, as proportions of their kind on one scale."""
    top = max(max(row.right_share, row.wrong_share) for row in rows) or 1.0
    sides = (
        ("right", "correct", [row.right for row in rows], [row.right_share for row in rows], 142),
        ("wrong", "incorrect", [row.wrong for row in rows], [row.wrong_share for row in rows], 0),
    )
    panels = (
        Panel(
            f"{sum(counts):,} {words}, % of them in each bin",
            top,
            tuple(
                _bar(kind, i / len(rows), (i + 1) / len(rows), share)
                for i, share in enumerate(shares)
                if share
            ),
            ticks=(0.0, top),
            grid=False,
            span=(floor / HIGH, (floor + 112) / HIGH),
        )
        for kind, words, counts, shares, floor in sides
    )
    return Plot("confidence, %", tuple(panels))


def curve_plot(
    rows: Sequence[CurveRow],
    points: Sequence[OperatingPoint],
    before: Sequence[CurveRow] = (),
) -> Plot:
    """Risk by coverage with the operating points, and the curve of a baseline `before`.

    Higher values at the left end are cut off.
    """
    settled = (row.error for row in (*rows, *before) if row.coverage >= SETTLED)
    reach = max(settled, default=1.0)
    top, n_steps = next(axis for axis in ERROR_AXES if axis[0] >= min(reach, 1.0))
    line = Line("line", tuple((row.coverage, row.error) for row in rows))
    past = [Line("past", tuple((row.coverage, row.error) for row in before))] if before else []
    marks = (*past, line, *(mark for point in points for mark in _point_marks(point)))
    ticks = tuple(top * i / n_steps for i in range(n_steps + 1))
    return Plot("coverage, %", (Panel("selective risk (error), %", top, marks, ticks),))


def _point_marks(point: OperatingPoint) -> Iterator[Mark]:
    at, up = point.coverage, point.error
    yield Line("even", ((0.0, up), (at, up), (at, 0.0)), steps=True)
    first = point.letter == "A"  # the two may be close together: one letter on either side
    yield Dot(at, up, letters=point.letter, left=first, above=first)


def threshold_plots(section: ThresholdSection) -> tuple[Plot, Plot]:
    """Both curves of a two-class model, with the named points."""
    roc = [(mark.letter, mark.false_alarms, mark.sensitivity) for mark in section.marks]
    other = [
        (mark.letter, mark.sensitivity, mark.precision)
        for mark in section.marks
        if mark.precision is not None
    ]
    return (
        _square_plot(
            "false-positive rate (1 \u2212 specificity), %",
            "sensitivity (recall), %",
            (*_roc_marks(section.roc), *_named_dots(roc)),
            QUARTERS,
        ),
        _square_plot(
            "recall (sensitivity), %",
            "precision (PPV), %",
            (*_stairs(section.precision_recall, section.prevalence), *_named_dots(other)),
            QUARTERS,
        ),
    )


def class_plots(curves: ClassCurves) -> tuple[Plot, Plot]:
    """Both curves of one class against the rest."""
    stairs = _stairs(curves.precision_recall, curves.prevalence)
    return (
        _square_plot("false-positive rate, %", "recall, %", _roc_marks(curves.roc), HALVES),
        _square_plot("recall, %", "precision, %", stairs, HALVES),
    )


def _square_plot(across: str, up: str, marks: tuple[Mark, ...], ticks: tuple[float, ...]) -> Plot:
    return Plot(across, (Panel(up, 1.0, marks, ticks),), ticks)


def _roc_marks(line: Sequence[Place]) -> tuple[Mark, ...]:
    """The curve, and the diagonal of chance level."""
    return Line("even", ((0.0, 0.0), (1.0, 1.0))), Line("line", tuple(line))


def _stairs(line: Sequence[Place], prevalence: float) -> tuple[Mark, ...]:
    """Precision in steps, as in average precision, and its chance level."""
    return (
        Line("even", ((0.0, prevalence), (1.0, prevalence)), steps=True),
        Line("line", ((0.0, line[0][1]), *line), steps=True),
    )


def _named_dots(places: Sequence[tuple[str, float, float]]) -> Iterator[Dot]:
    """Dots with letters on the side with more room; letters that would overlap are joined."""
    joined: dict[Place, str] = {}
    for letter, x, y in places:
        near = (at for at in joined if abs(x - at[0]) < NEAR and abs(y - at[1]) < NEAR)
        at = next(near, (x, y))
        joined[at] = f"{joined[at]}, {letter}" if at in joined else letter
    alone = {(x, y): "" for _, x, y in places}
    for (x, y), letters in (joined | {at: "" for at in alone if at not in joined}).items():
        yield Dot(x, y, letters=letters, left=x > 1 - LETTER * len(letters))


@dataclass(frozen=True)
class RowPlot:
    """Rows of points with intervals, one column per head; row 0 is at the top.

    `signed` for differences, around 0; `more` is the number of rows not drawn.
    """

    name: str
    title: str
    heads: tuple[str, ...]
    names: tuple[str, ...]
    columns: tuple[tuple[Cell | Delta, ...], ...]
    signed: bool = False
    more: str = ""

    def marks(self, column: int) -> Iterator[Mark]:
        """Intervals and dots of one column: value across, row upwards."""
        for row, cell in enumerate(self.columns[column]):
            if cell.value is None:
                continue
            if cell.low is not None and cell.high is not None:
                yield Line("cap", ((cell.low, row), (cell.high, row)))
            yield Dot(cell.value, row, full=isinstance(cell, Cell) or cell.kind in CLEAR)


def row_plots(report: Report) -> Iterator[RowPlot]:
    """The tables of the report whose rows have bars."""
    for plot in _all_rows(report):
        if any(cell.value is not None for cells in plot.columns for cell in cells):
            yield plot


Row = tuple[str, "Sequence[Cell | Delta]"]


def _all_rows(report: Report) -> Iterator[RowPlot]:
    shares = [item for item in report.classes.main if item.kind == "share"][:3]
    yield _rows(
        "class-figures",
        "Per-class metrics",
        [f"{item.title}, %" for item in shares],
        [(row.name.text, [row.cells[i.name] for i in shares]) for row in report.classes.rows],
    )
    if report.slices is not None:
        parts: list[Row] = [
            (f"{row.column.text}: {row.part.text}", [row.accuracy]) for row in report.slices.rows
        ]
        yield _rows("slice-accuracy", "Accuracy by slice", ["Accuracy, %"], parts)
    for one in report.groups.sets if report.groups else ():
        groups: list[Row] = [
            (row.name.text if row.name else ", ".join(n.text for n in row.first), row.cells)
            for row in one.rows
        ]
        heads = [f"{head}, %" for head in one.heads]
        yield _rows(f"groups-{one.key}", str(one.title), heads, groups)
    changes = report.comparison.classes if report.comparison else None
    if changes is not None:
        changed: list[Row] = [(row.name.text, [row.recall]) for row in changes.rows]
        head = "Δ recall (pp)\nfull dots: significant"
        yield _rows("recall-changes", "Per-class changes", [head], changed, signed=True)


def _rows(
    name: str, title: str, heads: Sequence[str], rows: Sequence[Row], *, signed: bool = False
) -> RowPlot:
    shown = rows[:MOST_ROWS]
    left_out = len(rows) - len(shown)
    more = f"{plural(left_out, 'further row')} not shown" if left_out else ""
    columns = tuple(tuple(cells[i] for _, cells in shown) for i in range(len(heads)))
    names = tuple(name for name, _ in shown)
    return RowPlot(name, title, tuple(heads), names, columns, signed, more)
