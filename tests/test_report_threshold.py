"""The threshold section: true sentences, rows that add up, drawings that show the same points."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from reportgen.analysis.scoring.thresholds import LEVELS
from reportgen.metrics import Costs, expected_cost, wilson
from reportgen.rendering import html
from reportgen.rendering.svg import precision_recall_chart, roc_chart
from reportgen.report import build_report
from reportgen.report.threshold import _text
from tests import binaries, factories


@pytest.fixture(scope="module")
def evaluation():
    return binaries.diagnosed()


@pytest.fixture(scope="module")
def section(evaluation):
    return build_report(evaluation).threshold


def row(section, text):
    return next(row for row in section.rows if row.text == text)


def test_the_positive_class_is_named_and_why_it_is_the_one(section):
    assert str(section.lead).startswith("The positive class is ill, the second of the two")


def test_each_row_counts_the_samples_at_or_above_its_threshold(section):
    p, truth = binaries.samples()
    for line in section.rows:
        flagged = p[:, 1] >= np.float32(line.exact)
        assert line.flagged == flagged.sum()
        sensitivity, specificity, ppv, npv, f1 = line.cells
        hits = int((flagged & (truth == 1)).sum())
        assert sensitivity.value == hits / 50
        assert specificity.value == int((~flagged & (truth == 0)).sum()) / 950
        assert ppv.value == hits / flagged.sum()
        assert npv.value == pytest.approx(1 - (50 - hits) / (~flagged).sum(), abs=1e-12)
        assert f1.value == pytest.approx(2 * hits / (flagged.sum() + 50), abs=1e-12)
        assert (sensitivity.low, sensitivity.high) == tuple(map(float, wilson(hits, 50)))


def test_all_levels_and_the_three_named_points_have_rows(section):
    assert {float(line.text) for line in section.rows} >= set(LEVELS)
    assert 13 <= len(section.rows) <= 16
    assert [line.exact for line in section.rows] == sorted(line.exact for line in section.rows)
    assert sorted(
        letter for line in section.rows for letter in line.letters.split(", ") if letter
    ) == ["A", "B", "C"]
    used = row(section, "0.5")
    assert (used.letters, used.remark) == ("A", "default (0.5)")


def test_the_point_used_is_that_of_the_matrix(evaluation, section):
    counts = evaluation.confusion.counts
    mark = section.marks[0]
    assert (mark.sensitivity, mark.false_alarms) == (counts[1, 1] / 50, counts[0, 1] / 950)


def test_answers_that_turn_elsewhere_have_a_row_of_their_own(evaluation):
    """Predictions of another program may have been cut at another threshold than 0.5."""
    other = factories.make_evaluation([[900, 50], [5, 45]], binaries.CLASSES)
    section = build_report(binaries.having(other, evaluation.threshold)).threshold
    own = row(section, "as predicted")
    assert own.letters == "A"
    assert own.flagged == 95
    assert own.cells[0].value == 0.9
    assert row(section, "0.5").letters == ""


def test_answers_cut_at_another_level_are_not_said_to_turn_there(evaluation):
    level = next(p for p in evaluation.threshold.levels if p.threshold == 0.3)
    counts = [[950 - level.fp, level.fp], [50 - level.tp, level.tp]]
    other = factories.make_evaluation(counts, binaries.CLASSES)
    section = build_report(binaries.having(other, evaluation.threshold)).threshold
    assert row(section, "0.3").letters == ""
    assert row(section, "as predicted").flagged == level.flagged


def test_nothing_flagged_is_not_available_with_its_reason(evaluation):
    p = np.array([[0.9, 0.1], [0.8, 0.2]], np.float32)
    plain = factories.make_evaluation([[1, 0], [1, 0]], binaries.CLASSES)
    curve = binaries.curve_of(p, np.array([0, 1]))
    section = build_report(binaries.having(plain, curve)).threshold
    ppv = row(section, "0.9").cells[2]
    assert (ppv.value, ppv.text) == (None, "n/a")
    assert (
        next(r.sentence for r in section.reasons if r.mark == ppv.mark) == "no positives predicted"
    )
    assert row(section, "0.01").cells[3].text == "n/a"
    assert len(section.charts) == 2


def test_one_empty_class_leaves_the_table_and_no_curves():
    p, truth = binaries.samples(20, 0)
    plain = factories.make_evaluation([[20, 0], [0, 0]], binaries.CLASSES)
    section = build_report(binaries.having(plain, binaries.curve_of(p, truth))).threshold
    assert section.charts == section.marks == section.roc == ()
    assert row(section, "0.5").cells[0].text == "n/a"
    assert 'id="threshold"' in html.render(
        build_report(binaries.having(plain, binaries.curve_of(p, truth)))
    )


def test_the_section_is_for_two_classes_with_probabilities():
    assert build_report(factories.binary()).threshold is None
    assert build_report(factories.cifar()).threshold is None
    assert 'href="#threshold"' not in html.render(build_report(factories.binary()))


def test_figures_depend_on_the_prevalence_and_that_is_said(section):
    notes = " ".join(map(str, section.notes))
    assert "depend on the prevalence: 5.0% of these samples are ill" in notes
    assert "chosen on these samples looks better" in notes


def test_bins_and_missing_scores_are_told(evaluation):
    p, truth = binaries.samples()
    rough = replace(binaries.curve_of(p, truth, limit=100), n_without=7)
    assert not rough.exact
    notes = " ".join(map(str, build_report(binaries.having(evaluation, rough)).threshold.notes))
    assert "bin edges" in notes
    assert "7 of 1,007 samples have no scores" in notes


@pytest.mark.parametrize("draw", [roc_chart, precision_recall_chart])
def test_a_drawing_is_one_image_without_style_inside_its_frame(section, draw):
    chart = section.charts[draw is precision_recall_chart]
    svg = draw(section, chart)
    assert svg.count("<svg") == svg.count('role="img"') == 1
    assert not re.search(r"style=|fill=|stroke=|nan|inf", svg)
    assert svg.count("<circle") == 3
    for at, height in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", svg):
        assert 0 <= float(at) <= 340
        assert 0 <= float(height) <= 318


def test_the_marks_stand_at_their_shares(section):
    svg = roc_chart(section, section.charts[0])
    circles = re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', svg)
    for (at, height), mark in zip(circles, section.marks, strict=True):
        assert float(at) == pytest.approx(34 + 298 * mark.false_alarms, abs=0.06)
        assert float(height) == pytest.approx(276 - 258 * mark.sensitivity, abs=0.06)


def test_marks_on_one_spot_share_their_letters(section):
    same = replace(section, marks=tuple(replace(section.marks[0], letter=x) for x in "ABC"))
    svg = roc_chart(same, section.charts[0])
    assert "A, B, C</text>" in svg
    assert svg.count("<circle") == 1


def test_the_area_is_that_of_the_per_class_table(evaluation, section):
    value = evaluation.per_class["roc_auc"].metric(1).value
    shown = f"ROC AUC {value:.3f}"
    assert shown in str(section.charts[0].caption).replace("\u00a0", " ")
    assert shown in section.charts[0].alt.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5"), (0.137, "0.137"), (1.0, "1"), (0.0, "0"), (0.00001, "0.00001")],
)
def test_a_threshold_is_written_without_an_exponent(value, text):
    assert _text(value) == text


def test_hostile_names_stay_text_in_the_section():
    page = html.render(
        build_report(binaries.diagnosed((factories.HOSTILE[1], factories.HOSTILE[0])))
    )
    part = page[page.index('<div id="threshold">') : page.index('id="calibration"')]
    inert = re.search(r'<script type="application/json" id="threshold-points">(.*?)</script>', part)
    assert re.fullmatch(r'[0-9a-z\s",:.{}\[\]]+', inert[1])  # numbers and our own keys
    assert "<script" not in part.replace(inert[0], "")
    assert "<img" not in part
    assert "&lt;script&gt;" in part


# ---- the explorer, and costs


def costed(evaluation, *pairs):
    costs = Costs.of("costs.csv", pairs)
    summary = {**evaluation.summary, **expected_cost(evaluation.confusion, costs)}
    return replace(evaluation, costs=costs, summary=summary, threshold=evaluation.threshold)


def test_the_slider_moves_over_all_points_threshold_upwards(evaluation, section):
    p, truth = binaries.samples()
    found = section.explorer
    assert found.points[found.start][0] == "0.5"
    assert len(found.points) > 100
    flagged = [tp + fp for _, tp, fp in found.points]
    assert flagged == sorted(flagged, reverse=True)
    assert found.points[-1] == ("1", 0, 0)
    assert (flagged[0], found.n_positive, found.n_negative) == (1000, 50, 950)
    for text, tp, fp in found.points:
        if text in {"0.1", "0.5", "0.9"}:
            above = p[:, 1] >= np.float32(float(text))
            assert (tp, fp) == ((above & (truth == 1)).sum(), (above & (truth == 0)).sum())


def test_without_costs_nothing_is_said_of_costs(section):
    assert section.explorer.costs is None
    assert [stop.title for stop in section.explorer.stops][-1] == "sensitivity ≥ 95%"
    assert all(line.cost is None for line in section.rows)


def test_the_cheapest_threshold_is_the_least_of_all_points_by_hand(evaluation):
    section = build_report(costed(evaluation, (1, 0, 30.0), (0, 1, 2.0))).threshold
    found = section.explorer
    by_hand = [(30 * (50 - tp) + 2 * fp) / 1000 for _, tp, fp in found.points]
    stop = found.stops[-1]
    assert stop.title == "lowest expected cost"
    assert by_hand[stop.at] == min(by_hand)
    line = next(line for line in section.rows if "D" in line.letters)
    assert line.cost.value == pytest.approx(min(by_hand))
    assert "on these samples" in line.remark
    (fact,) = (fact for fact in section.facts if fact.term.startswith("D: "))
    assert fact.term.endswith(f"threshold {line.text}")
    half = row(section, "0.5")
    assert half.cost.value == pytest.approx(by_hand[found.start])
    assert costed(evaluation, (1, 0, 30.0), (0, 1, 2.0)).summary["expected_cost"].value == (
        pytest.approx(half.cost.value)
    )


def test_the_costs_of_the_explorer_are_by_what_became_of_a_sample(evaluation):
    given = build_report(costed(evaluation, (1, 0, 30.0), (1, 1, 0.5))).threshold.explorer
    assert given.data["costs"] == [0.5, 30.0, 1.0, 0.0]
    assert given.data["n"] == [50, 950]


def test_one_empty_class_has_no_explorer():
    p, truth = binaries.samples(20, 0)
    plain = factories.make_evaluation([[20, 0], [0, 0]], binaries.CLASSES)
    section = build_report(binaries.having(plain, binaries.curve_of(p, truth))).threshold
    assert section.explorer is None


def test_the_points_below_the_curves_are_listed_by_letter_and_name_their_threshold_once(evaluation):
    page = html.render(build_report(costed(evaluation, (1, 0, 30.0), (0, 1, 2.0))))
    listed = page.partition('points">')[2].partition("</ul>")[0]
    letters = re.findall(r"<b>([A-D, ]+)</b>", listed)
    assert letters == sorted(letters)
    assert letters[0].startswith("A")
    assert "default (0.5): threshold" not in listed
