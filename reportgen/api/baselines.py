"""Saved baselines of a team, and their history."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from reportgen.errors import OutputError, UsageError
from reportgen.evaluation import Evaluation
from reportgen.files import write_text
from reportgen.options import DEFAULT_FOLDER, EvaluationOptions, InputOptions
from reportgen.paths import local_path, output_path
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
    """Save an evaluation as a named baseline, for ``--baseline NAME``.

    Parameters
    ----------
    source
        A run's output folder, or any source of :func:`render`. Per-sample predictions are saved
        too, if available, so that later comparisons are paired.
    name
        1 to 64 letters, digits, dots, dashes and underscores.
    folder
        The folder of baselines: small, without images and absolute paths, suitable for version
        control.
    force
        Whether to overwrite an existing baseline of that name.
    **reading
        Options of :func:`load` for reading `source`.

    Returns
    -------
    The folder of the baseline.
    """
    options, figures = InputOptions.of(reading), EvaluationOptions()
    with tempfile.TemporaryDirectory(prefix="reportgen-") as spool:
        store = Baselines(local_path(folder, "--baselines"))
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
    """Whether a report has the same samples as the predictions beside it.

    A comparison report may cover only a part, or the predictions may be newer. In that case the
    predictions are used, since later comparisons need them.
    """
    return rows.classes == report.classes and rows.confusion == report.confusion


def history(
    folder: str | Path = DEFAULT_FOLDER, *, out: str | Path | None = None, force: bool = False
) -> tuple[HistoryEntry, ...]:
    """All evaluations saved in a folder of baselines, oldest first.

    `out` is an HTML page to write; it is overwritten only with `force`. Raises :class:`UsageError`
    if the folder does not exist.
    """
    place = local_path(folder, "--baselines")
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
