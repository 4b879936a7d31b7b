"""The release review: verdict, what was compared with what, and what became of the samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from reportgen.comparison import REASONS
from reportgen.comparison.definitions import COMPARISON_TERMS
from reportgen.comparison.value import Comparison
from reportgen.evaluation import Evaluation
from reportgen.gates.value import Decision
from reportgen.gates.value import Verdict as Decided
from reportgen.metrics import Definition
from reportgen.report.calibration import Calibration
from reportgen.report.cells import Footnotes
from reportgen.report.changed_samples import change_galleries, gallery_note
from reportgen.report.changes import (
    class_changes,
    compared,
    grown_rows,
    slice_changes,
    summary_changes,
    summary_note,
)
from reportgen.report.confidence import confidence_section
from reportgen.report.deltas import DEFINITIONS
from reportgen.report.difference import difference_section
from reportgen.report.facts import Facts
from reportgen.report.model import (
    Axis,
    ClassSection,
    Fact,
    Headline,
    Reason,
    Thumbnail,
    Tile,
    Verdict,
)
from reportgen.report.model_review import (
    CalibrationChange,
    Compared,
    ComparisonSection,
    Delta,
    PairedTable,
)
from reportgen.report.sections import verdict
from reportgen.report.slices import points
from reportgen.report.words import NBSP, Name, Words, class_names, join, p_text, say, share
from reportgen.text import count, percent, plural, printable

__all__ = [
    "baseline_words",
    "compared_with",
    "comparison_glossary",
    "comparison_section",
    "model_name",
    "review_verdict",
    "with_changes",
    "with_class_changes",
]

KINDS: Mapping[Decided, str] = {
    "SHIP": "ship",
    "DO NOT SHIP": "stop",
    "INCONCLUSIVE": "unclear",
    "NO GATES SET": "none",
}
ERROR_TOPS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def review_verdict(
    facts: Facts, decision: Decision | None, comparison: Comparison | None
) -> Verdict:
    """What the gates decide; without gates, what was measured, and how it changed."""
    if decision is not None and (decision.checks or decision.verdict != "NO GATES SET"):
        kind = KINDS[decision.verdict]
        return Verdict(kind, decision.verdict, Words((printable(decision.reason),)))  # type: ignore[arg-type]
    measured = verdict(facts)
    if comparison is None:
        return measured
    return replace(measured, reason=_measured(comparison))


def _measured(comparison: Comparison) -> Words:
    change = compared(comparison).summary["accuracy"]
    return say(
        "No release gates were set. Accuracy {after} vs {before} for the baseline ({text} "
        "points{ends}; {word}).",
        after=f"{change.after}{NBSP}%",
        before=f"{change.before}{NBSP}%",
        text=change.text,
        ends=f", 95{NBSP}% CI {change.range}" if change.range else "",
        word="not significant" if change.kind == "unclear" else "significant",
    )


def compared_with(facts: tuple[Fact, ...], comparison: Comparison | None) -> tuple[Fact, ...]:
    """The facts of the verdict band, with the baseline behind the model."""
    if comparison is None:
        return facts
    place = sum(fact.term in {"Model", "Version"} for fact in facts)
    baseline = Fact("Compared with", (_baseline(comparison),))
    return (*facts[:place], baseline, *facts[place:])


def model_name(evaluation: Evaluation) -> str:
    """Name and version, or the title; empty where neither is known."""
    by = evaluation.provenance
    return " ".join(filter(None, (by.model.name, by.model.version))) or by.title


def _baseline(comparison: Comparison) -> Words:
    """The name that it is saved as, else that of its model."""
    if comparison.baseline_name:
        return Words((Name.of(comparison.baseline_name, 60),))
    return _known_as(comparison.baseline, "the baseline")


def baseline_words(comparison: Comparison, otherwise: str = "not named") -> Words:
    """Both its names: ``production: first classifier 1.0``."""
    saved_as, own = comparison.baseline_name, model_name(comparison.baseline)
    if not saved_as or own in ("", saved_as):
        return Words((Name.of(saved_as or own, 60),)) if saved_as or own else say(otherwise)
    return Words((Name.of(saved_as, 60), ": ", Name.of(own, 60)))


def _known_as(evaluation: Evaluation, otherwise: str) -> Words:
    known = model_name(evaluation)
    return Words((Name.of(known, 60),)) if known else say(otherwise)


def with_changes(headline: Headline, facts: Facts, change: Compared | None) -> Headline:
    """The tiles with their changes, on an axis that holds the baseline's values too."""
    if change is None:
        return headline
    tiles = [replace(tile, change=_change_of(tile, change)) for tile in headline.tiles]
    shares = [tile for tile in tiles if tile.unit == "%" and not _is_error(tile)]
    low = min([tile.axis.low for tile in shares if tile.axis] + [_lower_end(shares)], default=0.0)
    placed = tuple(_on_axis(tile, low) for tile in tiles)
    if change.n == facts.matrix.n_samples:
        return replace(headline, tiles=placed)
    note = say("Changes are of the {n} that are compared.", n=plural(change.n, "sample"))
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
    """The tens below the lowest baseline."""
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


def with_class_changes(section: ClassSection, change: Compared | None) -> ClassSection:
    """The table of classes with the change of each class's recall."""
    if change is None:
        return section
    rows = tuple(replace(row, change=change.classes.get(row.index)) for row in section.rows)
    lead = say(
        "Δ recall in points, on an axis from {low} to {high}; ▲ improved, ▼ regressed "
        "(significant).",
        low=change.scale.ends[0],
        high=change.scale.ends[1],
    )
    return replace(section, lead=join(section.lead, lead), rows=rows, scale=change.scale)


def comparison_glossary(
    comparison: Comparison | None,
) -> tuple[tuple[str, tuple[Definition, ...]], ...]:
    """The terms of a comparison, where there is one."""
    return () if comparison is None else (("Of the comparison", COMPARISON_TERMS),)


def comparison_section(
    facts: Facts,
    comparison: Comparison | None,
    thumbnails: Mapping[str, Thumbnail],
) -> ComparisonSection | None:
    """Everything under "Against the baseline".

    `facts` are of the report, whose anchors are linked to. Raises :class:`ValueError` where the
    comparison is over other classes than the report.
    """
    if comparison is None:
        return None
    if comparison.candidate.classes != facts.evaluation.classes:
        raise ValueError("the comparison is over other classes than the report")
    notes = Footnotes()
    both = Facts(comparison.candidate, facts.names, facts.shown)
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
        gallery_note=gallery_note(comparison, galleries),
        grown=tuple(grown_rows(comparison, both.names, facts.shown)),
        slices=tuple(slice_changes(comparison, notes)),
        calibration=_calibration(comparison),
        reasons=(),
    )
    return replace(section, reasons=tuple(_reason(one) for one in notes.reasons()))


def _reason(one: Reason) -> Reason:
    """With the sentence of a comparison's reason, where it is one."""
    return Reason(one.mark, REASONS.get(one.sentence, one.sentence))


def _lead(comparison: Comparison) -> Words:
    names = {
        "candidate": _known_as(comparison.candidate, "the candidate"),
        "baseline": _baseline(comparison),
    }
    if comparison.identical:
        return say(
            "Identical predictions: {candidate} and {baseline} give the same answer to every one "
            "of the {n}. No count differs; only confidences may.",
            n=plural(comparison.candidate.n_samples, "sample"),
            **names,
        )
    if comparison.paired is not None:
        return say(
            "{candidate} less {baseline}, on the same {n}, matched by their ids.",
            n=plural(comparison.paired.n, "sample"),
            **names,
        )
    return say("{candidate} less {baseline}. {why}", why=_why_unmatched(comparison), **names)


def _why_unmatched(comparison: Comparison) -> str:
    code = comparison.unpaired_reason
    why = REASONS.get(code, code)
    return " ".join(
        filter(
            None,
            (
                "Samples are not matched.",
                why,
                "Which answers changed cannot be told, and intervals are wider than they would be "
                "for matched samples.",
            ),
        )
    )


def _facts(comparison: Comparison) -> Iterable[Fact]:
    before, after = comparison.baseline, comparison.candidate
    yield Fact("Baseline", (baseline_words(comparison), *_described(before)))
    yield Fact("Candidate", (_known_as(after, "not named"), *_described(after)))
    if comparison.paired is not None:
        yield Fact("Matched samples", (say(count(comparison.paired.n)),))
    else:
        yield Fact("Matched samples", (say("none: samples are not matched"),))
    if comparison.bounds is not None:
        yield Fact("If they were matched", (_bounds(comparison),))
    yield Fact("Smallest difference", (_detectable(comparison),))


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
        means = "below 0.05 however the samples pair"
    elif low >= 0.05:
        means = "not below 0.05 however the samples pair"
    else:
        means = "below 0.05 for some pairings only"
    return say(
        "the candidate gives {difference} right answers. However the samples pair, {least} to "
        "{most} of them are right on one side alone, and McNemar's test gives p {p} (chi-square "
        "{weak} to {strong}), {means}",
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
    """How large a difference these samples would have shown at all."""
    size = comparison.detectable
    if size is None:
        unpaired = comparison.paired is None
        why = "samples are not matched" if unpaired else "both are correct on the same samples"
        return say(
            "not known for these two, as {why}; Data notes say what so many samples can show",
            why=why,
        )
    paired = comparison.paired
    where = (
        f"on which exactly one of the two is right for {share(paired.discordance)}"
        if paired is not None and paired.gained + paired.lost
        else "of this size"
    )
    return say(
        "a difference in accuracy of {size} points or more would likely (in 4 of 5 such "
        "tests) have been seen with {n} {where}; smaller ones mostly go unseen",
        size=points(size).removeprefix("+"),
        n=plural(comparison.candidate.n_samples, "sample"),
        where=where,
    )


def _pairing(comparison: Comparison) -> PairedTable | None:
    paired = comparison.paired
    if paired is None:
        return None

    def of(n: int) -> tuple[str, str]:
        return count(n), percent(n / paired.n, 1, f"{NBSP}%")

    return PairedTable(
        both_right=of(paired.both_right),
        gained=of(paired.gained),
        lost=of(paired.lost),
        both_wrong=of(paired.both_wrong),
        sentence=say(
            "Both give the same answer, right or wrong, to {same} of the samples (agreement) and "
            "another one to {churn} (churn). {gained} gained, {lost} lost: {net}.",
            same=share(paired.agreement),
            churn=share((paired.n - paired.same) / paired.n),
            gained=count(paired.gained),
            lost=count(paired.lost),
            net=_net(paired.gained - paired.lost),
        ),
    )


def _net(n: int) -> str:
    if n == 0:
        return "as many one way as the other"
    return f"{plural(abs(n), 'right answer')} {'more' if n > 0 else 'fewer'} in all"


def _calibration(comparison: Comparison) -> CalibrationChange | None:
    """Confidence of both, where both have it."""
    sides = [
        Facts(side, class_names(side.classes), frozenset())
        for side in (comparison.baseline, comparison.candidate)
    ]
    known = [Calibration.of(side) for side in sides]
    before, after = known
    if before is None or after is None:
        return None
    drawn = [confidence_section(side) for side in sides]
    rows = (
        ("Right answers", share(before.accuracy), share(after.accuracy)),
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
    return CalibrationChange(_calibration_words(before, after), rows, charts)


def _figure(facts: Facts, name: str) -> str:
    value = facts.summary(name).value
    return "n/a" if value is None else share(value)


def _calibration_words(before: Calibration, after: Calibration) -> Words:
    said = [_calibrated(side) for side in (before, after)]
    if said[0] != said[1]:
        return say("Baseline: {before}. Candidate: {after}.", before=said[0], after=said[1])
    return say("Both sides: {both}.", both=said[0])


def _calibrated(side: Calibration) -> str:
    """In a word, no more than the samples show."""
    if not side.beyond_chance:
        return "well calibrated within sampling error"
    return {1: "overconfident", 0: "miscalibrated", -1: "underconfident"}[side.direction]
