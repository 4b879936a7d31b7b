"""Baselines: kept small, without images and paths, found again by name; and their history."""

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

import reportgen
from reportgen.errors import DataError, OutputError, UsageError
from reportgen.evaluation import Evaluation, evaluate_predictions
from reportgen.importers import open_predictions
from reportgen.options.importing import InputOptions
from reportgen.predictions import Predictions
from reportgen.provenance import Provenance
from reportgen.review import Baselines, HistoryEntry, read_history, sparkline

TABLE = "id,label,prediction,confidence\n" + "".join(
    f"cats/{i}.png,{label},{prediction},{confidence}\n"
    for i, (label, prediction, confidence) in enumerate(
        [("cat", "cat", 0.9), ("cat", "dog", 0.6), ("dog", "dog", 0.8), ("dog", "dog", 0.7)]
    )
)


def opened(tmp_path, text=TABLE):
    (tmp_path / "t.csv").write_text(text)
    (tmp_path / "spool").mkdir(exist_ok=True)
    return open_predictions(tmp_path / "t.csv", InputOptions(), spool=tmp_path / "spool")


def saved(tmp_path, name="main", **more):
    rows = opened(tmp_path)
    store = Baselines(tmp_path / "kept")
    evaluation = evaluate_predictions(rows)
    return store, evaluation, store.save(name, evaluation, rows, "NO GATES SET", **more)


def test_a_baseline_holds_every_count_and_no_single_sample(tmp_path):
    _, evaluation, place = saved(tmp_path)
    value = json.loads((place / "report.json").read_text())
    kept = Evaluation.from_json(value)
    assert kept.confusion == evaluation.confusion
    assert kept.summary == evaluation.summary
    assert value["examples"] == []
    assert "cats/1.png" not in (place / "report.json").read_text()
    assert str(tmp_path) not in (place / "report.json").read_text()
    assert sorted(path.name for path in place.iterdir()) == ["predictions.parquet", "report.json"]


def test_the_slim_predictions_give_the_same_figures(tmp_path):
    _, evaluation, place = saved(tmp_path)
    again = evaluate_predictions(Predictions.open(place / "predictions.parquet"))
    assert again.confusion == evaluation.confusion
    assert again.summary == evaluation.summary
    assert again.confidence == evaluation.confidence


def test_slim_predictions_without_confidences_say_so(tmp_path):
    rows = opened(tmp_path, "id,label,prediction\na,cat,cat\nb,dog,cat\n")
    assert not rows.has_confidence
    place = Baselines(tmp_path / "kept").save("main", evaluate_predictions(rows), rows, "SHIP")
    again = Predictions.open(place / "predictions.parquet")
    assert not again.has_confidence
    assert evaluate_predictions(again).summary["ece"].reason == "no_scores"


def test_the_same_run_saved_twice_gives_the_same_bytes(tmp_path):
    _, _, place = saved(tmp_path)
    first = {path.name: path.read_bytes() for path in place.iterdir()}
    saved(tmp_path, force=True)
    assert {path.name: path.read_bytes() for path in place.iterdir()} == first


def test_a_baseline_is_replaced_only_when_asked(tmp_path):
    saved(tmp_path)
    with pytest.raises(OutputError) as caught:
        saved(tmp_path)
    assert caught.value.slug == "baseline-exists"
    saved(tmp_path, force=True)


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a b", "x" * 65, "é"])
def test_a_name_that_could_leave_the_folder_is_refused(tmp_path, name):
    with pytest.raises(UsageError) as caught:
        saved(tmp_path, name)
    assert caught.value.slug == "baseline-name"


def test_a_path_comes_before_a_name_and_an_unknown_name_gets_the_nearest(tmp_path):
    store, _, place = saved(tmp_path, "production")
    assert store.find("production") == place
    assert store.find(str(tmp_path / "t.csv")) == tmp_path / "t.csv"
    with pytest.raises(UsageError, match="did you mean production") as caught:
        store.find("prodcution")
    assert caught.value.slug == "baseline-unknown"
    with pytest.raises(UsageError, match="none is saved yet"):
        Baselines(tmp_path / "nowhere").find("main")


def test_history_has_one_line_for_each_change(tmp_path):
    store, evaluation, _ = saved(tmp_path)
    saved(tmp_path, force=True)
    assert len(read_history(store.folder)) == 1
    rows = opened(tmp_path)
    later = replace(evaluation, provenance=Provenance("predictions", date="2026-01-02"))
    store.save("main", later, rows, "SHIP", force=True)
    first, second = read_history(store.folder)
    assert (first.accuracy, first.worst_class, first.worst_recall) == (0.75, "cat", 0.5)
    assert (second.date, second.verdict) == ("2026-01-02", "SHIP")
    assert first.accuracy_interval == evaluation.summary["accuracy"].interval


def test_a_command_killed_before_its_line_of_the_history_leaves_it_for_the_next(
    tmp_path, monkeypatch
):
    def killed(folder, entry):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("reportgen.review.baselines.append", killed)
        with pytest.raises(KeyboardInterrupt):
            saved(tmp_path)
    store = Baselines(tmp_path / "kept")
    assert read_history(store.folder) == ()
    assert [entry.name for entry in store.history()] == ["main"]
    assert [entry.name for entry in store.history()] == ["main"]
    assert {path.name for path in (store.folder / "main").iterdir()} == {
        "report.json", "predictions.parquet",
    }  # fmt: skip


def test_a_save_that_was_killed_is_completed_before_the_next_one(tmp_path, monkeypatch):
    """Both saves are in the history, and no temporary file is left."""

    def killed(*_):
        raise SystemExit

    store, evaluation, _ = saved(tmp_path)
    rows = opened(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("reportgen.replacement._discard", killed)
        with pytest.raises(SystemExit):
            store.save("main", evaluation, rows, "SHIP", force=True)
    (store.folder / ".reportgen-1-00-history.jsonl").write_text("cut")
    store.save("main", evaluation, rows, "DO NOT SHIP", force=True)
    assert [entry.verdict for entry in store.history()] == ["NO GATES SET", "SHIP", "DO NOT SHIP"]
    assert {path.name for path in store.folder.rglob("*")} == {
        "main", "history.jsonl", "report.json", "predictions.parquet",
    }  # fmt: skip


def test_the_way_out_of_a_folder_that_is_not_writable_names_its_option(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    evaluation = saved(tmp_path)[1]
    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(OutputError) as caught:
        Baselines(tmp_path / "kept").save("other", evaluation, None, "SHIP")
    assert caught.value.hint == (
        'the file system of "kept" is read-only: choose another folder with --baselines'
    )


def test_a_folder_without_history_has_none(tmp_path):
    assert read_history(tmp_path) == ()


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"name": "a"}', '{"name": 1}', "null", '{"accuracy_interval": 3}']
)
def test_a_damaged_line_is_named(tmp_path, line):
    store, _, _ = saved(tmp_path)
    path = store.folder / "history.jsonl"
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(DataError, match="line 2") as caught:
        read_history(store.folder)
    assert caught.value.slug == "history-damaged"


def test_an_impossible_share_in_the_history_is_damage(tmp_path):
    store, _, _ = saved(tmp_path)
    path = store.folder / "history.jsonl"
    path.write_text(path.read_text().replace('"accuracy": 0.75', '"accuracy": 75'))
    with pytest.raises(DataError, match="line 1"):
        read_history(store.folder)


def test_an_undefined_recall_everywhere_has_no_worst_class(tmp_path):
    evaluation = reportgen.load([[0, 0], [0, 3]])
    entry = HistoryEntry.of("x", evaluation, "SHIP")
    assert (entry.worst_class, entry.worst_recall) == ("1", 1.0)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([], ""),
        ([None], "·"),
        ([0.5], "▄"),
        ([0.5, 0.5, None], "▄▄·"),
        ([0.0, 0.5, 1.0], "▁▅█"),
        ([0.90, 0.91, 0.93, 0.90], "▁▃█▁"),
    ],
)
def test_a_trend_is_drawn_from_its_lowest_to_its_highest(values, line):
    assert sparkline(values) == line


def test_history_is_printed_as_a_table_with_trends(tmp_path, capsys):
    from reportgen.console import print_history

    store, evaluation, _ = saved(tmp_path)
    later = replace(evaluation, provenance=Provenance("predictions", date="2026-01-02"))
    store.save("main", later, opened(tmp_path), "SHIP", force=True)
    print_history(read_history(store.folder))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        "date", "name", "model", "data", "samples", "accuracy", "lowest", "recall", "verdict",
    ]  # fmt: skip
    assert lines[2].startswith("2026-01-02  main")
    assert "75.0% (30.1–95.4%)" in lines[1]
    assert "50.0% cat" in lines[2]
    assert lines[3] == "accuracy       ▄▄"
    assert not any(line.startswith("note:") for line in lines)


def test_an_empty_history_says_how_to_begin(capsys):
    from reportgen.console import print_history

    print_history(())
    assert "reportgen baseline save" in capsys.readouterr().out


def test_the_same_samples_are_the_same_data_whatever_the_model_said(tmp_path):
    store, _, _ = saved(tmp_path)
    lines = TABLE.splitlines()
    again = opened(
        tmp_path, "\n".join([lines[0], *reversed(lines[1:])]).replace("dog,0.6", "cat,0.6")
    )
    store.save("other", evaluate_predictions(again), again, "SHIP")
    relabelled = opened(tmp_path, TABLE.replace("3.png,dog", "3.png,cat"))
    store.save("third", evaluate_predictions(relabelled), relabelled, "SHIP")
    one, two, three = (entry.data_fingerprint for entry in read_history(store.folder))
    assert one == two
    assert one != three


def test_two_matrices_of_the_same_class_totals_are_taken_for_the_same_data():
    one, two, three = (
        HistoryEntry.of("x", reportgen.load(counts), "SHIP").data_fingerprint
        for counts in ([[3, 1], [0, 4]], [[4, 0], [2, 2]], [[4, 0], [2, 3]])
    )
    assert one == two
    assert one != three


def test_a_baseline_that_fails_to_be_replaced_stays_as_it_was(tmp_path, monkeypatch):
    store, evaluation, place = saved(tmp_path)
    before = {path.name: path.read_bytes() for path in place.iterdir()}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("reportgen.review.baselines.write_text", full)
    with pytest.raises(OutputError, match="no space left"):
        store.save("main", evaluation, opened(tmp_path), "SHIP", force=True)
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before
    assert store.names() == ("main",)
    assert sorted(path.name for path in store.folder.iterdir()) == ["history.jsonl", "main"]


def test_a_baseline_can_be_saved_from_itself(tmp_path):
    store, _, place = saved(tmp_path)
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    reportgen.save_baseline(place, "main", folder=store.folder, force=True)
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before
