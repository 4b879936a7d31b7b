"""What changed: figures of the whole, the classes by harm, parts of the data, pairs that grew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reportgen.comparison.value import COMPARED, ClassChange, Comparison, PairChange, SliceChange
from reportgen.report.cells import Footnotes, unit_of
from reportgen.report.deltas import (
    CLASS_DEFINITIONS,
    DEFINITIONS,
    HARM,
    KINDS,
    WORDS,
    delta,
    scale_of,
)
from reportgen.report.facts import LOW_SUPPORT
from reportgen.report.model_review import (
    ClassChangeRow,
    ClassChanges,
    Compared,
    GrownRow,
    SliceChangeRow,
    SummaryChange,
    Tally,
)
from reportgen.report.slices import points
from reportgen.report.words import MINUS, NBSP, Name, Words, join, listed, p_text, say
from reportgen.text import count, plural

__all__ = [
    "class_changes",
    "compared",
    "grown_row",
    "grown_rows",
    "signed_count",
    "slice_changes",
    "summary_changes",
    "summary_note",
]

LISTED_CLASSES, WORST, BEST = 2000, 200, 50
LISTED_SLICES = 200
NAMED = 4
"""Most classes that the tally names."""
METHODS: Mapping[str, str] = {
    "tango": "Tango interval, McNemar mid-p",
    "newcombe": "Newcombe interval, samples not matched",
    "mover": "both sides' intervals (MOVER), samples not matched",
    "delta method": "delta method",
    "paired bootstrap": "paired bootstrap",
    "none": "no interval",
}


def compared(comparison: Comparison) -> Compared:
    """The changes that tiles and the table of classes show."""
    notes = Footnotes()
    recall = CLASS_DEFINITIONS["recall"]
    return Compared(
        summary={
            name: delta(comparison.summary[name], DEFINITIONS[name], notes) for name in COMPARED
        },
        classes={
            one.index: delta(one.recall, recall, notes, one.tendency) for one in comparison.classes
        },
        scale=scale_of(_reach(comparison.classes)),
        n=comparison.candidate.n_samples,
    )


def summary_changes(comparison: Comparison, notes: Footnotes) -> Iterable[SummaryChange]:
    """One row a figure of the whole."""
    for name in COMPARED:
        difference, definition = comparison.summary[name], DEFINITIONS[name]
        yield SummaryChange(
            title=definition.title,
            unit=unit_of(definition),
            lower_is_better=definition.higher_is_better is False,
            delta=delta(difference, definition, notes),
            p="" if difference.p is None else p_text(difference.p_adjusted),
            how=METHODS.get(difference.method, difference.method),
        )


def summary_note(comparison: Comparison) -> Words:
    """How the intervals are made, and what the words mean."""
    made = say(
        "Significant: Holm-corrected p < 0.05 within its family, here the {n} tested.",
        n=plural(sum(one.p is not None for one in comparison.summary.values()), "metric"),
    )
    if not comparison.draws:
        return made
    drawn = say(
        "The paired bootstrap draws the same samples for both sides, {draws} times, with seed "
        "{seed}.",
        draws=count(comparison.draws),
        seed=str(comparison.seed),
    )
    return join(made, drawn)


def class_changes(
    comparison: Comparison, names: Sequence[Name], notes: Footnotes
) -> ClassChanges | None:
    """The classes by harm: those that regressed significantly first; None without classes."""
    changes = comparison.classes
    if not changes:
        return None
    order = sorted(changes, key=_harm)
    ranks = {one.index: rank for rank, one in enumerate(order)}
    listed_ones = order if len(order) <= LISTED_CLASSES else [*order[:WORST], *order[-BEST:]]
    return ClassChanges(
        lead=_class_lead(comparison),
        tally=tuple(_tally(order, names)),
        rows=tuple(_class_row(one, names, ranks[one.index], notes) for one in listed_ones),
        scale=scale_of(_reach(changes)),
        paired=comparison.paired is not None,
    )


def _harm(one: ClassChange) -> tuple[int, bool, float, int]:
    """Regressed ones first; then by how far the recall fell; undefined ones last of their kind."""
    value = one.recall.difference
    return HARM[KINDS[one.tendency]], value is None, value or 0.0, one.index


def _reach(changes: Iterable[ClassChange]) -> Iterable[float]:
    """What the bars' axis has to hold: differences, and intervals that are not of a few samples."""
    for one in changes:
        if one.recall.difference is not None:
            yield one.recall.difference
        if one.support >= LOW_SUPPORT and one.recall.interval:
            yield from one.recall.interval


def _tally(order: Sequence[ClassChange], names: Sequence[Name]) -> Iterable[Tally]:
    for kind, word in WORDS.items():
        of_kind = [names[one.index] for one in order if KINDS[one.tendency] == kind]
        yield Tally(kind, word, len(of_kind), listed(of_kind, NAMED) if of_kind else Words(()))


def _class_lead(comparison: Comparison) -> Words:
    k, n_tests = len(comparison.classes), comparison.n_tests
    lead = say(
        "Regressions first. p-values are Holm-corrected for {tests}. Bars: change of recall in "
        "points, with 95{percent} CI.",
        tests=plural(n_tests, "test"),
        percent=f"{NBSP}%",
    )
    if comparison.paired is None:
        lead = join(lead, say("Unpaired samples: intervals are wider."))
    else:
        lead = join(lead, say("Gained and lost: samples that only one side predicts correctly."))
    if k <= LISTED_CLASSES:
        return lead
    return join(
        lead,
        say(
            "Of {k} classes the {worst} most harmed and, after them, the {best} that gained most "
            "are listed; report.json holds all.",
            k=count(k),
            worst=str(WORST),
            best=str(BEST),
        ),
    )


def _class_row(
    one: ClassChange, names: Sequence[Name], rank: int, notes: Footnotes
) -> ClassChangeRow:
    p = one.recall.p_adjusted
    return ClassChangeRow(
        index=one.index,
        name=names[one.index],
        rank=rank,
        support=one.support,
        few=0 < one.support < LOW_SUPPORT,
        recall=delta(one.recall, CLASS_DEFINITIONS["recall"], notes, one.tendency),
        p=p_text(p),
        exact_p=p,
        gained=None if one.paired is None else one.paired.gained,
        lost=None if one.paired is None else one.paired.lost,
        precision=delta(one.precision, CLASS_DEFINITIONS["precision"], notes),
        f1=delta(one.f1, CLASS_DEFINITIONS["f1"], notes),
    )


def slice_changes(comparison: Comparison, notes: Footnotes) -> Iterable[SliceChangeRow]:
    """Parts of the data, as the comparison orders them."""
    for rank, one in enumerate(comparison.slices[:LISTED_SLICES]):
        yield _slice_row(one, rank, notes)


def _slice_row(one: SliceChange, rank: int, notes: Footnotes) -> SliceChangeRow:
    return SliceChangeRow(
        part=Name.of(one.part or "(empty)", 60),
        column=Name.of(one.column, 60),
        count=one.n,
        delta=delta(one.accuracy, DEFINITIONS["accuracy"], notes, one.tendency),
        rank=rank,
        p=p_text(one.accuracy.p_adjusted),
        exact_p=one.accuracy.p_adjusted,
    )


def grown_rows(
    comparison: Comparison, names: Sequence[Name], shown: frozenset[tuple[int, int]]
) -> Iterable[GrownRow]:
    """The pairs that grew most."""
    for one in comparison.grown:
        yield grown_row(one, comparison, names, shown)


def grown_row(
    one: PairChange,
    comparison: Comparison,
    names: Sequence[Name],
    shown: frozenset[tuple[int, int]],
) -> GrownRow:
    """A cell on both sides, in samples and in points of its true class."""
    sides = comparison.baseline.confusion, comparison.candidate.confusion
    totals = [int(side.true_totals[one.true]) for side in sides]
    change = one.candidate - one.baseline
    share = None
    if all(totals):  # as the differences of recall: one division of whole numbers
        above = one.candidate * totals[0] - one.baseline * totals[1]
        share = above / (totals[0] * totals[1])
    on_page = (one.true, one.predicted) in shown
    return GrownRow(
        true_name=names[one.true],
        predicted_name=names[one.predicted],
        before=one.baseline,
        after=one.candidate,
        change=signed_count(change),
        exact_change=change,
        points="n/a" if share is None else points(share),
        exact_points=share,
        target=f"p-{one.true}-{one.predicted}" if on_page else "",
    )


def signed_count(n: int) -> str:
    """``+12``, ``−1,204``, ``0``."""
    return f"{'+' if n > 0 else MINUS if n < 0 else ''}{count(abs(n))}"
