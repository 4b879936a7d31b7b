"""Tests that allow for the choice of the worst: answers by scipy, and how often they err."""

from collections import Counter

import numpy as np
import pytest
from scipy.stats import binom, binomtest, chi2_contingency, hypergeom

from reportgen.analysis.confusions import (
    SIGNIFICANT,
    beats_constant_p,
    confusion_p,
    grown_p,
    lowest_share,
    most_confused,
    prediction_bias,
    recall_by_size_p,
    simultaneous,
    top_confusions,
)
from reportgen.confusion_matrix import ConfusionMatrix


def matrix(counts):
    return ConfusionMatrix.from_counts(np.array(counts))


def even(k, n, accuracy, rng, imbalance=1.0):
    """Random errors of equally good classes, the largest `imbalance` times the smallest."""
    weights = np.geomspace(1, imbalance, k)
    sizes = np.maximum(np.rint(n * weights / weights.sum()).astype(int), 1)
    shares = np.full((k, k), (1 - accuracy) / (k - 1))
    np.fill_diagonal(shares, accuracy)
    return matrix([rng.multinomial(m, p) for m, p in zip(sizes, shares, strict=True)])


def test_the_lowest_of_three_is_tested_against_the_others_and_corrected_for_three():
    found = lowest_share([1_600, 1_800, 1_800], [2_000, 2_000, 2_000])
    table = [[1_600, 400], [3_600, 400]]
    p = chi2_contingency(table, correction=False).pvalue
    assert (found.n, found.lowest) == (3, 0)
    assert found.p.tolist() == pytest.approx([min(3 * p, 1), 1, 1])
    assert found.significant == [0]


def test_few_expected_errors_are_tested_exactly():
    """Of 1,010 samples 14 are wrong, 4 of them in a class of 10."""
    found = lowest_share([6, 990], [10, 1000])
    assert found.p[0] == pytest.approx(2 * 2 * hypergeom.sf(3, 1010, 14, 10))
    same = lowest_share([0, 30], [5, 50])
    assert same.p[0] == pytest.approx(2 * 2 * hypergeom.cdf(0, 55, 30, 5))


def test_a_low_share_of_few_samples_is_no_lowest_class():
    found = lowest_share([1, 950, 960], [2, 1000, 1000])
    assert (found.lowest, found.significant) == (0, [])
    assert lowest_share([5, 0], [9, 0]) is None
    assert lowest_share([3, 29], [10, 30], least=30) is None
    assert lowest_share([9, 9], [9, 9]).p.tolist() == [1, 1]


def test_what_the_lowest_would_be_by_chance_is_a_median():
    rng = np.random.default_rng(1)
    drawn = np.sort(rng.binomial(100, 0.8, (20_000, 50)).min(axis=1) / 100)
    found = lowest_share([80] * 50, [100] * 50)
    below = np.mean(drawn <= found.by_chance - 0.01), np.mean(drawn <= found.by_chance + 0.01)
    assert below[0] < 0.5 < below[1]


def test_a_chosen_class_has_an_interval_that_allows_for_the_choice():
    low, high = simultaneous(85, 100, 10)
    exact = binomtest(85, 100).proportion_ci(1 - 0.05 / 10, method="exact")
    assert (low, high) == pytest.approx((exact.low, exact.high))


def test_a_pair_is_measured_by_errors_that_are_spread_evenly():
    """Classes 0 and 1 have 30 errors each; 1/3 of the 60, 20, would be between them."""
    found = most_confused(matrix([[70, 22, 4, 4], [20, 70, 5, 5], [5, 5, 85, 5], [5, 5, 5, 85]]))
    assert (found.a, found.b, found.count, found.ties) == (0, 1, 42, 1)
    assert found.expected == pytest.approx(20)
    assert found.p == pytest.approx(6 * binomtest(42, 60, 1 / 3, "greater").pvalue)
    turned = most_confused(matrix([[70, 20, 10], [22, 70, 8], [1, 1, 98]]))
    assert (turned.a, turned.b) == (1, 0)
    assert most_confused(matrix([[9, 1], [1, 9]])) is None
    assert most_confused(matrix(np.eye(3, dtype=int))) is None


def test_one_direction_is_corrected_for_all_of_them():
    counts = matrix([[70, 22, 4, 4], [20, 70, 5, 5], [5, 5, 85, 5], [5, 5, 5, 85]])
    p = binomtest(22, 30, 1 / 3, "greater").pvalue
    assert confusion_p(counts, 0, 1) == pytest.approx(12 * p)
    assert confusion_p(matrix([[9, 1], [1, 9]]), 0, 1) == 1


def test_the_most_frequent_confusions_are_measured_by_the_largest_quantiles():
    counts = matrix([[50, 10, 40], [25, 50, 25], [25, 25, 50]])
    found = top_confusions(counts, 2)
    end = next(k for k in range(101) if binom.sf(k, 50, 0.5) <= 0.05 / 6)
    assert (found.n, found.of, found.share) == (2, 6, 65 / 150)
    assert found.by_chance == pytest.approx(2 * end / 150)
    assert not found.significant
    assert top_confusions(matrix([[9, 0], [0, 9]]), 2) is None


def test_predictions_of_a_class_are_weighed_against_its_samples():
    p = prediction_bias(matrix([[80, 20, 0], [5, 95, 0], [0, 0, 100]]))
    sign = binomtest(5, 25).pvalue
    assert p[:2].tolist() == pytest.approx([2 * sign, 2 * sign])
    assert np.isnan(p[2])


def test_a_confusion_that_grew_is_corrected_for_all():
    before, after = matrix([[90, 10], [5, 95]]), matrix([[70, 30], [4, 96]])
    p = grown_p(before, after)
    assert p[0, 1] == pytest.approx(2 * binomtest(30, 40).pvalue)
    assert p[1, 0] == 1
    other = grown_p(matrix([[90, 10], [5, 95]]), matrix([[180, 20], [5, 95]]))
    assert other[0, 1] == 1  # twice the samples, twice the errors


def test_class_size_matters_only_beyond_random_deals_of_the_correct():
    counts = matrix([[90, 10], [6, 4]])
    seen = 94 / 110 - (0.9 + 0.4) / 2
    k = np.arange(11)
    apart = np.abs(94 / 110 - ((94 - k) / 100 + k / 10) / 2)
    exact = hypergeom.pmf(k, 110, 94, 10)[apart >= seen - 1e-12].sum()
    assert recall_by_size_p(counts) == pytest.approx(exact, abs=0.01)
    assert recall_by_size_p(matrix([[9, 1], [1, 9]])) == 1
    assert recall_by_size_p(matrix([[9, 0], [0, 5]])) == 1
    assert recall_by_size_p(matrix([[9, 0], [0, 0]])) == 1


def test_a_model_is_weighed_against_the_commonest_class():
    won = beats_constant_p(matrix([[95, 5], [2, 18]]))
    assert won == pytest.approx((binomtest(5, 23).pvalue, 1))
    lost = beats_constant_p(matrix([[70, 30], [2, 8]]))
    assert lost == pytest.approx((1, 2 * binomtest(8, 38).pvalue))
    assert beats_constant_p(matrix([[9, 0], [9, 0]])) == (1, 1)


@pytest.mark.parametrize(
    ("k", "n", "accuracy"), [(2, 200, 0.9), (10, 2_000, 0.8), (10, 500, 0.95), (100, 5_000, 0.9)]
)
def test_where_nothing_is_wrong_little_is_significant(k, n, accuracy):
    rng, found = np.random.default_rng(20261130), Counter()
    for _ in range(200):
        one = even(k, n, accuracy, rng)
        uneven = even(k, n, accuracy, rng, imbalance=20)
        for kind, sizes in (("recall", one.true_totals), ("precision", one.predicted_totals)):
            low = lowest_share(one.diagonal, sizes, 30 if kind == "precision" else 1)
            found[kind] += bool(low and low.significant)
        low = lowest_share(uneven.diagonal, uneven.true_totals)
        found["recall of uneven classes"] += bool(low.significant)
        found["size"] += recall_by_size_p(uneven) < SIGNIFICANT
        pair, top = most_confused(one), top_confusions(one, 10)
        found["pair"] += bool(pair and pair.significant)
        found["top"] += bool(top and top.significant)
        found["bias"] += bool(np.nanmin(prediction_bias(one), initial=1) < SIGNIFICANT)
        grown = grown_p(one, even(k, n, accuracy, rng))
        found["grown"] += min(grown.values()) < SIGNIFICANT
    assert max(found.values()) <= 16, found


@pytest.mark.parametrize(
    ("groups", "size", "share"), [(100, 50, 0.9), (100, 50, 0.8), (10, 200, 0.9)]
)
def test_equal_groups_are_significant_in_at_most_5_percent_of_test_sets(groups, size, share):
    rng = np.random.default_rng(1)
    found = [
        bool(lowest_share(rng.binomial(size, share, groups), np.full(groups, size)).significant)
        for _ in range(1_000)
    ]
    assert np.mean(found) <= 0.05
