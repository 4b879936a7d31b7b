"""ROC AUC and average precision: against scikit-learn; from histograms within their bounds."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from reportgen.analysis.scoring import RankedScores, Ranking, Scores
from reportgen.analysis.scoring import ranking as ranking_module
from reportgen.analysis.scoring.ranked_scores import FINE_BINS, SCORES_LIMIT, Groups, fine_bins
from reportgen.metrics import Metric, wilson
from tests.scoring.samples import assert_adds_up, confidences, cuts, maybe, model, orders


def rank(p, labels, limit=SCORES_LIMIT):
    return Ranking.of(RankedScores.of(Scores.of(p, labels), limit))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("decimals", [2, 15])
@pytest.mark.parametrize("k", [2, 6, 40])
def test_they_are_those_of_scikit_learn_with_ties_and_without(k, decimals, dtype):
    p, labels = model(1_200, k)
    p = np.round(p, decimals)
    p[:, 0] = np.maximum(1 - p[:, 1:].sum(axis=1), 0)
    p = (p / p.sum(axis=1, keepdims=True)).astype(dtype)
    got = rank(p, labels)
    present = np.unique(labels)
    aucs = [roc_auc_score(labels == c, p[:, c]) for c in present]
    precisions = [average_precision_score(labels == c, p[:, c]) for c in present]
    assert got.roc_auc.value[present] == pytest.approx(aucs, rel=1e-12)
    assert got.average_precision.value[present] == pytest.approx(precisions, rel=1e-12)
    assert got.macro_roc_auc.metric.value == pytest.approx(np.mean(aucs), rel=1e-12)
    assert got.macro_average_precision.metric.value == pytest.approx(np.mean(precisions), rel=1e-12)
    assert (got.exact, got.n_bins, got.n_averaged) == (True, 0, len(present))
    assert got.macro_roc_auc.error == 0


def one_class(rows):
    """(class 1 against class 0): probabilities and labels of (score, positive) rows."""
    p = np.array([row[0] for row in rows], float)
    return np.stack([1 - p, p], axis=1), np.array([row[1] for row in rows], int)


scored = st.lists(st.tuples(confidences, st.booleans()), min_size=1, max_size=50)


@given(scored)
def test_any_two_classes_are_ranked_as_scikit_learn_does(rows):
    p, labels = one_class(rows)
    got = rank(p, labels)
    if len(set(labels)) < 2:
        missing = "no_true_samples" if labels[0] == 0 else "no_other_samples"
        assert got.roc_auc.reason[1] == got.average_precision.reason[1] == missing
        assert got.macro_roc_auc.metric.reason == "constant_labels_or_predictions"
        assert np.isnan(got.roc_auc_bounds).all()
        return
    assert got.roc_auc.value[1] == pytest.approx(
        roc_auc_score(labels, p[:, 1]), rel=1e-12, abs=1e-15
    )
    with warnings.catch_warnings():
        expected = average_precision_score(labels, p[:, 1])
    assert got.average_precision.value[1] == pytest.approx(expected, rel=1e-12)


coarse = st.lists(
    st.tuples(st.one_of(st.sampled_from([0.5, 0.5 + 2e-6, 0.5 + 4e-6, 0.5 + 6e-6, 1.0]), st.floats(0.5, 0.50001)),
              st.booleans()), min_size=2, max_size=40,
)  # fmt: skip
"""Scores that share a few bins of the fine histogram."""


@given(coarse)
def test_histograms_keep_both_within_the_stated_bounds(rows):
    p, labels = one_class(rows)
    exact, binned = rank(p, labels), rank(p, labels, limit=0)
    assert (exact.exact, binned.exact, binned.n_bins) == (True, False, FINE_BINS)
    if len(set(labels)) < 2:
        assert binned.roc_auc.reason == exact.roc_auc.reason
        return
    for name in ("roc_auc", "average_precision"):
        value = getattr(exact, name).value
        low, high = getattr(binned, f"{name}_bounds").T
        assert np.all(low - 1e-12 <= value)
        assert np.all(value <= high + 1e-12)
        assert np.all(low <= getattr(binned, name).value)
        macro, of_bins = getattr(exact, f"macro_{name}"), getattr(binned, f"macro_{name}")
        assert of_bins.lowest - 1e-12 <= macro.metric.value <= of_bins.highest + 1e-12


@pytest.mark.parametrize("positives_first", [True, False])
def test_the_bounds_are_reached_by_the_best_and_the_worst_order_inside_a_bin(positives_first):
    positive = np.repeat([positives_first, not positives_first], [20, 20])
    if positives_first:  # tied with each other: no later one waits for an earlier one
        score = np.where(positive, 0.5 + 3e-6, 0.5 + 1e-6)
    else:
        score = 0.5 + np.linspace(5e-6, 1e-6, 40)
    p, labels = one_class(list(zip(score, positive, strict=True)))
    exact, binned = rank(p, labels), rank(p, labels, limit=0)
    side = 1 if positives_first else 0
    assert exact.roc_auc.value[1] == pytest.approx(binned.roc_auc_bounds[1, side])
    assert exact.average_precision.value[1] == pytest.approx(
        binned.average_precision_bounds[1, side]
    )


def test_the_certificate_is_half_of_the_pairs_that_share_a_bin():
    groups = Groups.of_bins(np.array([2, 0, 3, 0]), np.array([1, 0, 4, 2]))
    auc = ranking_module.roc_auc(groups)
    assert auc.metric.value == (1 * 1 + 4 * (2 + 1.5) + 2 * 5) / 35
    assert auc.error == pytest.approx((1 * 2 + 4 * 3) / 35 / 2)
    assert groups.scores.tolist() == [0.125, 0.625, 0.875]


def test_histograms_of_a_peaked_model_are_close():
    p, labels = model(20_000, 10, sharp=4)
    exact, binned = rank(p, labels), rank(p, labels, limit=0)
    error = np.abs(exact.roc_auc.value - binned.roc_auc.value)
    bound = binned.roc_auc_bounds[:, 1] - binned.roc_auc.value
    assert np.all(error <= bound)
    assert bound.max() < 1e-4
    assert binned.macro_roc_auc.metric.value == pytest.approx(
        exact.macro_roc_auc.metric.value, abs=1e-5
    )


def test_a_score_of_1_is_in_the_last_bin_and_zero_has_no_sign():
    last = 1 - 2.0**-16
    p, labels = one_class([(last, 1), (1.0, 1), (last - 1e-9, 0), (0.0, 0), (-0.0, 1)])
    *_, groups = RankedScores.of(Scores.of(p, labels), 0).groups()
    assert groups.scores.tolist() == [2.0**-17, 1 - 1.5 * 2.0**-16, 1 - 2.0**-17]
    assert groups.positives.tolist() == [1, 0, 2]
    *_, exact = RankedScores.of(Scores.of(p, labels)).groups()
    assert exact.scores.tolist() == [0, last - 1e-9, last, 1]
    assert exact.positives.tolist() == [1, 0, 1, 1]


def test_scores_on_the_grid_of_the_bins_are_ranked_exactly_by_them():
    rng = np.random.default_rng(0)
    score = rng.integers(0, FINE_BINS + 1, 2_000) / FINE_BINS
    score[score == 1] = 0.5
    p = np.stack([1 - score, score], axis=1)
    labels = (rng.random(2_000) < score).astype(int)
    assert rank(p, labels, limit=0).roc_auc.value[1] == pytest.approx(
        roc_auc_score(labels, score), rel=1e-12
    )


def delong(positive, negative):
    """AUC and its variance from all pairs, with one more sample on either side, at random."""
    wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    variance = 0.0
    for placed in (wins.mean(axis=1), wins.mean(axis=0)):
        n = len(placed)
        mean = (placed.sum() + 1 / 2) / (n + 1)
        variance += ((np.square(placed).sum() + 1 / 3) / (n + 1) - mean**2) / n
    return wins.mean(), variance


@pytest.mark.parametrize("decimals", [1, 15])
def test_the_interval_is_wilsons_with_delongs_variance(decimals):
    p, labels = model(300, 3)
    p[:, 1] = np.round(p[:, 1], decimals)
    p[:, 2] = 1 - p[:, 1]
    p[:, 0] = 0
    auc, variance = delong(p[labels == 1, 1], p[labels != 1, 1])
    metric = rank(p, labels).roc_auc.metric(1)
    n = int(np.sum(labels == 1))
    typical = (n * auc + 1 / 2) / (n + 1)
    trials = typical * (1 - typical) / variance
    assert metric.value == pytest.approx(auc, rel=1e-12)
    for end in metric.interval:  # Wilson's ends: where the z statistic is ±1.96
        assert abs(auc - end) == pytest.approx(
            1.959963984540054 * np.sqrt(end * (1 - end) / trials), rel=1e-9
        )


def test_binned_scores_widen_the_interval_by_the_bound():
    positives, negatives = np.array([2, 5, 9, 14]), np.array([12, 8, 6, 1])
    as_ties = ranking_module.roc_auc(Groups(np.arange(4) / 4, positives, negatives, 0.0))
    as_bins = ranking_module.roc_auc(Groups(np.arange(4) / 4, positives, negatives, 0.25))
    assert as_ties.metric.value == as_bins.metric.value
    low, high = as_ties.metric.interval
    assert as_bins.error > 0.05
    assert as_bins.metric.interval == pytest.approx(
        (low - as_bins.error, min(high + as_bins.error, 1)), rel=1e-12
    )


def logit(x):
    return np.log(x) - np.log1p(-np.asarray(x))


@pytest.mark.parametrize("decimals", [1, 15])
def test_the_intervals_of_the_means_are_those_of_resampling_the_samples(decimals):
    p, labels = model(600, 4, seed=5)
    p = np.round(p, decimals)  # ties must not matter
    p[:, 0] = np.maximum(1 - p[:, 1:].sum(axis=1), 0)
    p /= p.sum(axis=1, keepdims=True)
    rng = np.random.default_rng(0)
    draws = [rank(p[i], labels[i]) for i in (rng.integers(0, 600, 600) for _ in range(300))]
    for name in ("macro_roc_auc", "macro_average_precision"):
        low, high = getattr(rank(p, labels), name).metric.interval
        logits = logit([getattr(draw, name).metric.value for draw in draws])
        assert (logit(high) - logit(low)) / 2 / 1.959964 == pytest.approx(logits.std(), rel=0.12)


def test_one_more_sample_pulls_on_the_average_precision_as_the_slope_says():
    positives, negatives = np.array([3, 0, 5, 2]) * 10_000, np.array([4, 2, 1, 1]) * 10_000
    own, others = ranking_module._precision_pulls(
        Groups(np.arange(4) / 4, positives, negatives, 0.0)
    )

    def moved(of_own, of_others):
        groups = Groups(np.arange(4) / 4, positives + of_own, negatives + of_others, 0.0)
        return ranking_module.average_precision(groups).metric.value

    for at, step in enumerate(np.eye(4, dtype=int)):
        assert own[at] == pytest.approx((moved(step, 0 * step) - moved(-step, 0 * step)) / 2)
        if negatives[at]:
            assert others[at] == pytest.approx((moved(0 * step, step) - moved(0 * step, -step)) / 2)
    assert positives @ own + negatives @ others == pytest.approx(0, abs=1e-12)


def test_the_average_precision_of_a_class_has_wilsons_interval_as_of_its_samples():
    p, labels = model(400, 3)
    got = rank(p, labels).average_precision
    for k in range(3):
        n, value = int(np.sum(labels == k)), got.value[k]
        low, high = wilson(value * n, n)
        assert got.metric(k).interval == pytest.approx((float(low), float(high)), rel=1e-12)
    labels = [0] * 20 + [1] * 19
    perfect = rank(np.eye(2)[labels], labels).average_precision
    assert perfect.metric(0).interval == pytest.approx((float(wilson(20, 20)[0]), 1.0))
    assert perfect.metric(1) == Metric(1, None, "too_few_samples")


def test_the_mean_average_precision_of_few_samples_a_class_has_no_interval():
    p, labels = model(4_000, 5)
    first = np.concatenate([np.flatnonzero(labels == k)[: 4 + (k > 2)] for k in range(5)])
    few, enough = first[labels[first] != 4], np.append(first, np.flatnonzero(labels == 2)[4])
    assert rank(p[first], labels[first]).macro_average_precision.metric.reason == "too_few_samples"
    assert rank(p[few], labels[few]).macro_average_precision.metric.reason == "too_few_samples"
    assert rank(p[enough], labels[enough]).macro_average_precision.metric.interval is not None


def test_a_perfect_mean_average_precision_has_an_interval():
    labels = np.repeat([0, 1], 20)
    metric = rank(np.eye(2)[labels], labels).macro_average_precision.metric
    assert metric.value == 1
    assert metric.interval == pytest.approx((float(wilson(40, 40)[0]), 1.0))


def test_binned_scores_widen_the_interval_of_the_average_precision_by_its_bounds():
    p, labels = one_class([(0.5 + i * 1e-6, i % 3 == 0) for i in range(60)])
    got = rank(p, labels, limit=0)
    value, (lowest, highest) = got.average_precision.value[1], got.average_precision_bounds[1]
    assert lowest < value < highest
    low, high = (float(x) for x in wilson(value * 20, 20))
    assert got.average_precision.metric(1).interval == pytest.approx(
        (max(low - (value - lowest), 0), min(high + (highest - value), 1)), rel=1e-12
    )


def test_the_intervals_of_average_precision_hold_the_truth_as_often_as_they_say():
    """About 97% for a class, 93% for the mean, of 250 test sets of 150 samples."""
    p, labels = model(60_000, 3, seed=1)
    truth = rank(p, labels)
    whole, of_class = truth.macro_average_precision.metric.value, truth.average_precision.value[0]
    held = np.zeros(2)
    for seed in range(250):
        got = rank(*model(150, 3, seed=seed + 2))
        ends = got.macro_average_precision.metric.interval, got.average_precision.metric(0).interval
        held += [low <= x <= high for x, (low, high) in zip((whole, of_class), ends, strict=True)]
    assert np.all(held >= 0.9 * 250), held / 250


def test_two_classes_have_one_auc_and_one_interval():
    p, labels = model(2_000, 2)
    got = rank(p, labels)
    of_class = got.roc_auc.metric(0).interval
    assert got.macro_roc_auc.metric.interval == pytest.approx(of_class, rel=1e-3)


def test_the_macro_interval_is_left_out_where_it_would_cost_too_much(monkeypatch):
    p, labels = model(100, 3)
    monkeypatch.setattr(ranking_module, "JOINT_LIMIT", 299)
    for got in (rank(p, labels), rank(p, labels, limit=0)):
        for macro in (got.macro_roc_auc, got.macro_average_precision):
            assert macro.metric.value is not None
            assert (macro.metric.interval, macro.metric.reason) == (None, "too_many_scores")


def test_classes_without_samples_are_left_out_of_the_mean():
    p, labels = model(500, 4)
    keep = labels != 2
    got = rank(p[keep], labels[keep])
    assert (got.roc_auc.reason[2], got.average_precision.reason[2]) == ("no_true_samples",) * 2
    assert got.n_averaged == 3
    assert got.macro_roc_auc.metric.value == pytest.approx(np.nanmean(got.roc_auc.value), rel=1e-14)
    assert got.macro_roc_auc.metric.interval is not None


def test_perfect_and_reversed_rankings_have_intervals_that_end_there():
    """Of four samples they say little; without them, those printed would miss the truth."""
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.2, 0.8]])
    good, bad = rank(p, [0, 0, 1, 1]), rank(p, [1, 1, 0, 0])
    assert good.roc_auc.value.tolist() == [1, 1]
    assert bad.roc_auc.value.tolist() == [0, 0]
    for perfect in (good.roc_auc.metric(0), good.macro_roc_auc.metric):
        assert perfect.interval[0] < 0.6
        assert perfect.interval[1] == 1
    for reversed_ in (bad.roc_auc.metric(0), bad.macro_roc_auc.metric):
        assert reversed_.interval[0] == 0
        assert reversed_.interval[1] > 0.4
    assert good.average_precision.value.tolist() == [1, 1]


def test_a_single_sample_of_a_class_gives_a_wide_interval():
    p, labels = model(50, 2, seed=1)
    labels[:] = 0
    labels[7] = 1
    low, high = rank(p, labels).roc_auc.metric(1).interval
    assert high - low > 0.5


def test_two_samples_of_each_side_are_enough_for_an_interval():
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.3, 0.7]])
    metric = rank(p, [0, 0, 1, 1]).roc_auc.metric(1)
    assert (metric.value, metric.reason) == (0.5, None)


def test_bounds_cannot_be_changed():
    got = rank(*model(50, 3))
    for bounds in (got.roc_auc_bounds, got.average_precision_bounds):
        with pytest.raises(ValueError, match="read-only"):
            bounds[0] = 0


def test_a_constant_score_ranks_nothing():
    got = rank([[0.5, 0.5]] * 6, [0, 1, 1, 0, 1, 0])
    assert got.roc_auc.value.tolist() == [0.5, 0.5]
    assert got.average_precision.value.tolist() == [0.5, 0.5]


def test_they_are_undefined_without_scores():
    nothing = Ranking.of(RankedScores.of(Scores.of([[np.nan, np.nan]], [0])))
    assert nothing.roc_auc.reason == ("no_scores", "no_scores")
    assert nothing.macro_average_precision.metric.reason == "no_scores"
    assert Ranking.of(RankedScores.empty(3)).macro_roc_auc.metric.reason == "no_samples"


def test_one_class_is_nothing_to_rank():
    got = rank([[1.0], [1.0]], [0, 0])
    assert got.roc_auc.reason == ("no_other_samples",)
    assert got.macro_roc_auc.metric.reason == "constant_labels_or_predictions"


def test_half_precision_is_said():
    p, labels = model(50, 3)
    assert rank(p.astype(np.float16), labels).half_precision
    assert not rank(p.astype(np.float32), labels).half_precision


def test_counts_beyond_64_bits_are_ranked_too():
    many = 3 * 10**9
    groups = Groups.of_bins(np.array([many, many, 0]), np.array([0, many, many]))
    assert ranking_module.roc_auc(groups).metric.value == pytest.approx(0.875, rel=1e-12)


@settings(max_examples=40)
@given(st.lists(st.tuples(maybe, st.integers(0, 1)), max_size=50), cuts, orders)
def test_scores_add_up_below_across_and_above_the_limit(rows, cuts, order):
    for limit in (1_000, 40, 0):

        def of(rows, limit=limit):
            return RankedScores.of(Scores.of(*one_class(rows)), limit)

        assert_adds_up(of, RankedScores.empty(2, limit), rows, cuts, order)


def test_batches_give_the_very_figures_of_the_whole():
    p, labels = model(2_000, 5, dtype=np.float32)
    for limit in (10**6, 3_000):
        parts = [
            RankedScores.of(Scores.of(p[i : i + 128], labels[i : i + 128]), limit)
            for i in range(0, 2_000, 128)
        ]
        total = RankedScores.empty(5, limit)
        for part in reversed(parts):
            total = total + part
        whole = rank(p, labels, limit)
        assert Ranking.of(total).macro_roc_auc == whole.macro_roc_auc
        assert Ranking.of(total).roc_auc == whole.roc_auc
        assert Ranking.of(total).average_precision == whole.average_precision


def test_waiting_scores_are_counted_only_once(monkeypatch):
    monkeypatch.setattr("reportgen.analysis.scoring.ranked_scores._PENDING", 0.001)
    p, labels = model(1_000, 3)
    total = RankedScores.empty(3, 600)
    for i in range(0, 1_000, 50):
        total = total + RankedScores.of(Scores.of(p[i : i + 50], labels[i : i + 50]), 600)
    assert not total.exact
    assert total.n == 1_000
    assert total == RankedScores.of(Scores.of(p, labels), 600)


def test_other_limits_or_classes_do_not_add_up():
    with pytest.raises(ValueError, match="different"):
        _ = RankedScores.empty(2) + RankedScores.empty(3)
    with pytest.raises(ValueError, match="different"):
        _ = RankedScores.empty(2, 5) + RankedScores.empty(2, 6)


@pytest.mark.parametrize(
    ("k", "bins"), [(1, 65_536), (64, 65_536), (65, 32_768), (1_000, 4_096), (21_000, 128)]
)
def test_histograms_of_many_classes_stay_in_memory(k, bins):
    assert fine_bins(k) == bins
