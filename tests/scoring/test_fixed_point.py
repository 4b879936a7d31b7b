"""Sums are exact, whatever the order: compared with fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import digamma

from reportgen.analysis.scoring.calibration import bin_indices
from reportgen.analysis.scoring.exact_sums import FixedSums, Moments, exact_sum, harmonic_gap
from tests.scoring.samples import assert_adds_up, cuts, orders

unit = st.lists(st.one_of(st.floats(0, 1, width=32), st.floats(0, 1)), max_size=50)


@given(unit)
def test_sums_in_cells_are_exact_to_the_unit(values):
    sums = FixedSums.of_cells(np.zeros(len(values), int), np.array(values, float), (2,))
    exact = sum((Fraction(round(Fraction(v) * 2**80), 2**80) for v in values), Fraction())
    small = Fraction(int(sums.fraction[0]), 2**53) + Fraction(int(sums.rest[0]), 2**80)
    assert int(sums.whole[0]) + small == exact
    assert (sums.whole[1], sums.fraction[1], sums.rest[1]) == (0, 0, 0)
    assert 0 <= sums.fraction[0] < 2**53
    assert 0 <= sums.rest[0] < 2**27
    assert sums.value[0] == pytest.approx(float(exact), rel=1e-15)


@given(unit, st.integers(1, 4))
def test_columns_have_the_sums_of_their_cells(values, k):
    numbers = np.array(values[: len(values) // k * k], float)
    columns = np.arange(len(numbers)) % k
    whole = FixedSums.of_columns(numbers.reshape(-1, k))
    assert whole == FixedSums.of_cells(columns, numbers, (k,))
    some = numbers > 0.5
    large, small = (FixedSums.of_cells(columns[at], numbers[at], (k,)) for at in (some, ~some))
    assert whole - large == small
    table = whole.in_column(1, 3)
    assert table.value.tolist() == [[0, value, 0] for value in whole.value.tolist()]


@given(unit, cuts, orders)
def test_sums_in_cells_add_up(values, cuts, order):
    cell = [(v, int(v * 2.999)) for v in values]

    def of(rows):
        numbers = np.array([row[0] for row in rows], float)
        return FixedSums.of_cells(np.array([row[1] for row in rows], int), numbers, (3,)), len(rows)

    class Tally(tuple):
        def __add__(self, other):
            return Tally((self[0] + other[0], self[1] + other[1]))

    assert_adds_up(lambda r: Tally(of(r)), Tally((FixedSums.zeros((3,)), 0)), cell, cuts, order)


def test_a_hundred_million_ones_and_a_small_part_are_not_rounded():
    many = FixedSums(np.array([10**8]), np.array([0]), np.array([0]))
    small = FixedSums.of_cells(np.zeros(3, int), np.array([2.0**-53 + 2.0**-80] * 3), (1,))
    total = many + small
    assert (total.whole.item(), total.fraction.item(), total.rest.item()) == (10**8, 3, 3)
    assert total.below(np.array([10**8])).item() == -3 * (2.0**-53 + 2.0**-80)
    assert total[[0, 0]].rest.tolist() == [3, 3]


@given(unit)
def test_what_is_missing_from_a_count_has_all_its_digits(values):
    sums = FixedSums.of_cells(np.zeros(len(values), int), np.array(values, float), (1,))
    exact = len(values) - sum((Fraction(v) for v in values), Fraction())
    unit = Fraction(len(values), 2**81)
    got = Fraction(sums.below(np.array([len(values)])).item())
    assert abs(got - exact) <= unit + abs(exact) * Fraction(1, 2**50)


def test_carries_reach_the_whole_part():
    three_halves = FixedSums.of_cells(np.zeros(3, int), np.array([0.5] * 3), (1,))
    assert (three_halves.whole.item(), three_halves.fraction.item()) == (1, 2**52)
    assert (three_halves + three_halves).whole.item() == 3
    half, small = np.array([2**52, 2**52 - 1]), np.array([2**26, 2**26])
    both = FixedSums(np.array([1, 1]), half, small).summed(axis=0)
    assert (both.whole.item(), both.fraction.item(), both.rest.item()) == (3, 0, 0)


def test_sums_of_other_shapes_do_not_add_up():
    with pytest.raises(ValueError, match="shape"):
        _ = FixedSums.zeros((2,)) + FixedSums.zeros((3,))


@given(st.lists(st.floats(0, 45), max_size=30))
def test_the_exact_sum_is_the_sum_of_fractions(values):
    exact = sum((Fraction(v) for v in values), Fraction())
    got = Fraction(exact_sum(np.array(values, float)), 2**78)
    assert abs(got - exact) <= Fraction(len(values), 2**78)


@given(st.lists(st.floats(0, 45), min_size=2, max_size=30))
def test_mean_and_standard_error_are_those_of_scipy(values):
    moments = Moments.of(values)
    assert moments.mean == pytest.approx(math.fsum(values) / len(values), rel=1e-14, abs=1e-20)
    expected = stats.sem(np.array(values))
    assert moments.standard_error == pytest.approx(
        expected, rel=1e-9, abs=1e-6 * max(values) + 1e-11
    )


def test_equal_numbers_have_no_standard_error():
    assert Moments.of([0.1] * 7).standard_error == 0
    assert Moments.of([3.3]).standard_error == 0
    assert Moments.of(np.full(200_000, 36.04)).standard_error == 0


def test_the_standard_error_survives_a_large_mean():
    values = 30 + 1e-3 * np.arange(10)
    assert Moments.of(values).standard_error == pytest.approx(stats.sem(values), rel=1e-6)


@given(st.lists(st.floats(0, 45), max_size=50), cuts, orders)
def test_moments_add_up(values, cuts, order):
    assert_adds_up(Moments.of, Moments(), values, cuts, order)


@given(st.integers(0, 10**5), st.integers(0, 300))
def test_harmonic_gaps_are_sums_of_fractions(start, count):
    exact = math.fsum(1 / k for k in range(start + 1, start + count + 1))
    assert harmonic_gap(start, count) == pytest.approx(exact, rel=1e-14, abs=5e-16)


def test_harmonic_gaps_reach_far():
    expected = digamma(1e9 + 1) - digamma(1.0)
    assert harmonic_gap(0, 10**9) == pytest.approx(expected, rel=1e-14)
    assert harmonic_gap(10**9, 1) == pytest.approx(1 / (10**9 + 1), rel=1e-15)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("n_bins", [10, 15, 50])
def test_an_edge_belongs_to_the_bin_below_it_in_every_type(dtype, n_bins):
    edges = np.array([b / n_bins for b in range(n_bins + 1)]).astype(dtype)
    bins = bin_indices(edges.astype(np.float64), n_bins, float(np.finfo(dtype).eps))
    assert bins.tolist() == [0, *range(n_bins)]


def test_nine_decimals_decide_what_is_on_an_edge():
    near = np.array([0.6 + 1e-8 / 15, 0.6 + 4e-10 / 15, 0.6 - 1e-8 / 15])
    assert bin_indices(near, 15, float(np.finfo(np.float64).eps)).tolist() == [9, 8, 8]
