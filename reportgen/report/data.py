"""The sections on the data, and on provenance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reportgen.analysis.scoring import DISCORDANCES, minimum_detectable_difference
from reportgen.evaluation import OF, Evaluation, Proportions
from reportgen.provenance import Accounting, DataNote, Provenance
from reportgen.report.classes import MANY_NAMES
from reportgen.report.context import Context
from reportgen.report.elements import Fact
from reportgen.report.intervals import made_intervals
from reportgen.report.words import PROPORTIONS_ONLY, Name, Words, list_names, say, share
from reportgen.text import count, plural

__all__ = [
    "PICTURES",
    "DataSection",
    "Note",
    "data_section",
    "data_words",
    "facts_of",
    "made",
    "note_of",
    "pictures_fact",
]


@dataclass(frozen=True)
class Note:
    """A data note in displayable form."""

    warning: bool
    sentence: str
    examples: tuple[Name, ...]
    more: int


@dataclass(frozen=True)
class DataSection:
    """Sample accounting and data notes; `missing` lists absent parts, with options to add them."""

    facts: tuple[Fact, ...]
    notes: tuple[Note, ...]
    missing: tuple[Words, ...] = ()


PICTURES = "Thumbnails"


def pictures_fact(n: int) -> tuple[Fact, ...]:
    """Number of samples with pictures in the page, if any."""
    if not n:
        return ()
    return (Fact(PICTURES, (say("{n} (re-encoded, metadata removed)", n=count(n)),)),)


USUAL = 0.10
"""Assumed proportion of samples with exactly one model correct, as for two releases of a model."""


def facts_of(evaluation: Evaluation) -> tuple[Fact, ...]:
    """Model, data, samples and date of the evaluation."""
    made_by, n = evaluation.provenance, evaluation.n_samples
    known = (
        ("Model", " ".join(filter(None, (made_by.model.name, made_by.model.version)))),
        ("Data", data_words(made_by)),
        ("Date", made_by.date),
    )
    facts = [Fact(term, (Words((Name.of(text, 80),)),)) for term, text in known if text]
    number = count(n) if evaluation.shares is None else f"{PROPORTIONS_ONLY},"
    in_classes = f"{number} in {plural(len(evaluation.classes), 'class', 'classes')}"
    if evaluation.shares is None and len(evaluation.classes) > 1:
        in_classes += f" ({_support_words(evaluation)})"
    facts.insert(len(facts) - bool(made_by.date), Fact("Samples", (say(in_classes),)))
    return tuple(facts)


def _support_words(evaluation: Evaluation) -> str:
    """``balanced``, or how many samples the classes have: ``87–812 each``."""
    totals = evaluation.confusion.true_totals
    low, high = int(totals.min()), int(totals.max())
    return "balanced" if low == high else f"{count(low)}–{count(high)} each"


def data_words(made_by: Provenance) -> str:
    """``CIFAR-10 test``: the name of the data with its split, unless the name contains it."""
    name, split = made_by.data_name, made_by.split
    said = name.lower().replace("-", " ").replace("_", " ").split()
    return name if split.lower() in said else " ".join(filter(None, (name, split)))


def data_section(facts: Context, *, gated: bool = True, compared: bool = True) -> DataSection:
    """Sample accounting, classes without samples, data notes, and missing parts."""
    evaluation = facts.evaluation
    if facts.proportions is not None:
        known = tuple(_proportion_facts(facts, facts.proportions))
    else:
        books = _accounting(evaluation.samples, evaluation.provenance.kind)
        known = (*books, *_class_facts(facts))
    return DataSection(
        known,
        tuple(note_of(note) for note in evaluation.notes),
        tuple(_missing(evaluation, gated=gated, compared=compared)),
    )


def _missing(evaluation: Evaluation, *, gated: bool, compared: bool) -> Iterable[Words]:
    """Further input and what it would add, one line each."""
    rows = evaluation.provenance.kind != "confusion matrix"
    wanted = (
        (gated, "Release gates: add {option}.", "--gates"),
        (compared, "Baseline comparison: add {option}.", "--baseline"),
        (evaluation.confidence is not None or not rows,
         "Calibration and selective prediction: add a column of confidences.", ""),
        (evaluation.suspects.reason != "no_scores" or not rows,
         "ROC and potential label errors: add the probabilities of all classes.", ""),
        (rows, "Calibration, slices, examples and potential label errors: add predictions, one row "
         "per sample.", ""),
        (bool(evaluation.slices.slices) or not rows, "Slices: add {option}.", "--metadata"),
        (evaluation.hierarchy is not None, "Class groups: add {option}.", "--hierarchy"),
        (evaluation.sample_groups is not None or not rows,
         "Intervals for dependent samples: add {option}.", "--group-column"),
    )  # fmt: skip
    for known, text, option in wanted:
        if not known:
            yield say(text, option=option) if option else say(text)


def _proportion_facts(facts: Context, known: Proportions) -> Iterable[Fact]:
    yield Fact("Samples in the matrix", (say(PROPORTIONS_ONLY),))
    yield Fact("Proportions of", (say(OF[known.over]),))
    yield Fact("Classes without samples", (_some_of(facts.absent, len(facts.names)),))


def _accounting(samples: Accounting, kind: str) -> Iterable[Fact]:
    found = "Samples in the matrix" if kind == "confusion matrix" else "Samples found"
    yield Fact(found, (say(count(samples.found)),))
    excluded = tuple(_reason_counts(samples.excluded)) or (say("none"),)
    yield Fact("Excluded", excluded)
    yield Fact("Evaluated", (say(count(samples.counted)),))
    if samples.skipped:
        yield Fact("Skipped files", tuple(_reason_counts(samples.skipped)))


def _reason_counts(counts: Mapping[str, int]) -> Iterable[Words]:
    for reason, n in counts.items():
        yield Words((f"{count(n)}: ", Name.of(reason, 200)))


def _class_facts(facts: Context) -> Iterable[Fact]:
    k = len(facts.names)
    absent = facts.absent
    silent = [facts.names[i] for i in range(k) if not facts.predicted(i)]
    yield Fact("Classes without samples", (_some_of(absent, k),))
    yield Fact("Classes never predicted", (_some_of(silent, k),))
    sizes = [facts.support(i) for i in facts.present]
    low, high = min(sizes), max(sizes)
    spread = (
        say("{n} in every class", n=plural(low, "sample"))
        if low == high and not absent
        else say("{low} to {high} samples per class", low=count(low), high=count(high))
        if low != high
        else say("{n} in every class with samples", n=plural(low, "sample"))
    )
    yield Fact("Class support", (spread,))
    yield Fact("Minimum detectable difference", (_detectable(facts),))


def _detectable(facts: Context) -> Words:
    """The minimum detectable difference of two models on these samples."""
    n, grouped = facts.matrix.n_samples, facts.evaluation.sample_groups is not None
    found = {d: minimum_detectable_difference(n, d).value for d in DISCORDANCES}
    usual = found[USUAL]
    if usual is None:
        return say(
            "too few samples to compare two models: no difference at {part} "
            "discordance is detectable (80% power)",
            part=share(USUAL, 0),
        )
    others = ", ".join(
        f"{_points(value)} at {share(part, 0)}"
        for part, value in found.items()
        if value is not None and part != USUAL
    )
    return say(
        "{usual} pp in accuracy at {part} discordance and 80% power{others}{if_independent}",
        usual=_points(usual),
        part=share(USUAL, 0),
        others=f" ({others})" if others else "",
        if_independent=", for independent samples" if grouped else "",
    )


def _points(difference: float) -> str:
    points = 100 * difference
    return f"{points:.1f}" if points >= 0.095 else f"{points:.1g}"


def _some_of(names: Sequence[Name], k: int) -> Words:
    if not names:
        return say(f"none of {count(k)}")
    return say(f"{count(len(names))} of {count(k)}: {{names}}", names=list_names(names, 40))


def note_of(note: DataNote) -> Note:
    shown = tuple(Name.of(name, 120) for name in note.examples[:10])
    if all(name.full in note.sentence for name in shown):
        shown = ()  # the sentence already lists them
    return Note(
        note.severity == "warning",
        Name.of(note.sentence, 2000).text,
        shown,
        max(0, note.count - len(shown)) if shown else 0,
    )


def made(facts: Context, n_thumbnails: int, versions: Mapping[str, str]) -> tuple[Fact, ...]:
    """Provenance: everything that an auditor needs about this evaluation."""
    by = facts.evaluation.provenance
    rows: list[tuple[str, Iterable[str], bool]] = [
        ("Source", [_input_kind(by.kind)], False),
        ("Title", [by.title], False),
        ("Date", [by.date], False),
        ("Model", [" ".join(filter(None, (by.model.name, by.model.version)))], False),
        ("Model type", [by.model.kind], False),
        ("Model source", [by.model.source], True),
        (
            "Model SHA-256",
            (f"{name}  {digest}" for name, digest in by.model.files.items()),
            True,
        ),
        ("Loading", [*by.model.notes, *_code_note(by)], False),
        ("Data", [data_words(by)], False),
        ("Input format", [by.read_as], False),
        ("Dataset hash", [by.data_fingerprint], True),
        ("Class list", [by.classes_source], False),
        ("Class order", [_class_order(facts.names)], False),
        ("Preprocessing", by.preprocessing, False),
        ("Output type", [by.outputs], False),
        *made_intervals(facts.evaluation),
        ("Inference", (f"{key}: {value}" for key, value in by.inference.items()), False),
        ("Versions", (f"{name} {text}" for name, text in by.versions.items()), False),
        ("Report versions", (f"{name} {text}" for name, text in versions.items()), False),
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
        "inference": "images, predicted in this run",
        "predictions": "saved predictions, one row per sample",
        "confusion matrix": "a saved confusion matrix, rows true, columns predicted",
    }.get(kind, kind)


def _code_note(by: Provenance) -> Iterable[str]:
    if by.model.executes_code:
        yield "Model file contains executable code."
