"""True classes from a table of their own, and one-hot: every row finds its label, or is refused."""

import numpy as np
import pytest

import reportgen
from reportgen.errors import DataError, UsageError
from reportgen.evaluation import evaluate_predictions
from reportgen.options.importing import InputOptions
from tests.importers.conftest import accuracy, columns, note_codes

SUBMISSION = "id,label\n1,cat\n2,dog\n3,cat\n4,cat\n"
SOLUTION = "id,label,Usage\n1,cat,Public\n2,dog,Public\n3,dog,Private\n4,cat,Private\n"
TRUTH = "image,MEL,NV,BCC\nI1,1.0,0.0,0.0\nI2,0,1,0\nI3,0,0,1\nI4,0,1,0\n"
SCORES = "image,MEL,NV,BCC\nI4,.1,.85,.05\nI1,.7,.2,.1\nI2,.1,.8,.1\nI3,.2,.5,.3\n"


def refused(box, source, kind=DataError, **options):
    with pytest.raises(kind) as caught:
        box.open(source, **options)
    return caught.value


def test_a_submission_and_its_solution_are_joined_by_id(box):
    found = box.open(SUBMISSION, labels=box.write(SOLUTION, "solution.csv"))
    assert accuracy(found) == 0.75
    assert found.roles.label == "label (in solution.csv)"
    assert found.roles.prediction == "label"
    assert set(found.metadata) == {"Usage"}
    assert columns(found, "Usage")["Usage"].tolist() == ["Public"] * 2 + ["Private"] * 2
    assert "labels-joined" in note_codes(found)
    assert len(found.facts.provenance.inference["labels SHA-256"]) == 64


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 1, 0, 2]])
@pytest.mark.parametrize("head", ["id,label,Usage", "ID,Target,Usage", "file_name,y_true,Usage"])
def test_rows_find_their_labels_in_any_order_and_under_usual_names(box, order, head):
    lines = SOLUTION.splitlines()[1:]
    content = "\n".join([head, *(lines[i] for i in order)])
    assert accuracy(box.open(SUBMISSION, labels=box.write(content, "s.csv"))) == 0.75


def test_columns_of_the_labels_are_named_where_they_have_no_usual_name(box):
    labels = box.write("k,kind,n\n1,cat,0\n2,dog,0\n3,dog,0\n4,cat,0\n", "s.csv")
    assert refused(box, SUBMISSION, labels=labels).slug == "table-columns"
    found = box.open(SUBMISSION, labels=labels, labels_id="k", labels_column="kind")
    assert accuracy(found) == 0.75


def test_a_prediction_of_its_own_name_leaves_a_label_of_the_input_unused(box):
    table = "id,label,prediction\n1,dog,cat\n2,cat,dog\n3,cat,cat\n4,dog,cat\n"
    found = box.open(table, labels=box.write(SOLUTION, "s.csv"))
    assert accuracy(found) == 0.75
    assert found.metadata["label (in the table)"] == "label"


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "npz"])
def test_labels_are_read_from_every_format_of_tables(box, suffix):
    import pyarrow as pa
    import pyarrow.parquet as pq

    ids, names = [4, 3, 2, 1], ["cat", "dog", "dog", "cat"]
    path = box.folder / f"s.{suffix}"
    if suffix == "parquet":
        pq.write_table(pa.table({"id": ids, "label": names}), path)
    elif suffix == "jsonl":
        path.write_text(
            "".join(f'{{"id": {i}, "label": "{n}"}}\n' for i, n in zip(ids, names, strict=True))
        )
    else:
        np.savez(path, id=np.array(ids), label=np.array(names))
    assert accuracy(box.open(SUBMISSION, labels=path)) == 0.75


def test_arrays_with_ids_are_joined_by_them(box):
    path = box.folder / "p.npz"
    np.savez(path, ids=np.array(["1", "2", "3", "4"]), preds=np.array(["cat", "dog", "cat", "cat"]))
    assert accuracy(box.open(path, labels=box.write(SOLUTION, "s.csv"))) == 0.75


def test_a_sample_without_a_label_is_refused_with_its_row_and_may_be_left_out(box):
    labels = box.write(SOLUTION.replace("3,dog,Private\n", ""), "s.csv")
    error = refused(box, SUBMISSION, labels=labels)
    assert error.slug == "labels-missing"
    assert 'line 4 of "table.csv": "3" has no label in "s.csv"' in error.message
    assert "--labels-partial" in error.hint
    found = box.open(SUBMISSION, labels=labels, labels_partial=True)
    assert accuracy(found) == 1.0
    assert found.facts.samples.found == 4
    assert found.facts.samples.excluded == {"no label in the table of labels": 1}
    assert found.n_rows == 3
    assert "labels-missing" in note_codes(found)


def test_a_label_without_a_sample_is_refused_with_its_row_and_may_be_left_out(box):
    labels = box.write(SOLUTION + "5,cat,Private\n", "s.csv")
    error = refused(box, SUBMISSION, labels=labels)
    assert error.slug == "labels-missing"
    assert 'line 6 of "s.csv": "5" has no prediction in "table.csv"' in error.message
    found = box.open(SUBMISSION, labels=labels, labels_partial=True)
    assert accuracy(found) == 0.75
    assert "labels-unused" in note_codes(found)


@pytest.mark.parametrize("repeated", ["input", "labels"])
def test_a_repeated_id_is_refused_with_both_rows(box, repeated):
    submission = SUBMISSION + ("2,cat\n" if repeated == "input" else "")
    solution = SOLUTION + ("2,cat,Public\n" if repeated == "labels" else "")
    error = refused(box, submission, labels=box.write(solution, "s.csv"))
    assert error.slug == "labels-repeated"
    assert "line 3 and line 6" in error.message


def test_tables_without_a_common_id_are_refused(box):
    labels = box.write("id,label\nx1,cat\nx2,dog\n", "s.csv")
    error = refused(box, SUBMISSION, labels=labels)
    assert error.slug == "labels-ids"
    assert "--labels-id" in error.hint


@pytest.mark.parametrize(
    ("theirs", "option"),
    [
        ("{c}\\{n}.jpg", {}),
        ("./{c}/{n}.jpg", {}),
        (".\\{c}\\{n}.jpg", {}),
        ("{c}//{n}.jpg", {}),
        ("/mnt/ci/val/{c}/{n}.jpg", {"ids_by_ending": True}),
        ("C:\\val\\{c}\\{n}.jpg", {"ids_by_ending": True}),
    ],
)
def test_ids_that_are_spelled_otherwise_are_matched(box, theirs, option):
    names = [("cat", 1), ("cat", 2), ("dog", 1), ("dog", 2)]
    table = "path,prediction\n" + "".join(f"{c}/{n}.jpg,cat\n" for c, n in names)
    rows = "".join(theirs.format(c=c, n=n) + f",{c}\n" for c, n in names)
    labels = box.write("path,label\n" + rows, "s.csv")
    if option:
        error = refused(box, table, labels=labels)
        assert error.slug == "labels-ids"
        assert "--ids-by-ending" in error.hint
    found = box.open(table, labels=labels, **option)
    assert accuracy(found) == 0.5
    note = next(n for n in found.facts.notes if n.code == "labels-joined")
    assert "Ids are matched" in note.sentence


def test_an_ending_that_makes_two_ids_equal_is_not_used(box):
    table = "path,prediction\na/1.jpg,cat\nb/1.jpg,dog\n"
    labels = box.write("path,label\nx/1.jpg,cat\ny/1.jpg,dog\n", "s.csv")
    error = refused(box, table, labels=labels, ids_by_ending=True)
    assert error.slug == "labels-ids"


@pytest.mark.parametrize("head", ["", "label\n"])
def test_one_label_a_line_belongs_to_arrays_by_position(box, head):
    scores = box.folder / "s.npy"
    np.save(scores, np.array([[2.0, 1.0], [0.0, 3.0], [5.0, 1.0]]))
    for name in ("y.txt", "y.csv"):
        found = box.open(scores, labels=box.write(f"{head}0\n1\n1\n", name))
        assert accuracy(found) == 2 / 3


def test_labels_without_ids_belong_to_a_table_only_where_that_is_said(box):
    labels = box.write("cat\ndog\ndog\ncat\n", "y.txt")
    error = refused(box, SUBMISSION, UsageError, labels=labels)
    assert error.slug == "labels-position"
    assert "--labels-id none" in error.hint
    assert accuracy(box.open(SUBMISSION, labels=labels, labels_id="none")) == 0.75


def test_a_table_may_be_joined_by_position(box):
    labels = box.write("kind,label\na,cat\na,dog\nb,dog\nb,cat\n", "s.csv")
    assert accuracy(box.open(SUBMISSION, labels=labels, labels_id="none")) == 0.75
    error = refused(box, SUBMISSION + "5,cat\n", labels=labels, labels_id="none")
    assert error.slug == "length-mismatch"


def test_predictions_without_ids_are_refused_with_a_way_out(box):
    table = "prediction\ncat\ndog\ncat\ncat\n"
    labels = box.write(SOLUTION, "s.csv")
    error = refused(box, table, labels=labels)
    assert error.slug == "labels-ids"
    assert accuracy(box.open(table, labels=labels, labels_id="none")) == 0.75


@pytest.mark.parametrize("name", ["labels_id", "labels_column"])
def test_options_of_labels_need_labels(name):
    with pytest.raises(UsageError) as caught:
        InputOptions.of({name: "x"})
    assert caught.value.slug == "option-conflict"


# one-hot


def test_one_hot_truth_is_joined_to_scores_by_id(box):
    found = box.open(SCORES, labels=box.write(TRUTH, "gt.csv"))
    assert accuracy(found) == 0.75
    assert found.facts.classes == ("MEL", "NV", "BCC")
    assert found.outputs == "probabilities"
    wrong = columns(found, "id", "label", wrong_only=True)
    assert list(wrong["id"]) == ["I3"]
    assert wrong["label"].tolist() == [2]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("I3,0,1,1", "line 4: the one-hot label sums to 2, not 1"),
        ("I3,0,0,0", "line 4: the one-hot label sums to 0, not 1"),
        ("I3,0,,1", "line 4: a cell of the label is empty"),
    ],
)
def test_a_row_that_is_not_one_hot_is_refused_with_its_line(box, row, words):
    error = refused(box, SCORES, labels=box.write(TRUTH.replace("I3,0,0,1", row), "gt.csv"))
    assert error.slug == "labels-one-hot"
    assert words in error.message


@pytest.mark.parametrize("prefix", ["label_", "true_", "is_", "gt_"])
@pytest.mark.parametrize("cells", [("1", "0"), ("True", "False"), ("1.0", "0.0")])
def test_one_hot_columns_beside_a_prediction_are_the_label(box, prefix, cells):
    one, zero = cells
    rows = [(one, zero, zero, "cat"), (zero, one, zero, "dog"), (zero, zero, one, "cat")]
    table = f"pred,{prefix}dog,{prefix}cat,{prefix}bee\n" + "".join(
        f"{p},{d},{c},{b}\n" for c, d, b, p in rows
    )
    assert box.pairs(table) == [("cat", "cat"), ("dog", "dog"), ("bee", "cat")]


def test_one_hot_columns_beside_scores_are_the_label(box):
    table = "cat,dog,prob_cat,prob_dog\n1,0,.9,.1\n0,1,.8,.2\n"
    assert box.pairs(table) == [("cat", "cat"), ("dog", "cat")]


def test_one_hot_columns_may_be_named(box):
    table = "u,v,w,prediction\n1,0,7,u\n0,1,7,u\n"
    assert box.pairs(table, label_column="u,v") == [("u", "u"), ("v", "u")]


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "u1", "?"])
def test_one_hot_arrays_are_read(box, dtype):
    truth = np.eye(3)[[2, 0, 1, 1]].astype(dtype)
    scores = np.array([[1, 2, 3], [3, 2, 1], [1, 3, 2], [9, 3, 2.0]])
    path = box.folder / "t.npz"
    for names in ({"labels": truth, "scores": scores}, {"y_test": truth, "y_pred": scores}):
        np.savez(path, **names)
        found = box.open(path, outputs="logits")
        assert columns(found, "label")["label"].tolist() == [2, 0, 1, 1]
        assert accuracy(found) == 0.75
    np.save(box.folder / "s.npy", scores)
    np.save(box.folder / "y.npy", truth)
    found = box.open(box.folder / "s.npy", labels=box.folder / "y.npy", outputs="logits")
    assert columns(found, "label")["label"].tolist() == [2, 0, 1, 1]


def test_one_hot_arrays_of_another_width_than_the_scores_are_refused(box):
    path = box.folder / "t.npz"
    np.savez(path, labels=np.eye(3), scores=np.array([[1.0, 2], [2, 1], [2, 1]]))
    assert refused(box, path).slug == "classes-count"


def test_a_row_of_an_array_that_is_not_one_hot_is_refused_with_its_row(box):
    path = box.folder / "t.npz"
    truth = np.eye(3)
    truth[1, 2] = 1
    np.savez(path, labels=truth, scores=np.eye(3))
    error = refused(box, path)
    assert error.slug == "labels-one-hot"
    assert "row 1 (from 0)" in error.message


def test_soft_labels_are_refused_and_the_hint_works(box):
    path = box.folder / "t.npz"
    np.savez(path, labels=np.array([[0.9, 0.1], [0.4, 0.6]]), scores=np.array([[2.0, 1], [2, 1]]))
    error = refused(box, path)
    assert error.slug == "labels-soft"
    assert "--soft-labels argmax" in error.hint
    assert accuracy(box.open(path, soft_labels="argmax")) == 0.5


def test_soft_labels_without_one_largest_value_are_refused_even_then(box):
    path = box.folder / "t.npz"
    np.savez(path, labels=np.array([[0.5, 0.5], [0.4, 0.6]]), scores=np.array([[2.0, 1], [2, 1]]))
    assert "argmax" not in refused(box, path).hint
    error = refused(box, path, soft_labels="argmax")
    assert error.slug == "labels-one-hot"
    assert "row 0 (from 0)" in error.message


def test_what_transformers_save_needs_one_option_at_most(box):
    path = box.folder / "hf.npz"
    logits = np.array([[2.5, -1.0], [0.3, 0.7], [4.0, 1.2]])
    np.savez(path, predictions=logits, label_ids=np.array([0, 1, 1]))
    found = box.open(path)
    assert found.outputs == "logits"
    assert accuracy(found) == 2 / 3


# abstained


ABSTAINED = "path,label,prediction,confidence\na,cat,cat,.9\nb,cat,,.41\nc,dog,dog,.8\nd,dog,,.3\n"


def test_abstentions_are_counted_in_coverage_and_overall_accuracy(box):
    found = evaluate_predictions(box.open(ABSTAINED + "e,dog,cat,.7\n", abstain=""))
    assert found.summary["coverage"].value == 0.6
    assert found.summary["accuracy"].value == 2 / 3
    assert found.summary["overall_accuracy"].value == 0.4
    low, high = found.summary["coverage"].interval
    assert (round(low, 4), round(high, 4)) == (0.2307, 0.8824)  # Wilson of 3 of 5
    assert found.samples.excluded == {"the model abstained": 2}
    note = next(n for n in found.notes if n.code == "abstained")
    assert note.severity == "warning"
    assert "abstained on 2 of 5 samples" in note.sentence
    assert reportgen.Evaluation.from_json(found.to_json()) == found


@pytest.mark.parametrize("value", ["-1", "unknown", "REJECT"])
def test_any_value_may_mean_that_none_was_predicted(box, value):
    table = ABSTAINED.replace(",,", f",{value},")
    found = box.open(table, abstain=value)
    assert found.n_rows == 2
    assert found.facts.classes == ("cat", "dog")


def test_a_class_whose_samples_were_all_abstained_on_stays_a_class(box):
    found = box.open("label,prediction\ncat,cat\nbee,\n", abstain="")
    assert found.facts.classes == ("bee", "cat")


def test_a_missing_number_is_an_empty_prediction(box):
    found = box.open({"label": [0, 1, 1], "pred": np.array([0.0, np.nan, 1.0])}, abstain="")
    assert (found.n_rows, found.facts.n_abstained) == (2, 1)


def test_a_value_that_occurs_nowhere_is_refused(box):
    error = refused(box, ABSTAINED, abstain="unknown")
    assert error.slug == "abstain-unknown"
    assert "cat" in error.details[0]


def test_empty_predictions_are_refused_with_a_hint_that_works(box):
    error = refused(box, ABSTAINED)
    assert "--abstain ''" in error.hint
    assert accuracy(box.open(ABSTAINED, abstain="")) == 1.0


def test_abstaining_needs_a_column_of_predictions(box):
    error = refused(box, "label,prob_a,prob_b\na,.5,.5\nb,.2,.8\n", UsageError, abstain="")
    assert error.slug == "option-conflict"


def test_labels_that_are_ignored_are_no_abstentions(box):
    table = "label,prediction\ncat,cat\ndog,\nvoid,\n"
    found = box.open(table, abstain="", ignore_label="void")
    assert found.facts.n_abstained == 1
    assert found.facts.classes == ("cat", "dog")


BASE = "id,label,prediction\na,x,x\nb,y,y\nc,x,y\nd,y,x\n"
NONE_OF_A = "id,label,prediction\na,x,\nb,y,y\nc,x,x\nd,y,y\n"


@pytest.mark.parametrize("sides", [(BASE, NONE_OF_A), (NONE_OF_A, BASE)])
def test_one_side_of_a_comparison_may_have_made_every_prediction(box, sides):
    one, other = (box.write(text, f"{i}.csv") for i, text in enumerate(sides))
    with pytest.raises(DataError) as caught:
        reportgen.compare(one, other, abstain="")
    assert caught.value.slug == "compare-samples"
    assert "--allow-partial" in caught.value.hint
    found = reportgen.compare(one, other, abstain="", allow_partial=True)
    assert (found.paired.n, abs(found.summary["accuracy"].difference)) == (3, pytest.approx(2 / 3))
    with pytest.raises(DataError) as caught:
        reportgen.compare(box.write(BASE, "b.csv"), box.write(BASE, "c.csv"), abstain="")
    assert caught.value.slug == "abstain-unknown"
