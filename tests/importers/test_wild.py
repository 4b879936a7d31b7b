"""Tables as other programs write them: each right at once, or asked about with options that work."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import reportgen
from reportgen.class_list import read_class_list
from reportgen.errors import DataError, ReportgenError
from reportgen.importers.formats.cell_lists import listed
from reportgen.importers.matrices.edges import bare_names, rows_said
from reportgen.jsonio import literal
from tests.importers.hints import outcomes

NAMES = ["cat", "dog", "bird"]
COUNTS = np.array([[40, 9, 1], [3, 30, 7], [2, 0, 58]])
ACCURACY, N = 128 / 150, 150


def matrix(rows=NAMES, columns=NAMES, cells=COUNTS, corner="", mark=","):
    """A matrix as text, its cells of whole numbers or of texts."""
    lines = [mark.join([corner, *columns])]
    lines += [mark.join([row, *map(str, line)]) for row, line in zip(rows, cells, strict=True)]
    return "\n".join(lines) + "\n"


def is_the_matrix(found, names=NAMES):
    index = [found.classes.index(name) for name in names]
    return found.confusion.counts[np.ix_(index, index)].tolist() == COUNTS.tolist()


PERMUTED = [2, 0, 1]


@pytest.mark.parametrize(
    "text",
    [
        matrix(columns=[NAMES[i] for i in PERMUTED], cells=COUNTS[:, PERMUTED]),
        matrix(rows=[NAMES[i] for i in PERMUTED], cells=COUNTS[PERMUTED]),
        matrix([f"true_{n}" for n in NAMES], [f"pred_{n}" for n in NAMES]),
        matrix([f"{n} (actual)" for n in NAMES], [f"{n} (predicted)" for n in NAMES]),
        matrix([f"Predicted {n}" for n in NAMES], [f"Actual {n}" for n in NAMES], COUNTS.T),
        matrix(corner="pred\\true", cells=COUNTS.T),
        matrix(corner="Predicted / Actual", cells=COUNTS.T),
        matrix(corner="Predicted class", cells=COUNTS.T),
        matrix(corner="Actual ↓ Predicted →"),
        matrix(columns=[*NAMES, ""], cells=[[*row, ""] for row in COUNTS.tolist()]),
        matrix(columns=[*NAMES, ""], cells=[[*row, sum(row)] for row in COUNTS.tolist()]),
        matrix() + ",,,\n",
        "# " + matrix().replace(",cat", "cat", 1).replace("cat,4", "4").replace("dog,3,", "3,").replace("bird,2", "2"),
    ],
)  # fmt: skip
def test_a_matrix_is_read_by_the_names_at_its_edges(box, text):
    found = reportgen.load(box.write(text))
    assert (is_the_matrix(found), found.n_samples) == (True, N)


@pytest.mark.parametrize("permute", [False, True])
@pytest.mark.parametrize("names", [NAMES, ["polar bear", "bear", "cat"]])
def test_a_printed_matrix_is_read_by_its_names(box, names, permute):
    order = PERMUTED if permute else [0, 1, 2]
    frame = pd.DataFrame(COUNTS[:, order], names, [names[i] for i in order])
    found = reportgen.load(box.write(frame.to_string(), "m.txt"))
    assert is_the_matrix(found, names)


def test_a_printed_matrix_with_other_words_over_it_is_none(box):
    frame = pd.DataFrame(COUNTS, NAMES, ["x", "y", "z"])
    with pytest.raises(DataError):
        reportgen.load(box.write(frame.to_string(), "m.txt"))


WITH_SUMS = np.block([[COUNTS, COUNTS.sum(1)[:, None]], [COUNTS.sum(0), COUNTS.sum()]])


@pytest.mark.parametrize("name", ["Total", "Gesamt", "Σ", "zzz"])
@pytest.mark.parametrize("form", ["csv", "printed", "bare", "npy", "json"])
def test_sums_beside_a_matrix_are_no_class_whatever_they_are_called(box, name, form):
    edge = [*NAMES, name]
    if form == "csv":
        path = box.write(matrix(edge, edge, WITH_SUMS))
    elif form == "printed":
        path = box.write(pd.DataFrame(WITH_SUMS, edge, edge).to_string(), "m.txt")
    elif form == "bare":
        path = box.write(pd.DataFrame(WITH_SUMS).to_csv(header=False, index=False))
    elif form == "npy":
        path = box.folder / "m.npy"
        np.save(path, WITH_SUMS)
    else:
        path = box.write(json.dumps({"classes": edge, "matrix": WITH_SUMS.tolist()}), "m.json")
    found = reportgen.load(path)
    assert (found.n_samples, len(found.classes)) == (N, 3)
    assert "matrix-totals" in {note.code for note in found.notes}


@pytest.mark.parametrize("long", [False, True])
def test_totals_that_are_off_are_refused_and_a_class_of_that_name_can_be_listed(box, long):
    off = WITH_SUMS.copy()
    off[3, 3] += 1
    edge = [*NAMES, "Total"]
    text = matrix(edge, edge, off)
    if long:
        cells = [f"{a},{b},{off[i, j]}" for i, a in enumerate(edge) for j, b in enumerate(edge)]
        text = "label,prediction,count\n" + "\n".join(cells)
    path = box.write(text)
    with pytest.raises(DataError) as caught:
        reportgen.load(path)
    assert caught.value.slug == "matrix-totals"
    assert "--classes FILE" in caught.value.hint
    found = reportgen.load(path, classes=edge)
    assert found.n_samples == off.sum()


LINES = [f"{a},{b},{COUNTS[i, j]}" for i, a in enumerate(NAMES) for j, b in enumerate(NAMES)]


@pytest.mark.parametrize(
    "totals",
    [
        ["Total,Total,150"], ["Total,,150"], ["cat,All,50", "dog,All,40", "bird,All,60"],
        ["ALL,cat,45", "ALL,dog,39", "ALL,bird,66", "ALL,ALL,150"],
    ],
)  # fmt: skip
def test_lines_of_totals_are_no_cells(box, totals):
    found = reportgen.load(box.write("\n".join(["label,prediction,count", *LINES, *totals])))
    assert (is_the_matrix(found), found.n_samples) == (True, N)
    assert "of totals excluded" in found.provenance.read_as


def test_a_line_without_a_class_is_refused(box):
    with pytest.raises(DataError):
        reportgen.load(box.write("\n".join(["label,prediction,count", *LINES, "cat,,7"])))


@pytest.mark.parametrize("form", ["parquet", "feather", "split", "table"])
@pytest.mark.parametrize("axis", ["index", "label", "prediction"])
def test_a_crosstab_of_pandas_is_the_matrix_in_every_format(box, form, axis):
    cells = COUNTS.T if axis == "prediction" and form != "split" else COUNTS
    frame = pd.DataFrame(cells, pd.Index(NAMES, name=None if axis == "index" else axis), NAMES)
    path = box.folder / ("m.json" if form in ("split", "table") else f"m.{form}")
    if form == "parquet":
        frame.to_parquet(path)
    elif form == "feather":
        frame.reset_index().to_feather(path)
    else:
        frame.to_json(path, orient=form)
    lost = {"rows": "true"} if form == "split" else {}
    for options in ({}, {"kind": "matrix"}):
        assert is_the_matrix(reportgen.load(path, **options, **lost))


def test_a_table_of_proportions_may_be_scores(box):
    path = box.folder / "m.parquet"
    shares = COUNTS / COUNTS.sum(1, keepdims=True)
    pd.DataFrame(shares, pd.Index(NAMES, name="label"), NAMES).to_parquet(path)
    with pytest.raises(DataError) as caught:
        reportgen.load(path)
    assert (caught.value.slug, "--kind matrix" in caught.value.hint) == ("input-kind", True)
    assert reportgen.load(path, kind="matrix", normalised=True).shares is not None
    assert reportgen.load(path, kind="predictions").n_samples == 3


@pytest.mark.parametrize(
    "value",
    [
        {"schema_type": "confusion_matrix", "data": {"class_labels": NAMES, "matrix": COUNTS.tolist()}},
        {"metrics": {"test": {"confusion_matrix": COUNTS.tolist()}}, "labels": NAMES},
        {"counts": COUNTS.tolist(), "names": NAMES},
        {"data": COUNTS.tolist(), "labels": NAMES},
        {"values": COUNTS.tolist(), "target_names": NAMES},
    ],
)  # fmt: skip
def test_json_of_other_programs_has_one_matrix_with_names(box, value):
    assert is_the_matrix(reportgen.load(box.write(json.dumps(value), "m.json")))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"train": {"cm": [[1, 2], [3, 4]]}, "test": {"cm": [[5, 2], [3, 4]]}}, "contains 2 matrices"),
        ({n: dict(zip(NAMES, row, strict=True)) for n, row in zip(NAMES, COUNTS.tolist(), strict=True)}, "objects in objects"),
        ([dict(zip(NAMES, row, strict=True)) for row in COUNTS.tolist()], "its rows have no names"),
        ({"labels": [0, 1], "logits": [[1, 2], [2, 1]], "classes": ["a", "b", "c"]}, "different lengths"),
    ],
)  # fmt: skip
def test_json_that_does_not_say_what_is_what_is_refused(box, value, words):
    with pytest.raises(DataError, match=words):
        reportgen.load(box.write(json.dumps(value), "m.json"))


@pytest.mark.parametrize("arrays", [{"arr_0": COUNTS}, {"cm": COUNTS, "labels": np.array(NAMES)}])
def test_an_npz_of_one_square_is_a_matrix(box, arrays):
    np.savez(box.folder / "m.npz", **arrays)
    found = reportgen.load(box.folder / "m.npz")
    assert is_the_matrix(found, NAMES if "labels" in arrays else ["0", "1", "2"])


def test_words_in_the_corner_and_before_names_say_the_side():
    assert [rows_said(c) for c in ("", "cat", "n=5", "reference_id")] == [""] * 4
    assert rows_said("columns are predicted") == rows_said("Actual vs. Predicted") == "true"
    assert bare_names(["gt 1", "gt 2"], ["gt 1", "gt 2"]) == (("gt 1", "gt 2"),) * 2 + ("",)
    assert bare_names(["true:no", "true:yes"], ["pred:no", "pred:yes"])[2] == "true"


# Predictions

RNG = np.random.default_rng(7)
TRUE = RNG.integers(0, 3, 40)
LOGITS = RNG.normal(size=(40, 3)) + 1.3 * np.eye(3)[TRUE]
SCORES = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
BEST = np.argsort(-SCORES, axis=1)
PREDICTED = BEST[:, 0]
RIGHT = float((TRUE == PREDICTED).mean())
LOSS = float(-np.log(SCORES[np.arange(40), TRUE]).mean())
LABELS, PREDICTIONS = ([NAMES[i] for i in v] for v in (TRUE, PREDICTED))


def right(found):
    return found.n_samples == 40 and found.summary["accuracy"].value == pytest.approx(RIGHT)


def saved(box, **columns):
    path = box.folder / "t.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    "called",
    [
        "P({})", "Prob({})", "{}_prob", "confidence({})", "P (label={})", "Pr({})", "softmax_{}",
        "y_prob_{}", "{} score", "prediction_prob_{}",
    ],
)  # fmt: skip
def test_columns_called_after_the_classes_in_words_for_scores_are_scores(box, called):
    scores = {called.format(NAMES[i]): SCORES[:, i] for i in PERMUTED}
    found = reportgen.load(saved(box, label=LABELS, **scores))
    assert right(found)
    assert found.summary["log_loss"].value == pytest.approx(LOSS)


def test_a_class_without_samples_has_its_score_all_the_same(box):
    keep = TRUE < 2
    scores = {f"P({n})": SCORES[keep, i] for i, n in enumerate(NAMES)}
    found = reportgen.load(saved(box, label=np.array(LABELS)[keep], **scores))
    assert set(found.classes) == set(NAMES)
    assert found.summary["accuracy"].value == pytest.approx((TRUE == PREDICTED)[keep].mean())


def test_columns_called_in_other_words_are_offered(box):
    scores = {f"Random Forest ({n})": SCORES[:, i] for i, n in enumerate(NAMES)}
    path = saved(box, label=LABELS, **scores)
    with pytest.raises(DataError) as caught:
        reportgen.load(path)
    assert "--scores-columns 'Random Forest (*)'" in caught.value.hint
    assert right(reportgen.load(path, scores_columns="Random Forest (*)"))


LISTS = [str, json.dumps, lambda v: str(np.array(v)), lambda v: str(tuple(v)), ",".join, "|".join,
         "; ".join, " ".join]  # fmt: skip


@pytest.mark.parametrize("write", LISTS)
@pytest.mark.parametrize("scores", [False, True])
def test_lists_of_predictions_are_the_best_classes(box, write, scores):
    best = [write([NAMES[i] for i in row]) for row in BEST]
    beside = {
        "probs": [str([round(float(SCORES[n, i]), 4) for i in row]) for n, row in enumerate(BEST)]
    }
    path = saved(box, label=LABELS, predictions=best, **(beside if scores else {}))
    found = reportgen.load(path)
    assert right(found)
    assert "top-3" in found.provenance.read_as


@pytest.mark.parametrize("write", [str, lambda v: " ".join(map(str, v)), lambda v: f"tensor({v})"])
def test_lists_of_indices_are_the_best_classes(box, write):
    found = reportgen.load(saved(box, label=TRUE, prediction=[write(r.tolist()) for r in BEST]))
    assert right(found)


@pytest.mark.parametrize("cell", ["cat|dog", "['cat' 'dog']", "cat dog", "cat + dog", "cat & dog"])
def test_two_labels_in_one_cell_are_refused(box, cell):
    with pytest.raises(DataError) as caught:
        reportgen.load(saved(box, label=[cell, *LABELS[1:]], prediction=PREDICTIONS))
    assert caught.value.slug == "labels-several"


def test_a_name_that_is_two_others_can_be_declared(box):
    path = saved(box, label=["sea lion", "sea", "lion"], prediction=["sea lion", "sea", "sea"])
    assert reportgen.load(path, labels_are="names").n_samples == 3
    path = saved(box, label=["polar bear", "bear", "[no label]"], prediction=["bear"] * 3)
    assert reportgen.load(path).n_samples == 3


WRITTEN = [
    lambda row: str([float(v) for v in row]), str, lambda row: " ".join(map(str, row)),
    lambda row: ";".join(map(str, row)), lambda row: f"tensor({[float(v) for v in row]})",
]  # fmt: skip


@pytest.mark.parametrize("write", WRITTEN)
@pytest.mark.parametrize("column", ["probs", "prob", "prediction", "scores"])
def test_scores_of_all_classes_in_one_cell_of_text(box, write, column):
    found = reportgen.load(saved(box, label=TRUE, **{column: [write(row) for row in SCORES]}))
    assert right(found)
    assert found.summary["log_loss"].value == pytest.approx(LOSS, rel=1e-5)


@pytest.mark.parametrize("write", [str, json.dumps])
def test_objects_of_scores_in_cells_are_read_by_name(box, write):
    cells = [write({n: float(v) for n, v in zip(NAMES, row, strict=True)}) for row in SCORES]
    assert right(reportgen.load(saved(box, label=LABELS, probs=cells)))
    with pytest.raises(ReportgenError) as caught:  # nobody said that the first of them is 0
        reportgen.load(saved(box, label=TRUE, probs=cells))
    assert "--classes FILE" in caught.value.hint
    assert right(reportgen.load(box.folder / "t.csv", classes=NAMES))


@pytest.mark.parametrize("word", ["nan", "None", "N/A", "-", "?", "unknown", "<NA>"])
def test_a_word_for_nothing_among_predictions_is_asked_about(box, word):
    path = saved(box, label=LABELS, prediction=[word, *PREDICTIONS[1:]])
    with pytest.raises(DataError) as caught:
        reportgen.load(path)
    assert caught.value.slug == "labels-gap"
    abstained, named = outcomes(path)
    assert (abstained.summary["coverage"].value, named.n_samples) == (39 / 40, 40)
    both = saved(box, label=[word, *LABELS[1:]], prediction=[word, *PREDICTIONS[1:]])
    assert reportgen.load(both).n_samples == 40  # a class may be called so


@pytest.mark.parametrize(
    ("labels", "predictions"),
    [
        ([f"n0000000{i}" for i in TRUE], PREDICTIONS),
        (LABELS, [f"{i + 1}:{NAMES[i]}" for i in PREDICTED]),
        ([f"00{i}" for i in TRUE], PREDICTED),
    ],
)
def test_columns_without_a_class_in_common_are_refused(box, labels, predictions):
    path = saved(box, label=labels, prediction=predictions)
    with pytest.raises(DataError) as caught:
        reportgen.load(path)
    assert caught.value.slug == "labels-disjoint"
    (declared,) = outcomes(path)
    assert declared.summary["accuracy"].value == 0


def test_quotes_around_the_names_of_one_column_are_a_spelling(box):
    path = saved(box, label=[f"'{name}'" for name in LABELS], prediction=PREDICTIONS)
    with pytest.raises(DataError) as caught:
        reportgen.load(path)
    assert caught.value.slug == "classes-spellings"


def test_signs_and_truth_values_are_classes(box):
    label, prediction = TRUE > 0, PREDICTED > 0
    expected = float((label == prediction).mean())
    signs = saved(box, label=2 * label - 1, prediction=2 * prediction - 1)
    assert reportgen.load(signs).summary["accuracy"].value == pytest.approx(expected)
    truth = saved(box, label=label, prediction=prediction.astype(int))
    assert reportgen.load(truth).summary["accuracy"].value == pytest.approx(expected)


def test_probabilities_in_the_column_of_predictions_are_named(box):
    label, score = (TRUE > 0).astype(int), 1 - SCORES[:, 0]
    path = saved(box, y_true=label, y_pred=score)
    with pytest.raises(DataError) as caught:
        reportgen.load(path)
    assert caught.value.slug == "predictions-scores"
    (found,) = outcomes(path)
    assert found.summary["accuracy"].value == pytest.approx((label == (score > 0.5)).mean())


def test_scores_in_another_order_than_the_classes_are_refused(box):
    scores = {f"prob_{n}": SCORES[:, (i + 1) % 3] for i, n in enumerate(NAMES)}
    path = saved(box, label=LABELS, prediction=PREDICTIONS, **scores)
    with pytest.raises(DataError) as caught:
        reportgen.load(path)
    assert caught.value.slug == "scores-order"
    assert right(reportgen.load(path, scores_columns="none"))


def test_an_id_that_counts_is_asked_about(box):
    pairs = pd.DataFrame({"label": LABELS, "prediction": PREDICTIONS, "id": range(40)})
    counted = pairs.groupby(["label", "prediction"])["id"].count().reset_index()
    path = box.folder / "t.csv"
    counted.to_csv(path, index=False)
    with pytest.raises(DataError) as caught:
        reportgen.load(path)
    assert caught.value.slug == "counts-or-samples"
    assert right(reportgen.load(path, count_column="id"))
    samples = reportgen.load(path, count_column="none", id_column="none")
    assert samples.n_samples == len(counted)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("t.csv", "Run 7\nlabel,prediction\na,a\n", "a title or a comment"),
        ("t.csv", "Run 7,,\nlabel,prediction,x\na,a,b\n", "seems to be a title"),
        ("t.txt", "| label | prediction |\n|---|---|\n| a | a |\n", "separated by commas"),
        ("t.md", "+---+---+\n| label | prediction |\n+---+---+\n", "separated by commas"),
        ("t.csv", "label^prediction\na^b\n", "--delimiter '^'"),
        ("m.csv", ",a,b\na,5,-\nb,-,7\n", "write 0"),
        ("t.csv", "label,prediction\na,b\n".encode("utf-32"), "--encoding utf-32"),
        ("t.csv", "label,prob_0,prob_1\na,.5,.5\nb,.2,.8\n", "--classes FILE"),
    ],
)  # fmt: skip
def test_the_way_out_is_told(box, name, text, words):
    with pytest.raises(ReportgenError) as caught:
        reportgen.load(box.write(text, name))
    assert words in caught.value.hint


def test_labels_and_arrays_with_an_axis_of_length_1_are_flat(box):
    np.savez(box.folder / "t.npz", y_true=TRUE[:, None], y_pred=PREDICTED[:, None])
    assert right(reportgen.load(box.folder / "t.npz"))
    np.savez(box.folder / "u.npz", labels=TRUE, logits=LOGITS[:, :, None, None])
    assert right(reportgen.load(box.folder / "u.npz"))


@pytest.mark.parametrize("mark", [";", "\t"])
def test_labels_with_other_separators_than_the_predictions_are_joined(box, mark):
    ids = [f"{i}.png" for i in range(40)]
    path = saved(box, id=ids, prediction=PREDICTIONS)
    frame = pd.DataFrame({"id": ids, "label": LABELS}).sample(frac=1, random_state=1)
    frame.to_csv(box.folder / "labels.csv", index=False, sep=mark)
    assert right(reportgen.load(path, labels=box.folder / "labels.csv"))


# Class lists


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.txt", "# classes\ncat\ndog\n"), ("c.txt", "// mine\ncat\ndog\n"), ("c.txt", "2\ncat\ndog\n"),
        ("c.txt", "- cat\n- dog\n"), ("c.txt", "* cat\n* dog\n"), ("c.txt", '"cat",\n"dog"\n'),
        ("c.txt", "'cat'\n'dog'\n"), ("c.txt", "cat,\ndog\n"), ("c.txt", "cat\tKatze\ndog\tHund\n"),
        ("c.pbtxt", "item {\n  id: 1\n}\n"), ("c.txt", "nc: 2\nnames: ['cat']\n"),
        ("c.json", '{"classes": ["cat", "dog"], "names": ["dog", "cat"]}'),
        ("c.txt", "cat\n# furry\ndog\n"), ("c.txt", "cat\ndog\n// end\n"), ("c.txt", "0 cat\n1 dog\n3 bird\n"),
        ("c.txt", "| id | name |\n|----|------|\n| 0 | cat |\n"), ("c.pbtxt", "item { id: 1 name: 'cat' }\nitem { id: 2 name: 'dog' }\n"),
        ("c.json", "null"), ("c.json", "cat\ndog\n"), ("c.csv", "class;index|x\ncat;0|1\ndog;1|2\n"),
    ],
)  # fmt: skip
def test_a_file_with_more_than_names_is_no_class_list(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError) as caught:
        read_class_list(tmp_path / name)
    assert caught.value.slug == "classes-form"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.txt", "1. cat\n2. dog\n"), ("c.txt", "0) cat\n1) dog\n"), ("c.txt", "cat -> 0\ndog -> 1\n"),
        ("c.csv", ",class\n0,cat\n1,dog\n"), ("c.csv", "Unnamed: 0,label\n0,cat\n1,dog\n"),
        ("c.csv", "label,label_name\n0,cat\n1,dog\n"), ("c.json", '{"cat": "0", "dog": "1"}'),
        ("c.json", '{"label_to_id": {"cat": 0, "dog": 1}}'),
        ("c.txt", "(1) dog\n(0) cat\n"), ("c.txt", "[1] dog\n[0] cat\n"), ("c.txt", "#1 dog\n#0 cat\n"),
        ("c.txt", "1 => dog\n0 => cat\n"), ("c.txt", "1 - dog\n0 - cat\n"), ("c.txt", "1|dog\n0|cat\n"),
        ("c.csv", "sep=;\nindex;class\n1;dog\n0;cat\n"), ("c.csv", "index|class\n1|dog\n0|cat\n"),
        ("c.csv", "index\tclass\n1\tdog\n0\tcat\n"),
    ],
)  # fmt: skip
def test_further_forms_of_class_lists(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert read_class_list(tmp_path / name) == ("cat", "dog")


@pytest.mark.parametrize(
    "names",
    [
        ("0_cat", "1_dog"),
        ("001.Albatross", "002.Finch"),
        ("#1", "#2"),
        ("class 0", "class 1"),
        ("1 euro", "2 euro", "5 euro", "10 euro"),
        ("20 km/h", "30 km/h"),
        ("$", "#", "%"),
    ],
)
def test_names_that_begin_with_a_number_are_names(tmp_path, names):
    (tmp_path / "c.txt").write_text("\n".join(names))
    assert read_class_list(tmp_path / "c.txt") == names


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x93NUMPY\1\0", "a NumPy array"), (b"\x80\4cat", "a pickle"), (b"PK\3\4", "an archive"),
        ("cat\ndog\n".encode("utf-16-le"), "not UTF-8 at byte 1"),
    ],
)  # fmt: skip
def test_class_lists_of_programs_are_refused_by_their_name(tmp_path, content, words):
    (tmp_path / "c.npy").write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_class_list(tmp_path / "c.npy")


def test_names_that_begin_with_numbers_can_be_listed_as_json(tmp_path):
    (tmp_path / "c.txt").write_text("1 cent\n2 cent\n5 cent\n")
    with pytest.raises(DataError) as caught:
        read_class_list(tmp_path / "c.txt")
    assert caught.value.hint.endswith("write the names as a JSON list")
    (tmp_path / "c.json").write_text('["1 cent", "2 cent", "5 cent"]')
    assert read_class_list(tmp_path / "c.json") == ("1 cent", "2 cent", "5 cent")


def test_texts_that_python_would_join_are_no_literal():
    assert literal("{'a': [1, 'b']}") == {"a": [1, "b"]}
    assert listed("['polar bear' 'cat']") == ["polar bear", "cat"]
    with pytest.raises(ValueError, match="comma"):
        literal("['cat' 'dog']")
