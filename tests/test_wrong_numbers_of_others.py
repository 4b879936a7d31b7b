"""The wrong numbers that other tools have printed, one test each: this one prints the right ones."""

import csv
import io
import re

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    precision_score,
    recall_score,
)

import reportgen
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import DataError
from reportgen.evaluation import evaluate_matrix
from reportgen.provenance import Provenance
from reportgen.rendering import csv as csv_files
from reportgen.rendering.svg import reliability_chart
from reportgen.report import build_report
from tests.test_cli import reportgen as command


def labels_of(counts):
    """(labels, predictions) that a matrix of these counts is made of."""
    cells = [(i, j) for i, row in enumerate(counts) for j, n in enumerate(row) for _ in range(n)]
    return tuple(map(list, zip(*cells, strict=True)))


def of_counts(counts, names=None):
    matrix = ConfusionMatrix.from_counts(counts)
    names = names or tuple("abcdefgh"[: len(counts)])
    return evaluate_matrix(matrix, names, Provenance("confusion matrix"))


def plain(words):
    return str(words).replace("\u00a0", " ")


IMBALANCED = [[90, 10], [5, 5]]
LOPSIDED = [[6, 3, 1], [0, 2, 2], [1, 0, 5]]


def test_balanced_accuracy_is_not_called_accuracy():
    """95 of 110 are right; the mean of the recalls 90% and 50% is another number."""
    evaluation = of_counts(IMBALANCED)
    labels, predictions = labels_of(IMBALANCED)
    summary = {name: metric.value for name, metric in evaluation.summary.items()}
    assert summary["accuracy"] == accuracy_score(labels, predictions) == 95 / 110
    assert summary["balanced_accuracy"] == balanced_accuracy_score(labels, predictions)
    assert summary["balanced_accuracy"] == pytest.approx(0.7, rel=1e-15)
    tiles = {plain(tile.title): tile.cell.text for tile in build_report(evaluation).headline.tiles}
    assert (tiles["Accuracy"], tiles["Balanced accuracy"]) == ("86.4", "70.0")


def test_no_column_of_a_class_is_headed_accuracy():
    """The share (TP + TN) / n of a class that is never found would be 90.9% here."""
    header = next(csv.reader(io.StringIO(csv_files.per_class(of_counts([[100, 0], [10, 0]])))))
    assert "recall" in header
    assert "accuracy" not in header
    assert not any("accuracy" in name for name in header if "balanced" not in name)


def test_row_shares_are_of_the_row_and_column_shares_of_the_column():
    labels, predictions = labels_of(LOPSIDED)
    matrix = ConfusionMatrix.from_counts(LOPSIDED)
    for over in ("true", "pred", "all"):
        expected = confusion_matrix(labels, predictions, normalize=over)
        np.testing.assert_allclose(matrix.normalized(over), expected, rtol=1e-15)
    report = build_report(of_counts(LOPSIDED))
    shown = [row.shares for row in report.matrix.rows]
    np.testing.assert_allclose(
        shown, confusion_matrix(labels, predictions, normalize="true"), rtol=1e-15
    )
    (pair, *_) = report.pairs.rows
    assert (pair.direction.count, pair.direction.share) == (3, "30.0%")  # of 10, not of 5


def test_recall_and_precision_are_not_exchanged():
    labels, predictions = labels_of(LOPSIDED)
    per_class = of_counts(LOPSIDED).per_class
    recall = recall_score(labels, predictions, average=None)
    precision = precision_score(labels, predictions, average=None)
    np.testing.assert_allclose(per_class["recall"].value, recall, rtol=1e-15)
    np.testing.assert_allclose(per_class["precision"].value, precision, rtol=1e-15)
    assert np.abs(recall - precision).min() > 0.01


def reliability(confidence, share_right, n=200):
    right = np.arange(n) < share_right * n
    rows = {
        "label": ["a"] * n,
        "prediction": np.where(right, "a", "b").tolist(),
        "confidence": [confidence] * n,
    }
    return build_report(reportgen.load(rows, classes=["a", "b"])).confidence


@pytest.mark.parametrize(
    ("confidence", "share_right", "words"),
    [(0.95, 0.6, "Overconfident"), (0.6, 0.95, "Underconfident")],
)
def test_the_axes_of_the_calibration_plot_are_not_swapped(confidence, share_right, words):
    """Confidence runs to the right, accuracy up: who is too sure is below the diagonal."""
    section = reliability(confidence, share_right)
    (bar,) = (row.bar for row in section.reliability if row.bar.n)
    assert bar.low < confidence <= bar.high
    assert (bar.confidence, bar.accuracy) == pytest.approx((confidence, share_right), rel=1e-6)
    assert words in plain(section.lead)
    drawing = str(reliability_chart(section.reliability, section.charts[0]))
    x0, y0, x1, y1 = map(
        float, re.search(r'class="g-even" d="M(\S+) (\S+)L(\S+) (\S+)"', drawing).groups()
    )
    x, y = map(float, re.search(r'<circle[^>]* cx="(\S+?)" cy="(\S+?)"', drawing).groups())
    assert (x - x0) / (x1 - x0) == pytest.approx(confidence, abs=0.01)
    assert (y - y0) / (y1 - y0) == pytest.approx(share_right, abs=0.01)


@pytest.mark.parametrize("k", [11, 31, 101, 150])
def test_no_matrix_is_cut_at_some_size(k):
    """Each class is its own row and column, the last one too, in every output that has cells."""
    names = tuple(f"class {i}" for i in range(k))
    counts = np.eye(k, dtype=int) * 3
    counts[0, k - 1] = counts[k - 1, 0] = 2
    evaluation = of_counts(counts, names)
    assert evaluation.to_json()["confusion_matrix"]["counts"] == counts.tolist()
    rows = list(csv.reader(io.StringIO(csv_files.confusion(evaluation))))
    assert [list(map(int, row[1:])) for row in rows[1:]] == counts.tolist()
    report = build_report(evaluation)
    assert all(figure.values.shape == (k, k) for figure in report.matrix.figures)
    for figure in report.matrix.figures:  # whose classes may stand in another order
        errors = np.nan_to_num(figure.values) * (1 - np.eye(k))
        assert np.count_nonzero(errors) == 2
    assert len(report.classes.rows) == k
    assert sum(row.direction.count for row in report.pairs.rows) == 4


def test_cells_of_more_classes_than_a_table_holds_are_all_there():
    matrix = ConfusionMatrix.from_labels([0, 5, 2999], [2999, 5, 0], 3000)
    evaluation = evaluate_matrix(matrix, tuple(map(str, range(3000))), Provenance("predictions"))
    lines = csv_files.confusion(evaluation).splitlines()
    assert lines == ["true,predicted,count", "0,2999,1", "5,5,1", "2999,0,1"]


def test_no_matrix_is_transposed(tmp_path):
    """Two of class a were called b, none of class b was called a: in every input and output."""
    counts = [[5, 2], [0, 3]]
    labels, predictions = labels_of(counts)
    path = tmp_path / "m.csv"
    path.write_text("true\\predicted,a,b\na,5,2\nb,0,3\n")
    rows = {"label": labels, "prediction": predictions}
    sources = (counts, path, rows, confusion_matrix(labels, predictions))
    for source in sources:
        evaluation = reportgen.load(source)
        assert (evaluation.confusion.count(0, 1), evaluation.confusion.count(1, 0)) == (2, 0)
        assert evaluation.per_class["recall"].value[0] == 5 / 7
        assert evaluation.per_class["precision"].value[1] == 3 / 5
    turned = reportgen.load(np.transpose(counts), rows="predicted")
    assert turned.confusion == ConfusionMatrix.from_counts(counts)
    value = reportgen.load(path).to_json()
    assert (value["pairs"][0]["true"], value["pairs"][0]["predicted"]) == ("a", "b")
    assert csv_files.confusion(reportgen.load(path)).splitlines()[:2] == [
        "true\\predicted,a,b", "a,5,2",
    ]  # fmt: skip
    report = build_report(reportgen.load(path))
    assert [row.counts for row in report.matrix.rows] == [(5, 2), (0, 3)]
    assert all(figure.values[0, 1] > 0 == figure.values[1, 0] for figure in report.matrix.figures)


def test_macro_averages_take_no_undefined_value_for_a_number():
    """Class b has no samples, is called once: its recall is undefined, not 0, and not counted."""
    evaluation = of_counts([[3, 1, 0], [0, 0, 0], [0, 0, 4]])
    assert evaluation.per_class["recall"].metric(1).value is None
    assert evaluation.summary["macro_recall"].value == (3 / 4 + 1) / 2
    notes = " ".join(plain(note) for note in build_report(evaluation).headline.notes)
    assert "over 2 of 3 classes; no samples of: “b”" in notes


def test_macro_precision_does_not_reward_never_naming_a_class():
    """Class b has samples and is never predicted: leaving it out would lift 1/6 to 1/3."""
    evaluation = of_counts([[2, 0], [4, 0]])
    assert evaluation.per_class["precision"].metric(1).value is None
    assert evaluation.summary["macro_precision"].value == pytest.approx(1 / 6, rel=1e-15)
    notes = " ".join(plain(note) for note in build_report(evaluation).headline.notes)
    assert "Never predicted (precision set to 0): “b”" in notes


def test_a_class_list_drops_no_samples():
    """scikit-learn's labels= leaves them out without a word; here they are refused, or counted."""
    rows = {"label": ["a", "b", "c", "c"], "prediction": ["a", "b", "c", "a"]}
    dropped = confusion_matrix(rows["label"], rows["prediction"], labels=["a", "b"])
    assert dropped.sum() == 2
    with pytest.raises(DataError) as caught:
        reportgen.load(rows, classes=["a", "b"])
    assert "c" in str(caught.value)
    asked = reportgen.load(rows, classes=["a", "b"], ignore_label="c")
    assert (asked.samples.found, asked.samples.counted) == (4, 2)
    assert sum(asked.samples.excluded.values()) == 2
    with pytest.raises(DataError):
        ConfusionMatrix.from_labels([0, 2], [0, 0], 2)


def test_a_prediction_that_is_no_class_is_not_dropped():
    rows = {"label": ["a", "b"], "prediction": ["a", "c"]}
    with pytest.raises(DataError):
        reportgen.load(rows, classes=["a", "b"])
    assert reportgen.load(rows).n_samples == 2


@pytest.mark.parametrize("name", ["NA", "nan", "null", "None", "007", "1e3", "TRUE"])
@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_a_class_is_not_lost_or_renamed_by_its_name(tmp_path, name, suffix):
    """What pandas reads as missing, as a number or as true, is text here."""
    path = tmp_path / f"p.{suffix}"
    pairs = [(name, name), (name, "b"), ("b", "b")]
    if suffix == "jsonl":
        lines = [f'{{"label": "{true}", "prediction": "{found}"}}' for true, found in pairs]
    else:
        between = "," if suffix == "csv" else "\t"
        lines = [f"label{between}prediction", *(between.join(pair) for pair in pairs)]
    path.write_text("\n".join(lines) + "\n")
    evaluation = reportgen.load(path)
    assert set(evaluation.classes) == {name, "b"}
    assert evaluation.class_counts(evaluation.classes.index(name))["support"] == 2
    assert evaluation.n_samples == 3


def answers(n_right, n=1000):
    """A table in which so many of n samples are right."""
    labels = ["a", "b"] * (n // 2)
    said = [name if i < n_right else "ab"[name == "a"] for i, name in enumerate(labels)]
    return {"id": [str(i) for i in range(n)], "label": labels, "prediction": said}


@pytest.mark.parametrize("n_right", [0, 500, 949, 1000])
def test_identical_models_are_not_significantly_different(tmp_path, n_right):
    """Sums of rounded statistics have given p = 0, and a division by 0 p = nan."""
    table = answers(n_right)
    comparison = reportgen.compare(
        table, table, out=tmp_path / "out", gates=no_harm(tmp_path), labels_are="names"
    )
    assert comparison.identical
    assert comparison.summary["accuracy"].p == 1
    for change in (*comparison.summary.values(), *(one.recall for one in comparison.classes)):
        assert change.difference in (0, None)
        assert change.p in (1, None)
    assert {one.tendency for one in comparison.classes} == {"no clear change"}
    assert reportgen.check(tmp_path / "out", gates=tmp_path / "gates.toml").verdict == "SHIP"
    page = (tmp_path / "out/report.html").read_text()
    assert "Predictions are identical" in page
    marks = " ".join(re.findall(r'class="chg">.*?</span>', page))
    assert "improved" not in marks
    assert "regressed" not in marks


def no_harm(folder):
    path = folder / "gates.toml"
    path.write_text(
        '[[gate]]\nname = "whole"\nmetric = "accuracy"\nno_harm = true\n'
        '[[gate]]\nname = "classes"\nmetric = "recall"\neach_class = true\nno_harm = true\n'
    )
    return path


@pytest.mark.parametrize(
    ("n_right", "limit", "code"),
    [
        (949, "0.95", 1),  # 94.9% rounds to 95%
        (949, "95%", 1),
        (949, "0.949", 0),  # at the limit it is kept
        (950, "0.95", 0),
    ],
)
def test_a_share_below_its_limit_does_not_pass_by_rounding(tmp_path, n_right, limit, code):
    rows = zip(*answers(n_right).values(), strict=True)
    lines = ["id,label,prediction", *map(",".join, rows)]
    (tmp_path / "p.csv").write_text("\n".join(lines) + "\n")
    done = command("check", tmp_path / "p.csv", "--fail-under", f"accuracy={limit}", code=code)
    assert f"accuracy is {n_right / 10:.1f}%" in done.stdout
    assert done.stdout.startswith("verdict: DO NOT SHIP" if code else "verdict: SHIP")


def test_a_value_just_below_its_limit_is_not_told_as_the_limit(tmp_path):
    """949,999 of 1,000,000 is not 95%, in the verdict, on the page or in junit.xml."""
    (tmp_path / "m.csv").write_text("true\\predicted,a,b\na,500000,0\nb,50001,449999\n")
    words = ("render", tmp_path / "m.csv", "-o", tmp_path / "out", "--fail-under", "accuracy=0.95")
    done = command(*words, code=1)
    assert "Accuracy is 94.9999% (required ≥ 95%)" in done.stdout.replace("accuracy", "Accuracy")
    for name in ("report.html", "junit.xml", "report.json"):
        text = (tmp_path / "out" / name).read_text().replace("&#160;", " ")
        assert "94.9999%" in text
