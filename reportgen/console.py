"""What the command line prints: progress and warnings to stderr, the result to stdout."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from reportgen.errors import ReportgenError
from reportgen.evaluation import Evaluation, excluded_words
from reportgen.predictions import Predictions
from reportgen.reporter import Reporter
from reportgen.text import count, interval_percent, percent, plural, printable

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["ConsoleReporter", "print_error", "print_predictions", "print_summary", "print_versions"]

_PLAIN_SECONDS = 5.0
_PLAIN_MARKS = str.maketrans({"×": "x", "–": "-", "−": "-", "…": "...", "→": "->", "≤": "<="})
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
    """A bar with rate and time left on a terminal, a line now and then elsewhere."""

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
        if not self._quiet and _is_terminal():
            self._bar = _bar(unit)
            self._bar.start()
            self._task = self._bar.add_task(what, total=total)

    def advance(self, n: int) -> None:
        if self._first < 0:
            self._first = n  # what a resumed run had before; it is not part of the rate
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

    def _line(self, line: str) -> None:
        if self._bar is not None:
            self._bar.console.print(line, markup=False, highlight=False)
        else:
            print(f"reportgen: {line}", file=sys.stderr, flush=True)

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
    """The result in a few lines: accuracy, weakest class, worst pair, warnings, where it is."""
    accuracy = evaluation.summary["accuracy"]
    assert accuracy.value is not None
    span = f" (95 % interval {interval_percent(accuracy.interval)})" if accuracy.interval else ""
    lines = [
        f"accuracy: {percent(accuracy.value)}{span} of {plural(evaluation.n_samples, 'sample')}",
        *_weakest(evaluation),
        *_worst_pair(evaluation),
        *(f"warning: {note.sentence}" for note in evaluation.notes if note.severity == "warning"),
        f"report: {path}",
    ]
    for line in lines:
        print(_encodable(printable(line)))


def print_predictions(predictions: Predictions) -> None:
    """What ``predict`` made."""
    samples = predictions.facts.samples
    lines = [
        f"predictions: {plural(predictions.n_rows, 'sample')}, {excluded_words(samples)}",
        *(f"warning: {n.sentence}" for n in predictions.facts.notes if n.severity == "warning"),
        f"file: {predictions.path}",
    ]
    for line in lines:
        print(_encodable(printable(line)))


def print_versions() -> None:
    """Versions of reportgen, Python and the libraries, and the system."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    from reportgen import __version__

    print(f"reportgen {__version__}")
    print(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")
    for name in _LIBRARIES:
        try:
            print(f"{name} {version(name)}")
        except PackageNotFoundError:
            print(f"{name} is not installed")


def _weakest(evaluation: Evaluation) -> list[str]:
    recall = evaluation.per_class["recall"]
    known = [i for i, value in enumerate(recall.value.tolist()) if value == value]
    worst = min(known, key=lambda i: (recall.value[i], i))
    metric = recall.metric(worst)
    if len(known) < 2 or metric.value == 1 or metric.value is None:
        return []
    span = f" ({interval_percent(metric.interval)})" if metric.interval else ""
    return [f"weakest class: {evaluation.classes[worst]}, recall {percent(metric.value)}{span}"]


def _worst_pair(evaluation: Evaluation) -> list[str]:
    if not evaluation.pairs:
        return []
    pair = evaluation.pairs[0]
    true, predicted = evaluation.classes[pair.true], evaluation.classes[pair.predicted]
    return [
        f"most confused: {true} called {predicted}, {plural(pair.count, 'time')} "
        f"({percent(pair.share_of_true)} of {true})"
    ]


def print_error(error: ReportgenError) -> None:
    """The error as one block on stderr, and the heading of the document that explains it."""
    first, *rest = error.lines()
    rest.append(f"help: docs/errors.md#{error.slug}")
    block = [f"reportgen: error: {first}", *(f"  {line}" for line in rest)]
    for line in block:
        print(_encodable(line, sys.stderr), file=sys.stderr)


def _encodable(line: str, stream: Any = None) -> str:
    """`line` in what the stream can write: other characters become escapes, never a crash."""
    encoding = getattr(stream or sys.stdout, "encoding", None) or "utf-8"
    try:
        line.encode(encoding)
    except UnicodeEncodeError:
        line = line.translate(_PLAIN_MARKS)
    return line.encode(encoding, "backslashreplace").decode(encoding)
