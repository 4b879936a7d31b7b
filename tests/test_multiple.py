"""Adjusted p-values: against statsmodels, by hand, and their laws."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.metrics.multiple_testing import benjamini_hochberg, bonferroni, holm

GOLDEN = Path(__file__).parents[2] / "shared" / "golden" / "seed_fashion.json"

EIGHT = [0.01, 0.04, 0.03, 0.005, 0.5, 0.02, 0.2, 0.9]
BY_HAND = {
    holm: [0.07, 0.16, 0.15, 0.04, 1.0, 0.12, 0.6, 1.0],
    benjamini_hochberg: [0.04, 0.064, 0.06, 0.04, 4 / 7, 0.16 / 3, 1.6 / 6, 0.9],
    bonferroni: [0.08, 0.32, 0.24, 0.04, 1.0, 0.16, 1.0, 1.0],
}

p_lists = st.lists(
    st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.01, 0.05, 1.0, float("nan")])), max_size=30
)


@pytest.mark.parametrize(
    ("method", "expected"), BY_HAND.items(), ids=lambda x: getattr(x, "__name__", "")
)
def test_eight_values_worked_out_by_hand(method, expected):
    found = method(EIGHT)
    np.testing.assert_allclose(found.p, expected, rtol=1e-12)
    assert found.m == 8


@pytest.mark.parametrize(
    ("method", "name"), [(holm, "holm"), (benjamini_hochberg, "fdr_bh"), (bonferroni, "bonferroni")]
)
def test_equals_statsmodels_with_ties(method, name):
    from statsmodels.stats.multitest import multipletests

    rng = np.random.default_rng(7)
    for n in (1, 2, 5, 40):
        p = np.round(rng.random(n) ** 3, 2)
        np.testing.assert_allclose(method(p).p, multipletests(p, method=name)[1], rtol=1e-12)


@pytest.mark.skipif(not GOLDEN.exists(), reason="the golden values are not beside this checkout")
def test_equals_the_golden_recall_tests():
    rows = json.loads(GOLDEN.read_text("utf-8"))["second_minus_first"]["recall_by_class"]
    p = [row["p"] for row in rows]
    np.testing.assert_allclose(holm(p).p, [row["p_holm"] for row in rows], rtol=1e-12)
    np.testing.assert_allclose(
        benjamini_hochberg(p).p, [row["p_fdr_bh"] for row in rows], rtol=1e-12
    )


def test_an_undefined_test_is_not_counted():
    """statsmodels counts the nan in m, and makes 0.03 of 0.01."""
    found = holm([0.01, np.nan, 0.5])
    assert found.m == 2
    np.testing.assert_allclose(found.p, [0.02, np.nan, 0.5])
    assert benjamini_hochberg([np.nan]).m == 0


@given(p_lists)
def test_p_is_at_most_bh_at_most_holm_at_most_bonferroni(p):
    bh, family, plain = (method(p).p for method in (benjamini_hochberg, holm, bonferroni))
    known = ~np.isnan(np.array(p, float))
    slack = 1 + 1e-12
    assert np.all(np.array(p, float)[known] <= bh[known] * slack)
    assert np.all(bh[known] <= family[known] * slack)
    assert np.all(family[known] <= plain[known] * slack)
    assert np.all(plain[known] <= 1)
    assert np.isnan(bh[~known]).all()


@given(p_lists, st.randoms())
def test_the_order_of_the_tests_does_not_matter(p, order):
    places = list(range(len(p)))
    order.shuffle(places)
    for method in (benjamini_hochberg, holm):
        np.testing.assert_array_equal(method([p[i] for i in places]).p, method(p).p[places])


def test_the_largest_p_is_its_own_bh_value():
    assert benjamini_hochberg([0.1, 0.2, 0.7]).p[2] == 0.7


def test_what_is_no_p_value_is_refused():
    for bad in ([1.5], [-0.1], [[0.1]]):
        with pytest.raises(ValueError, match=r"0\.\.1"):
            holm(bad)
