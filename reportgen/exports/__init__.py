"""How a report looks: one file an output. All of them read the same values."""

from __future__ import annotations

from pathlib import Path

from reportgen.evaluation import Evaluation
from reportgen.files import write_text
from reportgen.report import Report

__all__ = ["write_all"]


def write_all(
    report: Report, evaluation: Evaluation, folder: Path, *, max_bytes: int | None = None
) -> tuple[str, ...]:
    """Write every output into `folder`, the page last: where it stands, all else does too.

    Returns what to warn of. Raises :class:`~reportgen.errors.OutputError` where a file can't be
    written, or where the page would be over `max_bytes`, by default 10 MB.
    """
    from reportgen.exports import csv, json, sizing

    page = sizing.fitting_page(report)
    write_text(folder / "per_class.csv", csv.per_class(evaluation))
    write_text(folder / "confusion.csv", csv.confusion(evaluation))
    write_text(folder / "pairs.csv", csv.pairs(evaluation))
    write_text(folder / "report.json", json.render(evaluation))
    limit = sizing.MAX_BYTES if max_bytes is None else max_bytes
    warning = sizing.size_warning(page, max_bytes=limit)
    write_text(folder / "report.html", page)
    return (warning,) if warning else ()
