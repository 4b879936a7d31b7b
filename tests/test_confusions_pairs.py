"""Rankings of confused pairs: against published values, scipy, and worked by hand."""

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
from scipy import stats

from reportgen.analysis.confusions import (
    EXPECTED_RULES,
    RANKINGS,
    DirectedPairs,
    directed_pairs,
    expected_counts,
    false_discovery,
    symmetric_pairs,
)
from reportgen.analysis.confusions.pairs import binomial_tail
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics import wilson
from tests.matrices import TABLES, of

LAW = settings(deadline=None, max_examples=50)
REL = 1e-12


@pytest.fixture(params=["first", "second"])
def golden(request: pytest.FixtureRequest, shared: Callable[[str], Path]) -> dict[str, Any]:
    whole = json.loads(shared("golden/seed_fashion.json").read_text(encoding="utf-8"))
    return dict(whole[request.param])


@pytest.fixture
def matrix(golden: dict[str, Any]) -> ConfusionMatrix:
    return of(golden["matrix"])


def cells(pairs: DirectedPairs) -> list[tuple[int, int]]:
    return list(zip(pairs.true.tolist(), pairs.predicted.tolist(), strict=True))


# --- the published matrices


def test_directed_pairs_by_count(golden: dict[str, Any], matrix: ConfusionMatrix) -> None:
    given_ = golden["directed_pairs_by_count"]
    found = directed_pairs(matrix, "count", expected="margins")
    assert cells(found) == [(pair["true"], pair["pred"]) for pair in given_]
    for ours, theirs, rel in (
        (found.count, "count", 0), (found.rate, "rate", REL),
        (found.share_of_errors, "share_of_errors", REL),
        (found.share_of_class_errors, "share_of_class_errors", REL),
        (found.expected, "expected_marginal", REL), (found.lift, "lift_marginal", REL),
        (found.p, "p_marginal", 1e-9), (found.q, "q_bh", 1e-9),
    ):  # fmt: skip
        np.testing.assert_allclose(ours, [pair[theirs] for pair in given_], rtol=rel, atol=1e-300)
    ends = np.stack([found.rate_low, found.rate_high], axis=1)
    np.testing.assert_allclose(ends, [pair["rate_ci95_wilson"] for pair in given_], rtol=REL)
    assert found.expected_rule == "margins"
    assert len(found) + found.rest.pairs == golden["directed_pairs_nonzero"]


def test_expected_counts_of_quasi_independence(
    golden: dict[str, Any], matrix: ConfusionMatrix
) -> None:
    found = directed_pairs(matrix)
    given_ = [x["expected_quasi_independence"] for x in golden["directed_pairs_by_count"]]
    np.testing.assert_allclose(found.expected, given_, rtol=1e-8)  # nine digits are given
    assert found.expected_rule == "quasi-independence"


def test_directed_pairs_by_rate(golden: dict[str, Any], matrix: ConfusionMatrix) -> None:
    found = directed_pairs(matrix, "rate")
    assert cells(found) == [tuple(pair) for pair in golden["directed_pairs_by_rate"]]


def test_symmetric_pairs(golden: dict[str, Any], matrix: ConfusionMatrix) -> None:
    given_ = golden["symmetric_pairs_by_count"]
    found = symmetric_pairs(matrix, limit=len(given_))
    for ours, theirs in ((found.a, "a"), (found.b, "b"), (found.count, "count"),
                         (found.a_as_b, "a_as_b"), (found.b_as_a, "b_as_a")):  # fmt: skip
        assert ours.tolist() == [pair[theirs] for pair in given_]
    np.testing.assert_allclose(found.rate, [pair["rate"] for pair in given_], rtol=REL)
    p = [pair["direction_p_exact"] for pair in given_]
    np.testing.assert_allclose(found.direction_p, p, rtol=1e-9, atol=1e-300)


def test_a_pair_is_one_sided_or_symmetric(shared: Callable[[str], Path]) -> None:
    golden = json.loads(shared("golden/seed_fashion.json").read_text(encoding="utf-8"))
    found = symmetric_pairs(of(golden["first"]["matrix"]))
    pairs = zip(found.a.tolist(), found.b.tolist(), strict=True)
    p = dict(zip(pairs, found.direction_p.tolist(), strict=True))
    assert p[3, 4] == pytest.approx(0.805461353876563)  # Dress and Coat: 203 and 209
    assert p[0, 6] == 0  # T-shirt and Shirt: 86 and 1827


# --- worked by hand

SMALL = [[5, 4, 1, 0], [2, 20, 0, 3], [0, 6, 2, 0], [1, 0, 0, 6]]


def test_pairs_by_count_break_ties_by_true_then_predicted_class() -> None:
    table = np.full((3, 3), 2)
    found = directed_pairs(of(table))
    assert cells(found) == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
    assert found.reversed_count.tolist() == [2] * 6
    assert symmetric_pairs(of(table)).a.tolist() == [0, 0, 1]


def test_a_listing_and_its_rest_hold_all_errors() -> None:
    found = directed_pairs(of(SMALL), limit=2)
    assert cells(found) == [(2, 1), (0, 1)]
    assert found.share_of_errors.tolist() == [6 / 17, 4 / 17]
    assert found.reversed_count.tolist() == [0, 2]
    assert (found.rest.pairs, found.rest.count) == (4, 7)
    assert found.share_of_errors.sum() + found.rest.share_of_errors == pytest.approx(1)
    both = symmetric_pairs(of(SMALL), limit=1)
    assert (int(both.a[0]), int(both.b[0]), int(both.count[0])) == (0, 1, 6)
    assert both.rate[0] == 6 / 35
    assert (both.rest.pairs, both.rest.count) == (4, 11)


def test_one_error_of_one_sample_is_not_the_most_certain_confusion() -> None:
    found = directed_pairs(of([[0, 1, 0], [30, 70, 0], [2, 0, 0]]), "rate")
    assert cells(found) == [(1, 0)]  # the two others have fewer than three samples
    assert found.rate_low[0] == float(wilson(30, 100)[0])
    assert found.rest.count == 3


def test_the_rate_is_ranked_by_its_lower_end() -> None:
    table = [[7, 3, 0], [0, 750, 250], [0, 0, 5]]  # 3 of 10, and 250 of 1,000
    found = directed_pairs(of(table), "rate")
    assert cells(found) == [(1, 2), (0, 1)]
    assert found.rate[0] < found.rate[1]


def test_lift_is_ranked_above_a_floor_of_five_samples() -> None:
    table = np.array([[900, 40, 40, 1], [40, 900, 0, 40], [0, 5, 50, 4], [4, 0, 5, 50]])
    found = directed_pairs(of(table), "lift")
    assert (found.count >= 5).all()
    assert (np.diff(found.lift) <= 0).all()
    assert found.lift.tolist() == (found.count / found.expected).tolist()
    assert found.rest.pairs == 4 - 1
    assert found.rest.count + int(found.count.sum()) == of(table).n_errors


def test_quasi_independence_keeps_the_margins_of_the_errors() -> None:
    for table in TABLES:
        matrix = of(table)
        k = len(table)
        i, j = (x[~np.eye(k, dtype=bool)] for x in np.indices((k, k)))
        found = expected_counts(matrix, i, j)
        if found.rule != "quasi-independence":
            continue
        full = np.zeros((k, k))
        full[i, j] = found.count
        errors = table - np.diag(np.diag(table))
        np.testing.assert_allclose(full.sum(1), errors.sum(1), rtol=1e-9)
        np.testing.assert_allclose(full.sum(0), errors.sum(0), rtol=1e-9)


def test_quasi_independence_finds_what_it_made_itself() -> None:
    a, b = np.array([3, 5, 2, 7]), np.array([1, 4, 6, 2])
    errors = np.outer(a, b) * (1 - np.eye(4, dtype=int))
    matrix = of(errors + np.diag([50, 3, 800, 0]))
    found = directed_pairs(matrix, limit=None)
    np.testing.assert_allclose(found.expected, found.count, rtol=1e-11)
    np.testing.assert_allclose(found.lift, 1, rtol=1e-11)


def test_where_all_errors_involve_one_class_the_margins_take_over() -> None:
    table = [[9, 3, 1, 2], [4, 9, 0, 0], [2, 0, 9, 0], [1, 0, 0, 9]]
    found = directed_pairs(of(table))
    assert found.expected_rule == "margins"
    n, c = 49, 16  # of class 1, four errors; the others are predicted 12, 10 and 11 times
    assert found.expected[0] == pytest.approx(4 * c / (n - 12))


def test_of_two_classes_the_errors_are_as_expected() -> None:
    found = directed_pairs(of([[5, 2], [3, 9]]))
    assert found.lift.tolist() == [1, 1]
    assert found.p.tolist() == [1, 1]
    assert found.q.tolist() == [1, 1]


def test_without_errors_there_are_no_pairs() -> None:
    for by in RANKINGS:
        found = directed_pairs(of(np.diag([3, 4])), by)
        assert len(found) == 0
        assert found.rest.share_of_errors == 0
    assert len(symmetric_pairs(of(np.diag([3, 4])))) == 0
    assert len(directed_pairs(ConfusionMatrix.empty(3))) == 0
    assert len(symmetric_pairs(of([[4]]))) == 0


def test_every_rule_has_a_sentence() -> None:
    for sentence in (*RANKINGS.values(), *EXPECTED_RULES.values()):
        assert sentence.endswith(".")


# --- p-values


def test_the_binomial_tail_equals_scipy() -> None:
    for n, share in ((5, 0.3), (1000, 0.01), (40, 1.0), (40, 0.0)):
        k = np.array([1, 2, n // 2, n])
        theirs = stats.binom.sf(k - 1, n, share)
        np.testing.assert_allclose(binomial_tail(k, n, share), theirs, rtol=1e-11)


def test_false_discovery_equals_scipy_and_counts_unlisted_tests() -> None:
    p = np.random.default_rng(1).random(60) ** 4
    np.testing.assert_allclose(false_discovery(p, 60), stats.false_discovery_control(p), rtol=1e-12)
    few = np.sort(p)[:20]
    padded = stats.false_discovery_control(np.concatenate([few, np.ones(80)]))
    np.testing.assert_allclose(false_discovery(few, 100), padded[:20], rtol=1e-12)
    assert false_discovery(np.zeros(0), 6).tolist() == []
    with pytest.raises(ValueError, match="20 p-values of 5 tests"):
        false_discovery(few, 5)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
@LAW
def test_adjusted_values_lie_between_p_and_bonferroni_in_the_same_order(p: list[float]) -> None:
    q = false_discovery(np.array(p), 40)
    assert (q >= p).all()
    assert (q <= np.minimum(np.array(p) * 40 * (1 + 1e-12), 1)).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(q[order]) >= 0).all()


def test_direction_p_equals_scipy() -> None:
    for x, y in ((0, 1), (1, 0), (3, 3), (4, 3), (0, 12), (7, 30), (500, 520)):
        if x + y:
            found = symmetric_pairs(of([[1, x], [y, 1]]))
            assert found.direction_p[0] == pytest.approx(stats.binomtest(x, x + y).pvalue, rel=1e-9)


# --- laws


@st.composite
def tables(draw: st.DrawFn, most: int = 10**12) -> NDArray[np.int64]:
    k = draw(st.integers(2, 5))
    counts = draw(st.lists(st.sampled_from([0, 0, 1, 2, 5, 5, 30, most]), min_size=k * k,
                           max_size=k * k))  # fmt: skip
    return np.array(counts, np.int64).reshape(k, k)


@given(tables(), st.sampled_from(list(RANKINGS)), st.sampled_from([0, 1, 3, None]))
@LAW
def test_every_ranking_accounts_for_every_error(
    table: NDArray[np.int64], by: Any, limit: int | None
) -> None:
    matrix = of(table)
    found = directed_pairs(matrix, by, limit=limit)
    assert int(found.count.sum()) + found.rest.count == matrix.n_errors
    assert len(found) + found.rest.pairs == len(directed_pairs(matrix, limit=None))
    for values in (
        found.rate,
        found.share_of_errors,
        found.share_of_class_errors,
        found.p,
        found.q,
    ):
        assert ((values >= 0) & (values <= 1)).all()
    assert (found.p <= found.q).all()
    assert (found.expected > 0).all()
    assert ((found.rate_low <= found.rate) & (found.rate <= found.rate_high)).all()
    if matrix.n_errors:
        shares = found.share_of_errors.sum() + found.rest.share_of_errors
        assert shares == pytest.approx(1)


@given(tables())
@LAW
def test_transposing_keeps_symmetric_pairs_and_swaps_their_directions(
    table: NDArray[np.int64],
) -> None:
    one, other = symmetric_pairs(of(table)), symmetric_pairs(of(table.T))
    for name in ("a", "b", "count", "direction_p", "share_of_errors"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert np.array_equal(one.a_as_b, other.b_as_a)
    assert (one.a < one.b).all()
    assert (one.a_as_b + one.b_as_a == one.count).all()


@given(tables(most=400).map(lambda table: table + 1), st.randoms(use_true_random=False))
@LAW
def test_the_order_of_classes_changes_no_figure_of_a_pair(
    table: NDArray[np.int64], random: Any
) -> None:
    order = list(range(len(table)))
    random.shuffle(order)
    before = directed_pairs(of(table), limit=None)
    after = directed_pairs(of(table[np.ix_(order, order)]), limit=None)
    assert before.expected_rule == after.expected_rule
    place = {c: at for at, c in enumerate(order)}
    where = {cell: at for at, cell in enumerate(cells(after))}
    moved = [where[place[i], place[j]] for i, j in cells(before)]
    for name in ("count", "rate", "expected", "lift", "p", "q", "reversed_count"):
        np.testing.assert_allclose(
            getattr(before, name), getattr(after, name)[moved], rtol=1e-6, err_msg=name
        )


def test_thousands_of_classes_are_ranked_without_a_square_table() -> None:
    rng = np.random.default_rng(3)
    k, n = 21_000, 200_000
    labels = rng.integers(k, size=n)
    predictions = np.where(rng.random(n) < 0.5, labels, rng.integers(k, size=n))
    matrix = ConfusionMatrix.from_labels(labels, predictions, k)
    start = time.process_time()
    found = directed_pairs(matrix)
    assert len(directed_pairs(matrix, "lift")) == 0  # no pair has five samples
    assert len(symmetric_pairs(matrix)) == 20
    assert time.process_time() - start < 3
    assert "counts" not in vars(matrix)
    assert found.expected_rule == "quasi-independence"
    assert found.rest.count + int(found.count.sum()) == matrix.n_errors
