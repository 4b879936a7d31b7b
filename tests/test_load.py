"""Saved inputs from Python: the numbers, the slices, the labels worth a second look."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

import reportgen
from reportgen.errors import ReportgenError
from reportgen.evaluation import Evaluation

CLASSES = ["ant", "bee", "cow"]


def scored(n=600, seed=0):
    """Labels, and probabilities that are right about four times in five."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    logits = rng.normal(size=(n, 3)) + 2 * np.eye(3)[labels]
    return labels, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def frame(n=600):
    labels, p = scored(n)
    table = pd.DataFrame(p, columns=[f"prob_{name}" for name in CLASSES])
    table.insert(0, "label", [CLASSES[i] for i in labels])
    table.insert(0, "id", [f"{i:04d}.png" for i in range(n)])
    return table, labels, p


def test_figures_of_scores_are_those_of_scikit_learn():
    table, labels, p = frame()
    evaluation = reportgen.load(table)
    summary = {name: metric.value for name, metric in evaluation.summary.items()}
    assert evaluation.classes == tuple(CLASSES)
    assert summary["accuracy"] == pytest.approx(np.mean(p.argmax(1) == labels), rel=1e-12)
    assert summary["log_loss"] == pytest.approx(log_loss(labels, p), rel=1e-6)
    assert summary["macro_roc_auc"] == pytest.approx(
        roc_auc_score(labels, p, multi_class="ovr", average="macro"), rel=1e-9
    )
    assert evaluation.per_class["average_precision"].value[1] == pytest.approx(
        average_precision_score(labels == 1, p[:, 1]), rel=1e-9
    )
    assert summary["brier_score"] == pytest.approx(
        np.mean(((p - np.eye(3)[labels]) ** 2).sum(axis=1)), rel=1e-6
    )


def test_the_evaluation_survives_its_json():
    table, _, _ = frame()
    table["camera"] = np.where(np.arange(len(table)) % 3 == 0, "north", "south")
    evaluation = reportgen.load(table)
    text = json.dumps(evaluation.to_json(), allow_nan=False)
    assert Evaluation.from_json(json.loads(text)) == evaluation


def test_a_slice_that_is_worse_comes_first():
    table, _, p = frame(2000)
    wrong = np.arange(2000) % 4 == 0
    table["camera"] = np.where(wrong, "north", "south")
    table.loc[wrong, "label"] = [CLASSES[(p[i].argmax() + 1) % 3] for i in np.flatnonzero(wrong)]
    slices = reportgen.load(table).to_json()["slices"]
    assert slices["slices"][0]["value"] == "north"
    assert [column["name"] for column in slices["columns"]] == ["camera"]


def test_labels_that_were_swapped_are_worth_a_second_look():
    table, labels, p = frame(600)
    sure = int(np.argmax(p[:, 0] * (labels == 0)))
    table.loc[sure, "label"] = "bee"
    found = reportgen.load(table).suspects
    assert found.reason is None
    assert found.suspects[0].id == f"{sure:04d}.png"
    assert CLASSES[found.suspects[0].suggested] == "ant"


def test_what_is_missing_is_said():
    evaluation = reportgen.load({"label": ["a", "b"], "prediction": ["a", "a"]})
    assert evaluation.confidence is None
    assert evaluation.suspects.reason == "no_scores"
    assert evaluation.summary["ece"].reason == "no_scores"
    assert evaluation.slices.slices == ()


def test_arrays_of_a_matrix_are_rows_true():
    evaluation = reportgen.load(np.array([[5, 1], [0, 4]]), classes=["a", "b"])
    assert evaluation.confusion.count(0, 1) == 1
    turned = reportgen.load(np.array([[5, 1], [0, 4]]), classes=["a", "b"], rows="predicted")
    assert turned.confusion.count(1, 0) == 1


def test_an_input_of_another_kind_is_refused():
    with pytest.raises(ReportgenError):
        reportgen.load(object())


def test_a_frame_is_rendered(tmp_path):
    table, _, _ = frame(60)
    reportgen.render(table, out=tmp_path / "o", title="From a frame")
    assert "From a frame" in (tmp_path / "o/report.html").read_text()
