"""Histograms of confidence, and the risk-coverage curve: by hand, by fractions, by simulation."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from reportgen.analysis.scoring import (
    Answers,
    ConfidenceHistogram,
    RiskCoverage,
    of_answers,
    ranked_answers,
)
from reportgen.analysis.scoring import selective_prediction as risk_coverage
from reportgen.metrics import Metric, wilson
from tests.scoring.samples import answers, answers_of, answers_or_none, assert_adds_up, cuts, orders


def columns(rows):
    return np.array([row[0] for row in rows], float), np.array([row[1] for row in rows], bool)


def curve(confidence, right, limit=10**6):
    return RiskCoverage.of(of_answers(Answers.of(confidence, right), limit))


def histogram_of(rows):
    return ConfidenceHistogram.of(Answers.of(*columns(rows)))


def test_histograms_count_right_and_wrong_answers_apart():
    histogram = histogram_of([(0.02, True), (0.021, False), (0.0, False), (1.0, True), (1.0, True)])
    assert histogram.right[[0, 49]].tolist() == [1, 2]
    assert histogram.wrong[:2].tolist() == [1, 1]
    assert histogram.counts.sum() == 5


@given(answers_or_none, cuts, orders)
def test_histograms_add_up(rows, cuts, order):
    assert_adds_up(histogram_of, ConfidenceHistogram.empty(), rows, cuts, order)


def test_histograms_count_what_is_missing():
    assert ConfidenceHistogram.of(Answers.of([np.nan, 0.5], [True, True])).n_without == 1


def expected_risks(rows):
    """Risk after each accepted sample, equal confidences in random order on average: fractions."""
    risks, accepted, errors = [], 0, Fraction(0)
    for confidence in sorted({c for c, _ in rows}, reverse=True):
        tied = [right for c, right in rows if c == confidence]
        share = Fraction(tied.count(False), len(tied))
        for i in range(1, len(tied) + 1):
            risks.append((errors + i * share) / (accepted + i))
        accepted, errors = accepted + len(tied), errors + tied.count(False)
    return risks


@given(answers)
def test_the_area_is_the_mean_of_all_risks(rows):
    found = curve(*columns(rows))
    if not rows:
        assert found.aurc.metric.reason == "no_samples"
        return
    risks = expected_risks(rows)
    assert found.aurc.metric.value == pytest.approx(float(sum(risks) / len(risks)), rel=1e-12)
    best = expected_risks([(1.0 if right else 0.0, right) for _, right in rows if right] +
                          [(-i, False) for i in range(sum(not r for _, r in rows))])  # fmt: skip
    assert found.optimal_aurc.value == pytest.approx(float(sum(best) / len(best)), rel=1e-12)
    excess = float(sum(risks) / len(risks) - sum(best) / len(best))
    assert found.excess_aurc.metric.value == pytest.approx(excess, rel=1e-11, abs=1e-15)
    assert found.excess_aurc.metric.value >= 0


def test_the_optimum_of_4_errors_in_12_is_the_published_one():
    confidence = np.linspace(0.3, 0.9, 12)
    right = np.arange(12) % 3 > 0
    assert curve(confidence, right).optimal_aurc.value == pytest.approx(0.076431, abs=5e-7)


def test_many_errors_and_few_have_one_optimum(monkeypatch):
    confidence, right = answers_of(3_000)
    direct = curve(confidence, right).optimal_aurc.value
    monkeypatch.setattr("reportgen.analysis.scoring.selective_prediction._DIRECT", 0)
    assert curve(confidence, right).optimal_aurc.value == pytest.approx(direct, rel=1e-12)


@pytest.mark.parametrize("n_ties", [1, 100, 100_000])
def test_large_groups_of_equal_confidence_are_summed_to_full_precision(n_ties):
    n = 3 * n_ties
    confidence = np.repeat([0.9, 0.8, 0.7], n_ties)
    right = np.tile([True, True, True, True, False], n)[:n]
    wrong = [int(np.sum(~part)) for part in np.split(right, 3)]
    total = before = errors = 0.0
    for w in wrong:
        i = np.arange(1, n_ties + 1)
        total += np.sum((errors + i * w / n_ties) / (before + i))
        before, errors = before + n_ties, errors + w
    assert curve(confidence, right).aurc.metric.value == pytest.approx(
        total / n, rel=1e-12, abs=1e-300
    )


@pytest.mark.parametrize("decimals", [1, 2, 9])
def test_the_area_does_not_depend_on_the_size_of_the_pieces(monkeypatch, decimals):
    confidence, right = answers_of(500)
    confidence = confidence.round(decimals)
    whole = curve(confidence, right).aurc.metric
    monkeypatch.setattr("reportgen.analysis.scoring.selective_prediction._PIECE", 7)
    pieces = curve(confidence, right).aurc.metric
    assert pieces.value == pytest.approx(whole.value, rel=1e-13)
    assert pieces.interval == pytest.approx(whole.interval, rel=1e-12)


@given(answers)
def test_histograms_keep_the_area_within_the_stated_bounds(rows):
    if rows:
        exact, binned = curve(*columns(rows)), curve(*columns(rows), limit=0)
        assert exact.aurc.exact
        assert not binned.aurc.exact
        for a, b in ((exact.aurc, binned.aurc), (exact.excess_aurc, binned.excess_aurc)):
            assert a.error == 0
            assert b.lowest - 1e-12 <= a.metric.value <= b.highest + 1e-12
        assert exact.optimal_aurc == binned.optimal_aurc


@pytest.mark.parametrize("rising", [True, False])
def test_the_bounds_are_reached_by_the_worst_and_the_best_order_inside_a_bin(rising):
    confidence = 1 - np.linspace(1e-6, 1e-9, 60)
    right = np.arange(60) >= 20 if rising else np.arange(60) < 40
    exact, binned = curve(confidence, right), curve(confidence, right, limit=0)
    reached = binned.aurc.lowest if rising else binned.aurc.highest
    assert exact.aurc.metric.value == pytest.approx(reached, rel=1e-12)
    assert binned.aurc.lowest < binned.aurc.metric.value < binned.aurc.highest


def test_the_curve_is_made_of_thresholds_that_can_be_used():
    confidence, right = answers_of(5_000)
    found = curve(confidence, right)
    assert len(found.thresholds) <= 201
    for t, coverage, risk in zip(found.thresholds, found.coverage, found.risk, strict=True):
        taken = confidence >= t
        assert coverage == pytest.approx(taken.mean(), rel=1e-12)
        assert risk == pytest.approx((~right[taken]).mean(), rel=1e-12)
    assert found.coverage[-1] == 1
    assert np.diff(found.coverage).max() < 0.006
    assert found.coverage[0] == 1 / 5_000


def test_the_curve_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        curve([0.5], [True]).risk[0] = 1


def test_binned_thresholds_can_be_used_too():
    confidence, right = answers_of(5_000)
    found = curve(confidence, right, limit=0)
    for t, coverage, risk in zip(found.thresholds, found.coverage, found.risk, strict=True):
        taken = confidence >= t
        assert coverage == pytest.approx(taken.mean(), rel=1e-12)
        assert risk == pytest.approx((~right[taken]).mean(), rel=1e-12)


@given(answers)
def test_operating_points_are_those_of_trying_every_threshold(rows):
    if not rows:
        return
    confidence, right = columns(rows)
    found = curve(confidence, right)
    tried = [(confidence >= t, t) for t in sorted(set(confidence))]
    enough = [
        (t, mask) for mask, t in tried if Fraction(int(mask.sum()), len(rows)) >= Fraction(9, 10)
    ]
    t, mask = max(enough, key=lambda item: item[0])
    point = found.at_target_coverage
    assert (point.threshold, point.n_accepted) == (t, mask.sum())
    assert (point.n_errors, point.n) == ((~right[mask]).sum(), len(rows))
    good = [(t, mask) for mask, t in tried if 100 * (~right[mask]).sum() <= mask.sum()]
    point = found.at_target_error
    if not good:
        assert (point.threshold, point.n_accepted, point.coverage) == (None, 0, 0)
        assert point.error().reason == "no_samples"
    else:
        t, mask = min(good, key=lambda item: item[0])
        assert (point.threshold, point.n_accepted) == (t, mask.sum())


def test_targets_are_met_at_equality():
    confidence = np.linspace(0.99, 0.5, 200)
    right = np.ones(200, bool)
    right[[50, 150, 151]] = False
    point = curve(confidence, right).at_target_error
    assert (point.n_accepted, point.n_errors) == (150, 1)
    right[149] = False
    point = curve(confidence, right).at_target_error
    assert (point.n_accepted, point.n_errors) == (149, 1)
    assert curve(confidence, right).at_target_coverage.n_accepted == 180
    right[:] = True
    right[99] = False  # 1 of 100 is exactly 1%
    right[100:] = False
    assert curve(confidence, right).at_target_error.n_accepted == 100


def test_operating_points_have_intervals_where_they_can():
    confidence, right = answers_of(1_000)
    found = curve(confidence, right)
    point = found.at_target_coverage
    low, high = wilson(point.n_errors, point.n_accepted)
    assert point.error().interval == (float(low), float(high))
    assert point.coverage == 0.9


def tried_one_by_one(confidence, right):
    """(surely, at best guess, perhaps): the most answers with at most 1% errors, by Wilson."""
    found = [0, 0, 0]
    for t in sorted(set(confidence), reverse=True):
        taken = confidence >= t
        n, k = int(taken.sum()), int((~right[taken]).sum())
        low, high = wilson(k, n)
        fits = float(high) <= 0.01, 100 * k <= n, float(low) <= 0.01
        found = [n if fit else before for fit, before in zip(fits, found, strict=True)]
    return found


@pytest.mark.parametrize("decimals", [1, 2, 15])
@pytest.mark.parametrize(("n", "error"), [(2_000, 0.02), (900, 0.0), (600, 0.5), (1, 0.0)])
def test_coverage_reaches_from_what_is_surely_good_enough_to_what_may_be(n, error, decimals):
    rng = np.random.default_rng(3)
    confidence = rng.random(n).round(decimals)
    right = rng.random(n) >= 2 * error * (1 - confidence)
    surely, guess, perhaps = tried_one_by_one(confidence, right)
    for limit in (10**6, 0):
        found = curve(confidence, right, limit).coverage_at_target_error
        assert found.value == guess / n
        low, high = float(wilson(surely, n)[0]), float(wilson(perhaps, n)[1])
        assert found.interval == pytest.approx((low, high), rel=1e-12)


def test_the_interval_of_coverage_holds_the_truth():
    """97% or more of 200 test sets of 1,500 answers: errors rise steadily, or in a step."""
    rng = np.random.default_rng(0)
    for error, truth in ((lambda c: 0.04 * (1 - c), 0.5), (lambda c: 0.3 * (c < 0.4), 0.6 / 0.967)):
        held = 0
        for _ in range(200):
            confidence = rng.random(1_500)
            right = rng.random(1_500) >= error(confidence)
            low, high = curve(confidence, right).coverage_at_target_error.interval
            held += low <= truth <= high
        assert held >= 0.93 * 200


@pytest.mark.parametrize("decimals", [1, 15])
def test_the_standard_error_of_the_excess_is_that_of_the_bootstrap(monkeypatch, decimals):
    monkeypatch.setattr(risk_coverage, "one_sided_error_bound", lambda n: 0.0)
    confidence, right = answers_of(2_000, seed=7)
    confidence = np.round(confidence, decimals)
    metric = curve(confidence, right).excess_aurc.metric
    ends = logit(np.array(metric.interval))
    rng = np.random.default_rng(0)
    draws = logit(np.array([
        curve(confidence[i], right[i]).excess_aurc.metric.value
        for i in (rng.integers(0, 2_000, 2_000) for _ in range(400))
    ]))  # fmt: skip
    assert (ends[1] - ends[0]) / 2 / 1.959964 == pytest.approx(draws.std(), rel=0.1)
    assert draws.std() < 0.9 * logit_of_area(confidence, right)  # it is not that of the area


def logit(x):
    return np.log(x) - np.log1p(-x)


def logit_of_area(confidence, right):
    """The standard error of the area, on the scale of the excess."""
    found = curve(confidence, right)
    low, high = logit(np.array(found.aurc.metric.interval))
    area, excess = found.aurc.metric.value, found.excess_aurc.metric.value
    return (high - low) / 2 / 1.959964 * area * (1 - area) / (excess * (1 - excess))


def test_above_the_excess_there_is_room_for_rare_confident_errors(monkeypatch):
    confidence, right = answers_of(200, seed=3)
    low, high = curve(confidence, right).excess_aurc.metric.interval
    monkeypatch.setattr(risk_coverage, "one_sided_error_bound", lambda n: 0.0)
    metric = curve(confidence, right).excess_aurc.metric
    room = np.hypot(metric.interval[1] - metric.value, 1 - 0.05 ** (1 / 200))
    assert (low, high) == pytest.approx((metric.interval[0], metric.value + room))


def test_the_interval_of_the_excess_holds_the_truth_though_few_errors_make_it():
    """92% or more of 200 test sets: one answer of a thousand is wrong and sure."""

    def drawn(rng, n):
        confidence = rng.random(n)
        return confidence, rng.random(n) < np.where(confidence > 0.1, 0.999, 0.3)

    rng = np.random.default_rng(0)
    truth = curve(*drawn(rng, 500_000)).excess_aurc.metric.value
    ends = [curve(*drawn(rng, 2_000)).excess_aurc.metric.interval for _ in range(200)]
    assert np.mean([low <= truth <= high for low, high in ends]) >= 0.9


@pytest.mark.parametrize("limit", [10**6, 0])
def test_a_perfect_ranking_has_an_excess_of_exactly_0(limit):
    for n in range(40, 6, -1):  # some leave a rest of rounding
        confidence, right = np.linspace(0.1, 0.9, n), np.arange(n) >= 3
        perfect = curve(confidence, right, limit).excess_aurc
        assert perfect.metric == Metric(0.0, None, "no_errors_seen")
    confidence[2] = confidence[3]  # tied: by chance the wrong one comes first
    tied = curve(confidence, right, limit).excess_aurc.metric
    assert tied.value > 0
    assert tied.interval is not None


@pytest.mark.parametrize("decimals", [0, 1, 15])
def test_the_standard_error_of_the_area_is_that_of_the_bootstrap(decimals):
    confidence, right = answers_of(2_000, seed=7)
    confidence = np.round(confidence, decimals)
    low, high = curve(confidence, right).aurc.metric.interval
    rng = np.random.default_rng(0)
    draws = [
        curve(confidence[i], right[i]).aurc.metric.value
        for i in (rng.integers(0, 2_000, 2_000) for _ in range(400))
    ]
    logits = np.log(draws) - np.log1p(-np.array(draws))
    half = (np.log(high / (1 - high)) - np.log(low / (1 - low))) / 2 / 1.959964
    assert half == pytest.approx(logits.std(), rel=0.1)


def test_the_area_at_its_ends_has_no_interval():
    perfect, hopeless = curve([0.5, 0.9], [True, True]).aurc, curve([0.5, 0.9], [False, False]).aurc
    assert (perfect.metric.value, perfect.metric.reason) == (0, "no_errors_seen")
    assert (hopeless.metric.value, hopeless.metric.reason) == (1, "none_right")
    assert curve([0.5, 0.5], [False, True]).aurc.metric.value == 0.5


def test_the_curve_is_undefined_without_confidences():
    nothing = RiskCoverage.of(of_answers(Answers.of([np.nan], [True])))
    assert nothing.aurc.metric.reason == nothing.optimal_aurc.reason == "no_scores"
    assert (nothing.at_target_error, nothing.at_target_coverage) == (None, None)
    assert len(nothing.coverage) == 0
    assert RiskCoverage.of(ranked_answers()).excess_aurc.metric.reason == "no_samples"


def ranked_of(limit):
    return lambda rows: of_answers(Answers.of(*columns(rows)), limit)


@settings(max_examples=50)
@given(answers_or_none, cuts, orders)
def test_ranked_answers_add_up_below_across_and_above_the_limit(rows, cuts, order):
    for limit in (1_000, 20, 0):
        assert_adds_up(ranked_of(limit), ranked_answers(limit), rows, cuts, order)


def test_many_small_batches_are_kept_in_few_pieces():
    confidence, right = answers_of(3_000)
    tally = ranked_answers()
    for i in range(3_000):
        tally += of_answers(Answers.of(confidence[i : i + 1], right[i : i + 1]))
    assert len(tally.chunks) <= 12
    assert tally.n == 3_000
    assert RiskCoverage.of(tally).aurc == curve(confidence, right).aurc


def test_scores_of_both_precisions_add_up_exactly():
    double = of_answers(Answers.of(np.array([0.1, 0.7]), [True, False]))
    single = of_answers(Answers.of(np.float32([0.1, 0.7]), [False, True]))
    (groups,) = (double + single).groups()
    assert groups.scores.tolist() == sorted(
        [0.1, 0.7, float(np.float32(0.1)), float(np.float32(0.7))]
    )


def test_a_loop_may_use_its_arrays_again():
    buffer, right = np.array([0.5, 0.75]), np.array([True, False])
    tally = of_answers(Answers.of(buffer, right))
    buffer[:], right[:] = 0, False
    (groups,) = tally.groups()
    assert groups.scores.tolist() == [0.5, 0.75]
    assert groups.positives.tolist() == [1, 0]
