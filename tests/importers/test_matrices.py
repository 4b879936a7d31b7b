"""Confusion matrices from anywhere say what they said where they were made, or are refused."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import DataError, UsageError
from reportgen.importers import NormalisedMatrix, kind_of, read_matrix_any
from reportgen.metrics import per_class_metrics, summary_metrics
from reportgen.options.importing import InputOptions

COUNTS = [[5, 1, 0], [2, 7, 3], [0, 0, 9]]
NAMES = ("ant", "bee", "cow")
HEADED = ",ant,bee,cow\nant,5,1,0\nbee,2,7,3\ncow,0,0,9\n"
BARE = "5,1,0\n2,7,3\n0,0,9\n"


def read(box, content, name="m.csv", **options):
    source = box.write(content, name) if isinstance(content, (str, bytes)) else content
    return read_matrix_any(source, InputOptions.of(options))


def savez(box, **arrays):
    np.savez(box.folder / "m.npz", **arrays)
    return box.folder / "m.npz"


@pytest.mark.parametrize(
    ("content", "name", "options", "classes"),
    [
        (HEADED, "m.csv", {}, NAMES),
        (HEADED.replace(",", "\t"), "m.tsv", {}, NAMES),
        (HEADED.replace(",", ";"), "m.csv", {"delimiter": ";"}, NAMES),
        (HEADED.encode("utf-16"), "m.csv", {"encoding": "utf-16"}, NAMES),
        (HEADED.replace("5", "5.0").replace("9", "9e0"), "m.csv", {}, NAMES),
        ("true\\predicted" + HEADED, "m.csv", {}, NAMES),
        (HEADED.replace("ant", "1").replace("bee", "2").replace("cow", "3"), "m.csv", {}, ("1", "2", "3")),
        ("ant,bee,cow\n" + BARE, "m.csv", {}, NAMES),
        ("ant,5,1,0\nbee,2,7,3\ncow,0,0,9\n", "m.csv", {}, NAMES),
        ("0,1,2\n" + BARE, "m.csv", {}, ("0", "1", "2")),
        (BARE, "m.csv", {}, ("0", "1", "2")),
        (BARE, "m.csv", {"classes": NAMES}, NAMES),
        ("true,predicted,count\nant,ant,5\nant,bee,1\nbee,ant,2\nbee,bee,7\nbee,cow,3\ncow,cow,9\n", "m.csv", {}, NAMES),
        (json.dumps(COUNTS), "m.json", {}, ("0", "1", "2")),
        (json.dumps({"classes": NAMES, "counts": COUNTS}), "m.json", {}, NAMES),
        (json.dumps({"labels": NAMES, "matrix": COUNTS}), "m.json", {}, NAMES),
        (json.dumps({"matrix": COUNTS, "rows": "true"}), "m.json", {"classes": NAMES}, NAMES),
        (json.dumps({"classes": NAMES, "confusion_matrix": {"rows": "true", "counts": COUNTS}}), "m.json", {}, NAMES),
        (json.dumps({"classes": NAMES, "confusion_matrix": {"cells": [[0, 0, 5], [0, 1, 1], [1, 0, 2], [1, 1, 7], [1, 2, 3], [2, 2, 9]]}}), "m.json", {}, NAMES),
        (json.dumps({"matrix": COUNTS, "classes": [10, 20, 30]}), "m.json", {}, ("10", "20", "30")),
    ],
)  # fmt: skip
def test_every_form_says_the_same(box, content, name, options, classes):
    path = box.write(content, name)
    text_options = {k: v for k, v in options.items() if k != "classes"}
    if "confusion_matrix" not in str(content):
        assert kind_of(path, InputOptions.of(text_options)) == "matrix"
    found = read(box, content, name, **options)
    assert found.matrix == ConfusionMatrix.from_counts(COUNTS)
    assert found.classes == classes
    assert found.provenance.kind == "confusion matrix"
    assert found.provenance.data_fingerprint
    assert ("classes-numbered" in {n.code for n in found.notes}) == (
        "positions" in found.provenance.classes_source
    )
    turned = (
        read(box, content, name, **options, rows="predicted")
        if "rows" not in str(content) and "true\\" not in str(content)
        else None
    )
    assert turned is None or turned.matrix == ConfusionMatrix.from_counts(COUNTS).transposed()


@pytest.mark.parametrize("dtype", ["i8", "f8", "f4", "u2", ">i4"])
def test_arrays_on_disk_are_matrices(box, dtype):
    array = np.array(COUNTS, dtype)
    np.save(box.folder / "m.npy", array)
    assert read(box, box.folder / "m.npy").matrix == ConfusionMatrix.from_counts(COUNTS)
    found = read(box, savez(box, confusion_matrix=array, classes=np.array(NAMES)))
    assert found.matrix == ConfusionMatrix.from_counts(COUNTS)
    assert found.classes == NAMES
    assert kind_of(box.folder / "m.npz", InputOptions()) == "matrix"


@pytest.mark.parametrize("name", ["scores", "logits", "predictions"])
def test_scores_of_as_many_samples_as_classes_are_no_matrix(name, box):
    path = savez(box, labels=np.array([0, 1]), **{name: np.eye(2)})
    assert kind_of(path, InputOptions()) == "predictions"


class LikeTensorFlow:
    def numpy(self):
        return np.array(COUNTS, np.int32)


@pytest.mark.parametrize(
    "value",
    [
        COUNTS,
        tuple(map(tuple, COUNTS)),
        np.array(COUNTS),
        np.array(COUNTS, float),
        torch.tensor(COUNTS),
        torch.tensor(COUNTS, dtype=torch.float64),
        LikeTensorFlow(),
        {"classes": ["0", "1", "2"], "counts": COUNTS},
        pd.DataFrame(COUNTS),
    ],
    ids=lambda v: type(v).__name__,
)
def test_what_other_libraries_return_is_read(box, value):
    found = read(box, value)
    assert found.matrix == ConfusionMatrix.from_counts(COUNTS)
    assert found.classes == ("0", "1", "2")
    assert read(box, value, rows="predicted").matrix == found.matrix.transposed()


def test_sklearn_and_a_crosstab_say_the_same(box):
    from sklearn.metrics import confusion_matrix

    rng = np.random.default_rng(0)
    true, predicted = (np.array(NAMES)[rng.integers(0, 3, 99)] for _ in range(2))
    theirs = read(box, confusion_matrix(true, predicted), classes=NAMES)
    crosstab = pd.crosstab(pd.Series(true, name="true"), pd.Series(predicted, name="predicted"))
    ours = read(box, crosstab)
    assert (ours.matrix, ours.classes) == (theirs.matrix, NAMES)


def test_a_crosstab_without_a_class_on_one_side_is_filled_up(box):
    found = read(box, pd.crosstab(pd.Series(["a", "b", "b"]), pd.Series(["b", "b", "c"])))
    assert found.classes == ("a", "b", "c")
    assert found.matrix.counts.tolist() == [[0, 1, 0], [0, 1, 1], [0, 0, 0]]


def crosstabs():
    """What ``pandas.crosstab(...).to_csv()`` writes of the same nine answers: accuracy 5/9."""
    true = pd.Series(list("aaabbbccc"), name="label")
    predicted = pd.Series(list("aabbbabba"), name="prediction")
    yield "rows true", pd.crosstab(true, predicted)
    yield "rows predicted", pd.crosstab(predicted, true)
    yield "totals", pd.crosstab(true, predicted, margins=True)
    yield "totals by another name", pd.crosstab(true, predicted, margins=True, margins_name="Total")
    yield "no names", pd.crosstab(true.to_numpy(), predicted.to_numpy())
    yield "other words", pd.crosstab(true, predicted, rownames=["Actual"], colnames=["Predicted"])


@pytest.mark.parametrize(
    ("form", "table"), list(crosstabs()), ids=lambda v: v if isinstance(v, str) else ""
)
def test_a_saved_crosstab_is_the_matrix_that_it_was(box, form, table):
    path = box.write(table.to_csv())
    assert kind_of(path, InputOptions()) == "matrix"
    for found in (read_matrix_any(path), read_matrix_any(table)):
        assert found.classes == ("a", "b", "c")
        assert found.matrix.counts.tolist() == [[2, 1, 0], [1, 2, 0], [1, 2, 0]], form
        assert [note.code for note in found.notes] == ["matrix-totals"] * ("totals" in form)


@pytest.mark.parametrize(
    "table", ["label,a,a\na,1,2\nb,3,4\n", "label,a,b\na,1,2\na,3,4\n"], ids=["column", "row"]
)
def test_a_class_that_stands_twice_at_an_edge_of_a_crosstab_is_refused(box, table):
    with pytest.raises(DataError) as caught:
        read(box, table)
    assert caught.value.slug == "duplicate-classes"
    assert '"a"' in str(caught.value)


@pytest.mark.parametrize("table", ["label\n", "label,a\n", "label\na\n", "row_0,All\nAll,1\n"])
def test_an_empty_crosstab_ends_in_an_error_of_ours_or_a_matrix(box, table):
    try:
        assert read(box, table).matrix.n_classes == 1
    except DataError as error:
        assert error.slug.startswith("matrix")


def test_a_class_called_all_that_is_no_total_stays(box):
    found = read(box, "label,cat,All\ncat,5,1\nAll,2,7\n")
    assert (found.classes, found.matrix.n_samples) == (("cat", "All"), 15)


def test_shares_of_a_crosstab_are_not_taken_for_scores_of_one_sample_of_each_class(box):
    path = box.write("label,cat,dog\ncat,0.9,0.1\ndog,0.2,0.8\n")
    with pytest.raises(DataError) as caught:
        kind_of(path, InputOptions())
    assert caught.value.slug == "input-kind"
    assert "--kind" in caught.value.hint
    assert kind_of(path, InputOptions(kind="predictions")) == "predictions"
    assert kind_of(path, InputOptions(normalised=True)) == "matrix"


@pytest.mark.parametrize("names", [("NA", "None"), ("007", "7"), ("nan", "1e5"), ("TRUE", "null")])
def test_a_class_may_be_called_anything(box, names):
    a, b = names
    found = read(box, f",{a},{b}\n{a},1,0\n{b},0,1\n")
    assert found.classes == names


def test_large_counts_stay_exact(box):
    assert (
        read(box, ",a,b\na,1000000000001,2\nb,0,999999999999999999\n").matrix.count(1, 1)
        == 10**18 - 1
    )


@pytest.mark.parametrize(
    ("content", "name", "options", "slug", "words"),
    [
        ("", "m.csv", {}, "matrix-empty", "is empty"),
        ("true,predicted,count\n", "m.csv", {}, "matrix-empty", "no cells"),
        ("true,predicted,count\na,a,1\na,a,2\n", "m.csv", {}, "matrix-cell", "repeats"),
        ("true,predicted,count\na,a,1.5\n", "m.csv", {}, "matrix-cell", '"1.5"'),
        ("true,predicted,count\na,z,1\n", "m.csv", {"classes": ("a", "b")}, "label-unknown", '"z"'),
        (",a,b\na,1,2\n", "m.csv", {}, "matrix-not-square", "1 rows, 2 columns"),
        (",a,b,c\na,1,2,3\n", "m.csv", {}, "matrix-not-square", "1 rows, 3 columns"),
        ("1,2,3,4\n1,2,3,4\n", "m.csv", {}, "matrix-not-square", "not square"),
        (",a,b\na,1,2\nc,3,4\n", "m.csv", {}, "matrix-names", '"c" in its row'),
        (",a,a\na,1,2\na,3,4\n", "m.csv", {}, "duplicate-classes", "columns 2 and 3"),
        (",a,a \na,1,2\na ,3,4\n", "m.csv", {}, "classes-twins", "look the same"),
        (",a, \na,1,2\n ,3,4\n", "m.csv", {}, "matrix-names", "column 3"),
        (",a,b\na,1,2\nb,3\n", "m.csv", {}, "table-ragged", "line 3"),
        (",a,b\na,1,0.93\nb,3,4\n", "m.csv", {}, "matrix-cell", "--normalised"),
        (",a,b\na,1,-2\nb,3,4\n", "m.csv", {}, "matrix-cell", 'cell "-2" (row "a", column "b")'),
        (",a,b\na,1,x\nb,3,4\n", "m.csv", {}, "matrix-cell", '"x"'),
        (",a,b\na,1,\nb,3,4\n", "m.csv", {}, "matrix-cell", '""'),
        (",a,b\na,1,nan\nb,3,4\n", "m.csv", {}, "matrix-cell", '"nan"'),
        (",a,b\na,1,1_0\nb,3,4\n", "m.csv", {}, "matrix-cell", '"1_0"'),
        (",a,b\na,1,٣\nb,3,4\n", "m.csv", {}, "matrix-cell", '"٣"'),
        (",a,b\na,1,1e300\nb,3,4\n", "m.csv", {}, "matrix-cell", '"1e300"'),
        (HEADED, "m.csv", {"classes": ("ant", "cow", "bee")}, "classes-differ", '"bee", "cow"'),
        (BARE, "m.csv", {"classes": ("a", "b")}, "classes-count", "3 classes, classes= has 2"),
        ("[[1, 2], [3]]", "m.json", {}, "matrix-not-square", "different lengths"),
        ("[1, 2]", "m.json", {}, "matrix-not-square", "it is 2"),
        ("[]", "m.json", {}, "matrix-not-square", "it is 0"),
        ("[[1, 2.5], [3, 4]]", "m.json", {}, "matrix-cell", '"2.5"'),
        ('[[1, "2"], [3, true]]', "m.json", {}, "matrix-cell", '"True"'),
        ("[[1, null], [3, 4]]", "m.json", {}, "matrix-cell", '"None"'),
        ("[[1, NaN], [3, 4]]", "m.json", {}, "table-syntax", "line 1"),
        ('{"counts": [[1]], "counts": [[2]]}', "m.json", {}, "table-syntax", "twice"),
        ("[" * 100_000, "m.json", {}, "table-syntax", "line 1"),
        ("[[" + "9" * 5000 + "]]", "m.json", {}, "table-syntax", "digits"),
        ("[[" + "9" * 500 + "]]", "m.json", {}, "matrix-cell", "not a count"),
        ("{}", "m.json", {}, "matrix-empty", "contains not a confusion matrix"),
        ('"text"', "m.json", {}, "matrix-empty", "contains not a confusion matrix"),
        ('{"classes": "ab", "counts": [[1]]}', "m.json", {}, "matrix-names", "not a list"),
        ('{"classes": ["a"], "counts": [[1, 2], [3, 4]]}', "m.json", {}, "matrix-not-square", "1 names for 2"),
        ('{"classes": ["a"], "confusion_matrix": {"cells": [[0, 7, 1]]}}', "m.json", {}, "prediction-out-of-range", "7"),
        ('{"classes": ["a"], "confusion_matrix": {"cells": [["x"]]}}', "m.json", {}, "matrix-cells", "triples"),
        (b"\xff[[1]]", "m.json", {}, "table-encoding", "byte 0"),
        (b",a,b\na,1,\xff\nb,3,4\n", "m.csv", {}, "table-encoding", "byte 9"),
        (b"PAR1", "m.parquet", {}, "predictions-damaged", "m.parquet"),
    ],
)  # fmt: skip
def test_what_is_no_matrix_of_counts_is_refused(box, content, name, options, slug, words):
    with pytest.raises(DataError) as caught:
        read(box, content, name, **options)
    assert caught.value.slug == slug
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("value", "slug"),
    [
        (np.zeros((2, 3), int), "matrix-not-square"),
        (np.zeros((3, 2, 2), int), "matrix-not-square"),
        (np.array([[1, -1], [0, 1]]), "matrix-cell"),
        (np.array([[0.5, 0.5], [0, 1]]), "matrix-cell"),
        (np.array([[np.nan, 1], [0, 1]]), "matrix-cell"),
        (np.array(5), "matrix-not-square"),
        ([], "matrix-not-square"),
        ([1], "matrix-not-square"),
        ("", "input-kind"),
    ],
)
def test_values_that_are_no_matrix_are_refused(value, slug):
    with pytest.raises(DataError) as caught:
        read_matrix_any(value)
    assert caught.value.slug == slug


def test_what_a_file_says_of_its_rows_is_not_overruled(box):
    turned = json.dumps({"matrix": np.transpose(COUNTS).tolist(), "rows": "predicted"})
    assert read(box, turned, "m.json").matrix == ConfusionMatrix.from_counts(COUNTS)
    with pytest.raises(UsageError) as caught:
        read(box, json.dumps({"matrix": COUNTS, "rows": "true"}), "m.json", rows="predicted")
    assert caught.value.slug == "option-conflict"


def test_supports_that_fit_only_the_transposed_matrix_find_it_out(box):
    good = {"matrix": COUNTS, "support": [6, 12, 9]}
    assert read(box, json.dumps(good), "m.json").matrix.n_samples == 27
    with pytest.raises(DataError) as caught:
        read(box, json.dumps({**good, "support": [7, 8, 12]}), "m.json")
    assert caught.value.slug == "matrix-transposed"
    assert read(box, json.dumps({**good, "support": [7, 8, 12]}), "m.json", rows="predicted")
    with pytest.raises(DataError) as caught:
        read(box, json.dumps({**good, "support": [6, 12, 10]}), "m.json")
    assert caught.value.slug == "matrix-support"
    assert '"2"' in str(caught.value)


@pytest.mark.parametrize("support", [10**30, 2**63, -1, 1.5, "x", None])
def test_supports_that_are_no_counts_are_refused(box, support):
    matrix = {"classes": ["a", "b"], "counts": [[5, 1], [2, 7]], "support": [6, support]}
    with pytest.raises(DataError) as caught:
        read(box, json.dumps(matrix), "m.json")
    assert caught.value.slug == "matrix-support"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("id,label,prediction\nx,cat,dog\ny,dog,dog\n", "predictions"),
        ("label,prediction\n0,1\n1,1\n", "predictions"),
        ("label,prediction\n0,1\n", "predictions"),
        ("label,cat,dog\ncat,5,1\ndog,2,7\n", "matrix"),
        ("label,cat,dog\ncat,5,1\ndog,2,7\ncat,1,1\n", "predictions"),
        ("label,prediction,cat\ncat,dog,5\n", "predictions"),
        ("y,y_pred\n1,1\n2,2\n", "predictions"),
        (",label,prediction\nlabel,1,2\nprediction,3,4\n", "matrix"),
        ("a,b\n1,2\n3,4\n", "matrix"),
        ("5,2\n2,7\n", "matrix"),
        ("5\n", "matrix"),
        ("5,2\n2,7\n1,2\n4,4\n", "predictions"),
        ("a,b,c\n1,x,3\n4,5,6\n7,8,9\n", "predictions"),
        ("", "predictions"),
    ],
)
def test_a_table_of_predictions_is_told_from_a_matrix(box, content, kind):
    assert kind_of(box.write(content), InputOptions()) == kind


def test_a_matrix_without_names_whose_edges_agree_is_not_taken_for_one_with_names(box):
    assert read(box, "5,2\n2,7\n").matrix.counts.tolist() == [[5, 2], [2, 7]]


def test_our_own_report_is_recognised(box):
    from tests.factories import make_evaluation

    path = box.write(json.dumps(make_evaluation().to_json()), "report.json")
    assert kind_of(path, InputOptions()) == "evaluation"
    assert read_matrix_any(path).matrix == make_evaluation().confusion


# Shares


def shares(over):
    axis = {"true": 1, "predicted": 0, "all": None}[over]
    table = np.array(COUNTS, float)
    return table / table.sum(axis=axis, keepdims=axis is not None)


@pytest.mark.parametrize("over", ["true", "predicted", "all"])
@pytest.mark.parametrize("unit", [1, 100])
@pytest.mark.parametrize("digits", [2, 4, 17])
def test_what_was_divided_by_is_seen_and_the_metrics_that_are_left_are_right(
    box, over, unit, digits
):
    table = (shares(over) * unit).round(min(digits, 15))
    found = read(box, json.dumps(table.tolist()), "m.json", normalised=True)
    assert isinstance(found.matrix, NormalisedMatrix)
    assert found.matrix.over == over
    assert {n.code for n in found.notes} >= {"normalised-matrix"}
    if digits < 17:
        return
    full = ConfusionMatrix.from_counts(COUNTS)
    ours, theirs = (per_class_metrics(m) for m in (found.matrix.scaled(), full))
    known = found.matrix.known
    for name in theirs:
        if known is None or (name in known and name != "balanced_accuracy"):
            np.testing.assert_allclose(ours[name].value, theirs[name].value, rtol=1e-6)
    ours, theirs = (summary_metrics(m, None) for m in (found.matrix.scaled(), full))
    for name, metric in theirs.items():
        if metric.value is not None and (known is None or name in known):
            assert ours[name].value == pytest.approx(metric.value, rel=1e-6)


def test_shares_over_true_classes_do_not_tell_the_accuracy():
    matrix = read_matrix_any(shares("true").tolist(), InputOptions(normalised=True)).matrix
    assert isinstance(matrix, NormalisedMatrix)
    assert "accuracy" not in (matrix.known or {"accuracy"})
    assert "accuracy" in matrix.sentence


def test_the_rows_of_shares_may_be_predicted_classes(box):
    turned = read(box, shares("true").T.tolist(), normalised=True, rows="predicted").matrix
    assert turned.over == "true"
    np.testing.assert_allclose(turned.shares, shares("true"))


def test_an_absent_class_has_no_shares(box):
    table = [[0.5, 0.5, 0], [0, 0, 0], [0, 0.25, 0.75]]
    assert read(box, table, normalised=True).matrix.over == "true"
    table[1] = [np.nan] * 3
    assert read(box, np.array(table), normalised=True).matrix.scaled().true_totals.tolist() == [
        10**9,
        0,
        10**9,
    ]
    text = ",a,b,c\na,0.5,0.5,0\nb,,,\nc,0,0.25,0.75\n"
    assert read(box, text, normalised=True).matrix.scaled().true_totals[1] == 0


@pytest.mark.parametrize(
    ("table", "options", "kind", "slug"),
    [
        ([[0.5, 0.5], [0.5, 0.5]], {}, UsageError, "shares-ambiguous"),
        ([[0.5, 0.1], [0.3, 0.9]], {}, DataError, "shares-sum"),
        ([[0.5, 0.5], [0.1, 0.9]], {"normalised_over": "predicted"}, DataError, "shares-sum"),
        ([[1.5, -0.5], [0.1, 0.9]], {}, DataError, "matrix-cell"),
        ([[0.5, "x"], [0.1, 0.9]], {}, DataError, "matrix-cell"),
        ([[0.5, np.nan], [0.1, 0.9]], {}, DataError, "matrix-cell"),
        ([[0, 0], [0, 0]], {}, DataError, "shares-sum"),
    ],
)
def test_shares_that_can_not_be_trusted_are_refused(box, table, options, kind, slug):
    with pytest.raises(kind) as caught:
        read(box, table, normalised=True, **options)
    assert caught.value.slug == slug


def test_shares_that_fit_rows_and_columns_are_what_the_user_says(box):
    table = [[0.75, 0.25], [0.25, 0.75]]
    assert read(box, table, normalised=True, normalised_over="predicted").matrix.over == "predicted"
    assert read(box, [[1.0]], normalised=True).matrix.n_classes == 1


@pytest.mark.parametrize("form", ["long", "cells"])
def test_a_list_of_cells_is_not_normalised(box, form):
    content, name = ("true,predicted,count\na,a,1\n", "m.csv") if form == "long" else (
        '{"classes": ["a"], "confusion_matrix": {"cells": [[0, 0, 1]]}}', "m.json",
    )  # fmt: skip
    with pytest.raises(UsageError) as caught:
        read(box, content, name, normalised=True)
    assert caught.value.slug == "option-conflict"


def test_a_normalised_matrix_of_thousands_of_classes_is_refused():
    with pytest.raises(DataError) as caught:
        read_matrix_any(np.zeros((4097, 4097), np.float16), InputOptions(normalised=True))
    assert caught.value.slug == "matrix-too-large"


@pytest.mark.parametrize("name", ["m.csv", "m.json", "m.npy", "t.jsonl", "t.npz", "t.parquet"])
def test_a_file_that_can_not_be_opened_is_named(box, name, monkeypatch):
    path = box.write(HEADED, name)
    monkeypatch.setattr("pathlib.Path.open", _refused)
    with pytest.raises(DataError) as caught:
        kind_of(path, InputOptions())
    assert caught.value.slug == "input-unreadable"
    assert name in str(caught.value)
    assert str(box.folder) not in str(caught.value)


def _refused(path, *args, **more):
    raise PermissionError(13, "Permission denied", str(path))
