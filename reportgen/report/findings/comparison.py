"""Rules that look at the change from a baseline: what rose, what fell, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reportgen.comparison.value import ClassChange, Comparison, Difference, SliceChange
from reportgen.report.cells import Footnotes
from reportgen.report.deltas import DEFINITIONS, delta, points_range
from reportgen.report.facts import Facts
from reportgen.report.findings.failing import Failing, Told
from reportgen.report.model import Finding
from reportgen.report.slices import points
from reportgen.report.words import MINUS, NBSP, Name, Words, join, listed, p_text, say, share
from reportgen.text import count, links, plural

__all__ = ["comparison_findings"]

MOST = 4
"""Of at most seven findings, so many are of the change."""
NAMED = 3
MINIMUM_GROWTH = 5


@dataclass(frozen=True)
class _Review:
    """What a rule looks at: the comparison, the names of its classes, and what failed its gates."""

    comparison: Comparison
    names: tuple[Name, ...]
    failing: Failing


Rule = Callable[[_Review], Finding | None]


def comparison_findings(
    facts: Facts, comparison: Comparison | None, failing: Failing
) -> tuple[Told, ...]:
    """What the rules find, what failed first, then the weightiest; nothing without a baseline."""
    if comparison is None:
        return ()
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
        say("The predictions are identical:"),
        say(
            "candidate and baseline give the same answer to every one of {n}.",
            n=plural(comparison.candidate.n_samples, "sample"),
        ),
    )


def overall(review: _Review) -> Finding | None:
    """How accuracy changed, and whether that is more than chance."""
    comparison = review.comparison
    accuracy = comparison.summary["accuracy"]
    if comparison.identical or accuracy.difference is None:
        return None
    change = delta(accuracy, DEFINITIONS["accuracy"], Footnotes())
    heads = {
        "better": "The candidate is clearly better:",
        "worse": "The candidate is clearly worse:",
        "perhaps-better": "The candidate is perhaps better:",
        "perhaps-worse": "The candidate is perhaps worse:",
        "unclear": "No clear change overall:",
    }
    sentence = say(
        f"{{after}}{NBSP}% of its answers are right, {{before}}{NBSP}% of the baseline's "
        "({change}{ends}).",
        after=change.after,
        before=change.before,
        change=f"{change.text} points",
        ends=f"; 95{NBSP}% interval {change.range}" if change.range else "",
    )
    more = _unseen(comparison) if change.kind == "unclear" else _samples(comparison)
    return _at_comparison(say(heads[change.kind]), join(sentence, more))


def _samples(comparison: Comparison) -> Words:
    paired = comparison.paired
    if paired is None:
        return Words(())
    return say(
        "It alone gets {gained} right, the baseline alone {lost}.",
        gained=plural(paired.gained, "sample"),
        lost=count(paired.lost),
    )


def _unseen(comparison: Comparison) -> Words:
    size, paired = comparison.detectable, comparison.paired
    unseen = (
        Words(())
        if size is None
        else say(
            "Of a difference of {size} points or more, these samples would likely have shown one.",
            size=points(size).removeprefix("+"),
        )
    )
    if paired is None or paired.same == paired.n:
        return unseen
    churn = say(
        "The two answer differently on {churn} of the samples.",
        churn=share((paired.n - paired.same) / paired.n),
    )
    return join(unseen, churn)


def class_fell(review: _Review) -> Finding | None:
    """The class that fell furthest of those that fell beyond chance, after correction; those that
    failed a gate come before others.
    """
    comparison = review.comparison
    fell = _fallen(review, "worse")
    if not fell:
        return None
    worst = fell[0]
    name = review.names[worst.index]
    body = say(
        "{by} points fewer are found ({sides}){though}.",
        by=points(worst.recall.difference).removeprefix(MINUS),
        sides=_sides(worst.recall),
        though=_though(comparison),
    )
    return Finding(
        say("{name} got clearly worse:", name=name),
        join(body, _as_well(fell[1:], review)),
        f"d-{worst.index}",
        say("Its row"),
    )


def _though(comparison: Comparison) -> str:
    difference = comparison.summary["accuracy"].difference
    if not difference or difference < 0:
        return ""
    return f", though overall accuracy rose by {points(difference).removeprefix('+')} points"


def _as_well(others: Sequence[ClassChange], review: _Review) -> Words:
    """``T-shirt/top (−3.4 points) and Bag (−1.0) got clearly worse as well.``"""
    if not others:
        return Words(())
    shown = [
        say(
            "{name} ({by}{unit})",
            name=review.names[one.index],
            by=points(one.recall.difference),
            unit=" points" if place == 0 else "",
        )
        for place, one in enumerate(others[:NAMED])
    ]
    rest = len(others) - len(shown)
    parts: list[str | Name] = []
    for link, words in zip(links(len(shown), rest), shown, strict=True):
        parts += [link, *words.parts] if link else words.parts
    more = f" and {plural(rest, 'more class', 'more classes')}" if rest else ""
    return Words((*parts, f"{more} got clearly worse as well."))


def slice_fell(review: _Review) -> Finding | None:
    comparison = review.comparison
    fell = [one for one in comparison.slices if one.tendency == "worse"]
    if not fell:
        return None
    one = min(fell, key=lambda item: (not _failed(review, item), item.accuracy.difference or 0.0))
    part = Name.of(one.part)
    return Finding(
        say(
            "Where {column} is {part}, the candidate is clearly worse:",
            column=Name.of(one.column),
            part=Name(part.text, part.full, bare=False),
        ),
        say(
            "{by} points fewer of {n} are right ({sides}).",
            by=points(one.accuracy.difference).removeprefix(MINUS),
            n=plural(one.n, "sample"),
            sides=_sides(one.accuracy),
        ),
        "comparison-slices",
        say("The slices"),
    )


def _failed(review: _Review, one: SliceChange) -> bool:
    return review.failing.has_slice(one.column, one.part)


def class_may_have_fallen(review: _Review) -> Finding | None:
    """Falls that stand out alone, but not among so many classes."""
    comparison = review.comparison
    fell = _fallen(review, "perhaps worse")
    if not fell:
        return None
    if len(fell) > 1:
        names = listed([review.names[one.index] for one in fell])
        return Finding(
            say("{n} classes may have got worse:", n=count(len(fell))),
            say(
                "{names}. With {tests}, so large a fall of some may be chance.",
                names=names,
                tests=plural(comparison.n_tests, "class tested", "classes tested"),
            ),
            "comparison-classes",
            say("The classes by harm"),
        )
    one = fell[0]
    return Finding(
        say("{name} may have got worse:", name=review.names[one.index]),
        say(
            "{by} points fewer are found ({sides}). Alone that would stand out (p {p}); with "
            "{tests}, it may be chance.",
            by=points(one.recall.difference).removeprefix(MINUS),
            sides=_sides(one.recall),
            p=p_text(one.recall.p),
            tests=plural(comparison.n_tests, "class tested", "classes tested"),
        ),
        f"d-{one.index}",
        say("Its row"),
    )


def calibration_changed(review: _Review) -> Finding | None:
    """The calibration error, where it clearly changed; lower is better."""
    comparison = review.comparison
    error = comparison.summary["ece"]
    change = delta(error, DEFINITIONS["ece"], Footnotes())
    if change.kind not in {"better", "worse"}:
        return None
    return Finding(
        say(
            "The candidate's confidence is {less} to be trusted than the baseline's:",
            less="less" if change.kind == "worse" else "more",
        ),
        say(
            "it is off by {after} points on average, was {before} ({change}; less is better).",
            after=change.after,
            before=change.before,
            change=change.text,
        ),
        "comparison-confidence",
        say("Both side by side"),
    )


def pair_grew(review: _Review) -> Finding | None:
    """The confusion that grew most, where that is more than a few samples."""
    comparison = review.comparison
    if not comparison.grown:
        return None
    one = comparison.grown[0]
    growth = one.candidate - one.baseline
    if growth < MINIMUM_GROWTH or growth**2 <= 4 * (one.candidate + one.baseline):
        return None
    true, predicted = review.names[one.true], review.names[one.predicted]
    return Finding(
        say("More of {true} are called {predicted}:", true=true, predicted=predicted),
        say(
            "{after} instead of {before}, of {n}. No other confusion grew by more samples.",
            after=count(one.candidate),
            before=count(one.baseline),
            n=plural(int(comparison.candidate.confusion.true_totals[one.true]), "sample"),
        ),
        "comparison-grown",
        say("The pairs that grew"),
    )


def class_rose(review: _Review) -> Finding | None:
    """The class that gained most of those that rose beyond chance."""
    comparison = review.comparison
    rose = _by_difference(comparison, "better")[::-1]
    if not rose:
        return None
    best = rose[0]
    unharmed = not any(one.tendency in {"worse", "perhaps worse"} for one in comparison.classes)
    body = say(
        "{by} points more are found ({sides}).",
        by=points(best.recall.difference).removeprefix("+"),
        sides=_sides(best.recall),
    )
    others = len(rose) - 1
    more = (
        say(
            "{n} got clearly better as well.",
            n=plural(others, "further class", "further classes"),
        )
        if others
        else Words(())
    )
    none = say("No class is shown to have got worse.") if unharmed else Words(())
    return Finding(
        say("{name} got clearly better:", name=review.names[best.index]),
        join(body, more, none),
        f"d-{best.index}",
        say("Its row"),
    )


def _fallen(review: _Review, tendency: str) -> list[ClassChange]:
    """Those that failed a gate first, then the furthest fall."""
    found = _by_difference(review.comparison, tendency)
    return sorted(found, key=lambda one: one.index not in review.failing.classes)


def _by_difference(comparison: Comparison, tendency: str) -> list[ClassChange]:
    """The classes of this tendency, the furthest fall first."""
    found = [
        one
        for one in comparison.classes
        if one.tendency == tendency and one.recall.difference is not None
    ]
    return sorted(found, key=lambda one: (one.recall.difference or 0.0, one.index))


def _sides(difference: Difference) -> str:
    """``97.8 % → 92.3 %; 95 % interval −6.2 to −4.7``."""
    ends = points_range(difference.interval)
    return (
        f"{share(difference.baseline or 0.0)} → {share(difference.candidate or 0.0)}"
        f"{f'; 95{NBSP}% interval {ends}' if ends else ''}"
    )


def _at_comparison(head: Words, body: Words) -> Finding:
    return Finding(head, body, "comparison", say("Against the baseline"))


RULES: tuple[Rule, ...] = (
    identical,
    overall,
    class_fell,
    slice_fell,
    class_may_have_fallen,
    calibration_changed,
    pair_grew,
    class_rose,
)
"""The weightiest first."""


def _whole_failed(name: str, sign: int) -> Callable[[_Review], bool]:
    """Whether the figure failed its gate and got worse: `sign` is that of such a difference."""

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
    return any(_failed(review, one) for one in worse)


def _pair_failed(review: _Review) -> bool:
    one, names = review.comparison.grown[0], review.comparison.candidate.classes
    return review.failing.has_pair(names[one.true], names[one.predicted])


HARM: Mapping[Rule, Callable[[_Review], bool]] = {
    overall: _whole_failed("accuracy", -1),
    class_fell: _class_failed("worse"),
    slice_fell: _slice_failed,
    class_may_have_fallen: _class_failed("perhaps worse"),
    calibration_changed: _whole_failed("ece", 1),
    pair_grew: _pair_failed,
}
"""Findings of harm, and whether a gate failed for it."""
