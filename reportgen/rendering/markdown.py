"""``summary.md``: the first part of the page as Markdown, for pull requests, jobs and chats.

To stay below the size limit of a GitHub comment, rows are dropped first, then sections. Names from
data are shown verbatim and never become a link, mention, tag or formula.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reportgen.rendering.summary_parts import (
    before_text,
    change_text,
    hashes,
    range_text,
    tile_title,
    value_text,
)
from reportgen.report import Cell, Finding, Name, Report, Step, Words
from reportgen.text import count, plural

__all__ = [
    "brief_summary",
    "marker",
    "render_summary",
]


MOST_BYTES = 60_000
"""GitHub refuses comments of more than 65,536 characters; no text has fewer bytes than those."""


MOST_CLASSES, MOST_PAIRS, MOST_MATRIX = 50, 20, 12


MOST_FINDINGS, MOST_CAUTIONS, MOST_GATES = 3, 4, 100


KINDS: Mapping[str, str] = {"stop": "⛔", "ship": "✅", "unclear": "⚠️", "none": "ℹ️"}


STATUSES: Mapping[str, str] = {
    "failed": "❌",
    "inconclusive": "⚠️",
    "passed": "✅",
    "not applicable": "➖",
}


@dataclass(frozen=True)
class Size:
    """Limits on the number of rows and sections."""

    classes: int = MOST_CLASSES
    pairs: int = MOST_PAIRS
    matrix: bool = True
    gates: int = MOST_GATES
    extras: bool = True


SIZES = (
    Size(),
    Size(25, 20),
    Size(25, 10),
    Size(10, 10, matrix=False),
    Size(10, 0, matrix=False),
    Size(0, 0, matrix=False),
    Size(0, 0, matrix=False, gates=50),
    Size(0, 0, matrix=False, gates=25, extras=False),
    Size(0, 0, matrix=False, gates=10, extras=False),
)
"""From everything to the minimum: verdict, first gates and marker."""


def render_summary(report: Report, key: str = "default", url: str = "", origin: str = "") -> str:
    """The summary in at most 60,000 bytes of UTF-8.

    `url` is the address of the page, and `origin` a sentence on the source of the numbers. Without
    a `key` there is no marker.
    """
    for size in (*SIZES, replace(SIZES[-1], gates=0)):
        text = _document(report, key, url, origin, size)
        if len(text.encode()) <= MOST_BYTES:
            break
    return text


def brief_summary(report: Report, url: str = "", most_bytes: int = MOST_BYTES) -> str:
    """The summary without folds, in at most `most_bytes`; empty if even the verdict doesn't fit."""
    sizes = [(n, extras) for n in (MOST_GATES, 50, 25, 10, 3, 0) for extras in (True, False)]
    for n, extras in sizes:
        size = Size(0, 0, matrix=False, gates=n, extras=extras)
        text = _document(report, "", url, "", size)
        if len(text.encode()) <= most_bytes:
            return text
    return ""


def marker(key: str) -> str:
    """The last line: it identifies the comment on a pull request."""
    return f"<!-- reportgen:v1 key={key} -->"


def _document(report: Report, key: str, url: str, origin: str, size: Size) -> str:
    last = marker(key) if key else ""
    blocks = (block for block in (*_blocks(report, url, size), origin, last) if block)
    return "\n\n".join(blocks) + "\n"


def _blocks(report: Report, url: str, size: Size) -> Iterator[str]:
    verdict = report.verdict
    yield f"## {KINDS[verdict.kind]} {verdict.word}: {_md(report.subject)}".rstrip(": ")
    yield f"**{_md(verdict.reason)}**"
    yield " · ".join(f"{fact.term} {_md(fact.values[0])}" for fact in report.facts)
    if size.extras:
        yield "\n".join(f"- ⚠️ {_md(one)}" for one in report.cautions[:MOST_CAUTIONS])
    yield from _gates(report, size)
    yield _key_metrics(report)
    if size.extras:
        yield from _told("Key findings", report.findings[:MOST_FINDINGS])
        yield from _told("Suggested next steps", report.steps)
    yield _class_table(report, size.classes)
    yield _pair_table(report, size.pairs)
    yield _matrix_table(report) if size.matrix else ""
    yield _provenance(report, url)


def _told(title: str, items: Sequence[Finding | Step]) -> Iterator[str]:
    if items:
        yield f"**{title}**"
        yield "\n".join(
            f"{i}. **{_md(one.head)}** {_md(one.body)}" for i, one in enumerate(items, start=1)
        )


def _gates(report: Report, size: Size) -> Iterator[str]:
    if report.gates is None or not size.gates:
        return
    rows = report.gates.rows
    shown = rows[: size.gates]
    yield _table(
        ("Status", "Gate", "Required", ">Measured", ">95% CI", ">Margin"),
        (
            (
                f"{STATUSES[row.status]} {row.word}" + (f" ({row.weight})" if row.weight else ""),
                _md(row.name),
                _md(row.asked),
                " ".join(filter(None, (_md(row.subject or ""), f"**{_md(row.value)}**"))),
                _md(row.intervals or "none"),
                _md(row.margin or "none"),
            )
            for row in shown
        ),
    )
    if len(rows) > len(shown):
        yield f"{plural(len(rows) - len(shown), 'further gate')}: see the full report."
    yield "\n".join(
        f"- {_md(row.name)}: {_md(row.remark)}"
        for row in shown
        if row.status in ("failed", "inconclusive") and row.remark
    )


def _key_metrics(report: Report) -> str:
    tiles = [tile for tile in report.headline.tiles if tile.cell.value is not None]
    compared = any(tile.change for tile in tiles)
    heads = ("Metric", ">Value", ">95% CI", *((">Baseline", ">Δ", "Result") if compared else ()))
    rows = []
    for tile in tiles:
        ends = f"{tile.ci} " * tile.simultaneous + range_text(tile.cell, tile.unit)
        row = [_md(tile_title(tile)), f"**{_md(value_text(tile))}**", _md(ends or "none")]
        change = tile.change
        if change is not None:
            row += [_md(before_text(change, tile.unit)), _md(change_text(change)), _md(change.word)]
        rows.append(row + [""] * (len(heads) - len(row)))
    return _table(heads, rows)


def _class_table(report: Report, most: int) -> str:
    if not most:
        return ""
    changes = report.comparison.classes if report.comparison else None
    if changes is None:
        return _class_metrics(report, most)
    heads = ("Class", ">Baseline recall, %", ">Candidate, %", ">Δ, pp", ">95% CI", ">p (Holm)",
             "Result")  # fmt: skip
    rows = [
        (_md(row.name), row.recall.before, f"**{row.recall.after}**", row.recall.text,
         row.recall.range or "none", _md(row.p), row.recall.word)
        for row in changes.rows
    ]  # fmt: skip
    return _fold("Per-class changes", heads, rows, most, "report.json")


def _class_metrics(report: Report, most: int) -> str:
    section = report.classes
    heads = ("Class", ">Samples", *(f">{item.title}, %" for item in section.main))
    rows = [
        (
            _md(row.name),
            count(row.counts["support"]) if row.counts else "n/a",
            *(_with_range(row.cells[item.name]) for item in section.main),
        )
        for row in section.rows
    ]
    return _fold("Per-class metrics, lowest recall first", heads, rows, most, "per_class.csv")


def _with_range(cell: Cell) -> str:
    return f"{cell.text} ({cell.range})" if cell.range else cell.text


def _pair_table(report: Report, most: int) -> str:
    if not most:
        return ""
    rows = [
        (
            str(row.rank),
            f"{_md(row.direction.true_name)} → {_md(row.direction.predicted_name)}",
            count(row.direction.count),
            row.direction.share,
        )
        for row in report.pairs.rows
    ]
    heads = (">#", "True → predicted", ">Count", ">% of true class")
    return _fold("Most confused pairs", heads, rows, most, "pairs.csv")


def _matrix_table(report: Report) -> str:
    section = report.matrix
    if not section.rows or len(section.rows) > MOST_MATRIX or not section.rows[0].counts:
        return ""
    heads = ("True \\ predicted", *(f">{_md(name)}" for name in section.names))
    rows = [(_md(row.name), *map(count, row.counts)) for row in section.rows]
    return _fold("Confusion matrix: counts", heads, rows, len(rows), "confusion.csv")


def _fold(
    title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], most: int, file: str
) -> str:
    """A collapsed section; states how many rows are omitted, and which file has them."""
    if not rows:
        return ""
    of_all = f": {most} of {len(rows):,}" if len(rows) > most else ""
    rest = f"\n\n{plural(len(rows) - most, 'further row')} in {file}." if of_all else ""
    table = _table(heads, rows[:most])
    return f"<details><summary>{title}{of_all}</summary>\n\n{table}{rest}\n\n</details>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A GFM table; heads beginning with ``>`` are right-aligned, for numbers."""
    lines = [heads, [("--:" if head.startswith(">") else ":--") for head in heads], *rows]
    cleaned = [[cell.removeprefix(">") for cell in heads], *lines[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in cleaned) if len(lines) > 2 else ""


def _provenance(report: Report, url: str) -> str:
    """The link to the page, hashes of model and data, and versions."""
    link = [f"[Full report]({url})"] if url else []
    known = [f"{name.lower()} `{digest}`" for name, digest in hashes(report).items()]
    return " · ".join([*link, *known, f"Generated by {_md(report.made_with)}"])


def _md(text: Words | Name | str) -> str:
    """Text with names marked as code; a plain string is a name without mark."""
    if isinstance(text, Name):
        return f"<code>{escape_name(text.text)}</code>"
    if isinstance(text, Words):
        return "".join(
            _md(part) if isinstance(part, Name) else escape_words(part) for part in text.parts
        )
    return escape_name(text)


_UNSAFE = re.compile(r"[^A-Za-z0-9 \-/,.()'+=%?;\u0080-\U0010ffff]")


_OWN = re.compile(r"[\\`*_{}\[\]<>|~$#@&^]|:(?=\S)")


def escape_name(text: str) -> str:
    """Escape data so that it renders verbatim, without any Markdown effect.

    Characters become decimal references; patterns that linkers find after decoding are split by an
    empty element.
    """
    return _unlinked(_UNSAFE.sub(_reference, text))


def escape_words(text: str) -> str:
    """Escape Markdown markup and addresses in a sentence."""
    return _unlinked(_OWN.sub(_reference, text))


def _unlinked(text: str) -> str:
    """Split patterns that linkers find: e-mail and web addresses, and host names such as a.org."""
    text = text.replace("&#64;", "&#64;<span></span>").replace("//", "/<span></span>/")
    text = re.sub(r"(?i)(ww)(w)\.", r"\1<span></span>\2&#46;", text)
    return re.sub(r"(?<=\w)\.(?=[^\W\d_])", ".<span></span>", text)


def _reference(found: re.Match[str]) -> str:
    return f"&#{ord(found[0])};"
