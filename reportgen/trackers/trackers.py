"""Selects trackers, checks their libraries, and logs to them."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

from reportgen.errors import DeliveryError, UsageError
from reportgen.text import middle_cut, printable, without_secrets
from reportgen.trackers.tracked import TrackedReport

__all__ = [
    "Tracked",
    "log_report",
    "require_library",
]


LIBRARIES = {"mlflow": "mlflow-skinny", "wandb": "wandb", "tensorboard": "tensorboard"}
"""Name of a tracker, and of its module → package to install."""


DATABASES = ("sqlite", "mysql", "postgresql", "mssql")
"""Schemes of tracking URIs for which MLflow needs SQLAlchemy."""


SECRETS = (
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "WANDB_API_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_CONNECTION_STRING",
)
"""Environment variables with secrets, which no message may contain."""


MOST_LINES, LONGEST = 3, 300


class Tracked(NamedTuple):
    """The place of a report in a tracker: `place` is the address, folder or id of its run."""

    tracker: str
    place: str


def require_library(tracker: str) -> None:
    """Raise :class:`UsageError` if the library of `tracker` (``"tensorboard:runs"``) is missing.

    ``tracker-missing``: it is not installed; ``tracker-database``: it lacks what the tracking URI
    needs.
    """
    name = tracker.partition(":")[0]
    spec = find_spec(name)
    # a folder of that name, as W&B creates, is not a library
    if spec is None or spec.origin is None:
        raise UsageError(
            f"--track {name} requires {name}, which is not installed",
            slug="tracker-missing",
            hint=f"install it: pip install {LIBRARIES[name]}",
        )
    if name == "mlflow" and find_spec("sqlalchemy") is None:
        _require_no_database()


def _require_no_database() -> None:
    """Refuse databases with the light package, which only supports servers."""
    scheme = ""
    with contextlib.suppress(Exception):  # reported when the report is logged
        import mlflow

        scheme = mlflow.get_tracking_uri().partition(":")[0].partition("+")[0]
    if scheme in DATABASES:
        raise UsageError(
            f"MLflow tracks to a {scheme} database, and mlflow-skinny cannot write to one",
            slug="tracker-database",
            hint="install the full package: pip install mlflow; or set MLFLOW_TRACKING_URI to the "
            "address of a server",
        )


def log_report(tracker: str, report: TrackedReport, again: str) -> Tracked:
    """Log a report to a tracker: to its active run, which stays open, or to a new one.

    Raises
    ------
    DeliveryError
        The tracker failed; the report itself is written, and the command `again` retries.
    """
    name, _, place = tracker.partition(":")
    try:
        module = import_module(f"reportgen.trackers.{name}_runs")
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")  # of one library about another
            return Tracked(name, module.log(report, *filter(None, [place])))
    except (Exception, SystemExit) as error:
        raise DeliveryError(
            f"{name} could not store the report",
            slug="tracker-failed",
            details=_told(error),
            hint=f"the report is complete; try again: {printable(again)}",
        ) from None


def _told(error: BaseException) -> list[str]:
    """The first lines of a library's message, without secrets."""
    text = without_secrets(f"{type(error).__name__}: {error}")
    for name in SECRETS:
        if len(secret := os.environ.get(name, "")) > 3:
            text = text.replace(secret, "***")
    lines = [printable(line.strip()) for line in text.splitlines() if line.strip()]
    return [middle_cut(line, LONGEST) for line in lines[:MOST_LINES]]
