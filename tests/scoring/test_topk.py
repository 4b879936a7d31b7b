"""Top-k accuracy: ties count against the model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import top_k_accuracy_score

from reportgen.analysis.scoring import TOP_KS, TopK, pessimistic_ranks
from reportgen.errors import DataError
from reportgen.metrics import wilson
from tests.scoring.samples import assert_adds_up, cuts, model, orders


def test_it_is_that_of_scikit_learn_where_nothing_is_tied():
    p, labels = model(2_000, 7)
    got = TopK.of(pessimistic_ranks(p, labels)).accuracies(7)
    for k in TOP_KS:
        expected = top_k_accuracy_score(labels, p, k=k, labels=range(7))
        assert got[k].value == pytest.approx(expected, rel=1e-15)
        assert got[k].interval == pytest.approx(
            [float(x) for x in wilson(round(expected * 2_000), 2_000)]
        )


def test_ties_count_against_the_model():
    scores = np.array([[0.4, 0.4, 0.2], [0.4, 0.4, 0.2], [0.2, 0.2, 0.6], [1.0, 1.0, 1.0]])
    assert pessimistic_ranks(scores, np.array([0, 2, 2, 1])).tolist() == [2, 3, 1, 3]


def test_there_is_no_rank_without_label_or_score():
    scores = np.array([[0.5, 0.5], [np.nan, 1.0], [1.0, 0.0]])
    ranks = pessimistic_ranks(scores, np.array([-1, 1, 0]))
    assert ranks.tolist() == [0, 0, 1]
    tally = TopK.of(ranks)
    assert (tally.n, tally.n_without, tally.hits) == (1, 2, (1, 1, 1))


def test_hits_are_ranks_of_at_most_k():
    assert TopK.of([1, 2, 3, 3, 4, 5, 6, 90]).hits == (1, 4, 6)


@given(st.lists(st.integers(0, 8), max_size=50), cuts, orders)
def test_it_adds_up(ranks, cuts, order):
    assert_adds_up(lambda rows: TopK.of(np.array(rows, np.int32)), TopK(), ranks, cuts, order)


def test_all_classes_are_no_achievement():
    tally = TopK.of([1, 2, 3])
    reasons = [tally.accuracies(3)[k].reason for k in TOP_KS]
    assert reasons == [None, "too_few_classes", "too_few_classes"]
    assert tally.accuracies(1)[1].reason == "too_few_classes"


def test_it_is_undefined_without_scores():
    assert TopK.of([0, 0]).accuracies(10)[1].reason == "no_scores"
    assert TopK().accuracies(10)[1].reason == "no_samples"


def test_a_negative_rank_is_refused():
    with pytest.raises(DataError) as caught:
        TopK.of([-1])
    assert caught.value.slug == "rank-range"
