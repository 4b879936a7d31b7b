"""What a stranger tries first: cross tables, the same file twice, options that can't apply."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

import reportgen
from reportgen.confusion_counter import ConfusionCounter
from reportgen.console import print_saved
from reportgen.errors import DataError, ReportgenError, UsageError

LABELS = pd.Series(["cat", "dog", "fox", "cat"], name="label")
ANSWERS = pd.Series(["cat", "cat", "emu", "emu"], name="prediction")
COUNTS = [[1, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]]
"""Rows true; cat, dog, emu, fox."""
MATRIX = [[5, 1], [2, 6]]


def test_a_cross_table_is_a_matrix_where_that_is_said():
    unnamed = pd.crosstab(LABELS.to_numpy(), ANSWERS.to_numpy())
    found = reportgen.load(unnamed, kind="matrix")
    assert found.classes == ("cat", "dog", "emu", "fox")
    assert found.confusion.counts.tolist() == COUNTS
    turned = reportgen.load(unnamed.T, kind="matrix", rows="predicted")
    assert turned.confusion == found.confusion
    assert reportgen.load(pd.crosstab(LABELS, ANSWERS), kind="matrix").confusion == found.confusion


def test_a_cross_table_whose_rows_are_predictions_says_so_itself():
    found = reportgen.load(pd.crosstab(ANSWERS, LABELS), kind="matrix", rows="predicted")
    assert found.confusion.counts.tolist() == COUNTS


def test_a_matrix_against_itself_is_said_to_be_identical():
    comparison = reportgen.compare(np.array(MATRIX), np.array(MATRIX))
    (note,) = [one for one in comparison.notes if one.code == "compared-identical"]
    assert note.sentence == "The two matrices are identical: was the same file passed for both?"
    assert note.severity == "warning"
    other = reportgen.compare(np.array(MATRIX), np.array([[4, 2], [2, 6]]))
    assert not [one for one in other.notes if one.code == "compared-identical"]


@pytest.mark.parametrize("option", [{"allow_partial": True}, {"labels_from": "baseline"}])
def test_options_that_match_samples_are_refused_where_none_are_matched(option):
    for sides, why in (
        ((np.array(MATRIX), np.array(MATRIX)), "a confusion matrix"),
        ((reportgen.load(np.array(MATRIX)),) * 2, "a report without its predictions"),
    ):
        with pytest.raises(UsageError) as caught:
            reportgen.compare(*sides, **option)
        assert caught.value.slug == "option-conflict"
        assert why in caught.value.message


def test_a_baseline_without_predictions_says_what_that_means(tmp_path, capsys):
    table = {"id": ["a", "b"], "label": ["cat", "dog"], "prediction": ["cat", "cat"]}
    for source, told in ((np.array(MATRIX), True), (table, False)):
        place = reportgen.save_baseline(source, f"of-{told}", folder=tmp_path / "kept")
        print_saved("it", place)
        assert ("will be unpaired" in capsys.readouterr().out) == told


def ignoring(table, **options):
    found = reportgen.load(table, ignore_label="cat", **options)
    (note,) = [one.sentence for one in found.notes if one.code == "labels-ignored"]
    return found.classes, note


def test_an_ignored_label_is_no_class_unless_something_else_says_so():
    table = {"label": ["cat", "dog", "fox"], "prediction": ["dog", "dog", "fox"]}
    left_out = "1 row with the label cat is excluded, as requested."
    assert ignoring(table) == (("dog", "fox"), left_out)
    classes, note = ignoring({**table, "prediction": ["dog", "cat", "fox"]})
    assert classes == ("cat", "dog", "fox")
    assert note == f"{left_out} The class is kept without samples: it is predicted in 1 row."
    classes, note = ignoring(table, classes=["cat", "dog", "fox"])
    assert classes == ("cat", "dog", "fox")
    assert note.startswith(f"{left_out} The class is kept without samples: the class list (")


GRID = torch.arange(12).reshape(6, 2) % 3
STRIDED = GRID[:, 0], GRID[:, 1]


@pytest.mark.parametrize(
    "kind",
    [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8],
    ids=str,
)
def test_tensors_of_every_whole_type_are_counted_also_where_they_have_gaps(kind):
    counter = ConfusionCounter(3)
    counter.update(*(tensor.to(kind) for tensor in STRIDED))
    counter.update(*STRIDED)
    assert not STRIDED[0].is_contiguous()
    assert counter.compute().counts.tolist() == [[0, 4, 0], [0, 0, 4], [4, 0, 0]]


def test_tensors_of_truth_values_are_two_classes():
    counter = ConfusionCounter(2)
    counter.update(torch.tensor([True, False]), torch.tensor([True, True]))
    assert counter.compute().counts.tolist() == [[0, 1], [0, 1]]


@pytest.mark.parametrize(
    ("labels", "predictions", "slug", "told"),
    [
        (GRID[:, :1], GRID[:, 1], "indices-shape", "values[:, 0]"),
        (GRID[:, 0], torch.zeros(6, 3, requires_grad=True), "indices-shape", "scores.argmax(1)"),
        (GRID[:, 0], np.zeros((6, 3)), "indices-shape", "scores.argmax(1)"),
        (torch.zeros(2, 3, 4), GRID[:, 0], "indices-shape", "values.reshape(-1)"),
        (torch.tensor(1), torch.tensor(1), "indices-shape", "pass a batch"),
        (GRID[:, 0], GRID[:, 0].float(), "indices-not-integers", "argmax"),
        (GRID[:, 0], GRID[:, 0].float().requires_grad_(), "indices-not-integers", "argmax"),
        (["a"], ["a"], "indices-not-integers", "class names"),
        ([0, [1]], [0, 1], "indices-shape", "some are lists"),
        ([0, 1], [0], "length-mismatch", "2 labels but 1"),
        ([0, 7], [0, 1], "label-out-of-range", "label 7 at row 1: valid are 0..2"),
        ([0, 1], [0, -1], "prediction-out-of-range", "prediction -1 at row 1"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_a_batch_of_another_form_is_refused_with_the_way_out(labels, predictions, slug, told):
    counter = ConfusionCounter(3)
    with pytest.raises(DataError) as caught:
        counter.update(labels, predictions)
    assert caught.value.slug == slug
    assert told in str(caught.value)
    assert counter.compute().n_samples == 0


def test_counters_that_do_not_fit_are_told_apart():
    with pytest.raises(ReportgenError) as caught:
        ConfusionCounter(["a", "b"]) + ConfusionCounter(["b", "a"])
    assert (caught.value.slug, caught.value.details) == ("counts-differ", ("a, b", "b, a"))
    with pytest.raises(DataError) as caught:
        ConfusionCounter(2).compute() + ConfusionCounter(3).compute()
    assert caught.value.slug == "counts-differ"


@pytest.mark.parametrize(
    "first", ["reportgen.rendering", "reportgen.rendering.html", "reportgen.review"]
)
def test_a_function_keeps_its_name_whatever_was_imported_before(first):
    code = (
        f"import importlib, reportgen; importlib.import_module({first!r}); "
        "assert callable(reportgen.render), reportgen.render; "
        "from reportgen import render; assert callable(render)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
