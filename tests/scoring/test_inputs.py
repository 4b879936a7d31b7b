"""Scores are checked once: what is no probability is refused, what is missing is counted."""

import numpy as np
import pytest

from reportgen.analysis.scoring import Answers, Scores
from reportgen.analysis.scoring.score_inputs import missing_reason
from reportgen.errors import DataError


def refused(make, slug):
    with pytest.raises(DataError) as caught:
        make()
    assert caught.value.slug == slug
    return str(caught.value)


def test_samples_without_a_confidence_are_left_out_and_counted():
    answers = Answers.of([0.5, np.nan, 0.75], [True, True, False])
    assert answers.confidence.tolist() == [0.5, 0.75]
    assert answers.correct.tolist() == [True, False]
    assert (len(answers), answers.n_without) == (2, 1)


def test_half_precision_is_remembered():
    assert Answers.of(np.float16([0.5]), [True]).eps == np.finfo(np.float16).eps
    assert Answers.of(np.float16([0.5]), [True]).confidence.dtype == np.float32
    assert Answers.of(np.float32([0.5]), [True]).eps == np.finfo(np.float32).eps
    assert Answers.of([1, 0], [True, False]).confidence.dtype == np.float64


def test_rounding_beyond_the_ends_is_cut_off():
    assert Answers.of([1 + 1e-7, -1e-7], [True, True]).confidence.tolist() == [1.0, 0.0]


def test_percentages_are_refused_with_the_way_out():
    text = refused(lambda: Answers.of([97.5, 20.0], [True, True]), "probability-range")
    assert "97.5 is not a probability" in text
    assert "divide them by 100" in text


@pytest.mark.parametrize("value", [-0.5, 1.2, np.inf, -np.inf])
def test_what_is_no_probability_is_refused(value):
    text = refused(lambda: Answers.of([0.5, value], [True, True]), "probability-range")
    assert "1 of 2" in text
    assert "logits" in text


def test_confidences_must_be_one_for_each_answer():
    refused(lambda: Answers.of([0.5], [True, True]), "length-mismatch")
    refused(lambda: Answers.of([[0.5]], [True]), "probability-shape")


def test_rows_without_label_are_dropped_and_those_without_scores_counted():
    p = [[0.5, 0.5], [np.nan, 1.0], [0.25, 0.75], [np.nan, np.nan]]
    scores = Scores.of(p, [0, 1, -1, -1])
    assert scores.labels.tolist() == [0]
    assert scores.probabilities.tolist() == [[0.5, 0.5]]
    assert scores.kept.tolist() == [True, False, False, False]
    assert (scores.n_without, scores.n_classes, len(scores)) == (1, 2, 1)


def test_rows_that_do_not_sum_to_one_are_refused():
    text = refused(lambda: Scores.of([[0.5, 0.5], [0.5, 0.4]], [0, 0]), "probability-sum")
    assert "0.9, not 1" in text
    assert Scores.of([[0.5, 0.4995]], [0]).n_classes == 2


def test_logits_are_refused_as_probabilities():
    refused(lambda: Scores.of([[3.0, -2.0]], [0]), "probability-range")


@pytest.mark.parametrize(
    ("labels", "slug"),
    [([2], "label-out-of-range"), ([-2], "label-out-of-range"), ([0.0], "indices-not-integers"),
     ([0, 1], "length-mismatch")],
)  # fmt: skip
def test_labels_must_be_classes(labels, slug):
    refused(lambda: Scores.of([[0.5, 0.5]], labels), slug)


@pytest.mark.parametrize("shape", [(3,), (3, 0), (1, 2, 3)])
def test_scores_must_be_a_table(shape):
    refused(lambda: Scores.of(np.zeros(shape), np.zeros(shape[0], int)), "probability-shape")


def test_nothing_counted_is_no_scores_only_where_there_were_samples():
    assert missing_reason(0) == "no_samples"
    assert missing_reason(3) == "no_scores"


def test_empty_batches_are_no_error():
    assert len(Answers.of([], [])) == 0
    assert len(Scores.of(np.zeros((0, 3)), np.zeros(0, int))) == 0
