"""Crowds of confused classes, groups against chance, and groups as plain values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from statsmodels.stats.proportion import proportion_confint

from reportgen.analysis.confusions import (
    GROUP_METRICS,
    PAIR_METRICS,
    ClassGroups,
    Grouping,
    class_groups,
    confusion_tree,
    expected_counts,
    expected_within,
    group_matrix,
)
from reportgen.analysis.confusions import pairs as expected_module
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.evaluation import CLASS_METRICS, SUMMARY_METRICS
from reportgen.jsonio import write_value
from reportgen.metrics import COUNTS
from tests.matrices import of

LAW = settings(deadline=None, max_examples=40)


def two_families() -> NDArray[np.int64]:
    """Nine classes: 0, 2, 4 are confused, 1, 3, 5, 7 more so, 6 and 8 are a pair."""
    table = np.diag([100] * 9)
    for group, n in (((0, 2, 4), 3), ((1, 3, 5, 7), 4), ((6, 8), 9)):
        for i in group:
            for j in group:
                if i != j:
                    table[i, j] = n
    table[0, 1] = 1
    return table


@dataclass
class Evaluated:
    classes: tuple[str, ...]
    confusion: ConfusionMatrix
    hierarchy: Grouping | None = None


# --- the tree


def test_a_tree_of_the_worst_classes_leaves_the_others_alone() -> None:
    matrix = of(two_families())
    tree = confusion_tree(matrix, worst=4)
    assert tree is not None
    assert tree.linked.tolist() == [1, 3, 5, 7]
    assert tree.alone.tolist() == [0, 2, 4, 6, 8]
    assert tree.similarity[0].tolist() == pytest.approx([0, *[0.5 * (4 / 112 + 4 / 112)] * 3])


# --- against chance


@given(st.integers(2, 9), st.integers(1, 4), st.integers(0, 10**6), st.booleans())
@LAW
def test_groups_hold_by_chance_the_sum_of_their_expected_cells(
    k: int, g: int, seed: int, sparse: bool
) -> None:
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 40, (k, k)) * (rng.random((k, k)) < (0.3 if sparse else 1.0))
    matrix = of(table)
    group_of = rng.integers(0, g, k)
    i, j = np.nonzero((group_of[:, None] == group_of) & ~np.eye(k, dtype=bool))
    share = expected_within(matrix, group_of)
    if matrix.n_errors == 0:
        assert share is None
        return
    expected = expected_counts(matrix, i, j).count.sum() / matrix.n_errors
    assert share == pytest.approx(expected, abs=1e-9)


def test_without_a_fit_the_margins_tell_what_groups_hold_by_chance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    matrix = of([[10, 3, 1], [0, 10, 0], [2, 0, 10]])
    monkeypatch.setattr(expected_module, "_fit", lambda _: None)
    # class 0 makes 4 errors; 24 answers are not 0, and 13 of those are 1; class 1 makes none
    assert expected_within(matrix, np.array([0, 0, 1])) == pytest.approx(4 * 13 / 24 / 6)


def test_one_group_holds_all_errors_and_single_classes_none() -> None:
    matrix = of(two_families())
    assert expected_within(matrix, np.zeros(9, np.int64)) == pytest.approx(1.0)
    assert expected_within(matrix, np.arange(9)) == pytest.approx(0.0, abs=1e-12)


def test_the_accuracy_of_groups_holds_right_answers_and_near_misses() -> None:
    grouped = group_matrix(
        of([[5, 2, 1], [1, 6, 0], [0, 3, 2]]), Grouping(("a", "b"), [0, 0, 1], "")
    )
    assert grouped.group_accuracy.value == 16 / 20
    low, high = proportion_confint(16, 20, method="wilson")
    assert grouped.group_accuracy.interval == pytest.approx((low, high), rel=1e-12)
    assert (grouped.within_errors, grouped.n_errors) == (3, 7)
    empty = group_matrix(ConfusionMatrix.empty(2), Grouping(("a", "b"), [0, 1], ""))
    assert (empty.group_accuracy.value, empty.group_accuracy.reason) == (None, "no_samples")


# --- as plain values


def as_json(evaluation: Evaluated) -> Any:
    return write_value(ClassGroups, class_groups(evaluation), evaluation.classes)


def test_groups_as_json_hold_order_suggestion_and_the_users_groups() -> None:
    names = tuple("abcdefghi")
    given_groups = Grouping(("front", "back"), np.array([0] * 4 + [1] * 5), "groups.csv")
    value = as_json(Evaluated(names, of(two_families()), given_groups))
    assert json.loads(json.dumps(value, allow_nan=False)) == value
    assert sorted(value["order"]) == list(names)
    assert value["given"]["source"] == "groups.csv"
    assert [group["classes"] for group in value["given"]["groups"]] == [
        ["a", "b", "c", "d"], ["e", "f", "g", "h", "i"],
    ]  # fmt: skip
    front = value["given"]["groups"][0]
    assert (front["support"], front["right"], front["within"], front["between"]) == (
        437,
        400,
        15,
        22,
    )
    assert front["within_group_error"]["value"] == 15 / 437
    assert value["given"]["matrix"]["cells"][0] == [0, 0, 415]
    assert value["given"]["summary"]["group_accuracy"]["value"] == pytest.approx(
        1 - value["given"]["summary"]["between_group_error"]["value"]
    )
    suggested = value["suggested"]
    assert {frozenset(group["classes"]) for group in suggested["groups"]} == {
        frozenset("ace"), frozenset("bdfh"), frozenset("gi"),
    }  # fmt: skip
    assert suggested["errors_within_groups"] == 84 / 85
    assert 0.2 < suggested["errors_within_groups_by_chance"] < 0.4


def test_without_errors_there_is_no_order_and_no_group() -> None:
    value = as_json(Evaluated(("a", "b", "c"), of(np.diag([1, 2, 3]))))
    assert value == {"order": None, "suggested": None, "given": None}
    groups = Grouping(("x", "y"), np.array([0, 0, 1]), "groups.csv")
    found = as_json(Evaluated(("a", "b", "c"), of(np.diag([1, 2, 3])), groups))["given"]
    assert found["errors_within_groups"] is None
    assert found["errors_within_groups_by_chance"] is None


def test_figures_of_pairs_and_groups_are_defined_once() -> None:
    own = (*PAIR_METRICS, *GROUP_METRICS)
    others = {item.name for item in (*SUMMARY_METRICS, *CLASS_METRICS, *COUNTS)}
    assert len({item.name for item in own} - others) == len(own)
    grouped = group_matrix(of([[1]]), Grouping(("a",), [0], ""))
    known = {*grouped.summary, "group_accuracy", "errors_within_groups"} - {"accuracy"}
    assert known == {item.name for item in GROUP_METRICS}
    assert all(item.meaning.endswith(".") and item.source and item.formula for item in own)
