"""Two independent proportions: against statsmodels, scipy and the golden file."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportgen.analysis.slices import newcombe, two_sided_p
from reportgen.analysis.slices.table import _fisher

GOLDEN = Path(__file__).parents[3] / "shared" / "golden" / "seed_fashion.json"

groups = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(deadline=None)  # the first call imports statsmodels
@given(groups, groups)
def test_newcombe_equals_statsmodels(one, other):
    from statsmodels.stats.proportion import confint_proportions_2indep

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # statsmodels divides 0 by 0 on its way
        expected = confint_proportions_2indep(*one, *other, method="newcomb", compare="diff")
    np.testing.assert_allclose(newcombe(*one, *other), expected, rtol=1e-9, atol=1e-12)


@given(groups, groups)
def test_newcombe_holds_the_difference_and_mirrors(one, other):
    low, high = newcombe(*one, *other)
    assert -1 <= low <= one[0] / one[1] - other[0] / other[1] <= high <= 1
    np.testing.assert_allclose(newcombe(*other, *one), (-high, -low), atol=1e-15)


@settings(deadline=None)  # the first call imports scipy
@given(groups, groups)
def test_small_groups_have_fishers_p(one, other):
    from scipy.stats import fisher_exact

    (hits, n), (other_hits, m) = one, other
    expected = fisher_exact([[hits, n - hits], [other_hits, m - other_hits]]).pvalue
    assert _fisher(hits, n, hits + other_hits, n + m) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("hits", "n", "other", "m"), [(80, 100, 900, 1000), (50, 100, 50, 100), (7, 12, 500, 1000)]
)
def test_large_groups_have_the_p_of_chi_square_without_correction(hits, n, other, m):
    from scipy.stats import chi2_contingency

    expected = chi2_contingency([[hits, n - hits], [other, m - other]], correction=False).pvalue
    assert two_sided_p(hits, n, other, m) == pytest.approx(expected, rel=1e-12)


def test_the_exact_test_begins_where_an_expected_count_is_below_five():
    """10 of 110 samples wrong, 55 in each group: 5 expected. One wrong less: 4.5."""
    from scipy.stats import chi2_contingency, fisher_exact

    at, below = [[47, 8], [53, 2]], [[48, 7], [53, 2]]
    assert two_sided_p(47, 55, 53, 55) == pytest.approx(
        chi2_contingency(at, correction=False).pvalue
    )
    assert two_sided_p(48, 55, 53, 55) == pytest.approx(fisher_exact(below).pvalue)


def test_one_wrong_sample_is_no_proof():
    """Its score test has p = 10⁻¹¹⁰."""
    assert two_sided_p(0, 1, 999, 1000) == pytest.approx(2 / 1001)


def test_groups_that_are_all_right_do_not_differ():
    assert two_sided_p(5, 5, 1000, 1000) == 1
    assert two_sided_p(0, 5, 0, 1000) == 1
    assert two_sided_p(0, 10**6, 0, 10**7) == 1
    low, high = newcombe(5, 5, 1000, 1000)
    assert low < 0 < high


def test_large_counts_do_not_overflow():
    assert 0 < two_sided_p(9 * 10**9, 10**10, 9 * 10**9 + 10**5, 10**10) < 0.05


@given(groups, groups)
def test_p_is_symmetric_and_a_probability(one, other):
    p = two_sided_p(*one, *other)
    assert 0 <= p <= 1
    assert two_sided_p(*other, *one) == pytest.approx(p, rel=1e-9)


@pytest.mark.skipif(not GOLDEN.exists(), reason="the golden values are not beside this checkout")
def test_equals_the_golden_difference_of_two_matrices():
    golden = json.loads(GOLDEN.read_text("utf-8"))
    first, second = (int(np.trace(golden[name]["matrix"])) for name in ("first", "second"))
    expected = golden["second_minus_first"]
    found = newcombe(second, 60_000, first, 60_000)
    np.testing.assert_allclose(found, expected["newcomb"], rtol=1e-12)
    p = two_sided_p(second, 60_000, first, 60_000)
    assert p == pytest.approx(expected["p_two_sided"], rel=1e-9)
