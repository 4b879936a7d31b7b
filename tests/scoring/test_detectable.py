"""What a test set can show: the published table, and the formula put back into itself."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reportgen.analysis.scoring import (
    DISCORDANCES,
    minimum_detectable_difference,
    non_inferiority_samples,
)

TABLE = {
    500: (1.77, 2.79, 3.95, 5.59),
    1_000: (1.25, 1.98, 2.80, 3.96),
    2_000: (0.89, 1.40, 1.98, 2.80),
    10_000: (0.40, 0.63, 0.89, 1.25),
    50_000: (0.18, 0.28, 0.40, 0.56),
}


@pytest.mark.parametrize("n", TABLE)
def test_the_table_is_reproduced(n):
    points = [100 * minimum_detectable_difference(n, psi).value for psi in DISCORDANCES]
    assert [round(x, 2) for x in points] == list(TABLE[n])


@given(st.integers(30, 10**7), st.floats(0.01, 1), st.floats(0.001, 0.2), st.floats(0.5, 0.99))
def test_it_solves_connors_equation(n, psi, alpha, power):
    d = minimum_detectable_difference(n, psi, alpha=alpha, power=power).value
    if d is not None:
        a, b = stats.norm.ppf(1 - alpha / 2), stats.norm.ppf(power)
        needed = ((a * math.sqrt(psi) + b * math.sqrt(psi - d * d)) / d) ** 2
        assert needed == pytest.approx(n, rel=1e-9)


def test_too_few_samples_find_no_difference_at_all():
    assert minimum_detectable_difference(0, 0.1).reason == "no_samples"
    for n in (1, 3, 4, 20):
        assert minimum_detectable_difference(n, 0.05).reason == "too_few_samples"
    metric = minimum_detectable_difference(500, 0.05)
    assert (metric.interval, metric.reason) == (None, "no_interval")


def test_the_samples_of_non_inferiority_are_the_published_ones():
    assert [non_inferiority_samples(0.05, margin) for margin in (0.005, 0.01, 0.02)] == [
        12_366,
        3_092,
        773,
    ]
    z = stats.norm.ppf(0.99) + stats.norm.ppf(0.9)
    assert non_inferiority_samples(0.1, 0.01, alpha=0.01, power=0.9) == math.ceil(
        z**2 * 0.1 / 0.01**2
    )


@pytest.mark.parametrize("share", [0.0, -0.1, 1.5, math.nan])
def test_shares_must_be_shares(share):
    with pytest.raises(ValueError, match="fraction above 0"):
        minimum_detectable_difference(100, share)
    with pytest.raises(ValueError, match="fraction above 0"):
        non_inferiority_samples(0.1, share)
