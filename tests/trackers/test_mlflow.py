"""Runs of MLflow, read back by its client: of a file store, and of a server with its page."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import pytest

import reportgen
from reportgen.errors import DeliveryError, UsageError

pytestmark = pytest.mark.extra
mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed (mlflow-skinny)")


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A file store, which the light package knows without a server."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_LOGGING", "false")
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri())
    yield tmp_path
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_tracking_uri(None)


def the_run():
    [run] = mlflow.MlflowClient().search_runs(["0"])
    return run


def artifacts(run_id):
    client, found, todo = mlflow.MlflowClient(), set(), [""]
    while todo:
        for one in client.list_artifacts(run_id, todo.pop()):
            todo += [one.path] if one.is_dir else []
            found |= set() if one.is_dir else {one.path}
    return found


@pytest.mark.filterwarnings("ignore")
def test_a_run_holds_metrics_tags_gates_and_files(written, store):
    [tracked] = reportgen.track(written, "mlflow", report_url="https://example.org/r")
    run = the_run()
    assert tracked.place == f"run {run.info.run_id}"
    said = json.loads((written / "report.json").read_text())
    for name, metric in said["summary"].items():
        assert run.data.metrics.get(f"reportgen/{name}") == metric["value"]
    tags = run.data.tags
    assert tags["reportgen.verdict"] == said["verdict"]
    assert tags["reportgen.reason"] == said["reason"]
    assert tags["reportgen.report_url"] == "https://example.org/r"
    assert tags["mlflow.note.content"].startswith("## ⛔ DO NOT SHIP")
    assert (run.info.run_name, run.info.status) == ("net 1.2", "FINISHED")
    names = artifacts(run.info.run_id)
    assert {f"reportgen/{name}" for name in ("report.html", "report.json", "gates.json")} <= names
    assert "reportgen/predictions.parquet" not in names
    table = mlflow.MlflowClient().download_artifacts(run.info.run_id, "reportgen/gates.json", store)
    gates = json.loads(Path(table).read_text())
    assert dict(zip(gates["columns"], gates["data"][0], strict=True))["Status"] == "Failed"


@pytest.mark.filterwarnings("ignore")
def test_a_run_names_neither_user_nor_program_nor_commit(written, store, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "canary-1234567890")
    monkeypatch.setenv("USER", "canary-user")
    reportgen.track(written, "mlflow")
    tags = the_run().data.tags
    assert not [name for name in tags if name.startswith("mlflow.source.git")]
    assert tags["mlflow.source.name"] == tags["mlflow.user"] == "reportgen"
    everything = b"".join(path.read_bytes() for path in store.rglob("*") if path.is_file())
    assert b"canary" not in everything


@pytest.mark.filterwarnings("ignore")
def test_an_active_run_takes_the_report_keeps_its_note_and_stays_open(written, store):
    with mlflow.start_run() as active:
        mlflow.set_tag("mlflow.note.content", "my own words")
        reportgen.track(written, "mlflow")
        assert mlflow.active_run().info.run_id == active.info.run_id
    run = the_run()
    assert run.data.tags["mlflow.note.content"] == "my own words"
    assert run.data.tags["reportgen.verdict"] == "DO NOT SHIP"


def test_a_server_that_is_not_there_is_a_failed_delivery(written, store, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
    mlflow.set_tracking_uri("http://me:canary-1234567890@127.0.0.1:9")
    with pytest.raises(DeliveryError) as caught:
        reportgen.track(written, "mlflow")
    assert caught.value.slug == "tracker-failed"
    assert "canary" not in str(caught.value)
    assert "refused" in str(caught.value)


@pytest.mark.parametrize(
    ("address", "scheme"),
    [("sqlite:///runs.db", "sqlite"), ("postgresql+psycopg2://me:canary@host/x", "postgresql")],
)
def test_a_database_is_refused_before_any_work_under_the_light_package(
    address, scheme, tmp_path, store, monkeypatch
):
    monkeypatch.setattr(
        "reportgen.trackers.trackers.find_spec",
        lambda name: None if name == "sqlalchemy" else find_spec(name),
    )
    (tmp_path / "m.csv").write_text(",a,b\na,5,1\nb,0,5\n")
    mlflow.set_tracking_uri(address)
    with pytest.raises(UsageError) as caught:
        reportgen.render(tmp_path / "m.csv", out=tmp_path / "out", track="mlflow")
    assert caught.value.slug == "tracker-database"
    assert f"a {scheme} database" in str(caught.value)
    assert "pip install mlflow;" in str(caught.value)
    assert "canary" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A real ``mlflow server`` with a database, on this machine; skips with the light package."""
    if find_spec("flask") is None or find_spec("sqlalchemy") is None:
        pytest.skip("the server needs the full package: pip install mlflow")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{tmp_path}/db", "--artifacts-destination", str(tmp_path / "artifacts"),
    ]  # fmt: skip
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=tmp_path, stdout=log, stderr=log, start_new_session=True,
            env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
        )  # fmt: skip
    try:
        wait_for(f"{address}/health", process)
        mlflow.set_tracking_uri(address)
        yield address
    finally:
        mlflow.set_tracking_uri(None)
        os.killpg(process.pid, 15)
        process.wait(timeout=30)


def wait_for(url, process, seconds=120):
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail("the server did not start")


@pytest.mark.filterwarnings("ignore")
def test_the_page_of_a_server_shows_the_report(written, server, monkeypatch):
    """The report is in a sandboxed frame there: its numbers and its pictures come through."""
    [tracked] = reportgen.track(written, "mlflow")
    run = the_run()
    assert tracked.place == f"{server}/#/experiments/0/runs/{run.info.run_id}"
    browser = shutil.which("chromium")
    if browser is None or find_spec("playwright") is None:
        pytest.skip("no browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = running.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(60_000)
        page.goto(tracked.place)
        page.get_by_text("DO NOT SHIP").first.wait_for()
        page.goto(f"{tracked.place}/artifacts/reportgen/report.html")
        frame = page.frame_locator("iframe").first
        frame.get_by_role("heading", name="DO NOT SHIP").wait_for()
        if screens := os.environ.get("REPORTGEN_SCREENS"):
            page.screenshot(path=Path(screens) / "mlflow.png")
        running.close()
