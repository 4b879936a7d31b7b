"""Charts: marks that stand where the numbers are, and markup that is safe."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from reportgen.evaluation.confidence import ReliabilityBar
from reportgen.rendering import charts, svg
from reportgen.rendering.charts import Bar, Dot, Line, Panel, Plot
from reportgen.rendering.html_filters import dot
from reportgen.report import build_report
from reportgen.report.confidence import (
    Chart,
    CurveRow,
    HistogramRow,
    OperatingPoint,
    ReliabilityRow,
)
from reportgen.report.curves import ClassCurves
from reportgen.report.elements import Cell
from reportgen.report.headline import Axis
from reportgen.report.threshold import ThresholdMark, ThresholdSection
from reportgen.report.words import Name, say
from tests import factories, review_factories

CHART = Chart("Title", 'alt "<b>"', say("How to read it."))


@pytest.fixture(scope="module")
def section():
    return build_report(factories.scored()).confidence


def drawn(section):
    yield svg.reliability_chart(section.reliability, CHART)
    yield svg.histogram_chart(section.histogram, CHART)
    yield svg.curve_chart(section.curve, section.points, CHART)


def test_each_drawing_is_one_image_with_its_message_and_without_style(section):
    for drawing in drawn(section):
        assert drawing.count('role="img" aria-label="alt &#34;&lt;b&gt;&#34;"') == 1
        assert not re.search(r"style=|fill=|stroke=|<b>|nan|inf", drawing)
        names = set(re.findall(r" ([a-z-]+)=", drawing.split(">", 1)[1]))
        assert names <= {"class", "d", "x", "y", "cx", "cy", "r", "width", "height", "text-anchor"}


def test_all_of_it_lies_inside_the_picture(section):
    for drawing in drawn(section):
        width, height = map(int, re.search(r'viewBox="0 0 (\d+) (\d+)"', drawing).groups())
        for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", drawing):
            assert 0 <= float(x) <= width
            assert 0 <= float(y) <= height


def test_a_dot_stands_at_mean_confidence_and_accuracy(section):
    drawing = svg.reliability_chart(section.reliability, CHART)
    some = [row for row in section.reliability if row.bar.n]
    circles = re.findall(r'<circle class="g-(\w+)" cx="([\d.]+)" cy="([\d.]+)"', drawing)
    assert len(circles) == len(some) < len(section.reliability)
    for (kind, x, y), row in zip(circles, some, strict=True):
        assert kind == ("hollow" if row.bar.n < 30 else "dot")
        assert float(x) == pytest.approx(34 + 298 * row.bar.confidence, abs=0.06)
        assert float(y) == pytest.approx(226 - 208 * row.bar.accuracy, abs=0.06)
    assert drawing.count('class="g-cap"') == len(some)
    assert drawing.count('class="g-bar"') == len(some)


def test_right_and_wrong_are_on_one_scale(section):
    drawing = svg.histogram_chart(section.histogram, CHART)
    tallest = {
        kind: max(map(float, re.findall(rf'class="{kind}"[^>]* height="([\d.]+)"', drawing)))
        for kind in ("g-bar", "g-wrong")
    }
    most = max(row.right_share for row in section.histogram)
    wrong = max(row.wrong_share for row in section.histogram)
    assert tallest["g-wrong"] / tallest["g-bar"] == pytest.approx(wrong / most, rel=0.05)


def test_the_curve_has_its_points_and_cuts_off_what_the_first_answers_do(section):
    drawing = svg.curve_chart(section.curve, section.points, CHART)
    assert len(re.findall('class="g-letter"', drawing)) == 2
    early = (CurveRow(0.001, 1.0, "", ""), *section.curve)
    cut = svg.curve_chart(early, section.points, CHART)
    assert f"M{34 + 0.458:.1f} 18L" in cut
    assert ">20</text>" in cut
    lone = svg.curve_chart(section.curve[-1:], (), CHART)
    assert "g-letter" not in lone


def test_empty_sides_are_drawn_empty(section):
    rows = [replace(row, wrong=0, wrong_share=0.0) for row in section.histogram]
    drawing = svg.histogram_chart(rows, CHART)
    assert "g-wrong" not in drawing
    assert "0 incorrect" in drawing


def test_a_tile_marks_chance_on_its_own_axis():
    cell = Cell(0.05, 0.04, 0.06, "5.0", "4.0–6.0")
    drawing = dot(cell, Axis(0.0, 0.1, 0.02))
    assert '<path class="g-chance" d="M42.4 1V15"/>' in drawing
    assert '<circle class="g-dot" cx="100.0"' in drawing
    assert "<span>0</span><span>10%</span>" in drawing
    assert "g-chance" not in dot(cell, Axis(0.0, 1.0))


def bin_of(low, high, n, accuracy=None, confidence=None, interval=None):
    bar = ReliabilityBar(low, high, n, round(n * (accuracy or 0)), accuracy, interval, confidence)
    return ReliabilityRow(bar, "", "", "", "", "", few=n < 30)


def test_a_bin_of_the_reliability_diagram_is_an_interval_a_dot_and_a_bar():
    full = bin_of(0.0, 0.5, 40, 0.25, 0.4, (0.125, 0.5))
    few = bin_of(0.5, 1.0, 10, 1.0, 0.75, (0.5, 1.0))
    upper, lower = charts.reliability_plot([full, few]).panels
    assert upper.marks == (
        Line("even", ((0, 0), (1, 1))),
        Line("cap", ((0.4, 0.125), (0.4, 0.5))),
        Dot(0.4, 0.25),
        Line("cap", ((0.75, 0.5), (0.75, 1.0))),
        Dot(0.75, 1.0, full=False),
    )
    assert lower.marks == (Bar("count", 0.015, 0.485, 40), Bar("count", 0.515, 0.985, 10))
    assert (lower.words, lower.top, lower.ticks) == ("samples", 40, ())


def test_an_empty_bin_has_no_marks():
    plot = charts.reliability_plot([bin_of(0.0, 0.5, 0), bin_of(0.5, 1, 3, 1.0, 0.75, (0.4, 1.0))])
    upper, lower = plot.panels
    assert [type(mark) for mark in upper.marks] == [Line, Line, Dot]
    assert len(lower.marks) == 1


def test_right_and_wrong_answers_are_bars_on_the_scale_of_the_tallest():
    rows = [HistogramRow("", 1, 2, 0.25, 1.0), HistogramRow("", 3, 0, 0.75, 0.0)]
    right, wrong = charts.histogram_plot(rows).panels
    assert right.marks == (Bar("right", 0.015, 0.485, 0.25), Bar("right", 0.515, 0.985, 0.75))
    assert wrong.marks == (Bar("wrong", 0.015, 0.485, 1.0),)
    assert right.top == wrong.top == 1.0
    assert (right.words, wrong.words) == tuple(
        f"{n} {kind}, % of them in each bin" for n, kind in ((4, "correct"), (2, "incorrect"))
    )


def test_an_operating_point_is_a_dot_with_lines_to_both_axes():
    rows = [CurveRow(0.01, 1.0, "", ""), CurveRow(0.5, 0.015, "", ""), CurveRow(1, 0.02, "", "")]
    points = [OperatingPoint(letter, at, 0.015, say("")) for letter, at in (("A", 0.5), ("B", 0.6))]
    (panel,) = charts.curve_plot(rows, points).panels
    assert panel.marks == (
        Line("line", ((0.01, 1.0), (0.5, 0.015), (1, 0.02))),
        Line("even", ((0, 0.015), (0.5, 0.015), (0.5, 0)), steps=True),
        Dot(0.5, 0.015, letters="A", left=True, above=True),
        Line("even", ((0, 0.015), (0.6, 0.015), (0.6, 0)), steps=True),
        Dot(0.6, 0.015, letters="B"),
    )
    assert panel.ticks == (0, 0.005, 0.01, 0.015, 0.02)  # what the first answers do is cut off
    assert panel.top == 0.02


def test_the_curves_of_a_class_are_a_line_and_stairs_with_those_of_guessing():
    roc, stairs = ((0, 0), (0.25, 0.5), (1, 1)), ((0.5, 1.0), (1, 0.25))
    curves = ClassCurves(0, Name.of("a"), "", roc, stairs, 0.25, (CHART, CHART))
    first, second = charts.class_plots(curves)
    assert first.panels[0].marks == (Line("even", ((0, 0), (1, 1))), Line("line", roc))
    assert second.panels[0].marks == (
        Line("even", ((0, 0.25), (1, 0.25)), steps=True),
        Line("line", ((0, 1.0), (0.5, 1.0), (1, 0.25)), steps=True),
    )


def test_named_points_that_are_close_share_their_letters_and_stay_inside():
    marks = (
        ThresholdMark("A", 0.1, 0.8, 0.5),
        ThresholdMark("B", 0.12, 0.82, None),
        ThresholdMark("C", 0.98, 1.0, 0.25),
    )
    section = ThresholdSection(
        None, (), (), ((0, 0), (1, 1)), ((1, 0.25),), 0.25, marks, (CHART, CHART), (), ()
    )
    roc, other = ([m for m in plot.panels[0].marks if isinstance(m, Dot)]
                  for plot in charts.threshold_plots(section))  # fmt: skip
    assert roc == [
        Dot(0.1, 0.8, letters="A, B"),
        Dot(0.98, 1.0, letters="C", left=True),
        Dot(0.12, 0.82, letters=""),
    ]
    assert other == [Dot(0.8, 0.5, letters="A"), Dot(1.0, 0.25, letters="C", left=True)]


def test_rows_of_a_table_are_intervals_and_dots():
    clear = review_factories.paired()
    report = build_report(review_factories.evaluation(clear), comparison=clear)
    plots = {plot.name: plot for plot in charts.row_plots(report)}
    classes = report.comparison.classes.rows
    changes = plots["recall-changes"]
    assert changes.signed
    assert changes.names == tuple(row.name.text for row in classes)
    dots = [mark for mark in changes.marks(0) if isinstance(mark, Dot)]
    assert dots == [
        Dot(row.recall.value, i, full=row.recall.kind in ("better", "worse"))
        for i, row in enumerate(classes)
        if row.recall.value is not None
    ]
    undefined = replace(changes, columns=((Cell(None, None, None, "n/a", ""),),))
    assert list(undefined.marks(0)) == []


def test_marks_of_a_plot_are_painted_at_their_places():
    marks = (
        Line("line", ((0, 1.0), (0.5, 1.0), (1, 0.5)), steps=True),
        Line("even", ((0, 0), (1, 1))),
        Line("cap", ((0.5, 0), (0.5, 0.5))),
        Bar("wrong", 0.25, 0.75, 0.5),
        Dot(0.5, 0.5, full=False),
        Dot(1, 0.0, letters="<A>", left=True),
    )
    frame = svg.Frame(120, 140, left=10, right=110, top=20, floor=120, head=12, foot=138)
    drawing = svg.paint(Plot("x & y", (Panel("up", 1.0, marks, (0.0, 1.0)),), ()), CHART, frame)
    assert drawing.split(">", 1)[1] == (
        '<path class="g-grid" d="M10 120H110M10 20H110"/>'
        '<path class="g-line" d="M10 20H60V70H110"/>'
        '<path class="g-even" d="M10 120L110 20"/>'
        '<path class="g-cap" d="M60 120V70M57 120h6M57 70h6"/>'
        '<rect class="g-wrong" x="35" y="70" width="50" height="50"/>'
        '<circle class="g-hollow" cx="60" cy="70" r="3.5"/>'
        '<circle class="g-dot" cx="110" cy="120" r="4"/>'
        '<text class="g-letter" x="102" y="116" text-anchor="end">&lt;A&gt;</text>'
        '<text class="g-txt" x="5" y="124" text-anchor="end">0</text>'
        '<text class="g-txt" x="5" y="24" text-anchor="end">100</text>'
        '<text class="g-txt" x="10" y="12">up</text>'
        '<path class="g-axis" d="M10 120H110"/>'
        '<text class="g-txt" x="60" y="138" text-anchor="middle">x &amp; y</text></svg>'
    )
