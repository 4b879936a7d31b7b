"""Parts shared by ``summary.md`` and the mail, as text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

from reportgen.report import Cell, Delta, Report, Tile, Words, say

__all__ = [
    "LINKED",
    "NBSP",
    "before_text",
    "change_text",
    "gate_table",
    "hashes",
    "is_right_to_left",
    "range_text",
    "tile_title",
    "value_text",
]


NBSP = "\u00a0"


LINKED = re.compile(
    r"@|:(?=\S)|(?<=\w)\.(?=[^\W\d_])|\\(?=\\)|/(?=/)"  # addresses of mail, web and network
    r"|(?<=\d{3})\d(?=\d{3})"  # telephone numbers
)
"""Patterns that mail programs turn into links."""


def is_right_to_left(text: str) -> bool:
    """Whether a name contains right-to-left letters."""
    return any(unicodedata.bidirectional(one) in ("R", "AL") for one in text)


def tile_title(tile: Tile) -> Words:
    """The title with its class, which the page has on the line below."""
    if tile.of_class is None or not tile.lines:
        return tile.title
    return say("{title}: {line}", title=tile.title, line=tile.lines[0])


def value_text(tile: Tile) -> str:
    """The number with its unit: ``84.5%``, ``0.072``, ``n/a``."""
    if tile.cell.value is None or not tile.unit:
        return tile.cell.text
    return tile.cell.text + (tile.unit if tile.unit == "%" else f"{NBSP}{tile.unit}")


def range_text(cell: Cell, unit: str) -> str:
    """The interval with its unit, ``83.8–85.2%``; empty without one."""
    return cell.range + unit * bool(cell.range and unit == "%")


def before_text(change: Delta, unit: str) -> str:
    """The baseline's value with its unit."""
    return change.before + unit * (unit == "%")


def change_text(change: Delta) -> str:
    """The difference with its unit: ``+14.2 pp``, ``−0.406``."""
    return change.text + f"{NBSP}pp" * bool(change.unit)


def gate_table(report: Report) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """The heads and rows of the gates as plain text; no rows without gates."""
    heads = ("Status", "Gate", "Required", "Class", "Measured", "95% CI", "Margin")
    rows = report.gates.rows if report.gates else ()
    return heads, tuple(
        (
            row.word + f" ({row.weight})" * bool(row.weight),
            row.name.full,
            row.asked,
            row.subject.full if row.subject else "",
            row.value,
            row.intervals,
            row.margin,
        )
        for row in rows
    )


_DIGEST = re.compile(r"\b[0-9a-f]{12,64}\b")


def hashes(report: Report) -> Mapping[str, str]:
    """The first 12 digits of the hashes of model and data, if known."""
    return {
        name: digests[0][:12]
        for name in ("Model", "Data")
        if (digests := list(_digests(name, report)))
    }


def _digests(name: str, report: Report) -> Iterator[str]:
    for fact in report.made:
        if fact.code and fact.term.startswith(name):
            yield from _DIGEST.findall(" ".join(map(str, fact.values)))
