"""Saved inputs in a bucket: the same bytes as from a disk, and nothing of the bucket is shown."""

import os
import subprocess
import sys
import time

import pytest

import reportgen
from reportgen.errors import DataError, UsageError
from tests.storage.servers import BUCKET, KEY_ID, SECRET, silent_server

pytestmark = pytest.mark.extra


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def command(*words, cwd, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "reportgen", *map(str, words)],
        cwd=cwd, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done


@pytest.mark.parametrize(
    "name", ["val.csv", "val.parquet", "ours.parquet", "parts", "parts/*.parquet", "hive", "report"]
)
def test_an_input_of_a_bucket_makes_the_bytes_of_a_local_one(name, bucket, tables, tmp_path):
    bucket.put(tables, "runs/7")
    reportgen.render(tables / name, out=tmp_path / "local")
    reportgen.render(bucket.address(f"runs/7/{name}"), out=tmp_path / "remote")
    assert files_of(tmp_path / "remote") == files_of(tmp_path / "local")
    for content in files_of(tmp_path / "remote").values():
        bucket.refuse_words(content.decode("utf-8", "replace"))


@pytest.mark.parametrize("name", ["val.csv", "ours.parquet", "report"])
def test_a_baseline_of_a_bucket_is_one(name, bucket, tables, tmp_path):
    bucket.put(tables, "runs")
    for place, given in (("local", tables / name), ("remote", bucket.address(f"runs/{name}"))):
        reportgen.render(tables / "val.parquet", out=tmp_path / place, baseline=str(given))
    assert files_of(tmp_path / "remote") == files_of(tmp_path / "local")
    assert "--baseline" in (tmp_path / "remote/report.json").read_text() or name == "report"


def test_several_candidates_of_a_bucket_get_names_without_it(bucket, tables, tmp_path):
    bucket.put(tables, "runs")
    done = command(
        "compare", bucket.address("runs/val.csv"), bucket.address("runs/ours.parquet"),
        bucket.address("runs/val.parquet"), "-o", "out", cwd=tmp_path,
    )  # fmt: skip
    assert {"1-ours", "2-val"} < {path.name for path in (tmp_path / "out").iterdir()}
    bucket.refuse_words(done.stdout + done.stderr)


def test_the_command_line_tells_nothing_of_the_bucket(bucket, tables, tmp_path):
    bucket.put(tables, "runs")
    good = command("render", bucket.address("runs/val.parquet"), "-o", "out", cwd=tmp_path)
    bad = command("render", bucket.address("runs/none.csv"), "-o", "o", cwd=tmp_path, code=3)
    assert '"none.csv"' in bad.stderr
    assert "input-missing" in bad.stderr
    for done in (good, bad):
        bucket.refuse_words(done.stdout + done.stderr)
    assert not (tmp_path / "o").exists()


def test_the_endpoint_of_the_environment_is_used(bucket, tables, monkeypatch):
    bucket.put(tables / "val.csv", "val.csv")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{bucket.port}")
    assert reportgen.load(f"s3://{BUCKET}/val.csv").n_samples == 100


def test_a_file_system_of_the_caller_s_is_used(bucket, tables):
    bucket.put(tables, "runs")
    for key in ("val.csv", "val.parquet", "parts"):
        found = reportgen.load(f"{BUCKET}/runs/{key}", filesystem=bucket.filesystem)
        assert found.n_samples == 100


def test_a_file_system_of_fsspec_is_used(tables):
    local = pytest.importorskip("fsspec.implementations.local").LocalFileSystem()
    assert reportgen.load(str(tables / "val.parquet"), filesystem=local).n_samples == 100


@pytest.mark.parametrize("stopped", [True, False])
def test_a_server_that_is_gone_ends_the_command_in_time(stopped, bucket, tmp_path, monkeypatch):
    from reportgen.storage import stores

    monkeypatch.setattr(stores, "REQUEST_SECONDS", 2)
    with silent_server() as silent:
        if stopped:
            bucket.stop()
        else:
            bucket.port = silent
        began = time.monotonic()
        with pytest.raises(DataError) as caught:
            reportgen.render(bucket.address("val.csv"), out=tmp_path / "out")
    assert time.monotonic() - began < 15
    assert (caught.value.slug, caught.value.exit_code) == ("address-unreachable", 3)
    assert "region" in caught.value.hint
    assert "tried 3 times" in caught.value.details[0]
    said = "nothing listens there" if stopped else "no response in time"
    assert caught.value.message == f'the address of "val.csv" can\'t be reached: {said}'
    bucket.refuse_words(str(caught.value) + repr(caught.value.__cause__))
    assert not (tmp_path / "out").exists()


def test_a_file_that_changes_between_two_passes_is_refused(bucket, tables, tmp_path):
    from pathlib import Path

    from reportgen.predictions import Predictions
    from reportgen.storage import found_at, typed_place

    bucket.put(tables / "ours.parquet", "p.parquet")
    place = found_at(
        typed_place(bucket.address("p.parquet"), "INPUT"), Path(tmp_path), rows_first=True
    )
    rows = Predictions.open(place)
    assert sum(len(batch["label"]) for batch in rows.batches("label")) == 100
    content = bytearray((tables / "ours.parquet").read_bytes())
    content[-9] ^= 1  # as long as before, another ETag
    (tmp_path / "other").write_bytes(content)
    passing = rows.batches("label")
    next(passing)
    bucket.put(tmp_path / "other", "p.parquet")
    with pytest.raises(DataError, match="was changed while it was read") as caught:
        list(passing)
    assert caught.value.slug == "input-changed"


def test_an_address_is_not_opened_where_none_is_taken(tables, tmp_path):
    for act in (
        lambda: reportgen.check("s3://bucket/report.json", fail_under="accuracy=0.5"),
        lambda: reportgen.save_baseline("s3://bucket/p.parquet", "main", folder=tmp_path),
        lambda: reportgen.render(tables / "val.csv", out="s3://bucket/out"),
        lambda: reportgen.render("https://host/p.csv", out=tmp_path / "o"),
        lambda: reportgen.render("hf://me/p.csv", out=tmp_path / "o"),
        lambda: reportgen.render(tables / "val.csv", out=tmp_path / "o", metadata="s3://b/m.csv"),
    ):
        with pytest.raises(UsageError) as caught:
            act()
        assert caught.value.slug == "remote-path"


def test_canaries_are_words_of_their_own():
    assert len({BUCKET, SECRET, KEY_ID}) == 3
    assert os.sep not in BUCKET
