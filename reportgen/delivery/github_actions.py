"""GitHub Actions: the job summary, and gates as annotations."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.reporter import Reporter

if TYPE_CHECKING:
    from reportgen.report import Report

__all__ = [
    "announce",
]


MOST_ERRORS = 10
"""GitHub shows at most this many annotations of one kind per step."""


def announce(report: Report, summary: Path, reporter: Reporter) -> None:
    """Append `summary` to the job summary, and report gates that did not pass as annotations.

    Only on GitHub Actions: ``GITHUB_STEP_SUMMARY`` names the file, and ``GITHUB_ACTIONS`` is
    ``true``. If the job summary can't be written, a warning is reported.
    """
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if file:
        try:
            with Path(file).open("a", encoding="utf-8") as stream:
                stream.write(summary.read_text(encoding="utf-8"))
        except OSError as error:
            reporter.warn(f"the job summary can't be written: {error.strerror}")
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in workflow_commands(report):
            reporter.annotate(line)


def workflow_commands(report: Report) -> Iterator[str]:
    """A workflow command for each gate that blocks the release, then for each warning."""
    rows = report.gates.rows if report.gates else ()
    open_gates = [row for row in rows if row.status in ("failed", "inconclusive")]
    found = {
        "error": [(str(row.name), row.sentence) for row in open_gates if not row.weight],
        "warning": [(str(row.name), row.sentence) for row in open_gates if row.weight],
    }
    for level, gates in found.items():
        yield from _commands(level, gates)


def _commands(level: str, gates: Sequence[tuple[str, str]]) -> Iterator[str]:
    shown = gates if len(gates) <= MOST_ERRORS else gates[: MOST_ERRORS - 1]
    for name, sentence in shown:
        yield f"::{level} title={_property(name)}::{_data(sentence)}"
    if len(shown) < len(gates):
        rest = f"{len(gates) - len(shown)} further gates: see the report"
        yield f"::{level} title=Release gates::{rest}"


def _data(text: str) -> str:
    """Escape a message for the runner; ``%`` first, since it is the escape character."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
