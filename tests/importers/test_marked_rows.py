"""Rows that a column excludes, of several models or epochs, or that contradict themselves."""

import pytest

import reportgen
from reportgen.errors import DataError, ReportgenError, UsageError
from tests.importers.hints import outcomes

NAMES = ["cat", "dog", "bird"]
N = 30
LABELS = [NAMES[i % 3] for i in range(N)]
PREDICTIONS = [NAMES[(i % 3 + (i % 5 == 0)) % 3] for i in range(N)]


def table(box, column, cells):
    lines = [",".join(row) for row in zip(LABELS, PREDICTIONS, map(str, cells), strict=True)]
    return box.write(f"label,prediction,{column}\n" + "\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("column", "used", "unused"),
    [
        ("accepted", "True", "False"), ("valid", "1", "0"), ("is_valid", "true", "false"),
        ("Include", "yes", "no"), ("kept", "1.0", "0.0"), ("skipped", "no", "yes"),
        ("excluded", "False", "True"), ("Is Rejected", "0", "1"), ("ignore", "n", "y"),
        ("abstained", "False", "True"), ("answered", "T", "F"), ("is_train", "0", "1"),
        ("status", "ok", "failed"), ("State", "done", "error"), ("status", "200", "timeout"),
    ],
)  # fmt: skip
def test_rows_that_are_marked_as_excluded_are_asked_about(box, column, used, unused):
    path = table(box, column, [unused if i % 10 == 1 else used for i in range(N)])
    with pytest.raises(DataError) as caught:
        reportgen.load(path)
    assert caught.value.slug == "rows-several"
    chosen, whole = outcomes(path)
    assert (chosen.n_samples, whole.n_samples) == (27, 30)
    assert f'rows with "{used}" in "{column}": 27 of 30' in chosen.provenance.read_as


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("accepted", ["True"]), ("valid", ["1"]), ("skipped", ["no"]), ("status", ["ok"]),
        ("status", ["failed"]), ("accepted", ["Tom", "Ann"]), ("valid", ["1", "2", "3"]),
        ("status", ["wild", "tame"]), ("occluded", ["0", "1"]),
    ],
)  # fmt: skip
def test_a_column_that_excludes_no_rows_is_for_slices(box, column, cells):
    found = reportgen.load(table(box, column, (cells * N)[:N]))
    assert found.n_samples == N
    assert f"{column} (slices only)" in found.provenance.read_as


@pytest.mark.parametrize("column", ["epoch", "Epoch", "checkpoint"])
def test_rows_of_several_epochs_are_asked_about(box, column):
    path = table(box, column, [[2, 10, 9][i // 10] for i in range(N)])
    last, whole = outcomes(path)
    assert (last.n_samples, whole.n_samples) == (10, 30)
    assert f'rows with "10" in "{column}"' in last.provenance.read_as


@pytest.mark.parametrize("column", ["model", "run", "seed", "annotator", "step", "tta", "variant"])
def test_rows_of_several_models_with_the_same_samples_in_any_order_are_asked_about(box, column):
    """Without ids, the number of samples of each label is the same."""
    text = f"label,prediction,{column}\n" + "".join(
        f"{label},{label},{model}\n"
        for model, labels in (("a", LABELS), ("b", LABELS[::-1]))
        for label in labels
    )
    one, whole = outcomes(box.write(text))
    assert (one.n_samples, whole.n_samples) == (N, 2 * N)


@pytest.mark.parametrize("column", ["split", "fold", "model", "run", "seed"])
def test_rows_of_several_values_that_are_read_together_are_told(box, column):
    found = reportgen.load(table(box, column, [i // 7 for i in range(N)]))
    assert f'rows of all 5 values of "{column}"' in found.provenance.read_as


@pytest.mark.parametrize("form", ["names", "scores"])
@pytest.mark.parametrize(
    ("column", "yes", "no"), [("is_correct", "True", "False"), ("Correct", "1", "0")]
)
def test_a_column_that_contradicts_label_and_prediction_is_asked_about(box, form, column, yes, no):
    told = [yes if a == b else no for a, b in zip(LABELS, PREDICTIONS, strict=True)]
    wrong = [no if i in (4, 9) else text for i, text in enumerate(told)]
    for cells, agrees in ((told, True), (wrong, False)):
        path = table(box, column, cells)
        if form == "scores":
            lines = path.read_text().splitlines()
            rows = [line.split(",") for line in lines[1:]]
            scores = [[".8" if name == p else ".1" for name in NAMES] for _, p, _ in rows]
            path = box.write(
                f"label,{','.join(NAMES)},{column}\n"
                + "".join(f"{row[0]},{','.join(s)},{row[2]}\n" for row, s in zip(rows, scores, strict=True))
            )  # fmt: skip
        if agrees:
            assert reportgen.load(path).n_samples == N
            continue
        with pytest.raises(DataError) as caught:
            reportgen.load(path)
        assert (caught.value.slug, caught.value.details) == (
            "rows-contradict", ("in 2 of 30 rows",)
        )  # fmt: skip
        assert caught.value.message.startswith("line 6: ")
        (found,) = outcomes(path)
        assert found.summary["accuracy"].value == pytest.approx(0.8)


def test_a_column_of_errors_is_compared_the_other_way_round(box):
    wrong = [str(a != b) for a, b in zip(LABELS, PREDICTIONS, strict=True)]
    assert reportgen.load(table(box, "misclassified", wrong)).n_samples == N
    with pytest.raises(DataError):
        reportgen.load(table(box, "misclassified", ["False"] * N))


# Distances


def distances(box, columns, *, prediction=False):
    lines = []
    for i, (label, predicted) in enumerate(zip(LABELS, PREDICTIONS, strict=True)):
        cells = [f"{(0.2 if name == predicted else 1.5) + i / 100:.3f}" for name in NAMES]
        lines.append(",".join([label, *([predicted] if prediction else []), *cells]))
    head = ["label", *(["prediction"] if prediction else []), *columns]
    return box.write("\n".join([",".join(head), *lines]) + "\n")


@pytest.mark.parametrize("pattern", ["{}", "score_{}", "logit_{}"])
def test_scores_that_are_smallest_for_the_label_are_asked_about(box, pattern):
    path = distances(box, [pattern.format(name) for name in NAMES])
    with pytest.raises(UsageError) as caught:
        reportgen.load(path)
    assert caught.value.slug == "scores-inverted"
    assert reportgen.load(path, outputs="logits").n_samples == N
    rewritten = distances(box, [pattern.format(name) for name in NAMES], prediction=True)
    found = reportgen.load(rewritten, scores_columns="none")
    assert found.summary["accuracy"].value == pytest.approx(0.8)


@pytest.mark.parametrize(
    "pattern", ["dist_{}", "{}_distance", "L2 {}", "loss_{}", "energy.{}", "nll_{}", "{}-rank"]
)
def test_columns_called_distances_are_never_scores_in_silence(box, pattern):
    columns = [pattern.format(name) for name in NAMES]
    path = distances(box, columns)
    with pytest.raises(DataError) as caught:
        reportgen.load(path)
    assert "if the smallest is the prediction, write its class" in caught.value.hint
    for options in ({}, {"scores_columns": pattern.format("*"), "classes": NAMES}):
        with pytest.raises(ReportgenError) as caught:
            reportgen.load(path, **options)
        assert "--scores-columns none" in caught.value.hint
    found = reportgen.load(distances(box, columns, prediction=True), scores_columns="none")
    assert found.summary["accuracy"].value == pytest.approx(0.8)


@pytest.mark.parametrize("names", [["loss", "gain"], ["rank", "file", "none of it"]])
def test_classes_of_such_names_have_scores(box, names):
    rows = [
        ",".join([label, *("0.7" if label == name else "0.1" for name in names)])
        for label in names * 10
    ]
    text = "\n".join([",".join(["label", *(f"score_{name}" for name in names)]), *rows])
    found = reportgen.load(box.write(text), outputs="logits")
    assert (found.n_samples, found.summary["accuracy"].value) == (10 * len(names), 1.0)


@pytest.mark.parametrize("seed", range(5))
def test_a_bad_model_is_no_distance(box, seed):
    import numpy as np

    draw = np.random.default_rng(seed)
    for classes, n in ((2, 60), (3, 60), (10, 200)):
        names = [f"c{i}" for i in range(classes)]
        rows = [
            ",".join([names[i % classes], *(f"{v:.4f}" for v in draw.normal(size=classes))])
            for i in range(n)
        ]
        text = "\n".join([",".join(["label", *names]), *rows])
        assert reportgen.load(box.write(text)).n_samples == n


def test_hard_scores_of_a_bad_model_are_no_distances(box):
    rows = ["cat,1,0,0", *(f"{name},1,0,0" for name in NAMES[1:] for _ in range(20))]
    found = reportgen.load(box.write("label,cat,dog,bird\n" + "\n".join(rows)))
    assert found.summary["accuracy"].value == 1 / 41


# Scores that are numbered otherwise than the labels


@pytest.mark.parametrize(("of_labels", "of_scores"), [(0, 1), (1, 0), (0, 0), (1, 1)])
def test_numbered_scores_and_labels_may_begin_at_different_numbers(box, of_labels, of_scores):
    rows = [
        ",".join([str(i % 3 + of_labels), *(".8" if j == i % 3 else ".1" for j in range(3))])
        for i in range(N)
    ]
    head = ",".join(["label", *(f"prob_{j + of_scores}" for j in range(3))])
    path = box.write("\n".join([head, *rows]) + "\n")
    found = reportgen.load(path, classes=NAMES, label_base=of_labels)
    assert (found.classes, found.summary["accuracy"].value) == (tuple(NAMES), 1.0)
    assert np_is_diagonal(found)


def np_is_diagonal(found):
    counts = found.confusion.counts
    return int(counts.diagonal().sum()) == int(counts.sum())


# Labels in files of other programs


@pytest.mark.parametrize("mark", [" ", "  "])
def test_a_list_of_images_and_labels_without_a_header_is_named(box, mark):
    names = [f"{label}/{i}.jpg" for i, label in enumerate(LABELS)]
    rows = "".join(f"{name},{p}\n" for name, p in zip(names, PREDICTIONS, strict=True))
    path = box.write("path,prediction\n" + rows)
    pairs = list(zip(names, LABELS, strict=True))
    listed = box.write("".join(f"{a}{mark}{b}\n" for a, b in pairs), "train.txt")
    with pytest.raises(DataError) as caught:
        reportgen.load(path, labels=listed)
    assert (caught.value.slug, caught.value.message) == (
        "labels-pairs",
        '"train.txt" has an image and a label in each line, and no header: "cat/0.jpg" and "cat"',
    )
    written = box.write("path,label\n" + "".join(f"{a},{b}\n" for a, b in pairs), "labels.csv")
    found = reportgen.load(path, labels=written)
    assert found.summary["accuracy"].value == pytest.approx(0.8)


@pytest.mark.parametrize("mark", [";", "\t", "|", ","])
def test_a_table_of_images_and_labels_without_a_header_gets_one_with_its_delimiter(box, mark):
    names = [f"{label}/{i}.jpg" for i, label in enumerate(LABELS)]
    rows = "".join(f"{name},{p}\n" for name, p in zip(names, PREDICTIONS, strict=True))
    path = box.write("path,prediction\n" + rows)
    text = "".join(f"{a}{mark}{b}\n" for a, b in zip(names, LABELS, strict=True))
    listed = box.write(text, "train.txt")
    with pytest.raises(DataError) as caught:
        reportgen.load(path, labels=listed)
    header = caught.value.hint.split("such as ")[-1].replace("\\t", "\t")
    assert header == f"path{mark}label"
    found = reportgen.load(path, labels=box.write(f"{header}\n{text}", "train.txt"))
    assert found.summary["accuracy"].value == pytest.approx(0.8)


def test_nested_predictions_of_a_service_are_named(box):
    import json

    def written(name, records):
        return box.write("".join(json.dumps(record) + "\n" for record in records), name)

    nested = [
        {"instance": {"content": f"{i}.jpg"},
         "prediction": {"displayNames": [p, "x"], "confidences": [0.9, 0.1]}}
        for i, p in enumerate(PREDICTIONS)
    ]  # fmt: skip
    with pytest.raises(DataError) as caught:
        reportgen.load(written("a.jsonl", nested))
    assert caught.value.details[0] == '"instance", "prediction": no single values'
    labelled = [{**one, "label": label} for one, label in zip(nested, LABELS, strict=True)]
    with pytest.raises(DataError) as caught:
        reportgen.load(written("b.jsonl", labelled))
    assert caught.value.hint == 'write only the class into "prediction", as text'
    flat = [{**one, "prediction": one["prediction"]["displayNames"][0]} for one in labelled]
    found = reportgen.load(written("c.jsonl", flat))
    assert found.summary["accuracy"].value == pytest.approx(0.8)


def copies(head, *cells, uneven=False):
    """A table of two predictions for each of 20 samples, as `head` and `cells` say."""
    lines = [
        cell.format(i=i, label=NAMES[i % 3], prediction=NAMES[(i + copy) % 3], copy=copy)
        for copy in range(2)
        for i in range(20 - 5 * copy * uneven)
        for cell in cells
    ]
    return "\n".join([head, *lines]) + "\n"


@pytest.mark.parametrize(
    "column",
    ["id", "image", "path", "uuid", "ImageId", "image_url", "Item", "photo", "index", "#", "sha256",
     "patient_id", "what", "rowIndex"],
)  # fmt: skip
@pytest.mark.parametrize("divided", ["Usage", "k", "rank", "fold", "repeat", "crop"])
def test_rows_of_the_same_samples_are_asked_about(box, column, divided):
    path = box.write(
        copies(f"{column},label,prediction,{divided}", "{i}.png,{label},{prediction},{copy}")
    )
    with pytest.raises(DataError) as caught:
        reportgen.load(path)
    assert f"--where {divided}=0" in caught.value.hint
    one, *_ = outcomes(path)
    assert (one.n_samples, one.summary["accuracy"].value) == (20, 1.0)


def test_repeated_ids_are_divided_by_a_column_where_some_are_missing(box):
    text = copies("id,label,prediction,site", "{i}.png,{label},{prediction},{copy}", uneven=True)
    one, whole = outcomes(box.write(text))
    assert (one.n_samples, whole.n_samples) == (20, 35)


@pytest.mark.parametrize("divided", ["k", "rank", "crop", "threshold"])
def test_rows_of_the_same_labels_are_asked_about_without_ids(box, divided):
    path = box.write(copies(f"label,prediction,{divided}", "{label},{prediction},{copy}"))
    one, whole = outcomes(path)
    assert (one.n_samples, whole.n_samples) == (20, 40)


def test_several_columns_can_select_rows(box):
    cells = "{i}.png,{label},{prediction},{copy},c", "{i}.png,{label},{prediction},{copy},t"
    path = box.write(copies("id,label,prediction,model,crop", *cells))
    found = outcomes(path)
    assert found[0].n_samples == 20
    assert 'rows with "0" in "model": 40 of 80; rows with "c" in "crop": 20 of 40' in (
        found[0].provenance.read_as
    )


def test_several_images_of_a_patient_are_samples(box):
    cells = "{i},{copy}-{i}.png,{label},{prediction},{copy}"
    path = box.write(copies("patient,image,label,prediction,eye", cells))
    assert reportgen.load(path).n_samples == 40


@pytest.mark.parametrize(
    ("column", "values", "told"),
    [
        ("sample_weight", ["1", "2.5"], True),
        ("Weights", ["0.1", "0.3"], True),
        ("weight", ["1.0"], False),
        ("height", ["1", "2"], False),
    ],
)
def test_weights_that_are_not_used_are_told(box, column, values, told):
    found = reportgen.load(table(box, column, (values * N)[:N]))
    notes = {note.code: note for note in found.notes}
    assert ("weights-unused" in notes) == told
    if told:
        assert notes["weights-unused"].severity == "warning"
