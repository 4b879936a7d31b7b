"""An offline run of Weights & Biases, read back from its file."""

from __future__ import annotations

import json
import socket
import struct
from pathlib import Path

import pytest

import reportgen

pytestmark = pytest.mark.extra
wandb = pytest.importorskip("wandb", reason="wandb is not installed")

SECRET = "canary" * 8


@pytest.fixture
def offline(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("WANDB_DIR", "WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_API_KEY", SECRET)
    yield tmp_path
    wandb.teardown()


def records(folder):
    """The records of a ``.wandb`` file: blocks of a LevelDB log, 7 bytes of its own before them."""
    from wandb.proto.wandb_internal_pb2 import Record

    wandb.teardown()  # its service writes on after a run is finished
    [path] = Path(folder).glob("*.wandb")
    data, at, parts = path.read_bytes(), 7, b""
    assert data.startswith(b":W&B")
    while at + 7 <= len(data):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        _, n, kind = struct.unpack_from("<IHB", data, at)
        parts = (b"" if kind in (1, 2) else parts) + data[at + 7 : at + 7 + n]
        at += 7 + n
        if kind in (1, 4):
            record = Record()
            record.ParseFromString(parts)
            yield record


def kept(folder):
    """What the run keeps: its summary, and the names in its artifact."""
    summary, files, run = {}, set(), None
    for record in records(folder):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            run = record.run
        elif kind == "summary":
            for item in record.summary.update:
                summary["/".join(item.nested_key) or item.key] = json.loads(item.value_json)
        elif kind == "artifact" and record.artifact.type == "evaluation":
            files |= {entry.path for entry in record.artifact.manifest.contents}
    return run, summary, files


def test_an_offline_run_holds_summary_matrix_gates_and_files(written, offline):
    [tracked] = reportgen.track(written, "wandb")
    assert tracked.place.startswith("wandb/offline-run-"), "as `wandb sync` takes it"
    run, summary, files = kept(tracked.place)
    said = json.loads((written / "report.json").read_text())
    for name, metric in said["summary"].items():
        assert summary.get(f"reportgen/{name}") == metric["value"]
    assert summary["reportgen/verdict"] == said["verdict"]
    assert summary["reportgen/reason"] == said["reason"]
    assert (run.display_name, run.host, run.job_type) == ("net 1.2", "", "evaluation")
    assert {"report.html", "report.json", "junit.xml", "confusion.csv"} <= files
    assert "predictions.parquet" not in files
    media = Path(tracked.place) / "files/media"
    [page] = media.rglob("report*.html")
    assert page.read_bytes() == (written / "report.html").read_bytes()
    [gates] = media.rglob("gates*.json")
    assert json.loads(gates.read_text())["data"][0][:2] == ["Failed", "floor"]
    [matrix] = media.rglob("confusion_matrix*.json")
    rows = json.loads(matrix.read_text())
    assert rows["columns"] == ["Actual", "Predicted", "nPredictions"]
    assert ["cat", "dog", 2] in rows["data"]
    assert wandb.run is None


def test_nothing_of_the_machine_and_no_secret_is_in_what_is_sent(written, offline):
    [tracked] = reportgen.track(written, "wandb")
    everything = b"".join(path.read_bytes() for path in offline.rglob("*") if path.is_file())
    assert SECRET.encode() not in everything
    host = f'"{socket.gethostname()}"'
    for record in records(tracked.place):
        kind = record.WhichOneof("record_type")
        assert kind not in ("environment", "output", "output_raw", "stats"), kind
        assert host not in str(record.run), "host name"
    sent = {path.name for path in (Path(tracked.place) / "files").rglob("*") if path.is_file()}
    assert not sent & {
        "requirements.txt",
        "wandb-metadata.json",
        "output.log",
        "conda-environment.yaml",
    }


def test_an_active_run_takes_the_report_and_stays_open(written, offline):
    with wandb.init(settings=wandb.Settings(silent=True, console="off")) as run:
        run.summary["mine"] = 1
        [tracked] = reportgen.track(written, "wandb")
        assert wandb.run is run
    _, summary, files = kept(tracked.place)
    assert (summary["mine"], summary["reportgen/verdict"]) == (1, "DO NOT SHIP")
    assert "report.html" in files
