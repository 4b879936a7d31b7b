"""What a tracker is given, and what becomes of the command when one fails or is missing."""

from __future__ import annotations

import json
import shlex
import sys
import traceback
from dataclasses import replace
from types import SimpleNamespace

import pytest

import reportgen
from reportgen import cli
from reportgen.api.tracking import _read
from reportgen.errors import DataError, DeliveryError, UsageError
from reportgen.options import PageOptions
from reportgen.process import exit_code_of
from reportgen.report import build_report
from reportgen.review import Review
from reportgen.trackers import read_report
from reportgen.trackers.tracked import MOST_CELLS, slugs_of
from reportgen.trackers.trackers import LIBRARIES
from tests.factories import HOSTILE, make_evaluation, synthetic

SECRET = "canary-1234567890"


def tracked_of(folder, **options):
    return _read(folder, PageOptions.of(options))


@pytest.fixture
def tracker(monkeypatch):
    """TensorBoard, as far as it is asked: what it is given is kept, and what it raises is given."""
    seen = SimpleNamespace(reports=[], places=[], error=None)

    def log(report, *place):
        if seen.error:
            raise seen.error
        seen.reports.append(report)
        seen.places.append(place)
        return "runs/x"

    monkeypatch.setitem(
        sys.modules, "reportgen.trackers.tensorboard_runs", SimpleNamespace(log=log)
    )
    monkeypatch.setattr(
        "reportgen.trackers.trackers.find_spec", lambda name: SimpleNamespace(origin=name)
    )
    return seen


def test_metrics_are_those_of_the_report_and_undefined_ones_are_left_out(written):
    report = tracked_of(written)
    said = json.loads((written / "report.json").read_text())
    known = {f"reportgen/{name}": one["value"] for name, one in said["summary"].items()}
    assert {
        name: value for name, value in known.items() if value is not None
    }.items() <= report.metrics.items()
    assert "reportgen/log_loss" not in report.metrics, "there are no scores"
    rows = {row["class"]: row for row in said["per_class"]}
    assert report.metrics["reportgen/recall/cat"] == rows["cat"]["recall"]["value"] == 0.8
    assert report.facts["verdict"] == said["verdict"] == "DO NOT SHIP"
    assert report.facts["reason"] == said["reason"]
    assert (report.name, report.facts["data"], report.facts["date"]) == (
        "net 1.2",
        "pets",
        "2026-11-29",
    )
    assert report.gates[0][:2] == ("Failed", "floor")
    assert {(t, p): n for t, p, n in report.cells} == {
        (0, 0): 8,
        (0, 1): 2,
        (1, 0): 1,
        (1, 1): 9,
    }
    assert report.seconds == 1795910400


def test_what_names_samples_is_given_only_when_it_is_asked_for(written):
    names = {name for name, _ in tracked_of(written).files}
    assert {"report.html", "report.json", "junit.xml", "confusion.csv"} <= names
    assert "predictions.parquet" not in names
    with_them = {
        name for name, _ in tracked_of(written, track="mlflow", track_predictions=True).files
    }
    assert with_them - names == {"predictions.parquet"}


def test_a_layout_of_several_files_is_given_whole_and_links_are_not(tmp_path):
    (tmp_path / "m.csv").write_text(",a,b\na,5,1\nb,0,5\n")
    out = tmp_path / "out"
    reportgen.render(tmp_path / "m.csv", out=out, layout="dir")
    (out / "errors.csv").symlink_to(tmp_path / "m.csv")
    report = tracked_of(out)
    names = {name for name, _ in report.files}
    assert {"index.html", "report_files/report.css"} <= names
    assert "errors.csv" not in names
    assert report.page is None, "one file is not the page"


def test_names_become_letters_that_every_tracker_takes():
    assert slugs_of(["a b", "a/b", "A B", "猫", "a-b-2", "x" * 300]) == (
        "a-b", "a-b-2", "A-B-3", "class-3", "a-b-2-2", "x" * 60,
    )  # fmt: skip
    assert len(set(slugs_of(HOSTILE))) == len(HOSTILE)


def test_many_classes_have_their_largest_cells_and_no_metrics_of_classes(written):
    evaluation = synthetic(120)
    report = read_report(written, Review.of(evaluation), build_report(evaluation))
    assert not [name for name in report.metrics if name.count("/") > 1]
    assert len(report.cells) <= MOST_CELLS
    counts = [count for _, _, count in report.cells]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] > 0
    assert sum(counts) == evaluation.n_samples


def test_the_description_fits_and_has_no_folds(written):
    names = [f"{'www.example.org ' * 20}{i}" for i in range(100)]
    counts = [[0] * 100 for _ in names]
    for i in range(100):
        counts[i][i], counts[i][i - 1] = 20, 3
    evaluation = make_evaluation(counts, names)
    report = read_report(written, Review.of(evaluation), build_report(evaluation))
    for most in (8000, 2000):
        text = report.summary(most)
        assert text.startswith("## ")
        assert len(text.encode()) <= most
        assert "<details>" not in text
    assert report.summary(10) == ""


def run_command(*words):
    return exit_code_of(lambda: cli.command([str(word) for word in words]), debug=False)


def test_a_failed_delivery_is_8_whatever_the_gates_say_and_all_is_written(
    tmp_path, tracker, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.csv").write_text(",a,b\na,5,1\nb,0,5\n")
    tracker.error = OSError("no room")
    words = ["render", "m.csv", "-o", "an out", "--track", "tensorboard:x", "--fail-under", "accuracy=0.99",
             "--report-url", "https://example.org/r"]  # fmt: skip
    assert run_command(*words) == 8
    printed = capsys.readouterr()
    assert "verdict: DO NOT SHIP" in printed.out, "what was measured is said first"
    assert "no room" in printed.err
    assert (tmp_path / "an out/report.html").is_file()
    [hint] = [line for line in printed.err.splitlines() if "try again" in line]
    again = hint.partition("reportgen ")[2]
    tracker.error = None
    assert run_command(*shlex.split(again)) == 0
    assert capsys.readouterr().out == "tensorboard: runs/x\n"
    assert tracker.places == [("x",)]
    assert tracker.reports[0].facts["report_url"] == "https://example.org/r"


def test_every_tracker_is_tried_and_every_failure_is_told(written, tracker, monkeypatch):
    def failing(report):
        raise SystemExit("not logged in")

    for name in ("mlflow", "wandb"):
        monkeypatch.setitem(
            sys.modules, f"reportgen.trackers.{name}_runs", SimpleNamespace(log=failing)
        )
    with pytest.raises(DeliveryError) as caught:
        reportgen.track(written, ["mlflow", "tensorboard", "wandb", "tensorboard"])
    assert (caught.value.slug, caught.value.exit_code) == ("tracker-failed", 8)
    said = str(caught.value)
    assert said.count("not logged in") == 2
    assert said.count("try again: reportgen track") == 2
    assert "tensorboard has the report: runs/x" in said
    assert len(tracker.reports) == 1


def test_the_functions_track_too(tmp_path, tracker):
    (tmp_path / "a.csv").write_text(",a,b\na,5,1\nb,0,5\n")
    (tmp_path / "b.csv").write_text(",a,b\na,4,2\nb,0,5\n")
    reportgen.render(tmp_path / "a.csv", out=tmp_path / "r", track="tensorboard")
    reportgen.compare(
        tmp_path / "a.csv", tmp_path / "b.csv", out=tmp_path / "c", track=["tensorboard:y"]
    )
    assert tracker.places == [(), ("y",)]
    first, second = tracker.reports
    assert first.identity != second.identity
    assert second.metrics["reportgen/change/accuracy"] == pytest.approx(-1 / 11)
    with pytest.raises(UsageError, match="track requires out"):
        reportgen.compare(tmp_path / "a.csv", tmp_path / "b.csv", track="tensorboard")


def test_each_of_several_candidates_is_tracked(tmp_path, tracker):
    for name, hits in (("a", 5), ("b", 4), ("c", 3)):
        (tmp_path / f"{name}.csv").write_text(f",x,y\nx,{hits},{6 - hits}\ny,0,5\n")
    files = [tmp_path / f"{name}.csv" for name in "abc"]
    assert run_command("compare", *files, "-o", tmp_path / "out", "--track", "tensorboard") == 0
    assert len({report.identity for report in tracker.reports}) == 2


def test_a_public_report_is_tracked_without_names_of_samples(tmp_path, tracker):
    (tmp_path / "t.csv").write_text(
        "id,label,prediction\nsecret-1,a,b\nsecret-2,b,b\nsecret-3,a,a\n"
    )
    reportgen.render(tmp_path / "t.csv", out=tmp_path / "out", public=True, track="tensorboard")
    [report] = tracker.reports
    given = b"".join(path.read_bytes() for _, path in report.files)
    assert b"secret-" not in given
    assert "secret-" not in repr(replace(report, files=(), picture=None)) + report.summary(60_000)


def test_a_tracker_that_is_not_installed_is_told_before_any_work(tmp_path, monkeypatch):
    """A folder of that name, as W&B makes it, is no library."""
    (tmp_path / "m.csv").write_text(",a,b\na,5,1\nb,0,5\n")
    monkeypatch.setattr(
        "reportgen.trackers.trackers.find_spec",
        lambda name: SimpleNamespace(origin=None) if name == "wandb" else None,
    )
    for name, package in LIBRARIES.items():
        with pytest.raises(UsageError) as caught:
            reportgen.render(tmp_path / "m.csv", out=tmp_path / "out", track=name)
        assert caught.value.slug == "tracker-missing"
        assert caught.value.lines() == [
            f"--track {name} requires {name}, which is not installed",
            f"install it: pip install {package}",
        ]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "text",
    ["mlfow", "", "mlflow:http://user:pw@x", "wandb:p", "tensorboard:", "tensorboard:s3://x"],
)
def test_what_is_no_tracker_is_refused(text):
    with pytest.raises(UsageError) as caught:
        PageOptions.of({"track": text})
    assert caught.value.slug in ("option-value", "remote-path")
    assert "pw" not in str(caught.value)


def test_predictions_are_for_a_tracker_alone():
    with pytest.raises(UsageError, match="--track-predictions requires --track"):
        PageOptions.of({"track_predictions": True})


def test_a_folder_without_a_report_is_refused(tmp_path, tracker):
    with pytest.raises(DataError) as caught:
        reportgen.track(tmp_path, "tensorboard")
    assert caught.value.slug == "report-folder"


def test_secrets_are_in_no_message_no_traceback_and_no_file(tmp_path, tracker, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", SECRET)
    monkeypatch.setenv("WANDB_API_KEY", SECRET[::-1])
    (tmp_path / "m.csv").write_text(",a,b\na,5,1\nb,0,5\n")
    tracker.error = ValueError(
        f"at https://me:{SECRET}@example.org?token={SECRET} with {SECRET} or {SECRET[::-1]}"
    )
    try:
        reportgen.render(tmp_path / "m.csv", out=tmp_path / "out", track="tensorboard")
    except DeliveryError:
        told = traceback.format_exc()
    words = [
        "render", tmp_path / "m.csv", "-o", tmp_path / "again", "--track", "tensorboard", "--debug",
        "--fail-under", "accuracy=0.99", "--exit-zero",
    ]  # fmt: skip
    assert exit_code_of(lambda: cli.command([str(word) for word in words]), debug=True) == 8
    told += "".join(capsys.readouterr())
    told += "".join(
        path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()
    )
    assert "tracker-failed" in told
    assert SECRET not in told
    assert SECRET[::-1] not in told
