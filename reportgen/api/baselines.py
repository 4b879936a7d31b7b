"""Baselines of a team: saved under a name, and their history."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from reportgen.errors import OutputError, UsageError
from reportgen.evaluation import Evaluation
from reportgen.files import write_text
from reportgen.options import DEFAULT_FOLDER, EvaluationOptions, InputOptions
from reportgen.paths import output_path
from reportgen.review import (
    Baselines,
    HistoryEntry,
    Review,
    load_input,
    open_review,
    require_counts,
)
from reportgen.text import quoted

__all__ = [
    "history",
    "save_baseline",
]


def save_baseline(
    source: Any,
    name: str,
    *,
    folder: str | Path = DEFAULT_FOLDER,
    force: bool = False,
    **reading: Any,
) -> Path:
    """Keep an evaluation under a name, for ``--baseline NAME``.

    Parameters
    ----------
    source
        A run's output folder, or what :func:`render` takes. Where samples are known, their
        predictions are kept too, so that a later comparison is paired.
    name
        1 to 64 letters, digits, dots, dashes and underscores.
    folder
        The folder of baselines: small, without images and absolute paths, fit to be committed.
    force
        Whether a baseline of that name may be replaced.
    **reading
        How to read `source`: the options of :func:`load`.

    Returns
    -------
    The folder of the baseline.
    """
    options, figures = InputOptions.of(reading), EvaluationOptions()
    with tempfile.TemporaryDirectory(prefix="reportgen-") as spool:
        store = Baselines(Path(folder))
        store.require_free(name, force=force)
        review = open_review(source, options, figures, Path(spool))
        require_counts(review.evaluation, "a baseline")
        side = load_input(source, options, figures, Path(spool), rows_first=True)
        if side.rows is not None:
            counted = side.evaluated(figures)
            if not _same_samples(counted, review.evaluation):
                review = Review.of(counted)
        return store.save(name, review.evaluation, side.rows, review.decision.verdict, force=force)


def _same_samples(rows: Evaluation, report: Evaluation) -> bool:
    """Whether a report is of all samples in the predictions beside it: a report of a comparison
    may be of a part, or the predictions may be newer. Then the predictions count, since later
    comparisons are made with them.
    """
    return rows.classes == report.classes and rows.confusion == report.confusion


def history(
    folder: str | Path = DEFAULT_FOLDER, *, out: str | Path | None = None, force: bool = False
) -> tuple[HistoryEntry, ...]:
    """Every evaluation that was saved in a folder of baselines, oldest first.

    `out` is an HTML page to write of it; it is replaced only with `force`. Raises
    :class:`UsageError` where there is no such folder.
    """
    place = Path(folder)
    if not place.is_dir():
        raise UsageError(
            f"there is no folder of baselines {quoted(place.name)}",
            slug="baselines-missing",
            hint="save one first: reportgen baseline save OUT NAME, or pass another --baselines",
        )
    entries = Baselines(place).history()
    if out is not None:
        from reportgen.rendering import render_history

        page = output_path(out)
        _guard(page, force=force)
        write_text(page, render_history(entries))
    return entries


def _guard(target: Path, *, force: bool) -> None:
    if target.exists() and not force:
        raise OutputError(
            f"{quoted(target.name)} already exists",
            slug="output-exists",
            hint="replace it: --force     or choose another file with -o",
        )
