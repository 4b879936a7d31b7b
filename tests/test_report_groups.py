"""What the page says of groups of classes, of other rankings of pairs, and of many classes."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from reportgen.analysis.confusions import Grouping
from reportgen.evaluation import Evaluation
from reportgen.rendering.figures.heatmap import MAX_BYTES
from reportgen.rendering.html import render
from reportgen.report import build_report
from reportgen.report.context import Context
from reportgen.report.findings.classes import grouped_errors
from reportgen.report.groups import GroupSection, group_section
from reportgen.report.matrix import boxes, drawn_order
from reportgen.report.pairs import rankings
from reportgen.report.words import class_names
from tests import factories
from tests.factories import make_evaluation


def facts_of(evaluation: Evaluation) -> Context:
    shown = frozenset((pair.true, pair.predicted) for pair in evaluation.pairs[:20])
    return Context(evaluation, class_names(evaluation.classes), shown)


def section_of(evaluation: Evaluation) -> GroupSection:
    section = group_section(facts_of(evaluation))
    assert section is not None
    return section


def plain(words: object) -> str:
    return str(words).replace("\u00a0", " ")


def animals() -> Evaluation:
    """The ten classes with a user's four groups: vehicles, a bird, four mammals, a frog."""
    groups = Grouping(
        ("vehicles", "birds", "mammals", "frogs"),
        np.array([0, 0, 1, 2, 2, 2, 3, 2, 0, 0]),
        "groups.csv",
    )
    return replace(factories.cifar(0), hierarchy=groups)


def with_groups(evaluation: Evaluation, n_groups: int) -> Evaluation:
    names = tuple(f"group {g}" for g in range(n_groups))
    of_class = np.arange(len(evaluation.classes)) % n_groups
    return replace(evaluation, hierarchy=Grouping(names, of_class, "groups.csv"))


# --- the section


@pytest.mark.parametrize(
    "evaluation",
    [
        factories.binary(),
        factories.absent_classes(),
        make_evaluation([[5]], ["only"]),
        make_evaluation(np.diag([9] * 8)),
        make_evaluation(np.diag([9] * 8) + np.eye(8, k=1, dtype=int)[:, ::-1] * 0),
    ],
    ids=["two", "five", "one", "no errors", "still none"],
)
def test_where_groups_would_say_nothing_there_is_no_section(evaluation: Evaluation) -> None:
    assert group_section(facts_of(evaluation)) is None


def test_the_errors_of_ten_classes_divide_animals_from_vehicles() -> None:
    section = section_of(factories.cifar(0))
    (suggested,) = section.sets
    assert [[str(name) for name in row.first] for row in suggested.rows] == [
        ["automobile", "truck", "airplane", "ship"],
        ["horse", "dog", "cat", "bird", "deer", "frog"],
    ]
    assert plain(suggested.lead) == (
        "83.7% of 1,550 errors are within 2 clusters (59.8% expected by chance). In-sample and "
        "not tested, so optimistic."
    )
    assert [cell.text for cell in suggested.rows[0].cells] == ["90.8", "6.3", "2.9"]
    assert {cell.range for row in suggested.rows for cell in row.cells} == {""}
    assert [row.of_errors.text for row in suggested.rows] == ["16.3%", "67.4%"]
    assert (suggested.shares, suggested.grid, str(suggested.alone)) == ((), None, "")
    assert section.order == ()
    assert plain(section.lead) == ""  # of clusters nobody said which errors are severe


def test_classes_outside_the_groups_are_named() -> None:
    (suggested,) = section_of(factories.fashion()).sets
    assert plain(suggested.alone) == "Unclustered: Trouser, Dress and Bag."
    table = np.diag([50] * 8)
    table[:3, :3] += 9
    table[3:6, 3:6] += 9
    (suggested,) = section_of(make_evaluation(table, list("abcdefgh"))).sets
    assert plain(suggested.alone) == "No errors: “g” and “h”."
    assert len(suggested.rows) == 2


def test_the_users_groups_divide_all_answers_with_intervals() -> None:
    section = section_of(animals())
    given, suggested = section.sets
    assert (given.key, suggested.key) == ("given", "suggested")
    assert plain(given.title) == "Groups of groups.csv"
    assert plain(given.lead) == (
        "4 groups, worst first. 50.6% of 1,550 errors stay within the correct group (28.2% "
        "expected by chance)."
    )
    assert [(row.title, row.count, row.cell.text, row.cell.range) for row in given.shares] == [
        ("Correct", 8450, "84.5", "83.8–85.2"),
        ("Within-group error", 784, "7.8", "7.3–8.4"),
        ("Correct group in all", 9234, "92.3", "91.8–92.8"),
        ("Between-group error", 766, "7.7", "7.2–8.2"),
    ]
    assert [str(row.name) for row in given.rows] == ["birds", "frogs", "mammals", "vehicles"]
    assert [cell.range for cell in given.rows[2].cells] == ["76.7–79.2", "12.3–14.4", "7.9–9.7"]


def test_groups_that_the_errors_suggest_too_are_said_once() -> None:
    """The user's groups in any order; with one class moved, both are shown."""
    evaluation = factories.cifar()
    found = section_of(evaluation).sets[0]
    suggested = Context(evaluation, (), frozenset()).groups.suggested
    assert suggested is not None
    group_of = suggested.grouping.group_of
    size = len(suggested.grouping.names)
    names = tuple(f"group {i}" for i in range(size))
    alike = Grouping(names, size - 1 - group_of, "groups.csv")
    (given,) = section_of(replace(evaluation, hierarchy=alike)).sets
    assert given.key == "given"
    assert plain(given.lead).endswith("Clustering the errors gives the same groups.")
    members = {frozenset(map(str, (*row.first, *row.others))) for row in found.rows}
    assert members <= {frozenset(map(str, (*row.first, *row.others))) for row in given.rows}
    moved = group_of.copy()
    moved[0] = (moved[0] + 1) % size
    other = section_of(replace(evaluation, hierarchy=Grouping(names, moved, "groups.csv")))
    assert [one.key for one in other.sets] == ["given", "suggested"]
    assert "same groups" not in plain(other.sets[0].lead)


def test_a_group_of_one_class_has_no_near_misses_and_no_interval_for_them() -> None:
    given = section_of(animals()).sets[0]
    near = given.rows[0].cells[1]
    assert (near.value, near.text, near.range) == (0.0, "0", "")
    assert given.rows[0].cells[2].range == "18.0–23.0"


def test_a_group_matrix_divides_its_diagonal() -> None:
    grid = section_of(animals()).sets[0].grid
    assert grid is not None
    assert [str(name) for name in grid.names] == ["vehicles", "birds", "mammals", "frogs"]
    table = [[(cell.count, cell.near) for cell in row.cells] for row in grid.rows]
    assert table[0] == [(3885, 253), (51, None), (45, None), (19, None)]
    assert sum(cell.count for row in grid.rows for cell in row.cells) == 10_000
    assert sum(cell.near or 0 for row in grid.rows for cell in row.cells) == 784
    assert grid.rows[1].cells[0].share == 0.053


def test_groups_without_samples_are_undefined_not_zero() -> None:
    table = np.diag([9, 9, 9, 9, 9, 9, 0])
    table[0, 1] = table[2, 6] = 3
    evaluation = make_evaluation(table)
    groups = Grouping(("known", "absent"), np.array([0] * 6 + [1]), "g.csv")
    given = section_of(replace(evaluation, hierarchy=groups)).sets[0]
    absent = next(row for row in given.rows if str(row.name) == "absent")
    assert [cell.text for cell in absent.cells] == ["n/a"] * 3
    assert given.rows[-1] is absent
    assert given.grid is not None
    assert [cell.share for cell in given.grid.rows[1].cells] == [None, None]


def test_groups_without_errors_hold_no_share_of_them() -> None:
    groups = Grouping(("one", "other"), np.array([0, 0, 1]), "g.csv")
    evaluation = replace(make_evaluation(np.diag([4, 5, 6])), hierarchy=groups)
    section = section_of(evaluation)
    (given,) = section.sets
    assert plain(given.lead) == "2 groups, worst first. There are no errors."
    assert {row.of_errors.text for row in given.rows} == {"n/a"}
    assert plain(section.lead) == ""


def test_more_than_thirty_groups_have_no_matrix_and_say_so() -> None:
    few = section_of(with_groups(factories.synthetic(90), 30)).sets[0]
    assert few.grid is not None
    many = section_of(with_groups(factories.synthetic(90), 31)).sets[0]
    assert many.grid is None
    assert "Too many groups for a matrix." in plain(many.lead)
    assert len(many.rows) == 31
    most = section_of(with_groups(factories.synthetic(110), 101)).sets[0]
    assert len(most.rows) == 100
    assert "The 100 worst are shown" in plain(most.lead)


def test_errors_without_groups_leave_an_order() -> None:
    rng = np.random.default_rng(1)
    table = rng.poisson(3, (8, 8)) + np.diag([60] * 8)
    section = section_of(make_evaluation(table, list("abcdefgh")))
    assert section.sets == ()
    assert "No clusters: errors are not more concentrated than expected by chance." in plain(
        section.lead
    )
    assert sorted(map(str, section.order)) == list("abcdefgh")


# --- many classes


def test_above_thirty_classes_groups_have_a_matrix() -> None:
    section = section_of(factories.synthetic(40))
    (suggested,) = section.sets
    assert suggested.grid is not None
    assert len(suggested.grid.rows) == len(suggested.rows) == 8
    assert {str(row.name) for row in suggested.rows} == {str(n) for n in suggested.grid.names}


def test_large_groups_are_called_by_their_worst_class_and_list_all_on_demand() -> None:
    (suggested,) = section_of(factories.synthetic(1000)).sets
    row = suggested.rows[0]
    assert re.fullmatch(r"family \d{3} member \d \(\d+\)", str(row.name))
    assert (row.first, len(row.others)) == ((), row.n_classes)
    assert sum(row.n_classes for row in suggested.rows) == 1000


def test_above_2048_confused_classes_no_groups_are_suggested_and_the_page_says_so() -> None:
    section = section_of(factories.synthetic(2300, 20))
    assert section.sets == ()
    assert plain(section.lead).startswith("No clusters: more than 2,048 classes")


def test_pictures_of_many_classes_are_drawn_in_the_order_of_confusion() -> None:
    evaluation = factories.synthetic(40)
    facts = facts_of(evaluation)
    order = drawn_order(facts)
    assert sorted(order.tolist()) == list(range(40))
    assert order.tolist() != list(range(40))
    counts, _ = build_report(evaluation).matrix.figures
    assert counts.values.tolist() == evaluation.confusion.counts[np.ix_(order, order)].tolist()
    assert counts.labels == tuple(evaluation.classes[i] for i in order)
    assert counts.numbers == tuple((order + 1).tolist())
    assert sum(size for _, size in counts.boxes) == 40
    assert counts.boxes[0] == (0, 5)
    assert "boxes = clusters" in counts.purpose
    few = facts_of(factories.synthetic(30))
    assert (drawn_order(few).tolist(), boxes(few)) == (list(range(30)), ())


def test_frames_of_an_overview_hold_their_classes() -> None:
    facts = facts_of(factories.synthetic(1000))
    found = boxes(facts)
    assert found[0][0] == 0
    assert found[-1][0] + found[-1][1] == 390
    suggested = facts.groups.suggested
    assert suggested is not None
    assert len(found) == len(suggested.grouping.names)


def test_above_a_hundred_classes_a_hundred_cells_are_listed_with_their_running_total() -> None:
    report = build_report(factories.synthetic(101))
    assert len(report.pairs.rows) == 100
    assert report.pairs.rows[9].cumulated_text in plain(report.pairs.lead)
    assert "The 100 most frequent confusions" in plain(report.matrix.lead)
    assert len(build_report(factories.synthetic(100)).pairs.rows) == 20


@pytest.mark.usefixtures("no_drawing")
def test_a_report_of_a_thousand_classes_stays_small() -> None:
    page = render(build_report(factories.synthetic(1000)))
    pictures = 2 * MAX_BYTES * 4 / 3  # the two of the matrix, as base64
    assert len(page) + pictures <= 5_000_000


# --- other rankings of pairs


def unequal() -> Evaluation:
    """Class a is large and loses much to b; d is small and loses half of its samples to c."""
    table = [[900, 60, 20, 20], [55, 900, 25, 20], [4, 6, 80, 10], [1, 0, 10, 9]]
    return make_evaluation(table, ("a", "b", "c", "d"))


def test_three_classes_have_no_other_rankings() -> None:
    assert rankings(facts_of(make_evaluation([[5, 2, 1], [1, 5, 2], [3, 1, 5]]))) == ()
    assert rankings(facts_of(factories.binary())) == ()
    assert rankings(facts_of(make_evaluation(np.diag([5] * 9)))) == ()


def test_classes_of_one_size_are_not_ranked_by_share_again() -> None:
    assert [ranking.key for ranking in rankings(facts_of(factories.cifar(0)))] == [
        "symmetric", "lift",
    ]  # fmt: skip


def test_small_classes_come_first_by_the_sure_part_of_their_share() -> None:
    by_rate = rankings(facts_of(unequal()))[0]
    assert by_rate.key == "rate"
    assert [str(entry.text).replace("\u00a0", " ") for entry in by_rate.rows[0]] == [
        "d", "c", "10", "50.0%", "29.9%",
    ]  # fmt: skip
    assert len(by_rate.heads) == len(by_rate.rows[0])
    assert all(row[2].value is not None and row[2].value >= 3 for row in by_rate.rows)


def test_both_ways_together_tells_alike_from_one_sided() -> None:
    table = np.diag([100] * 4)
    table[0, 1], table[1, 0] = 20, 18
    table[2, 3], table[3, 2] = 2, 19
    table[0, 2] = 4
    both = next(r for r in rankings(facts_of(make_evaluation(table))) if r.key == "symmetric")
    assert [[str(entry.text) for entry in row][2:5] for row in both.rows] == [
        ["38", "20", "18"], ["21", "2", "19"], ["4", "4", "0"],
    ]  # fmt: skip
    assert [str(row[-1].text) for row in both.rows] == [
        "no significant asymmetry", "asymmetric (B → A)", "too few",
    ]  # fmt: skip


def test_the_ranking_by_lift_says_what_chance_is_and_how_sure_it_is() -> None:
    by_lift = rankings(facts_of(factories.cifar(0)))[-1]
    assert by_lift.heads == ("True class", "Predicted", "Count", "Expected", "Lift", "FDR q")
    assert [str(entry.text).replace("\u00a0", " ") for entry in by_lift.rows[0]] == [
        "automobile", "truck", "34", "3.07", "11.1", "<0.1%",
    ]  # fmt: skip
    lifts = [row[4].value for row in by_lift.rows]
    assert lifts == sorted(lifts, key=lambda lift: -(lift or 0))
    note = plain(by_lift.note)
    assert "quasi-independence" in note
    assert "All 20 listed are significant (FDR q < 5%, over 90 possible pairs)." in note


def test_ranked_pairs_lead_to_their_line_where_they_have_one() -> None:
    facts = facts_of(factories.cifar(0))
    entries = [row[1] for ranking in rankings(facts) for row in ranking.rows]
    linked = [entry.target for entry in entries if entry.target]
    assert linked
    assert {tuple(map(int, target.split("-")[1:])) for target in linked} <= facts.shown
    assert any(not entry.target for entry in entries)


# --- findings

MOST = "Clustered errors: "
FINDINGS: dict[str, tuple[Evaluation, str | None]] = {
    "suggested": (
        factories.cifar(0),
        MOST + "83.7% of 1,550 errors are within 2 clusters (59.8% by chance; in-sample); "
        "largest: cat, bird and 4 more.",
    ),
    "less than half within": (factories.fashion(), None),
    "given": (
        animals(),
        "Within-group errors: 50.6% of 1,550 errors, by the groups of groups.csv. Between-group "
        "errors: 7.7% of all samples (95% CI 7.2–8.2%).",
    ),
    "given, mostly between": (
        with_groups(factories.cifar(0), 5),
        "Within-group errors: 3.3% of 1,550 errors, by the groups of groups.csv. Between-group "
        "errors: 15.0% of all samples (95% CI 14.3–15.7%).",
    ),
    "every class a group": (with_groups(factories.cifar(0), 10), None),
    "one group": (with_groups(factories.cifar(0), 1), None),
    "too few errors": (make_evaluation([[9, 2, 0], [2, 9, 0], [0, 1, 9]]), None),
    "no errors": (make_evaluation(np.diag([9] * 8)), None),
    "groups too large to name": (
        factories.synthetic(1000),
        MOST + "80.0% of 10,338 errors are within 30 clusters (3.5% by chance; in-sample).",
    ),
    "long names": (
        factories.synthetic(20),
        MOST + "79.0% of 195 errors are within 4 clusters (21.0% by chance; in-sample); largest: "
        "“family 001 member 2”, “family 001 member 3” and 3 more.",
    ),
}


@pytest.mark.parametrize("case", FINDINGS)
def test_findings_on_groups(case: str) -> None:
    evaluation, expected = FINDINGS[case]
    found = grouped_errors(facts_of(evaluation))
    said = found and plain(f"{found.head} {found.body}")
    assert said == expected
    assert found is None or found.target == "groups"


# --- the page


@pytest.mark.usefixtures("no_drawing")
def test_hostile_group_names_are_text() -> None:
    evil = factories.HOSTILE[1]
    groups = Grouping((evil, "b"), np.array([0] * 5 + [1] * 5), factories.HOSTILE[0])
    page = render(build_report(replace(factories.hostile(), hierarchy=groups)))
    assert "<img src=x" not in page
    assert "&#34;&gt;&lt;img src=x onerror=alert(1)&gt;" in page
    assert page.count("<script>") == 1


@pytest.mark.usefixtures("no_drawing")
def test_a_group_matrix_has_the_colours_and_the_parts_of_its_diagonal() -> None:
    page = render(build_report(animals()))
    part = page[page.index('<details id="groups"') : page.index('<section id="data"')]
    assert '<td class="h19 own">3,632 <small>+253</small></td>' in part
    assert '<td class="h1 hot">53</td>' in part
    assert '<td class="h16 own">796</td>' in part
    assert part.count("<h3>") == 2


def test_the_glossary_explains_pairs_and_groups() -> None:
    title, terms = build_report(factories.cifar(0)).glossary[-1]
    assert title == "Pairs and clusters"
    assert {"Correct group", "Within-group error", "Between-group error", "Lift of a pair"} <= {
        item.title for item in terms
    }


@pytest.fixture
def no_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages without their pictures, which take most of the time."""
    from reportgen.rendering import figures

    drawn = figures.draw_heatmap(build_report(make_evaluation([[3, 1], [1, 3]])).matrix.figures[0])
    monkeypatch.setattr(figures, "draw_heatmap", lambda *_: drawn)
