"""The drawings of the confidence section: geometry that is right, and markup that is safe."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from reportgen.rendering import charts
from reportgen.rendering.html_filters import dot
from reportgen.report import build_report
from reportgen.report.confidence import Chart, CurveRow
from reportgen.report.elements import Cell
from reportgen.report.headline import Axis
from reportgen.report.words import say
from tests import factories

CHART = Chart("Title", 'alt "<b>"', say("How to read it."))


@pytest.fixture(scope="module")
def section():
    return build_report(factories.scored()).confidence


def drawn(section):
    yield charts.reliability_chart(section.reliability, CHART)
    yield charts.histogram_chart(section.histogram, CHART)
    yield charts.curve_chart(section.curve, section.points, CHART)


def test_each_drawing_is_one_image_with_its_message_and_without_style(section):
    for svg in drawn(section):
        assert svg.count('role="img" aria-label="alt &#34;&lt;b&gt;&#34;"') == 1
        assert not re.search(r"style=|fill=|stroke=|<b>|nan|inf", svg)
        names = set(re.findall(r" ([a-z-]+)=", svg.split(">", 1)[1]))
        assert names <= {"class", "d", "x", "y", "cx", "cy", "r", "width", "height", "text-anchor"}


def test_all_of_it_lies_inside_the_picture(section):
    for svg in drawn(section):
        for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", svg):
            assert 0 <= float(x) <= charts.WIDTH
            assert 0 <= float(y) <= charts.HEIGHT


def test_a_dot_stands_at_mean_confidence_and_accuracy(section):
    svg = charts.reliability_chart(section.reliability, CHART)
    some = [row for row in section.reliability if row.bar.n]
    circles = re.findall(r'<circle class="g-(\w+)" cx="([\d.]+)" cy="([\d.]+)"', svg)
    assert len(circles) == len(some) < len(section.reliability)
    for (kind, x, y), row in zip(circles, some, strict=True):
        assert kind == ("hollow" if row.bar.n < 30 else "dot")
        assert float(x) == pytest.approx(34 + 298 * row.bar.confidence, abs=0.06)
        assert float(y) == pytest.approx(226 - 208 * row.bar.accuracy, abs=0.06)
    assert svg.count('class="g-cap"') == len(some)
    assert svg.count('class="g-bar"') == len(some)


def test_right_and_wrong_are_on_one_scale(section):
    svg = charts.histogram_chart(section.histogram, CHART)
    tallest = {
        kind: max(map(float, re.findall(rf'class="{kind}"[^>]* height="([\d.]+)"', svg)))
        for kind in ("g-bar", "g-wrong")
    }
    most = max(row.right_share for row in section.histogram)
    wrong = max(row.wrong_share for row in section.histogram)
    assert tallest["g-wrong"] / tallest["g-bar"] == pytest.approx(wrong / most, rel=0.05)


def test_the_curve_has_its_points_and_cuts_off_what_the_first_answers_do(section):
    svg = charts.curve_chart(section.curve, section.points, CHART)
    assert len(re.findall('class="g-letter"', svg)) == 2
    early = (CurveRow(0.001, 1.0, "", ""), *section.curve)
    cut = charts.curve_chart(early, section.points, CHART)
    assert f"M{34 + 0.298:.1f} 18.0L" in cut
    assert ">20</text>" in cut
    lone = charts.curve_chart(section.curve[-1:], (), CHART)
    assert "g-letter" not in lone


def test_empty_sides_are_drawn_empty(section):
    rows = [replace(row, wrong=0, wrong_share=0.0) for row in section.histogram]
    svg = charts.histogram_chart(rows, CHART)
    assert "g-wrong" not in svg
    assert "0 wrong" in svg


def test_a_tile_marks_chance_on_its_own_axis():
    cell = Cell(0.05, 0.04, 0.06, "5.0", "4.0–6.0")
    svg = dot(cell, Axis(0.0, 0.1, 0.02))
    assert '<path class="g-chance" d="M42.4 1V15"/>' in svg
    assert '<circle class="g-dot" cx="100.0"' in svg
    assert ">0</text>" in svg
    assert ">10\u00a0%</text>" in svg
    assert "g-chance" not in dot(cell, Axis(0.0, 1.0))
