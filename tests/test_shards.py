"""Shards and their merge: the bytes of a single run, whatever happens on the way, or a refusal."""

import errno
import json
import random
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest import mock
from unittest.mock import ANY

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import reportgen
from reportgen import cli, process
from reportgen.api import running
from reportgen.errors import DataError, Interrupted, ModelError, OutputError, UsageError
from reportgen.inference import loop, sharding
from reportgen.inference.folders import found, listed
from reportgen.inference.packed.contents import FileContents
from reportgen.options import Shard
from reportgen.predictions import PART_VERSION, PartFile, PartHeader
from reportgen.predictions.shards import PART_KEY
from reportgen.reporter import Reporter
from tests.inference.builders import image_tree
from tests.processes import started, wait_for

NETWORKS = """
import torch
class Colours(torch.nn.Module):
    def forward(self, x):
        return x.mean(dim=(2, 3)).flip(1) * 20
class Shares(Colours):
    def forward(self, x):
        return super().forward(x).softmax(1)
class Late(Colours):
    "Not finite for images with a dark corner."
    def forward(self, x):
        return super().forward(x).where(x[:, :, 0, 0].sum(1, keepdim=True) > 0, float("nan"))
class Mixed(Colours):
    "Logits for images with a dark corner, probabilities for others."
    def forward(self, x):
        scores = super().forward(x)
        return scores.softmax(1).where(x[:, :, 0, 0].sum(1, keepdim=True) > 0, scores + 2)
class Odd(Colours):
    "Mixes the images of a batch."
    def forward(self, x):
        return super().forward(x) - super().forward(x).mean(0)
def make():
    return Colours()
def shares():
    return Shares()
def late():
    return Late()
def mixed():
    return Mixed()
def odd():
    return Odd()
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """47 images in three folders; two can't be read, two pairs are the same, one is no file."""
    root = tmp_path_factory.mktemp("shards")
    (root / "net.py").write_text(NETWORKS)
    (root / "names.txt").write_text("cat\ndog\nship\n")
    data = image_tree(root / "data", {"cat": 20, "dog": 11, "ship": 14})
    (data / "cat/001.png").write_bytes(b"")
    (data / "dog/005.png").write_text("<html>")
    (data / "dog/gone.png").symlink_to(data / "nowhere.png")
    (data / "cat/aa.png").symlink_to(data / "nowhere.png")
    shutil.copy(data / "cat/003.png", data / "cat/004.png")
    shutil.copy(data / "cat/003.png", data / "ship/004.png")
    return root


@pytest.fixture
def here(source, tmp_path, monkeypatch):
    shutil.copytree(source, tmp_path / "w", symlinks=True)
    monkeypatch.chdir(tmp_path / "w")
    return tmp_path / "w"


def predict(out="run1", shard=None, model="net.py:make", data="data", **options):
    options = {"classes": "names.txt", "batch_size": 4, **options}
    return reportgen.predict(model, data, out=out, shard=shard, **options)


def single(**options):
    predict("one", max_bad=9, **options)
    return contents("one")


def contents(folder):
    return {p.name: p.read_bytes() for p in Path(folder).iterdir() if p.is_file()}


def shards(n, out="run1", order=None, **options):
    for i in order or range(n):
        predict(out, (i, n), **options)


def refused(call, slug, kind=(DataError, UsageError, OutputError)):
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.slug == slug, caught.value
    return caught.value


# The bytes of a single run


@pytest.mark.parametrize("n", [1, 2, 3, 7, 13, 40])
def test_any_number_of_shards_gives_the_bytes_of_a_single_run(here, n):
    order = list(range(n))
    random.Random(n).shuffle(order)
    shards(n, order=order)
    merged = reportgen.merge("run1", out="merged", max_bad=9)
    assert contents("merged") == single()
    assert merged.n_rows == 43
    assert merged.facts.samples.excluded == {"unreadable": 4}
    codes = [note.code for note in merged.facts.notes]
    assert {"duplicate-images", "duplicate-images-across-classes", "unreadable-images"} <= {*codes}


@pytest.mark.parametrize("model", ["shares", "late", "mixed", "odd"])
@pytest.mark.parametrize("options", [{}, {"workers": 1}, {"keep_probabilities": "no"}])
def test_all_shards_decide_what_the_single_run_decides(here, model, options):
    for at in range(6):  # the first batch has no finite score at all
        Image.new("RGB", (8, 8)).save(f"data/cat/0{at:02d}.png")
    options |= {"model": f"net.py:{model}"}
    shards(5, **options)
    reportgen.merge("run1", out="merged", max_bad=9)
    assert contents("merged") == single(**options)


def test_scores_of_single_classes_are_merged_too(here):
    options = {"outputs": "one-vs-rest", "model": "net.py:shares"}
    shards(3, **options)
    merged = reportgen.merge("run1", out="merged", max_bad=9)
    assert contents("merged") == single(**options)
    assert merged.facts.sum_tolerance is None


def test_the_other_columns_of_a_table_are_merged(here):
    names = sorted(str(path.relative_to("data")) for path in Path("data").glob("*/*.png"))
    rows = [f"{name},{name.split('/')[0]},{i % 3},{'x' * (i % 2)}" for i, name in enumerate(names)]
    Path("data/table.csv").write_text("path,label,digest,columns\n" + "\n".join(rows) + "\n")
    shards(4, data="data/table.csv")
    merged = reportgen.merge("run1", out="merged", max_bad=9)
    assert contents("merged") == single(data="data/table.csv")
    assert [one.name for one in merged.further] == ["digest", "columns"]


def test_images_without_labels_are_merged(here):
    flat = Path("flat")
    flat.mkdir()
    for path in Path("data/ship").iterdir():
        shutil.copy(path, flat)
    shards(3, data="flat")
    reportgen.merge("run1", out="merged", max_bad=9)
    assert contents("merged") == single(data="flat")


@pytest.mark.parametrize("group", [65_536, 7])
def test_images_in_a_table_are_merged_in_the_order_of_a_single_run(here, monkeypatch, group):
    monkeypatch.setattr("reportgen.predictions.parts.ROW_GROUP_ROWS", group)
    monkeypatch.setattr("reportgen.predictions.merging.ROW_GROUP_ROWS", group)
    files = [path for path in sorted(Path("data").rglob("*.png")) if path.is_file()]
    names = [path.parent.name for path in files]
    cells = [{"bytes": path.read_bytes(), "path": path.name} for path in files]
    table = pa.table({"image": cells, "label": names, "day": [n % 7 for n in range(len(files))]})
    pq.write_table(table, "images.parquet", row_group_size=5)
    shards(4, data="images.parquet")
    merged = reportgen.merge("run1", out="merged", max_bad=9)
    assert contents("merged") == single(data="images.parquet")
    rows = [one for t in merged.tables() for one in t["id"].to_pylist()]
    assert rows == sorted(rows)
    in_parts = [
        one
        for path in sorted(Path("run1/shards").iterdir())
        for one in pq.read_table(path)["id"].to_pylist()
    ]
    assert in_parts != sorted(in_parts)


def test_unknown_classes_are_counted_once(here):
    shutil.copytree("data/ship", "data/zebra")
    shards(3, ignore_unknown_classes=True)
    merged = reportgen.merge("run1", out="merged", max_bad=9)
    assert contents("merged") == single(ignore_unknown_classes=True)
    assert merged.facts.samples.excluded["of classes that the model does not know"] == 14


def test_a_report_of_the_merge_is_that_of_the_run(here):
    shards(2)
    reportgen.merge("run1", out="merged", max_bad=9)
    reportgen.render("merged/predictions.parquet", out="merged")
    single()
    reportgen.render("one/predictions.parquet", out="one")
    assert contents("merged") == contents("one")


def test_each_shard_reads_its_own_files_and_the_first_batch(here, monkeypatch):
    opened = []
    read = FileContents.read
    monkeypatch.setattr(FileContents, "read", lambda at, raw: opened.append(raw) or read(at, raw))
    shards(5, resize="8x8")
    first = [f"cat/{name}.png" for name in ("000", "001", "002", "003")]
    counts = {path: opened.count(path) for path in opened}
    assert {path for path, n in counts.items() if n > 1} == set(first)
    assert all(counts[path] == 5 for path in first)
    assert len(counts) == 45  # two are known to be no files


def test_images_of_another_size_than_those_of_other_shards_are_refused(here):
    for path in Path("data/dog").glob("0*.png"):
        Image.new("RGB", (9, 9)).save(path)
    error = refused(lambda: predict(shard=(4, 8)), "image-sizes", ModelError)
    assert "8x8 and 9x9" in error.message
    refused(lambda: predict("one"), "image-sizes", ModelError)


def test_shards_are_whole_batches_in_order(here):
    parts = [predict(shard=f"{i}/3") for i in range(3)]
    assert [part.n_rows for part in parts] == [16, 16, 15]
    assert [part.shard for part in parts] == ["0/3", "1/3", "2/3"]
    ids = [one for part in parts for t in part.read("id") for one in t["id"].to_pylist()]
    assert ids == sorted(ids)
    assert not [path for path in Path("run1/shards").iterdir() if path.suffix != ".parquet"]


@pytest.mark.parametrize(("n", "size", "count"), [(0, 4, 3), (1, 1, 1), (47, 4, 5), (48, 4, 50)])
def test_every_sample_is_in_one_shard(n, size, count):
    parts = [Shard(i, count).samples(n, size) for i in range(count)]
    assert [one for part in parts for one in part] == list(range(n))
    assert all(part.start % size == 0 or not part for part in parts)


# The same command again


class Told(Reporter):
    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)

    warn = say


def stopping(monkeypatch, after):
    """Interrupt a run once `after` rows are in its parts."""
    write = loop.Parts.write

    def stopped(self, rows):
        write(self, rows)
        if self.n_rows >= after:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop, "PART_ROWS", 4)
    monkeypatch.setattr(loop.Parts, "write", stopped)


@pytest.mark.parametrize("after", [4, 8, 12])
def test_a_shard_that_was_stopped_goes_on_by_itself(here, monkeypatch, after):
    with monkeypatch.context() as patched:
        stopping(patched, after)
        with pytest.raises(Interrupted, match=f"after {after} of 16") as caught:
            predict(shard=(1, 3))
    assert caught.value.hint == "run the same command again: it continues"
    assert reportgen.merge_status("run1").begun == {1: after}
    shards(3)
    assert reportgen.merge("run1", out="merged", max_bad=9).n_rows == 43
    assert contents("merged") == single()


def test_a_whole_part_is_left_before_the_model_is_loaded(here, monkeypatch):
    part = predict(shard=(1, 3))
    before, told = part.path.stat(), Told()
    with monkeypatch.context() as patched:
        patched.setattr(sharding, "plan_folder", None)
        predict(shard=(1, 3), reporter=told)
        predict(shard=(1, 3), reporter=told, resume=True, workers=0, device="auto")
    assert part.path.stat() == before
    assert told.lines == ['shard 1/3 is complete: "00001-of-00003.parquet"'] * 2


@pytest.mark.parametrize("data", ["data", "images.csv"])
def test_the_data_are_read_and_listed_once(here, monkeypatch, data):
    lines = [
        f"{p.parent.name}/{p.name},{p.parent.name}" for p in sorted(Path("data").rglob("*.png"))
    ]
    Path("images.csv").write_text("\n".join(["path,label", *lines]))
    calls = []
    for module, name in ((listed, "read_sample_list"), (found, "scan"), (listed, "form_of")):
        before = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *a, _name=name, _f=before, **k: calls.append(_name) or _f(*a, **k)
        )
    options = {} if data == "data" else {"root": "data"}
    predict(shard=(0, 3), data=data, **options)
    assert sorted(calls) == (
        ["form_of", "scan"] if data == "data" else ["form_of", "form_of", "read_sample_list"]
    )


def test_a_whole_part_of_a_package_is_left_after_the_model_is_loaded(here, monkeypatch):
    monkeypatch.syspath_prepend(str(here))
    part, told = predict(shard=(1, 3), model="net:make"), Told()
    before = part.path.stat()
    predict(shard=(1, 3), model="net:make", reporter=told)
    assert part.path.stat() == before
    assert 'shard 1/3 is complete: "00001-of-00003.parquet"' in told.lines
    sys.modules.pop("net", None)


def test_parts_of_a_whole_one_that_were_left_over_go(here):
    part = predict(shard=(1, 3))
    left = part.path.with_suffix(".partial")
    left.mkdir()
    predict(shard=(1, 3))
    assert not left.exists()


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"model": "net.py:shares"}, "network"),  # of the same file
        ({"batch_size": 8}, "batch size"),
        ({"outputs": "logits"}, "outputs"),
        ({"resize": "4x4"}, "preprocessing"),
        ({"keep_probabilities": "no"}, "probabilities"),
    ],
)
def test_a_part_of_other_settings_is_refused_and_replaced_by_force(here, options, field):
    part = predict(shard=(1, 3))
    error = refused(lambda: predict(shard=(1, 3), **options), "shard-differs", UsageError)
    assert error.message == f"shard 1/3 was predicted with another {field}"
    predict(shard=(1, 3), force=True, **options)
    assert predict(shard=(1, 3), **options).header != part.header


def test_a_part_of_other_data_or_another_model_is_refused(here):
    predict(shard=(1, 3))
    shutil.copy("data/cat/000.png", "data/cat/zzz.png")
    error = refused(lambda: predict(shard=(1, 3)), "shard-differs", UsageError)
    assert error.message == "shard 1/3 was predicted with another list of samples"
    Path("data/cat/zzz.png").unlink()
    Path("net.py").write_text(NETWORKS + "\n# mended\n")
    error = refused(lambda: predict(shard=(1, 3)), "shard-differs", UsageError)
    assert error.message == "shard 1/3 was predicted with another model"
    assert predict(shard=(1, 3), force=True).n_rows == 16


def test_an_unfinished_part_of_other_settings_or_data_is_refused(here, monkeypatch):
    with monkeypatch.context() as patched:
        stopping(patched, 8)
        with pytest.raises(Interrupted):
            predict(shard=(1, 3))
    error = refused(lambda: predict(shard=(1, 3), resize="4x4"), "shard-differs", UsageError)
    assert error.message == "shard 1/3 was begun with another preprocessing"
    first = next(iter(sorted(Path("run1/shards/00001-of-00003.partial").glob("*.parquet"))))
    name = pq.read_table(first)["id"][1].as_py()
    shutil.copy("data/cat/000.png", f"data/{name}")
    error = refused(lambda: predict(shard=(1, 3)), "shard-differs", UsageError)
    assert f'"{name}" has changed since it was predicted' in error.message
    assert predict(shard=(1, 3), force=True).n_rows == 16


def test_a_damaged_part_is_predicted_again(here):
    part, told = predict(shard=(1, 3)), Told()
    whole = part.path.read_bytes()
    part.path.write_bytes(whole[: len(whole) // 2])
    predict(shard=(1, 3), reporter=told)
    assert part.path.read_bytes() == whole
    assert any("this shard is predicted again" in line for line in told.lines)


def test_a_shard_is_written_by_one_process_and_the_others_go_on(here):
    from reportgen.output_folder import sole_writer

    Path("run1/shards").mkdir(parents=True)
    with sole_writer(Path("run1/shards"), "00001-of-00003"):
        error = refused(lambda: predict(shard=(1, 3)), "output-busy", OutputError)
        assert '"00001-of-00003" in "run1"' in error.message
        predict(shard=(0, 3))
    predict(shard=(1, 3))


def test_what_a_killed_process_left_of_a_shard_goes_and_the_rest_stays(here):
    folder = Path("run1/shards")
    folder.mkdir(parents=True)
    own = folder / ".reportgen-99999999-ab-00001-of-00003.parquet"
    others = folder / ".reportgen-99999999-ab-00002-of-00003.parquet"
    own.touch()
    others.touch()  # of a process on another machine, perhaps
    predict(shard=(1, 3))
    assert not own.exists()
    assert others.exists()


# What can't be meant


@pytest.mark.parametrize("given", ["3", "a/b", "1/2/3", "-1/3", "", (1,), (1, 2, 3), (1.0, 2)])
def test_what_is_no_shard_is_refused(here, given):
    refused(lambda: predict(shard=given), "shard-range", UsageError)


@pytest.mark.parametrize("given", ["32/32", (32, 32), "33/32", "0/0"])
def test_a_shard_beyond_the_last_is_refused_with_the_last(here, given):
    error = refused(lambda: predict(shard=given), "shard-range", UsageError)
    if "32" in str(error):
        assert "--shard 31/32" in error.hint
    assert not Path("run1").exists()


def test_a_run_has_no_shards(here):
    error = refused(
        lambda: running.run("net.py:make", "data", out="run1", shard="0/2"), "option-conflict"
    )
    assert "reportgen predict" in error.hint
    assert "reportgen merge" in error.hint


def test_options_of_the_whole_are_for_the_merge(here):
    error = refused(lambda: predict(shard=(0, 2), max_bad=3), "option-conflict")
    assert "reportgen merge OUT -o OUT --max-bad 3" in error.hint
    error = refused(lambda: predict("run1.parquet", (0, 2)), "option-conflict")
    assert "-o run1:" in error.hint
    import torch

    with pytest.raises(UsageError):
        reportgen.predict(torch.nn.Identity(), [], out="x", shard=(0, 2))


# Merging


def test_missing_shards_are_named_as_an_array(here):
    for i in (0, 1, 2, 4, 5, 6):
        predict(shard=(i, 10))
    error = refused(lambda: reportgen.merge("run1", out="merged"), "shards-missing", DataError)
    assert error.message == "4 shards of 10 are missing: 3,7-9"
    assert error.hint == (
        "predict the first: reportgen predict net.py:make data --shard 3/10 -o OUT "
        "--classes names.txt --batch-size 4"
    )
    status = reportgen.merge_status("run1")
    assert (status.array, status.n_shards, len(status.complete)) == ("3,7-9", 10, 6)
    assert (status.n_samples, status.total) == (28, 47)
    assert not Path("merged/predictions.parquet").exists()
    shards(10)
    assert reportgen.merge_status(["run1"]).missing == ()
    reportgen.merge("run1", out="merged", max_bad=9)


def test_nothing_to_merge_is_told(here):
    for given in ("nowhere", "data", []):
        error = refused(lambda given=given: reportgen.merge(given, out="m"), "shards-missing")
        assert "--shard 0/8" in error.hint


def test_shards_that_were_only_begun_are_told(here, monkeypatch):
    with monkeypatch.context() as patched:
        stopping(patched, 8)
        with pytest.raises(Interrupted):
            predict(shard=(1, 3))
    status = reportgen.merge_status("run1")
    assert (status.missing, status.begun, status.total) == ((0, 1, 2), {1: 8}, 0)
    assert "begun: 1 (8 samples)" in status.lines()


def test_merging_again_changes_nothing_and_other_predictions_are_not_replaced(here):
    shards(2)
    merged = reportgen.merge("run1", out="run1", max_bad=9)
    before, told = merged.path.stat(), Told()
    reportgen.merge("run1", out="run1", max_bad=9, reporter=told)
    assert merged.path.stat() == before
    assert told.lines == ['"predictions.parquet" is complete already']
    reportgen.render("run1/predictions.parquet", out="run1")
    reportgen.merge("run1", out="run1", max_bad=9)
    error = refused(lambda: reportgen.merge("run1", out="run1", max_bad=8), "output-exists")
    assert "a report exists" in error.message
    predict("other", resize="4x4", max_bad=9)
    refused(lambda: reportgen.merge("run1", out="other", max_bad=9), "output-exists")
    reportgen.merge("run1", out="other", max_bad=9, force=True)
    assert contents("other")["predictions.parquet"] == before_bytes(merged)


def before_bytes(predictions):
    return predictions.path.read_bytes()


def test_parts_go_where_that_is_asked_and_never_before(here):
    shards(2)
    refused(lambda: reportgen.merge("run1", out="run1", discard=True), "too-many-bad")
    assert len(list(Path("run1/shards").iterdir())) == 2
    reportgen.merge("run1", out="run1", discard=True, max_bad=9)
    assert {path.name for path in Path("run1").iterdir()} == {"predictions.parquet", "bad.csv"}
    error = refused(lambda: reportgen.merge("run1", out="run1", discard=True), "shards-missing")
    assert error.message == 'there are no parts in "run1", only "predictions.parquet"'
    assert error.hint == 'use "predictions.parquet": it has all samples'


def test_a_full_disk_is_told_of_the_file_that_was_asked_for(here, monkeypatch):
    shards(2)
    monkeypatch.setattr(pq.ParquetWriter, "write_table", mock.Mock(side_effect=FULL))
    error = refused(lambda: reportgen.merge("run1", out="m", max_bad=9), "output-not-writable")
    assert error.message == 'cannot write "predictions.parquet": no space left on the device'
    assert 'free space in "m"' in error.hint
    assert not Path("m").exists()
    monkeypatch.undo()
    monkeypatch.chdir(here)
    reportgen.merge("run1", out="m", max_bad=9)
    assert contents("m") == single()


FULL = OSError(errno.ENOSPC, "No space left on device")


def test_parts_beside_merged_predictions_can_be_merged_again(here):
    shards(2)
    Path("run1/shards").rename("parts")
    reportgen.merge("parts", out="parts", max_bad=9)
    reportgen.merge("parts", out="parts", max_bad=9)


def test_all_parts_go_at_once(here, monkeypatch):
    shards(2)
    with monkeypatch.context() as killed:
        killed.setattr(shutil, "rmtree", lambda *_, **__: None)
        reportgen.merge("run1", out="run1", discard=True, max_bad=9)
    assert not Path("run1/shards").exists()
    assert len(list(Path("run1").glob(".reportgen-*-shards/*"))) == 2
    shutil.copytree(next(Path("run1").glob(".reportgen-*-shards")), "again/shards")
    reportgen.merge("again", out="run1", max_bad=9)
    assert {path.name for path in Path("run1").iterdir()} == {"predictions.parquet", "bad.csv"}


def test_parts_that_cannot_be_removed_are_an_error_beside_whole_predictions(here, monkeypatch):
    shards(2)
    rename = Path.rename

    def locked(path, target):
        if path.name == "shards":
            raise PermissionError(13, "Permission denied")
        return rename(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", locked)
        caught = refused(
            lambda: reportgen.merge("run1", out="other", discard=True, max_bad=9),
            "output-not-writable",
        )
    assert 'cannot remove the parts in "shards": permission denied' in str(caught)
    assert Path("other/predictions.parquet").is_file()
    assert len(list(Path("run1/shards").iterdir())) == 2


def test_parts_beside_other_files_go_one_by_one(here):
    shards(2)
    Path("run1/shards/mine.txt").touch()
    reportgen.merge("run1", out="run1", discard=True, max_bad=9)
    assert [path.name for path in Path("run1/shards").iterdir()] == ["mine.txt"]


def test_bad_samples_are_counted_over_all_shards(here):
    shards(4)
    error = refused(lambda: reportgen.merge("run1", out="m"), "too-many-bad", DataError)
    assert error.message.startswith("4 samples can't be used")
    assert error.hint == "merge without them: --max-bad 4"
    assert len(Path("m/bad.csv").read_text().splitlines()) == 5
    assert not Path("m/predictions.parquet").exists()
    assert "--max-bad 4" in reportgen.merge("run1", out="m", max_bad=4).facts.provenance.command


def test_a_shard_that_is_there_twice_is_refused_and_a_path_given_twice_is_not(here):
    shards(2)
    shutil.copytree("run1", "run2")
    error = refused(lambda: reportgen.merge(["run1", "run2"], out="m"), "shards-overlap", DataError)
    assert '"run1/shards/00000-of-00002.parquet"' in error.details[0]
    assert '"run2/shards/00000-of-00002.parquet"' in error.details[0]
    reportgen.merge(
        ["run1", "run1/shards", "run1/shards/00000-of-00002.parquet"], out="m", max_bad=9
    )


def test_parts_of_different_n_are_refused_and_the_hint_works(here):
    shards(2)
    shards(3)
    error = refused(lambda: reportgen.merge("run1", out="m"), "shards-overlap", DataError)
    assert error.message == "the parts are of 2 and of 3 shards"
    pattern = "*-of-00003.parquet"
    assert f"OUT/shards/{pattern}" in error.hint
    reportgen.merge(sorted(Path("run1/shards").glob(pattern)), out="m", max_bad=9)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"model": "other.py:make"}, "model"),
        ({"model": "net.py:odd"}, "network"),
        ({"classes": "others.txt"}, "classes"),
        ({"resize": "4x4"}, "preprocessing"),
        ({"outputs": "logits"}, "outputs"),
        ({"batch_size": 2}, "batch size"),
        ({"title": "x"}, "title"),
        ({"model_name": "x"}, "model name"),
        ({"keep_probabilities": "no"}, "probabilities"),
        ({"grayscale": False, "interpolation": "bicubic", "resize": "9x9"}, "preprocessing"),
    ],
)
def test_parts_of_different_runs_are_refused_by_name_and_values(here, options, field):
    Path("other.py").write_text(NETWORKS + "\n")
    Path("others.txt").write_text("cat\nship\ndog\n")
    predict(shard=(0, 2))
    predict(shard=(1, 2), **options)
    error = refused(lambda: reportgen.merge("run1", out="m"), "shards-mixed", UsageError)
    assert error.message == f"the parts were made with different {field}"
    assert '"run1/shards/00000-of-00002.parquet"' in error.details[0]
    assert error.exit_code == 2
    refused(lambda: reportgen.merge_status("run1"), "shards-mixed", UsageError)


@pytest.mark.parametrize("change", ["added", "removed", "moved"])
def test_files_that_come_or_go_between_shards_are_told(here, change):
    predict(shard=(0, 2))
    if change == "added":
        shutil.copy("data/cat/000.png", "data/ship/zzz.png")
    elif change == "removed":
        Path("data/ship/003.png").unlink()
    else:
        Path("data/ship/003.png").rename("data/cat/z03.png")
    predict(shard=(1, 2))
    error = refused(lambda: reportgen.merge("run1", out="m"), "shards-listing", DataError)
    assert "47 samples" in error.details[0]
    assert {"added": "48", "removed": "46", "moved": "47"}[change] in error.details[0]


def rewritten(path, change_rows=None, **changes):
    """The part with other rows, or other fields of its header."""
    table = pq.read_table(path)
    header = json.loads(table.schema.metadata[PART_KEY])
    header |= changes
    if change_rows is not None:
        table = change_rows(table)
        header["rows"] = len(table)
    metadata = {PART_KEY: json.dumps(header).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), path, write_page_checksum=True)


def relabelled(table):
    labels = table["label"].to_pylist()
    labels[1] = 2 if labels[1] != 2 else 0
    at = table.column_names.index("label")
    return table.set_column(at, table.schema.field("label"), pa.array(labels, pa.int32()))


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.slice(1),
        lambda t: pa.concat_tables([t, t.slice(0, 1)]),
        lambda t: pa.concat_tables([t.slice(1), t.slice(0, 1)]),
        relabelled,
    ],
    ids=["removed", "doubled", "moved", "relabelled"],
)
def test_rows_that_are_not_those_of_the_listing_are_refused(here, change):
    shards(3)
    rewritten("run1/shards/00001-of-00003.parquet", change)
    error = refused(lambda: reportgen.merge("run1", out="m", max_bad=9), "shards-rows", DataError)
    assert "47 samples" in error.message
    assert not Path("m/predictions.parquet").exists()


def test_outputs_that_were_decided_differently_are_refused(here):
    shards(2)
    path = Path("run1/shards/00001-of-00002.parquet")
    identity = PartFile.open(path).header.identity
    rewritten(path, identity={**identity, "outputs_as_decided": "probabilities"})
    error = refused(lambda: reportgen.merge("run1", out="m"), "shards-outputs", UsageError)
    assert "--outputs logits" in error.hint
    assert "outputs as decided: logits in" in error.details[0]


@pytest.mark.parametrize(
    "damage", ["cut", "empty", "flipped", "table", "version", "header", "rows"]
)
def test_a_damaged_part_is_named(here, damage):
    shards(2)
    path = Path("run1/shards/00001-of-00002.parquet")
    content = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(content[:-100])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "flipped":
        content[200] ^= 255
        path.write_bytes(content)
    elif damage == "table":
        pq.write_table(pa.table({"x": [1]}), path)
    elif damage == "version":
        rewritten(path, part=PART_VERSION + 1)
    elif damage == "header":
        rewritten(path, total=-1)
    else:
        rewritten(path, rows=3)
    error = refused(lambda: reportgen.merge("run1", out="m", max_bad=9), "part-damaged", DataError)
    assert '"00001-of-00002.parquet"' in error.message
    assert reportgen.merge_status("run1").missing == (1,)
    predict(shard=(1, 2), force=damage in ("version",))
    reportgen.merge("run1", out="m", max_bad=9)


def test_the_reason_is_told_in_whole_words(here):
    """Not with the name of the folder cut out of them."""
    for folder in ("r", "cor"):
        shards(1, out=folder)
        part = Path(folder, "shards/00000-of-00001.parquet")
        part.write_bytes(part.read_bytes()[:-100])
        files = [part.rename(Path(folder, part.name))]
        error = refused(lambda files=files: reportgen.merge(files, out="m"), "part-damaged")
        assert "corrupted" in error.message
        assert f"{folder}/" not in error.message


def test_a_byte_that_changed_anywhere_is_seen_or_changes_no_row(here):
    part = predict(shard=(1, 3))
    content, rows = part.path.read_bytes(), [t.to_pylist() for t in part.read()]
    n_seen = 0
    for at in range(5, len(content), len(content) // 60):
        part.path.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
        try:
            found = [t.to_pylist() for t in PartFile.open(part.path).read()]
        except DataError as error:
            n_seen += error.slug == "part-damaged"
        else:
            assert repr(found) == repr(rows), at  # statistics, say, which nobody reads
    assert n_seen > 20


def test_a_predictions_file_is_no_part(here):
    predict("run1", max_bad=9)
    for given in ("run1", "run1/predictions.parquet"):
        error = refused(lambda given=given: reportgen.merge(given, out="m"), "shards-missing")
        assert error.message == 'there are no parts in "run1", only "predictions.parquet"'
    shards(2, out="run2")
    both = ["run2", "run1/predictions.parquet"]
    refused(lambda: reportgen.merge(both, out="m", max_bad=9), "part-damaged", DataError)
    Path("run1/predictions.parquet").rename("run1/other.parquet")
    error = refused(lambda: reportgen.merge("run1", out="m"), "part-damaged", DataError)
    assert error.message == '"other.parquet" is not a part file of predictions'


@pytest.mark.parametrize("call", [reportgen.render, reportgen.compare])
@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_part_is_no_input_of_a_report(here, call, what):
    shards(2)
    given = "run1/shards" if what == "folder" else "run1/shards/00001-of-00002.parquet"
    arguments = (given,) if call is reportgen.render else (given, given)
    error = refused(lambda: call(*arguments, out="m"), "part-alone", DataError)
    assert "reportgen merge OUT -o OUT" in error.hint


def test_other_machines_are_told_and_no_reason_to_refuse(here):
    shards(3)
    path = Path("run1/shards/00001-of-00003.parquet")
    header = PartFile.open(path).header
    by = header.facts.provenance
    other = replace(
        by,
        inference={**by.inference, "device": "cuda (Another)"},
        versions={**by.versions, "pillow": "1"},
    )
    changed = replace(header, facts=replace(header.facts, provenance=other, forward_size=2))
    rewritten(path, facts=json.loads(changed.to_text())["facts"])
    merged = reportgen.merge("run1", out="m", max_bad=9)
    notes = {note.code: note.sentence for note in merged.facts.notes}
    assert "device cpu, cuda (Another)" in notes["shards-devices"]
    assert "pillow" in notes["shards-versions"]
    assert "out-of-memory" in notes
    assert merged.facts.provenance.inference["device"] == "cpu, cuda (Another)"
    assert "forward passes of 2" in merged.facts.provenance.inference["batch size"]


def test_a_header_comes_back_as_it_was(here):
    part = predict(shard=(1, 3))
    text = part.header.to_text()
    value = json.loads(text)
    assert {"part", "shard", "rows", "total", "listing", "identity", "facts"} <= set(value)
    assert (value["part"], value["shard"], value["rows"], value["total"]) == (1, [1, 3], 16, 47)
    assert "data" not in value["identity"]
    assert isinstance(part.header, PartHeader)
    assert str(here) not in text


def test_merging_needs_no_torch(here):
    shards(2)
    program = (
        "import sys\n"
        "for name in ('torch', 'torchvision'): sys.modules[name] = None\n"
        "import reportgen\n"
        "reportgen.merge('run1', out='m', max_bad=9)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
    assert contents("m") == single()


def test_status_and_merge_are_told_apart(here):
    refused(lambda: reportgen.merge("run1", out=None), "option-conflict", UsageError)
    refused(lambda: reportgen.merge_status("run1", out="m"), "option-conflict", UsageError)


# The command line


def command(*words):
    with mock.patch.object(sys, "argv", ["reportgen", *map(str, words)]):
        return process.exit_code_of(lambda: cli.command([str(word) for word in words]))


PREDICT = ("predict", "net.py:make", "data", "--classes", "names.txt", "--batch-size", 4)


def test_commands_say_what_they_made_and_what_is_missing(here, capsys):
    assert command(*PREDICT, "--shard", "1/3", "-o", "run1") == 0
    assert capsys.readouterr().out.splitlines() == [
        "shard 1/3: saved 16 samples of 47 (2 can't be used)",
        "file: run1/shards/00001-of-00003.parquet",
    ]
    assert command("merge", "run1", "--status") == 3
    assert capsys.readouterr().out.splitlines() == [
        "complete: 1 of 3 shards, 16 of 47 samples",
        "missing: 0,2 of 3",
        "predict the first: reportgen predict net.py:make data --shard 0/3 -o OUT "
        "--classes names.txt --batch-size 4",
    ]
    assert command("merge", "run1", "-o", "merged") == 3
    assert "errors.md#shards-missing" in capsys.readouterr().err
    for shard in ("0/3", "2/3"):
        assert command(*PREDICT, "--shard", shard, "-o", "run1") == 0
    assert command("merge", "run1", "--status") == 0
    assert command("merge", "run1/shards", "-o", "merged", "--max-bad", 4) == 0
    assert contents("merged") == single() | {"predictions.parquet": ANY}


def test_a_scheduler_numbers_the_shard(here, capsys, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert command(*PREDICT, "--shard", "auto", "-o", "run1") == 0
    assert "shard 1/3" in capsys.readouterr().out
    assert command(*PREDICT, "-o", "whole", "--max-bad", 9) == 0  # not a shard unless asked
    assert not Path("whole/shards").exists()


def test_commands_that_cannot_be_meant_say_which_can(here, capsys):
    for words, code, told in (
        ((*PREDICT, "--shard", "3/3", "-o", "x"), 2, "--shard 2/3"),
        (("run", *PREDICT[1:], "--shard", "0/3", "-o", "x"), 2, "reportgen merge"),
        (("merge", "run1"), 2, "-o OUT"),
        (("merge", "run1", "--status", "-o", "x"), 2, "omit -o"),
        (("merge", "run1", "-o", "x"), 3, "predict MODEL DATA --shard 0/8"),
    ):
        assert command(*words) == code, words
        assert told in capsys.readouterr().err
    assert not Path("x").exists()


# Real processes


def words_of(*more):
    return [sys.executable, "-m", "reportgen", *map(str, (*PREDICT, *more))]


SLOW = NETWORKS.replace("return x.mean", "import time; time.sleep(0.05); return x.mean")


def has_parts(folder: Path, n: int) -> bool:
    """Whether `folder` has `n` finished parts: one being written has a dot before its name."""
    return len(list(folder.glob("[!.]*.parquet"))) >= n


@pytest.mark.slow
def test_a_shard_that_is_killed_at_any_moment_goes_on_to_the_same_bytes(here):
    Path("net.py").write_text(SLOW)
    starter = [sys.executable, "-c",
               "import reportgen.inference.loop as loop; loop.PART_ROWS = 4\n"
               "from reportgen.cli import main; main()"]  # fmt: skip
    words = list(map(str, (*PREDICT, "--shard", "1/2", "-o", "run1")))
    begun = Path("run1/shards/00001-of-00002.partial")
    moment = random.Random()
    for round_ in range(2):
        at_least = round_ * 2 + moment.randrange(1, 3)
        with started([*starter, *words]) as process:
            wait_for(partial(has_parts, begun, at_least), process)
    n_before = reportgen.merge_status("run1").begun[1]
    assert n_before >= 12
    subprocess.run([*starter, *words], check=True, timeout=120, capture_output=True)
    assert not begun.exists()
    predict(shard=(0, 2))
    reportgen.merge("run1", out="m", max_bad=9)
    assert contents("m") == single()


@pytest.mark.slow
def test_processes_of_different_shards_run_at_once(here):
    Path("net.py").write_text(SLOW)
    both = [
        subprocess.Popen(words_of("--shard", f"{i}/2", "-o", "run1"), stderr=subprocess.PIPE)
        for i in range(2)
    ]
    assert [(one.communicate(timeout=120), one.returncode)[1] for one in both] == [0, 0]
    reportgen.merge("run1", out="m", max_bad=9)
    assert contents("m") == single()


@pytest.mark.slow
def test_two_processes_of_one_shard_write_one_part(here):
    Path("net.py").write_text(SLOW)
    both = [
        subprocess.Popen(
            words_of("--shard", "0/1", "-o", "run1"), stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    told = [one.communicate(timeout=120)[1] for one in both]
    codes = sorted(one.returncode for one in both)
    if codes == [0, 5]:
        assert any("#output-busy" in text for text in told)
    else:  # the second came when the first was done
        assert codes == [0, 0]
        assert any("is complete" in text for text in told)
    reportgen.merge("run1", out="m", max_bad=9)
    assert contents("m") == single()


@pytest.mark.slow
def test_torchrun_starts_the_shards_again_and_whole_parts_stay(here):
    """One rank is killed at its first try; the others' parts are whole by then, or go on."""
    Path("net.py").write_text(
        NETWORKS
        + "import os, pathlib, signal\n"
        + "tried = pathlib.Path('tried')\n"
        + "if os.environ.get('RANK') == '1' and not tried.exists():\n"
        + "    tried.touch()\n"
        + "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    words = ["--standalone", "--nproc-per-node", "2", "--max-restarts", "1", "--no-python"]
    subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *words,
         *words_of("--shard", "auto", "-o", "run1")],
        check=True, timeout=240, capture_output=True,
    )  # fmt: skip
    assert Path("tried").exists()
    assert reportgen.merge_status("run1").missing == ()
    reportgen.merge("run1", out="m", max_bad=9)
    assert contents("m") == single()


@pytest.mark.slow
def test_an_exported_program_is_predicted_in_shards(here, request):
    import torch

    class Net(torch.nn.Module):
        def forward(self, x):
            return x.mean(dim=(2, 3)).flip(1) * 20

    program = torch.export.export(
        Net().eval(), (torch.zeros(2, 3, 8, 8),),
        dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
    )  # fmt: skip
    torch.export.save(program, "net.pt2", extra_files={"classes.json": '["cat", "dog", "ship"]'})
    options = {"model": "net.pt2", "classes": None}
    shards(3, **options)
    reportgen.merge("run1", out="m", max_bad=9)
    assert contents("m") == single(**options)
