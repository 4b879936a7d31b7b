"""The report of a matrix that holds proportions only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reportgen import __version__
from reportgen.analysis.confusions import PAIR_METRICS
from reportgen.evaluation import (
    CLASS_METRICS,
    SUMMARY_METRICS,
    Evaluation,
    ProportionPair,
    Proportions,
)
from reportgen.gates import Decision
from reportgen.metrics import SUMMARY, Definition, Metric
from reportgen.report.classes import (
    BEST,
    LISTED_CLASSES,
    MAIN_METRICS,
    WORST,
    ClassRow,
    ClassSection,
    split_in_parts,
    split_parts,
)
from reportgen.report.confidence import ConfidenceSection
from reportgen.report.context import Context
from reportgen.report.data import DataSection, facts_of, made, note_of
from reportgen.report.elements import Cell, Fact, Footnotes, cell, unit_of
from reportgen.report.findings.rules import Finding
from reportgen.report.gates import gate_section
from reportgen.report.headline import Axis, Headline, SummaryRow, Tile, lower_end, over_all
from reportgen.report.intervals import class_definitions, interval_note, summary_definitions
from reportgen.report.label_issues import label_issue_section
from reportgen.report.matrix import (
    HOT,
    LABELLED_CLASSES,
    NUMBERED_CLASSES,
    OVERVIEW_POWER,
    OVERVIEW_SIDE,
    ROOMY_CLASSES,
    TABLED_CLASSES,
    HeatmapSpec,
    MatrixRow,
    MatrixSection,
    ShareTable,
    column_names,
    percent_text,
    texts_of,
    whole_percent_text,
)
from reportgen.report.pairs import Entry, PairSection, SharePairRow, SharePairs, listed_pairs
from reportgen.report.report import Report
from reportgen.report.verdict import Verdict, review_verdict, subject
from reportgen.report.words import (
    NBSP,
    Name,
    Words,
    class_names,
    join,
    list_names,
    say,
    share,
    shorten,
)
from reportgen.text import count, middle_cut, plural

__all__ = [
    "OF",
    "WHOLE",
    "ProportionContext",
    "share_findings",
    "share_matrix",
    "share_pairs",
    "share_report",
]


OF = {
    "true": "of the true class",
    "predicted": "of the predicted class",
    "all": "of all samples",
}
"""What shares are over → how a share is called."""


WHOLE = {"true": "balanced_accuracy", "predicted": "macro_precision", "all": "accuracy"}
"""What shares are over → the figure of the whole that says most."""


@dataclass(frozen=True)
class ProportionContext(Context):
    """An evaluation without counts: nothing may be asked of its empty matrix."""

    @property
    def shares(self) -> Proportions:
        assert self.evaluation.shares is not None
        return self.evaluation.shares

    @property
    def over(self) -> str:
        return self.shares.over

    @property
    def figure(self) -> str:
        """The figure of a class that its diagonal cell tells: recall or precision."""
        return "precision" if self.over == "predicted" else "recall"

    @cached_property
    def present(self) -> list[int]:
        """Classes that have a share in some row cell."""
        return [int(i) for i in np.flatnonzero(self.shares.values.any(axis=1))]

    @cached_property
    def known(self) -> dict[int, float]:
        """:attr:`figure` of each class where it is defined."""
        values = self.evaluation.per_class[self.figure].value.tolist()
        return {i: value for i, value in enumerate(values) if value == value}

    @cached_property
    def order(self) -> list[int]:
        """All classes, the weakest first; those whose figure is undefined last."""
        known = self.known
        return sorted(range(len(self.names)), key=lambda i: (i not in known, known.get(i, 0.0), i))

    @cached_property
    def taken(self) -> dict[int, ProportionPair]:
        """The largest error of each true class; of each predicted one with shares of these."""
        first: dict[int, ProportionPair] = {}
        for pair in self.shares.pairs:
            first.setdefault(pair.predicted if self.over == "predicted" else pair.true, pair)
        return first

    def other(self, pair: ProportionPair) -> Name:
        """The class at the other end of a :attr:`taken` error."""
        return self.names[pair.true if self.over == "predicted" else pair.predicted]

    def share_of(self, pair: ProportionPair) -> float:
        """A :attr:`taken` error as a share of its own class."""
        return pair.share if pair.share_of_true is None else pair.share_of_true


Image = NDArray[np.float64]


Row = tuple[float | None, ...]


NAMES = {"true": "row shares", "predicted": "column shares", "all": "shares of all samples"}


FILES = {
    "true": "confusion-row-shares",
    "predicted": "confusion-column-shares",
    "all": "confusion-shares-of-all",
}


def share_matrix(facts: ProportionContext, subject: str) -> MatrixSection:
    """Tables to 100 classes of the shares that are known, a picture always; never counts."""
    tabled = len(facts.names) <= TABLED_CLASSES
    return MatrixSection(
        lead=_lead(facts),
        names=column_names(facts) if tabled else (),
        rows=(),
        open=False,
        totals=(),
        n_samples="",
        end_titles=(),
        macro=(),
        figures=(_figure(facts, subject),),
        anchors=facts.shown,
        hot=HOT,
        tables=tuple(_tables(facts)) if tabled else (),
    )


def _lead(facts: ProportionContext) -> Words:
    only = say(
        "Rows are the true class, columns the predicted class. The matrix holds shares {of}; it "
        "holds no counts.",
        of=OF[facts.over],
    )
    if len(facts.names) > TABLED_CLASSES:
        return join(
            only,
            say(
                "{k} classes are too many for a table: the largest error cells stand under Most "
                "confused pairs, and all cells in confusion.csv.",
                k=count(len(facts.names)),
            ),
        )
    return join(only, say(f"Outlined: errors of {share(HOT, 0)} or more."))


def _tables(facts: ProportionContext) -> Iterable[ShareTable]:
    rows = tuple(_rows(facts))
    if facts.over in ("true", "all"):
        macro = next(item for item in SUMMARY if item.name == "macro_recall")
        yield ShareTable(
            "rows", "Row shares", "% of the true class", "of the true class", rows,
            (_recall().title,), (cell(facts.summary(macro.name), macro, Footnotes()),),
        )  # fmt: skip
    if facts.over in ("predicted", "all"):
        of = "of the predicted class"
        yield ShareTable("columns", "Column shares", f"% {of}", of, rows)
    if facts.over == "all":
        yield ShareTable("all", "Shares of all", "% of all samples", "of the true class", rows)


def _recall() -> Definition:
    from reportgen.metrics import PER_CLASS

    return next(item for item in PER_CLASS if item.name == "recall")


def _rows(facts: ProportionContext) -> Iterable[MatrixRow]:
    nothing: list[Row] = [()] * len(facts.names)
    of_row, of_column, of_all = (
        nothing if table is None else _defined(table)
        for table in map(facts.shares.normalised, ("true", "predicted", "all"))
    )
    recall, notes = _recall(), Footnotes()
    for i, name in enumerate(column_names(facts)):
        yield MatrixRow(
            index=i,
            name=name,
            counts=(),
            shares=of_row[i],
            support="",
            ends=(cell(facts.of_class("recall", i), recall, notes),),
            column_shares=of_column[i],
            all_shares=of_all[i],
        )


def _defined(table: Image) -> list[Row]:
    return [tuple(None if value != value else value for value in row) for row in table.tolist()]


def _figure(facts: ProportionContext, subject: str) -> HeatmapSpec:
    k = len(facts.names)
    values, numbered = _values(facts), k <= NUMBERED_CLASSES
    small = k > ROOMY_CLASSES
    labels: tuple[str, ...] = ()
    if k <= LABELLED_CLASSES:
        labels = shorten([name.full for name in facts.names], 24 if small else 40)
    how = "" if numbered else " The colour follows the cube root, so that rare errors are seen."
    brief = " Empty cells are 0; the table has the exact numbers." if small and numbered else ""
    of = OF[facts.over]
    return HeatmapSpec(
        name=FILES[facts.over],
        title=f"Confusion matrix: % {of}",
        subtitle=middle_cut(subject, 90),
        values=values,
        texts=texts_of(values, whole_percent_text if small else percent_text) if numbered else None,
        labels=labels,
        top=1.0 if facts.over != "all" else float(np.nanmax(values)),
        unit=f"share {of}",
        power=1.0 if numbered else OVERVIEW_POWER,
        numbers=tuple(range(1, k + 1)) if labels else (),
        alt=_alt(facts),
        purpose=f"{NAMES[facts.over].capitalize()}, for slides and mail: each cell in % {of}."
        + brief
        + how,
    )


def _values(facts: ProportionContext) -> Image:
    """The shares as they were saved: as they are, or as an overview of the largest ones.

    Rows of classes without samples are nan. With shares of the predicted class the columns of
    classes that are never predicted stay 0: a picture marks rows alone.
    """
    values = facts.shares.values.copy()
    if facts.over == "true":
        values[~values.any(axis=1)] = np.nan
    k = len(values)
    if k <= TABLED_CLASSES:
        return values
    side = min(k, OVERVIEW_SIDE)
    starts = -(-np.arange(side) * k // side)
    by_rows = np.maximum.reduceat(np.nan_to_num(values), starts, axis=0)
    return np.asarray(np.maximum.reduceat(by_rows, starts, axis=1), np.float64)


def _alt(facts: ProportionContext) -> str:
    text = f"Heatmap of {NAMES[facts.over]}, rows true, columns predicted."
    if not facts.shares.pairs:
        return f"{text} There are no errors."
    pair = facts.shares.pairs[0]
    true, predicted = facts.names[pair.true], facts.names[pair.predicted]
    return f"{text} The largest error: {true} called {predicted}, {share(pair.share)}."


def share_pairs(facts: ProportionContext) -> PairSection:
    """The error cells with the largest shares."""
    pairs = facts.shares.pairs
    n = listed_pairs(len(facts.names))
    return PairSection(
        lead=_pair_lead(facts),
        rows=(),
        rest=Words(()),
        rest_count=0,
        rest_share="",
        groups=(),
        gallery_note=f"There are no galleries, because {facts.evaluation.examples_reason}."
        if pairs
        else "",
        shares=SharePairs(_heads(facts), tuple(_pair_rows(facts, n)), _rest(len(pairs) - n))
        if pairs
        else None,
    )


def _pair_lead(facts: ProportionContext) -> Words:
    pairs = facts.shares.pairs
    if not pairs:
        return say("No error has a share in the matrix, so no two classes are seen to be confused.")
    k = len(facts.names)
    lead = say(
        "Ranked by the share {of}, as there are no counts. The errors spread over {cells} of "
        "{possible} possible confusions.",
        of=OF[facts.over],
        cells=count(len(pairs)),
        possible=count(k * (k - 1)),
    )
    if facts.over == "all":
        return lead
    rare = "class" if facts.over == "true" else "answer"
    return join(lead, say(f"A large share of a rare {rare} may be few samples."))


def _heads(facts: ProportionContext) -> tuple[str, ...]:
    return {
        "true": ("Of the true class", "Reversed"),
        "predicted": ("Of what is called so", "Reversed"),
        "all": ("Of all samples", "Of the true class", "Of all errors", "Reversed"),
    }[facts.over]


def _pair_rows(facts: ProportionContext, n: int) -> Iterable[SharePairRow]:
    for pair in facts.shares.pairs[:n]:
        more = (pair.share_of_true, pair.share_of_errors) if facts.over == "all" else ()
        values = (pair.share, *more, pair.reversed_share)
        yield SharePairRow(
            pair.true,
            pair.predicted,
            facts.names[pair.true],
            facts.names[pair.predicted],
            tuple(Entry("n/a" if value is None else share(value), value) for value in values),
        )


def _rest(n: int) -> Words:
    if n <= 0:
        return Words(())
    return say("{n}, all in pairs.csv", n=plural(n, "further confusion"))


Rule = Callable[[ProportionContext], Finding | None]


def share_findings(facts: ProportionContext) -> tuple[Finding, ...]:
    """What the rules find, weightiest first."""
    found = (rule(facts) for rule in RULES)
    return tuple(finding for finding in found if finding)


def no_counts(_facts: ProportionContext) -> Finding:
    return Finding(
        say("No confidence intervals and no tests:"),
        say("the matrix holds proportions, not counts."),
        "data",
        say("Data notes"),
    )


def constant_answer(facts: ProportionContext) -> Finding | None:
    accuracy, constant = facts.summary("accuracy").value, facts.summary("no_information_rate").value
    if accuracy is None or constant is None or accuracy > constant or len(facts.present) < 2:
        return None
    rows = facts.shares.values.sum(axis=1).tolist()
    return Finding(
        say("Not above the majority-class baseline:"),
        say(
            "accuracy {accuracy}; always predicting {name} gives {constant}.",
            name=facts.names[rows.index(max(rows))],
            constant=share(constant),
            accuracy=share(accuracy),
        ),
        "headline",
        say("The headline"),
    )


def no_errors(facts: ProportionContext) -> Finding | None:
    if facts.shares.pairs:
        return None
    return Finding(
        say("No errors in the matrix:"),
        say("the number of samples is not known."),
        "matrix",
        say("The matrix"),
    )


def nothing_right(facts: ProportionContext) -> Finding | None:
    if any(facts.known.values()):
        return None
    return Finding(
        say("No correct predictions in the matrix:"),
        say("check that the class list has the order of the model's outputs."),
        "matrix",
        say("The matrix"),
    )


def weakest(facts: ProportionContext) -> Finding | None:
    known = facts.known
    if len(known) < 2 or len(set(known.values())) == 1:
        return None
    lowest = min(known.values())
    which = [i for i in known if known[i] == lowest]
    if len(which) > 1:
        return Finding(
            say("Lowest {figure} (tie):", figure=facts.figure),
            say(
                "{names}, {share} each; not tested.",
                names=list_names([facts.names[i] for i in which]),
                share=share(lowest),
            ),
            "classes",
            say("The table"),
        )
    i = which[0]
    head = say("Lowest {figure}:", figure=facts.figure)
    body = say("{name}, {share}; not tested.", name=facts.names[i], share=share(lowest))
    return Finding(head, join(body, _instead(facts, i)), *facts.at_class(i))


def _instead(facts: ProportionContext, i: int) -> Words:
    """What stands in the class's place most often, where it is one class alone."""
    pair = facts.taken.get(i)
    if pair is None:
        return Words(())
    end = "predicted" if facts.over == "predicted" else "true"
    ties = [p for p in facts.shares.pairs if getattr(p, end) == i and p.share == pair.share]
    if len(ties) > 1:
        return Words(())
    verb = "are truly" if facts.over == "predicted" else "are predicted as"
    return say(
        "{share} {verb} {name}.",
        share=share(facts.share_of(pair)),
        verb=verb,
        name=facts.other(pair),
    )


def largest_pair(facts: ProportionContext) -> Finding | None:
    pairs = facts.shares.pairs
    if not pairs or (len(pairs) > 1 and pairs[1].share == pairs[0].share):
        return None
    first = pairs[0]
    true, predicted = facts.names[first.true], facts.names[first.predicted]
    said, back = {
        "true": ("{true} → {predicted}, {share} of {true}", "{back} of {predicted}"),
        "predicted": (
            "{true} → {predicted}, {share} of the predictions of {predicted}",
            "{back} of those of {true}",
        ),
        "all": ("{true} → {predicted}, {share} of all samples", "{back}"),
    }[facts.over]
    known = first.reversed_share is not None
    head = {
        "true": "Most frequent confusion (by true class):",
        "predicted": "Most frequent confusion (by predicted class):",
        "all": "Most frequent confusion:",
    }[facts.over]
    return Finding(
        say(head),
        say(
            f"{said}; in the other direction {back}. Not tested."
            if known
            else f"{said}. Not tested.",
            share=share(first.share),
            true=true,
            predicted=predicted,
            back=share(first.reversed_share or 0.0),
        ),
        *facts.at_pair(first.true, first.predicted),
    )


def without_errors(facts: ProportionContext) -> Finding | None:
    """Classes that are always found, or answers that are always right, as far as shares show."""
    perfect = [facts.names[i] for i, value in facts.known.items() if value == 1]
    if not perfect or len(facts.known) < 2 or not facts.shares.pairs:
        return None
    what = "answers" if facts.figure == "precision" else "classes"
    n = f"1 {what.removesuffix('s').removesuffix('e') if what == 'classes' else 'answer'}"
    return Finding(
        say("{n} without errors:", n=n if len(perfect) == 1 else f"{count(len(perfect))} {what}"),
        say("{names}, as far as the shares show.", names=list_names(perfect)),
        "classes",
        say("The table"),
    )


RULES: tuple[Rule, ...] = (
    no_counts,
    constant_answer,
    no_errors,
    nothing_right,
    weakest,
    largest_pair,
    without_errors,
)


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

    Parameters are those of :func:`reportgen.report.build.build_report`. There is no comparison.
    """
    shares = evaluation.shares
    assert shares is not None
    listed = shares.pairs[: listed_pairs(len(evaluation.classes))]
    shown = frozenset((pair.true, pair.predicted) for pair in listed)
    facts = ProportionContext(evaluation, class_names(evaluation.classes), shown)
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
        suspects=label_issue_section(facts, {}),
        data=_data(facts),
        made=made(facts, 0, versions or {}),
        glossary=_glossary(facts),
        interval_note=interval_note(evaluation),
        n_thumbnails=0,
        made_with=f"reportgen {__version__}",
        gates=gate_section(decision),
        shares_only=True,
    )


def _verdict(facts: ProportionContext, decision: Decision | None) -> Verdict:
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
        "No release gates were set: 0 gates were checked. "
        f"{measured[:1].upper()}{measured[1:]}. {lost}",
        value=value,
    )
    return Verdict("none", "NO GATES SET", join(said, _weakest_words(facts)))


def _weakest_words(facts: ProportionContext) -> Words:
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


def _headline(facts: ProportionContext) -> Headline:
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


def _tiles(facts: ProportionContext, cells: Mapping[str, Cell]) -> Iterable[Tile]:
    first, *others = TILES[facts.over]
    yield _tile(facts, first, cells)
    weakest = _weakest_tile(facts)
    if weakest is not None and facts.over != "all":
        yield weakest
    for name in others:
        yield _tile(facts, name, cells)
    if weakest is not None and facts.over == "all":
        yield weakest


def _tile(facts: ProportionContext, name: str, cells: Mapping[str, Cell]) -> Tile:
    definition, metric = DEFINITIONS[name], facts.summary(name)
    if metric.value is None:
        line = say("not known from such shares alone")
    elif name == "accuracy":
        constant = facts.summary("no_information_rate").value or 0.0
        line = say("{share} by always naming the commonest class", share=share(constant))
    else:
        what = {"macro_precision": "precisions", "macro_f1": "F1"}.get(name, "recalls")
        line = say("mean of the {what} of {n}", what=what, n=_average(facts, name))
    return Tile(say(definition.title), cells[name], "%", (line,), name)


def _average(facts: ProportionContext, name: str) -> str:
    n, of = len(facts.present), len(facts.names)
    if n == of or (facts.evaluation.macro == "all" and name != "balanced_accuracy"):
        return plural(of, "class", "classes")
    return f"{count(n)} of {count(of)} classes"


def _weakest_tile(facts: ProportionContext) -> Tile | None:
    if len(facts.known) < 2 or len(set(facts.known.values())) < 2:
        return None
    i, figure = facts.order[0], facts.figure
    definition = next(item for item in CLASS_METRICS if item.name == figure)
    title = "Lowest recall · {name}" if figure == "recall" else "Lowest precision · {name}"
    shown = _cell(facts.of_class(figure, i), definition, Footnotes())
    pair = facts.taken.get(i)
    lines = () if pair is None else (_taken_words(facts, i),)
    return Tile(say(title, name=facts.names[i]), shown, "%", lines, figure, i)


def _taken_words(facts: ProportionContext, i: int) -> Words:
    pair = facts.taken[i]
    what = "truly" if facts.figure == "precision" else "predicted as"
    return say(
        "{share} {what} {name}",
        share=share(facts.share_of(pair)),
        what=what,
        name=facts.other(pair),
    )


def _headline_notes(facts: ProportionContext) -> Iterable[Words]:
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
            names=list_names(absent),
        )
    if facts.evaluation.summary.keys() & {"kappa_linear"} and len(facts.names) > 1:
        yield say(
            "The classes count as ordered, from {first} to {last}: weighted kappa is in the list.",
            first=facts.names[0],
            last=facts.names[-1],
        )


def _classes(facts: ProportionContext) -> ClassSection:
    """All classes, the weakest first; of the further figures those that some class has."""
    notes, order = Footnotes(), facts.order
    mains = sorted(MAIN_METRICS, key=lambda name: name != facts.figure)
    main = tuple(item for name in mains for item in CLASS_METRICS if item.name == name)
    others = [item for item in CLASS_METRICS if item not in main and _is_known(facts, item)]
    if len(order) > LISTED_CLASSES:
        known = order[: len(facts.known)]
        order = [*known[:WORST], *known[max(WORST, len(known) - BEST) :]]
    rows = tuple(_class_row(facts, i, (*main, *others), notes) for i in order)
    reasons, of_others = split_parts(notes.reasons(), rows, main)
    return ClassSection(
        lead=_class_lead(facts),
        rows=rows,
        main=main,
        others=split_in_parts(others),
        reasons=reasons,
        reasons_of_others=of_others,
        lookup=tuple(_lookup(facts, main)) if len(rows) < len(facts.names) else (),
    )


def _is_known(facts: ProportionContext, definition: Definition) -> bool:
    values = facts.evaluation.per_class[definition.name].value
    return bool((values == values).any())


def _class_row(
    facts: ProportionContext, i: int, definitions: Sequence[Definition], notes: Footnotes
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


def _class_lead(facts: ProportionContext) -> Words:
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


def _lookup(facts: ProportionContext, main: Sequence[Definition]) -> Iterable[tuple[str, ...]]:
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


def _data(facts: ProportionContext) -> DataSection:
    absent = [facts.names[i] for i in range(len(facts.names)) if i not in facts.present]
    known = [Fact("Samples", (say("not known: the matrix holds shares, not counts"),))]
    known.append(Fact("Shares of", (say(ADD_UP[facts.over]),)))
    none = say("none of {k}", k=count(len(facts.names)))
    some = say(
        "{n} of {k}: {names}",
        n=count(len(absent)),
        k=count(len(facts.names)),
        names=list_names(absent, 40),
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


def _glossary(facts: Context) -> tuple[tuple[str, tuple[Definition, ...]], ...]:
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
