"""The per-class section: the metrics of every class, in several tables if there are many."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reportgen.metrics import Definition
from reportgen.report.context import LISTED_CLASSES, LOW_SUPPORT, Context
from reportgen.report.elements import Cell, Footnotes, Reason, cell, value_text
from reportgen.report.intervals import class_definitions
from reportgen.report.words import PROPORTIONS_ONLY, Name, Words, join, say, share
from reportgen.text import count, plural

if TYPE_CHECKING:
    from reportgen.report.comparison.deltas import Delta, Scale

__all__ = [
    "ClassRow",
    "ClassSection",
    "class_section",
]


@dataclass(frozen=True)
class ClassRow:
    """The metrics of one class; `cells` by metric name, `change` is that of recall.

    `counts` is empty if the matrix contains proportions only. `limits` has the gates' limits by
    metric name, and `missed` the failed ones.
    """

    index: int
    name: Name
    counts: Mapping[str, int]
    cells: Mapping[str, Cell]
    remarks: tuple[str, ...]
    taken: float | None
    taken_for: Name | None
    taken_share: str
    change: Delta | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    missed: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClassSection:
    """The classes, lowest recall first.

    `main` metrics are in the first table, `others` in tables narrow enough for paper. Above 200
    classes `rows` has the 200 with the lowest recall, and `lookup` has all: name, samples,
    predictions, and the main metrics as text. `scale` is the axis of changes, None without a
    baseline.
    """

    lead: Words
    rows: tuple[ClassRow, ...]
    main: tuple[Definition, ...]
    others: tuple[tuple[Definition, ...], ...]
    reasons: tuple[Reason, ...]
    reasons_of_others: tuple[Reason, ...]
    lookup: tuple[tuple[str, ...], ...]
    scale: Scale | None = None

    @property
    def largest(self) -> int:
        """Support of the largest listed class, for scaling bars."""
        return max((row.counts.get("support", 0) for row in self.rows), default=0)

    @property
    def searched(self) -> bool:
        """Whether the table is longer than a glance, so that a search helps."""
        return len(self.rows) > SEARCHED_ROWS


SEARCHED_ROWS = 12


MAIN_METRICS = ("recall", "precision", "f1")


MANY_NAMES = 100


PAPER_COLUMNS = 10


def class_section(facts: Context) -> ClassSection:
    """All classes, lowest recall first; undefined recall last."""
    definitions = [item for item in class_definitions(facts.evaluation) if item.kind != "count"]
    notes = Footnotes()
    rows = tuple(_class_row(facts, i, definitions, notes) for i in facts.listed)
    main = tuple(item for name in MAIN_METRICS for item in definitions if item.name == name)
    reasons, of_others = _split_parts(notes.reasons(), rows, main)
    return ClassSection(
        lead=_class_lead(facts),
        rows=rows,
        main=main,
        others=_split_in_parts([item for item in definitions if item not in main]),
        reasons=reasons,
        reasons_of_others=of_others,
        lookup=tuple(_lookup(facts, main)) if len(rows) < len(facts.names) else (),
    )


def _split_parts(
    reasons: Iterable[Reason], rows: Iterable[ClassRow], main: Iterable[Definition]
) -> tuple[tuple[Reason, ...], tuple[Reason, ...]]:
    """The footnotes of the first table's metrics, and those of the other metrics only."""
    names = [item.name for item in main]
    shown = {row.cells[name].mark for row in rows for name in names}
    first = tuple(reason for reason in reasons if reason.mark in shown)
    return first, tuple(reason for reason in reasons if reason not in first)


def _split_in_parts(definitions: Sequence[Definition]) -> tuple[tuple[Definition, ...], ...]:
    """The fewest tables that fit on paper, of about equal width."""
    n_parts = max(1, math.ceil(len(definitions) / PAPER_COLUMNS))
    size = math.ceil(len(definitions) / n_parts)
    return tuple(tuple(definitions[i : i + size]) for i in range(0, len(definitions), size))


def _lookup(facts: Context, main: Sequence[Definition]) -> Iterable[tuple[str, ...]]:
    per_class = facts.evaluation.per_class
    texts = [[value_text(v, item) for v in per_class[item.name].value.tolist()] for item in main]
    rows = list(zip(facts.names, *texts, strict=True))
    for i in facts.by_recall:
        name, *row = rows[i]
        counts = facts.evaluation.class_counts(i)
        sizes = (count(counts[key]) if counts else "n/a" for key in ("support", "predicted"))
        yield (name.full, *sizes, *row)


def _class_lead(facts: Context) -> Words:
    k = len(facts.names)
    if k > LISTED_CLASSES:
        return say(
            "The {n} classes with the lowest recall of {k}. Search covers all of them, and all are "
            "in per_class.csv.",
            n=str(LISTED_CLASSES),
            k=count(k),
        )
    if facts.proportions is not None:
        return say(f"Sample counts and confidence intervals {PROPORTIONS_ONLY}.")
    few = sum(0 < facts.support(i) < LOW_SUPPORT for i in range(len(facts.names)))
    lead = say("Lowest recall first; bars with pointwise 95% CI.")
    if not few:
        return lead
    marked = say(
        "{n} with fewer than {limit} samples {verb} marked (wide intervals).",
        n=plural(few, "class", "classes"),
        limit=str(LOW_SUPPORT),
        verb="is" if few == 1 else "are",
        them="it" if few == 1 else "them",
    )
    return join(lead, marked)


def _class_row(
    facts: Context, i: int, definitions: Sequence[Definition], notes: Footnotes
) -> ClassRow:
    counts = facts.evaluation.class_counts(i)
    taken = facts.largest_error.get(i)
    return ClassRow(
        index=i,
        name=facts.names[i],
        counts=counts,
        cells={item.name: cell(facts.of_class(item.name, i), item, notes) for item in definitions},
        remarks=tuple(_remarks(facts, i)),
        taken=taken[1] if taken else None,
        taken_for=facts.names[taken[0]] if taken else None,
        taken_share=share(taken[1]) if taken else "",
    )


def _remarks(facts: Context, i: int) -> Iterable[str]:
    counts = facts.evaluation.class_counts(i)
    if i not in facts.present:
        yield "no samples"
    elif counts and counts["support"] < LOW_SUPPORT:
        yield "few samples"
    if counts and counts["predicted"] == 0:
        yield "never predicted"
