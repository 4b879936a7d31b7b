"""All figures together: every name, always, with a value or a reason."""

import pickle
import random
from dataclasses import FrozenInstanceError, fields
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportgen.analysis.scoring import (
    CLASS_SCORES,
    SCORES,
    AnswerTally,
    ProbabilityTally,
    ScoreMetrics,
    Scores,
    pessimistic_ranks,
)
from reportgen.errors import DataError
from reportgen.metrics import ORDINAL, PER_CLASS, REASONS, SUMMARY
from tests.scoring.samples import assert_adds_up, confidences, cuts, model, orders

NEW_REASONS = {"too_few_samples"}


def rows_of(p, labels):
    known = np.maximum(labels, 0)
    return {
        "label": labels.astype(np.int32),
        "prediction": p.argmax(axis=1).astype(np.int32),
        "confidence": p.max(axis=1).astype(np.float32),
        "label_probability": np.where(labels >= 0, p[np.arange(len(p)), known], np.nan).astype(
            np.float32
        ),
        "label_rank": pessimistic_ranks(p, labels),
    }


def figures(p, labels):
    tally = ProbabilityTally.of(Scores.of(p, labels))
    return ScoreMetrics.of(AnswerTally.of(rows_of(p, labels)), tally, p.shape[1])


def test_every_figure_is_there_and_described():
    got = figures(*model(2_000, 8))
    assert list(got.summary) == [definition.name for definition in SCORES]
    assert list(got.per_class) == [definition.name for definition in CLASS_SCORES]
    for name, metric in got.summary.items():
        assert metric.value is not None, name
        assert (metric.interval is None) == (metric.reason is not None), name
        if metric.interval:
            assert metric.interval[0] < metric.value < metric.interval[1], name
        else:
            raise AssertionError(f"{name} has no interval")
    for name, column in got.per_class.items():
        assert column.reason == (None,) * 8, name
        assert np.all((column.low < column.value) & (column.value < column.high)), name


def test_every_figure_that_is_not_a_count_describes_its_interval():
    for definition in (*SUMMARY, *ORDINAL, *PER_CLASS, *SCORES, *CLASS_SCORES):
        assert definition.interval not in ("", "none"), definition.name


def test_labels_and_predictions_alone_give_reasons():
    rows = {"label": np.array([0, 1, -1]), "prediction": np.array([0, 0, 1])}
    got = ScoreMetrics.of(AnswerTally.of(rows), None, 6)
    assert {metric.reason for metric in got.summary.values()} == {"no_scores"}
    assert got.per_class["roc_auc"].reason == ("no_scores",) * 6
    assert got.ranking is None
    empty = ScoreMetrics.of(AnswerTally(), None, 6)
    assert {metric.reason for metric in empty.summary.values()} == {"no_samples"}
    assert {metric.value for metric in empty.summary.values()} == {None}


def test_confidences_alone_give_all_that_needs_no_more():
    p, labels = model(500, 6)
    got = ScoreMetrics.of(AnswerTally.of(rows_of(p, labels)), None, 6)
    missing = {name for name, metric in got.summary.items() if metric.value is None}
    assert missing == {"brier_score", "ece_classwise", "macro_roc_auc", "macro_average_precision"}


def test_unlabelled_samples_are_in_none_of_it():
    p, labels = model(300, 4)
    hidden = np.where(np.arange(300) % 3 == 0, -1, labels)
    got, expected = figures(p, hidden), figures(p[hidden >= 0], labels[hidden >= 0])
    assert got.summary == expected.summary
    assert (
        got.log_loss.n
        == got.calibration.bins[-1].n + sum(b.n for b in got.calibration.bins[:-1])
        == 200
    )


def test_reasons_are_known():
    degenerate = [
        figures(*model(1, 3)),
        figures(np.eye(3), np.arange(3)),
        figures(np.eye(3), np.array([1, 2, 0])),
        figures(np.ones((4, 1)), np.zeros(4, int)),
        figures(np.full((9, 3), 1 / 3), np.zeros(9, int)),
        figures(np.full((9, 3), 1 / 3), np.full(9, -1)),
    ]
    for got in degenerate:
        for name, metric in got.summary.items():
            assert metric.value is not None or metric.reason, name
            assert metric.value is None or np.isfinite(metric.value), name
            assert metric.reason is None or metric.reason in REASONS.keys() | NEW_REASONS, name


def test_percentages_are_refused():
    rows = rows_of(*model(10, 3))
    rows["confidence"] = rows["confidence"] * 100
    with pytest.raises(DataError) as caught:
        AnswerTally.of(rows)
    assert caught.value.slug == "probability-range"


@settings(max_examples=40)
@given(st.lists(st.tuples(confidences, st.integers(-1, 1)), max_size=50), cuts, orders)
def test_the_whole_adds_up(rows, cuts, order):
    def of(rows):
        p = np.array([row[0] for row in rows], float)
        return AnswerTally.of(
            rows_of(np.stack([1 - p, p], axis=1), np.array([r[1] for r in rows], int))
        )

    known = [row for row in rows if row[1] >= 0]
    assert_adds_up(of, AnswerTally(), known, cuts, order)
    assert of(rows) == of(known)


def test_batches_of_any_size_and_order_give_the_identical_figures():
    p, labels = model(1_500, 5, dtype=np.float32)
    whole = figures(p, labels)
    for size in (1, 7, 64, 1_499):
        parts = [slice(i, i + size) for i in range(0, 1_500, size)]
        random.Random(0).shuffle(parts)
        answers = reduce(
            lambda a, b: a + b, (AnswerTally.of(rows_of(p[s], labels[s])) for s in parts)
        )
        scores = ProbabilityTally.empty(5)
        for part in parts:
            scores = scores + ProbabilityTally.of(Scores.of(p[part], labels[part]))
        again = ScoreMetrics.of(answers, scores, 5)
        assert again.summary == whole.summary
        assert again.per_class == whole.per_class


def test_tallies_can_be_sent_to_another_process():
    p, labels = model(200, 3)
    tally = AnswerTally.of(rows_of(p, labels))
    assert pickle.loads(pickle.dumps(tally)) == tally
    scores = ProbabilityTally.of(Scores.of(p, labels))
    assert pickle.loads(pickle.dumps(scores)) == scores


def test_the_order_of_the_classes_changes_nothing():
    p, labels = model(800, 5)
    order = np.array([3, 0, 4, 2, 1])
    a, b = figures(p, labels), figures(p[:, order], np.argsort(order)[labels])
    for name, metric in a.summary.items():
        assert b.summary[name].value == pytest.approx(metric.value, rel=1e-12), name
    assert b.per_class["roc_auc"].value == pytest.approx(
        a.per_class["roc_auc"].value[order], rel=1e-12
    )


def test_tallies_add_up_with_their_like_only():
    p, labels = model(20, 3)
    scores = Scores.of(p, labels)
    answers, probabilities = AnswerTally.of(rows_of(p, labels)), ProbabilityTally.of(scores)
    parts = [getattr(t, f.name) for t in (answers, probabilities) for f in fields(t)]
    for tally in (
        answers,
        probabilities,
        *parts,
        answers.bins.confidences,
        answers.log_loss.losses,
    ):
        with pytest.raises(TypeError):
            tally + 1
        assert tally != 1
        with pytest.raises(FrozenInstanceError):
            tally.n_without = 3
