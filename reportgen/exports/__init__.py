"""How a report looks: one file an output. All of them read the same values."""

from __future__ import annotations

from pathlib import Path

from reportgen.evaluation import Evaluation
from reportgen.files import write_text
from reportgen.report import Report

__all__ = ["write_all"]


def write_all(report: Report, evaluation: Evaluation, folder: Path) -> None:
    """Write every output into `folder`, the page last: where it stands, all else does too.

    Raises :class:`~reportgen.errors.OutputError` where a file can't be written.
    """
    from reportgen.exports import csv, html, json

    page = html.render(report)
    write_text(folder / "per_class.csv", csv.per_class(evaluation))
    write_text(folder / "confusion.csv", csv.confusion(evaluation))
    write_text(folder / "pairs.csv", csv.pairs(evaluation))
    write_text(folder / "report.json", json.render(evaluation))
    write_text(folder / "report.html", page)
