"""Logs a report as an MLflow run: metrics, tags, a table of gates, and its files as artifacts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from reportgen.trackers.tracked import TrackedReport

__all__ = [
    "log",
]


ARTIFACTS = "reportgen"


NOTE, MOST_NOTE = "mlflow.note.content", 8000
"""The description of a run, which the UI renders as Markdown."""


OWN_TAGS = {"mlflow.user": "reportgen", "mlflow.source.name": "reportgen"}
"""Replace the user and program that MLflow would record."""


GIT_TAGS = ("mlflow.source.git.commit", "mlflow.source.git.branch", "mlflow.source.git.repoURL")


def log(report: TrackedReport) -> str:
    """Log the report; return the address or id of its run."""
    import mlflow

    with _run(mlflow, report) as run_id:
        client = mlflow.MlflowClient()
        mlflow.log_metrics(dict(report.metrics), run_id=run_id)
        for name, text in _tags(report, client.get_run(run_id).data.tags):
            client.set_tag(run_id, name, text)
        if report.gates:
            columns = dict(
                zip(report.gate_heads, map(list, zip(*report.gates, strict=True)), strict=True)
            )
            client.log_table(run_id, columns, f"{ARTIFACTS}/gates.json")
        for name, path in report.files:
            within = "/".join([ARTIFACTS, *name.split("/")[:-1]])
            client.log_artifact(run_id, str(path), within)
        return _address(mlflow, client.get_run(run_id))


@contextmanager
def _run(mlflow: Any, report: TrackedReport) -> Iterator[str]:
    """The active run, left open; otherwise a new one or that of MLFLOW_RUN_ID, then closed."""
    active = mlflow.active_run()
    if active is not None:
        yield active.info.run_id
        return
    with mlflow.start_run(run_name=report.name, tags=OWN_TAGS) as run:
        run_id = run.info.run_id
        for name in GIT_TAGS:
            if name in run.data.tags:
                mlflow.MlflowClient().delete_tag(run_id, name)
        yield run_id


def _tags(report: TrackedReport, known: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The tags, with a description unless the run has one."""
    for name, text in report.facts.items():
        yield f"reportgen.{name}", text
    if not known.get(NOTE):
        yield NOTE, report.summary(MOST_NOTE)


def _address(mlflow: Any, run: Any) -> str:
    place = mlflow.get_tracking_uri()
    told = f"run {run.info.run_id}"
    if place.startswith(("http:", "https:")):
        told = f"{place.rstrip('/')}/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"
    return told
