"""Confident learning: by hand, against cleanlab 2.9.0, and the laws of what streams."""

import json
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportgen.analysis.label_issues import (
    REASONS,
    WARNINGS,
    LabelIssues,
    LabelIssueTally,
    Thresholds,
    _at_least,
    confident_class,
    find_label_issues,
)
from reportgen.analysis.scoring.score_inputs import Scores
from reportgen.errors import DataError
from reportgen.jsonio import read_value, write_value

TWELVE = np.array([
    [0.9, 0.05, 0.05], [0.8, 0.1, 0.1], [0.7, 0.2, 0.1], [0.1, 0.8, 0.1],
    [0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.05, 0.9, 0.05], [0.6, 0.4, 0.0],
    [0.1, 0.1, 0.8], [0.0, 0.4, 0.6], [0.3, 0.3, 0.4], [0.9, 0.05, 0.05],
])  # fmt: skip
TWELVE_LABELS = np.repeat([0, 1, 2], 4)
CLASSES = ("cat", "dog", "owl")


def formula(n=60):
    """Scores and labels of four classes that need no random numbers."""
    i, j = np.arange(n)[:, None], np.arange(4)
    weights = ((7 * i + 13 * j + i * j * j + 3 * i * i) % 31 + 1.0) ** 2
    p = weights / weights.sum(axis=1, keepdims=True)
    best = p.argmax(axis=1)
    moved = (best + 1 + np.arange(n) % 3) % 4
    return p, np.where(np.arange(n) % 5 == 0, moved, best)


def find(p, labels, ids=None, limit=50):
    ids = [f"{i:03d}" for i in range(len(labels))] if ids is None else ids
    return LabelIssueTally(thresholds_of(labels, p), limit).having(ids, Scores.of(p, labels))


def thresholds_of(labels, p):
    labels, p = np.asarray(labels), np.asarray(p)
    return Thresholds.of(labels, p[np.arange(len(p)), labels], p.shape[1])


def test_twelve_samples_worked_out_by_hand():
    """Thresholds are the means 2.5/4, 2.8/4, 1.85/4. Samples 7 and 10 reach none."""
    found = find(TWELVE, TWELVE_LABELS)
    np.testing.assert_allclose(found.thresholds.values(), [0.625, 0.7, 0.4625], rtol=1e-15)
    assert found.joint.counts.tolist() == [[3, 1, 0], [0, 3, 0], [1, 0, 2]]
    assert found.suspected.counts.tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 0]]
    assert found.n_suspects == 2
    assert [(s.id, s.label, s.suggested) for s in found.worst] == [("011", 2, 0), ("003", 0, 1)]
    np.testing.assert_allclose([s.margin for s in found.worst], [-0.85, -0.7])
    assert [s.label_probability for s in found.worst] == [0.05, 0.1]
    assert [s.suggested_probability for s in found.worst] == [0.9, 0.8]


def test_equals_cleanlab():
    """Golden: cleanlab 2.9.0, ``get_confident_thresholds``, ``compute_confident_joint``
    (calibrate=False), ``find_label_issues`` (filter_by="confident_learning",
    return_indices_ranked_by="normalized_margin") and ``get_normalized_margin_for_each_label``.
    """
    found = find(*formula())
    thresholds = [0.4736326749768717, 0.41345554258217654, 0.4670508116646525, 0.41239972460479907]
    np.testing.assert_allclose(found.thresholds.values(), thresholds, rtol=1e-12)
    assert found.joint.counts.tolist() == [[5, 0, 0, 0], [0, 10, 2, 2], [1, 0, 9, 1], [1, 0, 3, 7]]
    assert [int(s.id) for s in found.worst] == [0, 10, 5, 20, 50, 45, 25, 15, 55, 35]
    qualities = [
        0.17825223435948362, 0.18381831085876504, 0.22004608294930877, 0.2581560283687943,
        0.26091954022988506, 0.271689497716895, 0.2746585735963581, 0.4124203821656051,
        0.4657534246575342, 0.4679715302491103,
    ]  # fmt: skip
    np.testing.assert_allclose([(s.margin + 1) / 2 for s in found.worst], qualities, rtol=1e-12)


def test_the_prediction_counts_where_several_thresholds_are_reached():
    """As in cleanlab 2.9: even a prediction that does not reach its own threshold."""
    limits = np.array([0.9, 0.25, 0.1])
    p = np.array([[0.5, 0.3, 0.2], [0.95, 0.04, 0.01], [0.85, 0.06, 0.09], [0.7, 0.27, 0.03]])
    assert confident_class(p, p.argmax(axis=1), limits).tolist() == [0, 0, -1, 1]


def test_limits_of_a_coarser_type_are_reached_by_the_same_numbers():
    limits = np.array([0.1, 1 / 3, 0.5, 2e-6, 0.9999999])
    coarse = _at_least(limits, np.dtype(np.float32))
    assert coarse.dtype == np.float32
    steps = [np.float32(-np.inf), np.float32(0), np.float32(np.inf)]
    for near in (np.nextafter(limits.astype(np.float32), step) for step in steps):
        assert ((near >= coarse) == (near.astype(np.float64) >= limits)).all()
    assert _at_least(limits, limits.dtype).tolist() == limits.tolist()


def test_a_sample_whose_prediction_is_its_label_is_no_suspect():
    """It is off the diagonal of the joint, as only another class reaches its threshold."""
    p = np.array([[0.98, 0.02]] * 6 + [[0.55, 0.45]] + [[0.6, 0.4]] * 6)
    labels = np.array([0] * 7 + [1] * 6)
    found = find(p, labels)
    assert found.joint.count(0, 1) == 1
    assert (found.n_suspects, found.worst) == (0, ())


def test_ties_of_the_margin_are_ordered_by_id():
    p = np.vstack([TWELVE, TWELVE[11] + [-1e-6, 1e-6, 0]])
    labels = np.append(TWELVE_LABELS, 2)
    ids = [*map(str, range(10)), "x", "b", "a"]
    assert [s.id for s in find(p, labels, ids).worst[:2]] == ["a", "b"]


@pytest.mark.parametrize("limit", [0, 1, 3, 10, 100])
def test_the_limit_keeps_the_strongest_and_counts_all(limit):
    everything, found = find(*formula()), find(*formula(), limit=limit)
    assert found.worst == everything.worst[:limit]
    assert found.n_suspects == everything.n_suspects == 10


samples = st.lists(
    st.tuples(st.integers(-1, 2), st.lists(st.integers(0, 9), min_size=3, max_size=3)), max_size=30
)


@settings(max_examples=60)
@given(samples, st.integers(1, 9), st.integers(1, 4), st.randoms())
def test_any_split_and_order_gives_the_same(rows, size, limit, order):
    rows = [(str(i), label, p) for i, (label, p) in enumerate(rows)]

    def batches(rows):
        for start in range(0, len(rows), size):
            ids, labels, weights = zip(*rows[start : start + size], strict=True)
            p = np.array(weights, float).reshape(-1, 3)
            with np.errstate(invalid="ignore"):  # three weights of 0: no scores, nan
                yield list(ids), np.array(labels), p / p.sum(axis=1, keepdims=True)

    def both_passes(rows):
        tallies = (thresholds_of(labels, p) for _, labels, p in batches(rows))
        thresholds = reduce(lambda a, b: b + a, tallies, Thresholds.empty(3))
        one, two = LabelIssueTally(thresholds, limit), LabelIssueTally(thresholds, limit)
        for ids, labels, p in batches(rows):
            batch = ids, Scores.of(p, labels)
            one, two = one.having(*batch), LabelIssueTally(thresholds, limit).having(*batch) + two
        assert one == two
        return one

    shuffled = list(rows)
    order.shuffle(shuffled)
    assert both_passes(rows) == both_passes(shuffled)
    assert hash(both_passes(rows).thresholds) == hash(both_passes(shuffled).thresholds)


def test_rows_without_label_or_scores_are_left_out_with_their_ids():
    p = np.vstack([[np.nan] * 3, TWELVE[:6], [0.1, 0.2, 0.7], TWELVE[6:]])
    labels = np.concatenate([[0], TWELVE_LABELS[:6], [-1], TWELVE_LABELS[6:]])
    ids = ["no scores", *map(str, range(6)), "no label", *map(str, range(6, 12))]
    found = find(p, labels, ids)
    assert [s.id for s in found.worst] == ["11", "3"]
    assert found.thresholds.n_without == 1
    assert found.thresholds.n == 12


def test_a_class_without_samples_is_never_suggested():
    p, labels = TWELVE[:8], TWELVE_LABELS[:8]
    found = find(p, labels)
    assert found.thresholds.values()[2] == np.inf
    assert find_label_issues(found).thresholds[2] is None
    assert found.joint.predicted_totals[2] == 0


def test_a_threshold_is_never_below_the_floor():
    assert find(np.array([[0.0, 1.0], [0.0, 1.0]]), np.array([0, 1])).thresholds.values()[0] == 2e-6


def test_more_classes_than_fit_a_dense_joint_stay_sparse():
    k = 3000
    p = np.zeros((4, k), np.float32)
    p[[0, 1, 2, 3], [5, 5, 2999, 5]] = 1
    found = find(p, np.array([5, 5, 2999, 2999]))
    assert list(found.joint.cells()) == [(5, 5, 2), (2999, 5, 1), (2999, 2999, 1)]
    assert [s.suggested for s in found.worst] == [5]


@pytest.mark.parametrize(("p", "labels", "reason"), [
    (np.full((3, 2), np.nan), [0, 1, 1], "no_scores"),
    (np.full((3, 2), 0.5), [-1, -1, -1], "no_samples"),
    (np.full((3, 2), 0.5), [1, 1, 1], "one_class"),
    (np.ones((3, 1)), [0, 0, 0], "one_class"),
])  # fmt: skip
def test_it_is_said_why_no_label_could_be_examined(p, labels, reason):
    shown = find_label_issues(find(p, np.array(labels)))
    assert shown == LabelIssues(reason)
    assert reason in REASONS


def test_without_scores_of_all_classes_there_is_a_reason():
    assert find_label_issues(None, "train").reason == "no_scores"


def test_the_training_split_and_small_classes_carry_a_warning():
    found = find(TWELVE, TWELVE_LABELS)
    assert find_label_issues(found, " Train").warnings == ("training_split", "unsteady_thresholds")
    assert find_label_issues(found, "test").unsteady == (0, 1, 2)
    assert find_label_issues(find(*formula()), "val").warnings == ()
    assert set(find_label_issues(found, "train").warnings) <= set(WARNINGS)


def test_the_summary_survives_json():
    shown = find_label_issues(find(TWELVE, TWELVE_LABELS), "train")
    assert shown.n_examined == 12
    assert shown.cells == ((0, 1, 1), (2, 0, 1))
    text = json.dumps(write_value(LabelIssues, shown, CLASSES), allow_nan=False)
    assert json.loads(text)["suspects"][0]["suggested"] == "cat"
    assert read_value(LabelIssues, json.loads(text), CLASSES) == shown


def test_no_text_calls_a_label_wrong_of_itself():
    for text in REASONS.values():
        assert "wrong" not in text


def test_what_does_not_fit_is_refused():
    found = find(TWELVE, TWELVE_LABELS)
    with pytest.raises(DataError) as error:
        found.having(["a"], Scores.of(TWELVE, TWELVE_LABELS))
    assert error.value.slug == "length-mismatch"
    with pytest.raises(ValueError, match="2 scores for 3 classes"):
        found.having(["a"], Scores.of([[0.5, 0.5]], [0]))
    with pytest.raises(ValueError, match="different thresholds"):
        _ = found + find(*formula())
    with pytest.raises(ValueError, match="3 classes"):
        _ = found.thresholds + Thresholds.empty(2)
