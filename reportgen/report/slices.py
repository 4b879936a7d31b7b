"""The section on slices."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from reportgen.analysis.slices import REASONS, Slice, SliceReport
from reportgen.evaluation import SUMMARY_METRICS
from reportgen.metrics import Definition
from reportgen.report.context import Context
from reportgen.report.elements import Cell, Footnotes, Reason, cell
from reportgen.report.words import MINUS, Name, Words, join, p_text, say
from reportgen.text import count, plural

__all__ = [
    "SliceRow",
    "SliceSection",
    "difference_range",
    "points",
    "points_range",
    "slice_section",
]


@dataclass(frozen=True)
class SliceRow:
    """A slice as text; `verdict` is a word, or empty.

    Attributes
    ----------
    column, part
        The metadata column, and its value.
    difference, exact_difference
        Accuracy minus that of the rest of data, in pp; empty and None without a rest.
    p
        Holm-corrected p-value as text, and as a number in `exact_p`.
    """

    column: Name
    part: Name
    count: int
    accuracy: Cell
    balanced: Cell
    macro_f1: Cell
    gap: str
    exact_gap: float | None
    difference: str
    difference_range: str
    exact_difference: float | None
    p: str
    exact_p: float | None
    verdict: str
    few: bool


@dataclass(frozen=True)
class SliceSection:
    """Slices, lowest first; `left_out` lists the skipped columns with reasons."""

    lead: Words
    rows: tuple[SliceRow, ...]
    left_out: tuple[Words, ...]
    reasons: tuple[Reason, ...]


LISTED_SLICES = 200


DEFINITIONS = {definition.name: definition for definition in SUMMARY_METRICS}


VERDICTS = {"worse": "worse than the rest", "better": "better than the rest", "unclear": ""}


def slice_section(facts: Context) -> SliceSection | None:
    """All slices; None if the input has no metadata columns."""
    report = facts.evaluation.slices
    if not report.columns:
        return None
    notes = Footnotes()
    rows = tuple(_row(one, notes) for one in report.slices[:LISTED_SLICES])
    return SliceSection(_lead(report), rows, tuple(_leave_each_out(report)), notes.reasons())


def _lead(report: SliceReport) -> Words:
    cut = [column for column in report.columns if column.kind != "left_out"]
    if not report.slices:
        return say("No metadata column can be sliced.")
    lead = say(
        "{slices} from {columns}, worst first. {worse} "
        "significantly worse (Holm, {tests}). Slices of different columns overlap.",
        slices=plural(len(report.slices), "slice"),
        columns=plural(len(cut), "metadata column"),
        worse=_worse(report.n_worse),
        tests=plural(report.n_tests, "comparison"),
    )
    if len(report.slices) <= LISTED_SLICES:
        return lead
    return join(lead, say(f"The first {LISTED_SLICES} are shown; all are in report.json."))


def _worse(n: int) -> str:
    return {0: "None is", 1: "One is"}.get(n, f"{count(n)} are")


def _leave_each_out(report: SliceReport) -> Iterable[Words]:
    for column in report.columns:
        if column.reason is not None:
            why = REASONS.get(column.reason, column.reason)
            yield say("Skipped: {name}. {why}", name=_name(column.name), why=why)


def _row(one: Slice, notes: Footnotes) -> SliceRow:
    def of(name: str) -> Definition:
        return DEFINITIONS[name]

    ends = one.difference.interval
    return SliceRow(
        column=_name(one.column),
        part=_name(one.part.text or "(empty)"),
        count=one.n,
        accuracy=cell(one.accuracy, of("accuracy"), notes),
        balanced=cell(one.balanced_accuracy, of("balanced_accuracy"), notes),
        macro_f1=cell(one.macro_f1, of("macro_f1"), notes),
        gap=points(one.confidence_gap.value),
        exact_gap=one.confidence_gap.value,
        difference=points(one.difference.value),
        difference_range=points_range(ends),
        exact_difference=one.difference.value,
        p=p_text(one.p_holm),
        exact_p=one.p_holm,
        verdict=VERDICTS[one.verdict],
        few=one.low_support,
    )


def _name(text: str) -> Name:
    return Name.of(text, 60)


def points(difference: float | None) -> str:
    """A difference of proportions in pp: ``−12.3``, ``+0.4``, ``0``; empty for None."""
    if difference is None:
        return ""
    if difference == 0:
        return "0"
    sign = "+" if difference > 0 else MINUS
    text = f"{100 * abs(difference):.1f}"
    return f"{sign}<0.1" if float(text) == 0 else f"{sign}{text}"


def points_range(ends: tuple[float, float] | None) -> str:
    """``−0.3 to +1.2``, ``−0.04 to +0.04``; empty without an interval.

    An end that would round to 0 gets more digits.
    """
    return difference_range(ends, points, 100)


def difference_range(
    ends: tuple[float, float] | None, text: Callable[[float], str], scale: float = 1
) -> str:
    """Both ends as `text` has them; empty without an interval.

    An end below 0.0005, which `text` would round to 0, is shown times `scale` with one digit.
    """
    if ends is None:
        return ""
    low, high = (_tiny(end, scale) if 0 < abs(end) < 0.0005 else text(end) for end in ends)
    return f"{low} to {high}"


def _tiny(value: float, scale: float) -> str:
    shown = scale * abs(value)
    return f"{'+' if value > 0 else MINUS}{shown:.{-math.floor(math.log10(shown))}f}"
