"""The curves of each class against the rest: exact points, few of them, of the worst classes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from reportgen.analysis.scoring import ProbabilityTally, RankedScores, Ranking, Scores
from reportgen.analysis.scoring.curves import MOST_CURVES, POINTS, ClassCurve, ClassCurves
from reportgen.analysis.scoring.ranked_scores import Groups
from reportgen.analysis.scoring.thresholds import downsample, fit, flagged_from
from reportgen.jsonio import Fault, read_value, write_value


def case(n=3000, k=4, seed=0, digits=None, pull=1.5):
    """Probabilities (n, k) and labels (n,)."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, k, n)
    logits = rng.normal(0, 1, (n, k))
    logits[np.arange(n), labels] += pull * np.linspace(0.4, 1.2, k)[labels]
    p = np.exp(logits)
    p /= p.sum(axis=1, keepdims=True)
    if digits is not None:  # ties; the last class takes what rounding leaves
        p = np.floor(p * 10**digits) / 10**digits
        p[:, -1] = 1 - p[:, :-1].sum(axis=1)
    return p, labels


def curves_of(p, labels, limit=10**7):
    return Ranking.of(RankedScores.of(Scores.of(p, labels), limit)).curves


def test_a_small_case_is_counted_by_hand():
    scores = np.array([0.9, 0.8, 0.8, 0.4, 0.1])
    curve = ClassCurve.of(3, Groups.of(scores, np.array([True, True, False, False, True])))
    assert curve == ClassCurve(3, 3, 2, 4, ((1, 0), (2, 1), (2, 2), (3, 2)))
    assert list(curve.roc()) == [(0, 0), (0, 1 / 3), (1 / 2, 2 / 3), (1, 2 / 3), (1, 1)]
    assert list(curve.precision_recall()) == [
        (1 / 3, 1), (2 / 3, 2 / 3), (2 / 3, 1 / 2), (1, 3 / 5),
    ]  # fmt: skip
    assert curve.prevalence == 3 / 5


@pytest.mark.parametrize("digits", [None, 2])
def test_thinned_points_lie_on_the_curves_of_scikit_learn(digits):
    p, labels = case(digits=digits)
    curves = curves_of(p, labels)
    assert len(curves) == 4
    for curve in curves:
        truth = labels == curve.index
        fpr, tpr, _ = roc_curve(truth, p[:, curve.index], drop_intermediate=False)
        on_roc = set(zip(fpr.tolist(), tpr.tolist(), strict=True))
        assert set(curve.roc()) <= on_roc
        precision, recall, _ = precision_recall_curve(truth, p[:, curve.index])
        on_other = set(zip(recall.tolist(), precision.tolist(), strict=True))
        assert set(curve.precision_recall()) <= on_other
        assert curve.points[-1] == (truth.sum(), (~truth).sum())
        assert len(curve.points) <= POINTS


@pytest.mark.parametrize("pull", [0.3, 1.5, 4])
@pytest.mark.parametrize("digits", [None, 2])
def test_the_kept_points_keep_both_areas(pull, digits):
    p, labels = case(n=20_000, pull=pull, digits=digits, seed=1)
    for curve in curves_of(p, labels):
        truth = labels == curve.index
        fpr, tpr = np.array(list(curve.roc())).T
        exact = roc_auc_score(truth, p[:, curve.index])
        assert trapezoid(tpr, fpr) == pytest.approx(exact, abs=1e-3)
        recall, precision = np.array(list(curve.precision_recall())).T
        steps = (np.diff(recall, prepend=0) * precision).sum()
        assert steps == pytest.approx(average_precision_score(truth, p[:, curve.index]), abs=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_few_samples_are_drawn_to_within_a_hair_too(seed):
    """A stair of few samples has more corners than points are kept."""
    p, labels = case(n=600, k=5, seed=seed)
    for curve in curves_of(p, labels):
        truth = labels == curve.index
        fpr, tpr = np.array(list(curve.roc())).T
        assert trapezoid(tpr, fpr) == pytest.approx(
            roc_auc_score(truth, p[:, curve.index]), abs=2.5e-3
        )
        x, y, _ = roc_curve(truth, p[:, curve.index], drop_intermediate=False)
        kept = np.interp(x + y, fpr + tpr, tpr - fpr)  # turned by 45°: no part is upright
        assert np.abs(kept - (y - x)).max() / np.sqrt(2) < 0.02


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 200), st.booleans()), min_size=2, max_size=400))
def test_points_rise_end_with_all_and_are_few(rows):
    rows += [(7, True), (7, False)]
    scores, truth = np.array([s / 200 for s, _ in rows]), np.array([t for _, t in rows])
    curve = ClassCurve.of(0, Groups.of(scores, truth))
    flagged = [sum(point) for point in curve.points]
    assert flagged == sorted(set(flagged))
    assert curve.points[-1] == (truth.sum(), (~truth).sum())
    assert len(curve.points) <= POINTS
    at = {(int((truth & (scores >= s)).sum()), int((~truth & (scores >= s)).sum())) for s in scores}
    assert set(curve.points) <= at
    if len(at) <= POINTS:
        assert set(curve.points) == at


def test_a_fitted_curve_misses_less_than_one_of_even_points():
    p, labels = case(n=20_000, seed=2)
    _, tp, fp = flagged_from(Groups.of(p[:, 0], labels == 0))

    def lost(indices):
        right = np.searchsorted(indices, np.arange(len(tp)))
        precision = tp / (tp + fp)
        steps = np.diff(tp, prepend=0) / tp[-1]
        return (np.abs(precision - precision[np.array(indices)[right]]) * steps).sum()

    assert len(fit(tp, fp, 60)) == 60
    assert lost(fit(tp, fp, 60)) < 0.75 * lost(downsample(tp, fp, 58))


def test_the_worst_classes_are_kept_worst_first():
    p, labels = case(n=4000, k=30, seed=3)
    found = Ranking.of(RankedScores.of(Scores.of(p, labels)))
    aucs = [found.roc_auc.metric(i).value for i in range(30)]
    wanted = sorted(range(30), key=lambda i: aucs[i])[:MOST_CURVES]
    assert [curve.index for curve in found.curves] == wanted


def test_of_equal_classes_the_first_are_kept():
    p = np.eye(15)[np.arange(150) % 15]  # all told apart without error
    assert [c.index for c in curves_of(p, np.arange(150) % 15)] == list(range(MOST_CURVES))


def test_any_split_of_the_samples_gives_the_same_curves():
    p, labels = case(n=2000, seed=4)
    whole = ProbabilityTally.of(Scores.of(p, labels))
    parts = ProbabilityTally.of(Scores.of(p[700:], labels[700:])) + ProbabilityTally.of(
        Scores.of(p[:700], labels[:700])
    )
    assert Ranking.of(parts.ranked).curves == Ranking.of(whole.ranked).curves


def test_binned_scores_have_exact_counts_at_the_edges_of_bins():
    p, labels = case(n=4000, seed=5)
    for curve in curves_of(p, labels, limit=100):
        scores, truth = p[:, curve.index], labels == curve.index
        edges = np.floor(scores * 65536) / 65536
        for tp, fp in curve.points:
            at = np.sort(edges)[::-1][tp + fp - 1]
            assert (tp, fp) == ((truth & (edges >= at)).sum(), (~truth & (edges >= at)).sum())


def test_classes_without_samples_have_no_curve():
    p, labels = case(n=300, k=4)
    labels[labels == 2] = 1
    assert sorted(curve.index for curve in curves_of(p, labels)) == [0, 1, 3]
    assert curves_of(p, np.zeros(300, int)) == ()
    assert Ranking.of(RankedScores.empty(4)).curves == ()


def test_two_classes_have_a_threshold_instead():
    p, labels = case(n=300, k=2)
    assert curves_of(p, labels) == ()


CLASSES = ("a", "b", "c", "d")


def as_json(curves):
    return json.loads(json.dumps(write_value(ClassCurves, curves, CLASSES)))


def test_json_and_back_gives_the_same():
    curves = curves_of(*case(n=500))
    assert read_value(ClassCurves, as_json(curves), CLASSES) == curves
    assert read_value(ClassCurves, None, CLASSES) == ()


DAMAGE = [
    ({"class": "z"}, r"class is 'z'|one of the classes"),
    ({"n_positive": 0}, "needs samples"),
    ({"n_negative": 0}, "needs samples"),
    ({"n_positive": 4}, "the last point flags all samples"),
    ({"points": []}, "the last point flags all samples"),
    ({"points": [[0, 0], [3, 2]]}, "flags more than the one before"),
    ({"points": [[2, 1], [1, 2], [3, 2]]}, "flags more than the one before"),
    ({"points": [[1, 2], [2, 1], [3, 2]]}, "flags more than the one before"),
    ({"points": [[1, 1], [1, 1], [3, 2]]}, "flags more than the one before"),
    ({"points": [[1, -1], [3, 2]]}, "whole number"),
    ({"points": [[1, 1, 1], [3, 2]]}, "a list of 2"),
    ({"n_thresholds": "4"}, "whole number"),
]


@pytest.mark.parametrize(("change", "words"), DAMAGE)
def test_damaged_curves_are_refused_with_their_place(change, words):
    good = write_value(ClassCurve, ClassCurve(1, 3, 2, 4, ((1, 0), (2, 1), (3, 2))), CLASSES)
    with pytest.raises(Fault, match=words):
        read_value(ClassCurves, [{**good, **change}], CLASSES)


def test_a_class_with_two_curves_is_refused():
    good = write_value(ClassCurve, ClassCurve(1, 3, 2, 4, ((1, 0), (3, 2))), CLASSES)
    with pytest.raises(Fault, match="each class has one curve"):
        read_value(ClassCurves, [good, good], CLASSES)
