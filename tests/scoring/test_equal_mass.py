"""Equal-mass calibration error: against numpy's own split, and from histograms within its bound."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given

from reportgen.analysis.scoring import Answers, EqualMassCalibration, of_answers, ranked_answers
from reportgen.analysis.scoring.calibration import _split_error
from reportgen.analysis.scoring.ranked_scores import Groups
from tests.scoring.samples import answers, answers_of


def equal_mass(confidence, right, limit=10**6):
    return EqualMassCalibration.of(of_answers(Answers.of(confidence, right), limit)).ece


def by_fractions(rows):
    """Samples spread over bins one by one, those of equal confidence as their average."""
    n = len(rows)
    ordered = sorted(rows)
    average = {}
    for confidence, _ in rows:
        tied = [right for other, right in rows if other == confidence]
        average[confidence] = Fraction(sum(tied), len(tied))
    gaps = [average[c] - Fraction(c) for c, _ in ordered]
    cuts = [len(part) for part in np.array_split(np.arange(n), 15)]
    ends = np.concatenate([[0], np.cumsum(cuts)]).tolist()
    return sum((abs(sum(gaps[a:b], Fraction())) for a, b in pairwise(ends)), Fraction()) / n


@pytest.mark.parametrize("n", [1, 14, 15, 1_000, 1_007])
def test_it_is_that_of_numpys_split_of_the_sorted_samples(n):
    confidence, right = answers_of(n)
    order = np.argsort(confidence)
    parts = np.array_split(np.stack([confidence, right])[:, order], 15, axis=1)
    expected = sum(abs(part[1].sum() - part[0].sum()) for part in parts) / n
    got = equal_mass(confidence, right)
    assert got.metric.value == pytest.approx(expected, rel=1e-12)
    assert (got.exact, got.error) == (True, 0)


@given(answers)
def test_samples_of_equal_confidence_are_interchangeable(rows):
    if rows:
        confidence, right = zip(*rows, strict=True)
        got = equal_mass(np.array(confidence), np.array(right)).metric.value
        assert got == pytest.approx(float(by_fractions(rows)), rel=1e-11, abs=1e-14)


@given(answers)
def test_histograms_keep_it_within_the_stated_bounds(rows):
    if rows:
        confidence, right = (np.array(column) for column in zip(*rows, strict=True))
        exact, binned = equal_mass(confidence, right), equal_mass(confidence, right, limit=0)
        assert not binned.exact
        assert binned.lowest - 1e-14 <= exact.metric.value <= binned.highest + 1e-14


def test_bins_of_a_peaked_model_are_bounded_by_more_than_their_width():
    # all in one histogram bin, the wrong ones lowest: their order is lost, and the bound says so
    confidence = 1 - np.linspace(1e-6, 1e-9, 150)
    right = np.arange(150) >= 50
    exact, binned = equal_mass(confidence, right), equal_mass(confidence, right, limit=0)
    assert exact.metric.value == pytest.approx(1 / 3, abs=1e-5)
    assert binned.lowest <= exact.metric.value <= binned.highest
    assert binned.error > 2**-17


def test_the_bound_by_hand():
    # 10 right and 20 wrong answers in one bin. Of m below an edge a third is expected to be right;
    # it may be as few as m - 20, or 0, and as many as m, or 10
    groups = Groups(np.array([0.5]), np.array([10]), np.array([20]), 1.0)
    worst = [max(m / 3 - max(m - 20, 0), min(m, 10) - m / 3) for m in range(2, 30, 2)]
    assert _split_error(groups, list(range(0, 31, 2))) == pytest.approx(sum(worst))
    assert _split_error(groups, [0] + [16] * 14 + [30]) == pytest.approx(14 * 16 / 3)
    two = equal_mass(np.array([0.5] * 2), np.array([True, False]), limit=0)
    assert two.highest == pytest.approx(two.metric.value + 2**-17 + 2 * 0.5 / 2)


def test_it_has_an_interval_and_a_chance_level():
    found = EqualMassCalibration.of(of_answers(Answers.of(*answers_of(2_000))))
    low, high = found.ece.metric.interval
    assert low < found.ece.metric.value < high
    assert 0 < found.chance.mean < found.chance.high < found.ece.metric.value


def test_it_is_undefined_without_confidences():
    nothing = EqualMassCalibration.of(of_answers(Answers.of([np.nan], [True])))
    assert (nothing.ece.metric.reason, nothing.chance, nothing.ece.error) == ("no_scores", None, 0)
    assert EqualMassCalibration.of(ranked_answers()).ece.metric.reason == "no_samples"
