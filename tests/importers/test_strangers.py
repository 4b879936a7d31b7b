"""Outputs of further programs through ``reportgen render``: right, or refused with a way out."""

from __future__ import annotations

import io
import json
import time
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import pandas as pd
import pytest

import reportgen
from reportgen.class_list import read_class_list
from reportgen.cli import command
from reportgen.errors import ReportgenError
from reportgen.importers.formats.delimited import Dialect
from reportgen.importers.matrices.printed import printed_matrix

NAMES = ["cat", "dog", "bird"]
COUNTS = np.array([[40, 9, 1], [3, 30, 7], [2, 0, 58]])
PAIRS = [(NAMES[i], NAMES[j]) for i in range(3) for j in range(3) for _ in range(COUNTS[i, j])]
FRAME = pd.DataFrame(COUNTS, NAMES, NAMES)
PRINTED = "[[40  9  1]\n [ 3 30  7]\n [ 2  0 58]]\n"
REPORT = "              precision    recall  f1-score   support\n\n         cat       0.89      0.80      0.84        50\n\n"  # fmt: skip
WEKA = "=== Confusion Matrix ===\n\n  a  b  c   <-- classified as\n 40  9  1 |  a = cat\n  3 30  7 |  b = dog\n  2  0 58 |  c = bird\n"  # fmt: skip
SAMPLES = "label,prediction\n" + "".join(f"{t},{p}\n" for t, p in PAIRS)
RAPIDMINER = ",true cat,true dog,true bird,class precision\npred. cat,40,3,2,88.89%\npred. dog,9,30,0,76.92%\npred. bird,1,7,58,87.88%\nclass recall,80%,75%,96.67%,\n"  # fmt: skip


def cells(table, corner="", rows=NAMES, columns=NAMES):
    lines = [",".join([corner, *columns])]
    lines += [",".join([row, *map(str, line)]) for row, line in zip(rows, table, strict=True)]
    return "\n".join(lines) + "\n"


def long(head, write, keep=lambda i, j: True):
    every = [(i, j) for i in range(3) for j in range(3) if keep(i, j)]
    return f"{head}\n" + "".join(write(NAMES[i], NAMES[j], COUNTS[i, j]) for i, j in every)


def vertex(rows):
    specs = [{"id": str(i), "displayName": name} for i, name in enumerate(NAMES)]
    return json.dumps({"confusionMatrix": {"annotationSpecs": specs, "rows": rows}})


def comet(table, row, column):
    return json.dumps({"title": "Confusion Matrix", "labels": NAMES, "matrix": table.tolist(),
                       "rowLabel": f"{row} Category", "columnLabel": f"{column} Category"})  # fmt: skip


def rendered(folder, name, text, *options):
    """(report.json, what was told) of ``reportgen render``."""
    (folder / name).write_text(text, "utf-8")
    told = io.StringIO()
    with redirect_stdout(told), redirect_stderr(told):
        assert (
            command(["render", str(folder / name), "-o", str(folder / "out"), "--force", *options])
            == 0
        )
    return json.loads((folder / "out/report.json").read_text("utf-8")), told.getvalue()


NUMBERED = ["0", "1", "2"]

RIGHT = {
    "titled": ("m.txt", "Confusion matrix:\n" + PRINTED + "Accuracy: 0.85\n", NUMBERED),
    "below a report": ("m.txt", REPORT + PRINTED, NUMBERED),
    "above a report": ("m.txt", PRINTED + REPORT, NUMBERED),
    "assigned": ("m.txt", f"cm = np.array({COUNTS.tolist()})\n", NUMBERED),
    "tensorflow": ("m.txt", f"tf.Tensor(\n{PRINTED.strip()}, shape=(3, 3), dtype=int32)\n", NUMBERED),
    "matlab": ("m.txt", "\nC =\n\n    40     9     1\n     3    30     7\n     2     0    58\n\n", NUMBERED),
    "weka": ("m.txt", "=== Summary ===\n\n" + WEKA, NAMES),
    "rows numbered": ("m.csv", cells(COUNTS, rows=NUMBERED), NAMES),
    "columns numbered": ("m.csv", cells(COUNTS, columns=NUMBERED), NAMES),
    "names of both axes": ("m.csv", cells([["", "", ""], *COUNTS.tolist()], "prediction", ["label", *NAMES]), NAMES),
    "bigquery": ("m.csv", cells(COUNTS, "expected_label", NUMBERED, ["_0", "_1", "_2"]), NUMBERED),
    "prefixes and totals": ("m.csv", cells(np.block([[COUNTS, COUNTS.sum(1)[:, None]], [COUNTS.sum(0), 150]]), "", [*(f"true_{n}" for n in NAMES), "Total"], [*(f"pred_{n}" for n in NAMES), "Total"]), NAMES),
    "rapidminer": ("m.csv", "".join(",".join(line.split(",")[:-1]) + "\n" for line in RAPIDMINER.splitlines()[:-1]), NAMES),
    "vertex": ("m.json", vertex(COUNTS.tolist()), NAMES),
    "kubeflow": ("m.json", vertex([{"row": row} for row in COUNTS.tolist()]), NAMES),
    "comet": ("m.json", comet(COUNTS, "Actual", "Predicted"), NAMES),
    "comet turned": ("m.json", comet(COUNTS.T, "Predicted", "Actual"), NAMES),
    "r with a corner": ("m.csv", ',"cat","dog","bird"\n' + "".join(f'"{n}",{",".join(map(str, row))}\n' for n, row in zip(NAMES, COUNTS, strict=True)), NAMES),
    "savetxt": ("p.csv", "# y_true,y_pred\n" + "".join(f"{NAMES.index(t):.18e},{NAMES.index(p):.18e}\n" for t, p in PAIRS), NUMBERED),
    "quotes": ("p.csv", SAMPLES.replace("label,prediction", "'label','prediction'"), NAMES),
}  # fmt: skip


@pytest.mark.parametrize("kind", RIGHT)
def test_it_is_right(tmp_path, kind):
    name, text, names = RIGHT[kind]
    found, told = rendered(tmp_path, name, text)
    at = [found["classes"].index(one) for one in names]
    assert len(found["classes"]) == 3, told
    assert np.array(found["confusion_matrix"]["counts"])[np.ix_(at, at)].tolist() == COUNTS.tolist()
    assert found["summary"]["accuracy"]["value"] == pytest.approx(128 / 150)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("titled", "2 other lines not used"), ("below a report", "2 other lines not used"),
        ("rows numbered", "rows are numbered, in the order of the names"),
        ("vertex", 'found under "confusionMatrix.matrix"'),
    ],
)  # fmt: skip
def test_what_was_not_used_is_told(tmp_path, kind, words):
    name, text, _ = RIGHT[kind]
    found, told = rendered(tmp_path, name, text)
    assert words in told
    assert words in found["provenance"]["read_as"]


REFUSED = {
    "two printed": ("m.txt", f"train\n{FRAME.T.to_string()}\n\ntest\n{FRAME.to_string()}\n", "shows 2 matrices"),
    "two in brackets": ("m.txt", f"train\n{PRINTED}test\n{PRINTED}", "shows 2 matrices"),
    "one for each label": ("m.txt", "[[[95 5]\n  [10 40]]\n\n [[101 9]\n  [10 30]]]\n", "shows 2 matrices"),
    "two of weka": ("m.txt", WEKA + "\n" + WEKA, "shows 2 matrices"),
    "header again": ("p.csv", SAMPLES + SAMPLES, "line 152 of .* the names of the columns again"),
    "accuracy below": ("p.csv", SAMPLES + "Accuracy,0.8533\n", 'line 152: the prediction "0.8533" is a number'),
    "total below": ("p.csv", SAMPLES + "Total,150\n", 'line 152: the prediction "150" is a number'),
    "percent of rows": ("m.csv", long("label,prediction,row_pct", lambda a, b, n: f"{a},{b},{n / 2}\n"), "proportions of a confusion matrix"),
    "errors alone": ("m.csv", long("true,predicted,count", lambda a, b, n: f"{a},{b},{n}\n", lambda i, j: i != j), "only incorrect predictions"),
    "other names": ("m.csv", cells(COUNTS, "expected_label", NAMES, ["red", "green", "blue"]), "no class in common"),
    "metrics beside": ("m.csv", RAPIDMINER, "more than a confusion matrix"),
    "best classes in words": ("p.csv", "label,predictions\n" + "".join(f'{t},"{p} (80.0%), x (10.0%)"\n' for t, p in PAIRS), "no class in common"),
    "objects in objects": ("m.json", json.dumps({"metrics": {"cm": FRAME.T.to_dict()}}), "objects in objects"),
    "html": ("m.html", FRAME.to_html(), "HTML or XML"),
    "latex": ("m.tex", "\\begin{tabular}{lr}\ncat & 40 \\\\\n\\end{tabular}\n", "a LaTeX table"),
    "duckdb": ("p.txt", "┌───────┬────────────┐\n│ label │ prediction │\n├───────┼────────────┤\n│ cat   │ cat        │\n└───────┴────────────┘\n", "drawn with lines"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_it_is_refused(tmp_path, kind):
    name, text, words = REFUSED[kind]
    with pytest.raises(ReportgenError, match=words) as caught:
        rendered(tmp_path, name, text)
    assert caught.value.exit_code == 3
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "hint", "mended"),
    [
        (RIGHT["r with a corner"][1][1:], "begin the first line with the delimiter", RIGHT["r with a corner"][1]),
        (cells([[40, 9, 1], [3, 30, 7], [2, "", 58]], "label"), "write 0", cells(COUNTS, "label")),
        (cells([[40, 9, 1], [3, 30, 7], [2, "NaN", 58]]), "write 0", cells(COUNTS)),
        (SAMPLES.replace(",", ", "), "without spaces around them", SAMPLES),
        (SAMPLES + "Total,150\n", "remove the line", SAMPLES),
    ],
)  # fmt: skip
def test_the_hint_works_to_the_letter(tmp_path, text, hint, mended):
    with pytest.raises(ReportgenError) as caught:
        rendered(tmp_path, "t.csv", text)
    assert hint in caught.value.hint
    found, _ = rendered(tmp_path, "t.csv", mended)
    assert found["summary"]["accuracy"]["value"] == pytest.approx(128 / 150)


def test_a_matrix_without_correct_predictions_can_be_declared(tmp_path):
    text = "true,predicted,count\ncat,dog,9\ndog,cat,3\n"
    with pytest.raises(ReportgenError, match="only incorrect predictions"):
        rendered(tmp_path, "t.csv", text)
    found, _ = rendered(tmp_path, "t.csv", text, "--count-column", "count")
    assert found["confusion_matrix"]["counts"] == [[0, 9], [3, 0]]


def test_labels_are_joined_by_the_id_that_both_have(tmp_path):
    pictures = [f"/data/{k}.jpg" for k in range(len(PAIRS))]
    frame = pd.DataFrame(
        {"image": pictures, "id": range(len(PAIRS)), "prediction": [p for _, p in PAIRS]}
    )
    labels = pd.DataFrame({"image": pictures, "label": [t for t, _ in PAIRS]})
    labels.to_csv(tmp_path / "labels.csv", index=False)
    found, _ = rendered(tmp_path, "p.json", frame.to_json(orient="records"), "--labels", str(tmp_path / "labels.csv"))  # fmt: skip
    assert found["summary"]["accuracy"]["value"] == pytest.approx(128 / 150)


def test_classes_from_the_least_probable_on_are_refused(tmp_path):
    others = {"cat": "dog", "dog": "bird", "bird": "cat"}
    rows = "".join(f"{t},{others[p]},{p},0.1,0.8\n" for t, p in PAIRS)
    text = "label,pred_1,pred_2,prob_1,prob_2\n" + rows
    with pytest.raises(ReportgenError, match="the best class is not the first") as caught:
        rendered(tmp_path, "p.csv", text)
    assert caught.value.hint.endswith("--prediction-column pred_2")
    found, _ = rendered(tmp_path, "p.csv", text, "--prediction-column", "pred_2")
    assert found["summary"]["accuracy"]["value"] == pytest.approx(128 / 150)
    with pytest.raises(ReportgenError) as caught:
        rendered(tmp_path, "p.csv", text + "cat,cat,dog,0.8,0.1\n")
    assert caught.value.hint == "write the best class of each row first"


def test_a_number_for_no_answer_is_offered_as_an_abstention(tmp_path):
    for text in (SAMPLES + "cat,-1\n", "label,prediction\n0,0\n1,0\n1,-1\n"):
        with pytest.raises(ReportgenError) as caught:
            rendered(tmp_path, "p.csv", text)
        assert "if it means that the model abstained: --abstain -1" in caught.value.hint
        found, _ = rendered(tmp_path, "p.csv", text, "--abstain", "-1")
        assert found["summary"]["coverage"]["value"] < 1


def test_best_classes_of_a_pipeline_are_told_how_to_be_saved(tmp_path):
    best = [[{"label": "cat", "score": 0.8}, {"label": other, "score": 0.1}] for other in NAMES[1:]]
    lines = [json.dumps({"label": "cat", "predictions": some}) + "\n" for some in best]
    with pytest.raises(ReportgenError) as caught:
        rendered(tmp_path, "p.jsonl", "".join(lines))
    assert "top_k=None" in caught.value.hint


def test_a_file_without_columns_for_samples_may_be_a_matrix(tmp_path):
    with pytest.raises(ReportgenError) as caught:
        rendered(tmp_path, "t.csv", "name,value\nx,1\ny,2\nz,3\n")
    assert caught.value.hint.endswith("if the file is a confusion matrix: --kind matrix")


def test_a_header_among_the_rows_is_named_with_its_line(tmp_path):
    with pytest.raises(ReportgenError, match="line 152 of") as caught:
        rendered(tmp_path, "p.csv", SAMPLES + SAMPLES)
    assert caught.value.slug == "table-header"
    found, _ = rendered(tmp_path, "p.csv", SAMPLES + SAMPLES.removeprefix("label,prediction\n"))
    assert found["summary"]["accuracy"]["value"] == pytest.approx(128 / 150)


def test_classes_may_have_the_names_of_the_columns(tmp_path):
    rows = "label,prediction\nlabel,label\nlabel,prediction\nprediction,prediction\ncat,cat\n"
    with pytest.raises(ReportgenError, match="line 3 of") as caught:
        rendered(tmp_path, "p.csv", rows)
    assert "list all of them with --classes" in caught.value.hint
    (tmp_path / "classes.txt").write_text("cat\nlabel\nprediction\n")
    found, _ = rendered(tmp_path, "p.csv", rows, "--classes", str(tmp_path / "classes.txt"))
    assert found["summary"]["accuracy"]["value"] == pytest.approx(3 / 4)
    found, _ = rendered(tmp_path, "p.csv", rows.replace("label,prediction\np", "p"))
    assert found["samples"]["counted"] == 3


@pytest.mark.parametrize(
    "text", ["1,2,3 cat dog " * 100_000, "[[1 2]," * 200_000, "[[1 2] " * 200_000]
)
def test_a_long_line_is_no_printed_matrix_and_costs_one_look(tmp_path, text):
    path = tmp_path / "t.txt"
    path.write_text(text)
    begun = time.process_time()
    assert printed_matrix(path, Dialect()) is None
    assert time.process_time() - begun < 5  # it took hours where each position began a new search


def test_a_line_with_many_spaces_is_a_class_at_once(tmp_path):
    path = tmp_path / "classes.txt"
    path.write_text(f"a{' ' * 20_000}x\ncat\n")
    begun = time.process_time()
    assert read_class_list(path)[1] == "cat"
    assert time.process_time() - begun < 2


TITLED = "Count of id,Column Labels,,,\nRow Labels,cat,dog,bird,Grand Total\n"


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (TITLED + "cat,40,9,1,50\ndog,3,30,7,40\nbird,2,0,58,60\nGrand Total,45,39,66,150\n", ()),
        ("# confusion matrix, rows = actual\n" + cells(COUNTS), ()),
        ("# matrix (rows: predictions; columns: truth)\n" + cells(COUNTS.T), ("--rows", "predicted")),
        ("# confusion matrix, predicted in rows\n" + cells(COUNTS.T), ("--rows", "predicted")),
    ],
)  # fmt: skip
def test_a_title_is_to_be_removed_and_what_it_says_kept(tmp_path, text, options):
    path = tmp_path / "m.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(ReportgenError) as caught:
        reportgen.load(path)
    assert "seems to be a title" in caught.value.hint
    assert " ".join(options) in caught.value.hint
    assert bool(options) == ("--rows" in caught.value.hint)
    path.write_text(text.partition("\n")[2], "utf-8")
    found = reportgen.load(path, **({"rows": options[1]} if options else {}))
    index = [found.classes.index(name) for name in NAMES]
    assert found.confusion.counts[np.ix_(index, index)].tolist() == COUNTS.tolist()


@pytest.mark.parametrize("blank", ["", "-"])
def test_one_side_of_the_diagonal_is_no_matrix(tmp_path, blank):
    half = [[40, 9, 1], [blank, 30, 7], [blank, blank, 58]]
    path = tmp_path / "m.csv"
    path.write_text(cells(half), "utf-8")
    with pytest.raises(ReportgenError) as caught:
        reportgen.load(path)
    assert "only one side of the diagonal" in caught.value.hint


@pytest.mark.parametrize("word", ["Total", "Summe", "mean", "Итого"])
def test_a_total_below_the_samples_is_asked_about(tmp_path, word):
    path = tmp_path / "t.csv"
    path.write_text(SAMPLES + f"{word},{word}\n", "utf-8")
    with pytest.raises(ReportgenError, match="line 152") as caught:
        reportgen.load(path)
    assert caught.value.slug == "labels-gap"
    assert reportgen.load(path, labels_are="names").n_samples == 151


def test_a_header_in_another_order_among_the_rows_is_named(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(SAMPLES + "prediction,label\n" + "cat,dog\n", "utf-8")
    with pytest.raises(ReportgenError, match="line 152") as caught:
        reportgen.load(path)
    assert caught.value.slug == "table-header"


@pytest.mark.parametrize(
    "head",
    ["Wahrheit;Vorhersage", "Vérité;Prédiction", "verdad;predicción", "Истина;Предсказание",
     "正解;予測", "真实标签;预测标签"],
)  # fmt: skip
def test_headers_in_other_languages(tmp_path, head):
    path = tmp_path / "t.csv"
    for names, order in ((head, [0, 1]), (";".join(head.split(";")[::-1]), [1, 0])):
        lines = [f"{pair[order[0]]};{pair[order[1]]}" for pair in PAIRS]
        path.write_text("\ufeff" + "\n".join([names, *lines]), "utf-8")
        found = reportgen.load(path)
        index = [found.classes.index(name) for name in NAMES]
        assert found.confusion.counts[np.ix_(index, index)].tolist() == COUNTS.tolist()


@pytest.mark.parametrize("lists", [True, False])
def test_best_classes_in_ascending_order_are_asked_about(tmp_path, lists):
    rest = {name: [other for other in NAMES if other != name] for name in NAMES}
    head = "label,prediction" if lists else "label,top_1,top_2,top_3"
    lines = [
        f'{t},"{[*rest[p], p]}"' if lists else f"{t},{rest[p][0]},{rest[p][1]},{p}"
        for t, p in PAIRS
    ]
    path = tmp_path / "t.csv"
    path.write_text("\n".join([head, *lines]), "utf-8")
    with pytest.raises(ReportgenError) as caught:
        reportgen.load(path)
    assert caught.value.slug == "scores-order"
    first = reportgen.load(path, labels_are="names")
    assert first.summary["accuracy"].value < 0.2
    if not lists:
        assert "--prediction-column top_3" in caught.value.hint
        found = reportgen.load(path, prediction_column="top_3")
        assert found.summary["accuracy"].value == 128 / 150


def test_measured_values_are_no_classes(tmp_path):
    path = tmp_path / "t.csv"
    lines = [f"{i * 0.37:.2f},{i * 0.36:.2f}" for i in range(50)]
    path.write_text("\n".join(["label,prediction", *lines]), "utf-8")
    with pytest.raises(ReportgenError, match="0.37.*measured value") as caught:
        reportgen.load(path)
    assert caught.value.slug == "labels-measured"
    assert reportgen.load(path, labels_are="names").n_samples == 50
    few = [f"{i % 5 * 0.25},{i % 4 * 0.25}" for i in range(50)]
    path.write_text("\n".join(["label,prediction", *few]), "utf-8")
    assert reportgen.load(path).n_samples == 50


def test_a_table_of_errors_alone_is_asked_about(tmp_path):
    path = tmp_path / "t.csv"
    wrong = [f"{t},{p}" for t, p in PAIRS if t != p]
    path.write_text("\n".join(["label,prediction", *wrong]), "utf-8")
    with pytest.raises(ReportgenError) as caught:
        reportgen.load(path)
    assert caught.value.slug == "predictions-wrong"
    assert reportgen.load(path, labels_are="names").summary["accuracy"].value == 0
