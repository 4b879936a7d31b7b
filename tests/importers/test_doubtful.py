"""What nobody can know from the file is asked about, and each answer in the hint works."""

from __future__ import annotations

import json
import os

import numpy as np
import pandas as pd
import pytest

import reportgen
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import DataError, ReportgenError, UsageError
from reportgen.importers import read_matrix_any
from reportgen.importers.formats.opening import open_table
from reportgen.importers.matrices.percentages import may_be_percentages
from reportgen.options import InputOptions
from tests.importers.hints import outcomes

SPLIT = {"index": ["cat", "dog"], "columns": ["cat", "dog"], "data": [[5, 1], [2, 7]]}
TRUE, TURNED = [[5, 1], [2, 7]], [[5, 2], [1, 7]]


def slug(call, *args, **options):
    with pytest.raises(ReportgenError) as caught:
        call(*args, **options)
    return caught.value.slug


def test_a_split_frame_lost_which_axis_is_true(box):
    path = box.write(json.dumps(SPLIT), "m.json")
    assert slug(reportgen.load, path) == "matrix-rows"
    found = [one.confusion.counts.tolist() for one in outcomes(path)]
    assert found == [TRUE, TURNED]


@pytest.mark.parametrize(
    ("names", "counts"),
    [
        ({"index_names": ["true"], "column_names": ["pred"]}, TRUE),
        ({"index_names": ["pred"], "column_names": ["true"]}, TURNED),
        ({"index_names": [None], "column_names": ["Actual"]}, TURNED),
        ({"column_names": ["Predicted"]}, TRUE),
    ],
)
def test_a_tight_frame_says_it_by_the_names_of_its_edges(box, names, counts):
    found = reportgen.load(box.write(json.dumps({**SPLIT, **names}), "m.json"))
    assert found.confusion.counts.tolist() == counts


def test_a_symmetric_matrix_is_the_same_either_way(box):
    text = json.dumps({**SPLIT, "data": [[5, 2], [2, 7]]})
    assert reportgen.load(box.write(text, "m.json")).n_samples == 16


HUNDREDS = [
    ",cat,dog\ncat,90,10\ndog,30,70\n",
    ",cat,dog\ncat,90,40\ndog,10,60\n",
    "90,10\n30,70\n",
    ",cat,dog,emu\ncat,90,10,0\ndog,30,70,0\nemu,0,0,0\n",
    ",a,b,c\na,80,15,5\nb,10,85,5\nc,5,5,90\n",
    ",a,b,c\na,80,18,2\nb,8,75,18\nc,3,0,97\n",
]


@pytest.mark.parametrize("text", HUNDREDS)
def test_rows_of_100_are_counts_or_percentages(box, text):
    path = box.write(text)
    assert slug(reportgen.load, path) == "counts-or-percentages"
    counts, shares = outcomes(path)
    assert counts.n_samples == sum(
        int(c) for c in text.replace("\n", ",").split(",") if c.isdigit()
    )
    assert not shares.summary["accuracy"].value


@pytest.mark.parametrize("seed", range(40))
def test_rounded_percentages_are_never_counts_in_silence(seed):
    draw = np.random.default_rng(seed)
    k = int(draw.integers(3, 7))
    shares = 100 * draw.dirichlet(np.full(k, 2.0), k)
    assert may_be_percentages(ConfusionMatrix.from_counts(np.rint(shares).astype(int)))


def test_counts_are_not_asked_about_where_something_says_so(box):
    matrix = [[90, 10], [30, 70]]
    text = json.dumps({"classes": ["cat", "dog"], "counts": matrix, "support": [100, 100]})
    assert reportgen.load(box.write(text, "m.json")).n_samples == 200
    counted = read_matrix_any(ConfusionMatrix.from_counts(matrix)).matrix
    assert counted.n_samples == 200
    lines = [f"{t},{p},{matrix[t][p]}" for t in (0, 1) for p in (0, 1)]
    text = "\n".join(["label,prediction,count", *lines])
    assert reportgen.load(box.write(text)).n_samples == 200


def hundreds(k, seed=0):
    """Counts of k classes with 100 samples each."""
    draw = np.random.default_rng(seed)
    chances = 0.7 * np.eye(k) + 0.3 / k
    return np.array([draw.multinomial(100, row / row.sum()) for row in chances])


def test_100_samples_of_nearly_all_classes_are_counts():
    counts = hundreds(20)
    counts[3, 3] -= 1
    counts[7, 7] -= 2
    assert not may_be_percentages(ConfusionMatrix.from_counts(counts))


@pytest.mark.parametrize("seed", range(20))
def test_rounded_percentages_of_many_classes_add_up_to_about_100(seed):
    shares = 100 * np.random.default_rng(seed).dirichlet(np.full(15, 2.0), 15)
    assert may_be_percentages(ConfusionMatrix.from_counts(np.rint(shares).astype(int)))


def test_percentages_of_many_classes_seldom_add_up(box):
    assert not may_be_percentages(ConfusionMatrix.from_counts(hundreds(20)))
    assert (
        may_be_percentages(
            ConfusionMatrix.from_counts(hundreds(20) // 5 * 5 + 0 * np.eye(20, dtype=int))
        )
        is False
    )
    of_twenty = (
        np.diag(np.full(20, 70))
        + np.roll(np.diag(np.full(20, 25)), 1, 0)
        + np.roll(np.diag(np.full(20, 5)), 2, 0)
    )
    assert may_be_percentages(ConfusionMatrix.from_counts(of_twenty))
    rounded = 0
    for seed in range(200):
        draw = np.random.default_rng(seed).dirichlet(np.full(12, 2.0), 12)
        table = np.rint(100 * draw).astype(int)
        rounded += bool((table.sum(1) == 100).all())
    assert rounded == 0
    np.savetxt(box.folder / "m.csv", hundreds(20), "%d", ",")
    found = reportgen.load(box.folder / "m.csv")
    assert {note.code for note in found.notes} >= {"rows-of-100"}
    assert found.n_samples == 2000


def rows(*lines, head="label,prediction,split"):
    return "\n".join([head, *lines]) + "\n"


MIXED = rows("cat,cat,test", "dog,cat,test", "cat,cat,train", "cat,cat,train", "dog,dog,train")


def test_rows_of_several_splits_are_asked_about(box):
    path = box.write(MIXED)
    assert slug(reportgen.load, path) == "rows-several"
    test, whole = outcomes(path)
    assert [(one.n_samples, one.summary["accuracy"].value) for one in (test, whole)] == [
        (2, 0.5),
        (5, 0.8),
    ]
    assert 'rows with "test" in "split": 2 of 5' in test.provenance.read_as
    assert "rows-selected" in {note.code for note in test.notes}


@pytest.mark.parametrize("name", ["t.parquet", "t.jsonl", "t.json", "t.arrow", "frame"])
def test_rows_are_selected_in_every_format(box, name):
    frame = pd.DataFrame(
        [line.split(",") for line in MIXED.split()[1:]], columns=["label", "prediction", "split"]
    )
    path = frame if name == "frame" else box.folder / name
    {
        "t.parquet": lambda: frame.to_parquet(path),
        "t.jsonl": lambda: frame.to_json(path, orient="records", lines=True),
        "t.json": lambda: frame.to_json(path, orient="records"),
        "t.arrow": lambda: frame.to_feather(path),
        "frame": lambda: None,
    }[name]()
    assert slug(reportgen.load, path) == "rows-several"
    assert reportgen.load(path, where="split=test").n_samples == 2
    assert reportgen.load(path, where="none").n_samples == 5


def test_a_place_is_that_in_the_file_where_rows_are_selected(box):
    text = rows("cat,cat,train", "cat,cat,test", ",cat,test")
    with pytest.raises(DataError) as caught:
        reportgen.load(box.write(text), where="split=test")
    assert caught.value.message.startswith("line 4")


def test_one_split_and_other_values_are_no_question(box):
    assert reportgen.load(box.write(rows("cat,cat,test", "dog,dog,test"))).n_samples == 2
    assert reportgen.load(box.write(rows("cat,cat,north", "dog,dog,south"))).n_samples == 2


@pytest.mark.parametrize(
    ("where", "expected"),
    [("split", "option-value"), ("spilt=test", "table-columns"), ("split=tset", "where-unknown")],
)
def test_a_selection_that_selects_nothing_is_refused(box, where, expected):
    assert slug(reportgen.load, box.write(MIXED), where=where) == expected


def test_a_selection_with_a_value_that_is_not_there_names_one_that_is(box):
    path = box.write(MIXED)
    (found,) = outcomes(path, where="split=tset")
    assert found.n_samples == 2


def test_rows_of_several_models_are_asked_about(box):
    lines = ["cat,cat,a", "dog,cat,a", "cat,cat,b", "dog,dog,b"]
    path = box.write(rows(*lines, head="label,prediction,model"))
    assert slug(reportgen.load, path) == "rows-several"
    one, both = outcomes(path)
    assert (one.n_samples, both.n_samples) == (2, 4)
    ids = [f"{i % 2}.png,{line}" for i, line in enumerate(lines)]
    path = box.write(rows(*ids, head="id,label,prediction,model"))
    assert slug(reportgen.load, path) == "rows-several"
    other = [*lines[:2], "dog,cat,b", "cat,dog,b"]
    path = box.write(rows(*other, head="label,prediction,model"))
    assert reportgen.load(path).n_samples == 4  # two cameras, say


@pytest.mark.parametrize("step", [1, -1])
def test_labels_that_count_from_another_number_are_asked_about(box, step):
    pairs = [(i % 5 + max(step, 0), i % 5 - min(step, 0)) for i in range(40)]
    path = box.write("label,prediction\n" + "".join(f"{a},{b}\n" for a, b in pairs))
    with pytest.raises(UsageError) as caught:
        reportgen.load(path)
    assert caught.value.slug == "labels-shifted"
    assert ("labels" if step > 0 else "predictions") in caught.value.hint
    (found,) = outcomes(path)
    assert found.summary["accuracy"].value == 0


def test_labels_that_are_one_above_with_other_ranges_are_asked_about(box):
    pairs = [(i % 5 + 1, i % 5) for i in range(40)] + [(3, 5)]
    path = box.write("label,prediction\n" + "".join(f"{a},{b}\n" for a, b in pairs))
    assert slug(reportgen.load, path) == "labels-shifted"


def test_labels_with_other_ranges_are_no_question(box):
    pairs = [(i % 5 + 1, i % 5 + 1) for i in range(40)] + [(5, 0), (1, 0)]
    text = "label,prediction\n" + "".join(f"{a},{b}\n" for a, b in pairs)
    assert reportgen.load(box.write(text)).n_samples == 42


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow", "t.npz"])
def test_a_file_that_changes_while_it_is_read_is_noticed(box, name):
    path = box.folder / name
    frame = pd.DataFrame({"label": ["a", "b"], "prediction": ["a", "a"]})
    write = {
        "t.parquet": frame.to_parquet,
        "t.arrow": frame.to_feather,
        "t.npz": lambda path: np.savez(path, label=np.arange(2), prediction=np.arange(2)),
    }[name]
    write(path)
    table = open_table(path, InputOptions(), box.spool)
    table = table.settled(["label"]) if name == "t.npz" else table
    before = path.stat()
    write(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert slug(lambda: list(table.batches(["label"], 10))) == "input-changed"
    assert slug(lambda: table.sha256) == "input-changed"


def test_a_text_that_grows_while_it_is_read_is_noticed(box, monkeypatch):
    import reportgen.importers.formats.opening as opening

    path = box.write("label,prediction\na,a\nb,a\n")
    read = opening.read_delimited

    def growing(*args):
        found = read(*args)
        with path.open("a") as stream:
            stream.write("b,b\n")
        return found

    monkeypatch.setattr(opening, "read_delimited", growing)
    assert slug(reportgen.load, path) == "input-changed"


@pytest.mark.parametrize(
    "options",
    [{"source": "a\0b.csv"}, {"source": "a\0*.csv"}, {"classes": "c\0.txt"}, {"labels": "l\0"},
     {"supports": "s\0"}, {"class_names": "n\0"}, {"metadata": "m\0"}],
)  # fmt: skip
def test_no_path_has_a_null_character(box, options):
    source = options.pop("source", None) or box.write("label,prediction\na,a\nb,a\n")
    assert slug(reportgen.load, source, **options) == "option-value"
