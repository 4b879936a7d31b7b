"""The history page: every saved evaluation as a row; accuracy and lowest recall as lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reportgen import __version__
from reportgen.rendering import html
from reportgen.rendering.trends import Point, draw_trend, percent_or_na
from reportgen.report import Name
from reportgen.review import HistoryEntry
from reportgen.text import count, interval_percent, printable

__all__ = [
    "render_history",
]


TEMPLATE = "history.html.j2"


VERDICT_STATUSES = {"SHIP": "passed", "DO NOT SHIP": "failed", "INCONCLUSIVE": "inconclusive"}
"""Verdict → the status whose icon it has."""


@dataclass(frozen=True)
class _Row:
    """One evaluation as text."""

    number: int
    date: Name
    name: Name
    model: Name
    data: Name
    samples: str
    accuracy: str
    range: str
    macro_f1: str
    worst_class: Name
    worst_recall: str
    kind: str
    verdict: str
    other_data: bool


def render_history(entries: Sequence[HistoryEntry]) -> str:
    """The history page, ASCII, without scripts and images."""
    rows = [_row(number, entries, entry) for number, entry in enumerate(entries, 1)]
    same = [not row.other_data for row in rows]
    accuracies = [
        Point(entry.accuracy, entry.accuracy_interval, here)
        for entry, here in zip(entries, same, strict=True)
    ]
    recalls = [
        Point(entry.worst_recall, None, here) for entry, here in zip(entries, same, strict=True)
    ]
    values = {
        "rows": rows,
        "trends": [draw_trend("Accuracy", accuracies), draw_trend("Lowest recall", recalls)]
        if len(entries) > 1
        else [],
        "mixed": not all(same),
        "dated": any(entry.date for entry in entries),
        "made_with": f"reportgen {__version__}",
    }
    return html.plain_page(TEMPLATE, values).html


def _row(number: int, entries: Sequence[HistoryEntry], entry: HistoryEntry) -> _Row:
    before = entries[number - 2] if number > 1 else entry
    return _Row(
        number=number,
        date=Name.of(entry.date or "not given", 20),
        name=Name.of(entry.name, 40),
        model=Name.of(" ".join(filter(None, (entry.model, entry.version))) or "not named", 40),
        data=Name.of(" ".join(filter(None, (entry.data, entry.split))) or "not named", 40),
        samples=count(entry.n_samples),
        accuracy=percent_or_na(entry.accuracy),
        range=interval_percent(entry.accuracy_interval) if entry.accuracy_interval else "",
        macro_f1=percent_or_na(entry.macro_f1),
        worst_class=Name.of(entry.worst_class, 40),
        worst_recall=percent_or_na(entry.worst_recall),
        kind=VERDICT_STATUSES.get(entry.verdict, "not applicable"),
        verdict=printable(entry.verdict)[:40],
        other_data=entry.data_fingerprint != before.data_fingerprint,
    )
