"""The baseline comparison: its subject, and the changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reportgen.comparison import (
    REASONS,
    ClassChange,
    Comparison,
    Difference,
    SliceChange,
)
from reportgen.evaluation import Evaluation
from reportgen.report.classes import ClassSection
from reportgen.report.comparison.classes import ClassChangeRow, ClassChanges
from reportgen.report.comparison.deltas import (
    CLASS_DEFINITIONS,
    DEFINITIONS,
    HARM,
    KINDS,
    WORDS,
    Delta,
    Scale,
    Tally,
    delta,
    scale_of,
)
from reportgen.report.comparison.matrix import (
    DifferenceSection,
    GrownRow,
    difference_section,
    grown_rows,
)
from reportgen.report.comparison.names import baseline_name, baseline_words, known_as
from reportgen.report.comparison.samples import ChangeGallery, change_galleries, gallery_note
from reportgen.report.confidence import (
    Calibration,
    Chart,
    CurveRow,
    ReliabilityRow,
    confidence_section,
)
from reportgen.report.context import LOW_SUPPORT, Context
from reportgen.report.elements import Fact, Footnotes, Reason, Thumbnail, unit_of
from reportgen.report.headline import Axis, Headline, Tile
from reportgen.report.slices import points
from reportgen.report.words import (
    MINUS,
    Name,
    Words,
    class_names,
    join,
    list_names,
    p_text,
    say,
    share,
)
from reportgen.text import count, percent, plural, printable

__all__ = [
    "CalibrationChange",
    "Compared",
    "ComparisonSection",
    "PairedTable",
    "SliceChangeRow",
    "SummaryChange",
    "add_changes",
    "add_class_changes",
    "class_changes",
    "compare_sections",
    "comparison_section",
    "slice_changes",
    "summary_changes",
    "summary_note",
]


@dataclass(frozen=True)
class PairedTable:
    """Both correct, fixed, regressed, both incorrect: counts as text, and proportions."""

    both_right: tuple[str, str]
    gained: tuple[str, str]
    lost: tuple[str, str]
    both_wrong: tuple[str, str]
    sentence: Words


@dataclass(frozen=True)
class SummaryChange:
    """One overall metric of both models."""

    title: str
    unit: str
    lower_is_better: bool
    delta: Delta
    p: str
    how: str


@dataclass(frozen=True)
class SliceChangeRow:
    """A slice on both sides."""

    part: Name
    column: Name
    count: int
    delta: Delta
    rank: int
    p: str
    exact_p: float | None


@dataclass(frozen=True)
class CalibrationChange:
    """Calibration of both sides.

    Metrics are rows of text (name, baseline, candidate); bins are those of both reliability
    diagrams, baseline first. Bins and curve of the baseline are drawn below the candidate's.
    """

    sentence: Words
    rows: tuple[tuple[str, str, str], ...]
    charts: tuple[tuple[Chart, tuple[ReliabilityRow, ...]], ...]
    baseline: tuple[ReliabilityRow, ...] = ()
    baseline_curve: tuple[CurveRow, ...] = ()


@dataclass(frozen=True)
class Compared:
    """The parts of a comparison that other sections show, over `n` samples.

    Changes by metric name, and changes of recall by class index.
    """

    summary: Mapping[str, Delta]
    classes: Mapping[int, Delta]
    scale: Scale
    n: int


@dataclass(frozen=True)
class ComparisonSection:
    """Candidate versus baseline; unknown parts are None or empty, with the reason in `facts`."""

    lead: Words
    facts: tuple[Fact, ...]
    notes: tuple[str, ...]
    pairing: PairedTable | None
    summary: tuple[SummaryChange, ...]
    summary_note: Words
    classes: ClassChanges | None
    difference: DifferenceSection | None
    galleries: tuple[ChangeGallery, ...]
    gallery_note: str
    grown: tuple[GrownRow, ...]
    slices: tuple[SliceChangeRow, ...]
    calibration: CalibrationChange | None
    reasons: tuple[Reason, ...]


LISTED_CLASSES, WORST, BEST = 200, 150, 50


LISTED_SLICES = 200


NAMED = 4
"""Maximum number of classes named in the tally."""


METHODS: Mapping[str, str] = {
    "tango": "Tango interval, McNemar mid-p",
    "newcombe": "Newcombe interval, unpaired",
    "mover": "unpaired · MOVER",
    "delta method": "delta method",
    "paired score": "score interval of matched samples",
    "paired bootstrap": "paired bootstrap",
    "none": "no interval",
}


def compare_sections(comparison: Comparison) -> Compared:
    """The changes for tiles and the per-class table."""
    notes = Footnotes()
    recall = CLASS_DEFINITIONS["recall"]
    return Compared(
        summary={
            name: delta(one, DEFINITIONS[name], notes) for name, one in comparison.summary.items()
        },
        classes={
            one.index: delta(one.recall, recall, notes, one.tendency) for one in comparison.classes
        },
        scale=scale_of(_reach(comparison.classes)),
        n=comparison.candidate.n_samples,
    )


def summary_changes(comparison: Comparison, notes: Footnotes) -> Iterable[SummaryChange]:
    """One row per overall metric."""
    for name, difference in comparison.summary.items():
        definition = DEFINITIONS[name]
        yield SummaryChange(
            title=definition.title,
            unit=unit_of(definition),
            lower_is_better=definition.higher_is_better is False,
            delta=delta(difference, definition, notes),
            p="" if difference.p is None else p_text(difference.p_adjusted),
            how=METHODS.get(difference.method, difference.method),
        )


def summary_note(comparison: Comparison) -> Words:
    """The methods of the intervals, and the meaning of the words."""
    made = say(
        "Significant: Holm-corrected p < 0.05 within its family ({n}).",
        n=plural(sum(one.p is not None for one in comparison.summary.values()), "metric"),
    )
    if not comparison.draws:
        return made
    drawn = say(
        "Paired bootstrap: {draws} resamples, seed {seed}.",
        draws=count(comparison.draws),
        seed=str(comparison.seed),
    )
    return join(made, drawn)


def class_changes(
    comparison: Comparison, names: Sequence[Name], notes: Footnotes
) -> ClassChanges | None:
    """The classes, significant regressions first; None without classes."""
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
    """Sort key: regressions first, then by drop in recall; undefined ones last of their kind."""
    value = one.recall.difference
    return HARM[KINDS[one.tendency]], value is None, value or 0.0, one.index


def _reach(changes: Iterable[ClassChange]) -> Iterable[float]:
    """The values for the axis of bars: differences, and intervals except those of small classes."""
    for one in changes:
        if one.recall.difference is not None:
            yield one.recall.difference
        if one.support >= LOW_SUPPORT and one.recall.interval:
            yield from one.recall.interval


def _tally(order: Sequence[ClassChange], names: Sequence[Name]) -> Iterable[Tally]:
    for kind, word in WORDS.items():
        of_kind = [names[one.index] for one in order if KINDS[one.tendency] == kind]
        yield Tally(kind, word, len(of_kind), list_names(of_kind, NAMED) if of_kind else Words(()))


def _class_lead(comparison: Comparison) -> Words:
    k, n_tests = len(comparison.classes), comparison.n_tests
    lead = say(
        "Regressions first. p-values are Holm-corrected for {tests}. Bars: Δ recall (pp) "
        "with 95{percent} CI.",
        tests=plural(n_tests, "test"),
        percent="%",
    )
    if comparison.paired is None:
        lead = join(lead, say("Unpaired samples: intervals are wider."))
    else:
        lead = join(
            lead, say("Fixes and regressions: samples that only one model predicts correctly.")
        )
    if k <= LISTED_CLASSES:
        return lead
    return join(
        lead,
        say(
            "Of {k} classes the {worst} with the largest drop and the {best} with the largest gain "
            "are shown; all are in report.json.",
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
    """Slices, in the order of the comparison."""
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


ERROR_TOPS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def add_changes(headline: Headline, facts: Context, change: Compared) -> Headline:
    """The tiles with their changes, on an axis that contains the baseline's values."""
    tiles = [replace(tile, change=_change_of(tile, change)) for tile in headline.tiles]
    shares = [tile for tile in tiles if tile.unit == "%" and not _is_error(tile)]
    low = min([tile.axis.low for tile in shares if tile.axis] + [_lower_end(shares)], default=0.0)
    placed = tuple(_on_axis(tile, low) for tile in tiles)
    if change.n == facts.matrix.n_samples:
        return replace(headline, tiles=placed)
    note = say("Changes refer to the {n} compared.", n=plural(change.n, "sample"))
    return replace(headline, tiles=placed, notes=(*headline.notes, note))


def _change_of(tile: Tile, change: Compared) -> Delta | None:
    if tile.of_class is None:
        found = change.summary.get(tile.metric)
    else:
        found = change.classes.get(tile.of_class) if tile.metric == "recall" else None
    return found if found is not None and found.value is not None else None


def _is_error(tile: Tile) -> bool:
    return tile.metric == "ece"


def _lower_end(tiles: Sequence[Tile]) -> float:
    """The multiple of ten below the lowest baseline value."""
    known = [
        tile.change.exact_before
        for tile in tiles
        if tile.change and tile.change.exact_before is not None
    ]
    return max(0.0, int(10 * min(known, default=1.0) - 0.25) / 10)


def _on_axis(tile: Tile, low: float) -> Tile:
    if tile.axis is None:
        return tile
    if not _is_error(tile):
        return replace(tile, axis=replace(tile.axis, low=low))
    reach = max(tile.axis.high, tile.change.exact_before or 0.0) if tile.change else tile.axis.high
    high = next((top for top in ERROR_TOPS if top >= reach), 1.0)
    return replace(tile, axis=Axis(0.0, high, tile.axis.chance))


def add_class_changes(section: ClassSection, change: Compared) -> ClassSection:
    """The per-class table with the change of each class's recall."""
    rows = tuple(replace(row, change=change.classes.get(row.index)) for row in section.rows)
    lead = say("Solid tick: baseline. Δ recall in pp: ▲ improved, ▼ regressed (significant).")
    return replace(section, lead=join(section.lead, lead), rows=rows, scale=change.scale)


def comparison_section(
    facts: Context, comparison: Comparison, thumbnails: Mapping[str, Thumbnail]
) -> ComparisonSection:
    """The section "Baseline comparison".

    `facts` are those of the report whose anchors are linked. Raises :class:`ValueError` if the
    classes of comparison and report differ.
    """
    if comparison.candidate.classes != facts.evaluation.classes:
        raise ValueError("the comparison is over other classes than the report")
    notes = Footnotes()
    both = Context(comparison.candidate, facts.names, facts.shown)
    changed = not comparison.identical
    galleries = tuple(change_galleries(comparison, both, thumbnails))
    section = ComparisonSection(
        lead=_lead(comparison),
        facts=tuple(_facts(comparison)),
        notes=tuple(printable(note.sentence) for note in comparison.notes),
        pairing=_pairing(comparison),
        summary=tuple(summary_changes(comparison, notes)),
        summary_note=summary_note(comparison),
        classes=class_changes(comparison, both.names, notes) if changed else None,
        difference=difference_section(comparison, both, facts.shown) if changed else None,
        galleries=galleries,
        gallery_note=gallery_note(galleries),
        grown=tuple(grown_rows(comparison, both.names, facts.shown)),
        slices=tuple(slice_changes(comparison, notes)),
        calibration=_calibration(comparison),
        reasons=(),
    )
    return replace(section, reasons=tuple(_reason(one) for one in notes.reasons()))


def _reason(one: Reason) -> Reason:
    """With the reason of a comparison, if it has one."""
    return Reason(one.mark, REASONS.get(one.sentence, one.sentence))


def _lead(comparison: Comparison) -> Words:
    names = {
        "candidate": known_as(comparison.candidate, "the candidate"),
        "baseline": baseline_name(comparison),
    }
    if comparison.identical:
        return say(
            "Identical predictions: {candidate} and {baseline} agree on all {n}. All counts "
            "are equal; confidences may differ.",
            n=plural(comparison.candidate.n_samples, "sample"),
            **names,
        )
    if comparison.paired is not None:
        return say(
            "{candidate} vs {baseline}, {n} matched by id.",
            n=plural(comparison.paired.n, "sample"),
            **names,
        )
    return say("{candidate} vs {baseline}. {why}", why=_why_unmatched(comparison), **names)


def _why_unmatched(comparison: Comparison) -> str:
    code = comparison.unpaired_reason
    why = REASONS.get(code, code)
    return " ".join(
        filter(
            None,
            (
                "Unpaired comparison.",
                why,
                "Individual changes are unknown, and intervals are wider than in a "
                "paired comparison.",
            ),
        )
    )


def _facts(comparison: Comparison) -> Iterable[Fact]:
    before, after = comparison.baseline, comparison.candidate
    yield Fact("Baseline", (baseline_words(comparison), *_described(before)))
    yield Fact("Candidate", (known_as(after, "not named"), *_described(after)))
    if comparison.paired is not None:
        yield Fact("Matched samples", (say(count(comparison.paired.n)),))
    else:
        yield Fact("Matched samples", (say("none: unpaired comparison"),))
    if comparison.bounds is not None:
        yield Fact("Bounds if paired", (_bounds(comparison),))
    yield Fact("Minimum detectable difference", (_detectable(comparison),))


def _described(side: Evaluation) -> Iterable[Words]:
    by = side.provenance
    data = " ".join(filter(None, (by.data_name, by.split)))
    samples = plural(side.n_samples, "sample")
    size = f"{samples} in {plural(len(side.classes), 'class', 'classes')}"
    yield Words((size, " of ", Name.of(data, 80)) if data else (size,))
    if by.date:
        yield Words((Name.of(by.date, 40),))


def _bounds(comparison: Comparison) -> Words:
    bounds = comparison.bounds
    assert bounds is not None
    least, most = bounds.discordant
    low, high = sorted(bounds.p)
    difference = abs(bounds.difference)
    if high < 0.05:
        means = "significant for any pairing"
    elif low >= 0.05:
        means = "not significant for any pairing"
    else:
        means = "significant for some pairings only"
    return say(
        "the candidate has {difference} correct predictions. For any pairing, {least} to "
        "{most} samples are correct for exactly one model, and McNemar's test gives p {p} "
        "(chi-square {weak} to {strong}), {means}",
        difference=f"{count(difference)} {'more' if bounds.difference > 0 else 'fewer'}"
        if difference
        else "just as many",
        least=count(least),
        most=count(most),
        p=f"from {p_text(low)} to {p_text(high)}" if high >= 0.001 else "below 0.001",
        weak=f"{min(bounds.chi2):,.1f}",
        strong=f"{max(bounds.chi2):,.1f}",
        means=means,
    )


def _detectable(comparison: Comparison) -> Words:
    """The minimum detectable difference for these samples."""
    size = comparison.detectable
    if size is None:
        unpaired = comparison.paired is None
        why = "samples are not matched" if unpaired else "both are correct on the same samples"
        return say(
            "unknown, since {why}; see Data quality for the sample size",
            why=why,
        )
    paired = comparison.paired
    where = (
        f"at {share(paired.discordance)} discordance"
        if paired is not None and paired.gained + paired.lost
        else "of this size"
    )
    return say(
        "{size} pp in accuracy (80% power) with {n} {where}",
        size=points(size).removeprefix("+"),
        n=plural(comparison.candidate.n_samples, "sample"),
        where=where,
    )


def _pairing(comparison: Comparison) -> PairedTable | None:
    paired = comparison.paired
    if paired is None:
        return None

    def of(n: int) -> tuple[str, str]:
        return count(n), percent(n / paired.n, 1, "%")

    return PairedTable(
        both_right=of(paired.both_right),
        gained=of(paired.gained),
        lost=of(paired.lost),
        both_wrong=of(paired.both_wrong),
        sentence=say(
            "Agreement {same}, churn {churn}. {gained} fixed, {lost} regressed ({net}).",
            same=share(paired.agreement),
            churn=share((paired.n - paired.same) / paired.n),
            gained=count(paired.gained),
            lost=count(paired.lost),
            net=_net(paired.gained - paired.lost),
        ),
    )


def _net(n: int) -> str:
    if n == 0:
        return "net 0"
    return f"net {'+' if n > 0 else MINUS}{count(abs(n))}"


def _calibration(comparison: Comparison) -> CalibrationChange | None:
    """Calibration of both sides, if both have confidences."""
    sides = [
        Context(side, class_names(side.classes), frozenset())
        for side in (comparison.baseline, comparison.candidate)
    ]
    known = [Calibration.of(side) for side in sides]
    before, after = known
    if before is None or after is None:
        return None
    drawn = [confidence_section(side) for side in sides]
    rows = (
        ("Correct predictions", share(before.accuracy), share(after.accuracy)),
        ("Mean confidence", share(before.mean_confidence), share(after.mean_confidence)),
        *(
            (DEFINITIONS[name].title, _figure(sides[0], name), _figure(sides[1], name))
            for name in ("ece",)
        ),
    )
    charts = tuple(
        (replace(section.charts[0], title=title), section.reliability)
        for title, section in zip(("Baseline", "Candidate"), drawn, strict=True)
    )
    return CalibrationChange(
        _calibration_words(before, after, comparison.summary["ece"]),
        rows,
        charts,
        drawn[0].reliability,
        drawn[0].curve,
    )


def _figure(facts: Context, name: str) -> str:
    value = facts.summary(name).value
    return "n/a" if value is None else share(value)


def _calibration_words(before: Calibration, after: Calibration, error: Difference) -> Words:
    moved = delta(error, DEFINITIONS["ece"], Footnotes())
    if moved.kind == "unclear":
        return say("No significant change of calibration.")
    return say(
        "Calibration {moved}. Baseline {before}; candidate {after}.",
        moved=moved.word,
        before=_calibrated(before),
        after=_calibrated(after),
    )


def _calibrated(side: Calibration) -> str:
    """Calibration in a word, as far as the samples show."""
    if not side.beyond_chance:
        return "well calibrated within sampling error"
    return {1: "overconfident", 0: "miscalibrated", -1: "underconfident"}[side.direction]
