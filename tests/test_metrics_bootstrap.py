"""Bootstrap intervals: against scipy on the samples, against the truth, and in degenerate cases."""

from __future__ import annotations

import inspect
import json
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics import (
    ORDINAL,
    PER_CLASS,
    SUMMARY,
    ClassCounts,
    Metric,
    bootstrap_intervals,
    ordinal_metrics,
    per_class_metrics,
    resampling,
    summary_metrics,
)
from reportgen.metrics.overall import Proportion
from reportgen.metrics.per_class import Estimated
from reportgen.metrics.terms import PRESENT, RIGHT, SUPPORT
from tests.matrices import TABLES, of
from tests.test_metrics import labels_of

TABLE = np.array([[9, 2, 1], [3, 14, 0], [1, 2, 6]])
FIGURES = {
    m.name: m.statistic
    for m in (*SUMMARY, *ORDINAL)
    if m.statistic is not None and not isinstance(m.compute, Proportion)
}
WHOLE = list(FIGURES)
OF_CLASS = {m.name: m for m in PER_CLASS if isinstance(m.compute, Estimated)}


def figure(name: str, matrix: ConfusionMatrix) -> float | None:
    return {**summary_metrics(matrix), **ordinal_metrics(matrix)}[name].value


# --- the parts


def test_every_metric_that_is_no_share_has_a_bootstrap_interval() -> None:
    found = bootstrap_intervals(of(TABLE), draws=50, ordinal=True)
    assert list(found.summary) == WHOLE
    assert set(found.per_class) == set(OF_CLASS)
    without = bootstrap_intervals(of(TABLE), draws=50).summary
    assert not set(without) & {m.name for m in ORDINAL}


@pytest.mark.parametrize("macro", ["present", "all"])
def test_figures_from_sums_equal_the_metrics(macro: Any) -> None:
    for table in TABLES:
        matrix = of(table)
        itself = resampling.observe(matrix, macro)
        expected = {**summary_metrics(matrix, macro=macro), **ordinal_metrics(matrix)}
        for name, statistic in FIGURES.items():
            value = float(statistic.of(itself)[0])
            exact = expected[name].value
            assert np.isnan(value) if exact is None else value == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize("macro", ["present", "all"])
def test_figures_without_one_sample_equal_those_of_the_matrix_without_it(macro: Any) -> None:
    for table in TABLES[:12]:
        matrix = of(table)
        without = resampling.LeftOut(matrix, macro)
        found = {name: statistic.of(without) for name, statistic in FIGURES.items()}
        for at, (i, j, _) in enumerate(matrix.cells()):
            less = table.copy()
            less[i, j] -= 1
            expected = {**summary_metrics(of(less), macro=macro), **ordinal_metrics(of(less))}
            for name, values in found.items():
                exact = expected[name].value
                if exact is None:
                    assert np.isnan(values[at]), name
                else:
                    assert values[at] == pytest.approx(exact, abs=1e-12), name


def test_resamples_have_the_size_and_the_cells_of_the_matrix(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resampling, "CHUNK", 64)
    matrix = of([[5, 0, 2], [0, 0, 0], [1, 0, 4]])
    chunks = list(resampling._resamples(matrix, np.random.default_rng(0), 395, 4))
    assert [len(chunk) for chunk in chunks] == [16] * 24 + [11]
    parts = list(resampling.draw(matrix, np.random.default_rng(0), 395, "present"))
    n, present, right = (
        np.concatenate([part.total(term) for part in parts]) for term in (SUPPORT, PRESENT, RIGHT)
    )
    assert n.shape == (395,)
    assert (n == 12).all()
    assert (present <= 2).all()
    assert right.mean() == pytest.approx(9, abs=0.3)
    far = np.concatenate([part.disagreement("linear")[0] for part in parts])
    assert far.mean() == pytest.approx(6, abs=0.6)


# --- against scipy, on the samples themselves


def seeded(rng: np.random.Generator) -> dict[str, Any]:
    """scipy 1.15 renamed the argument."""
    named = "rng" in inspect.signature(stats.bootstrap).parameters
    return {"rng" if named else "random_state": rng}


def value_of(name: str, y: NDArray[np.int64], p: NDArray[np.int64]) -> float:
    matrix = ConfusionMatrix.from_labels(y, p, 3)
    return summary_metrics(matrix, only=[name])[name].value or 0.0


def macro_f1_of(y: NDArray[np.int64], p: NDArray[np.int64]) -> float:
    return value_of("macro_f1", y, p)


def kappa_of(y: NDArray[np.int64], p: NDArray[np.int64]) -> float:
    return value_of("cohen_kappa", y, p)


@pytest.mark.parametrize(("name", "statistic"), [("macro_f1", macro_f1_of), ("cohen_kappa", kappa_of)])  # fmt: skip
def test_bca_intervals_equal_those_of_scipy_on_the_samples(
    name: str, statistic: Callable[..., float]
) -> None:
    y, p = labels_of(TABLE)
    theirs = stats.bootstrap(
        (y, p), statistic, paired=True, vectorized=False, n_resamples=1500, method="BCa",
        **seeded(np.random.default_rng(1)),
    ).confidence_interval  # fmt: skip
    ours = bootstrap_intervals(of(TABLE), draws=20_000).summary[name].interval
    assert ours is not None
    width = theirs.high - theirs.low
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.05 * width)


def test_bca_is_that_of_scipy_to_the_last_digit_on_the_same_resamples() -> None:
    rng = np.random.default_rng(3)
    sample = rng.exponential(size=(1, 40))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        theirs = stats.bootstrap(sample, np.mean, n_resamples=999, method="BCa", **seeded(rng))
    left_out = (sample.sum() - sample) / 39
    low, high = resampling.bca(
        theirs.bootstrap_distribution[None, :], np.array([sample.mean()]), left_out,
        np.ones((1, 40)), 0.95,
    )  # fmt: skip
    ends = theirs.confidence_interval
    assert (low[0], high[0]) == pytest.approx((ends.low, ends.high), rel=1e-12)


def test_a_weight_counts_as_that_many_samples() -> None:
    rng = np.random.default_rng(4)
    draws, values = rng.normal(size=(1, 500)), np.array([[0.1, 0.4, 2.0]])
    once = np.repeat(values, [3, 1, 2], axis=1)
    weighted = resampling.bca(draws, np.zeros(1), values, np.array([[3.0, 1, 2]]), 0.9)
    plain = resampling.bca(draws, np.zeros(1), once, np.ones((1, 6)), 0.9)
    np.testing.assert_allclose(weighted, plain, rtol=1e-12)


def test_the_interval_of_a_class_is_that_of_its_four_counts() -> None:
    counts = ClassCounts.of(of(TABLE))
    cells = [int(x[0]) for x in (counts.tp, counts.fp, counts.fn, counts.tn)]
    samples = np.repeat(np.arange(4), cells)

    def f1(kinds: NDArray[np.int64]) -> float:
        tp, fp, fn, _ = np.bincount(kinds, minlength=4)
        return float(2 * tp / (2 * tp + fp + fn))

    theirs = stats.bootstrap(
        (samples,), f1, vectorized=False, n_resamples=3000, method="BCa",
        **seeded(np.random.default_rng(2)),
    ).confidence_interval  # fmt: skip
    ours = bootstrap_intervals(of(TABLE), draws=20_000).per_class["f1"].metric(0).interval
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.05 * (theirs.high - theirs.low))


def test_classes_without_one_sample_are_those_of_the_table_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []

    def spy(draws: Any, value: Any, without_one: Any, weights: Any, confidence: float) -> Any:
        seen.append((value, without_one, weights))
        return np.zeros(len(value)), np.ones(len(value))

    monkeypatch.setattr(resampling, "bca", spy)
    table = np.array([[4, 2], [3, 6]])  # of class 0: TP 4, FN 2, FP 3, TN 6
    bootstrap_intervals(of(table), draws=2)
    cells = [(0, 0), (1, 0), (0, 1), (1, 1)]  # in the order TP, FP, FN, TN
    for name, (value, without_one, weights) in zip(OF_CLASS, seen[-len(OF_CLASS) :], strict=True):
        row = weights.tolist().index([4, 3, 2, 6])
        assert value[row] == pytest.approx(per_class_metrics(of(table))[name].value[0])
        for at, cell in enumerate(cells):
            less = table.copy()
            less[cell] -= 1
            expected = per_class_metrics(of(less))[name].value[0]
            assert without_one[row, at] == pytest.approx(expected, abs=1e-14), name


# --- what the intervals are worth


def test_a_class_without_misses_hides_too_much_variance_to_be_resampled() -> None:
    found = bootstrap_intervals(of([[5, 0], [10, 85]]), draws=200)
    assert found.summary["balanced_accuracy"].reason == "too_few_samples"
    assert found.per_class["informedness"].metric(0).reason == "too_few_samples"
    assert found.summary["weighted_f1"].interval is not None
    with_a_miss = bootstrap_intervals(of([[16, 4], [10, 70]]), draws=200)
    assert with_a_miss.summary["balanced_accuracy"].interval is not None


def test_where_they_are_made_bootstrap_intervals_of_balanced_accuracy_cover() -> None:
    rng = np.random.default_rng(6)
    made = inside = 0
    for seed, table in enumerate(rng.multinomial(100, [0.09, 0.01, 0.09, 0.81], 150)):
        matrix = of(table.reshape(2, 2))
        metric = bootstrap_intervals(matrix, draws=200, seed=seed).summary["balanced_accuracy"]
        if metric.interval is not None:
            made += 1
            inside += metric.interval[0] <= 0.9 <= metric.interval[1]
    assert made > 40
    assert inside >= 0.92 * made  # 71% of all that could be drawn


def test_with_many_samples_the_intervals_are_those_of_the_delta_method(
    shared: Callable[[str], Path],
) -> None:
    golden = json.loads(shared("golden/seed_fashion.json").read_text(encoding="utf-8"))
    matrix = of(golden["first"]["matrix"])
    found = bootstrap_intervals(matrix, ordinal=True)
    default = {**summary_metrics(matrix), **ordinal_metrics(matrix)}
    columns = per_class_metrics(matrix)
    pairs = [(metric, default[name]) for name, metric in found.summary.items()]
    for name, column in found.per_class.items():
        pairs += [(column.metric(i), columns[name].metric(i)) for i in range(10)]
    for ours, delta in pairs:
        assert ours.interval is not None
        assert delta.interval is not None
        assert ours.value == delta.value
        width = delta.interval[1] - delta.interval[0]
        assert ours.interval == pytest.approx(delta.interval, abs=0.12 * width)


@pytest.mark.simulation
def test_ninety_five_of_a_hundred_intervals_cover_the_truth() -> None:
    # five classes, imbalanced, n = 100, accuracy 0.9; the literature's simulation gives 0.94
    support = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
    shares = np.full((5, 5), 0.025) + np.eye(5) * 0.875
    cells = support[:, None] * shares
    truth = {name: figure(name, of(np.rint(cells * 10**9).astype(int)))
             for name in ("macro_f1", "matthews_corrcoef")}  # fmt: skip
    rng = np.random.default_rng(11)
    inside = dict.fromkeys(truth, 0)
    trials = 200
    for trial in range(trials):
        table = rng.multinomial(100, cells.ravel()).reshape(5, 5)
        found = bootstrap_intervals(of(table), draws=400, seed=trial).summary
        for name, value in truth.items():
            low, high = found[name].interval or (0.0, 0.0)
            inside[name] += low <= (value or 0.0) <= high
    for name, hits in inside.items():
        assert 0.89 <= hits / trials <= 0.99, name


# --- determinism, bounds, refusals


def test_the_seed_makes_the_intervals_and_another_seed_others() -> None:
    one, again, other = (bootstrap_intervals(of(TABLE), seed=s, draws=200) for s in (1, 1, 2))
    assert one == again
    assert one.summary["macro_f1"].interval != other.summary["macro_f1"].interval
    assert one.per_class["f1"] != other.per_class["f1"]
    assert one.method == "BCa bootstrap: 200 multinomial resamples of the matrix, seed 1"


@pytest.mark.parametrize("wrong", [{"draws": 0}, {"seed": -1}, {"confidence": 95}])
def test_impossible_wishes_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="draws"):
        bootstrap_intervals(of(TABLE), **wrong)


def test_one_resample_tells_no_interval() -> None:
    found = bootstrap_intervals(of(TABLE), draws=1)
    assert found.summary["macro_f1"].reason == "no_interval"
    assert found.per_class["f1"].metric(0).reason == "no_interval"


def test_a_wider_confidence_gives_wider_intervals() -> None:
    narrow, wide = (bootstrap_intervals(of(TABLE), confidence=c).summary for c in (0.8, 0.99))
    for name in narrow:
        (a, b), (low, high) = narrow[name].interval or (0, 0), wide[name].interval or (0, 0)
        assert low < a < b < high


def test_memory_does_not_grow_with_the_square_of_the_classes() -> None:
    rng = np.random.default_rng(8)
    k, n = 5000, 60_000
    labels = rng.integers(k, size=n)
    predictions = np.where(rng.random(n) < 0.9, labels, rng.integers(k, size=n))
    matrix = ConfusionMatrix.from_labels(labels, predictions, k)
    tracemalloc.start()
    found = bootstrap_intervals(matrix, draws=60)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200e6  # one dense table is 200 MB
    assert "counts" not in vars(matrix)
    assert found.summary["macro_f1"].interval is not None


# --- degenerate data


def test_without_samples_there_is_nothing_to_replace() -> None:
    found = bootstrap_intervals(ConfusionMatrix.empty(3))
    assert found.summary == {}
    assert found.per_class == {}


def test_what_has_no_interval_has_no_bootstrap_interval_for_the_same_reason() -> None:
    for table in (np.diag([4, 5]), [[0, 3], [2, 0]], [[6, 0], [3, 0]], [[1]], [[0, 1], [0, 0]]):
        matrix = of(table)
        default = {**summary_metrics(matrix), **ordinal_metrics(matrix)}
        columns = per_class_metrics(matrix)
        found = bootstrap_intervals(matrix, draws=100, ordinal=True)
        for name, metric in found.summary.items():
            if default[name].interval is None:
                assert metric == default[name]
        for name, column in found.per_class.items():
            for i in range(matrix.n_classes):
                if columns[name].metric(i).interval is None:
                    assert column.metric(i) == columns[name].metric(i)


def test_what_is_perfect_has_no_bootstrap_interval_as_no_resample_differs() -> None:
    found = bootstrap_intervals(of(np.diag([4, 5])), draws=100)
    assert found.summary["balanced_accuracy"] == Metric(1, None, "no_errors_seen")
    assert found.per_class["f1"].metric(0) == Metric(1, None, "no_errors_seen")


def test_a_figure_that_too_many_resamples_leave_undefined_has_no_interval() -> None:
    # both samples of the class are missing from every seventh resample
    found = bootstrap_intervals(of([[1, 1], [0, 20]]))
    assert found.per_class["lift"].metric(0) == Metric(11, None, "bootstrap_undefined")
    assert per_class_metrics(of([[1, 1], [0, 20]]))["lift"].metric(0).interval


def test_resamples_that_leave_a_figure_undefined_are_left_out_where_they_are_few() -> None:
    draws = np.concatenate([np.linspace(0, 1, 97), [np.nan] * 3])[None, :]
    jack = np.array([[0.4, 0.6]])
    ends = resampling.bca(draws, np.array([0.5]), jack, np.ones((1, 2)), 0.5)
    np.testing.assert_allclose(ends, [[0.25], [0.75]], atol=1e-9)
    draws[0, :10] = np.nan
    assert np.isnan(resampling.bca(draws, np.array([0.5]), jack, np.ones((1, 2)), 0.5)).all()


def test_an_undefined_figure_without_one_sample_does_not_spoil_the_rest() -> None:
    draws = np.linspace(0, 1, 101)[None, :]
    with_nan = np.array([[0.4, 0.6, np.nan]])
    ends = resampling.bca(draws, np.array([0.5]), with_nan, np.array([[1.0, 1, 5]]), 0.9)
    plain = resampling.bca(draws, np.array([0.5]), with_nan[:, :2], np.ones((1, 2)), 0.9)
    np.testing.assert_allclose(ends, plain)


# --- laws


@st.composite
def small_tables(draw: st.DrawFn) -> NDArray[np.int64]:
    k = draw(st.integers(2, 4))
    cells = draw(st.lists(st.sampled_from([0, 0, 1, 3, 8]), min_size=k * k, max_size=k * k))
    table = np.array(cells, np.int64).reshape(k, k)
    table[0, 0] += 1
    return table


@given(small_tables(), st.integers(0, 3))
@settings(deadline=None, max_examples=25)
def test_intervals_stay_in_range_and_a_reason_says_why_one_is_missing(
    table: NDArray[np.int64], seed: int
) -> None:
    matrix = of(table)
    found = bootstrap_intervals(matrix, seed=seed, draws=60, ordinal=True)
    ranges = {m.name: m.range for m in (*SUMMARY, *ORDINAL)}
    metrics = [(ranges[name], metric) for name, metric in found.summary.items()]
    for name, column in found.per_class.items():
        metrics += [(OF_CLASS[name].range, column.metric(i)) for i in range(len(column))]
    for (worst, best), metric in metrics:
        assert (metric.interval is None) == (metric.reason is not None)
        if metric.interval:
            assert worst <= metric.interval[0] < metric.interval[1] <= best


@given(small_tables(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=25)
def test_the_intervals_of_classes_do_not_depend_on_their_order(
    table: NDArray[np.int64], random: Any
) -> None:
    order = list(range(len(table)))
    random.shuffle(order)
    before = bootstrap_intervals(of(table), draws=60).per_class
    after = bootstrap_intervals(of(table[np.ix_(order, order)]), draws=60).per_class
    for name, column in before.items():
        assert [column.metric(i) for i in order] == [
            after[name].metric(i) for i in range(len(order))
        ]


def test_the_interval_of_a_class_does_not_depend_on_how_the_others_are_divided() -> None:
    two = bootstrap_intervals(of([[9, 3], [2, 16]]), draws=60).per_class
    three = bootstrap_intervals(of([[1, 1, 1], [0, 9, 3], [1, 1, 13]]), draws=60).per_class
    for name, column in two.items():
        assert column.metric(0) == three[name].metric(1), name


def test_more_samples_of_the_same_kind_shrink_the_intervals() -> None:
    once = bootstrap_intervals(of(TABLE)).summary
    often = bootstrap_intervals(of(TABLE * 25)).summary
    for name in once:
        (a, b), (low, high) = once[name].interval or (0, 1), often[name].interval or (0, 1)
        assert high - low == pytest.approx((b - a) / 5, rel=0.35)
