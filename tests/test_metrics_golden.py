"""Two published Fashion-MNIST matrices of 60,000 samples, with values of independent libraries."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics import (
    SUMMARY,
    ClassCounts,
    Metric,
    MetricColumn,
    per_class_metrics,
    summary_metrics,
    wilson,
)
from reportgen.metrics.counted import Counted, standard_error
from reportgen.metrics.intervals import atanh_interval, logit_interval

REL = 1e-12

CLASS_NAMES = {
    **{name: name for name in ("precision", "recall", "specificity", "npv", "fpr", "fnr", "fdr",
                               "for", "f1", "jaccard", "prevalence")},
    "balanced_accuracy": "balanced_accuracy_one_vs_rest",
    "mcc": "mcc_one_vs_rest",
    **{name: name for name in ("f2", "f0_5", "informedness", "markedness", "lift")},
}  # fmt: skip
STATISTICS = {
    "macro_recall": "macro_recall",
    "macro_precision": "macro_precision",
    "macro_f1": "macro_f1",
    "weighted_f1": "weighted_f1",
    "cohen_kappa": "kappa",
    "matthews_corrcoef": "mcc",
}
COUNTED = {metric.name: metric.statistic for metric in SUMMARY}


@pytest.fixture(params=["first", "second"])
def golden(request: pytest.FixtureRequest, shared: Callable[[str], Path]) -> dict[str, Any]:
    path = shared("golden/seed_fashion.json")
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))[request.param]
    return values


@pytest.fixture
def matrix(golden: dict[str, Any]) -> ConfusionMatrix:
    return ConfusionMatrix.from_counts(golden["matrix"])


@pytest.fixture
def columns(matrix: ConfusionMatrix) -> dict[str, MetricColumn]:
    return per_class_metrics(matrix)


@pytest.fixture
def overall(matrix: ConfusionMatrix) -> dict[str, Metric]:
    return summary_metrics(matrix, None)


def test_the_matrix_is_read_as_it_stands(golden: dict[str, Any], matrix: ConfusionMatrix) -> None:
    assert matrix.counts.tolist() == golden["matrix"]
    assert matrix.n_samples == golden["overall"]["n"]
    assert matrix.n_correct == golden["overall"]["correct"]
    assert matrix.n_errors == golden["overall"]["errors"]


@pytest.mark.parametrize("over", ["true", "pred", "all"])
def test_normalised_matrices(golden: dict[str, Any], matrix: ConfusionMatrix, over: Any) -> None:
    expected = golden[f"normalised_{over}"]
    np.testing.assert_allclose(matrix.normalized(over), expected, rtol=REL, atol=0)


@pytest.mark.parametrize("name", ["tp", "fp", "fn", "tn", "support", "predicted"])
def test_counts_of_classes(golden: dict[str, Any], matrix: ConfusionMatrix, name: str) -> None:
    counts = getattr(ClassCounts.of(matrix), name)
    assert counts.tolist() == [entry[name] for entry in golden["per_class"]]


@pytest.mark.parametrize("name", CLASS_NAMES)
def test_metrics_of_classes(
    golden: dict[str, Any], columns: dict[str, MetricColumn], name: str
) -> None:
    expected = [entry[CLASS_NAMES[name]] for entry in golden["per_class"]]
    np.testing.assert_allclose(columns[name].value, expected, rtol=REL, atol=0)
    assert columns[name].reason == (None,) * 10


@pytest.mark.parametrize("name", ["recall", "precision"])
def test_wilson_intervals_of_classes(
    golden: dict[str, Any], columns: dict[str, MetricColumn], name: str
) -> None:
    expected = np.array([entry[f"{name}_ci95"]["wilson"] for entry in golden["per_class"]])
    np.testing.assert_allclose(columns[name].low, expected[:, 0], rtol=REL, atol=0)
    np.testing.assert_allclose(columns[name].high, expected[:, 1], rtol=REL, atol=0)


def test_metrics_of_the_whole(golden: dict[str, Any], overall: dict[str, Metric]) -> None:
    given = golden["overall"]
    expected = {
        "accuracy": given["accuracy"],
        "error_rate": given["error_rate"],
        "no_information_rate": given["no_information_rate"],
        "balanced_accuracy": given["balanced_accuracy"],
        **{f"macro_{x}": given["macro"][x] for x in ("precision", "recall", "f1")},
        **{f"weighted_{x}": given["weighted"][x] for x in ("precision", "recall", "f1")},
        "cohen_kappa": given["kappa"],
        "matthews_corrcoef": given["mcc"],
    }
    assert {name: overall[name].value for name in expected} == pytest.approx(expected, rel=REL)


@pytest.mark.parametrize("level", [90, 95, 99])
def test_wilson_intervals_of_the_accuracy(
    golden: dict[str, Any], matrix: ConfusionMatrix, overall: dict[str, Metric], level: int
) -> None:
    expected = golden["overall"][f"accuracy_ci{level}"]["wilson"]
    ends = wilson(matrix.n_correct, matrix.n_samples, level / 100)
    assert [float(end) for end in ends] == pytest.approx(expected, rel=REL)
    if level == 95:
        assert overall["accuracy"].interval == pytest.approx(tuple(expected), rel=REL)


@pytest.mark.parametrize("name", STATISTICS)
def test_multinomial_standard_errors_and_the_intervals_made_of_them(
    golden: dict[str, Any], matrix: ConfusionMatrix, overall: dict[str, Metric], name: str
) -> None:
    expected = golden["overall"]["delta_method"][STATISTICS[name]]
    statistic = COUNTED[name]
    assert isinstance(statistic, Counted)
    error = expected["se_multinomial"]
    assert statistic.value(matrix) == pytest.approx(expected["value"], rel=REL)
    assert standard_error(statistic, matrix) == pytest.approx(error, rel=1e-11)
    interval = atanh_interval if STATISTICS[name] in ("kappa", "mcc") else logit_interval
    ends = tuple(map(float, interval(expected["value"], error)))
    assert overall[name].interval == pytest.approx(ends, abs=0.02 * error)  # of 60,000 samples


def test_the_error_of_the_accuracy_is_a_special_case(
    golden: dict[str, Any], matrix: ConfusionMatrix
) -> None:
    expected = golden["overall"]["delta_method"]["acc"]["se_multinomial"]
    accuracy = COUNTED["accuracy"]
    assert isinstance(accuracy, Counted)
    assert standard_error(accuracy, matrix) == pytest.approx(expected, rel=1e-11)


def test_directed_pairs_by_count(golden: dict[str, Any], matrix: ConfusionMatrix) -> None:
    rows, columns, counts = matrix.errors_by_count()
    assert len(counts) == golden["directed_pairs_nonzero"]
    for at, pair in enumerate(golden["directed_pairs_by_count"]):
        assert (rows[at], columns[at], counts[at]) == (pair["true"], pair["pred"], pair["count"])
        support = int(matrix.true_totals[rows[at]])
        assert counts[at] / support == pytest.approx(pair["rate"], rel=REL)
        assert counts[at] / matrix.n_errors == pytest.approx(pair["share_of_errors"], rel=REL)
        ends = [float(end) for end in wilson(counts[at], support)]
        assert ends == pytest.approx(pair["rate_ci95_wilson"], rel=REL)
