"""Differences of unmatched sides, made of the interval of each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reportgen.analysis.slices import newcombe
from reportgen.comparison import compare_evaluations
from reportgen.comparison.unpaired import mover_changes
from reportgen.metrics import Metric
from reportgen.metrics.intervals import logit_interval, wilson
from tests.factories import make_evaluation

PETS = ("cat", "dog", "fox")


def share(k, n):
    low, high = wilson(k, n)
    return Metric(k / n, (float(low), float(high)), None)


def mover(before, after, share=True):
    return mover_changes([before], [after], share=share)[0]


@given(st.integers(0, 60), st.integers(60, 90), st.integers(0, 40), st.integers(40, 70))
def test_of_two_wilson_intervals_it_is_newcombes(k, n, hits, m):
    assert mover(share(k, n), share(hits, m)).interval == pytest.approx(
        newcombe(hits, m, k, n), abs=1e-12
    )


def test_ends_are_the_roots_of_summed_squares_by_hand():
    before = Metric(1.0, (0.7, 1.4), None)
    after = Metric(2.0, (1.7, 2.3), None)
    found = mover(before, after, share=False)
    assert found.difference == 1
    assert found.interval == pytest.approx((1 - 0.5, 1 + 0.18**0.5))  # 0.3 and 0.4; 0.3 and 0.3
    assert (found.method, found.reason, found.p_adjusted) == ("mover", None, None)
    # on its own scale the distances shrink with z: 90% is 1.645 / 1.960 of them
    part = stats.norm.ppf(0.95) / stats.norm.ppf(0.975)
    assert found.bounds == pytest.approx((1 - 0.5 * part, 1 + part * 0.18**0.5))
    # the interval ends at 0 where its lower leg, 0.5 at 95%, is 1
    assert found.p == pytest.approx(2 * stats.norm.sf(2 * stats.norm.ppf(0.975)), rel=1e-9)


def test_bounds_of_shares_are_those_of_the_logit_scale():
    error = 0.02
    before, after = (Metric(v, tuple(map(float, logit_interval(v, error))), None)
                     for v in (0.90, 0.95))  # fmt: skip
    (low1, high1), (low2, high2) = (logit_interval(v, error, 0.90) for v in (0.90, 0.95))
    expected = (
        0.05 - np.hypot(0.95 - low2, high1 - 0.90),
        0.05 + np.hypot(high2 - 0.95, 0.9 - low1),
    )
    assert mover(before, after).bounds == pytest.approx(expected, rel=1e-12)


ends = st.tuples(*[st.floats(0.001, 0.999)] * 3).map(sorted).filter(lambda e: e[0] < e[1] < e[2])


@given(ends, ends, st.booleans())
def test_p_is_below_5_percent_exactly_where_the_interval_leaves_out_0(one, other, share):
    before, after = (Metric(value, (low, high), None) for low, value, high in (one, other))
    found = mover(before, after, share)
    low, high = found.interval
    assert low <= found.difference <= high
    if min(abs(low), abs(high)) > 1e-9:
        assert (found.p < 0.05) == (not low <= 0 <= high)
    assert low - 1e-12 <= found.bounds[0] <= found.bounds[1] <= high + 1e-12


@given(ends, ends)
def test_swapping_the_sides_turns_the_difference_around(one, other):
    before, after = (Metric(value, (low, high), None) for low, value, high in (one, other))
    there, back = mover(before, after), mover(after, before)
    assert back.difference == -there.difference
    assert back.interval == pytest.approx((-there.interval[1], -there.interval[0]))
    assert back.p == pytest.approx(there.p)


def test_equal_figures_have_p_1_and_an_interval_around_0():
    found = mover(share(8, 10), share(8, 10))
    assert (found.difference, found.p) == (0, 1)
    assert found.interval[0] == -found.interval[1] < 0


def test_a_side_without_an_interval_leaves_the_difference_without_one():
    perfect, some = Metric(1.0, None, "no_errors_seen"), share(8, 10)
    found, other = mover_changes([perfect, some], [some, some], share=True)
    assert (found.difference, found.interval, found.bounds, found.p) == (
        pytest.approx(-0.2), None, None, None)  # fmt: skip
    assert (found.method, found.reason) == ("none", "no_side_interval")
    assert other.method == "mover"


def test_an_undefined_side_leaves_no_difference():
    found = mover(Metric(None, None, "no_scores"), share(8, 10))
    assert (found.baseline, found.candidate, found.difference) == (None, 0.8, None)
    assert found.reason == "no_scores"


def test_an_interval_that_does_not_hold_its_figure_counts_from_the_figure():
    biased = Metric(0.02, (0.0, 0.018), None)  # of a figure that is corrected for its bias
    found = mover(biased, Metric(0.5, (0.4, 0.6), None))
    assert found.interval[0] == pytest.approx(0.48 - 0.1)


def test_macro_f1_of_two_matrices_covers_the_true_difference():
    """1,000 pairs of independent matrices of 300 samples: at most 3 standard errors below 95%."""
    rng = np.random.default_rng(0)
    truth = [np.array([[50, 6, 4], [5, 60, 10], [3, 8, 40]]), np.array([[40, 14, 6], [5, 62, 8],
             [3, 4, 44]])]  # fmt: skip
    probabilities = [matrix / matrix.sum() for matrix in truth]
    exact = np.diff([_macro_f1(p) for p in probabilities])[0]
    held = 0
    for _ in range(1000):
        sides = [rng.multinomial(300, p.ravel()).reshape(3, 3) for p in probabilities]
        low, high = _of_macro_f1(sides).interval
        held += low <= exact <= high
    assert held / 1000 >= 0.95 - 3 * 0.0069


def _of_macro_f1(sides):
    from reportgen.confusion_matrix import ConfusionMatrix
    from reportgen.metrics import summary_metrics

    whole = (summary_metrics(ConfusionMatrix.from_counts(s), only=["macro_f1"]) for s in sides)
    before, after = (metrics["macro_f1"] for metrics in whole)
    return mover(before, after)


def _macro_f1(p):
    return np.mean(2 * np.diag(p) / (p.sum(0) + p.sum(1)))


def test_two_matrices_have_intervals_of_all_that_counts_decide():
    first = make_evaluation([[8, 2, 0], [1, 9, 0], [2, 0, 8]], PETS)
    second = make_evaluation([[9, 1, 0], [0, 10, 0], [1, 1, 8]], PETS)
    found = compare_evaluations(first, second, "matrix")
    assert {name: one.method for name, one in found.summary.items()} == {
        "accuracy": "newcombe",
        "balanced_accuracy": "mover",
        "macro_f1": "mover",
        "log_loss": "none",
        "ece": "none",
    }
    cat = found.classes[0]
    assert (cat.precision.method, cat.f1.method) == ("newcombe", "mover")
    assert cat.precision.interval == pytest.approx(newcombe(9, 10, 8, 11))
    fox = found.classes[2]  # every answer "fox" was right on both sides
    assert fox.precision.difference == 0
    assert fox.precision.interval is not None
