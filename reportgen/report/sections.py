"""The sections of a report that stand on numbers: verdict, per class, data, provenance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from reportgen.confusions import GROUP_METRICS, PAIR_METRICS
from reportgen.evaluation import CLASS_METRICS, Evaluation
from reportgen.metrics import COUNTS, Definition, Metric
from reportgen.provenance import Accounting, DataNote, Provenance
from reportgen.report.cells import Footnotes, cell
from reportgen.report.facts import LOW_SUPPORT, Facts
from reportgen.report.intervals import class_definitions, made_intervals, summary_definitions
from reportgen.report.model import (
    ClassRow,
    ClassSection,
    DataSection,
    Fact,
    Note,
    Reason,
    Verdict,
)
from reportgen.report.shrinking import pictures_fact
from reportgen.report.words import NBSP, Name, Words, interval, join, listed, say, share
from reportgen.scoring import DISCORDANCES, minimum_detectable_difference
from reportgen.text import count, plural

__all__ = [
    "BEST",
    "LISTED_CLASSES",
    "MAIN_METRICS",
    "WORST",
    "class_section",
    "data_section",
    "facts_of",
    "glossary",
    "in_parts",
    "made",
    "note_of",
    "parted",
    "subject",
    "verdict",
]

MAIN_METRICS = ("recall", "precision", "f1")
MANY_NAMES = 100
USUAL = 0.10
"""Share of samples of which just one of two models is right, as of two releases of a model."""
PAPER_COLUMNS = 10
LISTED_CLASSES, WORST, BEST = 2000, 200, 50
"""To so many classes all are listed; above, these numbers of the worst and of the best are."""


def verdict(facts: Facts) -> Verdict:
    """Without release rules there is no decision: the page says so, and what it measured."""
    accuracy = facts.summary("accuracy")
    measured = say(
        "No release gates were set. Accuracy {accuracy} on {n}{ends}.",
        accuracy=share(accuracy.value or 0.0),
        n=plural(facts.matrix.n_samples, "sample"),
        ends=_in_brackets(accuracy),
    )
    return Verdict("none", "NO GATES SET", join(measured, _weakest_words(facts)))


def _weakest_words(facts: Facts) -> Words:
    """The range of recall, and whether a class stands out in it beyond chance."""
    if len(facts.recall) < 2:
        return Words(())
    low, high = min(facts.recall.values()), max(facts.recall.values())
    if low == high:
        return say("All classes have a recall of {share}.", share=share(low))
    i = facts.weakest
    if i is None or not facts.is_low(i):
        return say(
            "Per-class recall ranges from {low} to {high}; no class is significantly low.",
            low=share(low),
            high=share(high),
        )
    return say(
        "{head}: {name}, {share} (significant).",
        head="Lowest recall" if facts.recall[i] == low else "Low recall",
        name=facts.names[i],
        share=share(facts.recall[i]),
    )


def _in_brackets(metric: Metric) -> str:
    if metric.interval is None:
        return ""
    return f" (95{NBSP}% CI {interval(metric.interval)})"


def subject(provenance: Provenance) -> Words:
    """``candidate 1.2 on CIFAR-10 test``, or the title that the user gave."""
    if provenance.title:
        return Words((Name.of(provenance.title, 120),))
    model = " ".join(filter(None, (provenance.model.name, provenance.model.version)))
    data = " ".join(filter(None, (provenance.data_name, provenance.split)))
    known: list[str | Name] = [Name.of(text, 80) for text in (model, data) if text]
    if len(known) == 2:
        known.insert(1, " on ")
    return Words(tuple(known))


def facts_of(evaluation: Evaluation) -> tuple[Fact, ...]:
    """Model, data, samples, date: what was measured on what."""
    made_by, n = evaluation.provenance, evaluation.n_samples
    known = (
        ("Model", made_by.model.name),
        ("Version", made_by.model.version),
        ("Data", made_by.data_name),
        ("Split", made_by.split),
        ("Date", made_by.date),
    )
    facts = [Fact(term, (Words((Name.of(text, 60),)),)) for term, text in known if text]
    number = count(n) if evaluation.shares is None else "not known,"
    in_classes = f"{number} in {plural(len(evaluation.classes), 'class', 'classes')}"
    facts.insert(min(4, len(facts)), Fact("Samples", (say(in_classes),)))
    return tuple(facts)


def class_section(facts: Facts) -> ClassSection:
    """All classes, worst recall first; undefined recall last."""
    definitions = [item for item in CLASS_METRICS if item.kind != "count"]
    notes = Footnotes()
    order = sorted(
        range(len(facts.names)),
        key=lambda i: (i not in facts.recall, facts.recall.get(i, 0.0), -facts.support(i), i),
    )
    listed_classes = order if len(order) <= LISTED_CLASSES else _extremes(order, facts)
    rows = tuple(_class_row(facts, i, definitions, notes) for i in listed_classes)
    main = tuple(item for name in MAIN_METRICS for item in definitions if item.name == name)
    reasons, of_others = parted(notes.reasons(), rows, main)
    return ClassSection(
        lead=_class_lead(facts),
        rows=rows,
        main=main,
        others=in_parts([item for item in definitions if item not in main]),
        reasons=reasons,
        reasons_of_others=of_others,
        lookup=tuple(_lookup(facts, main)) if len(rows) < len(order) else (),
    )


def parted(
    reasons: Iterable[Reason], rows: Iterable[ClassRow], main: Iterable[Definition]
) -> tuple[tuple[Reason, ...], tuple[Reason, ...]]:
    """The reasons that figures of the first table have, and those that only others have."""
    names = [item.name for item in main]
    shown = {row.cells[name].mark for row in rows for name in names}
    first = tuple(reason for reason in reasons if reason.mark in shown)
    return first, tuple(reason for reason in reasons if reason not in first)


def in_parts(definitions: Sequence[Definition]) -> tuple[tuple[Definition, ...], ...]:
    """As few tables as fit on paper, of about equal width."""
    n_parts = max(1, math.ceil(len(definitions) / PAPER_COLUMNS))
    size = math.ceil(len(definitions) / n_parts)
    return tuple(tuple(definitions[i : i + size]) for i in range(0, len(definitions), size))


def _extremes(order: Sequence[int], facts: Facts) -> list[int]:
    """The worst classes and the best ones; those without samples are neither."""
    known = order[: len(facts.recall)]
    return [*known[:WORST], *known[max(WORST, len(known) - BEST) :]]


def _lookup(facts: Facts, main: Sequence[Definition]) -> Iterable[tuple[str, ...]]:
    notes = Footnotes()
    for i, name in enumerate(facts.names):
        texts = (cell(facts.of_class(item.name, i), item, notes).text for item in main)
        yield (name.full, count(facts.support(i)), count(facts.predicted(i)), *texts)


def _class_lead(facts: Facts) -> Words:
    k = len(facts.names)
    if k > LISTED_CLASSES:
        return say(
            "Of {k} classes the {worst} with the lowest recall and, after them, the {best} with "
            "the highest are listed. per_class.csv holds all.",
            k=count(k),
            worst=str(WORST),
            best=str(BEST),
        )
    few = sum(0 < facts.support(i) < LOW_SUPPORT for i in range(len(facts.names)))
    lead = say(
        f"Worst recall first. Bars run from 0 to 100{NBSP}%, whiskers are 95{NBSP}% intervals, "
        "which stand beside them in figures."
    )
    if not few:
        return lead
    marked = say(
        "{n} with fewer than {limit} samples {verb} marked: what is said of {them} is vague.",
        n=plural(few, "class", "classes"),
        limit=str(LOW_SUPPORT),
        verb="is" if few == 1 else "are",
        them="it" if few == 1 else "them",
    )
    return join(lead, marked)


def _class_row(
    facts: Facts, i: int, definitions: Sequence[Definition], notes: Footnotes
) -> ClassRow:
    counts = facts.evaluation.class_counts(i)
    taken = facts.taken_for.get(i)
    return ClassRow(
        index=i,
        name=facts.names[i],
        counts=counts,
        cells={item.name: cell(facts.of_class(item.name, i), item, notes) for item in definitions},
        remarks=tuple(_remarks(counts)),
        taken=taken.count / counts["support"] if taken else None,
        taken_for=facts.names[taken.predicted] if taken else None,
        taken_share=share(taken.count / counts["support"]) if taken else "",
    )


def _remarks(counts: Mapping[str, int]) -> Iterable[str]:
    if counts["support"] == 0:
        yield "no samples"
    elif counts["support"] < LOW_SUPPORT:
        yield "few samples"
    if counts["predicted"] == 0:
        yield "never predicted"


def data_section(facts: Facts) -> DataSection:
    """The books of the samples, the classes without any, and what was noticed."""
    evaluation = facts.evaluation
    return DataSection(
        (*_accounting(evaluation.samples, evaluation.provenance.kind), *_class_facts(facts)),
        tuple(note_of(note) for note in evaluation.notes),
    )


def _accounting(samples: Accounting, kind: str) -> Iterable[Fact]:
    found = "Samples in the matrix" if kind == "confusion matrix" else "Samples found"
    yield Fact(found, (say(count(samples.found)),))
    excluded = tuple(_reason_counts(samples.excluded)) or (say("none"),)
    yield Fact("Left out", excluded)
    yield Fact("Counted", (say(count(samples.counted)),))
    if samples.skipped:
        yield Fact("Passed over, no samples", tuple(_reason_counts(samples.skipped)))


def _reason_counts(counts: Mapping[str, int]) -> Iterable[Words]:
    for reason, n in counts.items():
        yield Words((f"{count(n)}: ", Name.of(reason, 200)))


def _class_facts(facts: Facts) -> Iterable[Fact]:
    k = len(facts.names)
    absent = [facts.names[i] for i in range(k) if not facts.support(i)]
    silent = [facts.names[i] for i in range(k) if not facts.predicted(i)]
    yield Fact("Classes without samples", (_some_of(absent, k),))
    yield Fact("Classes never predicted", (_some_of(silent, k),))
    sizes = [facts.support(i) for i in facts.present]
    low, high = min(sizes), max(sizes)
    spread = (
        say("{n} in every class", n=plural(low, "sample"))
        if low == high and not absent
        else say("{low} to {high} samples a class", low=count(low), high=count(high))
        if low != high
        else say("{n} in every class that has any", n=plural(low, "sample"))
    )
    yield Fact("Support", (spread,))
    yield Fact("Smallest difference", (_detectable(facts),))


def _detectable(facts: Facts) -> Words:
    """What a comparison of two models on these samples can show."""
    n, grouped = facts.matrix.n_samples, facts.evaluation.sample_groups is not None
    found = {d: minimum_detectable_difference(n, d).value for d in DISCORDANCES}
    usual = found[USUAL]
    if usual is None:
        return say(
            "too few samples to compare two models: even if only one of them is right on {part} "
            "of the samples, and always the same one, that would likely go unseen",
            part=share(USUAL, 0),
        )
    others = ", ".join(
        f"{_points(value)} at {share(part, 0)}"
        for part, value in found.items()
        if value is not None and part != USUAL
    )
    return say(
        "this test set can show a difference of about {usual} points in accuracy between two "
        "models of which just one is right on {part} of the samples{others}{if_independent}; "
        "smaller ones will likely go unseen",
        usual=_points(usual),
        part=share(USUAL, 0),
        others=f" ({others})" if others else "",
        if_independent=", if the samples were independent of each other" if grouped else "",
    )


def _points(difference: float) -> str:
    points = 100 * difference
    return f"{points:.1f}" if points >= 0.095 else f"{points:.1g}"


def _some_of(names: Sequence[Name], k: int) -> Words:
    if not names:
        return say(f"none of {count(k)}")
    return say(f"{count(len(names))} of {count(k)}: {{names}}", names=listed(names, 40))


def note_of(note: DataNote) -> Note:
    shown = tuple(Name.of(name, 120) for name in note.examples[:10])
    if all(name.full in note.sentence for name in shown):
        shown = ()  # the sentence lists them already
    return Note(
        note.severity == "warning",
        Name.of(note.sentence, 2000).text,
        shown,
        max(0, note.count - len(shown)) if shown else 0,
    )


def made(facts: Facts, n_thumbnails: int, versions: Mapping[str, str]) -> tuple[Fact, ...]:
    """Everything that an auditor asks about this evaluation."""
    by = facts.evaluation.provenance
    rows: list[tuple[str, Iterable[str], bool]] = [
        ("Stands on", [_input_kind(by.kind)], False),
        ("Title", [by.title], False),
        ("Date", [by.date], False),
        ("Model", [" ".join(filter(None, (by.model.name, by.model.version)))], False),
        ("Kind of model", [by.model.kind], False),
        ("Named as", [by.model.source], True),
        (
            "Model files, SHA-256",
            (f"{name}  {digest}" for name, digest in by.model.files.items()),
            True,
        ),
        ("Loading", [*by.model.notes, *_code_note(by)], False),
        ("Data", [" ".join(filter(None, (by.data_name, by.split)))], False),
        ("Read as", [by.read_as], False),
        ("Data fingerprint", [by.data_fingerprint], True),
        ("Class list", [by.classes_source], False),
        ("Class order", [_class_order(facts.names)], False),
        ("Preprocessing", by.preprocessing, False),
        ("Outputs read as", [by.outputs], False),
        *made_intervals(facts.evaluation),
        ("Inference", (f"{key}: {value}" for key, value in by.inference.items()), False),
        ("Versions", (f"{name} {text}" for name, text in by.versions.items()), False),
        ("Page made with", (f"{name} {text}" for name, text in versions.items()), False),
    ]
    facts_made = tuple(
        Fact(term, words, code)
        for term, values, code in rows
        if (words := tuple(Words((Name.of(value, 4000),)) for value in values if value))
    )
    command = Fact("Command", (Words((Name.of(by.command, 4000),)),), code=True)
    return (*facts_made, *pictures_fact(n_thumbnails), *([command] if by.command else []))


def _class_order(names: Sequence[Name]) -> str:
    if len(names) > MANY_NAMES:
        return f"{count(len(names))} classes, in the order of confusion.csv"
    return ", ".join(name.text for name in names)


def _input_kind(kind: str) -> str:
    return {
        "inference": "inference on images by this run",
        "predictions": "saved predictions, one row a sample",
        "confusion matrix": "a saved confusion matrix, rows true, columns predicted",
    }.get(kind, kind)


def _code_note(by: Provenance) -> Iterable[str]:
    if by.model.executes_code:
        yield "Loading or running it executes code that came with the model."


def glossary(evaluation: Evaluation) -> tuple[tuple[str, tuple[Definition, ...]], ...]:
    """Every metric that the page shows, with the intervals that they got, in groups with heads."""
    return (
        ("Of the whole test set", summary_definitions(evaluation)),
        ("Of one class", (*COUNTS, *class_definitions(evaluation))),
        ("Of pairs and groups of classes", (*PAIR_METRICS, *GROUP_METRICS)),
    )
