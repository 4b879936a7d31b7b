"""Scores in groups."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.analysis.scoring.ranked_scores import Groups
from reportgen.metrics.scores import (
    OutputKind,
    ScoredRows,
    contradiction,
    probabilities,
    score,
)


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 16, 100])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_groups_do_not_depend_on_how_many_keys_are_taken_at_once(n, dtype, monkeypatch):
    rng = np.random.default_rng(n)
    scores, right = (rng.integers(0, 5, n) / 4).astype(dtype), rng.random(n) < 0.5
    monkeypatch.setattr("reportgen.analysis.scoring.ranked_scores._SORTED_AT_ONCE", 8)
    got = Groups.of(scores, right)
    values = sorted(set(scores.tolist()))
    assert got.scores.tolist() == values
    assert got.positives.tolist() == [int((right & (scores == v)).sum()) for v in values]
    assert got.negatives.tolist() == [int((~right & (scores == v)).sum()) for v in values]


def test_the_same_logits_in_another_order_have_the_same_probabilities():
    """A softmax that adds in the order of the classes splits ties in its last digit."""
    rng = np.random.default_rng(0)
    row = rng.integers(-6, 7, 50).astype(np.float64)
    rows = np.stack([rng.permutation(row) for _ in range(40)])
    shares = probabilities(rows, OutputKind.LOGITS)
    assert all(len(np.unique(shares[rows == value])) == 1 for value in np.unique(row))


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 30, 10_000]))
def test_the_best_of_many_classes_are_those_of_a_stable_sort(seed, values):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, values, (20, 70)).astype(np.float64)
    scores[0], scores[1, 3:] = 0, -np.inf
    found = score(scores, rng.integers(0, 70, 20).astype(np.int32), OutputKind.LOGITS)
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :5]
    assert found.top_classes.tolist() == expected.tolist()


@pytest.mark.parametrize("kind", OutputKind)
def test_scores_in_single_precision_are_read_as_the_same_numbers_in_double(kind):
    p = np.random.default_rng(0).dirichlet(np.full(40, 0.2), 50)
    scores = {
        OutputKind.LOGITS: np.log(p) * 2 + 1,
        OutputKind.LOG_PROBABILITIES: np.log(p),
        OutputKind.PERCENTAGES: p * 100,
    }.get(kind, p).astype(np.float32)
    labels = np.arange(50, dtype=np.int32) % 40
    ours, theirs = score(scores, labels, kind), score(scores.astype(np.float64), labels, kind)
    for field in fields(ScoredRows):
        np.testing.assert_array_equal(getattr(ours, field.name), getattr(theirs, field.name))
    assert contradiction(scores, kind) == contradiction(scores.astype(np.float64), kind)
