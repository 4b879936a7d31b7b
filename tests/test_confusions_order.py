"""The order of classes, the groups that the tree suggests, and matrices of groups."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from reportgen.analysis.confusions import (
    Grouping,
    confusion_order,
    confusion_tree,
    group_matrix,
    suggested_groups,
)
from reportgen.analysis.confusions import class_order as order
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics import Metric, wilson
from tests.matrices import of

LAW = settings(deadline=None, max_examples=50)


@pytest.fixture(params=["first", "second"])
def golden(request: pytest.FixtureRequest, shared: Callable[[str], Path]) -> dict[str, Any]:
    whole = json.loads(shared("golden/seed_fashion.json").read_text(encoding="utf-8"))
    return {"classes": whole["classes"], **whole[request.param]}


def names(k: int) -> list[str]:
    return [f"c{i}" for i in range(k)]


def blocks(k: int, n_blocks: int, n: int, seed: int = 0) -> tuple[ConfusionMatrix, Any]:
    """Classes in shuffled order that are mostly confused within their block; block of each."""
    rng = np.random.default_rng(seed)
    size = k // n_blocks
    labels = rng.integers(k, size=n)
    u = rng.random(n)
    near = labels // size * size + rng.integers(size, size=n)
    predictions = np.where(u < 0.8, labels, np.where(u < 0.95, near, rng.integers(k, size=n)))
    place = rng.permutation(k)
    block = np.empty(k, np.int64)
    block[place] = np.arange(k) // size
    return ConfusionMatrix.from_labels(place[labels], place[predictions], k), block


# --- order


def test_the_order_of_the_published_classes(golden: dict[str, Any]) -> None:
    found = confusion_order(of(golden["matrix"]))
    assert found.tolist() == golden["seriation"]["order"]


def test_classes_without_errors_come_last_in_their_order() -> None:
    table = np.diag([5, 5, 5, 5, 5])
    table[1, 3] = table[3, 1] = 2
    assert confusion_order(of(table)).tolist() == [1, 3, 0, 2, 4]
    assert confusion_order(of(np.diag([1, 2, 3]))).tolist() == [0, 1, 2]
    assert confusion_order(of([[4]])).tolist() == [0]
    assert confusion_order(ConfusionMatrix.empty(3)).tolist() == [0, 1, 2]


def test_the_end_with_the_lower_index_comes_first() -> None:
    chain = np.diag([20] * 5) + np.diag([3, 4, 5, 6], 1) + np.diag([3, 4, 5, 6], -1)
    assert confusion_order(of(chain)).tolist() == [0, 1, 2, 3, 4]
    backwards = [4, 3, 2, 1, 0]
    assert confusion_order(of(chain[np.ix_(backwards, backwards)])).tolist() == [0, 1, 2, 3, 4]


@given(st.integers(3, 8), st.integers(0, 10**6), st.randoms(use_true_random=False))
@LAW
def test_the_order_is_the_same_walk_however_the_classes_are_listed(
    k: int, seed: int, random: Any
) -> None:
    table = np.random.default_rng(seed).integers(1, 10**6, (k, k))  # no ties
    listed = list(range(k))
    random.shuffle(listed)
    one = confusion_order(of(table)).tolist()
    other = [listed[i] for i in confusion_order(of(table[np.ix_(listed, listed)]))]
    assert other in (one, one[::-1])


@given(st.integers(2, 9), st.integers(0, 10**6))
@LAW
def test_an_order_holds_every_class_once(k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 5, (k, k)) * rng.integers(0, 2, (k, k))
    found = confusion_order(of(table))
    assert sorted(found.tolist()) == list(range(k))
    assert found.dtype == np.int64


def test_three_hundred_classes_are_ordered_optimally_and_more_by_linkage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    matrix, _ = blocks(24, 4, 5000)
    optimal = confusion_order(matrix)
    monkeypatch.setattr(order, "OPTIMAL_LIMIT", 23)
    plain = confusion_order(matrix)
    tree = confusion_tree(matrix)
    assert tree is not None
    place = np.empty((2, 24), int)
    place[0, optimal], place[1, plain] = np.arange(24), np.arange(24)
    i, j = np.nonzero(tree.similarity)
    walked = [float((1 - tree.similarity)[p[:-1], p[1:]].sum()) for p in (optimal, plain)]
    assert walked[0] < walked[1]
    assert len(i) == len(j)


def test_blocks_stand_together_at_a_thousand_classes_in_no_time() -> None:
    matrix, block = blocks(1000, 25, 100_000)
    start = time.process_time()
    found = confusion_order(matrix)
    assert time.process_time() - start < 2
    neighbours = block[found][1:] == block[found][:-1]
    assert neighbours.mean() > 0.9


def test_above_2048_confused_classes_the_order_is_that_of_the_data() -> None:
    rng = np.random.default_rng(1)
    k = 21_000
    labels, predictions = rng.integers(k, size=(2, 5000))
    matrix = ConfusionMatrix.from_labels(labels, predictions, k)
    assert confusion_tree(matrix) is None
    assert np.array_equal(confusion_order(matrix), np.arange(k))
    assert suggested_groups(matrix, names(k)) is None
    few = ConfusionMatrix.from_cells([(7, 20_000, 3), (20_000, 500, 1), (4, 4, 9)], k)
    assert confusion_order(few)[:4].tolist() == [7, 20_000, 500, 0]
    assert "counts" not in vars(few)


# --- suggested groups


def test_the_published_matrices_suggest_the_same_groups(golden: dict[str, Any]) -> None:
    found = suggested_groups(of(golden["matrix"]), golden["classes"])
    assert found is not None
    members = [{golden["classes"][i] for i in found.members(g)} for g in range(len(found.names))]
    assert members == [
        {"Trouser"}, {"Dress"}, {"T-shirt/top", "Shirt"}, {"Pullover", "Coat"}, {"Bag"},
        {"Sandal", "Sneaker", "Ankle boot"},
    ]  # fmt: skip
    assert found.names == (
        "Trouser", "Dress", "Shirt and T-shirt/top", "Coat and Pullover", "Bag",
        "Sneaker and 2 others",
    )  # fmt: skip
    assert found.modularity == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize(("k", "n_blocks"), [(12, 3), (60, 6), (1000, 25)])
def test_classes_that_are_confused_in_blocks_are_grouped_by_them(k: int, n_blocks: int) -> None:
    matrix, block = blocks(k, n_blocks, 100 * k)
    found = suggested_groups(matrix, names(k))
    assert found is not None
    assert adjusted_rand_score(block, found.group_of) > 0.98
    assert abs(len(found.names) - n_blocks) <= 2


@pytest.mark.parametrize("seed", range(4))
def test_groups_stand_in_the_order_of_the_tree(seed: int) -> None:
    matrix, _ = blocks(40, 8, 8000, seed)
    found = suggested_groups(matrix, names(40))
    assert found is not None
    in_order = found.group_of[confusion_order(matrix)]
    assert (np.diff(in_order) >= 0).all()


def test_no_more_than_thirty_groups_are_suggested() -> None:
    matrix, block = blocks(300, 50, 60_000)
    found = suggested_groups(matrix, names(300))
    assert found is not None
    assert len(found.names) == 30
    for g in range(50):  # blocks are joined, not cut
        assert len(set(found.group_of[block == g].tolist())) == 1
    assert len(suggested_groups(matrix, names(300), most=7).names) == 7  # type: ignore[union-attr]


@pytest.mark.parametrize("k", [3, 10, 30, 100])
@pytest.mark.parametrize("n", [1000, 30_000])
def test_errors_that_fall_anywhere_suggest_no_groups(k: int, n: int) -> None:
    rng = np.random.default_rng(k + n)
    labels = rng.integers(k, size=n)
    predictions = np.where(rng.random(n) < 0.8, labels, rng.integers(k, size=n))
    matrix = ConfusionMatrix.from_labels(labels, predictions, k)
    assert suggested_groups(matrix, names(k)) is None


def test_a_class_that_attracts_all_errors_makes_no_group() -> None:
    table = np.diag([50] * 6)
    table[1:, 0] = 30
    assert suggested_groups(of(table), names(6)) is None
    table[0, 1:] = 10
    assert suggested_groups(of(table), names(6)) is None


def test_classes_without_errors_are_a_group_of_their_own() -> None:
    matrix, _ = blocks(12, 3, 5000)
    table = np.zeros((15, 15), np.int64)
    table[:12, :12] = matrix.counts
    table[12, 12] = table[13, 13] = 9  # and class 14 has no samples
    found = suggested_groups(of(table), names(15))
    assert found is not None
    assert found.names[-1] == "3 classes without errors"
    assert found.members(len(found.names) - 1).tolist() == [12, 13, 14]
    one = suggested_groups(of(table[:13, :13]), names(13))
    assert one is not None
    assert one.names[-1] == "c12"


def test_no_errors_or_two_classes_suggest_nothing() -> None:
    assert suggested_groups(of(np.diag([3, 4, 5])), names(3)) is None
    assert suggested_groups(of([[3, 2], [1, 5]]), names(2)) is None
    assert suggested_groups(of([[3]]), names(1)) is None


def test_the_suggestion_is_the_best_of_all_cuts() -> None:
    """Every cut of the tree of seven classes, by its definition, in order of size."""
    rng = np.random.default_rng(12)
    table = rng.integers(1, 40, (7, 7)) + np.kron(np.eye(4, dtype=int), np.full((2, 2), 90))[:7, :7]
    matrix = of(table + np.diag([500] * 7))
    tree = confusion_tree(matrix)
    found = suggested_groups(matrix, names(7))
    assert tree is not None
    assert found is not None
    s, total = tree.similarity, tree.similarity.sum()
    by_chance = quasi_independent(s)
    nodes = [[i] for i in range(7)]
    cuts = [[[g]] for g in range(7)]
    for a, b, *_ in tree.merges:
        nodes.append(nodes[int(a)] + nodes[int(b)])
        both = [x + y for x in cuts[int(a)] for y in cuts[int(b)]]
        cuts.append([[len(nodes) - 1], *both])
    worth = {
        tuple(cut): sum((s - by_chance)[np.ix_(nodes[g], nodes[g])].sum() for g in cut) / total
        for cut in cuts[-1]
    }
    best = max(worth, key=lambda cut: worth[cut])
    assert found.modularity == pytest.approx(worth[best], abs=1e-9)
    ours = {tuple(found.members(g).tolist()) for g in range(len(found.names))}
    assert ours == {tuple(sorted(nodes[g])) for g in best}


def quasi_independent(s: NDArray[np.float64]) -> NDArray[np.float64]:
    """The symmetric table f_i f_j without a diagonal that has the margins of `s`."""
    off, table = 1 - np.eye(len(s)), np.ones(s.shape)
    for _ in range(2000):
        table = table * off
        table *= (s.sum(1) / table.sum(1))[:, None]
        table *= s.sum(0) / table.sum(0)
    return table


@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=25)
def test_groups_do_not_depend_on_the_order_of_the_classes(seed: int, random: Any) -> None:
    rng = np.random.default_rng(seed)
    table = rng.integers(1, 1000, (9, 9)) + np.kron(
        np.eye(3, dtype=int), rng.integers(900, 3000, (3, 3))
    )
    listed = list(range(9))
    random.shuffle(listed)
    one = suggested_groups(of(table), names(9))
    other = suggested_groups(of(table[np.ix_(listed, listed)]), names(9))
    assert (one is None) == (other is None)
    if one and other:
        assert adjusted_rand_score(one.group_of[listed], other.group_of) == 1


# --- group matrices


def test_a_group_matrix_divides_its_diagonal_into_right_answers_and_near_misses() -> None:
    table = [[5, 2, 1, 0], [1, 6, 0, 3], [0, 0, 4, 2], [1, 0, 0, 9]]
    groups = Grouping(("a", "b"), np.array([0, 0, 1, 1]), "by hand")
    found = group_matrix(of(table), groups)
    assert found.confusion.counts.tolist() == [[14, 4], [1, 15]]
    assert found.right.tolist() == [11, 13]
    assert found.within.tolist() == [3, 2]
    assert found.between.tolist() == [4, 1]
    assert found.summary["accuracy"].value == 24 / 34
    assert found.summary["within_group_error"].value == 5 / 34
    assert found.summary["between_group_error"].value == 5 / 34
    ends = tuple(float(end) for end in wilson(5, 34))
    assert found.summary["between_group_error"].interval == ends
    column = found.per_group["within_group_error"]
    assert column.value.tolist() == [3 / 18, 2 / 16]
    assert column.metric(0).interval == tuple(float(end) for end in wilson(3, 18))


def test_a_group_without_samples_says_so() -> None:
    found = group_matrix(of([[3, 1], [0, 0]]), Grouping(("a", "b"), np.array([0, 1]), "by hand"))
    assert found.per_group["accuracy"].metric(1) == Metric(None, None, "no_samples")
    nothing = group_matrix(ConfusionMatrix.empty(2), Grouping(("a",), np.array([0, 0]), "by hand"))
    assert set(nothing.summary.values()) == {Metric(None, None, "no_samples")}


def test_groups_of_other_classes_are_refused() -> None:
    groups = Grouping(("a",), np.array([0, 0]), "by hand")
    with pytest.raises(ValueError, match="groups of 2 classes for 3"):
        group_matrix(of(np.eye(3, dtype=int)), groups)
    with pytest.raises(ValueError, match="every group needs a class"):
        Grouping(("a", "b"), np.array([0, 0]), "by hand")


def test_groupings_are_values() -> None:
    one, same = (Grouping(("a", "b"), np.array([0, 1]), "x") for _ in range(2))
    assert one == same
    assert hash(one) == hash(same)
    assert one != Grouping(("a", "b"), np.array([1, 0]), "x")
    with pytest.raises(ValueError, match="read-only"):
        one.group_of[0] = 1


@given(st.integers(1, 6), st.integers(1, 4), st.integers(0, 10**6))
@LAW
def test_group_errors_add_up_and_grouping_never_adds_errors(k: int, g: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = of(rng.integers(0, 9, (k, k)))
    _, group_of = np.unique(rng.integers(g, size=k), return_inverse=True)
    groups = Grouping(tuple(names(int(group_of.max()) + 1)), group_of, "drawn")
    found = group_matrix(matrix, groups)
    assert found.confusion.n_samples == matrix.n_samples
    assert int(found.right.sum()) == matrix.n_correct
    assert int(found.within.sum() + found.between.sum()) == matrix.n_errors
    assert found.confusion.n_correct >= matrix.n_correct
    assert (found.within >= 0).all()
    if matrix.n_samples:
        assert sum(m.value or 0 for m in found.summary.values()) == pytest.approx(1)
    together = group_matrix(matrix, Grouping(("all",), np.zeros(k, np.int64), "one"))
    assert together.within.tolist() == [matrix.n_errors]
    alone = group_matrix(matrix, Grouping(tuple(names(k)), np.arange(k), "each"))
    assert alone.confusion == matrix
    assert not alone.within.any()
