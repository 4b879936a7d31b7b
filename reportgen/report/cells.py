"""Numbers as cells: exact values beside the text that a reader sees, with letters for reasons."""

from __future__ import annotations

from reportgen.metrics import REASONS, Definition, Metric
from reportgen.report.model import Cell, Reason
from reportgen.report.words import NBSP, interval, ratio, share, signed, signed_interval
from reportgen.text import count

__all__ = ["Footnotes", "cell", "unit_of"]

NOT_AVAILABLE = "n/a"


class Footnotes:
    """Hands out a letter for each reason, in the order in which they first occur."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}

    def mark(self, code: str) -> str:
        return self._letters.setdefault(code, _letter(len(self._letters)))

    def reasons(self) -> tuple[Reason, ...]:
        return tuple(Reason(mark, REASONS.get(code, code)) for code, mark in self._letters.items())


def _letter(position: int) -> str:
    return chr(ord("a") + position % 26) * (1 + position // 26)


def unit_of(definition: Definition) -> str:
    return "%" if definition.kind == "share" else ""


def cell(metric: Metric, definition: Definition, notes: Footnotes) -> Cell:
    """A metric as one cell; where value or interval is missing, it carries a footnote's letter."""
    low, high = metric.interval or (None, None)
    wanted = metric.value is None or definition.interval != "none"
    mark = notes.mark(metric.reason) if metric.reason and wanted else ""
    if metric.value is None:
        return Cell(None, None, None, NOT_AVAILABLE, "", mark)
    return Cell(
        metric.value, low, high, number(metric.value, definition), ends(metric, definition), mark
    )


def number(value: float, definition: Definition) -> str:
    """The value without its unit: ``84.5``, ``0.848``, ``1,000``."""
    if definition.kind == "count":
        return count(int(value))
    if definition.kind == "share":
        return share(value).removesuffix(f"{NBSP}%")
    return ratio(value) if definition.kind == "ratio" else signed(value)


def ends(metric: Metric, definition: Definition) -> str:
    """The interval without its unit: ``83.8–85.2``, ``−0.012 to 0.031``; empty without one."""
    if metric.interval is None:
        return ""
    if definition.kind == "share":
        return interval(metric.interval, "")
    if definition.kind == "signed":
        return signed_interval(metric.interval)
    low, high = (number(end, definition) for end in metric.interval)
    return f"{low}–{high}"
