"""Metrics against hand-worked cases, independent libraries, and every degenerate case."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sk

from reportgen.jsonio import read_value, write_value
from reportgen.metrics import (
    COUNTS,
    ORDINAL,
    PER_CLASS,
    REASONS,
    SUMMARY,
    ClassCounts,
    Metric,
    MetricColumn,
    per_class_metrics,
    summary_metrics,
    wilson,
)
from reportgen.metrics.markdown import reference, updated
from tests.matrices import HAND, TABLES, of, values, whole
from tests.test_golden import text_of

# --- names and descriptions


def test_the_names_of_earlier_documents_come_first_in_their_order() -> None:
    """What other programs read; a new metric stands last."""
    document = json.loads(text_of("even-or-odd.json"))
    of_class = [name for name, value in document["per_class"][0].items() if isinstance(value, dict)]
    matrix = of([[1, 1], [0, 2]])
    for found, before, last in (
        (per_class_metrics(matrix), of_class, "lift"),
        (summary_metrics(matrix, None), list(document["summary"]), "top5_accuracy"),
    ):
        of_counts = before[: before.index(last) + 1]  # those of scores follow
        assert len(of_counts) >= 13
        assert list(found)[: len(of_counts)] == of_counts
    assert list(per_class_metrics(matrix)) == [metric.name for metric in PER_CLASS]
    assert list(summary_metrics(matrix, None)) == [metric.name for metric in SUMMARY]
    assert [count.name for count in COUNTS] == ["support", "predicted", "tp", "fp", "fn", "tn"]


@pytest.mark.parametrize("metric", [*COUNTS, *PER_CLASS, *SUMMARY, *ORDINAL], ids=lambda m: m.name)
def test_a_description_is_complete_and_plain(metric: Any) -> None:
    assert metric.meaning[0].isupper()
    assert metric.meaning.endswith(".")
    assert "!" not in metric.meaning
    for text in (metric.title, metric.formula, metric.source):
        assert text
    assert not metric.undefined.endswith(".")
    assert metric.undefined == "never" or metric.undefined.startswith("when ")


def test_a_description_names_the_interval_that_is_computed() -> None:
    table = [[15, 2, 1], [1, 17, 1], [2, 0, 13]]
    for metric in per_class_metrics(of(table)).values():
        assert not np.isnan(metric.low).any()
    assert all(metric.interval != "none" for metric in PER_CLASS)
    described = {metric.name: metric.interval for metric in SUMMARY}
    computed = summary_metrics(of(np.kron(table, np.ones((2, 2), int))), 20)
    for name, metric in computed.items():
        assert (metric.interval is None) == (described[name] == "none"), name


def test_every_reason_has_a_sentence() -> None:
    for code, sentence in REASONS.items():
        assert code == code.lower().replace(" ", "_")
        assert sentence.endswith(".")


def test_the_documentation_is_that_of_the_code() -> None:
    path = Path(__file__).resolve().parent.parent / "docs" / "metrics.md"
    page = path.read_text(encoding="utf-8")
    assert page == updated(page), "run: python -m reportgen.metrics.markdown docs/metrics.md"
    for metric in (*PER_CLASS, *SUMMARY, *ORDINAL):
        assert f"(`{metric.name}`)" in page
    assert all(f"| `{code}` |" in reference() for code in REASONS)


def test_a_page_without_marks_is_not_overwritten() -> None:
    with pytest.raises(ValueError, match="no marks"):
        updated("# Mine")


def test_importing_metrics_imports_no_heavy_library() -> None:
    code = (
        "import sys, reportgen.metrics; "
        "print([m for m in ('scipy', 'pandas', 'torch', 'matplotlib', 'sklearn', 'statistics') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- a case worked by hand


def test_counts_of_a_class_worked_by_hand() -> None:
    counts = ClassCounts.of(of(HAND))
    assert counts.tp.tolist() == [5, 7, 0]
    assert counts.fp.tolist() == [1, 4, 1]
    assert counts.fn.tolist() == [2, 2, 2]
    assert counts.tn.tolist() == [10, 5, 15]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("precision", [5 / 6, 7 / 11, 0]),
        ("recall", [5 / 7, 7 / 9, 0]),
        ("specificity", [10 / 11, 5 / 9, 15 / 16]),
        ("npv", [10 / 12, 5 / 7, 15 / 17]),
        ("fpr", [1 / 11, 4 / 9, 1 / 16]),
        ("fnr", [2 / 7, 2 / 9, 1]),
        ("fdr", [1 / 6, 4 / 11, 1]),
        ("for", [2 / 12, 2 / 7, 2 / 17]),
        ("f1", [10 / 13, 14 / 20, 0]),
        ("jaccard", [5 / 8, 7 / 13, 0]),
        ("balanced_accuracy", [(5 / 7 + 10 / 11) / 2, (7 / 9 + 5 / 9) / 2, 15 / 32]),
        ("mcc", [48 / math.sqrt(6 * 7 * 11 * 12), 27 / math.sqrt(11 * 9 * 9 * 7),
                 -2 / math.sqrt(1 * 2 * 16 * 17)]),
        ("prevalence", [7 / 18, 9 / 18, 2 / 18]),
        ("f2", [25 / 34, 35 / 47, 0]),
        ("f0_5", [25 / 31, 35 / 53, 0]),
        ("informedness", [5 / 7 - 1 / 11, 7 / 9 - 4 / 9, -1 / 16]),
        ("markedness", [5 / 6 - 2 / 12, 7 / 11 - 2 / 7, -2 / 17]),
        ("lift", [5 * 18 / (6 * 7), 7 * 18 / (11 * 9), 0]),
    ],
)  # fmt: skip
def test_per_class_metrics_worked_by_hand(name: str, expected: list[float]) -> None:
    assert values(HAND, name) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", 12 / 18),
        ("error_rate", 6 / 18),
        ("no_information_rate", 9 / 18),
        ("balanced_accuracy", (5 / 7 + 7 / 9) / 3),
        ("macro_precision", (5 / 6 + 7 / 11) / 3),
        ("macro_recall", (5 / 7 + 7 / 9) / 3),
        ("macro_f1", (10 / 13 + 14 / 20) / 3),
        ("weighted_precision", (7 * 5 / 6 + 9 * 7 / 11) / 18),
        ("weighted_recall", 12 / 18),
        ("weighted_f1", (7 * 10 / 13 + 9 * 14 / 20) / 18),
        ("cohen_kappa", (12 * 18 - 143) / (18 * 18 - 143)),  # 7·6 + 9·11 + 2·1 = 143
        ("matthews_corrcoef", (12 * 18 - 143) / math.sqrt((324 - 158) * (324 - 134))),
    ],
)
def test_summary_metrics_worked_by_hand(name: str, expected: float) -> None:
    assert whole(HAND)[name].value == pytest.approx(expected, rel=1e-15)


def test_top5_is_the_share_of_hits_with_a_wilson_interval() -> None:
    matrix = of(np.eye(6, dtype=int) * 2)
    metric = summary_metrics(matrix, 11)["top5_accuracy"]
    assert metric.value == 11 / 12
    assert metric.interval == pytest.approx(tuple(map(float, wilson(11, 12))))
    assert metric.reason is None


@pytest.mark.parametrize(
    ("n_classes", "hits", "reason"),
    [(6, None, "no_scores"), (5, 5, "too_few_classes"), (5, None, "too_few_classes")],
)
def test_top5_without_scores_or_with_five_classes_is_not_available(
    n_classes: int, hits: int | None, reason: str
) -> None:
    metric = summary_metrics(of(np.eye(n_classes, dtype=int)), hits)["top5_accuracy"]
    assert metric == Metric(None, None, reason)


@pytest.mark.parametrize("hits", [-1, 7])
def test_top5_hits_must_be_samples(hits: int) -> None:
    with pytest.raises(ValueError, match="top-5 hits among 6 samples"):
        summary_metrics(of(np.eye(6, dtype=int)), hits)


# --- against scikit-learn


def labels_of(table: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    true, predicted = np.indices(table.shape)
    return np.repeat(true.ravel(), table.ravel()), np.repeat(predicted.ravel(), table.ravel())


def equal(ours: MetricColumn, theirs: Any) -> None:
    np.testing.assert_allclose(ours.value, theirs, rtol=1e-12, atol=0)


@pytest.mark.parametrize("table", TABLES)
def test_per_class_values_equal_those_of_scikit_learn(table: NDArray[np.int64]) -> None:
    y, p = labels_of(table)
    k = range(len(table))
    ours = per_class_metrics(of(table))
    options: dict[str, Any] = {"labels": list(k), "average": None, "zero_division": np.nan}
    precision, recall, f1, support = sk.precision_recall_fscore_support(y, p, **options)
    equal(ours["precision"], precision)
    equal(ours["recall"], recall)
    equal(ours["f1"], f1)
    jaccard = sk.jaccard_score(y, p, labels=list(k), average=None, zero_division=0)
    seen = (support > 0) | (table.sum(0) > 0)
    equal(ours["jaccard"], np.where(seen, jaccard, np.nan))
    for name, beta in (("f2", 2), ("f0_5", 0.5)):
        equal(ours[name], sk.fbeta_score(y, p, beta=beta, **options))
    assert np.array_equal(ClassCounts.of(of(table)).support, support)
    negatives = [sk.recall_score(y != i, p != i, zero_division=np.nan) for i in k]
    equal(ours["specificity"], negatives)
    equal(ours["npv"], [sk.precision_score(y != i, p != i, zero_division=np.nan) for i in k])
    for i in k:
        if ours["mcc"].reason[i] != "one_class_only":
            mcc = sk.matthews_corrcoef(y == i, p == i)
            assert ours["mcc"].value[i] == pytest.approx(mcc, rel=1e-12, abs=1e-15)
        if ours["balanced_accuracy"].metric(i).value is not None:
            balanced = sk.balanced_accuracy_score(y == i, p == i)
            assert ours["balanced_accuracy"].value[i] == pytest.approx(balanced, rel=1e-12)
            adjusted = sk.balanced_accuracy_score(y == i, p == i, adjusted=True)
            assert ours["informedness"].value[i] == pytest.approx(adjusted, rel=1e-12, abs=1e-15)
        if ours["markedness"].metric(i).value is not None:  # that of predictions taken for labels
            adjusted = sk.balanced_accuracy_score(p == i, y == i, adjusted=True)
            assert ours["markedness"].value[i] == pytest.approx(adjusted, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("table", TABLES)
def test_summary_values_equal_those_of_scikit_learn(table: NDArray[np.int64]) -> None:
    y, p = labels_of(table)
    present = np.unique(y)
    ours = {name: metric.value for name, metric in whole(table).items()}
    assert ours["accuracy"] == sk.accuracy_score(y, p)
    assert ours["error_rate"] == pytest.approx(sk.zero_one_loss(y, p), rel=1e-12)
    for average in ("macro", "weighted"):
        theirs = sk.precision_recall_fscore_support(
            y, p, labels=present, average=average, zero_division=0
        )
        mine = [ours[f"{average}_{name}"] for name in ("precision", "recall", "f1")]
        assert mine == pytest.approx(theirs[:3], rel=1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "y_pred contains classes not in y_true"
        balanced = sk.balanced_accuracy_score(y, p)
    assert ours["balanced_accuracy"] == pytest.approx(balanced, rel=1e-12)
    if ours["cohen_kappa"] is not None:
        assert ours["cohen_kappa"] == pytest.approx(sk.cohen_kappa_score(y, p), abs=1e-13)
    if ours["matthews_corrcoef"] is not None:
        assert ours["matthews_corrcoef"] == pytest.approx(sk.matthews_corrcoef(y, p), abs=1e-13)


# --- the values themselves


def test_a_column_and_its_metrics_are_the_same_thing() -> None:
    metrics = [Metric(0.5, (0.25, 0.75), None), Metric(None, None, "no_true_samples"),
               Metric(1.0, None, "no_errors_seen")]  # fmt: skip
    column = MetricColumn.of(metrics)
    assert [column.metric(i) for i in range(len(column))] == metrics
    assert column == MetricColumn.of(metrics)
    assert hash(column) == hash(MetricColumn.of(metrics))
    assert column != MetricColumn.of(metrics[:2])
    assert column != MetricColumn.of([Metric(0.4, (0.25, 0.75), None), *metrics[1:]])
    assert len(MetricColumn.of([])) == 0
    with pytest.raises(ValueError, match="read-only"):
        column.value[0] = 1


def test_a_column_refuses_arrays_of_other_lengths() -> None:
    nan = np.full(2, np.nan)
    with pytest.raises(ValueError, match="low has shape"):
        MetricColumn(nan, nan[:1], nan, (None, None))


@pytest.mark.parametrize(
    "metric", [Metric(0.5, (0.25, 0.75), None), Metric(None, None, "no_scores")]
)
def test_a_metric_survives_json(metric: Metric) -> None:
    import json

    assert read_value(Metric, json.loads(json.dumps(write_value(Metric, metric)))) == metric
    assert list(write_value(Metric, metric)) == ["value", "interval", "reason"]


@pytest.mark.parametrize(
    "value",
    [{"value": 1}, {"value": "x", "interval": None, "reason": None},
     {"value": 1, "interval": [1], "reason": None}, {"value": 1, "interval": None, "reason": 3}],
)  # fmt: skip
def test_what_is_no_metric_is_not_read_as_one(value: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        read_value(Metric, value)
