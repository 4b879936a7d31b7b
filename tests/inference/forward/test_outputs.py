"""How a model's output becomes predictions, and how outputs are read."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax, softmax

from reportgen.errors import ModelError
from reportgen.inference.forward import scores_of
from reportgen.metrics.scores import OutputKind, contradiction, decide_outputs, finite_rows, score

LOGITS = np.array([[2.0, 1.0, -1.0], [0.0, 3.0, 0.5]])
LABELS = np.array([0, 2], np.int32)


def test_probabilities_are_the_softmax_of_logits():
    rows = score(LOGITS, LABELS, OutputKind.LOGITS)
    expected = softmax(LOGITS, axis=1)
    assert rows.prediction.tolist() == [0, 1]
    np.testing.assert_allclose(rows.confidence, expected.max(axis=1), rtol=1e-7)
    np.testing.assert_allclose(rows.label_probability, expected[[0, 1], [0, 2]], rtol=1e-7)
    assert rows.label_rank.tolist() == [1, 2]


@pytest.mark.parametrize(
    "kind", [OutputKind.LOGITS, OutputKind.PROBABILITIES, OutputKind.LOG_PROBABILITIES]
)
def test_every_kind_of_output_says_the_same(kind):
    given = {
        OutputKind.LOGITS: LOGITS,
        OutputKind.PROBABILITIES: softmax(LOGITS, axis=1),
        OutputKind.LOG_PROBABILITIES: log_softmax(LOGITS, axis=1),
    }[kind]
    assert decide_outputs(given) is kind
    a, b = score(given, LABELS, kind), score(LOGITS, LABELS, OutputKind.LOGITS)
    assert a.prediction.tolist() == b.prediction.tolist()
    np.testing.assert_allclose(a.confidence, b.confidence, rtol=1e-6)
    np.testing.assert_allclose(a.top_probabilities, b.top_probabilities, rtol=1e-6)


def test_logits_of_a_thousand_do_not_overflow():
    rows = score(np.array([[1000.0, 999.0]]), np.array([1], np.int32), OutputKind.LOGITS)
    assert rows.confidence[0] == pytest.approx(1 / (1 + np.exp(-1)), rel=1e-6)


def test_the_prediction_is_taken_from_the_raw_scores_not_from_rounded_probabilities():
    scores = np.array([[80.0, np.nextafter(80.0, 81.0)]])
    rows = score(scores, np.array([0], np.int32), OutputKind.LOGITS)
    assert rows.prediction.tolist() == [1]
    assert rows.label_rank.tolist() == [2]
    assert not rows.top_tied[0]


def test_equal_scores_count_against_the_model_and_the_first_is_predicted():
    scores = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    rows = score(scores, np.array([0, 0, 1], np.int32), OutputKind.LOGITS)
    assert rows.prediction.tolist() == [0, 1, 0]
    assert rows.label_rank.tolist() == [2, 3, 3]
    assert rows.top_tied.tolist() == [True, True, True]
    assert rows.top_classes.tolist() == [[0, 1, 2], [1, 2, 0], [0, 1, 2]]


@settings(deadline=None)
@given(st.integers(2, 130), st.integers(1, 6), st.integers(0, 2**32 - 1), st.booleans())
def test_the_five_best_are_those_of_a_stable_sort(n_classes, n, seed, ties):
    scores = np.random.default_rng(seed).normal(size=(n, n_classes))
    scores = scores.round(1) if ties else scores
    rows = score(scores, np.zeros(n, np.int32), OutputKind.LOGITS)
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :5]
    np.testing.assert_array_equal(rows.top_classes, expected)


@pytest.mark.parametrize(
    ("scores", "kind", "finite"),
    [
        ([[np.nan, 1.0]], OutputKind.LOGITS, [False]),
        ([[np.inf, 1.0]], OutputKind.LOGITS, [False]),
        ([[-np.inf, 1.0]], OutputKind.LOGITS, [True]),
        ([[-np.inf, -np.inf]], OutputKind.LOGITS, [False]),
        ([[-np.inf, 0.0]], OutputKind.LOG_PROBABILITIES, [True]),
        ([[-np.inf, 1.0]], OutputKind.PROBABILITIES, [False]),
        ([[-np.inf]], OutputKind.LOGITS, [False]),
    ],
)
def test_rows_that_are_not_finite_are_told_apart(scores, kind, finite):
    assert finite_rows(np.array(scores), kind).tolist() == finite


def test_a_legal_minus_infinity_has_probability_0():
    rows = score(np.array([[-np.inf, 0.0]]), np.array([0], np.int32), OutputKind.LOGITS)
    assert rows.label_probability.tolist() == [0.0]
    assert rows.confidence.tolist() == [1.0]


@pytest.mark.parametrize(
    ("second", "kind", "prediction", "confidence"),
    [
        ([[0.0], [2.0], [-2.0]], OutputKind.LOGITS, [0, 1, 0], [0.5, 0.880797, 0.880797]),
        ([[0.5], [0.9], [0.1]], OutputKind.PROBABILITIES, [0, 1, 0], [0.5, 0.9, 0.9]),
    ],
)
def test_one_output_is_the_second_of_two_classes(second, kind, prediction, confidence):
    scores = np.array(second)
    rows = score(scores, np.ones(3, np.int32), kind)
    assert rows.prediction.tolist() == prediction
    np.testing.assert_allclose(rows.confidence, confidence, rtol=1e-5)
    assert rows.top_classes.shape == (3, 2)


def test_one_output_in_0_to_1_is_read_as_a_probability_else_as_a_logit():
    assert decide_outputs(np.array([[0.2], [0.9]])) is OutputKind.PROBABILITIES
    assert decide_outputs(np.array([[-3.0], [-0.1]])) is OutputKind.LOGITS


def test_scores_in_0_to_1_that_do_not_sum_to_1_are_logits():
    assert decide_outputs(np.array([[0.2, 0.9], [0.1, 0.4]])) is OutputKind.LOGITS


@pytest.mark.parametrize(
    ("scores", "kind", "words"),
    [
        ([[0.5, 0.5], [0.5, 0.6]], OutputKind.PROBABILITIES, "sums to 1.1"),
        ([[-0.5, 1.5]], OutputKind.PROBABILITIES, "not a probability"),
        ([[0.5, -1.0]], OutputKind.LOG_PROBABILITIES, "no log-probability"),
        ([[-0.1, -0.1]], OutputKind.LOG_PROBABILITIES, "sums to"),
        ([[1.5]], OutputKind.PROBABILITIES, "not a probability"),
    ],
)
def test_a_batch_that_contradicts_the_decision_is_found(scores, kind, words):
    assert words in (contradiction(np.array(scores), kind) or "")


def test_rounded_probabilities_are_still_probabilities():
    scores = softmax(np.random.default_rng(0).normal(size=(64, 10)), axis=1).astype(np.float16)
    assert decide_outputs(scores.astype(np.float64)) is OutputKind.PROBABILITIES


def tensor(*shape):
    return torch.zeros(shape)


@pytest.mark.parametrize(
    ("output", "n_classes", "shape", "note"),
    [
        (tensor(4, 3), 3, (4, 3), ""),
        (tensor(4, 3, 1, 1), 3, (4, 3), ""),
        (tensor(4), 2, (4, 1), ""),
        (tensor(4, 1), 2, (4, 1), ""),
        ((tensor(4, 7), tensor(4, 3)), 3, (4, 3), "output 2"),
        ({"loss": tensor(1), "logits": tensor(4, 3)}, 3, (4, 3), "logits"),
        ({"aux": tensor(4, 3), "logits": tensor(4, 3) + 1}, 3, (4, 3), "logits"),
        (SimpleNamespace(logits=tensor(4, 3), hidden=None), 3, (4, 3), "logits"),
        (torch.return_types.max((tensor(4, 3), torch.zeros(4, 3).long())), 3, (4, 3), "1"),
    ],
)
def test_the_scores_are_found_in_what_a_model_returns(output, n_classes, shape, note):
    scores, said = scores_of(output, 4, n_classes)
    assert tuple(scores.shape) == shape
    assert note in said
    assert bool(note) == bool(said)


@pytest.mark.parametrize(
    ("output", "slug", "words"),
    [
        (tensor(4, 7), "class-count", "7 outputs, the class list has 3"),
        (tensor(3), "output-shape", "(3,)"),
        (tensor(4, 5, 3), "output-shape", "(4, 5, 3)"),
        (tensor(4, 1), "class-count", "1 outputs"),
        ({"a": tensor(4, 9), "b": "text"}, "class-count", "9 outputs"),
        ("text", "output-shape", "no tensor at all"),
        (torch.zeros(4, 3).long(), "output-shape", "int64"),
    ],
)
def test_an_output_without_scores_is_refused_with_its_shapes(output, slug, words):
    with pytest.raises(ModelError) as caught:
        scores_of(output, 4, 3)
    assert caught.value.slug == slug
    assert words in str(caught.value)
