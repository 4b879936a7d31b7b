"""Scores in groups."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.analysis.scoring.ranked_scores import Groups
from reportgen.metrics.scores import OutputKind, probabilities, score


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
    scores[0] = 0
    found = score(scores, rng.integers(0, 70, 20).astype(np.int32), OutputKind.LOGITS)
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :5]
    assert found.top_classes.tolist() == expected.tolist()
