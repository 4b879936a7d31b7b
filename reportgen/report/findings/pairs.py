"""Rules that look at what is taken for what."""

from __future__ import annotations

from reportgen.report.facts import Facts
from reportgen.report.findings.wording import all_errors
from reportgen.report.model import Finding
from reportgen.report.words import Words, clause, say, share
from reportgen.text import count

__all__ = ["concentration", "hardest_pair"]

CONCENTRATION = 1 / 3


def hardest_pair(facts: Facts) -> Finding | None:
    if facts.matrix.n_errors < 2 or len(facts.names) < 3:
        return None  # with two classes there is only one pair
    totals = {
        (pair.true, pair.predicted): pair.count + pair.reversed_count
        for pair in facts.evaluation.pairs[:2000]
    }
    (a, b), both = max(totals.items(), key=lambda item: item[1])
    ties = {frozenset(key) for key, total in totals.items() if total == both}
    if both < 2:
        return None
    there, back = facts.matrix.count(a, b), facts.matrix.count(b, a)
    head = "{a} and {b} are {rank}:"
    return Finding(
        say(
            head,
            a=facts.names[a],
            b=facts.names[b],
            rank="the hardest pair" if len(ties) == 1 else "among the hardest pairs",
        ),
        clause(
            "{a} is called {b} {there}, {back}; together {share} of {errors}.",
            a=facts.names[a],
            b=facts.names[b],
            there=_times(there),
            back=_reversed(facts, b, a, back),
            share=share(both / facts.matrix.n_errors),
            errors=all_errors(facts),
        ),
        *facts.at_pair(a, b),
    )


def concentration(facts: Facts) -> Finding | None:
    pairs = facts.evaluation.pairs
    top = 10 if len(pairs) > 20 else 3
    if len(pairs) <= 2 * top or facts.matrix.n_errors < 20:
        return None
    part = sum(pair.count for pair in pairs[:top]) / facts.matrix.n_errors
    if part < CONCENTRATION:
        return None
    return Finding(
        say("A few confusions make {much} of the errors:", much="most" if part > 0.5 else "many"),
        say(
            "the {top} largest of {cells} error cells hold {share} of {errors}.",
            top="ten" if top == 10 else "three",
            cells=count(len(pairs)),
            share=share(part),
            errors=all_errors(facts),
        ),
        "pairs",
        say("The pairs"),
    )


def _times(n: int) -> str:
    return {1: "once", 2: "twice"}.get(n, f"{count(n)} times")


def _reversed(facts: Facts, true: int, predicted: int, n: int) -> Words:
    if not n:
        return say("never the other way round")
    a, b = facts.names[true], facts.names[predicted]
    return clause("{a} is called {b} {n}", a=a, b=b, n=_times(n))
