"""The points of a two-class threshold: exact counts, from any split of the samples."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_curve, roc_curve

from reportgen.analysis.scoring import RankedScores, Scores
from reportgen.analysis.scoring.thresholds import (
    LEVELS,
    ThresholdCurve,
    ThresholdPoint,
    flagged_from,
)
from reportgen.jsonio import read_value, write_value

# Scores of the positive class and truths, small enough to count on fingers.
SCORES = [0.9, 0.8, 0.8, 0.6, 0.5, 0.4, 0.2, 0.1]
TRUTH = [1, 1, 0, 1, 0, 1, 0, 0]


def ranked(positive, truth, dtype=np.float64, limit=10_000):
    """Columns: the probability of class 0, and of class 1."""
    p = np.asarray(positive, dtype)
    return RankedScores.of(Scores.of(np.column_stack([1 - p, p]), np.asarray(truth)), limit)


def random_case(n=500, seed=0, digits=None):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    scores = 1 / (1 + np.exp(-rng.normal(1.5 * truth - 0.7, 1.2)))
    return (scores if digits is None else scores.round(digits)), truth


def groups_of(tally, positive=1):
    return list(tally.groups())[positive]


def test_a_small_case_is_counted_by_hand():
    curve = ThresholdCurve.of(ranked(SCORES, TRUTH))
    assert (curve.n_positive, curve.n_negative, curve.n_without) == (4, 4, 0)
    assert curve.curve == (
        ThresholdPoint(0.9, 1, 0),
        ThresholdPoint(0.8, 2, 1),
        ThresholdPoint(0.6, 3, 1),
        ThresholdPoint(0.5, 3, 2),
        ThresholdPoint(0.4, 4, 2),
        ThresholdPoint(0.2, 4, 3),
        ThresholdPoint(0.1, 4, 4),
    )
    levels = {point.threshold: (point.tp, point.fp) for point in curve.levels}
    assert levels[0.5] == (3, 2)  # "at least": the sample with 0.5 is flagged
    assert levels[0.8] == (2, 1)
    assert levels[0.95] == (0, 0)
    assert levels[0.01] == (4, 4)
    assert curve.youden == ThresholdPoint(0.6, 3, 1)  # 3/4 - 1/4; at 0.4 it is 4/4 - 2/4 as well
    assert curve.sensitive == ThresholdPoint(0.4, 4, 2)


@pytest.mark.parametrize("digits", [None, 2])
def test_all_points_are_those_of_scikit_learn(digits):
    scores, truth = random_case(digits=digits)
    thresholds, tp, fp = flagged_from(groups_of(ranked(scores, truth)))
    fpr, tpr, cuts = roc_curve(truth, scores, drop_intermediate=False)
    np.testing.assert_array_equal(thresholds, cuts[1:])  # the first is infinity
    np.testing.assert_allclose(tp / truth.sum(), tpr[1:], rtol=1e-15)
    np.testing.assert_allclose(fp / (truth == 0).sum(), fpr[1:], rtol=1e-15)
    precision, recall, cuts = precision_recall_curve(truth, scores)
    np.testing.assert_array_equal(thresholds[::-1], cuts)
    np.testing.assert_allclose((tp / (tp + fp))[::-1], precision[:-1], rtol=1e-15)
    np.testing.assert_allclose((tp / truth.sum())[::-1], recall[:-1], rtol=1e-15)


def brute(scores, truth, threshold):
    flagged = scores >= threshold
    return int((flagged & (truth == 1)).sum()), int((flagged & (truth == 0)).sum())


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 100), st.booleans()), min_size=1, max_size=60),
    st.integers(0, 60),
)
def test_every_threshold_flags_what_it_says_and_splits_add_up(rows, cut):
    scores = np.array([score / 100 for score, _ in rows])
    truth = np.array([int(label) for _, label in rows])
    cut = min(cut, len(rows))
    whole = ThresholdCurve.of(ranked(scores, truth))
    parts = ranked(scores[:cut], truth[:cut]) + ranked(scores[cut:], truth[cut:])
    assert ThresholdCurve.of(parts) == whole
    named = [point for point in (whole.youden, whole.sensitive) if point is not None]
    for point in (*whole.curve, *whole.levels, *named):
        assert brute(scores, truth, point.threshold) == (point.tp, point.fp)
    assert (
        read_value(ThresholdCurve, json.loads(json.dumps(write_value(ThresholdCurve, whole))))
        == whole
    )


def test_the_best_balance_is_the_largest_sum_of_sensitivity_and_specificity():
    scores, truth = random_case(seed=3)
    kept = (truth == 0) | (np.arange(len(truth)) % 9 == 0)  # few are positive
    scores, truth = scores[kept], truth[kept]
    curve = ThresholdCurve.of(ranked(scores, truth))
    fpr, tpr, _ = roc_curve(truth, scores, drop_intermediate=False)
    gain = curve.youden.tp / truth.sum() - curve.youden.fp / (truth == 0).sum()
    assert gain == pytest.approx((tpr - fpr).max(), abs=1e-12)


def test_the_sensitive_point_is_the_highest_threshold_that_finds_95_percent():
    scores, truth = random_case(seed=4)
    point = ThresholdCurve.of(ranked(scores, truth)).sensitive
    assert point.tp / truth.sum() >= 0.95
    above = scores[scores > scores[scores >= point.threshold].min()]
    assert (truth[scores >= above.min()] == 1).sum() / truth.sum() < 0.95


def test_exactly_95_percent_are_enough():
    truth = np.array([1] * 20 + [0])
    scores = np.append(np.arange(20, 0, -1) / 25, 0.02)
    assert ThresholdCurve.of(ranked(scores, truth)).sensitive.tp == 19


def test_a_named_threshold_has_few_digits_and_flags_the_same():
    scores, truth = random_case(n=60, seed=5)
    curve = ThresholdCurve.of(ranked(scores, truth))
    for point in (curve.youden, curve.sensitive):
        assert len(repr(point.threshold)) <= 6
        assert brute(scores, truth, point.threshold) == (point.tp, point.fp)


def test_a_threshold_is_compared_in_the_type_of_the_scores():
    """float32 has no 0.7: a score that was saved as 0.7 is one, and is at least 0.7."""
    curve = ThresholdCurve.of(ranked([0.7, 0.25], [1, 0], np.float32))
    assert next(p for p in curve.levels if p.threshold == 0.7) == ThresholdPoint(0.7, 1, 0)


def test_bins_count_exactly_at_their_edges():
    scores, truth = random_case(n=4000, seed=6)
    curve = ThresholdCurve.of(ranked(scores, truth, limit=1000))
    assert not curve.exact
    assert [round(point.threshold, 4) for point in curve.levels] == pytest.approx(
        list(LEVELS), abs=2e-5
    )
    for point in (*curve.levels, *curve.curve, curve.youden, curve.sensitive):
        assert brute(scores, truth, point.threshold) == (point.tp, point.fp)


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    scores, truth = random_case(n=20_000, seed=7)
    curve = ThresholdCurve.of(ranked(scores, truth, limit=10**6))
    assert curve.n_thresholds > 19_000
    assert 100 <= len(curve.curve) <= 202
    assert curve.curve[-1].flagged == 20_000
    fpr = np.array([p.fp for p in curve.curve]) / curve.n_negative
    tpr = np.array([p.tp for p in curve.curve]) / curve.n_positive
    exact = roc_curve(truth, scores, drop_intermediate=False)
    assert np.abs(np.interp(exact[0], fpr, tpr) - exact[1]).max() < 0.011


def test_the_other_class_can_be_positive():
    tally = ranked(SCORES, TRUTH)
    curve = ThresholdCurve.of(tally, positive=0)
    level = next(point for point in curve.levels if point.threshold == 0.5)
    assert (level.tp, level.fp) == (3, 1)  # the probability of class 0 is at least 0.5
    assert curve.curve[-1].flagged == 8


def test_a_class_without_samples_has_no_named_points():
    nobody = ThresholdCurve.of(ranked([0.3, 0.6], [0, 0]))
    assert (nobody.n_positive, nobody.youden, nobody.sensitive) == (0, None, None)
    everybody = ThresholdCurve.of(ranked([0.3, 0.6], [1, 1]))
    assert everybody.youden is None
    assert everybody.sensitive.tp == 2


def test_no_samples_make_an_empty_curve():
    curve = ThresholdCurve.of(RankedScores.empty(2))
    assert curve.curve == ()
    assert {(point.tp, point.fp) for point in curve.levels} == {(0, 0)}


def test_samples_without_scores_are_told():
    tally = ranked([0.3, np.nan, 0.6], [0, 1, 1])
    assert ThresholdCurve.of(tally).n_without == 1


@pytest.mark.parametrize(("n_classes", "positive"), [(3, 1), (2, 2), (1, 0)])
def test_it_is_for_two_classes_alone(n_classes, positive):
    with pytest.raises(ValueError, match="two classes"):
        ThresholdCurve.of(RankedScores.empty(n_classes), positive)
