"""Output of the command line: progress and warnings to stderr, the result to stdout."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.evaluation import Evaluation, excluded_words
from reportgen.gates import Check, Decision
from reportgen.predictions import PartFile, Predictions
from reportgen.process import print_command, print_line
from reportgen.reporter import Reporter
from reportgen.review import HistoryEntry, SiteReport, sparkline
from reportgen.text import (
    count,
    encodable,
    enumerated,
    in_sentence,
    inert,
    interval_percent,
    middle_cut,
    percent,
    plural,
    printable,
    quoted,
)

if TYPE_CHECKING:
    from rich.progress import Progress

    from reportgen.api import ShardStatus
    from reportgen.comparison import Comparison
    from reportgen.review import Review

__all__ = [
    "ConsoleReporter",
    "print_decision",
    "print_history",
    "print_part",
    "print_predictions",
    "print_review",
    "print_saved",
    "print_site",
    "print_status",
    "print_summary",
    "print_versions",
]


_PLAIN_SECONDS = 5.0


_FIRST_SECONDS = 0.5
"""Seconds before the first progress line of a stage of unknown length, such as a listing."""


MOST_ADDED = 5
"""Maximum number of addresses of new reports to print."""


_LIBRARIES = (
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "pillow",
    "matplotlib",
    "seaborn",
    "jinja2",
    "safetensors",
    "typer",
    "rich",
    "scikit-learn",
)


class ConsoleReporter(Reporter):
    """A progress bar with rate and remaining time on a terminal, occasional lines elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Progress | None = None
        self._task: Any = None
        self._what, self._unit = "", ""
        self._total: int | None = None
        self._done = self._first = 0
        self._began = self._told = 0.0

    def begin(self, what: str, total: int | None, unit: str = "images") -> None:
        self.end()
        self._what, self._total, self._unit, self._done, self._first = what, total, unit, 0, -1
        self._began = self._told = time.monotonic()
        if total is None:
            self._told -= _PLAIN_SECONDS - _FIRST_SECONDS
        if not self._quiet and _is_terminal():
            self._bar = _bar(unit)
            self._bar.start()
            self._task = self._bar.add_task(what, total=total)

    def advance(self, n: int) -> None:
        if self._first < 0:
            self._first = n  # progress of the earlier run, not part of the rate
            self._began = time.monotonic()
        self._done += n
        if self._bar is not None:
            self._bar.advance(self._task, n)
        elif not self._quiet and time.monotonic() - self._told >= _PLAIN_SECONDS:
            self._told = time.monotonic()
            self._line(self._state())

    def end(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def say(self, line: str) -> None:
        if not self._quiet:
            self._line(line)

    def warn(self, line: str) -> None:
        self._line(f"warning: {line}")

    def annotate(self, command: str) -> None:
        print_command(command)

    def _line(self, line: str) -> None:
        if self._bar is not None:
            told = encodable(inert(line), self._bar.console.encoding)
            self._bar.console.print(told, markup=False, highlight=False, soft_wrap=True)
        else:
            print_line(f"reportgen: {line}", sys.stderr)

    def _state(self) -> str:
        rate = (self._done - self._first) / max(time.monotonic() - self._began, 1e-9)
        state = f"{self._what}: {count(self._done)}"
        if self._total is not None:
            state += f" of {count(self._total)} {self._unit}"
        if rate > 0:
            state += f", {count(round(rate))} {self._unit}/s"
            if self._total is not None:
                state += f", {_span((self._total - self._done) / rate)} left"
        return state


def _bar(unit: str) -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text("" if task.speed is None else f"{task.speed:,.0f} {unit}/s")

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _is_terminal() -> bool:
    import os

    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def print_summary(evaluation: Evaluation, path: str) -> None:
    """Print accuracy, lowest recall, worst pair, warnings, and the location of the report."""
    _print(*_summary(evaluation), f"report: {path}")


def print_review(review: Review, path: str) -> None:
    """Print the result, changes from the baseline, the verdict, and the location of the report."""
    comparison, decision = review.comparison, review.decision
    lines = _summary(review.evaluation)
    if comparison is not None:
        lines[:0] = _read_as(comparison.baseline, "baseline ")
    if comparison is not None:
        lines += _changes(comparison)
    lines += _verdict(decision) if decision.checks else ["gates: none set"]
    _print(*lines, f"report: {path}")


def print_decision(review: Review) -> None:
    """Print warnings, the verdict, and every gate that did not simply pass, failures first."""
    _print(*(f"warning: {one}" for one in review.cautions), *_verdict(review.decision))


def _print(*lines: str) -> None:
    for line in lines:
        print_line(printable(line))


def _summary(evaluation: Evaluation) -> list[str]:
    names = ("accuracy", "balanced_accuracy", "macro_precision")
    known = [name for name in names if evaluation.summary[name].value is not None]
    return [
        *_read_as(evaluation),
        *(_measured(evaluation, name) for name in known[:1]),
        *_expected_cost(evaluation),
        *_weakest(evaluation),
        *_worst_pair(evaluation),
        *_warnings(evaluation),
    ]


def _measured(evaluation: Evaluation, name: str) -> str:
    metric, samples = evaluation.summary[name], plural(evaluation.n_samples, "sample")
    span = f" (95% CI {interval_percent(metric.interval)})" if metric.interval else ""
    of = f"{span} of {samples}" if evaluation.shares is None else " (proportions only: no interval)"
    return f"{name.replace('_', ' ')}: {percent(metric.value or 0.0)}{of}"


def _expected_cost(evaluation: Evaluation) -> list[str]:
    """The expected cost, if costs are given."""
    if evaluation.costs is None:
        return []
    from reportgen.report import DEFINITIONS, Footnotes, cell

    found = cell(evaluation.summary["expected_cost"], DEFINITIONS["expected_cost"], Footnotes())
    span = f" (95% CI {found.range})" if found.range else ""
    return [f"expected cost: {found.text}{span}, by {evaluation.costs.source}"]


def _read_as(evaluation: Evaluation, which: str = "") -> list[str]:
    """How a saved input was read; nothing for a run of a model."""
    told = evaluation.provenance.read_as
    return [f"{which}read as {told}"] if told else []


def _warnings(evaluation: Evaluation) -> list[str]:
    return [f"warning: {note.sentence}" for note in evaluation.notes if note.severity == "warning"]


def _changes(comparison: Comparison) -> list[str]:
    """Change of accuracy, classes with significant changes, and notes on the matching."""
    saved_as = comparison.baseline_name
    against = f"vs baseline{f' {quoted(saved_as)}' if saved_as else ''}"
    if comparison.identical:
        lines = [f"{against}: identical predictions"]
    else:
        lines = [
            f"{against}: {_accuracy_change(comparison)}",
            *_cost_change(comparison),
            *_class_changes(comparison),
        ]
    notes = [note for note in comparison.notes if note.severity == "warning"]
    return lines + [f"warning: {note.sentence}" for note in notes]


def _accuracy_change(comparison: Comparison) -> str:
    from reportgen.report import DEFINITIONS, Footnotes, delta

    paired = comparison.paired
    change = delta(comparison.summary["accuracy"], DEFINITIONS["accuracy"], Footnotes())
    span = f" (95% CI {change.range})" if change.range else ""
    how = (
        "unpaired"
        if paired is None
        else f"fixed {count(paired.gained)}, regressed {count(paired.lost)}"
    )
    word = "not significant" if change.kind == "unclear" else "significant"
    return f"accuracy {change.text} pp{span}, {word}; {how}"


def _cost_change(comparison: Comparison) -> list[str]:
    """The change of expected cost, if costs are given."""
    from reportgen.report import DEFINITIONS, Footnotes, delta

    found = comparison.summary.get("expected_cost")
    if found is None:
        return []
    change = delta(found, DEFINITIONS["expected_cost"], Footnotes())
    span = f" (95% CI {change.range})" if change.range else ""
    word = "not significant" if change.kind == "unclear" else "significant"
    return [f"expected cost {change.text}{span}, {word}"]


def _class_changes(comparison: Comparison) -> list[str]:
    """The classes whose recall changed significantly, largest change first."""
    from reportgen.report import points

    def told(tendency: str) -> str:
        found = [one for one in comparison.classes if one.tendency == tendency]
        found.sort(key=lambda one: -abs(one.recall.difference or 0.0))
        names = comparison.candidate.classes
        return enumerated(
            f"{in_sentence(names[one.index])} {points(one.recall.difference)}" for one in found
        )

    worse, better = told("worse"), told("better")
    lines = [f"regressed classes (recall, pp): {worse or 'none'}"]
    return [*lines, f"improved classes (recall, pp): {better}"] if better else lines


def _verdict(decision: Decision) -> list[str]:
    lines = [f"verdict: {decision.verdict}. {decision.reason}"]
    order = ("failed", "inconclusive", "not applicable")
    open_ones = [check for check in decision.checks if check.status in order]
    for check in sorted(open_ones, key=lambda check: order.index(check.status)):
        told = check.sentence[1:-1] in decision.reason  # already in the verdict
        lines.append(f"{_mark(check)} {check.name}" + ("" if told else f": {check.sentence}"))
    n_passed = sum(check.status == "passed" for check in decision.checks)
    if decision.checks:
        lines.append(f"gates: {n_passed}/{len(decision.checks)} passed")
    return lines


def _mark(check: Check) -> str:
    """FAIL if it blocks a release, WARN if it only warns, N/A if it does not apply."""
    if check.status == "not applicable":
        return "N/A"
    mark = "FAIL" if check.blocks else "WARN"
    return mark if check.status == "failed" else f"{mark} ({check.status})"


def print_saved(name: str, place: Path) -> None:
    """Print the location of a baseline, and how to use it."""
    print_line(printable(f"baseline {name}: {place}"))
    print_line(printable(f"use it with: --baseline {name}"))
    if not (place / "predictions.parquet").exists():
        print_line("saved without per-sample predictions: later comparisons will be unpaired")


def print_history(entries: Sequence[HistoryEntry]) -> None:
    """Print all saved evaluations as a table, newest last, and the trends below it."""
    if not entries:
        print_line("no saved baselines: save one with reportgen baseline save OUT NAME")
        return
    head = ("date", "name", "model", "data", "samples", "accuracy", "lowest recall", "verdict")
    rows = [head, *map(_history_row, entries)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print_line(line.rstrip())
    if len(entries) == 1:
        return
    print_line(f"accuracy       {_trend(entries, [one.accuracy for one in entries])}")
    print_line(f"lowest recall  {_trend(entries, [one.worst_recall for one in entries])}")
    if len({entry.data_fingerprint for entry in entries}) > 1:
        print_line('"|" marks a change of data set: values on either side are not comparable')


def print_site(reports: Sequence[SiteReport], added: Sequence[SiteReport], page: str) -> None:
    """Print the content of a site, the addresses of new reports, and the location of its page."""
    for one in added[:MOST_ADDED]:
        if one.url:
            print_line(f"report: {one.url}")
    if len(added) > MOST_ADDED and added[0].url:
        print_line(f"and {len(added) - MOST_ADDED:,} more, listed in index.json")
    print_line(f"site: {page} ({plural(len(reports), 'report')}, {len(added):,} new)")


def _trend(entries: Sequence[HistoryEntry], values: Sequence[float | None]) -> str:
    """The sparkline, with a bar where the data change."""
    parts: list[str] = []
    for i, mark in enumerate(sparkline(values)):
        if i and entries[i].data_fingerprint != entries[i - 1].data_fingerprint:
            parts.append("|")
        parts.append(mark)
    return "".join(parts)


def _history_row(entry: HistoryEntry) -> tuple[str, ...]:
    span = f" ({interval_percent(entry.accuracy_interval)})" if entry.accuracy_interval else ""
    accuracy = "n/a" if entry.accuracy is None else percent(entry.accuracy) + span
    worst = (
        "n/a"
        if entry.worst_recall is None
        else f"{percent(entry.worst_recall)} {middle_cut(printable(entry.worst_class), 24)}"
    )
    model = " ".join(filter(None, (entry.model, entry.version)))
    data = " ".join(filter(None, (entry.data, entry.split)))
    names = (entry.date, entry.name, model, data)
    return (
        *(middle_cut(printable(name), 24) or "-" for name in names), count(entry.n_samples),
        accuracy, worst, printable(entry.verdict),
    )  # fmt: skip


def print_predictions(predictions: Predictions) -> None:
    """Print the result of ``predict``."""
    samples = predictions.facts.samples
    lines = [
        f"saved {plural(predictions.n_rows, 'prediction')} ({excluded_words(samples)})",
        *(f"warning: {n.sentence}" for n in predictions.facts.notes if n.severity == "warning"),
        f"file: {predictions.path}",
    ]
    for line in lines:
        print_line(printable(line))


def print_part(part: PartFile) -> None:
    """Print the result of ``predict --shard``."""
    n_bad = part.n_bad()
    bad = f" ({count(n_bad)} can't be used)" if n_bad else ""
    saved = f"saved {plural(part.n_rows, 'sample')} of {count(part.header.total)}{bad}"
    for line in (f"shard {part.shard}: {saved}", f"file: {part.path}"):
        print_line(printable(line))


def print_status(status: ShardStatus) -> None:
    """Print finished and missing shards, and how to continue."""
    samples = f", {count(status.n_samples)} of {plural(status.total, 'sample')}"
    print_line(
        f"complete: {count(len(status.complete))} of {plural(status.n_shards, 'shard')}"
        + (samples if status.total else "")
    )
    for line in status.lines():
        print_line(printable(line))
    if status.gaps:
        print_line(printable(f"predict the first: {status.hint}"))


def print_versions() -> None:
    """Print versions of reportgen, Python and the libraries, and the system."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    from reportgen import __version__

    print_line(f"reportgen {__version__}")
    print_line(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")
    for name in _LIBRARIES:
        try:
            print_line(f"{name} {version(name)}")
        except PackageNotFoundError:
            print_line(f"{name} is not installed")


def _weakest(evaluation: Evaluation) -> list[str]:
    """The lowest recall, with an interval that accounts for the selection, and its significance."""
    from reportgen.analysis.confusions import lowest_share, simultaneous

    hits, support = evaluation.confusion.diagonal, evaluation.confusion.true_totals
    low = lowest_share(hits, support)
    if low is None or hits.sum() == support.sum():
        return []
    worst = min(low.significant or [low.lowest], key=lambda i: (hits[i] / support[i], i))
    k, n = int(hits[worst]), int(support[worst])
    span = interval_percent(simultaneous(k, n, low.n))
    word = "significant" if low.significant else f"not significantly low among {count(low.n)}"
    head = "lowest recall" if worst == low.lowest else "low recall"
    name = in_sentence(evaluation.classes[worst])
    return [f"{head}: {name} {percent(k / n)} (simultaneous 95% CI {span}), {word}"]


def _worst_pair(evaluation: Evaluation) -> list[str]:
    """The most frequent confusion, and whether chance explains it."""
    from reportgen.analysis.confusions import SIGNIFICANT, confusion_p

    if not evaluation.pairs:
        return []
    pair = evaluation.pairs[0]
    true, predicted = (in_sentence(evaluation.classes[i]) for i in (pair.true, pair.predicted))
    p = confusion_p(evaluation.confusion, pair.true, pair.predicted)
    chance = ", not significant" if p >= SIGNIFICANT and len(evaluation.classes) > 2 else ""
    return [
        f"most confused: {true} -> {predicted}, {count(pair.count)} "
        f"({percent(pair.share_of_true)} of {true}){chance}"
    ]
