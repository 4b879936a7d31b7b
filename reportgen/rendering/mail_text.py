"""The text part of a mail: the content of its HTML, in 72 columns."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reportgen.rendering.summary_parts import (
    LINKED,
    NBSP,
    before_text,
    change_text,
    hashes,
    is_right_to_left,
    range_text,
    value_text,
)
from reportgen.report import Delta, Direction, Finding, GateRow, Name, Step, Tile, Words
from reportgen.text import plural

if TYPE_CHECKING:
    from reportgen.rendering.mail import Mail

__all__ = [
    "mail_text",
]


WIDTH = 72


INDENT = 14
"""Columns of a gate's status."""


BREAK = "\u200b"
"""Zero-width: mail programs find no address around it. Names never contain it."""


ISOLATE, END = "\u2068", "\u2069"


MARKS = {"better": "▲", "worse": "▼", "unclear": " "}


LEGEND = "▲ improved, ▼ regressed (significant)"


def mail_text(mail: Mail) -> str:
    """The text, with LF line ends; only the report's address may exceed 72 columns."""
    blocks = (block for block in _blocks(mail) if block)
    return "\n\n".join(blocks).replace(NBSP, " ") + "\n"


def _blocks(mail: Mail) -> Iterator[str]:
    report = mail.report
    yield f"{report.verdict.word}\n{'=' * len(report.verdict.word)}"
    yield _wrap(_plain(report.verdict.reason))
    yield _facts(mail)
    yield _section("Key metrics", [_metric(tile) for tile in report.headline.tiles])
    yield _listed(report.headline.notes, "")
    yield _section("Release gates", [_gate(row, mail) for row in mail.gates])
    if mail.more_gates:
        yield f"{plural(mail.more_gates, 'further gate')}: {mail.rest}."
    yield _section("Key findings", _numbered(mail.findings))
    yield _section("Suggested next steps", _numbered(mail.steps))
    yield _section("Warnings", [_wrap(f"! {_plain(one)}", "  ") for one in mail.cautions])
    yield from _changes(mail)
    if mail.pairs:
        listed = [_pair(row.direction) for row in mail.pairs]
        yield _section("Most confused pairs", [_wrap(_plain(report.pairs.lead)), *listed])
    if mail.picture_spec:
        yield _section("Confusion matrix", [_wrap(_plain(mail.picture_spec.alt))])
    yield _end(mail)


def _section(title: str, items: Sequence[str]) -> str:
    return f"{title.upper()}\n\n" + "\n".join(items) if items else ""


def _listed(items: Sequence[Words], mark: str) -> str:
    return "\n".join(_wrap(mark + _plain(one)) for one in items)


def _facts(mail: Mail) -> str:
    lines = [_wrap(f"{fact.term}: {_plain(fact.values[0])}", "  ") for fact in mail.report.facts]
    return "\n".join([*lines, *([f"Full report: {mail.url}"] if mail.url else [])])


def _metric(tile: Tile) -> str:
    """The number, its counts, the change, and its gate, one line each."""
    ends = range_text(tile.cell, tile.unit)
    span = f" ({tile.ci} {ends})" * bool(ends)
    lines = [f"{_plain(tile.title)}: {value_text(tile)}{span}"]
    lines += map(_plain, tile.lines[:1])
    if tile.change:
        before = before_text(tile.change, tile.unit)
        lines.append(f"{change_text(tile.change)} vs baseline {before}, {tile.change.word}")
    if tile.gate:
        lines.append(f"{tile.gate.text}: {tile.gate.status}")
    return "\n".join(_wrap(" " * 2 * bool(i) + line, "    ") for i, line in enumerate(lines))


def _gate(row: GateRow, mail: Mail) -> str:
    """Status and name, then requirement and measurement, then the meaning if inconclusive."""
    measured = " ".join(filter(None, (_plain(row.subject or ""), row.value)))
    lines = [
        _plain(row.name) + f" ({row.weight})" * bool(row.weight),
        f"required {_plain(row.asked)}",
        measured
        + f" (95% CI {row.intervals})" * bool(row.range)
        + f", margin {row.margin}" * bool(row.margin),
    ]
    if mail.sentences and row.status != "passed":
        lines += filter(None, [_plain(row.remark)])
    status = row.word.upper()
    gap = max(INDENT - len(status), 2)
    text = "\n".join(_wrap(" " * INDENT + line, " " * INDENT) for line in lines)
    return status + " " * gap + text.lstrip(" ")


def _pair(one: Direction) -> str:
    """True and predicted class, count, and proportion of the true class."""
    names = f"{_plain(one.true_name)} → {_plain(one.predicted_name)}"
    return _wrap(f"{names}: {one.count:,} ({one.share} of the true class)", "  ")


def _numbered(items: Sequence[Finding | Step]) -> list[str]:
    return [
        _wrap(f"{i}. {_plain(one.head)} {_plain(one.body)}", "   ")
        for i, one in enumerate(items, start=1)
    ]


def _changes(mail: Mail) -> Iterator[str]:
    compared = mail.report.comparison
    if compared is None or not mail.changes:
        return
    yield _section("Baseline comparison", [_wrap(_plain(compared.lead))])
    if compared.pairing:
        yield _wrap(_plain(compared.pairing.sentence))
    yield _table("Metric", [(row.title, row.unit, row.delta) for row in mail.changes])
    if not mail.class_changes:
        return
    rows = [(_plain(row.name), "%", row.recall) for row in mail.class_changes]
    yield _section("Per-class changes", [_table("Recall of class", rows)])
    if mail.more_classes:
        yield f"{plural(mail.more_classes, 'further class', 'further classes')}: {mail.rest}."


def _table(head: str, rows: Sequence[tuple[str, str, Delta]]) -> str:
    """A table; a name too long for its column gets a line of its own."""
    lines = [_row(" ", head, "Baseline", "Candidate", "Δ", "95% CI")]
    for name, unit, change in rows:
        sign = unit * (unit == "%")
        known = change.value is not None
        lines.append(
            _row(
                MARKS[change.kind] if known else " ",
                name,
                change.before + sign * (change.before != "n/a"),
                change.after + sign * (change.after != "n/a"),
                change_text(change) if known else change.text,
                change.range or "none",
            )
        )
    return "\n".join([*lines, LEGEND])


def _row(mark: str, name: str, *cells: str) -> str:
    wide = [9, 10, 9, 17]
    numbers = " ".join(f"{cell:>{width}}" for cell, width in zip(cells, wide, strict=True))
    room = WIDTH - len(numbers) - 3
    if _columns(name) > room:
        return f"{_wrap(f'{mark} {name}', '  ')}\n{' ' * (room + 3)}{numbers}"
    return f"{mark} {name}{' ' * (room - _columns(name))} {numbers}"


def _end(mail: Mail) -> str:
    """Attachments, omitted files, and provenance."""
    lines = []
    if mail.attached:
        lines.append(f"Attached: {', '.join(one.name for one in mail.attached)}.")
    if mail.left_out:
        names = ", ".join(f"{one.name} ({one.size:,} bytes)" for one in mail.left_out)
        lines.append(f"Not attached, to keep the mail under {mail.max_bytes:,} bytes: {names}.")
    known = [f"{name} {digest}" for name, digest in hashes(mail.report).items()]
    lines.append(" · ".join([*known, f"Generated by {_plain(mail.report.made_with)}"]))
    return "\n".join(map(_wrap, lines))


def _plain(value: Words | Name | str) -> str:
    """A name or sentence in which no program finds an address to link."""
    if isinstance(value, Words):
        return "".join(
            _plain(part) if isinstance(part, str) or part.bare else f"“{_plain(part)}”"
            for part in value.parts
        )
    text = LINKED.sub(lambda found: found[0] + BREAK, str(value))
    if isinstance(value, Name) and is_right_to_left(text):
        return f"{ISOLATE}{text}{END}"
    return text


def _wrap(text: str, indent: str = "") -> str:
    """Wrap at blanks, not at hyphens; longer words are broken. Numbers stay with their units."""
    return textwrap.fill(
        text,
        WIDTH,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )


def _columns(text: str) -> int:
    """Columns in a monospaced font: two for wide characters, none for combining marks."""
    return sum(
        0
        if unicodedata.combining(one) or unicodedata.category(one) == "Cf"
        else 2
        if unicodedata.east_asian_width(one) in "WF"
        else 1
        for one in text
    )
