"""The report of a matrix that holds shares only: what they say, and what nobody can know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from reportgen import __version__
from reportgen.confusions import PAIR_METRICS
from reportgen.evaluation import CLASS_METRICS, SUMMARY_METRICS, Evaluation
from reportgen.gates.value import Decision
from reportgen.metrics import Definition, Metric
from reportgen.report.cells import Footnotes, cell, unit_of
from reportgen.report.facts import Facts
from reportgen.report.findings.shares import share_findings
from reportgen.report.gates import gate_section
from reportgen.report.headline import lower_end, over_all
from reportgen.report.intervals import class_definitions, interval_note, summary_definitions
from reportgen.report.model import (
    Axis,
    Cell,
    ClassRow,
    ClassSection,
    ConfidenceSection,
    DataSection,
    Fact,
    Headline,
    Report,
    SummaryRow,
    Tile,
    Verdict,
)
from reportgen.report.pairs import listed_pairs
from reportgen.report.review import review_verdict
from reportgen.report.sections import (
    BEST,
    LISTED_CLASSES,
    MAIN_METRICS,
    WORST,
    facts_of,
    in_parts,
    made,
    note_of,
    parted,
    subject,
)
from reportgen.report.share_facts import OF, WHOLE, ShareFacts
from reportgen.report.share_matrix import share_matrix, share_pairs
from reportgen.report.suspects import suspect_section
from reportgen.report.words import NBSP, Words, class_names, join, listed, say, share
from reportgen.text import count, plural

__all__ = ["share_report"]

DEFINITIONS = {definition.name: definition for definition in SUMMARY_METRICS}
TILES = {
    "true": ("balanced_accuracy", "accuracy", "macro_f1"),
    "predicted": ("macro_precision", "accuracy", "balanced_accuracy", "macro_f1"),
    "all": ("accuracy", "balanced_accuracy", "macro_f1"),
}
ADD_UP = {
    "true": f"the true class: each row adds up to 100{NBSP}%",
    "predicted": f"the predicted class: each column adds up to 100{NBSP}%",
    "all": f"all samples: all cells add up to 100{NBSP}%",
}


def share_report(
    evaluation: Evaluation, versions: Mapping[str, str] | None, decision: Decision | None
) -> Report:
    """Everything that the outputs say of a matrix without counts.

    Parameters are those of :func:`reportgen.report.build_report`. There is no comparison.
    """
    shares = evaluation.shares
    assert shares is not None
    listed = shares.pairs[: listed_pairs(len(evaluation.classes))]
    shown = frozenset((pair.true, pair.predicted) for pair in listed)
    facts = ShareFacts(evaluation, class_names(evaluation.classes), shown)
    about = subject(evaluation.provenance)
    decided = _verdict(facts, decision)
    return Report(
        title=": ".join(filter(None, (decided.word, str(about)))),
        subject=about,
        verdict=decided,
        facts=facts_of(evaluation),
        cautions=tuple(n.sentence for n in evaluation.notes if n.severity == "warning"),
        headline=_headline(facts),
        findings=share_findings(facts),
        matrix=share_matrix(facts, str(about)),
        pairs=share_pairs(facts),
        groups=None,
        classes=_classes(facts),
        confidence=_confidence(),
        slices=None,
        suspects=suspect_section(facts, {}),
        data=_data(facts),
        made=made(facts, 0, versions or {}),
        glossary=_glossary(facts),
        interval_note=interval_note(evaluation),
        n_thumbnails=0,
        made_with=f"reportgen {__version__}",
        gates=gate_section(decision),
        shares_only=True,
    )


def _verdict(facts: ShareFacts, decision: Decision | None) -> Verdict:
    """What the gates decide; without gates, what the shares tell, and what they don't."""
    if decision is not None and (decision.checks or decision.verdict != "NO GATES SET"):
        return review_verdict(facts, decision, None)
    value = share(facts.summary(WHOLE[facts.over]).value or 0.0)
    measured = {
        "true": "the balanced accuracy, which is the mean of the recalls, is {value}",
        "predicted": "the mean precision of the classes is {value}",
        "all": "{value} of the answers are right",
    }[facts.over]
    lost = (
        "The matrix holds shares, not counts, so there are no intervals."
        if facts.over == "all"
        else "The matrix holds shares, not counts, so there are no intervals, and accuracy and F1 "
        "are not known."
    )
    said = say(
        f"No release gates were set. {measured[:1].upper()}{measured[1:]}. {lost}",
        value=value,
    )
    return Verdict("none", "NO GATES SET", join(said, _weakest_words(facts)))


def _weakest_words(facts: ShareFacts) -> Words:
    known = facts.known
    if len(known) < 2 or len(set(known.values())) < 2:
        return Words(())
    lowest = min(known.values())
    which = [i for i in known if known[i] == lowest]
    if len(which) > 1:
        return say(
            "Lowest {figure}: {share}, in {n} classes (not tested).",
            figure=facts.figure,
            share=share(lowest),
            n=count(len(which)),
        )
    return say(
        "Lowest {figure}: {name}, {share} (not tested).",
        name=facts.names[which[0]],
        figure=facts.figure,
        share=share(lowest),
    )


def _headline(facts: ShareFacts) -> Headline:
    notes = Footnotes()
    rows = tuple(
        SummaryRow(item, _cell(facts.summary(item.name), item, notes), unit_of(item))
        for item in facts.evaluation.definitions
    )
    cells = {row.definition.name: row.cell for row in rows}
    tiles = list(_tiles(facts, cells))
    axis = Axis(lower_end(tiles), 1.0)
    drawn = tuple(replace(tile, axis=axis) if tile.unit else tile for tile in tiles)
    return Headline(drawn, tuple(_headline_notes(facts)), rows, notes.reasons())


def _cell(metric: Metric, definition: Definition, notes: Footnotes) -> Cell:
    """As elsewhere, but no number carries a letter for want of an interval: none has one."""
    known = metric if metric.value is None else replace(metric, reason=None)
    return cell(known, definition, notes)


def _tiles(facts: ShareFacts, cells: Mapping[str, Cell]) -> Iterable[Tile]:
    first, *others = TILES[facts.over]
    yield _tile(facts, first, cells)
    weakest = _weakest_tile(facts)
    if weakest is not None and facts.over != "all":
        yield weakest
    for name in others:
        yield _tile(facts, name, cells)
    if weakest is not None and facts.over == "all":
        yield weakest


def _tile(facts: ShareFacts, name: str, cells: Mapping[str, Cell]) -> Tile:
    definition, metric = DEFINITIONS[name], facts.summary(name)
    if metric.value is None:
        line = say("not known from such shares alone")
    elif name == "accuracy":
        constant = facts.summary("no_information_rate").value or 0.0
        line = say("{share} by always naming the commonest class", share=share(constant))
    else:
        what = {"macro_precision": "precisions", "macro_f1": "F1"}.get(name, "recalls")
        line = say("mean of the {what} of {n}", what=what, n=_averaged(facts, name))
    return Tile(say(definition.title), cells[name], "%", (line,), name)


def _averaged(facts: ShareFacts, name: str) -> str:
    n, of = len(facts.present), len(facts.names)
    if n == of or (facts.evaluation.macro == "all" and name != "balanced_accuracy"):
        return plural(of, "class", "classes")
    return f"{count(n)} of {count(of)} classes"


def _weakest_tile(facts: ShareFacts) -> Tile | None:
    if len(facts.known) < 2 or len(set(facts.known.values())) < 2:
        return None
    i, figure = facts.order[0], facts.figure
    definition = next(item for item in CLASS_METRICS if item.name == figure)
    title = "Lowest recall · {name}" if figure == "recall" else "Lowest precision · {name}"
    shown = _cell(facts.of_class(figure, i), definition, Footnotes())
    pair = facts.taken.get(i)
    lines = () if pair is None else (_taken_words(facts, i),)
    return Tile(say(title, name=facts.names[i]), shown, "%", lines, figure, i)


def _taken_words(facts: ShareFacts, i: int) -> Words:
    pair = facts.taken[i]
    what = "truly" if facts.figure == "precision" else "predicted as"
    return say(
        "{share} {what} {name}",
        share=share(facts.share_of(pair)),
        what=what,
        name=facts.other(pair),
    )


def _headline_notes(facts: ShareFacts) -> Iterable[Words]:
    yield say(
        "No figure has an interval: the matrix holds shares {of}, and no counts.", of=OF[facts.over]
    )
    absent = [facts.names[i] for i in range(len(facts.names)) if i not in facts.present]
    if facts.evaluation.macro == "all":
        yield over_all(facts, absent)
    elif absent:
        yield say(
            "Macro averages are over {n} of {all} classes; no samples of: {names}.",
            n=count(len(facts.present)),
            all=count(len(facts.names)),
            names=listed(absent),
        )
    if facts.evaluation.summary.keys() & {"kappa_linear"} and len(facts.names) > 1:
        yield say(
            "The classes count as ordered, from {first} to {last}: weighted kappa is in the list.",
            first=facts.names[0],
            last=facts.names[-1],
        )


def _classes(facts: ShareFacts) -> ClassSection:
    """All classes, the weakest first; of the further figures those that some class has."""
    notes, order = Footnotes(), facts.order
    mains = sorted(MAIN_METRICS, key=lambda name: name != facts.figure)
    main = tuple(item for name in mains for item in CLASS_METRICS if item.name == name)
    others = [item for item in CLASS_METRICS if item not in main and _is_known(facts, item)]
    if len(order) > LISTED_CLASSES:
        known = order[: len(facts.known)]
        order = [*known[:WORST], *known[max(WORST, len(known) - BEST) :]]
    rows = tuple(_class_row(facts, i, (*main, *others), notes) for i in order)
    reasons, of_others = parted(notes.reasons(), rows, main)
    return ClassSection(
        lead=_class_lead(facts),
        rows=rows,
        main=main,
        others=in_parts(others),
        reasons=reasons,
        reasons_of_others=of_others,
        lookup=tuple(_lookup(facts, main)) if len(rows) < len(facts.names) else (),
    )


def _is_known(facts: ShareFacts, definition: Definition) -> bool:
    values = facts.evaluation.per_class[definition.name].value
    return bool((values == values).any())


def _class_row(
    facts: ShareFacts, i: int, definitions: Sequence[Definition], notes: Footnotes
) -> ClassRow:
    pair = facts.taken.get(i)
    return ClassRow(
        index=i,
        name=facts.names[i],
        counts={},
        cells={item.name: _cell(facts.of_class(item.name, i), item, notes) for item in definitions},
        remarks=() if i in facts.present else ("no samples",),
        taken=None if pair is None else facts.share_of(pair),
        taken_for=None if pair is None else facts.other(pair),
        taken_share="" if pair is None else share(facts.share_of(pair)),
    )


def _class_lead(facts: ShareFacts) -> Words:
    lead = say(
        "Lowest {figure} first. There are no counts of samples and of predictions, and so no "
        "intervals. Figures that no class has are left out here; per_class.csv has their columns.",
        figure=facts.figure,
    )
    if len(facts.names) <= LISTED_CLASSES:
        return lead
    more = say(
        "Of {k} classes the {worst} with the lowest {figure} and, after them, the {best} with the "
        "highest are listed. per_class.csv holds all.",
        k=count(len(facts.names)),
        worst=str(WORST),
        best=str(BEST),
        figure=facts.figure,
    )
    return join(lead, more)


def _lookup(facts: ShareFacts, main: Sequence[Definition]) -> Iterable[tuple[str, ...]]:
    notes = Footnotes()
    for i, name in enumerate(facts.names):
        texts = (_cell(facts.of_class(item.name, i), item, notes).text for item in main)
        yield (name.full, "n/a", "n/a", *texts)


def _confidence() -> ConfidenceSection:
    return ConfidenceSection(
        Words(()),
        say(
            "Calibration, abstaining and scores need confidences, and the input is a confusion "
            "matrix: it holds shares, no answers."
        ),
    )


def _data(facts: ShareFacts) -> DataSection:
    absent = [facts.names[i] for i in range(len(facts.names)) if i not in facts.present]
    known = [Fact("Samples", (say("not known: the matrix holds shares, not counts"),))]
    known.append(Fact("Shares of", (say(ADD_UP[facts.over]),)))
    none = say("none of {k}", k=count(len(facts.names)))
    some = say(
        "{n} of {k}: {names}",
        n=count(len(absent)),
        k=count(len(facts.names)),
        names=listed(absent, 40),
    )
    known.append(Fact("Classes without samples", (some if absent else none,)))
    known.append(
        Fact(
            "Left out of this report",
            (
                say("groups of classes, other rankings of pairs, intervals and tests"),
                say("they need counts: --supports with the samples of each class restores them"),
            ),
        )
    )
    return DataSection(tuple(known), tuple(map(note_of, facts.evaluation.notes)))


def _glossary(facts: Facts) -> tuple[tuple[str, tuple[Definition, ...]], ...]:
    """Every metric that the page shows, none with an interval."""
    evaluation = facts.evaluation
    told = evaluation.shares_over != "predicted"
    pairs = [item for item in PAIR_METRICS if item.name == "pair_rate" and told]
    return (
        ("Of the whole test set", _bare(summary_definitions(evaluation))),
        ("Of classes and of pairs", _bare((*class_definitions(evaluation), *pairs))),
    )


def _bare(definitions: Iterable[Definition]) -> tuple[Definition, ...]:
    return tuple(replace(item, interval="none") for item in definitions)
