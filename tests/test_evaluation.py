"""The one result: its numbers, its JSON, and what it says about its data."""

import json

import numpy as np
import pytest

from reportgen.confusion import ConfusionMatrix
from reportgen.errors import DataError
from reportgen.evaluation import (
    CLASS_METRICS,
    SUMMARY_METRICS,
    Evaluation,
    evaluate_matrix,
    evaluate_predictions,
)
from reportgen.predictions import Predictions, RunFacts
from reportgen.predictions.parts import Parts
from reportgen.predictions.schema import Rows
from reportgen.provenance import Accounting, DataNote, ModelFacts, Provenance

PROVENANCE = Provenance("inference", model=ModelFacts("net"), data_name="data")
SUMMARY_NAMES = (
    "accuracy error_rate no_information_rate balanced_accuracy macro_precision macro_recall "
    "macro_f1 weighted_precision weighted_recall weighted_f1 cohen_kappa matthews_corrcoef "
    "top5_accuracy"
).split()
CLASS_NAMES = (
    "class support predicted tp fp fn tn precision recall specificity npv f1 mcc fpr fnr fdr for "
    "jaccard balanced_accuracy prevalence"
).split()


def from_counts(counts, names=None):
    counts = np.array(counts)
    names = names or tuple("abcdefghij"[: len(counts)])
    return evaluate_matrix(ConfusionMatrix.from_counts(counts), names, PROVENANCE)


def predictions(tmp_path, samples, n_classes=3, found=None, notes=()):
    """(id, label, prediction, confidence, rank, tied) of each sample → a predictions file."""
    ids, labels, predicted, confidence, rank, tied = zip(*samples, strict=True)
    n = len(ids)
    parts = Parts.start(tmp_path / "p.partial", {})
    parts.write(
        Rows(
            id=list(ids),
            label=np.array(labels, np.int32),
            prediction=np.array(predicted, np.int32),
            confidence=np.array(confidence, np.float32),
            label_probability=np.full(n, 0.125, np.float32),
            label_rank=np.array(rank, np.int32),
            top_tied=np.array(tied, bool),
            top_classes=np.zeros((n, 3), np.int32),
            top_probabilities=np.zeros((n, 3), np.float32),
            probabilities=np.zeros((n, 0), np.float32),
            flags=np.zeros(n, np.int32),
            reason=[None] * n,
        )
    )
    target = tmp_path / "p.parquet"
    names = tuple(f"c{i}" for i in range(n_classes))
    samples = Accounting(found or n, n, {"unreadable": (found or n) - n} if found else {})
    parts.finish(target, RunFacts(names, PROVENANCE, samples, tuple(notes)))
    return Predictions.open(target)


def test_every_name_of_the_contract_is_there():
    value = from_counts([[3, 1], [0, 2]]).to_json()
    assert list(value["summary"]) == [d.name for d in SUMMARY_METRICS]
    assert set(SUMMARY_NAMES) <= set(value["summary"])
    assert set(CLASS_NAMES) <= set(value["per_class"][0])
    assert {d.name for d in CLASS_METRICS} <= set(value["per_class"][0])
    assert value["schema_version"] == 1
    assert value["n_samples"] == 6
    assert value["confusion_matrix"] == {
        "rows": "true",
        "columns": "predicted",
        "counts": [[3, 1], [0, 2]],
    }
    first = {
        k: value["per_class"][0][k]
        for k in ("class", "support", "predicted", "tp", "fp", "fn", "tn")
    }
    assert first == {"class": "a", "support": 4, "predicted": 3, "tp": 3, "fp": 0, "fn": 1, "tn": 2}


@pytest.mark.parametrize(
    "counts",
    [
        [[3, 1], [0, 2]],
        [[1]],
        [[0, 1], [1, 0]],
        [[0, 0, 0], [2, 5, 0], [1, 0, 3]],
        np.random.default_rng(0).integers(0, 9, (12, 12)),
    ],
)
def test_the_json_is_strict_and_gives_the_evaluation_back(counts):
    evaluation = from_counts(counts, tuple(f"k{i}" for i in range(len(counts))))
    text = json.dumps(evaluation.to_json(), allow_nan=False)
    assert Evaluation.from_json(json.loads(text)) == evaluation


def test_pairs_are_all_the_errors_by_count_then_by_index():
    evaluation = from_counts([[5, 2, 3], [2, 4, 0], [3, 1, 9]])
    pairs = [(p.true, p.predicted, p.count, p.reversed_count) for p in evaluation.pairs]
    assert pairs == [(0, 2, 3, 3), (2, 0, 3, 3), (0, 1, 2, 2), (1, 0, 2, 2), (2, 1, 1, 0)]
    assert evaluation.pairs[0].share_of_true == 3 / 10
    assert evaluation.pairs[0].share_of_errors == 3 / 11
    assert sum(p.share_of_errors for p in evaluation.pairs) == pytest.approx(1)


def test_above_2048_classes_cells_are_listed_instead_of_a_table():
    matrix = ConfusionMatrix.from_labels([0, 5, 2999], [0, 6, 2999], 3000)
    evaluation = evaluate_matrix(matrix, tuple(f"c{i}" for i in range(3000)), PROVENANCE)
    value = evaluation.to_json()
    assert value["confusion_matrix"]["cells"] == [[0, 0, 1], [5, 6, 1], [2999, 2999, 1]]
    assert "counts" not in value["confusion_matrix"]
    assert Evaluation.from_json(value) == evaluation


def test_predictions_are_counted_and_the_worst_mistakes_found(tmp_path):
    samples = [(f"w{i}", 0, 1, 0.5 + i / 100, 2, False) for i in range(12)]
    samples += [("r1", 1, 1, 0.9, 1, True), ("r2", 2, 2, 0.9, 7, False), ("w", 2, 0, 0.4, 3, False)]
    evaluation = evaluate_predictions(predictions(tmp_path, samples, 8, found=17))
    assert evaluation.confusion.count(0, 1) == 12
    assert [m.id for m in evaluation.examples[0]] == [f"w{i}" for i in range(11, 3, -1)]
    assert evaluation.examples[1][0].label_probability == 0.125
    assert evaluation.summary["top5_accuracy"].value == 14 / 15
    assert evaluation.samples == Accounting(17, 15, {"unreadable": 2})
    notes = {note.code: note for note in evaluation.notes}
    assert notes["tied-scores"].count == 1
    assert notes["absent-classes"].count == 5
    assert Evaluation.from_json(json.loads(json.dumps(evaluation.to_json()))) == evaluation


def test_samples_without_a_label_are_left_out_and_counted(tmp_path):
    samples = [("a", -1, 1, 0.9, 0, False), ("b", 0, 0, 0.9, 1, False)]
    evaluation = evaluate_predictions(predictions(tmp_path, samples))
    assert evaluation.samples == Accounting(2, 1, {"label unknown": 1})
    assert evaluation.n_samples == 1


def test_top_5_needs_scores_and_more_than_five_classes(tmp_path):
    assert from_counts(np.eye(6, dtype=int)).summary["top5_accuracy"].reason == "no_scores"
    evaluation = evaluate_predictions(predictions(tmp_path, [("a", 0, 0, 0.9, 1, False)]))
    assert evaluation.summary["top5_accuracy"].reason == "too_few_classes"


def test_no_sample_is_an_error_not_an_empty_report():
    with pytest.raises(DataError) as caught:
        from_counts([[0, 0], [0, 0]])
    assert caught.value.slug == "no-samples"
    assert caught.value.exit_code == 3


def test_one_sample_supports_no_conclusion():
    notes = {n.code: n.sentence for n in from_counts([[1, 0], [0, 0]]).notes}
    assert notes["one-sample"] == "1 sample supports no conclusion."
    assert "b" in notes["absent-classes"]


def test_a_class_that_is_never_predicted_is_named():
    notes = {n.code: n for n in from_counts([[3, 0], [2, 0]]).notes}
    assert notes["never-predicted-classes"].examples == ("b",)


def test_a_note_about_the_same_thing_is_not_said_twice():
    matrix = ConfusionMatrix.from_counts(np.array([[1, 0], [0, 0]]))
    note = DataNote("absent-classes", "Said before.", "warning", 1, ("b",))
    evaluation = evaluate_matrix(matrix, ("a", "b"), PROVENANCE, (note,))
    assert [n.sentence for n in evaluation.notes if n.code == "absent-classes"] == ["Said before."]


def test_counted_and_excluded_must_make_up_what_was_found():
    with pytest.raises(ValueError, match="excluded"):
        Accounting(found=10, counted=8, excluded={"unreadable": 1})


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        ({"schema_version": 2}, "report-json-version"),
        ({"schema_version": None}, "report-json-version"),
        ({"classes": 3}, "report-json-damaged"),
        ({"per_class": []}, "report-json-damaged"),
        ({"confusion_matrix": {"rows": "predicted", "columns": "true", "counts": []}}, "report-json-damaged"),
        ({"summary": {"accuracy": 1}}, "report-json-damaged"),
        ({"pairs": [{}]}, "report-json-damaged"),
        ({"provenance": None}, "report-json-damaged"),
    ],
)  # fmt: skip
def test_a_json_of_another_form_is_refused(change, slug):
    value = {**from_counts([[3, 1], [0, 2]]).to_json(), **change}
    with pytest.raises(DataError) as caught:
        Evaluation.from_json(value)
    assert caught.value.slug == slug


def test_a_shifted_class_list_is_told():
    counts = np.roll(np.eye(6, dtype=int) * 90 + 2, 1, axis=1)
    notes = {note.code: note for note in from_counts(counts).notes}
    assert [code for code in notes if "order" in notes[code].sentence], notes
    assert "after the best relabelling" in " ".join(n.sentence for n in notes.values())
    bad = np.random.default_rng(0).integers(5, 30, (6, 6))
    assert "relabelling" not in " ".join(n.sentence for n in from_counts(bad).notes)
