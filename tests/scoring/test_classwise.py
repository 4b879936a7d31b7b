"""Class-wise calibration error: each class against the rest, by hand and by scikit-learn's bins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from reportgen.analysis.scoring import ClasswiseBins, RankedScores, Scores
from reportgen.analysis.scoring import calibration as classwise
from reportgen.analysis.scoring.calibration import bin_indices
from reportgen.analysis.scoring.exact_sums import FixedSums
from reportgen.metrics import Metric
from tests.scoring.samples import assert_adds_up, cuts, maybe, model, orders


def of(p, labels):
    """The bins and their figure."""
    scores = Scores.of(p, labels)
    bins = ClasswiseBins.of(scores)
    return bins, bins.metric(RankedScores.of(scores))


@pytest.mark.parametrize(("n", "k"), [(3_000, 4), (500, 700)])
def test_it_is_the_mean_of_one_against_rest_errors(n, k):
    p, labels = model(n, k)
    bins, metric = of(p, labels)
    expected = []
    for c in range(min(k, 20)):
        share, mean = calibration_curve(labels == c, p[:, c], n_bins=15)
        sizes = np.histogram(p[:, c], np.linspace(0, 1, 16))[0]
        expected.append(sizes[sizes > 0] @ np.abs(share - mean) / n)
    assert bins.errors()[: len(expected)] == pytest.approx(expected, rel=1e-9)
    assert metric.value == pytest.approx(bins.errors().mean(), rel=1e-15)
    assert 0 <= metric.interval[0] < metric.value < metric.interval[1]
    assert bins.n == n


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [2, 15, 40])
def test_the_first_bins_have_all_that_is_in_no_other(k, dtype):
    rng = np.random.default_rng(k)
    p = rng.dirichlet(np.full(k, 0.02), 300).astype(dtype)  # some below the unit of sums
    p[:4] = [1 / k] * k
    labels = rng.integers(0, k, len(p))
    found = ClasswiseBins.of(Scores.of(p, labels))
    cells = bin_indices(p.astype(np.float64), 15, np.finfo(dtype).eps) + 15 * np.arange(k)
    shape = k, 15
    assert found.counts.ravel().tolist() == np.bincount(cells.ravel(), minlength=15 * k).tolist()
    own = cells[np.arange(len(p)), labels]
    assert found.positives.ravel().tolist() == np.bincount(own, minlength=15 * k).tolist()
    values = p.astype(np.float64).ravel()
    assert found.probabilities == FixedSums.of_cells(cells.ravel(), values, shape)


def test_by_hand_with_a_class_that_never_occurs():
    bins, metric = of([[0.7, 0.2, 0.1], [0.7, 0.3, 0.0]], [0, 1])
    # class 0: one bin, 1 of 2, mean 0.7; class 1: bins of 0.2 (0 of 1) and 0.3 (1 of 1);
    # class 2: bins of 0.1 and 0, both never
    assert bins.errors() == pytest.approx([0.2, (0.2 + 0.7) / 2, 0.05])
    assert metric.value == pytest.approx((0.2 + 0.45 + 0.05) / 3)


def test_it_is_undefined_without_scores():
    assert ClasswiseBins.empty(3).metric(RankedScores.empty(3)).reason == "no_samples"
    assert np.isnan(ClasswiseBins.empty(3).errors()).all()
    assert of([[np.nan, np.nan]], [0])[1].reason == "no_scores"


def test_it_has_no_interval_at_0_and_where_there_are_too_many_scores(monkeypatch):
    assert of(np.eye(3), [0, 1, 2])[1] == Metric(0, None, "no_errors_seen")
    wrong = of(np.eye(2), [1, 0])[1]
    assert (wrong.value, wrong.reason) == (1, "no_interval")
    scores = Scores.of(*model(100, 3))
    binned = ClasswiseBins.of(scores).metric(RankedScores.of(scores, 0))
    assert (binned.interval, binned.reason) == (None, "too_many_scores")
    monkeypatch.setattr(classwise, "JOINT_LIMIT", 299)
    assert of(*model(100, 3))[1].reason == "too_many_scores"
    assert of(*model(99, 3))[1].interval is not None


def test_the_upper_end_is_that_of_resampling_the_samples():
    p, labels = model(2_000, 4, sharp=4)
    p, labels = p[labels != 3], labels[labels != 3]  # every gap is far from 0
    value, (_, high) = of(p, labels)[1].value, of(p, labels)[1].interval
    rng = np.random.default_rng(0)
    draws = [
        of(p[i], labels[i])[1].value
        for i in (rng.integers(0, len(p), len(p)) for _ in range(200))
    ]  # fmt: skip
    assert (high - value) / 1.959964 == pytest.approx(np.std(draws), rel=0.15)


def test_what_is_left_without_bias_is_the_mean_over_two_noisy_halves():
    """The direction from gap + noise, the size from gap - noise, drawn instead of integrated."""
    bins, _ = of(*model(300, 3))
    n, mean = bins.counts, bins.probabilities.value / np.maximum(bins.counts, 1)
    gaps = bins.probabilities.below(bins.positives)
    seen = bins.positives * (1 - 2 * mean) + n * mean**2
    error = np.sqrt(np.maximum(seen, n * mean * (1 - mean)))
    noise = error * np.random.default_rng(0).standard_normal((20_000, *n.shape))
    expected = (np.sign(gaps + noise) * (gaps - noise)).sum(axis=(1, 2)).mean() / bins.n / 3
    assert bins._debiased() == pytest.approx(expected, abs=2e-4)
    assert bins._debiased() < bins.errors().mean() - 0.01


@pytest.mark.parametrize("exponent", [1.0, 0.7])
def test_the_interval_holds_the_truth_of_calibrated_models_and_others(exponent):
    """97% and more of 150 test sets of 300 samples."""

    def drawn(rng, n):
        p = np.exp(rng.normal(0, 2, (n, 4)))
        p /= p.sum(axis=1, keepdims=True)
        q = p**exponent
        q /= q.sum(axis=1, keepdims=True)
        return p, (q.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)

    rng = np.random.default_rng(0)
    truth = 0.0 if exponent == 1 else of(*drawn(rng, 200_000))[1].value
    ends = [of(*drawn(rng, 300))[1].interval for _ in range(150)]
    assert np.mean([low <= truth <= high for low, high in ends]) >= 0.94


@given(orders)
def test_the_interval_is_the_same_to_the_last_bit_in_any_order(order):
    p, labels = model(60, 3)
    at = list(range(60))
    order.shuffle(at)
    assert of(p[at], labels[at])[1] == of(p, labels)[1]


def test_other_numbers_of_classes_do_not_add_up():
    with pytest.raises(ValueError, match="classes"):
        _ = ClasswiseBins.empty(3) + ClasswiseBins.empty(2)


@given(st.lists(st.tuples(maybe, st.integers(0, 1)), max_size=50), cuts, orders)
def test_it_adds_up(rows, cuts, order):
    def tally(rows):
        p = np.array([row[0] for row in rows], float)
        return ClasswiseBins.of(
            Scores.of(np.stack([p, 1 - p], axis=1), np.array([row[1] for row in rows], int))
        )

    assert_adds_up(tally, ClasswiseBins.empty(2), rows, cuts, order)
