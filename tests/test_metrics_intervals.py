"""Intervals, and the standard errors that they are made from, against independent sources."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from reportgen.metrics import ClassCounts, one_sided_error_bound, summary_metrics, wilson
from reportgen.metrics import class_metrics as class_figures
from reportgen.metrics.counted import Counted, Margins, standard_error
from reportgen.metrics.intervals import atanh_interval, logit_interval, quantile
from reportgen.metrics.overall import SUMMARY
from reportgen.metrics.score_interval import Smoothed, cells_of
from tests.matrices import HAND, TABLES, classes, of, whole

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


# --- derivatives, against complex steps of the definitions


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


DEFINITIONS: dict[str, Callable[[Any], Any]] = {
    "macro_recall": lambda c: _means(c, _recall_of(c))[0],
    "macro_precision": lambda c: _means(c, _precision_of(c))[0],
    "macro_f1": lambda c: _means(c, _f1_of(c))[0],
    "weighted_precision": lambda c: _means(c, _precision_of(c))[1],
    "weighted_f1": lambda c: _means(c, _f1_of(c))[1],
    "cohen_kappa": _kappa_of,
    "matthews_corrcoef": _mcc_of,
}


def counted(name: str) -> Counted:
    statistic = next(metric.statistic for metric in SUMMARY if metric.name == name)
    assert isinstance(statistic, Counted)
    return statistic


def complex_step(define: Callable[[Any], Any], table: NDArray[np.int64]) -> NDArray[np.float64]:
    """The derivative by each non-zero cell, without subtraction and so without rounding."""
    slopes = []
    for i, j in np.argwhere(table):
        moved = table.astype(complex)
        moved[i, j] += 1e-30j
        slopes.append(define(moved).imag / 1e-30)
    return np.array(slopes)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_derivatives_and_errors_equal_complex_steps_of_the_definition(name: str) -> None:
    define, statistic = DEFINITIONS[name], counted(name)
    checked = 0
    for table in TABLES:
        seen = (table.sum(0) + table.sum(1)) > 0
        used = table[seen][:, seen]  # the definitions above divide by r + c
        matrix = of(used)
        value = statistic.value(matrix)
        if math.isnan(value):
            continue
        slopes = complex_step(define, used)
        assert value == pytest.approx(define(used.astype(complex)).real, rel=1e-12, abs=1e-15)
        found = statistic.slopes(Margins.of(matrix), "present")
        ours = found.of_cells(matrix.rows, matrix.columns)[0]
        np.testing.assert_allclose(ours, slopes, rtol=1e-10, atol=1e-14)
        cells = used[used > 0]
        mean = (cells * slopes).sum() / cells.sum()
        error = math.sqrt((cells * (slopes - mean) ** 2).sum())
        assert standard_error(statistic, matrix) == pytest.approx(error, rel=1e-10, abs=1e-13)
        checked += 1
    assert checked > 30


CLASS_DEFINITIONS: dict[str, tuple[Callable[..., Any], class_figures.Figure]] = {
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
def test_slopes_of_a_class_equal_complex_step_derivatives(name: str) -> None:
    define, figure = CLASS_DEFINITIONS[name]
    checked = 0
    for table in TABLES:
        counts = ClassCounts.of(of(table))
        four = tuple(np.asarray(x, float) for x in (counts.tp, counts.fn, counts.fp, counts.tn))
        values, found = class_figures._value(figure, four), class_figures._slopes(figure, four)
        for i in np.flatnonzero(~np.isnan(values)):
            cells = np.array([counts.tp[i], counts.fp[i], counts.fn[i], counts.tn[i]])
            steps = cells + np.eye(4) * 1e-30j
            tp, fp, fn, tn = (define(*step).imag / 1e-30 for step in steps)
            ours = [slope[i] for slope in found]
            assert ours == pytest.approx([tp, fn, fp, tn], rel=1e-9, abs=1e-15)
            checked += 1
    assert checked > 100


def test_the_error_of_kappa_equals_that_of_statsmodels() -> None:
    from statsmodels.stats.inter_rater import cohens_kappa

    for table in TABLES[:10]:
        theirs = cohens_kappa(table)
        kappa = counted("cohen_kappa")
        assert kappa.value(of(table)) == pytest.approx(theirs.kappa, rel=1e-12)
        assert standard_error(kappa, of(table)) == pytest.approx(theirs.std_kappa, rel=1e-9)


# --- score intervals


def by_effective_size(table: Any, axis: int) -> tuple[float, float, float]:
    """Mean share of right answers by rows (1) or columns (0), with Wilson's interval of it.

    q = (k + 1) / (n + 2) for the variance alone, v = Σ q (1 − q) / n / K², N = q̄ (1 − q̄) / v.
    """
    table = np.asarray(table)
    k, n = np.diagonal(table), table.sum(axis=axis)
    q = (k + 1) / (n + 2)
    size = q.mean() * (1 - q.mean()) / ((q * (1 - q) / n).sum() / len(n) ** 2)
    mean = float((k / n).mean())
    low, high = wilson(mean * size, size)
    return mean, float(low), float(high)


@pytest.mark.parametrize(
    "table",
    [[[1, 0], [1, 98]], [[9, 1], [2, 88]], [[5, 0, 0], [0, 9, 0], [0, 0, 3]], [[8, 2], [3, 7]],
     [[30, 1, 2], [4, 50, 0], [0, 3, 28]]],
)  # fmt: skip
def test_balanced_accuracy_has_wilsons_interval_of_an_effective_sample_size(table: Any) -> None:
    found = whole(table)["balanced_accuracy"]
    assert (found.value, *(found.interval or ())) == pytest.approx(by_effective_size(table, 1))
    assert whole(table)["macro_recall"] == found


def test_macro_precision_has_the_same_by_columns() -> None:
    table = [[30, 1, 2], [4, 50, 0], [0, 3, 28]]
    found = whole(table)["macro_precision"]
    assert (found.value, *(found.interval or ())) == pytest.approx(by_effective_size(table, 0))


def test_a_classs_own_balanced_accuracy_is_the_mean_of_two() -> None:
    few_positive = [[3, 0], [1, 98]]
    found = classes(few_positive, "balanced_accuracy")[0]
    expected = by_effective_size(few_positive, 1)
    assert (found.value, *(found.interval or ())) == pytest.approx(expected)
    assert (found.interval or (1,))[0] < 0.75  # from three positive samples little is sure
    twice = classes(few_positive, "informedness")[0]
    assert twice.interval == pytest.approx(tuple(2 * end - 1 for end in expected[1:]))


def test_a_class_of_two_samples_has_no_interval_of_a_mean_of_two_shares() -> None:
    """Coverage of 89% in 50 classes of two samples each; of recall, Wilson's stays."""
    for two in ([[2, 0], [1, 97]], [[1, 1], [0, 98]]):
        for name in ("balanced_accuracy", "informedness"):
            assert classes(two, name)[0].reason == "too_few_samples"
            assert classes(np.transpose(two), name)[0].value is not None
        assert classes(np.transpose(two), "markedness")[0].reason == "too_few_samples"
        assert classes(two, "recall")[0].interval is not None


@pytest.mark.parametrize("given", ["true", "predicted", "both"])
def test_moments_are_those_of_the_smoothed_table(given: Any) -> None:
    """Unseen errors are spread over all other classes; here they stand in a square table."""
    for table in (np.diag([3, 4, 0, 2]), [[4, 0, 0], [0, 3, 1], [0, 0, 0]], HAND, [[5]]):
        smoothed = Smoothed.of(cells_of(of(table)), given)
        margins, dense = smoothed.margins(), smoothed.dense()[0]
        assert dense.sum() == pytest.approx(np.sum(table)) or len(dense) == 1
        for metric in SUMMARY:
            if not isinstance(metric.statistic, Counted) or len(dense) == 1:
                continue
            slopes = metric.statistic.slopes(margins, "present")
            each = slopes.by_true[0][:, None] + slopes.by_predicted[0] + np.diag(slopes.more[0])
            apart = each - (dense * each).sum() / dense.sum()
            expected = [(dense * apart**p).sum() for p in (2, 3)]
            second, third = smoothed.moments(slopes)
            assert second[0] == pytest.approx(expected[0], rel=1e-9, abs=1e-15), metric.name
            assert third[0] == pytest.approx(expected[1], rel=1e-7, abs=1e-15), metric.name


def test_with_many_samples_score_intervals_are_those_of_the_delta_method() -> None:
    rng = np.random.default_rng(2)
    table = rng.integers(50, 100, (5, 5)) * 40 + np.diag(rng.integers(200, 400, 5)) * 40
    found = summary_metrics(of(table))
    for name in DEFINITIONS:
        value, error = counted(name).value(of(table)), standard_error(counted(name), of(table))
        ends = (value - Z * error, value + Z * error)
        assert found[name].interval == pytest.approx(ends, abs=0.03 * error), name


def test_intervals_of_metrics_that_are_one_are_one() -> None:
    assert whole(HAND)["weighted_recall"] == whole(HAND)["accuracy"]
    assert whole(HAND)["macro_recall"] == whole(HAND)["balanced_accuracy"]
    assert whole(HAND)["accuracy"].interval == tuple(map(float, wilson(12, 18)))
    assert whole(HAND)["error_rate"].interval == tuple(map(float, wilson(6, 18)))
