"""Logs finished reports to experiment trackers."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.api.writing import report_of, require_trackers
from reportgen.errors import DeliveryError
from reportgen.options import EvaluationOptions, InputOptions, PageOptions
from reportgen.reporter import Reporter
from reportgen.review import report_folder
from reportgen.text import printable

if TYPE_CHECKING:
    from reportgen.trackers import Tracked, TrackedReport

__all__ = [
    "deliver",
    "track",
]


def track(
    source: str | Path,
    trackers: str | Sequence[str],
    *,
    track_predictions: bool = False,
    report_url: str = "",
    reporter: Reporter | None = None,
) -> tuple[Tracked, ...]:
    """Log a finished report to experiment trackers.

    Parameters
    ----------
    source
        The report's folder, or its ``report.json``.
    trackers
        ``"mlflow"``, ``"wandb"``, ``"tensorboard"`` or ``"tensorboard:DIR"``, one or several. If
        the tracker's library has an active run, the report is logged to it and the run stays open.
    track_predictions
        Whether ``predictions.parquet`` and ``bad.csv``, which name every sample, are logged too.
    report_url
        Address of the page, for readers.

    Raises
    ------
    UsageError
        The library of a tracker is not installed.
    DeliveryError
        A tracker failed, after all of them were tried: exit code 8.
    """
    page = PageOptions.of(
        {"track": trackers, "track_predictions": track_predictions, "report_url": report_url}
    )
    require_trackers(page)
    return _log([report_folder(source)], page, reporter or Reporter())


def deliver(
    folders: Iterable[Path], options: Mapping[str, Any], reporter: Reporter | None = None
) -> None:
    """Log the reports in `folders` to the trackers named in `options`, if any."""
    names = ("track", "track_predictions", "report_url")
    page = PageOptions.of({name: options[name] for name in names if options.get(name)})
    if page.track:
        _log(folders, page, reporter or Reporter())


def _log(folders: Iterable[Path], page: PageOptions, reporter: Reporter) -> tuple[Tracked, ...]:
    """Log every report to every tracker; failures are raised at the end."""
    from reportgen.trackers import log_report

    done, failures = [], []
    for folder in folders:
        report = _read(folder, page)
        for tracker in dict.fromkeys(page.track):
            try:
                done.append(log_report(tracker, report, _again(folder, tracker, page)))
                reporter.say(f"{done[-1].tracker}: {printable(done[-1].place)}")
            except DeliveryError as error:
                failures.append(error)
    if failures:
        raise _together(failures, done)
    return tuple(done)


def _read(folder: Path, page: PageOptions) -> TrackedReport:
    from reportgen.api.checking import read_review  # imports the comparison code
    from reportgen.trackers import read_report

    review = read_review(folder / "report.json", InputOptions(), EvaluationOptions())
    return read_report(
        folder, review, report_of(review, None, page), url=page.report_url,
        predictions=page.track_predictions,
    )  # fmt: skip


def _again(folder: Path, tracker: str, page: PageOptions) -> str:
    """The command that logs the report to this tracker only."""
    words = ["reportgen", "track", str(folder), tracker]
    words += ["--track-predictions"] if page.track_predictions else []
    words += ["--report-url", page.report_url] if page.report_url else []
    return shlex.join(words)


def _together(failures: Sequence[DeliveryError], done: Sequence[Tracked]) -> DeliveryError:
    """The first failure, with the others and the command to retry each, and what was logged."""
    first, *rest = failures
    others = [line for error in rest for line in (error.message, *error.details, error.hint or "")]
    logged = [f"{one.tracker} has the report: {printable(one.place)}" for one in done]
    first.details = (*first.details, *others, *logged)
    return first
