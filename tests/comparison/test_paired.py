"""Statistics of two models on the same samples: against references, a likelihood, and laws."""

import json
import math

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from reportgen.analysis.slices import newcombe
from reportgen.comparison import (
    mcnemar_bounds,
    mcnemar_exact_p,
    mcnemar_mid_p,
    non_inferiority_p,
    tango,
    tango_z,
)
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics.intervals import quantile, wilson

counts = st.integers(1, 400).flatmap(
    lambda n: st.tuples(st.integers(0, n), st.just(n)).flatmap(
        lambda t: st.tuples(st.just(t[0]), st.integers(0, t[1] - t[0]), st.just(t[1]))
    )
)
"""(gained, lost, n)"""


def likeliest_variance(gained, lost, n, delta):
    """Of gained - lost, the share of lost ones found by a numeric maximum of the likelihood."""
    low, high = max(0.0, -delta), (1 - delta) / 2

    def against(q):
        shares = q + delta, q, 1 - 2 * q - delta
        cells = gained, lost, n - gained - lost
        return -sum(
            k * math.log(max(share, 1e-300)) for k, share in zip(cells, shares, strict=True) if k
        )

    found = minimize_scalar(against, bounds=(low, high), method="bounded", options={"xatol": 1e-12})
    return n * (2 * found.x + delta - delta * delta)


@pytest.mark.parametrize(
    ("gained", "lost", "n"), [(12, 5, 60), (1, 9, 40), (180, 220, 10_000), (3, 3, 10)]
)
@pytest.mark.parametrize("delta", [-0.3, -0.05, -0.005, 0.001, 0.04, 0.25])
def test_tangos_z_is_that_of_the_likeliest_shares(gained, lost, n, delta):
    variance = likeliest_variance(gained, lost, n, delta)
    expected = (gained - lost - n * delta) / math.sqrt(variance)
    assert tango_z(gained, lost, n, delta) == pytest.approx(expected, rel=1e-5)


def test_published_example_of_tango():
    """Tango 1998, table III: 0 gained, 0 lost and others of 44 samples; also Newcombe's b = 1."""
    z = quantile()
    assert tango(0, 0, 44) == pytest.approx((-(z**2) / (44 + z**2), z**2 / (44 + z**2)), abs=1e-12)
    assert tango(0, 0, 100) == pytest.approx((-0.037, 0.037), abs=5e-5)


@given(st.integers(0, 60), st.integers(0, 60))
def test_where_all_disagree_it_is_wilsons_interval_of_the_gained_share(gained, lost):
    """Corners as well: everything gained, everything lost, a single sample."""
    n = gained + lost
    assume(n)
    ends = [2 * float(end) - 1 for end in wilson(gained, n)]
    assert tango(gained, lost, n) == pytest.approx(ends, abs=1e-9)


@given(counts, st.sampled_from([0.9, 0.95, 0.99]))
@example((0, 0, 400), 0.95)
def test_tangos_interval_holds_the_difference_and_never_collapses(t, confidence):
    gained, lost, n = t
    low, high = tango(gained, lost, n, confidence)
    assert -1 <= low <= (gained - lost) / n <= high <= 1
    assert high - low > 0.5 / n


@given(counts)
def test_the_sides_mirror(t):
    gained, lost, n = t
    low, high = tango(gained, lost, n)
    assert tango(lost, gained, n) == pytest.approx((-high, -low), abs=1e-12)
    assert mcnemar_mid_p(gained, lost) == mcnemar_mid_p(lost, gained)
    assert mcnemar_exact_p(gained, lost) == mcnemar_exact_p(lost, gained)
    assert tango_z(gained, lost, n, 0.1) == pytest.approx(-tango_z(lost, gained, n, -0.1))


@given(counts, st.floats(-0.99, 0.99))
def test_a_difference_is_inside_the_interval_just_where_the_test_allows_it(t, delta):
    low, high = tango(*t)
    z = tango_z(*t, delta)
    assume(abs(abs(z) - quantile()) > 1e-6)
    assert (low < delta < high) == (abs(z) < quantile())


@given(counts, st.floats(-0.99, 0.98), st.floats(1e-3, 0.5))
def test_z_falls_as_the_difference_grows(t, delta, more):
    assert tango_z(*t, min(delta + more, 1.0)) <= tango_z(*t, delta) + 1e-9


@given(counts)
def test_at_0_z_is_mcnemars(t):
    gained, lost, n = t
    expected = (gained - lost) / math.sqrt(gained + lost) if gained + lost else 0.0
    assert tango_z(gained, lost, n, 0.0) == pytest.approx(expected)


@given(counts, st.floats(0, 0.5))
def test_non_inferiority_is_shown_just_where_the_lower_bound_says_so(t, margin):
    p = non_inferiority_p(*t, margin)
    assume(abs(p - 0.05) > 1e-6)
    assert (p < 0.05) == (tango(*t, 0.90)[0] > -margin)


def test_worked_rows_of_non_inferiority():
    assert non_inferiority_p(180, 220, 10_000, 0.005) == pytest.approx(0.309, abs=5e-4)
    assert mcnemar_mid_p(180, 220) == pytest.approx(0.046, abs=5e-4)
    assert non_inferiority_p(210, 190, 10_000, 0.005) == pytest.approx(0.00026, abs=5e-6)
    assert non_inferiority_p(180, 220, 10_000, 0.01) < non_inferiority_p(180, 220, 10_000, 0.005)


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (0, 5), (3, 9), (7, 7), (120, 80), (1, 0)])
def test_mcnemars_exact_test_equals_statsmodels_and_mid_p_takes_half_the_point(gained, lost):
    from scipy.stats import binom
    from statsmodels.stats.contingency_tables import mcnemar

    exact = mcnemar([[10, gained], [lost, 20]], exact=True).pvalue
    assert mcnemar_exact_p(gained, lost) == pytest.approx(exact, rel=1e-10)
    fewer, n = min(gained, lost), gained + lost
    below = binom.cdf(fewer - 1, n, 0.5) if fewer else 0.0
    expected = min(2 * (below + binom.pmf(fewer, n, 0.5) / 2), 1.0)
    assert mcnemar_mid_p(gained, lost) == pytest.approx(expected, rel=1e-10)


@given(st.integers(0, 2_000), st.integers(0, 2_000))
def test_mid_p_is_no_larger_than_the_exact_one(gained, lost):
    assert 0 <= mcnemar_mid_p(gained, lost) <= mcnemar_exact_p(gained, lost) <= 1


def test_models_that_never_disagree_have_p_1():
    assert mcnemar_mid_p(0, 0) == 1 == mcnemar_exact_p(0, 0)


def test_millions_of_samples_are_no_trouble():
    low, high = tango(250_000, 251_000, 10_000_000)
    assert low < -0.0001 < high
    assert mcnemar_mid_p(250_000, 251_000) == pytest.approx(0.1577, abs=1e-3)


@pytest.mark.parametrize("t", [(1, 0, 0), (-1, 0, 5), (3, 3, 5)])
def test_impossible_counts_are_refused(t):
    with pytest.raises(ValueError, match="gained"):
        tango(*t)


def test_impossible_shares_are_refused():
    with pytest.raises(ValueError, match="difference"):
        tango_z(1, 1, 5, 1.5)
    with pytest.raises(ValueError, match="margin"):
        non_inferiority_p(1, 1, 5, -0.1)


@settings(deadline=None)
@given(counts)
def test_the_unpaired_interval_is_newcombes_and_narrower_at_90_percent(t):
    gained, lost, n = t
    wide = newcombe(gained, n, lost, n)
    assert wide == newcombe(gained, n, lost, n, 0.95)
    narrow = newcombe(gained, n, lost, n, 0.90)
    assert wide[0] <= narrow[0] <= narrow[1] <= wide[1]


def test_bounds_by_hand():
    """Class 0: 8 and 6 right of 10, so 2 to 6 discordant; class 1: 4 and 5 of 5: 1 to 1."""
    baseline = ConfusionMatrix.from_counts([[8, 2], [1, 4]])
    candidate = ConfusionMatrix.from_counts([[6, 4], [0, 5]])
    bounds = mcnemar_bounds(baseline, candidate)
    assert (bounds.difference, bounds.discordant) == (-1, (3, 7))
    assert bounds.chi2 == pytest.approx((1 / 7, 1 / 3))
    assert bounds.p == pytest.approx((math.erfc(math.sqrt(1 / 6)), math.erfc(math.sqrt(1 / 14))))


def test_bounds_of_equal_and_of_perfect_matrices():
    same = ConfusionMatrix.from_counts([[8, 2], [1, 4]])
    assert mcnemar_bounds(same, same).chi2 == (0, 0)
    perfect = ConfusionMatrix.from_counts([[8, 0], [0, 4]])
    assert mcnemar_bounds(perfect, perfect).p == (1, 1)


def test_bounds_of_different_data_are_refused():
    with pytest.raises(ValueError, match="class totals differ"):
        mcnemar_bounds(
            ConfusionMatrix.from_counts([[8, 2], [1, 4]]),
            ConfusionMatrix.from_counts([[8, 3], [1, 4]]),
        )


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_pairing_lies_between_the_bounds(seed):
    rng = np.random.default_rng(seed)
    truth, before, after = rng.integers(0, 3, (3, 40))
    matrices = [ConfusionMatrix.from_labels(truth, said, 3) for said in (before, after)]
    bounds = mcnemar_bounds(*matrices)
    discordant = int(np.count_nonzero((before == truth) != (after == truth)))
    assert bounds.discordant[0] <= discordant <= bounds.discordant[1]


def test_bounds_of_the_fashion_matrices_are_the_golden_ones(shared):
    golden = json.loads(shared("golden/seed_fashion.json").read_text("utf-8"))
    matrices = [ConfusionMatrix.from_counts(golden[side]["matrix"]) for side in ("first", "second")]
    expected = golden["second_minus_first"]["discordant_if_same_samples"]
    bounds = mcnemar_bounds(*matrices)
    assert bounds.discordant == (expected["at_least"], expected["at_most"]) == (2_838, 14_028)
    assert bounds.difference == expected["b_minus_a"]
    ends = expected["mcnemar_chi2_at_least"], expected["mcnemar_chi2_at_most"]
    assert bounds.chi2 == pytest.approx(ends, rel=1e-12)
    assert max(bounds.p) < 1e-40
