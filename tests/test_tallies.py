"""What is added up while predictions stream past obeys the laws of addition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.errors import DataError
from reportgen.metrics.tallies import Counts, Mistake, WorstMistakes

N_CLASSES = 3
PAIRS = ((0, 1), (1, 0), (2, 1))

samples = st.lists(
    st.tuples(
        st.integers(-1, 2),
        st.integers(0, 2),
        st.integers(0, 3),
        st.booleans(),
        st.sampled_from([0.25, 0.5, 0.50001, 0.75, 0.9]),
    ),
    max_size=60,
)


def batch(rows, start=0):
    label, prediction, rank, tied, confidence = (
        zip(*rows, strict=True) if rows else ([], [], [], [], [])
    )
    return {
        "id": np.array([f"s{start + i:03d}" for i in range(len(rows))], object),
        "label": np.array(label, np.int32),
        "prediction": np.array(prediction, np.int32),
        "label_rank": np.array(rank, np.int32),
        "top_tied": np.array(tied, bool),
        "confidence": np.array(confidence, np.float32),
        "label_probability": np.full(len(rows), 0.1, np.float32),
    }


@given(samples, st.integers(0, 60))
def test_any_split_of_the_samples_gives_the_same_counts(rows, cut):
    whole = Counts.of(batch(rows), N_CLASSES)
    a, b = Counts.of(batch(rows[:cut]), N_CLASSES), Counts.of(batch(rows[cut:]), N_CLASSES)
    assert a + b == whole == b + a
    assert whole + Counts.empty(N_CLASSES) == whole
    assert whole.confusion.n_samples + whole.n_unlabelled == len(rows)


@given(samples, st.integers(0, 60))
def test_any_split_of_the_samples_gives_the_same_worst_mistakes(rows, cut):
    empty = WorstMistakes(PAIRS, limit=3)
    whole = empty.having(batch(rows))
    assert empty.having(batch(rows[cut:], cut)).having(batch(rows[:cut])) == whole
    for pair in PAIRS:
        expected = sorted(
            (-round(float(np.float32(c)) * 2**14), f"s{i:03d}")
            for i, (label, prediction, _, _, c) in enumerate(rows)
            if (label, prediction) == pair
        )[:3]
        assert [mistake.rank for mistake in whole.of_pair(*pair)] == expected


def test_a_top_5_hit_needs_a_rank_of_at_most_5():
    rows = batch([(0, 0, rank, False, 0.5) for rank in (0, 1, 5, 6)])
    counts = Counts.of(rows, N_CLASSES)
    assert (counts.top5_hits, counts.n_ranked) == (2, 3)


def test_a_prediction_outside_of_the_classes_is_refused():
    with pytest.raises(DataError) as caught:
        Counts.of(batch([(0, 3, 1, False, 0.5)]), N_CLASSES)
    assert caught.value.slug == "prediction-out-of-range"


def test_noise_below_the_14th_bit_does_not_decide_the_order():
    assert Mistake("a", 0.5000001, None).rank < Mistake("b", 0.5000002, None).rank
    assert Mistake("b", 0.51, None).rank < Mistake("a", 0.5, None).rank


def test_a_later_mistake_of_equal_confidence_takes_the_place_of_a_larger_id():
    def batch(*ids):
        n = len(ids)
        return {
            "id": np.array(ids, object),
            "label": np.zeros(n, np.int32),
            "prediction": np.ones(n, np.int32),
            "confidence": np.full(n, 0.9),
            "label_probability": np.full(n, np.nan),
        }

    full = WorstMistakes(((0, 1),), limit=2).having(batch("b", "c"))
    assert [one.id for one in full.having(batch("a")).of_pair(0, 1)] == ["a", "b"]
    weaker = {**batch("a"), "confidence": np.array([0.8])}
    assert full.having(weaker) == full
    assert full.having({**batch("a"), "confidence": np.array([np.nan])}) == full
