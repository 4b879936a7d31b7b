"""The one result: its numbers, its JSON, and what it says about its data."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import DataError
from reportgen.evaluation import (
    CLASS_METRICS,
    SUMMARY_METRICS,
    Evaluation,
    collect_galleries,
    evaluate_matrix,
    evaluate_predictions,
    gallery_pairs,
)
from reportgen.predictions import Predictions, RunFacts
from reportgen.predictions.parts import Parts
from reportgen.predictions.schema import Rows
from reportgen.provenance import Accounting, DataNote, ModelFacts, Provenance
from reportgen.report import build_report
from tests import factories

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
    assert value["schema_version"] == 2
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
    assert notes["one-sample"] == "One sample: no conclusion."
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
        ({"schema_version": 3}, "report-json-version"),
        ({"schema_version": True}, "report-json-version"),
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


def mutual(n_classes, n_pairs):
    """Counts in which `n_pairs` pairs are confused, less often the other way round."""
    counts = np.eye(n_classes, dtype=int) * 50
    cells = [(i, j) for i in range(n_classes) for j in range(i + 1, n_classes)][:n_pairs]
    for place, (i, j) in enumerate(cells):
        counts[i, j], counts[j, i] = 40 - place, place % 3
    return from_counts(counts.tolist())


def test_galleries_are_of_the_first_ten_pairs_and_of_their_reverses():
    evaluation = mutual(6, 12)
    shown = [(pair.true, pair.predicted) for pair in gallery_pairs(evaluation.pairs)]
    first = [(pair.true, pair.predicted) for pair in evaluation.pairs[:10]]
    assert shown[:10] == first
    happened = [(j, i) for i, j in first if evaluation.confusion.count(j, i)]
    assert shown[10:] == happened
    assert len(happened) == 6


@given(st.lists(st.lists(st.integers(0, 3), min_size=5, max_size=5), min_size=5, max_size=5))
@settings(deadline=None, max_examples=50)
def test_a_pair_has_a_gallery_where_it_or_its_reverse_is_among_the_first_ten(counts):
    assume(any(map(any, counts)))
    pairs = from_counts(counts).pairs
    shown = gallery_pairs(pairs)
    first = {(pair.true, pair.predicted) for pair in pairs[:10]}
    assert len(set(shown)) == len(shown) <= 20
    assert set(shown) == {
        pair for pair in pairs if {(pair.true, pair.predicted), (pair.predicted, pair.true)} & first
    }


def test_the_samples_of_reverses_are_kept_and_read_back():
    evaluation = factories.cifar()
    assert len(evaluation.examples) == 16
    value = json.loads(json.dumps(evaluation.to_json()))
    assert len(value["examples"]) == 10
    names = [(item["true"], item["predicted"]) for item in value["reversed_examples"]]
    assert names == [
        (evaluation.classes[pair.true], evaluation.classes[pair.predicted])
        for pair in gallery_pairs(evaluation.pairs)[10:]
    ]
    assert value["reversed_examples"][0]["samples"] == [
        {**asdict(one), "top": []} for one in evaluation.examples[10]
    ]
    assert Evaluation.from_json(value) == evaluation


def test_a_report_json_from_before_reverses_had_galleries_is_read_and_rendered():
    evaluation = factories.cifar()
    value = evaluation.to_json()
    del value["reversed_examples"]
    old = Evaluation.from_json(value)
    assert old.examples == evaluation.examples[:10]
    assert [pair for pair, _ in collect_galleries(old)] == list(evaluation.pairs[:10])
    groups = build_report(old).pairs.groups
    assert sum(not way.examples for group in groups for way in group.directions) == 6


@pytest.mark.parametrize("change", ["other pair", "fewer first", "unknown class"])
def test_reverses_that_belong_to_no_pair_are_refused(change):
    value = json.loads(json.dumps(factories.cifar().to_json()))
    if change == "other pair":
        value["reversed_examples"][0]["true"] = value["reversed_examples"][0]["predicted"]
    elif change == "fewer first":
        value["examples"].pop()
    else:
        value["reversed_examples"][0]["true"] = "nothing"
    with pytest.raises(DataError) as caught:
        Evaluation.from_json(value)
    assert caught.value.slug == "report-json-damaged"


def test_the_worst_samples_of_a_reverse_are_found_beyond_the_first_ten(tmp_path):
    samples, n = [], 0
    for i in range(5):
        for j in range(i + 1, 5):
            for _ in range(3):
                samples.append((f"s{n}", i, j, 0.5 + n / 1000, 1, False))
                n += 1
    samples.append(("back", 1, 0, 0.7, 1, False))
    evaluation = evaluate_predictions(predictions(tmp_path, samples, 5))
    assert len(evaluation.pairs) == 11
    assert [mistake.id for mistake in evaluation.examples[10]] == ["back"]


def many_confusions():
    """40 classes, every cell of them occupied: 1,560 confusions."""
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 9, (40, 40)) + 50 * np.eye(40, dtype=int)
    return from_counts(counts, tuple(f"class {i}" for i in range(40)))


def test_a_document_lists_a_thousand_confusions_and_counts_all():
    evaluation = many_confusions()
    value = evaluation.to_json()
    assert len(evaluation.pairs) == value["n_pairs"] == 40 * 39
    assert len(value["pairs"]) == 1000
    assert value["pairs"][999]["count"] == evaluation.pairs[999].count
    assert Evaluation.from_json(value) == evaluation


def test_a_document_of_version_1_lists_every_confusion():
    evaluation = many_confusions()
    value = evaluation.to_json()
    true, names = evaluation.pairs, evaluation.classes
    value["pairs"] += [
        {**value["pairs"][0], "true": names[one.true], "predicted": names[one.predicted],
         "count": one.count, "share_of_true": one.share_of_true,
         "share_of_errors": one.share_of_errors, "reversed_count": one.reversed_count}
        for one in true[1000:]
    ]  # fmt: skip
    del value["n_pairs"]
    assert Evaluation.from_json({**value, "schema_version": 1}) == evaluation
    with pytest.raises(DataError, match="a list of 1,000, not a list of 1,560"):
        Evaluation.from_json({**value, "schema_version": 1, "pairs": value["pairs"][:1000]})


@pytest.mark.parametrize(
    ("change", "message"),
    [({"n_pairs": 1000}, "n_pairs is 1000: the confusion matrix contains 1,560"),
     ({"pairs": []}, "pairs is a list of 0, not a list of 1,000")],
)  # fmt: skip
def test_a_document_with_other_confusions_than_its_matrix_is_refused(change, message):
    with pytest.raises(DataError, match=message):
        Evaluation.from_json({**many_confusions().to_json(), **change})
