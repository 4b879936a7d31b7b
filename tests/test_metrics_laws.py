"""Laws that hold for the metrics of any matrix."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics import (
    REASONS,
    ClassCounts,
    Metric,
    one_sided_error_bound,
    per_class_metrics,
    summary_metrics,
    wilson,
)

Table = NDArray[np.int64]
LAW = settings(deadline=None, max_examples=50)


def _table(k: int) -> st.SearchStrategy[Table]:
    counts = st.sampled_from([0, 0, 0, 1, 2, 9]) | st.integers(0, 10**12)
    return hnp.arrays(np.int64, (k, k), elements=counts)


tables = st.integers(1, 6).flatmap(_table).filter(lambda table: table.sum() > 0)


def summary(table: Table) -> dict[str, Metric]:
    return summary_metrics(ConfusionMatrix.from_counts(table), None)


MOST_SAMPLES = 10**8
"""Beyond, intervals of correlations lose digits: n² is no longer told from n² less a small class."""


def same(a: Metric, b: Metric, table: Table, rel: float = 1e-9) -> bool:
    is_large = table.sum() > MOST_SAMPLES and None not in (a.value, b.value)
    if a.reason != "too_few_samples" and is_large:
        return a.value == pytest.approx(b.value, rel=rel, abs=1e-12)
    if (a.reason, a.value is None, a.interval is None) != (
        b.reason, b.value is None, b.interval is None
    ):  # fmt: skip
        return False
    ends = zip(a.interval or (), b.interval or (), strict=True)
    return (a.value is None or a.value == pytest.approx(b.value, rel=rel, abs=1e-12)) and all(
        x == pytest.approx(y, rel=1e-6, abs=1e-9) for x, y in ends
    )


def columns(table: Table) -> dict[str, list[Metric]]:
    found = per_class_metrics(ConfusionMatrix.from_counts(table))
    return {name: [c.metric(i) for i in range(len(c))] for name, c in found.items()}


def all_metrics(table: Table) -> list[Metric]:
    return [*summary(table).values(), *(m for column in columns(table).values() for m in column)]


@given(tables)
@LAW
def test_a_value_or_interval_is_missing_exactly_where_a_reason_says_why(table: Table) -> None:
    for metric in all_metrics(table):
        assert (metric.reason is None) == (metric.value is not None and metric.interval is not None)
        assert metric.reason is None or metric.reason in REASONS
        assert metric.value is not None or metric.interval is None


@given(tables)
@LAW
def test_values_stay_in_range_and_intervals_contain_them(table: Table) -> None:
    for name, metric in summary(table).items():
        least = -1 if name in ("cohen_kappa", "matthews_corrcoef") else 0
        assert metric.value is None or least <= metric.value <= 1
    for metric in all_metrics(table):
        if metric.interval is not None:
            assert metric.value is not None
            low, high = metric.interval
            assert low <= metric.value <= high
            assert low < high
    for name, column in columns(table).items():
        worst = -1 if name in ("mcc", "informedness", "markedness") else 0
        best = table.sum() if name == "lift" else 1
        for metric in column:
            assert metric.value is None or worst <= metric.value <= best
            # an interval on the log scale has no upper end to stop at
            low, high = metric.interval or (0, 0)
            assert worst <= low
            assert high <= best or name == "lift"


@given(tables, st.randoms(use_true_random=False))
@LAW
def test_the_order_of_classes_changes_nothing_but_the_order(table: Table, random: object) -> None:
    order = list(range(len(table)))
    random.shuffle(order)  # type: ignore[attr-defined]
    permuted = table[np.ix_(order, order)]
    for name, metric in summary(table).items():
        assert same(metric, summary(permuted)[name], table), name
    before, after = columns(table), columns(permuted)
    for name, column in before.items():
        assert all(same(column[i], after[name][at], table) for at, i in enumerate(order)), name


@given(tables)
@LAW
def test_transposing_swaps_precision_and_recall_and_keeps_the_symmetric_figures(
    table: Table,
) -> None:
    before, after = columns(table), columns(table.T)
    for ours, theirs in (("precision", "recall"), ("specificity", "npv"), ("fpr", "for"),
                         ("fnr", "fdr"), ("informedness", "markedness")):  # fmt: skip
        for a, b in zip(before[ours], after[theirs], strict=True):
            assert a.value == b.value
            assert a.interval == b.interval or same(
                replace(a, reason=None), replace(b, reason=None), table
            )
    for name in ("f1", "jaccard", "mcc"):
        assert all(same(*pair, table) for pair in zip(before[name], after[name], strict=True)), name
    assert all(same(*pair, table) for pair in zip(before["f2"], after["f0_5"], strict=True))
    for a, b in zip(before["lift"], after["lift"], strict=True):
        assert a.value == b.value
        # fewer than 20 samples of other classes may be more than 20 answers of others
        few = "too_few_samples" in (a.reason, b.reason)
        assert few or a.interval is None or a.interval == pytest.approx(b.interval, rel=1e-9)
    for name in ("accuracy", "error_rate", "cohen_kappa", "matthews_corrcoef"):
        assert same(summary(table)[name], summary(table.T)[name], table), name


@given(tables, st.integers(2, 50))
@LAW
def test_more_samples_of_the_same_kind_keep_values_and_shrink_intervals(
    table: Table, factor: int
) -> None:
    for once, often in zip(all_metrics(table), all_metrics(table * factor), strict=True):
        assert once.reason in (often.reason, "too_few_samples")
        assert once.value is None or once.value == pytest.approx(often.value, rel=1e-9, abs=1e-12)
        if once.interval and often.interval:
            widths = [high - low for low, high in (once.interval, often.interval)]
            assert widths[1] < widths[0] or widths[0] < 1e-12


@given(tables, st.integers(0, 6))
@LAW
def test_an_unused_class_changes_no_other_number(table: Table, at: int) -> None:
    at = min(at, len(table))
    wider = np.insert(np.insert(table, at, 0, axis=0), at, 0, axis=1)
    for name, metric in summary(table).items():
        if name != "top5_accuracy":
            assert same(metric, summary(wider)[name], table), name
    before, after = columns(table), columns(wider)
    for name, column in before.items():
        added = after[name].pop(at)
        assert all(same(*pair, table) for pair in zip(column, after[name], strict=True)), name
        assert name in ("specificity", "npv", "fpr", "for", "prevalence") or added.value is None


@given(tables)
@LAW
def test_merging_two_classes_never_lowers_accuracy(table: Table) -> None:
    assume(len(table) > 1)
    merged = table.copy()
    merged[0] += merged[1]
    merged[:, 0] += merged[:, 1]
    merged = np.delete(np.delete(merged, 1, axis=0), 1, axis=1)
    before, after = summary(table)["accuracy"].value, summary(merged)["accuracy"].value
    assert before is not None
    assert after is not None
    assert after >= before


@given(tables)
@LAW
def test_figures_that_are_one_figure_agree(table: Table) -> None:
    found = summary(table)
    assert found["weighted_recall"] == found["accuracy"]
    assert found["macro_recall"] == found["balanced_accuracy"]
    of_class = columns(table)
    for one, other in (("recall", "fnr"), ("precision", "fdr"), ("specificity", "fpr"),
                       ("npv", "for")):  # fmt: skip
        for a, b in zip(of_class[one], of_class[other], strict=True):
            assert (a.value is None) == (b.value is None)
            if a.value is not None and b.value is not None and a.interval and b.interval:
                assert a.value + b.value == pytest.approx(1, rel=1e-15)
                assert a.interval[0] == pytest.approx(1 - b.interval[1], abs=1e-15)
                assert a.interval[1] == pytest.approx(1 - b.interval[0], abs=1e-15)


@given(tables)
@LAW
def test_jaccard_is_f1_on_another_scale_and_so_is_its_interval(table: Table) -> None:
    found = columns(table)
    for f1, jaccard in zip(found["f1"], found["jaccard"], strict=True):
        assert f1.reason == jaccard.reason
        if f1.value is not None:
            assert jaccard.value == pytest.approx(f1.value / (2 - f1.value), rel=1e-14)
        if f1.interval is not None:
            ends = tuple(end / (2 - end) for end in f1.interval)
            assert jaccard.interval == pytest.approx(ends, rel=1e-9)


@given(tables)
@LAW
def test_the_four_counts_of_a_class_add_up_to_all_samples(table: Table) -> None:
    counts = ClassCounts.of(ConfusionMatrix.from_counts(table))
    assert (counts.tp + counts.fp + counts.fn + counts.tn == table.sum()).all()
    for cells in (counts.tp, counts.fp, counts.fn, counts.tn):
        assert (cells >= 0).all()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40),
       st.integers(1, 40))  # fmt: skip
@LAW
def test_batches_of_any_size_give_the_same_metrics(
    samples: list[tuple[int, int]], size: int
) -> None:
    def count(rows: list[tuple[int, int]]) -> ConfusionMatrix:
        return ConfusionMatrix.from_labels([a for a, _ in rows], [b for _, b in rows], 4)

    batches = [count(samples[at : at + size]) for at in range(0, len(samples), size)]
    total = sum(batches, start=ConfusionMatrix.empty(4))
    assert summary_metrics(total, None) == summary_metrics(count(samples), None)
    assert per_class_metrics(total) == per_class_metrics(count(samples))


@given(st.integers(1, 10**6), st.data())
@LAW
def test_wilson_contains_the_share_inside_0_and_1_and_grows_with_successes(
    n: int, data: st.DataObject
) -> None:
    k = data.draw(st.integers(0, n))
    low, high = wilson([k, min(k + 1, n)], n)
    assert 0 <= low[0] <= k / n <= high[0] <= 1
    assert low[0] <= low[1]
    assert high[0] <= high[1]
    assert (low[0] == 0) == (k == 0)
    assert (high[0] == 1) == (k == n)


@given(st.integers(1, 10**9))
@LAW
def test_the_bound_after_no_errors_is_what_makes_seeing_none_improbable(n: int) -> None:
    bound = one_sided_error_bound(n)
    assert (1 - bound) ** n == pytest.approx(0.05, rel=1e-6)
    assert one_sided_error_bound(n + 1) < bound
