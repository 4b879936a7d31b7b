"""Limits of gates on tiles and in the table of classes, and the classes that miss them."""

import pytest

from reportgen.gates import decide, parse_gates
from reportgen.rendering.html import render
from reportgen.rendering.html_filters import bar, dot
from reportgen.report import build_report
from reportgen.report.elements import Cell
from reportgen.report.gates import gate_section
from reportgen.report.headline import Axis
from tests.factories import make_evaluation

PETS = ("cat", "dog", "fox")
COUNTS = [[90, 6, 4], [20, 70, 10], [5, 5, 90]]  # recalls 90, 70, 90%; accuracy 250 of 300


def report(*rules):
    evaluation = make_evaluation(COUNTS, PETS)
    text = "\n".join(f'[[gate]]\nname = "g{i}"\n{rule}' for i, rule in enumerate(rules))
    return build_report(evaluation, decision=decide(parse_gates(text), evaluation, None))


def tile(found, metric):
    return next(tile for tile in found.headline.tiles if tile.metric == metric)


def rows(found):
    return {str(row.name): row for row in found.classes.rows}


def test_a_tile_has_the_limit_of_its_gate_and_says_it():
    found = tile(report('metric = "accuracy"\nat_least = 0.8'), "accuracy")
    assert (found.axis.limit, found.axis.failed) == (0.8, False)
    assert (found.gate.status, found.gate.text) == ("passed", "gate\u00a0≥\u00a080%")


def test_a_tile_says_that_it_fails_its_gate():
    found = report('metric = "accuracy"\nat_least = 0.9')
    assert (tile(found, "accuracy").axis.limit, tile(found, "accuracy").axis.failed) == (0.9, True)
    mark = tile(found, "accuracy").gate
    assert (mark.status, mark.text) == ("failed", "gate\u00a0≥\u00a090%")
    assert tile(found, "macro_f1").gate is None
    assert tile(found, "macro_f1").axis.limit is None


def test_of_two_gates_on_a_tile_the_harder_one_is_drawn():
    low, high, failing = (f'metric = "accuracy"\nat_least = {x}' for x in (0.5, 0.8, 0.9))
    assert tile(report(low, high), "accuracy").axis.limit == 0.8
    assert tile(report(failing, high), "accuracy").axis.limit == 0.9


def test_the_axis_reaches_down_to_the_limit():
    found = report('metric = "accuracy"\nat_least = 0.25')
    assert {t.axis.low for t in found.headline.tiles if t.axis} == {0.2}


def test_the_tile_of_the_weakest_class_has_the_limit_that_holds_for_it():
    rule = 'metric = "recall"\neach_class = true\nat_least = 0.75'
    found = tile(report(rule), "recall")
    assert (found.of_class, found.axis.limit, found.axis.failed) == (1, 0.75, True)
    others = tile(report(rule.replace("each_class = true", 'class = "cat"')), "recall")
    assert others.axis.limit is None


def test_a_gate_on_a_change_or_a_slice_has_no_limit_on_a_tile():
    pair = 'pair = ["dog", "cat"]\nat_most_share = 0.5'
    assert all(t.axis is None or t.axis.limit is None for t in report(pair).headline.tiles)


def test_classes_show_their_limits_and_the_gates_that_they_fail():
    found = report(
        'metric = "accuracy"\nat_least = 0.1',
        'metric = "recall"\neach_class = true\nat_least = 0.75',
        'metric = "precision"\nclass = "fox"\nat_least = 0.99',
    )
    of = rows(found)
    assert dict(of["cat"].limits) == {"recall": 0.75}
    assert dict(of["fox"].limits) == {"recall": 0.75, "precision": 0.99}
    assert of["dog"].missed == ("gate 2 failed",)
    assert of["fox"].missed == ("gate 3 failed",)
    assert of["cat"].missed == ()
    assert "Dashed: gate limit." in str(found.classes.lead)


def test_without_gates_nothing_is_marked():
    found = build_report(make_evaluation(COUNTS, PETS))
    assert all(t.axis is None or t.axis.limit is None for t in found.headline.tiles)
    assert all(not row.limits and not row.missed for row in found.classes.rows)
    page = render(found)
    assert "g-limit" not in page.split("</style>")[1]
    assert "Dashed" not in page


def test_limits_are_drawn_and_the_class_that_misses_one_is_marked():
    page = render(report('metric = "recall"\neach_class = true\nat_least = 0.75'))
    body = page.split("</style>")[1]
    assert body.count('class="g-limit"') == 1 + 1 + 3  # tile, key, classes
    assert body.count('<span class="tag bad">gate 1 failed</span>') == 1


@pytest.mark.parametrize(("limit", "place"), [(0.5, "100.0"), (0.0, "4.0"), (1.0, "196.0")])
def test_the_line_stands_at_the_limit(limit, place):
    cell = Cell(0.6, 0.5, 0.7, "60", "50–70")
    drawn = dot(cell, Axis(0.0, 1.0, limit=limit))
    assert f'class="g-limit" d="M{place} 0V16"' in drawn
    assert 'class="g-dot"' in drawn
    assert 'class="g-dot bad"' in dot(cell, Axis(0.0, 1.0, limit=limit, failed=True))
    assert f'class="g-limit" d="M{2 + 100 * limit:.1f} 0V16"' in bar(cell, limit)
    assert "g-limit" not in bar(cell)


def test_a_row_of_a_limit_adds_only_what_its_other_cells_lack():
    evaluation = make_evaluation(COUNTS, PETS)
    rules = [
        'metric = "recall"\nclass = "*"\nat_least = 0.8',
        'metric = "recall"\nclass = "*"\nat_least = 0.95',
        'metric = "accuracy"\nat_least = 0.9',
        'metric = "accuracy"\nat_least = 0.81\nconfident = true\nwhen_inconclusive = "warn"',
    ]
    text = "\n".join(f'[[gate]]\nname = "g{i}"\n{rule}' for i, rule in enumerate(rules))
    decision = decide(parse_gates(text), evaluation, None)
    found = gate_section(decision)
    said = {str(row.name): (row.detail, row.needed) for row in found.rows}
    assert said["g0"] == ("2 of 3 classes passed.", "")
    assert said["g1"] == ("0 of 3 classes passed; failed: dog, cat and fox.", "")
    assert said["g2"] == ("", "")
    detail, needed = said["g3"]
    assert not detail
    assert {row.sentence for row in found.rows} == {one.sentence for one in decision.checks}
    assert needed.startswith("About ")
    assert needed.endswith(" samples would be needed at the measured value.")
