"""Intervals, and the standard errors that they are made from, against independent sources."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from reportgen.metrics import ClassCounts, gradients, one_sided_error_bound, wilson
from reportgen.metrics import class_metrics as class_figures
from reportgen.metrics.gradients import Statistic
from reportgen.metrics.intervals import atanh_interval, logit_interval, quantile
from tests.matrices import HAND, TABLES, of, whole

Z = 1.959963984540054


# --- Wilson and the scales


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_wilson_equals_scipy_and_statsmodels(confidence: float) -> None:
    from statsmodels.stats.proportion import proportion_confint

    n, k = np.array([(n, k) for n in (1, 2, 7, 30, 1000) for k in (0, 1, n // 2, n)]).T
    low, high = wilson(k, n, confidence)
    theirs = proportion_confint(k, n, alpha=1 - confidence, method="wilson")
    np.testing.assert_allclose((low, high), theirs, rtol=1e-12, atol=1e-15)
    for i, (successes, trials) in enumerate(zip(k, n, strict=True)):
        exact = stats.binomtest(int(successes), int(trials)).proportion_ci(confidence, "wilson")
        assert (low[i], high[i]) == pytest.approx((exact.low, exact.high), rel=1e-12, abs=1e-15)


def test_wilson_stands_at_the_ends_and_is_nan_without_trials() -> None:
    low, high = wilson([0, 7, 0], [7, 7, 0])
    assert low[0] == 0
    assert high[1] == 1
    assert 0 < high[0] < 0.36
    assert math.isnan(low[2])
    assert math.isnan(high[2])


def test_wilson_takes_numbers_too() -> None:
    low, high = wilson(3, 4)
    assert (float(low), float(high)) == pytest.approx((0.300642, 0.954413), abs=1e-6)


@pytest.mark.parametrize(("k", "n"), [(-1, 3), (4, 3)])
def test_wilson_refuses_impossible_counts(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="successes"):
        wilson(k, n)


def test_the_quantile_is_that_of_the_normal_distribution() -> None:
    assert quantile() == pytest.approx(Z, rel=1e-15)
    assert quantile(0.99) == pytest.approx(stats.norm.ppf(0.995), rel=1e-14)
    for wrong in (0, 1, 95):
        with pytest.raises(ValueError, match="between 0 and 1"):
            quantile(wrong)


def test_delta_intervals_are_symmetric_on_their_scale() -> None:
    low, high = logit_interval(0.9, 0.02)
    centre, half = math.log(9), Z * 0.02 / 0.09
    ends = stats.logistic.cdf([centre - half, centre + half])
    assert tuple(ends) == pytest.approx((float(low), float(high)), rel=1e-12)
    low, high = atanh_interval(-0.4, 0.1)
    centre, half = math.atanh(-0.4), Z * 0.1 / (1 - 0.16)
    assert (math.tanh(centre - half), math.tanh(centre + half)) == pytest.approx(
        (float(low), float(high)), rel=1e-12
    )


@pytest.mark.parametrize("interval", [logit_interval, atanh_interval])
@pytest.mark.parametrize(("value", "se"), [(1, 0.0), (1, 0.1), (0.5, 0), (math.nan, 0.1)])
def test_delta_intervals_are_nan_where_the_method_has_nothing_to_go_by(
    interval: Callable[..., Any], value: float, se: float
) -> None:
    assert np.isnan(interval(value, se)).all()


def test_a_huge_error_gives_the_whole_range_and_no_overflow() -> None:
    assert logit_interval(0.5, 1e6) == (0, 1)
    assert atanh_interval(0.5, 1e6) == (-1, 1)


def test_the_bound_after_no_errors_is_exact() -> None:
    assert one_sided_error_bound(1) == pytest.approx(0.95)
    assert one_sided_error_bound(300) == pytest.approx(1 - 0.05 ** (1 / 300), rel=1e-12)
    assert one_sided_error_bound(10**12) == pytest.approx(2.995732e-12, rel=1e-6)
    exact = stats.binomtest(0, 59, alternative="less").proportion_ci(0.99, "exact")
    assert one_sided_error_bound(59, alpha=0.01) == pytest.approx(exact.high)
    with pytest.raises(ValueError, match="no bound"):
        one_sided_error_bound(0)
    with pytest.raises(ValueError, match="alpha"):
        one_sided_error_bound(5, alpha=5)


# --- gradients, against complex steps of the definitions


def _f1_of(c: Any) -> Any:
    return 2 * np.diagonal(c) / (c.sum(0) + c.sum(1))


def _means(c: Any, values: Any) -> tuple[Any, Any]:
    present = c.sum(1).real > 0
    return values[present].mean(), (values * c.sum(1))[present].sum() / c.sum()


def _precision_of(c: Any) -> Any:
    predicted = c.sum(0)
    never = predicted.real == 0
    # a class that is never predicted counts as 0, whatever happens to the cells near it
    return np.where(never, 0, np.diagonal(c) / np.where(never, 1, predicted))


def _kappa_of(c: Any) -> Any:
    n, chance = c.sum(), (c.sum(0) * c.sum(1)).sum() / c.sum() ** 2
    return (np.trace(c) / n - chance) / (1 - chance)


def _mcc_of(c: Any) -> Any:
    n, r, k = c.sum(), c.sum(1), c.sum(0)
    return (np.trace(c) * n - (r * k).sum()) / np.sqrt(
        (n**2 - (r**2).sum()) * (n**2 - (k**2).sum())
    )


def _recall_of(c: Any) -> Any:
    support = c.sum(1)
    return np.diagonal(c) / np.where(support.real == 0, 1, support)


DEFINITIONS: dict[str, tuple[Callable[[Any], Any], Callable[..., Statistic | None]]] = {
    "macro_recall": (lambda c: _means(c, _recall_of(c))[0], gradients.macro_recall),
    "macro_precision": (lambda c: _means(c, _precision_of(c))[0], gradients.macro_precision),
    "macro_f1": (lambda c: _means(c, _f1_of(c))[0], gradients.macro_f1),
    "weighted_precision": (lambda c: _means(c, _precision_of(c))[1], gradients.weighted_precision),
    "weighted_f1": (lambda c: _means(c, _f1_of(c))[1], gradients.weighted_f1),
    "cohen_kappa": (_kappa_of, gradients.cohen_kappa),
    "matthews_corrcoef": (_mcc_of, gradients.matthews),
}


def complex_step(define: Callable[[Any], Any], table: NDArray[np.int64]) -> NDArray[np.float64]:
    """The derivative by each non-zero cell, without subtraction and so without rounding."""
    slopes = []
    for i, j in np.argwhere(table):
        moved = table.astype(complex)
        moved[i, j] += 1e-30j
        slopes.append(define(moved).imag / 1e-30)
    return np.array(slopes)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_gradients_and_errors_equal_complex_step_derivatives(name: str) -> None:
    define, statistic = DEFINITIONS[name]
    checked = 0
    for table in TABLES:
        seen = (table.sum(0) + table.sum(1)) > 0
        used = table[seen][:, seen]  # the definitions above divide by r + c
        matrix = of(used)
        found = statistic(matrix)
        if found is None:
            continue
        slopes = complex_step(define, used)
        assert found.value == pytest.approx(define(used.astype(complex)).real, rel=1e-12, abs=1e-15)
        np.testing.assert_allclose(found.gradient(matrix), slopes, rtol=1e-10, atol=1e-15)
        cells = used[used > 0]
        mean = (cells * slopes).sum() / cells.sum()
        error = math.sqrt((cells * (slopes - mean) ** 2).sum())
        assert found.standard_error(matrix) == pytest.approx(error, rel=1e-10, abs=1e-15)
        checked += 1
    assert checked > 30


CLASS_DEFINITIONS: dict[str, tuple[Callable[..., Any], Callable[..., class_figures.Estimates]]] = {
    "f1": (lambda tp, fp, fn, tn: 2 * tp / (2 * tp + fp + fn), class_figures.FBeta(1, 1)),
    "jaccard": (lambda tp, fp, fn, tn: tp / (tp + fp + fn), class_figures.jaccard),
    "f2": (lambda tp, fp, fn, tn: 5 * tp / (5 * tp + 4 * fn + fp), class_figures.FBeta(4, 1)),
    "f0_5": (lambda tp, fp, fn, tn: 5 * tp / (5 * tp + fn + 4 * fp), class_figures.FBeta(1, 4)),
    "informedness": (
        lambda tp, fp, fn, tn: tp / (tp + fn) + tn / (tn + fp) - 1,
        class_figures.informedness,
    ),
    "markedness": (
        lambda tp, fp, fn, tn: tp / (tp + fp) + tn / (tn + fn) - 1,
        class_figures.markedness,
    ),
    "lift": (
        lambda tp, fp, fn, tn: tp * (tp + fp + fn + tn) / ((tp + fp) * (tp + fn)),
        class_figures.lift,
    ),
    "balanced_accuracy": (
        lambda tp, fp, fn, tn: (tp / (tp + fn) + tn / (tn + fp)) / 2,
        class_figures.balanced_accuracy,
    ),
    "mcc": (
        lambda tp, fp, fn, tn: (
            (tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
        ),
        class_figures.matthews,
    ),
}


@pytest.mark.parametrize("name", CLASS_DEFINITIONS)
def test_errors_of_a_class_equal_complex_step_derivatives(name: str) -> None:
    define, estimate = CLASS_DEFINITIONS[name]
    checked = 0
    for table in TABLES:
        counts = ClassCounts.of(of(table))
        found = estimate(counts)
        for i in np.flatnonzero(~np.isnan(found.value)):
            cells = np.array([counts.tp[i], counts.fp[i], counts.fn[i], counts.tn[i]])
            steps = cells + np.eye(4) * 1e-30j
            slopes = np.array([define(*step).imag / 1e-30 for step in steps])
            error = math.sqrt((cells * slopes**2).sum())  # mean slope 0: shares don't scale
            assert found.standard_error[i] == pytest.approx(error, rel=1e-9, abs=1e-15)
            checked += 1
    assert checked > 100


def test_the_error_of_kappa_equals_that_of_statsmodels() -> None:
    from statsmodels.stats.inter_rater import cohens_kappa

    for table in TABLES[:10]:
        theirs = cohens_kappa(table)
        found = gradients.cohen_kappa(of(table))
        assert found is not None
        assert found.value == pytest.approx(theirs.kappa, rel=1e-12)
        assert found.standard_error(of(table)) == pytest.approx(theirs.std_kappa, rel=1e-10)


def test_intervals_are_made_from_those_errors() -> None:
    matrix = of(HAND)
    found = gradients.macro_f1(matrix)
    expected = logit_interval(found.value, found.standard_error(matrix))
    assert whole(HAND)["macro_f1"].interval == pytest.approx(tuple(map(float, expected)))
    kappa = gradients.cohen_kappa(matrix)
    assert kappa is not None
    expected = atanh_interval(kappa.value, kappa.standard_error(matrix))
    assert whole(HAND)["cohen_kappa"].interval == pytest.approx(tuple(map(float, expected)))
    assert whole(HAND)["weighted_recall"] == whole(HAND)["accuracy"]
    assert whole(HAND)["macro_recall"] == whole(HAND)["balanced_accuracy"]
    assert whole(HAND)["accuracy"].interval == tuple(map(float, wilson(12, 18)))
    assert whole(HAND)["error_rate"].interval == tuple(map(float, wilson(6, 18)))
