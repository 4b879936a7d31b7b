"""Costs of confusions: how they are read, what they make of a matrix, and what follows from it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import reportgen
from benchmarks.cost_coverage import COSTS, cost_covers
from benchmarks.coverage import Setting
from benchmarks.coverage import settings as truths
from reportgen.cli import with_options
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import DataError, UsageError
from reportgen.evaluation import Evaluation, read_costs
from reportgen.metrics import Costs, bootstrap_intervals, cost_difference, expected_cost, wilson
from reportgen.review import Review

CLASSES = ("cat", "dog", "owl")
TABLE = [[40, 8, 2], [5, 44, 1], [0, 3, 47]]


@pytest.fixture
def file(tmp_path: Path) -> Any:
    """A function from text to a file of costs."""

    def write(text: str) -> Path:
        path = tmp_path / "costs.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def costly(file: Any) -> Path:
    return file("true,predicted,cost\ncat,dog,10\ndog,dog,0.5\n")


def matrix() -> dict[str, Any]:
    return {"classes": list(CLASSES)}


def test_the_expected_cost_is_the_mean_of_counts_times_costs(costly: Path) -> None:
    found = reportgen.load(np.array(TABLE), costs=costly, **matrix()).summary["expected_cost"]
    # cat → dog 8 × 10, dog → dog 44 × 0.5, and 2 + 5 + 1 + 0 + 3 errors that cost 1
    assert found.value == pytest.approx((80 + 22 + 11) / 150, rel=1e-12)
    assert found.interval is not None
    assert found.interval[0] < found.value < found.interval[1]


def test_without_other_costs_the_expected_cost_is_the_error_rate_and_nearly_its_interval() -> None:
    table = np.array(TABLE) * 10
    found = expected_cost(ConfusionMatrix.from_counts(table), Costs.of("x", [(0, 1, 1.0)]))
    metric = found["expected_cost"]
    assert metric.value == pytest.approx(190 / 1500)
    assert metric.interval is not None
    assert metric.interval == pytest.approx([float(x) for x in wilson(190, 1500)], abs=5e-4)


def test_costs_in_another_unit_scale_the_metric_and_its_interval() -> None:
    counts = ConfusionMatrix.from_counts(np.array(TABLE))
    pairs = [(i, j, 0.0 if i == j else 1.0 + i + j) for i in range(3) for j in range(3)]
    one = expected_cost(counts, Costs.of("x", pairs))["expected_cost"]
    cents = expected_cost(counts, Costs.of("x", [(i, j, 1e250 * c) for i, j, c in pairs]))
    other = cents["expected_cost"]
    assert one.value
    assert one.interval
    assert other.interval
    assert other.value == pytest.approx(1e250 * one.value)
    assert other.interval == pytest.approx([1e250 * end for end in one.interval])


@settings(max_examples=40)
@given(
    st.lists(st.lists(st.integers(0, 30), min_size=3, max_size=3), min_size=3, max_size=3),
    st.lists(st.floats(0, 1e6), min_size=9, max_size=9),
)
def test_the_interval_holds_the_value_and_stays_among_the_costs(
    table: list[list[int]], costs: list[float]
) -> None:
    counts = ConfusionMatrix.from_counts(np.array(table))
    listed = Costs.of("x", [(i, j, costs[3 * i + j]) for i in range(3) for j in range(3)])
    found = expected_cost(counts, listed)["expected_cost"]
    if counts.n_samples == 0:
        assert found.reason == "no_samples"
        return
    by_hand = sum(n * c for n, c in zip(np.ravel(table), costs, strict=True)) / counts.n_samples
    assert found.value == pytest.approx(by_hand, rel=1e-9, abs=1e-12)
    if found.interval is not None:
        low, high = found.interval
        slack = 1e-9 * max(costs)
        assert min(costs) - slack <= low <= found.value + slack
        assert found.value - slack <= high <= max(costs) + slack


SHORT = [
    *((one, COSTS[2][-1]) for one in truths((100, 1_000), (0.9, 0.99), (10,), ())),
    *((one, COSTS[10][0]) for one in truths((100, 1_000), (0.9, 0.99), (), (10,))),
]


@pytest.mark.parametrize(("setting", "costs"), SHORT, ids=lambda one: getattr(one, "name", ""))
def test_intervals_cover_the_cost_and_no_difference_of_equal_models(
    setting: Setting, costs: Costs
) -> None:
    """Two standard errors allowed; a single dear error lifts Wilson's lower end too far (89%)."""
    for cover in cost_covers(setting, costs, 300):
        assert cover.printed == 1
        assert not cover.falls_short, cover


def test_the_p_value_is_below_5_percent_where_the_interval_leaves_out_0() -> None:
    rng = np.random.default_rng(6)
    cells = np.array([(1, 0, 1), (1, 1, 0), (1, 1, 1), (0, 0, 0), (0, 0, 1), (0, 1, 0)])
    costs = Costs.of("x", [(1, 0, 20.0)])
    for drawn in rng.multinomial(200, [0.05, 0.02, 0.23, 0.58, 0.06, 0.06], size=60):
        found = cost_difference(costs, *cells.T, drawn, 2)
        ends = found.interval()
        assert ends is not None
        assert (found.p() < 0.05) == (not ends[0] <= 0 <= ends[1])


def test_two_models_that_never_disagree_have_an_interval_that_says_how_little_is_known() -> None:
    label = np.array([0, 1])
    found = cost_difference(Costs.of("x", [(1, 0, 20.0)]), label, label, label, label * 0 + 50, 2)
    ends = found.interval()
    assert found.mean == 0
    assert found.p() == 1
    assert ends is not None
    assert -1 < ends[0] < -0.1
    assert 0.1 < ends[1] < 1


def test_resamples_give_an_interval_close_to_that_of_scores() -> None:
    counts = ConfusionMatrix.from_counts(np.array(TABLE) * 20)
    costs = Costs.of("x", [(0, 1, 10.0)])
    score = expected_cost(counts, costs)["expected_cost"].interval
    drawn = bootstrap_intervals(counts, costs=costs).summary["expected_cost"].interval
    assert score is not None
    assert drawn == pytest.approx(score, abs=0.02)


def test_a_dear_error_that_was_not_seen_has_no_bootstrap_interval() -> None:
    counts = ConfusionMatrix.from_counts(np.array([[90, 3], [0, 20]]))
    found = bootstrap_intervals(counts, costs=Costs.of("x", [(1, 0, 100.0)]))
    assert found.summary["expected_cost"].reason == "too_few_samples"


def test_costs_survive_report_json(costly: Path) -> None:
    before = reportgen.load(np.array(TABLE), costs=costly, **matrix())
    written = json.loads(json.dumps(before.to_json()))
    assert written["costs"] == {
        "source": "costs.csv",
        "pairs": [
            {"true": "cat", "predicted": "dog", "cost": 10.0},
            {"true": "dog", "predicted": "dog", "cost": 0.5},
        ],
    }
    assert Evaluation.from_json(written) == before


@pytest.mark.parametrize("damage", ["value", "twice", "negative", "unknown"])
def test_a_report_json_whose_costs_contradict_it_is_refused(costly: Path, damage: str) -> None:
    written = reportgen.load(np.array(TABLE), costs=costly, **matrix()).to_json()
    listed = written["costs"]["pairs"]
    if damage == "value":
        written["summary"]["expected_cost"]["value"] = 0.1
    elif damage == "twice":
        listed.append(dict(listed[0]))
    elif damage == "negative":
        listed[0]["cost"] = -1
    else:
        listed[0]["true"] = "cow"
    with pytest.raises(DataError):
        Evaluation.from_json(written)


@pytest.mark.parametrize(
    ("text", "slug", "message"),
    [
        ("true,predicted,cost\ncat,dog,5\ncat,catt,5\n", "costs-class", 'line 3 of "costs.csv"'),
        ("true,predicted,cost\ncat,,5\n", "costs-class", "line 2"),
        ("true,predicted,cost\ncat,dog,5\n\ncat,dog,5\n", "costs-pair-twice", "line 4"),
        ("true,predicted,cost\ncat,dog,-5\n", "costs-number", "line 2"),
        ("true,predicted,cost\ncat,dog,\n", "costs-number", "line 2"),
        ("true,predicted,cost\ncat,dog,nan\n", "costs-number", "line 2"),
        ("true,predicted,cost\ncat,dog,1e999\n", "costs-number", "line 2"),
        ("true,predicted,cost\ncat,dog,1_000\n", "costs-number", "line 2"),
        ("true,predicted,cost\ncat,dog,five\n", "costs-number", "line 2"),
        ("true,pred,cost\ncat,dog,5\n", "costs-columns", '"predicted"'),
        ("cost,true,cost,predicted\n5,cat,5,dog\n", "costs-columns", '"cost"'),
        ("true,predicted,cost\n", "costs-empty", "contains no costs"),
    ],
)
def test_a_file_of_costs_that_is_wrong_is_refused_with_its_line(
    file: Any, text: str, slug: str, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        read_costs(file(text), CLASSES)
    assert caught.value.slug == slug
    assert message in caught.value.message
    assert caught.value.exit_code == 3


def test_a_file_of_costs_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        reportgen.load(np.array(TABLE), costs=tmp_path / "none.csv", **matrix())
    assert caught.value.slug == "option-file-missing"


def test_columns_come_in_any_order_and_others_are_ignored(file: Any) -> None:
    found = read_costs(file("why,cost,predicted,true\nx, 5 ,dog,cat\n"), CLASSES)
    assert found == Costs.of("costs.csv", [(0, 1, 5.0)])


def test_classes_are_known_by_the_name_that_they_are_shown_by_too(tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text("cat,Felis\n")
    held = reportgen.load(np.array(TABLE), class_names=tmp_path / "names.csv", **matrix())
    for name in ("cat", "Felis"):
        (tmp_path / "costs.csv").write_text(f"true,predicted,cost\n{name},dog,10\n")
        again = reportgen.load(held, costs=tmp_path / "costs.csv")
        assert again.costs == Costs.of("costs.csv", [(0, 1, 10.0)])
        assert again.classes[0] == "Felis"


def test_proportions_of_all_samples_have_an_expected_cost_and_others_have_none(
    costly: Path,
) -> None:
    of_all = np.array(TABLE) / 150
    found = reportgen.load(of_all, costs=costly, normalised="all", **matrix())
    assert found.summary["expected_cost"].value == pytest.approx(113 / 150, abs=1e-8)
    of_rows = np.array(TABLE) / 50
    rows = reportgen.load(of_rows, costs=costly, normalised="true", **matrix())
    metric = rows.summary["expected_cost"]
    assert (metric.value, metric.reason) == (None, "shares_only")
    for held in (reportgen.load(of_all, normalised="all", **matrix()), rows):
        again = reportgen.load(held, costs=costly).summary["expected_cost"]
        assert again.reason == "shares_only"


def predictions(table: Any, seed: int) -> dict[str, Any]:
    """A row a sample, with the labels in the same order whatever the seed."""
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(3), np.sum(table, axis=1))
    said = np.concatenate([rng.permutation(np.repeat(np.arange(3), row)) for row in table])
    return {
        "id": [f"{i}.png" for i in range(len(label))],
        "label": [CLASSES[i] for i in label],
        "prediction": [CLASSES[i] for i in said],
        "patient": [f"p{i // 3}" for i in range(len(label))],
    }


def test_samples_in_groups_widen_the_interval_by_the_groups(costly: Path) -> None:
    rows = predictions(TABLE, 1)
    plain = reportgen.load(rows, costs=costly, classes=CLASSES)
    grouped = reportgen.load(rows, costs=costly, classes=CLASSES, group_column="patient")
    one, other = (e.summary["expected_cost"] for e in (plain, grouped))
    assert one.value == other.value
    assert other.interval is not None
    assert other.interval != one.interval


def test_a_comparison_of_matched_samples_has_the_paired_difference(costly: Path) -> None:
    before, after = predictions(TABLE, 1), predictions([[45, 3, 2], [5, 44, 1], [0, 3, 47]], 2)
    found = reportgen.compare(before, after, costs=costly, classes=CLASSES)
    change = found.summary["expected_cost"]
    assert change.method == "paired score"
    assert change.difference == pytest.approx(-50 / 150)
    assert change.interval
    assert change.bounds
    assert change.p is not None
    assert change.interval[0] < change.bounds[0] < change.difference
    assert change.difference < change.bounds[1] < change.interval[1]
    assert change.p_adjusted is not None
    assert change.p <= change.p_adjusted
    review = Review.of(found.candidate)
    whole = Review(review.evaluation, found, review.decision)
    assert Review.from_json(whole.to_json()) == whole


def test_a_comparison_of_matrices_has_the_difference_of_unmatched_sides(
    costly: Path, tmp_path: Path
) -> None:
    for name, table in (("a", TABLE), ("b", np.array(TABLE)[::-1, ::-1])):
        order = CLASSES if name == "a" else CLASSES[::-1]
        lines = [",".join(("", *order))]
        lines += [",".join((c, *map(str, row))) for c, row in zip(order, table, strict=True)]
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n")
    found = reportgen.compare(tmp_path / "a.csv", tmp_path / "b.csv", costs=costly)
    change = found.summary["expected_cost"]
    assert change.method == "mover"
    assert change.difference == pytest.approx(0, abs=1e-12)


def test_a_comparison_without_costs_has_no_expected_cost() -> None:
    rows = predictions(TABLE, 1)
    found = reportgen.compare(rows, rows, classes=CLASSES)
    assert "expected_cost" not in found.summary


def test_a_baseline_with_other_costs_is_computed_again_and_the_page_says_so(
    costly: Path, tmp_path: Path
) -> None:
    (tmp_path / "old.csv").write_text("true,predicted,cost\ncat,owl,3\n")
    old = reportgen.load(np.array(TABLE), costs=tmp_path / "old.csv", **matrix())
    new = reportgen.load(np.array(TABLE), costs=costly, **matrix())
    found = reportgen.compare(old, new)
    assert found.baseline.costs == new.costs
    assert found.summary["expected_cost"].difference == 0
    assert [n.code for n in found.notes if n.code == "compared-costs"]


GATE = '[[gate]]\nname = "cost"\nmetric = "expected_cost"\n'


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ("at_most = 0.76", "passed"),
        ("at_most = 0.75", "failed"),
        ("at_most = 0.76\nconfident = true", "inconclusive"),
    ],
)
def test_a_gate_limits_the_expected_cost(
    costly: Path, tmp_path: Path, rule: str, status: str
) -> None:
    (tmp_path / "gates.toml").write_text(GATE + rule + "\n")
    held = reportgen.load(np.array(TABLE), costs=costly, **matrix())
    decision = reportgen.check(held, gates=tmp_path / "gates.toml")
    assert decision.checks[0].status == status


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ("not_worse_by = 0.1", "passed"),
        ("no_harm = true", "passed"),
    ],
)
def test_a_gate_compares_the_expected_cost_with_the_baseline(
    costly: Path, tmp_path: Path, rule: str, status: str
) -> None:
    before, after = predictions(TABLE, 1), predictions([[48, 0, 2], [5, 44, 1], [0, 3, 47]], 2)
    (tmp_path / "gates.toml").write_text(GATE + rule + "\n")
    better = reportgen.compare(before, after, costs=costly, classes=CLASSES)
    worse = reportgen.compare(after, before, costs=costly, classes=CLASSES)
    good, bad = (reportgen.check(c, gates=tmp_path / "gates.toml") for c in (better, worse))
    assert good.checks[0].status == status
    assert bad.checks[0].status == "failed"


@pytest.mark.parametrize("rule", ["at_most = 1", "not_worse_by = 0.1", "no_harm = true"])
def test_a_gate_on_costs_without_costs_is_an_error_that_names_the_option(
    tmp_path: Path, rule: str
) -> None:
    (tmp_path / "gates.toml").write_text(GATE + rule + "\n")
    rows = predictions(TABLE, 1)
    held = reportgen.compare(rows, rows, classes=CLASSES)
    with pytest.raises(UsageError) as caught:
        reportgen.check(held, gates=tmp_path / "gates.toml")
    assert caught.value.slug == "gates-costs"
    assert "--costs" in str(caught.value.hint)
    with pytest.raises(UsageError) as caught:
        reportgen.compare(
            rows, rows, classes=CLASSES, out=tmp_path / "o", gates=tmp_path / "gates.toml"
        )
    assert caught.value.slug == "gates-costs"


def test_a_limit_of_costs_is_no_percentage(tmp_path: Path, costly: Path) -> None:
    (tmp_path / "gates.toml").write_text(GATE + "at_most = 90\n")
    held = reportgen.load(np.array(TABLE), costs=costly, **matrix())
    assert reportgen.check(held, gates=tmp_path / "gates.toml").verdict == "SHIP"


def test_report_json_can_be_checked_by_costs_given_later(costly: Path, tmp_path: Path) -> None:
    before, after = predictions(TABLE, 1), predictions([[48, 0, 2], [5, 44, 1], [0, 3, 47]], 2)
    reportgen.compare(before, after, classes=CLASSES, out=tmp_path / "o")
    (tmp_path / "gates.toml").write_text(GATE + "no_harm = true\n")
    decision = reportgen.check(
        tmp_path / "o" / "report.json", gates=tmp_path / "gates.toml", costs=costly
    )
    assert decision.checks[0].status == "passed"
    with pytest.raises(UsageError):
        reportgen.check(tmp_path / "o" / "report.json", gates=tmp_path / "gates.toml")


def test_the_page_has_a_tile_and_pairs_by_cost_and_the_terminal_a_line(
    costly: Path, tmp_path: Path
) -> None:
    lines = [",".join(("", *CLASSES))]
    lines += [",".join((c, *map(str, row))) for c, row in zip(CLASSES, TABLE, strict=True)]
    (tmp_path / "m.csv").write_text("\n".join(lines) + "\n")
    words = ["render", tmp_path / "m.csv", "--costs", costly, "-o", tmp_path / "o"]
    done = CliRunner().invoke(with_options("render"), list(map(str, words)))
    assert "expected cost: 0.753 (95% CI" in done.stdout
    assert "by costs.csv" in done.stdout
    page = (tmp_path / "o" / "report.html").read_text()
    assert "Expected cost" in page
    assert "Pairs by cost" in page
    listed = (tmp_path / "o" / "pairs.csv").read_text().splitlines()
    assert listed[0].endswith(",cost,total_cost")
    assert listed[1].endswith(",10.0,80.0")


def test_a_thousand_classes_are_costed_without_a_square_table() -> None:
    k = 20_000
    counts = ConfusionMatrix.from_cells([(i, i, 5) for i in range(k)] + [(0, k - 1, 3)], k)
    found = expected_cost(counts, Costs.of("x", [(0, k - 1, 7.0)]))["expected_cost"]
    assert found.value == pytest.approx(21 / (5 * k + 3))
    assert found.interval is not None
    assert not math.isnan(found.interval[1])
