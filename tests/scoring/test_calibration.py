"""Calibration error in equal-width bins: against exact fractions, scikit-learn, and simulation."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from sklearn.calibration import calibration_curve
from statsmodels.stats.proportion import proportion_confint

from reportgen.analysis.scoring import Answers, Calibration, CalibrationBins
from reportgen.analysis.scoring.calibration import Cells, chance_level, mce_metric
from tests.scoring.samples import answers, answers_of, answers_or_none, assert_adds_up, cuts, orders


def bins_of(rows):
    confidence = np.array([row[0] for row in rows], float)
    return CalibrationBins.of(Answers.of(confidence, [row[1] for row in rows]))


def exact_errors(rows, n_bins=15):
    """(ECE, MCE) in fractions of the decimals that the confidences are written with."""
    gaps, sizes = [Fraction(0)] * n_bins, [0] * n_bins
    for confidence, right in rows:
        scaled = Fraction(str(confidence)) * n_bins
        b = max(-(-scaled.numerator // scaled.denominator) - 1, 0)  # ceiling - 1: (a, b]
        gaps[b] += right - Fraction(str(confidence))
        sizes[b] += 1
    per_bin = [abs(gap) / size for gap, size in zip(gaps, sizes, strict=True) if size]
    return sum(map(abs, gaps), Fraction()) / len(rows), max(per_bin)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounded_confidences_fall_into_the_bins_that_their_decimals_say(dtype):
    rng = np.random.default_rng(5)
    for n in (1, 2, 12, 300):
        rows = [
            (round(float(c), 1), bool(r))
            for c, r in zip(rng.random(n), rng.random(n) < 0.5, strict=True)
        ]
        confidence = np.array([c for c, _ in rows]).astype(dtype)
        found = Calibration.of(CalibrationBins.of(Answers.of(confidence, [r for _, r in rows])))
        ece, mce = exact_errors(rows)
        tolerance = 1e-12 if dtype is np.float64 else 1e-7
        assert found.ece.value == pytest.approx(float(ece), rel=tolerance, abs=tolerance)
        assert found.mce.value == pytest.approx(float(mce), rel=tolerance, abs=tolerance)


def test_the_edge_rule_by_hand():
    # 0.2, 0.4 and 0.6 close the bins that end at 3/15, 6/15 and 9/15; with [a, b) they would open
    # the next ones, and share them with 0.25, 0.45 and 0.65
    rows = [(0.2, True), (0.25, False), (0.4, True), (0.45, False), (0.6, False), (0.65, True)]
    found = Calibration.of(bins_of(rows))
    assert [bar.n for bar in found.bins] == [0, 0, 1, 1, 0, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0]
    assert found.ece.value == pytest.approx((0.8 + 0.25 + 0.6 + 0.45 + 0.6 + 0.35) / 6, rel=1e-12)
    assert found.mce.value == pytest.approx(0.8, rel=1e-12)


@pytest.mark.parametrize("n", [1, 50, 5_000, 100_000])
def test_it_is_that_of_scikit_learns_bins(n):
    confidence, right = answers_of(n)
    found = Calibration.of(CalibrationBins.of(Answers.of(confidence, right)))
    accuracy, mean = calibration_curve(right, confidence, n_bins=15)
    bars = [bar for bar in found.bins if bar.n]
    assert [bar.accuracy.value for bar in bars] == pytest.approx(accuracy, rel=1e-12)
    assert [bar.confidence for bar in bars] == pytest.approx(mean, rel=1e-12)
    sizes = np.array([bar.n for bar in bars])
    assert found.ece.value == pytest.approx(sizes @ np.abs(accuracy - mean) / n, rel=1e-11)
    assert found.mce.value == pytest.approx(np.abs(accuracy - mean).max(), rel=1e-11)
    assert found.mean_confidence == pytest.approx(confidence.mean(), rel=1e-12)
    assert sum(bar.n for bar in found.bins) == n


def test_bars_have_wilson_intervals_and_empty_ones_are_blank():
    found = Calibration.of(bins_of([(0.95, True)] * 7 + [(0.95, False)] * 2))
    last = found.bins[-1]
    assert (last.low, last.high, last.n, last.n_correct) == (14 / 15, 1.0, 9, 7)
    assert last.accuracy.interval == pytest.approx(
        proportion_confint(7, 9, method="wilson"), rel=1e-12
    )
    first = found.bins[0]
    assert (first.n, first.accuracy.value, first.accuracy.reason, first.confidence) == (
        0,
        None,
        "no_samples",
        None,
    )


def test_the_axes_are_not_swapped():
    found = Calibration.of(bins_of([(0.9, True)] * 3 + [(0.9, False)] * 7))
    bar = found.bins[13]
    assert bar.accuracy.value == pytest.approx(0.3)
    assert bar.confidence == pytest.approx(0.9)
    assert found.mean_confidence > bar.accuracy.value


@given(answers)
def test_the_error_is_a_share_and_never_above_the_largest_gap(rows):
    found = Calibration.of(bins_of(rows))
    if not rows:
        assert found.ece.reason == "no_samples"
        return
    assert 0 <= found.ece.value <= found.mce.value + 1e-15 <= 1 + 1e-15
    if found.ece.interval:
        low, high = found.ece.interval
        assert 0 <= low <= found.ece.value <= high <= 1


def test_it_is_0_where_every_bin_is_as_right_as_it_is_sure():
    rows = [(0.75, True), (0.75, True), (0.75, True), (0.75, False), (0.5, True), (0.5, False)]
    assert Calibration.of(bins_of(rows)).ece.value == 0


@given(answers_or_none, cuts, orders)
def test_bins_add_up(rows, cuts, order):
    assert_adds_up(bins_of, CalibrationBins.empty(), rows, cuts, order)


def test_without_confidences_it_is_undefined():
    found = Calibration.of(CalibrationBins.of(Answers.of([np.nan], [True])))
    assert (found.ece.value, found.ece.reason) == (None, "no_scores")
    assert (found.mce.reason, found.chance, found.mean_confidence) == ("no_scores", None, None)
    assert len(found.bins) == 15


def test_sure_and_right_has_no_interval():
    assert Calibration.of(bins_of([(1.0, True)] * 5)).ece.reason == "no_errors_seen"
    sure_and_wrong = Calibration.of(bins_of([(1.0, False)] * 5)).ece
    assert (sure_and_wrong.value, sure_and_wrong.reason) == (1, "no_interval")


def drawn_by_sample(confidence, draws, seed=1):
    """The ECE of `draws` perfectly calibrated models, every sample drawn."""
    rng = np.random.default_rng(seed)
    b = np.clip(np.ceil(confidence * 15).astype(int) - 1, 0, 14)
    onto = np.eye(15)[b]
    gaps = ((rng.random((draws, len(confidence))) < confidence) - confidence) @ onto
    return np.abs(gaps).sum(axis=1) / len(confidence)


@pytest.mark.parametrize("n", [30, 1_000])
def test_the_chance_level_is_that_of_drawing_every_sample(n):
    confidence, right = answers_of(n, seed=3)
    chance = Calibration.of(CalibrationBins.of(Answers.of(confidence, right))).chance
    expected = drawn_by_sample(confidence, 4_000)
    assert chance.mean == pytest.approx(expected.mean(), rel=0.03)
    assert chance.high == pytest.approx(np.quantile(expected, 0.95), rel=0.06)


def test_the_chance_level_of_one_bin_has_the_exact_spread():
    # half of the bin at 0.94, half at 1: the mean alone would give 0.97 · 0.03, 1.03 times as much
    n = 4_000
    confidence = np.repeat([0.94, 1.0], n // 2)
    cells = CalibrationBins.of(Answers.of(confidence, np.ones(n, bool))).cells()
    spread = np.sqrt(n / 2 * 0.94 * 0.06) / n
    assert chance_level(cells, draws=40_000).mean == pytest.approx(
        np.sqrt(2 / np.pi) * spread, rel=0.01
    )


def test_the_interval_is_the_infinitesimal_jackknife_with_one_more_confident_error():
    rng = np.random.default_rng(4)
    confidence = 0.5 + rng.random(500) / 2
    right = rng.random(500) < confidence - 0.3
    found = Calibration.of(CalibrationBins.of(Answers.of(confidence, right))).ece
    b = np.clip(np.ceil(confidence * 15).astype(int) - 1, 0, 14)
    gaps = np.bincount(b, right - confidence, minlength=15)
    pulls = np.sign(gaps)[b] * (right - confidence)
    half = 1.959964 * np.sqrt(np.square(pulls - pulls.mean()).sum() + 1) / 500
    low, high = found.interval
    assert high == pytest.approx(found.value + half, rel=1e-6)
    assert low == pytest.approx(found.value - half, abs=1e-3)  # no gap of these is but chance


def test_the_interval_of_a_sure_model_holds_its_error_though_no_error_is_seen():
    """The bootstrap, of 200 answers without an error, ends below the truth."""
    found = Calibration.of(CalibrationBins.of(Answers.of(np.full(200, 0.998), [True] * 200))).ece
    low, high = found.interval
    assert low == 0
    assert high > 0.008  # of answers that are right in 99 of 100, 13% of test sets have no error


def test_a_calibrated_model_is_not_told_from_a_perfect_one():
    rng = np.random.default_rng(2)
    outside = 0
    for _ in range(100):
        confidence = 0.2 + 0.8 * rng.beta(5, 1, 500)
        right = rng.random(500) < confidence
        low, _ = Calibration.of(CalibrationBins.of(Answers.of(confidence, right))).ece.interval
        outside += low > 0
    assert outside <= 12  # 5 expected


def test_the_same_samples_give_the_same_figures_and_another_seed_another_chance_level():
    bins = CalibrationBins.of(Answers.of(*answers_of(300)))
    assert Calibration.of(bins) == Calibration.of(bins)
    assert Calibration.of(bins, seed=1).chance.mean != Calibration.of(bins).chance.mean
    assert Calibration.of(bins, seed=1).ece.value == Calibration.of(bins).ece.value


def test_cells_know_their_errors():
    counts = np.array([[1.0, 0.0, 2.0], [1.0, 0.0, 0.0]])
    cells = Cells(counts, counts * 0.5, counts * 0.25, np.array([0.0, 0.0, -1.0]))
    assert (cells.ece, cells.mce) == (0.25, 0.5)


def test_the_largest_gap_has_the_simultaneous_intervals_of_all_bins():
    right_of = [(0.95, 93, 100), (0.75, 1, 2)]  # gaps 0.02 and 0.25
    rows = [(c, i < k) for c, k, n in right_of for i in range(n)]
    metric = Calibration.of(bins_of(rows)).mce
    z = 2.2414027276049473  # both at once: 1 - 0.025 / 2
    ends = []
    for c, k, n in right_of:
        centre, half = (k + z * z / 2) / (n + z * z), z * np.sqrt(k * (n - k) / n + z * z / 4)
        ends.append((centre - half / (n + z * z) - c, centre + half / (n + z * z) - c))
    assert metric.value == pytest.approx(0.25)
    (low_1, high_1), (low_2, high_2) = ends
    assert low_1 < 0 < high_1  # neither is surely off
    assert low_2 < 0 < high_2
    assert metric.interval == pytest.approx((0, max(-low_1, high_1, -low_2, high_2)))


def test_a_gap_that_is_sure_bounds_the_largest_from_below_on_either_side():
    for rows, low in (([(0.9, False)] * 40, 0.8), ([(0.1, True)] * 40, 0.8)):
        metric = Calibration.of(bins_of(rows)).mce
        assert metric.value == pytest.approx(0.9)
        assert low < metric.interval[0] < 0.9 <= metric.interval[1] < 0.9 + 1e-12


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_the_interval_of_the_largest_gap_holds_the_truth(power):
    """94% or more of 300 test sets of 400 answers: calibrated, and far too sure."""
    rng = np.random.default_rng(0)
    edges = np.linspace(0, 1, 16)
    a, b = edges[3:-1], edges[4:]
    gaps = (b**2 - a**2) / 2 - (b ** (power + 1) - a ** (power + 1)) / (power + 1)
    truth = float(np.max(gaps / (b - a)))
    held = 0
    for _ in range(300):
        c = rng.uniform(0.2, 1, 400)
        cells = CalibrationBins.of(Answers.of(c, rng.random(400) < c**power)).cells()
        low, high = mce_metric(cells).interval
        held += low <= truth <= high
    assert held >= 0.92 * 300
