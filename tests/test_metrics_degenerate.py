"""Degenerate data: what is undefined, what stands at an end, and numbers of any size."""

from __future__ import annotations

import time
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics import (
    SUMMARY,
    Metric,
    macro_note,
    per_class_metrics,
    summary_metrics,
    wilson,
)
from tests.matrices import classes, of, values, whole, why

# --- undefined, and at the ends


def test_a_class_without_samples_has_no_recall_but_a_precision_and_f1_of_0() -> None:
    table = [[3, 1], [0, 0]]  # predicted once
    assert classes(table, "recall")[1] == Metric(None, None, "no_true_samples")
    assert classes(table, "fnr")[1] == Metric(None, None, "no_true_samples")
    assert classes(table, "balanced_accuracy")[1] == Metric(None, None, "no_true_samples")
    assert values(table, "precision")[1] == 0
    low, high = (float(end) for end in wilson(0, 1))
    assert classes(table, "jaccard")[1] == Metric(0, (low, high), None)
    assert classes(table, "f1")[1] == Metric(0, (low, 2 * high / (1 + high)), None)
    assert classes(table, "f2")[1] == Metric(0, None, "none_right")
    assert values(table, "prevalence")[1] == 0


def test_a_class_neither_there_nor_predicted_has_no_f1() -> None:
    table = [[3, 1, 0], [1, 2, 0], [0, 0, 0]]
    assert classes(table, "f1")[2] == Metric(None, None, "absent_and_never_predicted")
    assert classes(table, "jaccard")[2] == Metric(None, None, "absent_and_never_predicted")
    assert why(table, "precision") == [None, None, "never_predicted"]
    assert why(table, "fdr") == [None, None, "never_predicted"]
    assert why(table, "recall") == [None, None, "no_true_samples"]
    assert why(table, "mcc") == [None, None, "one_class_only"]
    assert values(table, "specificity")[2] == 1
    assert values(table, "npv")[2] == 1


def test_a_class_that_is_never_predicted_has_no_precision_but_an_f1_of_0() -> None:
    table = [[3, 0], [2, 0]]
    assert classes(table, "precision")[1] == Metric(None, None, "never_predicted")
    assert values(table, "f1")[1] == 0
    assert why(table, "npv") == ["always_predicted", None]
    assert why(table, "for") == ["always_predicted", None]
    assert why(table, "mcc") == ["one_class_only", "one_class_only"]
    # recall 0 and specificity 1: no variation was seen, which is not certainty
    found = classes([[3, 0], [3, 0]], "balanced_accuracy")[1]
    assert found.value == 0.5
    assert wide(found)
    assert classes(table, "balanced_accuracy")[1] == Metric(0.5, None, "too_few_samples")


def test_macro_leaves_absent_classes_out_and_counts_never_predicted_ones_as_0() -> None:
    absent_but_predicted = [[1, 1, 0], [0, 0, 0], [0, 0, 2]]
    assert whole(absent_but_predicted)["macro_recall"].value == 0.75
    assert whole(absent_but_predicted)["macro_precision"].value == 1
    never_predicted = [[1, 0, 0], [1, 0, 0], [0, 0, 1]]
    assert whole(never_predicted)["macro_precision"].value == pytest.approx(0.5)
    assert whole(never_predicted)["weighted_precision"].value == pytest.approx(0.5)
    one_right_of_three_declared = [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert whole(one_right_of_three_declared)["macro_f1"].value == 1


def test_the_macro_note_names_both_kinds_of_classes() -> None:
    note = macro_note(of([[1, 0, 1, 0], [0, 0, 0, 0], [1, 0, 2, 0], [1, 0, 0, 0]]))
    assert note.absent == [1]
    assert note.never_predicted == [3]
    assert note.n_averaged == 3


def test_when_every_sample_is_of_one_class_there_is_nothing_to_tell_apart() -> None:
    table = [[3, 1], [0, 0]]
    found = whole(table)
    assert classes(table, "specificity")[0] == Metric(None, None, "no_other_samples")
    assert classes(table, "fpr")[0] == Metric(None, None, "no_other_samples")
    assert classes(table, "balanced_accuracy")[0] == Metric(None, None, "no_other_samples")
    assert classes(table, "mcc")[0] == Metric(None, None, "one_class_only")
    assert found["matthews_corrcoef"] == Metric(None, None, "constant_labels_or_predictions")
    assert found["cohen_kappa"].value == 0
    assert wide(found["cohen_kappa"])
    assert found["accuracy"].value == 0.75
    assert found["no_information_rate"].value == 1
    assert found["no_information_rate"].interval == pytest.approx((0.510109, 1), abs=1e-6)


def test_a_constant_predictor_has_kappa_0_and_no_correlation() -> None:
    found = whole([[6, 0, 0], [3, 0, 0], [1, 0, 0]])
    assert found["cohen_kappa"].value == 0
    assert wide(found["cohen_kappa"])
    assert found["matthews_corrcoef"] == Metric(None, None, "constant_labels_or_predictions")
    assert found["macro_recall"].value == pytest.approx(1 / 3)
    assert wide(found["macro_recall"])
    # one of three classes has a single sample: that it is never predicted may be chance
    assert found["macro_precision"] == Metric(pytest.approx(0.2), None, "too_few_samples")


@pytest.mark.parametrize("table", [[[4]], [[4, 0], [0, 0]]])
def test_one_class_on_both_sides_leaves_accuracy(table: Any) -> None:
    found = whole(table)
    assert found["accuracy"].value == 1
    assert found["accuracy"].interval == pytest.approx((0.510109, 1), abs=1e-6)
    assert found["balanced_accuracy"].value == 1
    assert found["balanced_accuracy"].interval == pytest.approx((0.510109, 1), abs=1e-6)
    assert found["macro_f1"].value == 1
    for name in ("cohen_kappa", "matthews_corrcoef"):
        assert found[name] == Metric(None, None, "constant_labels_or_predictions")
    assert found["top5_accuracy"].reason == "too_few_classes"


def wide(metric: Metric) -> bool:
    """Whether it has an interval around it that claims little."""
    low, high = metric.interval or (0, 0)
    return low <= (metric.value or 0) <= high and high - low > 0.2


def test_a_perfect_classifier_is_exactly_1_and_its_intervals_say_how_sure_that_is() -> None:
    found = whole(np.diag([5, 9, 3]))
    assert {name: metric.value for name, metric in found.items()} == {
        **{one.name: one.range[bool(one.higher_is_better)] for one in SUMMARY},
        "no_information_rate": 9 / 17,
        "top5_accuracy": None,
    }
    for name, metric in found.items():
        if name != "top5_accuracy":
            assert metric.interval is not None, name
            assert metric.reason is None
        if metric.value == 1:
            low, high = metric.interval or (1, 0)
            assert 0.7 < low < 0.82, name  # of three samples alone it would be 0.44
            assert high == 1, name
    table = np.diag([5, 9, 3])
    for name in ("f1", "jaccard", "balanced_accuracy", "mcc"):
        for metric in classes(table, name):
            low, high = metric.interval or (1, 0)
            assert (metric.value, high) == (1, 1)
            assert 0.4 < low < 0.9
    for name in ("precision", "recall", "specificity", "npv"):
        assert all(m.value == 1 and m.interval and m.reason is None for m in classes(table, name))
    for name in ("fpr", "fnr", "fdr", "for"):
        assert all(m.value == 0 and m.interval and m.reason is None for m in classes(table, name))


def test_always_wrong_is_exactly_0_and_its_intervals_begin_there() -> None:
    found = whole([[0, 6], [3, 0]])
    assert found["accuracy"].value == 0
    assert found["accuracy"].interval is not None
    for name in ("balanced_accuracy", "macro_precision", "macro_f1", "weighted_f1"):
        assert found[name].value == 0
        low, high = found[name].interval or (1, 1)
        assert low == 0
        assert 0.2 < high < 0.6
    assert found["matthews_corrcoef"].value == -1
    assert (found["matthews_corrcoef"].interval or (0,))[0] == -1
    assert found["cohen_kappa"].value == pytest.approx(-0.8)
    assert found["cohen_kappa"].interval is not None
    assert [metric.value for metric in classes([[0, 6], [3, 0]], "mcc")] == [-1, -1]
    assert whole([[0, 3], [3, 0]])["cohen_kappa"].value == -1


def test_a_correlation_of_exactly_0_is_inside_its_scale_and_has_an_interval() -> None:
    found = whole([[2, 2], [2, 2]])
    for name in ("matthews_corrcoef", "cohen_kappa"):
        assert found[name].value == 0
        low, high = found[name].interval or (0, 0)
        assert low == pytest.approx(-high)
        assert 0 < high < 1
        assert found[name].reason is None
    assert classes([[2, 2], [2, 2]], "mcc")[0].interval is not None


def test_an_average_of_all_right_and_all_wrong_claims_no_certainty() -> None:
    found = whole([[5, 0, 0], [0, 0, 5], [0, 5, 0]])
    assert found["macro_recall"].value == pytest.approx(1 / 3)
    assert wide(found["macro_recall"])
    assert wide(found["weighted_f1"])


@pytest.mark.parametrize(
    "table", [[[40, 0, 0], [0, 0, 6849183], [0, 0, 0]], [[0, 0, 1], [199, 0, 0], [0, 0, 0]]]
)
def test_a_correlation_that_no_sample_could_change_has_an_interval_of_more_than_rounding_noise(
    table: Any,
) -> None:
    found = whole(table)["matthews_corrcoef"]
    assert abs(found.value or 0) == 0.5  # whatever the counts
    low, high = found.interval or (0, 0)
    assert high - low > 0.01
    turned = whole(np.transpose(table))["matthews_corrcoef"]
    assert turned.interval == pytest.approx(found.interval, rel=1e-9)


def test_a_macro_precision_of_1_says_nothing_of_errors_into_absent_classes() -> None:
    found = whole([[3, 1, 0], [0, 0, 0], [0, 0, 2]])
    assert found["macro_precision"] == Metric(1, None, "too_few_samples")  # a class of two
    assert found["macro_recall"].interval is not None


@pytest.mark.parametrize(("table", "right"), [([[1, 0], [0, 0]], 1), ([[0, 1], [0, 0]], 0)])
def test_one_sample_makes_a_report_with_wide_intervals(table: Any, right: int) -> None:
    found = whole(table)
    assert found["accuracy"].value == right
    low, high = found["accuracy"].interval or (0, 0)
    assert high - low > 0.79
    assert found["macro_f1"] == Metric(right, None, "too_few_samples")
    low, high = found["balanced_accuracy"].interval or (0, 0)
    assert high - low > 0.79


def test_without_samples_all_is_not_available() -> None:
    matrix = ConfusionMatrix.empty(3)
    assert set(summary_metrics(matrix, None).values()) == {Metric(None, None, "no_samples")}
    for column in per_class_metrics(matrix).values():
        assert [column.metric(i) for i in range(3)] == [Metric(None, None, "no_samples")] * 3


# --- exact numbers


BIG = np.array([[10**12, 3, 10**11 + 7], [10**9, 10**12 - 1, 1], [0, 10**10, 10**12 - 11]])


def test_counts_of_a_million_million_keep_every_digit() -> None:
    r, c = [int(x) for x in BIG.sum(1)], [int(x) for x in BIG.sum(0)]
    n, t = sum(r), int(np.trace(BIG))
    s = sum(a * b for a, b in zip(r, c, strict=True))
    found = whole(BIG)
    assert found["accuracy"].value == float(Fraction(t, n))
    assert found["cohen_kappa"].value == float(Fraction(n * t - s, n * n - s))
    square = Fraction(
        (n * t - s) ** 2, (n * n - sum(x * x for x in r)) * (n * n - sum(x * x for x in c))
    )
    mcc = found["matthews_corrcoef"].value
    assert mcc is not None
    assert mcc**2 == pytest.approx(float(square), rel=1e-15)
    f1 = [Fraction(2 * int(BIG[i, i]), r[i] + c[i]) for i in range(3)]
    assert values(BIG, "f1") == [float(x) for x in f1]
    assert found["macro_f1"].value == pytest.approx(float(sum(f1) / 3), rel=1e-15)
    tp, others = int(BIG[0, 0]), n - r[0]
    square = Fraction((tp * n - r[0] * c[0]) ** 2, r[0] * others * c[0] * (n - c[0]))
    first = values(BIG, "mcc")[0]
    assert first is not None
    assert first**2 == pytest.approx(float(square), rel=1e-15)
    for metric in found.values():
        assert (
            metric.interval is None or metric.interval[0] < (metric.value or 0) < metric.interval[1]
        )


def test_one_error_in_a_million_million_is_not_rounded_away() -> None:
    found = whole([[10**12, 1], [0, 10**12]])
    for name in ("accuracy", "macro_f1", "cohen_kappa", "matthews_corrcoef"):
        value, interval = found[name].value, found[name].interval
        assert value is not None
        assert interval is not None
        assert 0 < 1 - value < 1e-11
        assert interval[0] < value < interval[1] <= 1


@pytest.mark.parametrize(
    "right", [[3, 7, 7], [63383684, 13786650926, 3804734], [10**12 + 39, 2 * 10**12, 1]]
)
def test_perfect_is_exactly_1_at_any_size(right: list[int]) -> None:
    table = np.diag(right)  # at the second, the plain formula gives 0.9999999999999999
    assert whole(table)["matthews_corrcoef"].value == 1
    assert whole(table)["cohen_kappa"].value == 1
    assert values(table, "mcc") == [1, 1, 1]


def test_thousands_of_classes_take_no_square_table_and_no_time() -> None:
    rng = np.random.default_rng(3)
    k, n = 21_000, 200_000
    labels = rng.integers(k, size=n)
    predictions = np.where(rng.random(n) < 0.8, labels, rng.integers(k, size=n))
    matrix = ConfusionMatrix.from_labels(labels, predictions, k)
    start = time.process_time()
    found = summary_metrics(matrix, n)
    columns = per_class_metrics(matrix)
    assert time.process_time() - start < 2  # 0.1 s; a square table would ask for 3.5 GB
    assert "counts" not in vars(matrix)
    assert found["accuracy"].value == np.mean(labels == predictions)
    assert len(columns["f1"]) == k
