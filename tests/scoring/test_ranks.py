"""Scores in groups."""

import numpy as np
import pytest

from reportgen.analysis.scoring.ranked_scores import Groups


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
