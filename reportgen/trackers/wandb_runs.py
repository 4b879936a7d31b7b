"""Logs a report as a Weights & Biases run: summary, matrix, gates, page, and an artifact."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reportgen.trackers.tracked import PREFIX, TrackedReport

__all__ = [
    "log",
]


QUIET = {
    "host": "",
    "silent": True,
    "console": "off",
    "disable_git": True,
    "save_code": False,
    "disable_job_creation": True,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_save_requirements": False,
}
"""Record nothing about the machine, as far as W&B permits.

That is, no metadata, git, packages, console or code.
"""


MOST_NAME = 128


def log(report: TrackedReport) -> str:
    """Log the report; return the address of its run, or the folder of an offline one."""
    import wandb

    with _run(wandb, report) as run:
        run.summary.update({**report.metrics, **_facts(report)})
        run.log(dict(_media(wandb, report)))
        run.log_artifact(_artifact(wandb, report))
        return _shown(Path(run.dir).parent) if run.offline else str(run.url)


@contextmanager
def _run(wandb: Any, report: TrackedReport) -> Iterator[Any]:
    """The active run, left open; otherwise a new one, closed as failed if the block fails."""
    if wandb.run is not None:
        yield wandb.run
        return
    run = wandb.init(name=report.name, job_type="evaluation", settings=wandb.Settings(**QUIET))
    try:
        yield run
    except BaseException:
        run.finish(exit_code=1)
        raise
    run.finish()


def _shown(folder: Path) -> str:
    """The folder for ``wandb sync``."""
    here = Path.cwd()
    return str(folder.relative_to(here) if folder.is_relative_to(here) else folder)


def _facts(report: TrackedReport) -> dict[str, str]:
    return {PREFIX + name: text for name, text in report.facts.items()}


def _media(wandb: Any, report: TrackedReport) -> Iterator[tuple[str, Any]]:
    if report.cells:
        names = report.classes
        rows = [[names[true], names[predicted], count] for true, predicted, count in report.cells]
        table = wandb.Table(columns=["Actual", "Predicted", "nPredictions"], data=rows)
        fields = {name: name for name in ("Actual", "Predicted", "nPredictions")}
        yield (
            f"{PREFIX}confusion_matrix",
            wandb.plot_table(
                "wandb/confusion_matrix/v1", table, fields, {"title": "Confusion matrix"}
            ),
        )
    if report.picture:
        from PIL import Image

        yield f"{PREFIX}matrix", wandb.Image(Image.open(io.BytesIO(report.picture[0])))
    if report.gates:
        data = [list(row) for row in report.gates]
        yield f"{PREFIX}gates", wandb.Table(columns=list(report.gate_heads), data=data)
    if report.page:
        yield f"{PREFIX}report", wandb.Html(report.page.read_text("utf-8"), inject=False)


def _artifact(wandb: Any, report: TrackedReport) -> Any:
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", f"reportgen-{report.name}")[:MOST_NAME]
    artifact = wandb.Artifact(name, type="evaluation")
    for file, path in report.files:
        artifact.add_file(str(path), name=file)
    return artifact
