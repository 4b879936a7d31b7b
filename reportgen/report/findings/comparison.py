"""Rules that look at the change from a baseline: what rose, what fell, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from reportgen.comparison.value import ClassChange, Comparison, Difference
from reportgen.report.cells import Footnotes
from reportgen.report.deltas import DEFINITIONS, delta, p_text, points_range
from reportgen.report.facts import Facts
from reportgen.report.model import Finding
from reportgen.report.slices import points
from reportgen.report.words import MINUS, NBSP, Name, Words, join, listed, say, share
from reportgen.text import count, plural

__all__ = ["comparison_findings"]

MOST = 4
"""Of at most seven findings, so many are of the change."""
NAMED = 3
MINIMUM_GROWTH = 5


@dataclass(frozen=True)
class _Review:
    """What a rule looks at: the comparison, and the names of its classes."""

    comparison: Comparison
    names: tuple[Name, ...]


Rule = Callable[[_Review], Finding | None]


def comparison_findings(facts: Facts, comparison: Comparison | None) -> Iterable[Finding]:
    """What the rules find, weightiest first; nothing without a baseline."""
    if comparison is None:
        return ()
    review = _Review(comparison, facts.names)
    found = (rule(review) for rule in RULES)
    return tuple(finding for finding in found if finding)[:MOST]


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
        "better": "The candidate is better for sure:",
        "worse": "The candidate is worse for sure:",
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
    """The class that fell furthest of those that fell beyond chance, after correction."""
    comparison = review.comparison
    fell = _by_difference(comparison, "worse")
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
        say("{name} got worse for sure:", name=name),
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
    """``T-shirt/top (−3.4 points) and Bag (−1.0) got worse for sure as well.``"""
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
    for place, words in enumerate(shown):
        last = place == len(shown) - 1 and not rest
        parts += [" and " if last else ", "] if place else []
        parts += words.parts
    more = f" and {plural(rest, 'more class', 'more classes')}" if rest else ""
    return Words((*parts, f"{more} got worse for sure as well."))


def slice_fell(review: _Review) -> Finding | None:
    comparison = review.comparison
    fell = [one for one in comparison.slices if one.tendency == "worse"]
    if not fell:
        return None
    one = min(fell, key=lambda item: item.accuracy.difference or 0.0)
    part = Name.of(one.part)
    return Finding(
        say(
            "Where {column} is {part}, the candidate is worse for sure:",
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


def class_may_have_fallen(review: _Review) -> Finding | None:
    """Falls that stand out alone, but not among so many classes."""
    comparison = review.comparison
    fell = _by_difference(comparison, "perhaps worse")
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
    """The calibration error, where it changed for sure; lower is better."""
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
            f"it misses accuracy by {{after}}{NBSP}% on average, before by {{before}}{NBSP}% "
            "({change} points; less is better).",
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
            "{n} got better for sure as well.",
            n=plural(others, "further class", "further classes"),
        )
        if others
        else Words(())
    )
    none = say("No class is shown to have got worse.") if unharmed else Words(())
    return Finding(
        say("{name} got better for sure:", name=review.names[best.index]),
        join(body, more, none),
        f"d-{best.index}",
        say("Its row"),
    )


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
