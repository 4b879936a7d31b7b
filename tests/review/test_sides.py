"""An input of any kind as one side: rows where samples are known, else counts, and why."""

import json

import numpy as np
import pandas as pd
import pytest

import reportgen
from reportgen.errors import DataError, ReportgenError, UsageError
from reportgen.options.evaluation import EvaluationOptions
from reportgen.options.importing import InputOptions
from reportgen.predictions import Predictions
from reportgen.review import find_file, load_input
from tests.review import samples
from tests.review.samples import BASELINE


def opened(source, spool, *, rows_first=True, as_baseline=False, **figures):
    return load_input(
        source, InputOptions(), EvaluationOptions.of(figures), spool,
        rows_first=rows_first, as_baseline=as_baseline,
    )  # fmt: skip


@pytest.fixture
def out(tmp_path):
    """A folder as `run` leaves it: report.json, and the predictions that it is made of."""
    reportgen.render(samples.columns(BASELINE), out=tmp_path / "out")
    kept = reportgen.save_baseline(samples.columns(BASELINE), "x", folder=tmp_path / "kept")
    (kept / "predictions.parquet").rename(tmp_path / "out/predictions.parquet")
    return tmp_path / "out"


def test_a_folder_stands_for_its_predictions_or_its_report(out):
    parquet, report = out / "predictions.parquet", out / "report.json"
    assert find_file(out, rows_first=True) == find_file(report, rows_first=True) == parquet
    assert find_file(out, rows_first=False) == find_file(report, rows_first=False) == report
    report.rename(out / "other.json")
    assert find_file(out, rows_first=False) == parquet
    parquet.unlink()
    (out / "other.json").rename(report)
    assert find_file(out, rows_first=True) == find_file(report, rows_first=True) == report
    report.unlink()
    assert find_file(out, rows_first=True) == out


def test_rows_are_known_of_predictions_of_every_form(out, tmp_path):
    table = samples.columns(BASELINE)
    sources = (
        out, out / "report.json", out / "predictions.parquet", table, pd.DataFrame(table),
        samples.write_csv(tmp_path / "t.csv", BASELINE),
        Predictions.open(out / "predictions.parquet"),
    )  # fmt: skip
    for source in sources:
        side = opened(source, tmp_path)
        assert side.unpaired == ""
        assert side.rows.n_rows == samples.N
        assert set(side.classes) == set(samples.CLASSES)
        assert side.evaluated(EvaluationOptions()).confusion.n_correct == 24


def test_of_counts_it_is_known_why_there_are_no_rows(out, tmp_path):
    counts = samples.matrix(BASELINE)
    matrix = reportgen.ConfusionMatrix.from_counts(counts)
    sources = (counts, np.array(counts), matrix, samples.write_matrix(tmp_path / "m.csv", BASELINE))
    for source in sources:
        side = opened(source, tmp_path)
        assert (side.rows, side.unpaired) == (None, "matrix")
        assert side.evaluated(EvaluationOptions()).confusion.n_correct == 24
    (out / "predictions.parquet").unlink()
    for source in (out, out / "report.json", reportgen.load(out / "report.json")):
        side = opened(source, tmp_path)
        assert (side.rows, side.unpaired) == (None, "no_predictions")


def test_figures_of_a_report_can_not_be_changed_but_for_its_groups(out, tmp_path):
    report = out / "report.json"
    with pytest.raises(UsageError) as caught:
        opened(report, tmp_path, rows_first=False, ci="exact")
    assert caught.value.slug == "figures-made"
    (tmp_path / "groups.csv").write_text("class,group\ncat,pet\ndog,pet\nfox,wild\n")
    groups = tmp_path / "groups.csv"
    grouped = opened(report, tmp_path, rows_first=False, hierarchy=groups).held
    assert grouped.hierarchy is not None
    before = opened(report, tmp_path, rows_first=False, as_baseline=True, hierarchy=groups).held
    assert before.hierarchy is None


def test_what_is_no_input_is_refused(tmp_path):
    for source in (3, "nothing.csv", tmp_path, None, object()):
        with pytest.raises(DataError):
            opened(source, tmp_path)


def test_a_baseline_of_other_classes_is_refused_before_the_model_runs(tmp_path):
    side = opened(samples.matrix(BASELINE), tmp_path)  # classes are called by number
    with pytest.raises(DataError) as caught:
        side.require_classes(samples.CLASSES)
    assert caught.value.slug == "compare-classes"
    named = opened(samples.columns(BASELINE), tmp_path)
    named.require_classes(("fox", "dog", "cat"))
    named.require_classes((*samples.CLASSES, "owl"))  # it may just not have occurred in the table
    with pytest.raises(DataError):
        named.require_classes(("cat", "dog"))


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"schema_version": 1}', "nan", "\0"])
def test_a_broken_report_is_no_side(tmp_path, content):
    (tmp_path / "report.json").write_text(content)
    with pytest.raises(ReportgenError):
        opened(tmp_path, tmp_path)


def test_a_report_of_a_later_form_is_refused(out, tmp_path):
    value = json.loads((out / "report.json").read_text())
    (tmp_path / "r.json").write_text(json.dumps({**value, "schema_version": 99}))
    with pytest.raises(DataError):
        opened(tmp_path / "r.json", tmp_path)
