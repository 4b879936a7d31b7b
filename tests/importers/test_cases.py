"""The inputs that people have, of every kind that was once misread: right, or refused with a way
out that works. Each kind is tried on the shared cases and on other programs' spellings of it.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import itertools
import json
import lzma
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sklearn.metrics import classification_report

import reportgen
from reportgen.errors import DataError
from reportgen.importers.formats import compressed
from tests.importers.conftest import columns
from tests.importers.hints import outcomes, typed

CASES = Path(__file__).parents[2].parent / "shared" / "cases"


def case(name: str) -> Path:
    path = CASES / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    return path


def figures(evaluation, *names):
    """(accuracy in %, samples, counts of the named confusions)."""
    accuracy = evaluation.summary["accuracy"].value
    index = {name: i for i, name in enumerate(evaluation.classes)}
    counts = evaluation.confusion.counts
    pairs = [int(counts[index[a], index[b]]) for a, b in names]
    return round(100 * accuracy, 1), evaluation.n_samples, *pairs


def read_as(evaluation):
    """The line that says how the input was read, which stands in the notes too."""
    line = evaluation.provenance.read_as
    (note,) = [note for note in evaluation.notes if note.code == "read-as"]
    assert line in note.sentence
    return line


# 01: counts in the long form


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("c23.csv", (88.0, 100, 10)),
        ("d01b.csv", (88.0, 100, 10)),
        ("d01c.csv", (88.0, 100, 10)),
        ("d01l.csv", (88.0, 100, 10)),
        ("g01.csv", (94.5, 2000, 100)),
    ],
)
def test_shared_tables_of_counts(name, expected):
    found = reportgen.load(case("01-long-form-header") / name)
    assert figures(found, ("cat", "dog")) == expected
    assert "count" in read_as(found)


CELLS = [("cat", "cat", 40), ("cat", "dog", 10), ("dog", "cat", 2), ("dog", "dog", 48)]
HEADERS = [
    ("Actual", "Predicted", "nPredictions"),
    ("LABEL", "PREDICTION", "COUNT"),
    ("Reference", "Prediction", "Freq"),
    ("truth", "estimate_pred", "n"),
    ("y_true", "y_pred", "frequency"),
    ("trueLabel", "predictedLabel", "cnt"),
    ("obs", "pred", "n_samples"),
    ("ground truth", "predicted class", "COUNT(*)"),
    ("target", "prediction", "0"),
]


@pytest.mark.parametrize("header", HEADERS, ids="-".join)
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_counts_are_read_in_any_order_and_case_by_any_usual_word(box, header, order):
    header = tuple("pred" if cell == "estimate_pred" else cell for cell in header)
    rows = [header, *CELLS]
    text = "".join(",".join(str(row[i]) for i in order) + "\n" for row in rows)
    found = reportgen.load(box.write(text))
    assert figures(found, ("cat", "dog"), ("dog", "cat")) == (88.0, 100, 10, 2)
    assert f'count "{header[2]}"' in read_as(found)


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "parquet", "frame", "index", "shares"])
def test_counts_are_read_from_every_format(box, form):
    frame = pd.DataFrame(CELLS, columns=["actual", "predicted", "n"])
    path = box.folder / f"t.{form}"
    if form in ("csv", "tsv", "index", "shares"):
        if form == "shares":
            frame["percent"] = 100 * frame.n / frame.n.sum()
        path = path.with_suffix(".tsv" if form == "tsv" else ".csv")
        frame.to_csv(path, index=form == "index", sep="\t" if form == "tsv" else ",")
    elif form == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    elif form == "parquet":
        frame.to_parquet(path)
    found = reportgen.load(frame if form == "frame" else path)
    assert figures(found, ("cat", "dog")) == (88.0, 100, 10)


def test_counts_that_only_may_be_some_are_asked_about(box):
    text = "label,prediction,anzahl\ncat,cat,40\ncat,dog,10\ndog,cat,2\ndog,dog,48\n"
    path = box.write(text)
    with pytest.raises(DataError, match="may contain one sample per line") as caught:
        reportgen.load(path)
    assert caught.value.slug == "counts-or-samples"
    assert caught.value.exit_code == 3
    assert typed(caught.value.hint) == [{"count_column": "anzahl"}, {"count_column": "none"}]
    counts, samples = outcomes(path)
    assert figures(counts, ("cat", "dog")) == (88.0, 100, 10)
    assert figures(samples, ("cat", "dog")) == (50.0, 4, 1)


@pytest.mark.parametrize(
    "text",
    [
        "id,label,prediction,count\na,cat,cat,3\nb,cat,dog,1\nc,dog,dog,2\n",  # of objects in it?
        "fold,label,prediction,n\n1,cat,cat,4\n1,cat,dog,1\n2,cat,cat,5\n2,cat,dog,2\n",
        "label,prediction,value\ncat,cat,4\ncat,dog,1\n",
        "label,prediction,n,day\ncat,cat,4,mon\ncat,dog,1,tue\n",
    ],
)
def test_a_word_for_counts_among_other_columns_is_asked_about(box, text):
    path = box.write(text)
    with pytest.raises(DataError) as caught:
        reportgen.load(path)
    assert caught.value.slug == "counts-or-samples"
    counts, samples = outcomes(path)
    n = text.count("\n") - 1
    assert samples.n_samples == n < counts.n_samples


def test_cells_that_come_again_add_up_where_the_column_was_named(box):
    path = box.write(
        "fold,label,prediction,n\n1,cat,cat,4\n1,cat,dog,1\n2,cat,cat,5\n2,dog,dog,2\n"
    )
    found = reportgen.load(path, count_column="n")
    assert figures(found, ("cat", "cat"), ("cat", "dog")) == (91.7, 12, 9, 1)
    assert "not used: fold" in read_as(found)


@pytest.mark.parametrize(
    "text",
    [
        "label,prediction,size\ncat,cat,40\ncat,dog,10\ncat,cat,2\ndog,dog,48\n",
        "index,label,prediction\n0,cat,cat\n1,cat,dog\n2,dog,dog\n",
        "path,label,prediction,width\na,cat,cat,640\nb,cat,dog,480\nc,dog,dog,333\n",
        "label,prediction,confidence\ncat,cat,1\ncat,dog,1\n",
    ],
)
def test_samples_stay_samples(box, text):
    found = reportgen.load(box.write(text))
    assert found.n_samples == text.count("\n") - 1
    assert read_as(found).startswith(f"{found.n_samples} samples: label ")


def test_the_line_names_what_was_used_and_what_was_not(box):
    found = reportgen.load(
        box.write("path,Actual,Predicted,day,lens\na,cat,cat,mon,x\nb,cat,cat,tue,y\n")
    )
    assert read_as(found) == (
        '2 samples: label "Actual", prediction "Predicted", id "path"; '
        "not used: day, lens (slices only)"
    )


# 06: R and caret


def test_a_table_of_r_is_counts():
    found = reportgen.load(case("06-r-caret-table") / "c14.csv")
    assert figures(found, ("cat", "dog")) == (88.0, 100, 10)


# 29: labels in a program's words, and other doubtful spellings


@pytest.mark.parametrize("name", ["d04.csv", "d04b.csv"])
def test_shared_labels_of_tensors(name):
    found = reportgen.load(case("29-tensor-labels") / name)
    assert (len(found.classes), *figures(found)) == (2, 66.7, 3)
    assert "(0) read as 0" in read_as(found) or "[0] read as 0" in read_as(found)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("tensor(1)", "1"),
        ("tensor(1, device='cuda:0')", "tensor(1)"),
        ("tensor([1])", "[1]"),
        ("array([1])", "1.0"),
        ("np.int64(1)", " 1"),
        ("tensor(1.)", "1"),
        ("[ 1 ]", "array(1, dtype=int32)"),
    ],
)
def test_spellings_of_one_index_are_one_class(box, one, two):
    path = box.write(f'path,label,prediction\na,0,0\nb,"{one}","{two}"\nc,"{two}",0\n')
    found = reportgen.load(path)
    assert (found.classes, *figures(found)) == (("0", "1"), 66.7, 3)
    assert " read as 1" in read_as(found)


def test_names_that_look_wrapped_are_kept_where_they_are_said_to_be_names(box):
    path = box.write("label,prediction\n[0],[0]\n[0],cat\ncat,cat\n")
    assert reportgen.load(path).classes == ("0", "cat")
    assert reportgen.load(path, labels_are="names").classes == ("[0]", "cat")


@pytest.mark.parametrize("wrapped", ["['cat']", "np.str_('cat')", '["cat"]'])
def test_a_name_in_a_list_is_the_name(box, wrapped):
    cell = wrapped.replace('"', '""')
    found = reportgen.load(box.write(f'label,prediction\ncat,"{cell}"\ndog,dog\ncat,dog\n'))
    assert (found.classes, *figures(found)) == (("cat", "dog"), 66.7, 3)


@pytest.mark.parametrize("pair", [("Cat", "cat"), ("t-shirt", "T Shirt"), ("sea_lion", "sea lion")])
def test_two_spellings_of_one_name_are_asked_about(box, pair):
    path = box.write("label,prediction\n{0},{1}\ndog,dog\n{0},dog\n".format(*pair))
    with pytest.raises(DataError, match="may be one class") as caught:
        reportgen.load(path)
    assert caught.value.slug == "classes-spellings"
    (as_names,) = outcomes(path)
    assert len(as_names.classes) == 3


@pytest.mark.parametrize("cell", ["[0, 2]", "0|2", "0;2", "(0, 2)"])
def test_several_labels_in_a_cell_are_no_label(box, cell):
    path = box.write(f'label,prediction\n0,0\n"{cell}",2\n2,0\n')
    with pytest.raises(DataError, match="contains 2 labels") as caught:
        reportgen.load(path)
    assert caught.value.slug == "labels-several"
    assert "line 3" in caught.value.message
    (as_names,) = outcomes(path)
    assert as_names.n_samples == 3


def test_a_name_with_a_comma_is_a_name(box):
    found = reportgen.load(box.write('label,prediction\n"fox, red",dog\ndog,dog\n'))
    assert found.classes == ("dog", "fox, red")


# 20: percent signs, and decimal commas


def test_shared_confidences_in_percent():
    found = reportgen.load(case("20-percent-cells") / "c38b.csv")
    assert figures(found) == (66.7, 3)
    assert "97.3% is read as a part of 100" in read_as(found)


@pytest.mark.parametrize(
    "cells", ["97.3%,55.2%,88.1%", "97.3 %,55.2 %,88.1 %", '"0,973","0,552","0,881"']
)
def test_confidences_in_other_spellings(box, cells):
    one, two, three = cells.split('",') if '"' in cells else cells.split(",")
    fix = lambda cell: cell + '"' if cell.count('"') == 1 else cell  # noqa: E731
    found = box.open(
        f"label,pred,confidence\ncat,cat,{fix(one)}\ncat,dog,{fix(two)}\ndog,dog,{fix(three)}\n"
    )
    assert columns(found, "confidence")["confidence"].tolist() == pytest.approx(
        [0.973, 0.552, 0.881]
    )


def test_a_comma_that_may_divide_thousands_is_no_number(box):
    with pytest.raises(DataError, match='"1,234"'):
        box.open('label,prediction,prob_0,prob_1\n0,0,"1,234",0\n1,1,0,1\n', outputs="logits")


COMMA = {"delimiter": ";", "decimal": ","}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (";a;b\na;0,950;0,050\nb;0,1;0,9\n", [[0.95, 0.05], [0.1, 0.9]]),
        ("0,95;0,05\n0,1;0,9\n", [[0.95, 0.05], [0.1, 0.9]]),
        (";a;b\na;1.234;5\nb;7;2.345\n", [[1234, 5], [7, 2345]]),
        (";a;b\na;1.234;2.005\nb;7.001;2.345\n", [[1234, 2005], [7001, 2345]]),
        ("actual;a;b\na;1.234;5\nb;7;2.345\n", [[1234, 5], [7, 2345]]),
        ("label;prediction;n\na;a;1.234\na;b;5\nb;b;2.000\n", [[1234, 5], [0, 2000]]),
        ("label;n;prediction;x\na;1.234;a;u\na;5;b;u\nb;2.000;b;u\n", [[1234, 5], [0, 2000]]),
    ],
)
def test_a_matrix_of_a_european_spreadsheet_is_read_or_says_how(box, text, read):
    """The hints lead to `--decimal ','`, and what is read then has no thousandth of its counts."""
    path = box.write(text)
    assert figures_of(outcomes(path, delimiter=";")[0]) == read


def test_totals_with_points_are_told_from_classes(box):
    path = box.write(";a;b;total\na;1.000;5;1.005\nb;0;2.000;2.000\n")
    assert figures_of(reportgen.load(path, **COMMA)) == [[1000, 5], [0, 2000]]


def figures_of(evaluation):
    """Counts, or what is known of shares: the diagonal's neighbours follow from two classes."""
    if evaluation.n_samples:
        return evaluation.confusion.counts.tolist()
    one, two = evaluation.per_class["recall"].value.tolist()
    return [[one, round(1 - one, 6)], [round(1 - two, 6), two]]


def test_decimal_commas_of_three_digits_are_no_thousands(box):
    text = "label;prediction;prob_a;prob_b\na;a;0,912;0,088\nb;a;1,000;0,000\n"
    (found,) = outcomes(box.write(text), delimiter=";")
    assert found.n_samples == 2
    text = "label;prediction;confidence\na;a;0,912\nb;a;1,000\n"
    (found,) = outcomes(box.write(text), delimiter=";")
    assert "0,912 has a decimal comma" in read_as(found)


@pytest.mark.parametrize(
    "text",
    [
        ";a;b\na;0.93;0,07\nb;0,1;0,9\n",
        "label;prediction;confidence\na;a;0.93\nb;b;0.9\n",
        "label;prediction;confidence\na;a;0.933\nb;b;0.912\n",
    ],
)
def test_a_decimal_point_among_decimal_commas_is_refused(box, text):
    with pytest.raises(DataError) as caught:
        reportgen.load(box.write(text), **COMMA)
    assert "omit --decimal" in caught.value.hint


# 02: top-k columns


def top_k(evaluation):
    """Top-1, top-3 and top-5 accuracy in %, None where n/a."""
    values = [evaluation.summary[f"top{k}_accuracy"].value for k in (1, 3, 5)]
    return [None if value is None else round(100 * value, 1) for value in values]


@pytest.mark.parametrize("name", ["d02.csv", "d02c.csv", "d05.csv"])
def test_shared_top_k_columns(name):
    found = reportgen.load(case("02-topk-columns") / name)
    assert figures(found) == (75.0, 4)
    assert len(found.classes) == 3
    assert found.confidence.mean_confidence == pytest.approx(0.65)
    assert "top-3 " in read_as(found)


RANKED = [  # label, five best of seven classes, their probabilities
    ("a", "abcde", (0.5, 0.2, 0.1, 0.1, 0.05)),
    ("b", "abcde", (0.4, 0.3, 0.1, 0.1, 0.05)),
    ("c", "abcde", (0.6, 0.1, 0.1, 0.1, 0.05)),
    ("e", "abcde", (0.3, 0.3, 0.2, 0.1, 0.05)),
    ("f", "abcde", (0.7, 0.1, 0.1, 0.05, 0.01)),
    ("g", "gabcd", (0.9, 0.02, 0.02, 0.02, 0.01)),
]


@pytest.mark.parametrize(
    ("classes", "probabilities"),
    [
        ("index_{0}", "prob_{0}"),
        ("top{1}", "prob{1}"),
        ("top{1}_class", "top{1}_prob"),
        ("Label{1}", "Score{1}"),
        ("pred_class_{1}", "conf_{1}"),
        ("Top-{1} prediction", "Top-{1} confidence"),
        ("top_{1}", None),
        ("rank{1}", "p{1}"),
    ],
)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("k", [2, 3, 5])
def test_top_k_columns_of_any_name(box, classes, probabilities, reverse, k):
    rows = []
    for i, (label, best, scores) in enumerate(RANKED):
        row = {"filename": f"{i}.jpg", "label": label}
        row |= {classes.format(j, j + 1): best[j] for j in range(k)}
        if probabilities:
            row |= {probabilities.format(j, j + 1): scores[j] for j in range(k)}
        rows.append(dict(reversed(row.items())) if reverse else row)
    path = box.folder / "t.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    found = reportgen.load(path, classes=list("abcdefg"))
    assert figures(found) == (33.3, 6)
    top1, top3, top5 = 100 * 2 / 6, 100 * 4 / 6, 100 * 5 / 6
    assert found.summary["top5_accuracy"].value == (pytest.approx(top5 / 100) if k == 5 else None)
    if probabilities:
        expected = [
            round(top1, 1),
            round(top3, 1) if k >= 3 else None,
            round(top5, 1) if k == 5 else None,
        ]
        assert top_k(found) == expected
        mean = sum(scores[0] for _, _, scores in RANKED) / 6
        assert found.confidence.mean_confidence == pytest.approx(mean)


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "numpy text", "names"])
def test_lists_of_the_best_classes_in_cells(box, form):
    best = [list(classes[:3]) for _, classes, _ in RANKED]
    names = {"names": lambda row: row}.get(form, lambda row: ["abcdefg".index(c) for c in row])
    labels = [names([label])[0] for label, _, _ in RANKED]
    frame = pd.DataFrame(
        {
            "image": [f"{i}.png" for i in range(6)],
            "label": labels,
            "index": [names(row) for row in best],
            "prob": [list(scores[:3]) for _, _, scores in RANKED],
        }
    )
    path = box.folder / f"t.{form if form in ('jsonl', 'parquet') else 'csv'}"
    if form == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    elif form == "parquet":
        frame.to_parquet(path)
    else:
        if form == "numpy text":
            frame["prob"] = [str(row).replace(",", "") for row in frame["prob"]]
        frame.to_csv(path, index=False)
    found = reportgen.load(path)
    assert figures(found) == (33.3, 6)
    assert top_k(found)[:2] == [33.3, 66.7]


@pytest.mark.parametrize("form", ["csv", "npz"])
def test_scores_that_fall_in_every_row_are_asked_about(box, form):
    labels, scores = (
        [0, 1, 2, 1],
        [[0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.6, 0.3, 0.1], [0.8, 0.1, 0.1]],
    )
    path = box.folder / f"t.{form}"
    if form == "csv":
        frame = pd.DataFrame(scores, columns=["prob_0", "prob_1", "prob_2"])
        frame.assign(label=labels).to_csv(path, index=False)
    else:
        np.savez(path, label=labels, scores=scores)
    with pytest.raises(DataError, match="decrease from left to right in every row") as caught:
        reportgen.load(path)
    assert caught.value.slug == "scores-ranked"
    (as_classes,) = outcomes(path)
    assert figures(as_classes) == (25.0, 4)


# 04: class lists


@pytest.mark.parametrize("name", ["cls1.json", "cls2.json", "cls3.json", "cls5.txt", "cls6.csv"])
def test_shared_class_lists(name):
    folder = case("04-classes-file-not-a-list")
    found = reportgen.load(folder / "e01.csv", classes=folder / name)
    assert (found.classes, *figures(found, ("dog", "bird"))) == (("cat", "dog", "bird"), 75.0, 4, 1)


def test_a_shared_class_list_in_yaml_is_refused():
    folder = case("04-classes-file-not-a-list")
    with pytest.raises(DataError, match="is YAML"):
        reportgen.load(folder / "e01.csv", classes=folder / "cls4.yaml")


# 06, 07: matrices as programs print them

COUNTS = [[40, 10, 0], [2, 48, 0], [1, 0, 30]]
NAMES = ("cat", "dog", "bird")
PRINTED = {
    "savetxt": "4.0e+01 1.0e+01 0.0e+00\n2.0e+00 4.8e+01 0.0e+00\n1.0e+00 0.0e+00 3.0e+01\n",
    "numpy": "[[40 10  0]\n [ 2 48  0]\n [ 1  0 30]]\n",
    "floats": "[[40. 10.  0.]\n [ 2. 48.  0.]\n [ 1.  0. 30.]]\n",
    "repr": "array([[40, 10,  0],\n       [ 2, 48,  0],\n       [ 1,  0, 30]])\n",
    "torch": "tensor([[40, 10,  0],\n        [ 2, 48,  0],\n        [ 1,  0, 30]], device='cuda:0')\n",
    "list": "[[40, 10, 0], [2, 48, 0], [1, 0, 30]]",
    "mixed": "40 10\t0\n2\t48 0\n1 0 30\n",
    "pandas": "      cat  dog  bird\ncat    40   10     0\ndog     2   48     0\nbird    1    0    30\n",
    "crosstab": "Predicted  cat  dog  bird\nActual                   \ncat         40   10     0\ndog          2   48     0\nbird         1    0    30\n",
    "turned": "Actual     cat  dog  bird\nPredicted                \ncat         40    2     1\ndog         10   48     0\nbird         0    0    30\n",
    "caret": "Confusion Matrix and Statistics\n\n          Reference\nPrediction cat dog bird\n      cat   40   2    1\n      dog   10  48    0\n      bird   0   0   30\n\nOverall Statistics\n\n               Accuracy : 0.9008\n                 95% CI : (0.83, 0.94)\n",
    "yardstick": "          Truth\nPrediction cat dog bird\n      cat   40   2    1\n      dog   10  48    0\n      bird   0   0   30\n",
    "weka": "=== Confusion Matrix ===\n\n  a  b  c   <-- classified as\n 40 10  0 |  a = cat\n  2 48  0 |  b = dog\n  1  0 30 |  c = bird\n",
    "spaces": "                 Reference\nPrediction       red soil crop grey soil\n  red soil             40    2         1\n  crop                 10   48         0\n  grey soil             0    0        30\n",
    "numbered": "    0   1   2\n0  40  10   0\n1   2  48   0\n2   1   0  30\n",
    "legend": "      (Predicted)\n      cat dog bird\n---------------------\n(Actual cat) 40 10 0\n(Actual dog) 2 48 0\n(Actual bird) 1 0 30\n",
}  # fmt: skip


@pytest.mark.parametrize("form", PRINTED)
def test_a_printed_matrix_is_the_matrix(box, form):
    found = reportgen.load(box.write(PRINTED[form], "m.txt"))
    assert found.confusion.counts.tolist() == COUNTS
    unnamed = form in ("savetxt", "numpy", "floats", "repr", "torch", "list", "mixed", "numbered")
    spaced = ("red soil", "crop", "grey soil") if form == "spaces" else NAMES
    assert found.classes == (("0", "1", "2") if unnamed else spaced)
    assert "printed" in read_as(found)


@pytest.mark.parametrize(
    ("name", "accuracy", "n"),
    [
        ("06-r-caret-table/c13.txt", 98.4, 671),
        ("07-whitespace-matrix/c06.txt", 62.0, 800),
        ("07-whitespace-matrix/c09.txt", 55.8, 12284),
        ("07-whitespace-matrix/c16.txt", 90.1, 131),
        ("07-whitespace-matrix/c17.txt", 90.1, 131),
    ],
)
def test_shared_printed_matrices(name, accuracy, n):
    found = reportgen.load(case(name))
    assert figures(found) == (accuracy, n)


@pytest.mark.parametrize(
    "text",
    [
        "path label prediction\na.jpg 0 1\nb.jpg 1 1\n",  # two samples, not a matrix
        "label prediction\n0 1\n1 1\n",
        "a.jpg 0 1\nb.jpg 1 1\nc.jpg 1 0\n",
    ],
)
def test_predictions_with_white_space_are_no_matrix(box, text):
    with pytest.raises(DataError):
        reportgen.load(box.write(text, "t.txt"))


# 11: JSON shapes

RECORDS = [
    {"image": f"a{i}.png", "label": label, "prediction": prediction, "confidence": 0.6 + 0.03 * i}
    for i, (label, prediction) in enumerate(
        [("cat", "cat"), ("dog", "dog"), ("cat", "dog"), ("dog", "cat"), ("cat", "cat")]
    )
]


@pytest.mark.parametrize("name", ["c21.json", "c21b.json", "c21c.json", "c21d.json"])
def test_shared_json_tables(name):
    found = reportgen.load(case("11-json-shapes") / name)
    assert figures(found) == (50.0, 8)


def test_other_shared_json():
    folder = case("11-json-shapes")
    assert figures(reportgen.load(folder / "c23.json"), ("cat", "dog")) == (88.0, 100, 10)
    assert figures(reportgen.load(folder / "c44.json")) == (50.0, 2)
    with pytest.raises(DataError, match="contains labels only"):
        reportgen.load(folder / "c22.json")


@pytest.mark.parametrize(
    "orient", ["records", "columns", "index", "split", "table", "list", "lines", "mlflow", "wandb"]
)
def test_a_table_in_json_of_any_layout(box, orient):
    frame = pd.DataFrame(RECORDS)
    if orient == "list":
        text = json.dumps(frame.to_dict("list"))
    elif orient == "lines":
        text = frame.to_json(orient="records", lines=True)
    elif orient == "mlflow":
        text = json.dumps({"dataframe_split": json.loads(frame.to_json(orient="split"))})
    elif orient == "wandb":
        rows = frame.to_dict("split")
        for row in rows["data"]:
            row[0] = {"_type": "image-file", "path": f"media/{row[0]}", "width": 32}
        text = json.dumps({"columns": rows["columns"], "data": rows["data"], "ncols": 4})
    else:
        text = frame.to_json(orient=orient)
    found = reportgen.load(box.write(text, "t.json"))
    assert figures(found) == (60.0, 5)
    assert read_as(found).startswith('5 samples: label "label", prediction "prediction"')


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"epoch": 5.0, "eval_accuracy": 0.9}, "named numbers"),
        ({"classes": ["a"], "labels": {"x.png": 0}}, "labels only"),
        ({"info": {"a": 1}, "images": []}, "its keys are info, images"),
        ([1, 2, 3], "neither predictions nor a confusion matrix"),
    ],
)
def test_other_json_is_named_for_what_it_holds(box, value, words):
    with pytest.raises(DataError, match=words):
        reportgen.load(box.write(json.dumps(value), "t.json"))


# 18: a report instead of data


@pytest.mark.parametrize("name", ["c42.csv", "c42.json", "c42.txt"])
def test_a_shared_report_is_no_data(name):
    with pytest.raises(DataError, match="no confusions") as caught:
        reportgen.load(case("18-report-instead-of-data") / name)
    assert caught.value.slug == "input-report"


@pytest.mark.parametrize("form", ["csv", "json", "txt"])
def test_a_report_of_scikit_learn_is_named(box, form):
    y, p = [0, 1, 1, 0, 2], [0, 1, 0, 0, 2]
    report = classification_report(y, p, output_dict=form != "txt")
    if form == "csv":
        pd.DataFrame(report).T.to_csv(box.folder / "r.csv")
    else:
        text = report if form == "txt" else json.dumps(report)
        box.write(text, f"r.{form}")
    with pytest.raises(DataError, match="no confusions"):
        reportgen.load(box.folder / f"r.{form}")


# 25: compressed files


def test_a_shared_compressed_table():
    found = reportgen.load(case("25-compressed") / "e01.csv.gz")
    assert figures(found) == (75.0, 4)


def zstd(content):
    return pa.compress(content, "zstd", asbytes=True)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstd])
@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "json", "matrix"])
def test_a_compressed_file_is_what_it_holds(box, pack, form):
    frame = pd.DataFrame(RECORDS)
    text = {
        "csv": frame.to_csv(index=False),
        "tsv": frame.to_csv(index=False, sep="\t"),
        "jsonl": frame.to_json(orient="records", lines=True),
        "json": frame.to_json(orient="records"),
        "matrix": ",cat,dog\ncat,2,1\ndog,1,1\n",
    }[form]
    ending = {gzip.compress: "gz", bz2.compress: "bz2", lzma.compress: "xz", zstd: "zst"}[pack]
    name = f"t.{'csv' if form == 'matrix' else form}.{ending}"
    path = box.write(pack(text.encode()), name)
    found = reportgen.load(path)
    assert figures(found) == (60.0, 5)
    assert found.provenance.data_fingerprint == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(("pack", "ending"), [(gzip.compress, "gz"), (zstd, "zst")])
def test_a_compressed_file_that_is_cut_off_is_refused(box, pack, ending):
    whole = pack(b"label,prediction\n" + b"cat,dog\n" * 1000)
    with pytest.raises(DataError, match="cut off or damaged"):
        reportgen.load(box.write(whole[:-20], f"t.csv.{ending}"))


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_a_compressed_file_that_unpacks_to_an_absurd_size_is_refused(box, monkeypatch, pack):
    monkeypatch.setattr(compressed, "_BOMB_BYTES", 1 << 20)
    path = box.write(pack(b"label,prediction\n" + b"cat,dog\n" * 1_000_000), "t.csv.gz")
    with pytest.raises(DataError, match="unpacks to more than"):
        reportgen.load(path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.feather", b"FEA1\0\0", "Feather file of version 1"),
        ("t.npy.zst", pa.compress(b"\x93NUMPY", "zstd", asbytes=True), "compressed"),
        ("t.sqlite", b"SQLite format 3\0", "SQLite"),
        ("t.h5", b"\x89HDF\r\n\x1a\n", "HDF5"),
        ("t.csv", b"<!DOCTYPE html><html></html>", "HTML"),
        ("t.npy.gz", gzip.compress(b"\x93NUMPY", mtime=0), "compressed"),
    ],
)
def test_a_format_that_is_not_read_is_named_truly(box, name, content, words):
    with pytest.raises(DataError, match=words) as caught:
        reportgen.load(box.write(content, name))
    assert caught.value.slug == "input-kind"
    assert caught.value.hint


def test_archives_are_named_truly(box):
    for name, member, words in (
        ("p.xlsx", "xl/workbook.xml", "an Excel workbook"),
        ("p.csv.zip", "p.csv", "a ZIP archive that contains p.csv"),
    ):
        with zipfile.ZipFile(box.folder / name, "w") as archive:
            archive.writestr(member, "label,prediction\na,a\n")
        with pytest.raises(DataError, match=words):
            reportgen.load(box.folder / name)


# 19: labels shifted after a missing class


def test_shared_labels_that_are_shifted_are_told():
    found = reportgen.load(case("19-shift-after-missing-class") / "sports.csv")
    (note,) = [note for note in found.notes if note.code == "labels-shifted"]
    assert note.severity == "warning"
    assert "From class 60 on, predictions equal label − 1 in 33.2" in note.sentence
    assert "No sample has the class 59." in note.sentence


@pytest.mark.parametrize(("step", "words"), [(-1, "label − 1"), (1, "label + 1")])
def test_a_shift_from_one_class_on_is_told(box, step, words):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 20, 600)
    labels = labels[labels != 12]
    right = rng.random(len(labels)) < 0.7
    predictions = np.where(right, labels + step * (labels > 12), rng.integers(0, 20, len(labels)))
    path = box.folder / "t.csv"
    pd.DataFrame({"label": labels, "prediction": predictions % 20}).to_csv(path, index=False)
    (note,) = [n for n in reportgen.load(path).notes if n.code == "labels-shifted"]
    assert f"From class 13 on, predictions equal {words}" in note.sentence


def test_chance_makes_no_shift(box):
    rng = np.random.default_rng(1)
    for _ in range(40):
        labels = rng.integers(0, 20, 300)
        predictions = np.where(rng.random(300) < 0.3, labels, rng.integers(0, 20, 300))
        found = reportgen.load({"label": labels, "prediction": predictions})
        assert "labels-shifted" not in {note.code for note in found.notes}


# 20, 22: cells of a matrix


def test_shared_cells_in_percent():
    found = reportgen.load(case("20-percent-cells") / "c20.csv")
    assert found.per_class["recall"].value.tolist() == pytest.approx([0.96, 0.975])
    assert "cells in percent" in read_as(found)


@pytest.mark.parametrize("space", ["", " "])
@pytest.mark.parametrize("zero", ["0", "0%", "0.0%"])
def test_cells_with_percent_signs_are_shares(box, space, zero):
    text = f",a,b,c\na,96.0{space}%,4.0{space}%,{zero}\nb,2.5%,97.5%,{zero}\nc,{zero},{zero},100%\n"
    found = reportgen.load(box.write(text))
    assert found.per_class["recall"].value.tolist() == pytest.approx([0.96, 0.975, 1.0])


def test_shared_weighted_counts_are_refused_with_a_sentence():
    with pytest.raises(DataError, match="is not a count") as caught:
        reportgen.load(case("22-weighted-counts") / "c34.csv")
    assert "weighted counts do not give" in " ".join(caught.value.details)
    assert "sample_weight" in caught.value.hint


def test_percentages_without_a_sign_are_told_from_weights(box):
    path = box.write(",a,b\na,96.0,4.0\nb,2.5,97.5\n")
    with pytest.raises(DataError, match="is not a count") as caught:
        reportgen.load(path)
    assert "--normalised" in caught.value.hint
    found = reportgen.load(path, normalised=True)
    assert found.per_class["recall"].value.tolist() == pytest.approx([0.96, 0.975])


@pytest.mark.parametrize("cell", ['"1,234"', "1 234", "1'234", "1234", "1234.0"])
def test_counts_with_thousands_separators(box, cell):
    found = reportgen.load(box.write(f",a,b\na,{cell},6\nb,10,950\n"))
    assert found.n_samples == 2200


def test_a_point_that_may_divide_thousands_is_asked_about(box):
    with pytest.raises(DataError, match="may divide thousands") as caught:
        reportgen.load(box.write(",a,b\na,1.000,6\nb,10,950\n"))
    assert caught.value.slug == "matrix-thousands"


@pytest.mark.parametrize(
    "text",
    [
        ",cat,dog,Total\ncat,40,10,50\ndog,2,48,50\n",
        ",cat,dog\ncat,40,10\ndog,2,48\nTotal,42,58\n",
        ",cat,dog,All\ncat,40,10,50\ndog,2,48,50\nAll,42,58,100\n",
        "true\\predicted,cat,dog,support\ncat,40,10,50\ndog,2,48,50\n",
        "Actual,cat,dog,Total\ncat,40,10,50\ndog,2,48,50\n",
    ],
)
def test_margins_are_left_out_where_they_are_the_sums(box, text):
    found = reportgen.load(box.write(text))
    assert figures(found, ("cat", "dog"), ("dog", "cat")) == (88.0, 100, 10, 2)
    assert "matrix-totals" in {note.code for note in found.notes}


@pytest.mark.parametrize(
    "text",
    [
        ",cat,dog,recall\ncat,40,10,0.8\ndog,2,48,0.96\n",
        ",cat,dog,remark\ncat,40,10,ok\ndog,2,48,\n",
        ",cat,dog\ncat,40,10\ndog,2,48\nprecision,0.95,0.83\n",
        ",cat,dog,Total\ncat,40,10,51\ndog,2,48,50\n",
    ],
)
def test_a_matrix_with_something_beside_it_is_refused(box, text):
    with pytest.raises(DataError, match="contains more than a confusion matrix") as caught:
        reportgen.load(box.write(text))
    assert caught.value.slug == "matrix-beside"


def test_a_matrix_with_a_typo_names_the_cell(box):
    with pytest.raises(DataError, match='cell "foo"'):
        reportgen.load(box.write(",a,b\na,1,foo\nb,2,3\n"))


# 28: column names with a task in them


def test_shared_columns_of_two_tasks_are_listed_as_pairs():
    path = case("28-unmatched-label-columns") / "c12.csv"
    with pytest.raises(DataError) as caught:
        reportgen.load(path)
    assert "true_region" in caught.value.hint
    assert "predicted_fracture" in caught.value.hint
    region, fracture = outcomes(path)
    assert figures(region) == (66.7, 6)
    assert figures(fracture) == (66.7, 6)


def test_one_pair_of_other_names_is_offered(box):
    path = box.write("name,gt_kind,pred_kind\nx,a,a\ny,b,a\n")
    (found,) = outcomes(path)
    assert figures(found) == (50.0, 2)


# Hints that work


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", "id;label;prediction;confidence\na;x;x;0,9\nb;x;y;0,6\n"),
        ("t.csv", "id;label;prediction\na;x;x\nb;x;y\n"),
        ("t.csv", "id\tlabel\tprediction\na\tx\tx\nb\tx\ty\n"),
        ("t.csv", "id|label|prediction\na|x|x\nb|x|y\n"),
        ("t.tsv", "id,label,prediction\na,x,x\nb,x,y\n"),
    ],
)
def test_the_hint_on_another_delimiter_works(box, name, text):
    (found,) = outcomes(box.write(text, name))
    assert figures(found) == (50.0, 2)


@pytest.mark.parametrize("first", ["a.jpg,cat,cat", "a.jpg,cat,dog", "7,cat,dog", "x/a,0,1"])
def test_a_table_without_a_header_is_told_so(box, first):
    with pytest.raises(DataError) as caught:
        reportgen.load(box.write(f"{first}\nb.jpg,dog,cat\n"))
    assert "path,label,prediction" in caught.value.hint
    found = reportgen.load(box.write("path,label,prediction\na.jpg,cat,cat\nb.jpg,dog,cat\n"))
    assert figures(found) == (50.0, 2)


# Class names in Parquet of Hugging Face


def hugging_face(path, names, prediction_names=None):
    features = {"label": {"names": names, "_type": "ClassLabel"}, "path": {"dtype": "string"}}
    if prediction_names:
        features["prediction"] = {"names": prediction_names, "_type": "ClassLabel"}
    table = pa.table({"path": ["a", "b", "c"], "label": [0, 1, 1], "prediction": [0, 1, 0]})
    told = json.dumps({"info": {"features": features}})
    pq.write_table(table.replace_schema_metadata({"huggingface": told}), path)
    return path


def test_the_class_names_of_a_parquet_file_are_used(box):
    path = hugging_face(box.folder / "t.parquet", ["cat", "dog", "bird"])
    found = reportgen.load(path)
    assert found.classes == ("cat", "dog", "bird")
    assert figures(found, ("dog", "cat")) == (66.7, 3, 1)
    assert found.provenance.classes_source == "the names of column label in t.parquet"
    assert reportgen.load(path, classes=["a", "b", "c"]).classes == ("a", "b", "c")


def test_two_lists_in_one_parquet_file_are_held_together(box):
    path = hugging_face(box.folder / "t.parquet", ["cat", "dog"], ["dog", "cat"])
    with pytest.raises(DataError, match="different class lists") as caught:
        reportgen.load(path)
    assert caught.value.slug == "classes-differ"


@pytest.mark.parametrize(
    "told", [b"{", b"[]", b'{"info": 1}', b'{"info": {"features": {"label": 3}}}']
)
def test_other_metadata_of_a_parquet_file_says_nothing(box, told):
    table = pa.table({"label": [0, 1], "prediction": [0, 1]})
    pq.write_table(table.replace_schema_metadata({"huggingface": told}), box.folder / "t.parquet")
    assert reportgen.load(box.folder / "t.parquet").classes == ("0", "1")


# Images that are not there


def test_images_that_are_not_there_are_told(box):
    pictures = box.folder / "pictures"
    (pictures / "a").mkdir(parents=True)
    rows = "".join(f"b/{i}.png,cat,dog\n" for i in range(5))
    path = box.write("path,label,prediction,confidence\n" + rows.replace("dog\n", "dog,0.9\n"))
    options = {"images": pictures, "force": True}
    found = reportgen.render(path, out=box.folder / "out", **options)
    (note,) = [note for note in found.notes if note.code == "images-not-found"]
    assert note.severity == "warning"
    assert note.sentence == (
        '--images "pictures" contains 0 of the 5 images to show: there is no "pictures/b/0.png" and '
        '"pictures/b/1.png".'
    )
    (pictures / "b").mkdir()
    for i in range(5):
        Image.new("RGB", (8, 8)).save(pictures / "b" / f"{i}.png")
    found = reportgen.render(path, out=box.folder / "out", **options)
    assert "images-not-found" not in {note.code for note in found.notes}


# Tables in the wild


@pytest.mark.parametrize(
    "text",
    [
        ",Predicted,\n,cat,dog\ncat,40,10\ndog,2,48\n",
        "Actual,Predicted,\n,cat,dog\ncat,40,10\ndog,2,48\n",
        ",,cat,dog\nActual,cat,40,10\n,dog,2,48\n",
        ",Actual,\n,cat,dog\ncat,40,2\ndog,10,48\n",
        ",,cat,dog\nPredicted,cat,40,2\n,dog,10,48\n",
    ],
)
def test_words_over_and_beside_a_matrix_are_no_classes(box, text):
    found = reportgen.load(box.write(text))
    assert figures(found, ("cat", "dog"), ("dog", "cat")) == (88.0, 100, 10, 2)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("space.txt", "id label prediction\na cat cat\nb dog cat\nc dog dog\n"),
        ("fixed.txt", "id      label   prediction\na1      cat     cat\nb2      dog     cat\nc3  dog dog\n"),
        ("pandas.txt", "  label prediction\n0   cat        cat\n1   dog        cat\n2   dog        dog\n"),
        ("r.txt", '"label" "prediction"\n"1" "cat" "cat"\n"2" "dog" "cat"\n"3" "dog" "dog"\n'),
        ("hash.txt", "# label prediction\ncat cat\ndog cat\ndog dog\n"),
        ("excel.csv", "sep=;\nlabel;prediction\ncat;cat\ndog;cat\ndog;dog\n"),
        ("weka.csv", "inst#,actual,predicted,error,prediction\n1,1:cat,1:cat,,0.9\n2,2:dog,1:cat,+,0.6\n3,2:dog,2:dog,,0.8\n"),
        ("hf.jsonl", '{"label":"cat","predictions":[{"label":"cat","score":0.9},{"label":"dog","score":0.1}]}\n'
         '{"label":"dog","predictions":[{"label":"cat","score":0.7},{"label":"dog","score":0.3}]}\n'
         '{"label":"dog","predictions":[{"label":"dog","score":0.7},{"label":"cat","score":0.3}]}\n'),
        ("wandb.csv", "image,truth,guess,score_cat,score_dog\nx,cat,cat,0.9,0.1\ny,dog,cat,0.6,0.4\nz,dog,dog,0.2,0.8\n"),
        ("yardstick.csv", "truth,cat,dog,predicted\ncat,0.9,0.1,cat\ndog,0.6,0.4,cat\ndog,0.3,0.7,dog\n"),
        ("mlflow.csv", "targets,prediction,predicted_proba\n0,0,0.9\n1,0,0.6\n1,1,0.7\n"),
        ("tensors.csv", "label,prediction,conf\ntensor([0]),0,tensor([0.9])\n1,0,tensor(0.6)\n1,1,[0.7]\n"),
        ("other.csv", "species,predicted_species\ncat,cat\ndog,cat\ndog,dog\n"),
    ],
)  # fmt: skip
def test_a_table_in_the_wild_is_right_at_once_or_after_its_hint(box, name, text):
    for found in outcomes(box.write(text, name)):
        assert figures(found) == (66.7, 3)


@pytest.mark.parametrize(
    "text",
    [
        "label,prediction,share\ncat,cat,0.8\ncat,dog,0.2\ndog,cat,0.04\ndog,dog,0.96\n",
        "label,prediction,percent\ncat,cat,80\ncat,dog,20\ndog,cat,4\ndog,dog,96\n",
    ],
)
def test_shares_in_the_long_form_are_no_samples(box, text):
    with pytest.raises(DataError) as caught:
        reportgen.load(box.write(text))
    assert caught.value.slug == "counts-or-samples"
