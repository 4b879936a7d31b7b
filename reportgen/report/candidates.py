"""The overview of several candidates against one baseline, one row per candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from reportgen import __version__
from reportgen.comparison import Comparison, cautions
from reportgen.gates import Decision
from reportgen.report.comparison.deltas import CLASS_DEFINITIONS, DEFINITIONS, Delta, delta
from reportgen.report.comparison.names import baseline_words, model_name
from reportgen.report.elements import Fact, Footnotes
from reportgen.report.side_by_side import Side, SideBySide, Standing, side_by_side
from reportgen.report.verdict import KINDS
from reportgen.report.words import Name, Words, class_names, join, list_names, say
from reportgen.text import count, plural, printable

__all__ = [
    "Overview",
    "OverviewEntry",
    "OverviewRow",
    "build_overview",
]


@dataclass(frozen=True)
class OverviewEntry:
    """A candidate: its name, comparison and decision, and the link to its report.

    `link` is a path relative to the overview, with ``/`` between its parts, for example
    ``"1-small/report.html"``; `name` is used if the candidates' own names are not unique.
    `suite_name` is the name of its gates in JUnit XML.
    """

    name: str
    comparison: Comparison
    decision: Decision | None
    link: str
    suite_name: str = ""


@dataclass(frozen=True)
class OverviewRow:
    """The row of a candidate.

    `worst` is the class with the largest drop in recall, if any dropped. `cautions` are the
    warnings at the top of its report; `n_cautions` counts them.
    """

    number: int
    name: Name
    kind: str
    verdict: str
    reason: str
    accuracy: str
    exact_accuracy: float | None
    change: Delta
    worst: Name | None
    worst_change: Delta | None
    n_worse: int
    gates: str
    failed: int
    link: str
    cautions: tuple[str, ...]
    n_cautions: str


@dataclass(frozen=True)
class Overview:
    """The candidates in the order given."""

    title: str
    baseline: Name
    lead: Words
    facts: tuple[Fact, ...]
    rows: tuple[OverviewRow, ...]
    made_with: str
    beside: SideBySide


def build_overview(entries: Sequence[OverviewEntry], title: str = "") -> Overview:
    """The overview of candidates; `title` replaces "3 candidates vs …".

    Raises :class:`ValueError` without candidates.
    """
    if not entries:
        raise ValueError("an overview needs a candidate")
    first = entries[0].comparison
    name = Name.of(first.baseline_name or model_name(first.baseline) or "the baseline", 60)
    own = [model_name(entry.comparison.candidate) for entry in entries]
    apart = len(set(own)) == len(own) and all(own)
    rows = tuple(
        _row(number, known if apart else entry.name, entry)
        for number, (known, entry) in enumerate(zip(own, entries, strict=True), start=1)
    )
    shipped = sum(row.kind == "ship" for row in rows)
    candidates = plural(len(rows), "candidate")
    decided = any(row.kind != "none" for row in rows)
    beside = _beside(name, rows, entries)
    title = printable(title) or f"{candidates} vs {name}"
    return Overview(
        title=f"{shipped} of {len(rows)} may ship: {title}" if decided else title,
        baseline=name,
        lead=_lead(rows, beside, decided=decided),
        facts=(
            Fact("Baseline", (baseline_words(first, "the baseline"),)),
            Fact("Data", (subject_of(first),)),
        ),
        rows=rows,
        made_with=f"reportgen {__version__}",
        beside=beside,
    )


def _beside(
    baseline: Name, rows: Sequence[OverviewRow], entries: Sequence[OverviewEntry]
) -> SideBySide:
    candidates = [
        (Side(str(row.number), row.name, row.link), entry.comparison.candidate)
        for row, entry in zip(rows, entries, strict=True)
    ]
    return side_by_side([(Side("B", baseline), entries[0].comparison.baseline), *candidates])


def subject_of(comparison: Comparison) -> Words:
    """The data set, and the number of compared samples."""
    by, n = comparison.baseline.provenance, comparison.baseline.n_samples
    data = " ".join(filter(None, (by.data_name, by.split)))
    size = plural(n, "sample")
    return Words((Name.of(data, 80), f", {size}")) if data else say(size)


def _lead(rows: Sequence[OverviewRow], beside: SideBySide, *, decided: bool) -> Words:
    if not decided:
        return say("No release gates were set.")
    ship = [row for row in rows if row.kind == "ship"]
    if not ship:
        return say("None of {n} may ship.", n=plural(len(rows), "candidate"))
    if len(ship) == 1:
        return say("Only {name} may ship.", name=ship[0].name)
    told = say("{n} of {all} may ship.", n=count(len(ship)), all=count(len(rows)))
    return join(told, _rank(ship, beside.measures[0].standings))


_AGAINST_OTHERS: Mapping[Standing, str] = {
    "best": "significantly above every other model",
    "first": "not significantly above every other model",
    "": "although a model that may not ship has a higher one",
}


def _rank(ship: Sequence[OverviewRow], standings: Sequence[Standing]) -> Words:
    """The candidate with the highest accuracy, and whether that is significant; or all ties."""
    most = max(row.exact_accuracy or 0.0 for row in ship)
    best = [row for row in ship if (row.exact_accuracy or 0.0) == most]
    names = list_names([row.name for row in best])
    if len(best) == len(ship):
        return say("Equal accuracy: {names}.", names=names)
    if len(best) > 1:
        return say("Equal highest accuracy: {names}.", names=names)
    against = _AGAINST_OTHERS[standings[best[0].number]]  # the baseline is at index 0
    return say("Highest accuracy: {names}, " + against + ".", names=names)


def _row(number: int, name: str, entry: OverviewEntry) -> OverviewRow:
    comparison, decision = entry.comparison, entry.decision
    accuracy = comparison.summary["accuracy"]
    change = delta(accuracy, DEFINITIONS["accuracy"], Footnotes())
    worst = _furthest_fall(comparison)
    names = class_names(comparison.candidate.classes)
    verdict = "NO GATES SET" if decision is None else decision.verdict
    warned = tuple(map(printable, cautions(comparison.candidate, comparison)))
    return OverviewRow(
        number=number,
        name=Name.of(name, 60),
        kind=KINDS[verdict],
        verdict=verdict,
        reason="" if decision is None else printable(decision.reason),
        accuracy=change.after,
        exact_accuracy=accuracy.candidate,
        change=change,
        worst=None if worst is None else names[worst],
        worst_change=None
        if worst is None
        else delta(
            comparison.classes[worst].recall,
            CLASS_DEFINITIONS["recall"],
            Footnotes(),
            comparison.classes[worst].tendency,
        ),
        n_worse=sum(one.tendency == "worse" for one in comparison.classes),
        gates=_gates(decision),
        failed=0 if decision is None else sum(c.status == "failed" for c in decision.checks),
        link=quote(entry.link, safe="/"),
        cautions=warned,
        n_cautions=plural(len(warned), "warning") if warned else "",
    )


def _furthest_fall(comparison: Comparison) -> int | None:
    """Index of the class with the largest drop in recall; None if no recall dropped."""
    falls = [
        (one.recall.difference, place)
        for place, one in enumerate(comparison.classes)
        if one.recall.difference is not None and one.recall.difference < 0
    ]
    return min(falls)[1] if falls else None


def _gates(decision: Decision | None) -> str:
    """``2 of 6 failed, 1 inconclusive``."""
    if decision is None or not decision.checks:
        return "none set"
    statuses = [check.status for check in decision.checks]
    failed, unclear = statuses.count("failed"), statuses.count("inconclusive")
    parts = [f"{count(failed) if failed else 'none'} of {count(len(statuses))} failed"]
    if unclear:
        parts.append(f"{count(unclear)} inconclusive")
    return ", ".join(parts)
