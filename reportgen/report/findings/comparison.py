"""Rules on changes from a baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reportgen.analysis.confusions import SIGNIFICANT, grown_p
from reportgen.comparison import ClassChange, Comparison, Difference, PairChange, SliceChange
from reportgen.report.comparison.deltas import DEFINITIONS, delta
from reportgen.report.context import Context
from reportgen.report.elements import Footnotes
from reportgen.report.findings.rules import Failing, Finding, Told
from reportgen.report.slices import points, points_range
from reportgen.report.words import Name, Words, join, p_words, say, share
from reportgen.text import count, links, plural

__all__ = [
    "comparison_findings",
]


MOST = 4
"""At most this many of the seven findings are on changes."""


NAMED = 3


@dataclass(frozen=True)
class _Review:
    """The input of a rule: the comparison, its class names, and the failed gates."""

    comparison: Comparison
    names: tuple[Name, ...]
    failing: Failing


Rule = Callable[[_Review], Finding | None]


def comparison_findings(
    facts: Context, comparison: Comparison, failing: Failing
) -> tuple[Told, ...]:
    """The findings of the rules, those on failed gates first, then by importance."""
    review = _Review(comparison, facts.names, failing)
    found = [
        Told(finding, rule in HARM and HARM[rule](review))
        for rule in RULES
        if (finding := rule(review))
    ]
    found.sort(key=lambda one: not one.failed)
    return tuple(found[:MOST])


def identical(review: _Review) -> Finding | None:
    comparison = review.comparison
    if not comparison.identical:
        return None
    return _at_comparison(
        say("Predictions are identical:"),
        say(
            "candidate and baseline predict the same class for every one of {n}.",
            n=plural(comparison.candidate.n_samples, "sample"),
        ),
    )


def overall(review: _Review) -> Finding | None:
    """The change in accuracy, and whether it is significant."""
    comparison = review.comparison
    accuracy = comparison.summary["accuracy"]
    if comparison.identical or accuracy.difference is None:
        return None
    change = delta(accuracy, DEFINITIONS["accuracy"], Footnotes())
    heads = {
        "better": "Accuracy improved:",
        "worse": "Accuracy regressed:",
        "unclear": "No significant change of accuracy:",
    }
    sentence = say(
        "{before} → {after}% ({change}{ends}).",
        after=change.after,
        before=change.before,
        change=f"{change.text} pp",
        ends=f"; 95% CI {change.range}" if change.range else "",
    )
    more = _unseen(comparison) if change.kind == "unclear" else _samples(comparison)
    return _at_comparison(say(heads[change.kind]), join(sentence, more))


def _samples(comparison: Comparison) -> Words:
    paired = comparison.paired
    if paired is None:
        return Words(())
    return say(
        "{gained} fixed, {lost} regressed.",
        gained=plural(paired.gained, "sample"),
        lost=count(paired.lost),
    )


def _unseen(comparison: Comparison) -> Words:
    size, paired = comparison.detectable, comparison.paired
    unseen = (
        Words(())
        if size is None
        else say("Minimum detectable difference: {size} pp.", size=points(size).removeprefix("+"))
    )
    if paired is None or paired.same == paired.n:
        return unseen
    churn = say(
        "Predictions differ on {churn} of samples.",
        churn=share((paired.n - paired.same) / paired.n),
    )
    return join(unseen, churn)


def class_fell(review: _Review) -> Finding | None:
    """The class with the largest significant drop in recall; one with a failed gate comes first."""
    comparison = review.comparison
    fell = _fallen(review, "worse")
    if not fell:
        return None
    worst = fell[0]
    body = say(
        "{name}, {by} pp ({ends}){though}.",
        name=review.names[worst.index],
        by=points(worst.recall.difference),
        ends=_ends(worst.recall),
        though=_though(comparison),
    )
    return Finding(
        say("Recall regressed:"),
        join(body, _as_well(fell[1:], review)),
        f"d-{worst.index}",
        say("Per-class changes"),
    )


def _though(comparison: Comparison) -> str:
    accuracy = comparison.summary["accuracy"]
    kind = delta(accuracy, DEFINITIONS["accuracy"], Footnotes()).kind
    return ", although accuracy rose" if kind == "better" else ""


def _as_well(others: Sequence[ClassChange], review: _Review) -> Words:
    """``T-shirt/top (−3.4 pp) and Bag (−1.0) dropped.``"""
    if not others:
        return Words(())
    shown = [
        say(
            "{name} ({by}{unit})",
            name=review.names[one.index],
            by=points(one.recall.difference),
            unit=" pp" if place == 0 else "",
        )
        for place, one in enumerate(others[:NAMED])
    ]
    rest = len(others) - len(shown)
    parts: list[str | Name] = []
    for link, words in zip(links(len(shown), rest), shown, strict=True):
        parts += [link, *words.parts] if link else words.parts
    more = f" and {plural(rest, 'more class', 'more classes')}" if rest else ""
    return Words((*parts, f"{more} dropped."))


def slice_fell(review: _Review) -> Finding | None:
    comparison = review.comparison
    fell = [one for one in comparison.slices if one.tendency == "worse"]
    if not fell:
        return None
    one = min(fell, key=lambda item: (not _fail(review, item), item.accuracy.difference or 0.0))
    part = Name.of(one.part)
    return Finding(
        say(
            "Slice {column} = {part} regressed:",
            column=Name.of(one.column),
            part=Name(part.text, part.full),
        ),
        say(
            "accuracy {by} pp on {n} ({sides}).",
            by=points(one.accuracy.difference),
            n=plural(one.n, "sample"),
            sides=_sides(one.accuracy),
        ),
        "comparison-slices",
        say("Slices"),
    )


def _fail(review: _Review, one: SliceChange) -> bool:
    return review.failing.has_slice(one.column, one.part)


def calibration_changed(review: _Review) -> Finding | None:
    """The calibration error, if it changed significantly; lower is better."""
    comparison = review.comparison
    error = comparison.summary["ece"]
    change = delta(error, DEFINITIONS["ece"], Footnotes())
    if change.kind == "unclear":
        return None
    return Finding(
        say("Calibration {moved}:", moved="regressed" if change.kind == "worse" else "improved"),
        say(
            "ECE {before} → {after}{percent} ({change} pp, significant).",
            after=change.after,
            before=change.before,
            percent="%",
            change=change.text,
        ),
        "comparison-confidence",
        say("Calibration comparison"),
    )


def pair_grew(review: _Review) -> Finding | None:
    """The confusion with the largest significant increase."""
    one, p = _grow(review)
    if one is None:
        return None
    after = review.comparison.candidate.confusion
    true, predicted = review.names[one.true], review.names[one.predicted]
    return Finding(
        say("Largest increase:"),
        say(
            "{true} → {predicted}, {before} → {after} of {n} (p {p}, Holm over {cells}).",
            true=true,
            predicted=predicted,
            after=count(one.candidate),
            before=count(one.baseline),
            n=plural(int(after.true_totals[one.true]), "sample"),
            p=p_words(p[one.true, one.predicted]),
            cells=plural(len(p), "confusion"),
        ),
        "comparison-grown",
        say("Confusions that increased"),
    )


def _grow(review: _Review) -> tuple[PairChange | None, dict[tuple[int, int], float]]:
    """The confusion with the largest significant increase, and all p-values."""
    comparison = review.comparison
    p = grown_p(comparison.baseline.confusion, comparison.candidate.confusion)
    grown = (one for one in comparison.grown if p[one.true, one.predicted] < SIGNIFICANT)
    return next(grown, None), p


def class_rose(review: _Review) -> Finding | None:
    """The class with the largest significant rise in recall."""
    comparison = review.comparison
    rose = _by_difference(comparison, "better")[::-1]
    if not rose:
        return None
    best = rose[0]
    unharmed = not any(one.tendency == "worse" for one in comparison.classes)
    k = len(comparison.classes)
    head = f"Recall improved in {count(len(rose))} of {plural(k, 'class', 'classes')}:"
    body = say(
        "{which}{name}, {by} pp ({ends}).",
        which="most in " if len(rose) > 1 else "",
        name=review.names[best.index],
        by=points(best.recall.difference),
        ends=_ends(best.recall),
    )
    none = say("None regressed significantly.") if unharmed else Words(())
    return Finding(say(head), join(body, none), f"d-{best.index}", say("Per-class changes"))


def _fallen(review: _Review, tendency: str) -> list[ClassChange]:
    """Those with a failed gate first, then by decreasing drop."""
    found = _by_difference(review.comparison, tendency)
    return sorted(found, key=lambda one: one.index not in review.failing.classes)


def _by_difference(comparison: Comparison, tendency: str) -> list[ClassChange]:
    """The classes of this tendency, largest drop first."""
    found = [
        one
        for one in comparison.classes
        if one.tendency == tendency and one.recall.difference is not None
    ]
    return sorted(found, key=lambda one: (one.recall.difference or 0.0, one.index))


def _ends(difference: Difference) -> str:
    """``95% CI −6.2 to −4.7``, or ``97.8% → 92.3%`` without an interval."""
    ends = points_range(difference.interval)
    return f"95% CI {ends}" if ends else _sides(difference)


def _sides(difference: Difference) -> str:
    """``97.8% → 92.3%; 95% CI −6.2 to −4.7``."""
    ends = points_range(difference.interval)
    return (
        f"{share(difference.baseline or 0.0)} → {share(difference.candidate or 0.0)}"
        f"{f'; 95% CI {ends}' if ends else ''}"
    )


def _at_comparison(head: Words, body: Words) -> Finding:
    return Finding(head, body, "comparison", say("Baseline comparison"))


RULES: tuple[Rule, ...] = (
    identical,
    overall,
    class_fell,
    slice_fell,
    calibration_changed,
    pair_grew,
    class_rose,
)
"""Most important first."""


def _whole_failed(name: str, sign: int) -> Callable[[_Review], bool]:
    """Whether the metric failed its gate and got worse; `sign` is that of a worse difference."""

    def holds(review: _Review) -> bool:
        difference = review.comparison.summary[name].difference or 0.0
        return name in review.failing.metrics and sign * difference > 0

    return holds


def _class_failed(tendency: str) -> Callable[[_Review], bool]:
    def holds(review: _Review) -> bool:
        found = _by_difference(review.comparison, tendency)
        return any(one.index in review.failing.classes for one in found)

    return holds


def _slice_failed(review: _Review) -> bool:
    worse = (one for one in review.comparison.slices if one.tendency == "worse")
    return any(_fail(review, one) for one in worse)


def _pair_failed(review: _Review) -> bool:
    (one, _), names = _grow(review), review.comparison.candidate.classes
    return one is not None and review.failing.has_pair(names[one.true], names[one.predicted])


HARM: Mapping[Rule, Callable[[_Review], bool]] = {
    overall: _whole_failed("accuracy", -1),
    class_fell: _class_failed("worse"),
    slice_fell: _slice_failed,
    calibration_changed: _whole_failed("ece", 1),
    pair_grew: _pair_failed,
}
"""Findings on regressions, and whether they concern a failed gate."""
