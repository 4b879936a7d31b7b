"""Class-wise calibration error: each class against the rest, by hand and by scikit-learn's bins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from reportgen.scoring import ClasswiseBins, Scores
from tests.scoring.samples import assert_adds_up, cuts, maybe, model, orders


@pytest.mark.parametrize(("n", "k"), [(3_000, 4), (500, 700)])
def test_it_is_the_mean_of_one_against_rest_errors(n, k):
    p, labels = model(n, k)
    bins = ClasswiseBins.of(Scores.of(p, labels))
    expected = []
    for c in range(min(k, 20)):
        share, mean = calibration_curve(labels == c, p[:, c], n_bins=15)
        sizes = np.histogram(p[:, c], np.linspace(0, 1, 16))[0]
        expected.append(sizes[sizes > 0] @ np.abs(share - mean) / n)
    assert bins.errors()[: len(expected)] == pytest.approx(expected, rel=1e-9)
    assert bins.metric().value == pytest.approx(bins.errors().mean(), rel=1e-15)
    assert (bins.metric().interval, bins.metric().reason) == (None, "no_interval")
    assert bins.n == n


def test_by_hand_with_a_class_that_never_occurs():
    bins = ClasswiseBins.of(Scores.of([[0.7, 0.2, 0.1], [0.7, 0.3, 0.0]], [0, 1]))
    # class 0: one bin, 1 of 2, mean 0.7; class 1: bins of 0.2 (0 of 1) and 0.3 (1 of 1);
    # class 2: bins of 0.1 and 0, both never
    assert bins.errors() == pytest.approx([0.2, (0.2 + 0.7) / 2, 0.05])
    assert bins.metric().value == pytest.approx((0.2 + 0.45 + 0.05) / 3)


def test_it_is_undefined_without_scores():
    assert ClasswiseBins.empty(3).metric().reason == "no_samples"
    assert np.isnan(ClasswiseBins.empty(3).errors()).all()
    assert ClasswiseBins.of(Scores.of([[np.nan, np.nan]], [0])).metric().reason == "no_scores"


def test_other_numbers_of_classes_do_not_add_up():
    with pytest.raises(ValueError, match="classes"):
        _ = ClasswiseBins.empty(3) + ClasswiseBins.empty(2)


@given(st.lists(st.tuples(maybe, st.integers(0, 1)), max_size=50), cuts, orders)
def test_it_adds_up(rows, cuts, order):
    def of(rows):
        p = np.array([row[0] for row in rows], float)
        return ClasswiseBins.of(
            Scores.of(np.stack([p, 1 - p], axis=1), np.array([row[1] for row in rows], int))
        )

    assert_adds_up(of, ClasswiseBins.empty(2), rows, cuts, order)
