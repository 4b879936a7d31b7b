"""Evaluations, matrices and predictions as pandas DataFrames, and how they show in a prompt."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import reportgen
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.rendering.csv import per_class
from tests import factories, review_factories

ROOT = Path(__file__).parent.parent
SIDES = ("baseline", "candidate")


def small():
    return factories.make_evaluation([[3, 1], [0, 2]], ("cat", "dog"))


def test_the_frame_of_classes_holds_the_numbers_of_per_class_csv():
    found = small()
    frame = found.to_frame()
    header, *rows = csv.reader(io.StringIO(per_class(found)))
    assert ["class", *frame.columns] == header
    assert list(frame.index) == ["cat", "dog"]
    for row, (name, values) in zip(rows, frame.iterrows(), strict=True):
        assert row[0] == name
        for text, value in zip(row[1:], values, strict=True):
            assert (text == "") == bool(pd.isna(value))
            assert text == "" or float(text) == float(value)


def test_counts_are_integers_and_ends_enclose_the_value():
    frame = small().to_frame()
    assert frame[["support", "tp", "fn"]].values.tolist() == [[4, 3, 1], [2, 2, 0]]
    assert frame["support"].dtype == "Int64"
    assert frame.loc["cat", "recall"] == 0.75
    assert frame.loc["cat", "recall_low"] < 0.75 < frame.loc["cat", "recall_high"]


def test_the_frame_of_overall_metrics_has_value_interval_and_reason():
    found = small()
    frame = found.summary_frame()
    assert frame.loc["accuracy", "value"] == pytest.approx(5 / 6)
    assert tuple(frame.loc["accuracy", ["low", "high"]]) == found.summary["accuracy"].interval
    assert frame.loc["accuracy", "reason"] == ""
    assert frame.loc["ece", "reason"] == found.summary["ece"].reason
    assert np.isnan(frame.loc["ece", "value"])
    assert list(frame.index) == [one.name for one in found.definitions]


def test_the_frame_of_proportions_has_no_counts(tmp_path: Path):
    table = tmp_path / "matrix.csv"
    table.write_text(",cat,dog\ncat,0.75,0.25\ndog,0.5,0.5\n")
    found = reportgen.load(table, normalised="true")
    assert found.to_frame()["support"].isna().all()
    assert found.to_frame()["recall"].tolist() == [0.75, 0.5]
    assert repr(found) == "<Evaluation: 2 classes, proportions only>"


def test_the_matrix_of_an_evaluation_is_named():
    frame = small().confusion.to_frame()
    assert frame.loc["cat", "dog"] == 1
    assert (frame.index.name, frame.columns.name) == ("true", "predicted")
    assert small().confusion.to_frame("true").loc["cat"].tolist() == [0.75, 0.25]


def test_a_matrix_without_names_is_indexed_by_number():
    frame = ConfusionMatrix.from_counts([[3, 1], [0, 2]]).to_frame()
    assert frame.index.tolist() == frame.columns.tolist() == [0, 1]


def test_names_neither_change_a_matrix_nor_what_it_was_derived_from():
    bare = ConfusionMatrix.from_counts([[3, 1], [0, 2]])
    named = bare.with_names(["cat", "dog"])
    assert named == bare
    assert bare.names == ()
    assert named + bare == bare + bare


def test_a_matrix_of_thousands_of_classes_is_a_list_of_cells():
    keys = np.array([1, 5_000 * 3_001 + 7])
    matrix = ConfusionMatrix(5_000, keys, np.array([4, 2]))
    frame = matrix.to_frame()
    assert frame.values.tolist() == [[0, 1, 4], [3_001, 7, 2]]
    with pytest.raises(ValueError, match="too many"):
        matrix.to_frame("true")


def test_changing_a_frame_does_not_change_the_matrix():
    matrix = ConfusionMatrix.from_counts([[3, 1], [0, 2]])
    frame = matrix.to_frame()
    frame.iloc[0, 0] = 99
    assert matrix.counts.tolist() == [[3, 1], [0, 2]]


def test_predictions_are_a_frame_with_class_names():
    path = ROOT / "sample_reports" / "inputs" / "digits" / "predictions.parquet"
    predictions = reportgen.Predictions.open(path)
    frame = predictions.to_frame()
    assert len(frame) == predictions.n_rows
    wrong = (frame["label"].astype(str) != frame["prediction"].astype(str)).sum()
    assert wrong == reportgen.evaluate(predictions).confusion.n_errors
    (rows,) = predictions.batches("id", "prediction", "confidence", "label_rank", "probabilities")
    classes = predictions.facts.classes
    assert frame.index.tolist() == rows["id"].tolist()
    assert frame["prediction"].tolist() == [classes[i] for i in rows["prediction"]]
    assert frame["confidence"].tolist() == rows["confidence"].tolist()
    assert frame["label_rank"].tolist() == rows["label_rank"].tolist()
    assert np.array_equal(frame[[f"p({name})" for name in classes]], rows["probabilities"])
    assert frame.columns[-1] in (f"p({classes[-1]})", *predictions.metadata)


def test_an_evaluation_shows_in_one_line():
    assert repr(small()) == "<Evaluation: 2 classes, 6 samples, accuracy 83.3%>"


def test_a_comparison_shows_in_one_line():
    found = review_factories.fashion()
    before, after = (100 * getattr(found.summary["accuracy"], one) for one in SIDES)
    assert repr(found) == (
        f"<Comparison: accuracy {before:.1f}% → {after:.1f}%, {found.paired.n:,} matched samples>"
        if found.paired
        else f"<Comparison: accuracy {before:.1f}% → {after:.1f}%, not matched>"
    )
