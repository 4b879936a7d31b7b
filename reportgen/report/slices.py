"""How good the model is on parts of the data: the worst first, and what chance may explain."""

from __future__ import annotations

from collections.abc import Iterable

from reportgen.evaluation import SUMMARY_METRICS
from reportgen.metrics import Definition
from reportgen.report.cells import Footnotes, cell
from reportgen.report.facts import Facts
from reportgen.report.model_samples import SliceRow, SliceSection
from reportgen.report.words import MINUS, Name, Words, join, p_text, say
from reportgen.slices import REASONS, Slice, SliceReport
from reportgen.text import count, plural

__all__ = ["points", "slice_section"]

LISTED_SLICES = 200
DEFINITIONS = {definition.name: definition for definition in SUMMARY_METRICS}
VERDICTS = {"worse": "worse than the rest", "better": "better than the rest", "unclear": ""}


def slice_section(facts: Facts) -> SliceSection | None:
    """All slices; None where the input has no metadata columns."""
    report = facts.evaluation.slices
    if not report.columns:
        return None
    notes = Footnotes()
    rows = tuple(_row(one, notes) for one in report.slices[:LISTED_SLICES])
    return SliceSection(_lead(report), rows, tuple(_left_out(report)), notes.reasons())


def _lead(report: SliceReport) -> Words:
    cut = [column for column in report.columns if column.kind != "left_out"]
    if not report.slices:
        return say("No metadata column can be cut into parts of the data.")
    lead = say(
        "{slices} from {columns}, those that are worse than the rest first. {worse} worse "
        "beyond chance; p-values are corrected for {tests} (Holm). Slices of different columns "
        "overlap.",
        slices=plural(len(report.slices), "part of the data", "parts of the data"),
        columns=plural(len(cut), "metadata column"),
        worse=_worse(report.n_worse),
        tests=plural(report.n_tests, "comparison"),
    )
    if len(report.slices) <= LISTED_SLICES:
        return lead
    return join(lead, say(f"The first {LISTED_SLICES} are listed; report.json holds all."))


def _worse(n: int) -> str:
    return {0: "None is", 1: "One is"}.get(n, f"{count(n)} are")


def _left_out(report: SliceReport) -> Iterable[Words]:
    for column in report.columns:
        if column.reason is not None:
            why = REASONS.get(column.reason, column.reason)
            yield say("Not cut: {name}. {why}", name=_name(column.name), why=why)


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
        difference_range=f"{points(ends[0])} to {points(ends[1])}" if ends else "",
        exact_difference=one.difference.value,
        p=p_text(one.p_holm),
        exact_p=one.p_holm,
        verdict=VERDICTS[one.verdict],
        few=one.low_support,
    )


def _name(text: str) -> Name:
    return Name.of(text, 60)


def points(difference: float | None) -> str:
    """A difference of shares in percentage points: ``−12.3``, ``+0.4``, ``0``; empty for None."""
    if difference is None:
        return ""
    if difference == 0:
        return "0"
    text = f"{100 * abs(difference):.1f}"
    sign = "+" if difference > 0 else MINUS
    return f"{sign}<0.1" if float(text) == 0 else f"{sign}{text}"
