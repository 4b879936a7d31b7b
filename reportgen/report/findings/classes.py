"""Rules that look at single classes."""

from __future__ import annotations

import numpy as np

from reportgen.metrics import one_sided_error_bound
from reportgen.report.facts import LOW_SUPPORT, Facts
from reportgen.report.findings.wording import unquoted
from reportgen.report.model import Finding
from reportgen.report.words import Words, at_most, interval, join, listed, say, share
from reportgen.text import count, plural

__all__ = [
    "absent_classes",
    "least_reliable",
    "miscalled",
    "never_found",
    "perfect_classes",
    "weakest_class",
]

MISCALLED = 0.05


def never_found(facts: Facts) -> Finding | None:
    lost = [i for i in facts.present if facts.recall[i] == 0]
    if not lost or not facts.matrix.n_correct:
        return None
    if len(lost) > 1:
        names = listed([facts.names[i] for i in lost])
        return Finding(
            say("{n} classes are never found:", n=count(len(lost))),
            say(
                "{names}; {n} and not one right answer.",
                names=names,
                n=plural(sum(map(facts.support, lost)), "sample"),
            ),
            "classes",
            say("The table"),
        )
    i = lost[0]
    n = facts.support(i)
    verb = "found" if facts.predicted(i) else "predicted"
    samples = say("its one sample" if n == 1 else "its {n} samples", n=count(n))
    return Finding(
        say("{name} is never {verb}:", name=facts.names[i], verb=verb),
        join(
            say("not one right answer for {samples}.", samples=samples),
            _taken(facts, i, of_one=n == 1),
        ),
        *facts.at_class(i),
    )


def weakest_class(facts: Facts) -> Finding | None:
    found = {i: recall for i, recall in facts.recall.items() if recall > 0}
    if len(found) < 2 or len(set(found.values())) == 1:
        return None
    lowest = min(found.values())
    weakest = [i for i, recall in found.items() if recall == lowest]
    others_lost = len(found) < len(facts.recall)
    if len(weakest) > 1:
        return Finding(
            say("{n} classes share the lowest recall:", n=count(len(weakest)))
            if not others_lost
            else say("{n} classes come next:", n=count(len(weakest))),
            say(
                "of {names}, {share} are found each.",
                names=listed([facts.names[i] for i in weakest]),
                share=share(lowest),
            ),
            "classes",
            say("The table"),
        )
    i = weakest[0]
    return Finding(
        say("{name} is the next weakest class:", name=facts.names[i])
        if others_lost
        else say("{name} is the weakest class:", name=facts.names[i]),
        join(_found(facts, i), _taken(facts, i), _overlap(facts, i, found)),
        *facts.at_class(i),
    )


def absent_classes(facts: Facts) -> Finding | None:
    absent = [i for i in range(len(facts.names)) if not facts.support(i)]
    if not absent:
        return None
    return Finding(
        say(
            "{n} of {all} classes {verb} no samples:",
            n=count(len(absent)),
            all=count(len(facts.names)),
            verb="has" if len(absent) == 1 else "have",
        ),
        say(
            "{names}. Nothing is known of how well {they} found, and {averages}.",
            names=listed([facts.names[i] for i in absent]),
            they="it is" if len(absent) == 1 else "they are",
            averages=_averages(facts, one=len(absent) == 1),
        ),
        "data",
        say("Data notes"),
    )


def _averages(facts: Facts, *, one: bool) -> str:
    """What macro averages do with classes without samples."""
    if facts.evaluation.macro == "all":
        return f"macro averages count {'it' if one else 'them'} as 0"
    return f"macro averages leave {'it' if one else 'them'} out"


def miscalled(facts: Facts) -> Finding | None:
    """Classes that are named clearly more or less often than they occur."""
    rare = _furthest(facts, -1)  # a class that is never predicted has a finding of its own
    often = _furthest(facts, +1)
    if rare is None and often is None:
        return None
    first = rare if rare is not None else often
    assert first is not None
    head = "{name} is called too rarely:" if rare is not None else "{name} is called too often:"
    sentences = [_calls(facts, first)]
    if rare is not None and often is not None:
        sentences.append(
            say(
                "{name} is called too often: {n} for {samples}.",
                name=facts.names[often],
                n=count(facts.predicted(often)),
                samples=count(facts.support(often)),
            )
        )
    return Finding(
        say(head, name=facts.names[first]), join(*sentences), "matrix", say("Column totals")
    )


def least_reliable(facts: Facts) -> Finding | None:
    hits = facts.matrix.diagonal
    named = [i for i in range(len(facts.names)) if facts.predicted(i) >= LOW_SUPPORT]
    if len(named) < 2 or not facts.matrix.n_errors:
        return None
    precision = {i: int(hits[i]) / facts.predicted(i) for i in named}
    lowest = min(precision.values())
    worst = [i for i in named if precision[i] == lowest]
    if lowest == 1 or len(worst) > 1:
        return None
    i = worst[0]
    ends = facts.of_class("precision", i).interval
    rarer = any(
        int(hits[j]) < lowest * facts.predicted(j)
        for j in range(len(facts.names))
        if 0 < facts.predicted(j) < LOW_SUPPORT
    )
    head = "Of the answers given at least {n} times, “{name}” is the least reliable:"
    return Finding(
        say(
            head if rarer else "“{name}” is the least reliable answer:",
            name=unquoted(facts.names[i]),
            n=str(LOW_SUPPORT),
        ),
        say(
            "{share} of {n} such answers are right{ends}.",
            share=share(lowest),
            n=count(facts.predicted(i)),
            ends=f" (95 % interval {interval(ends)})" if ends else "",
        ),
        *facts.at_class(i),
    )


def perfect_classes(facts: Facts) -> Finding | None:
    perfect = [i for i in facts.present if facts.recall[i] == 1]
    if not perfect or len(facts.present) < 2 or not facts.matrix.n_errors:
        return None
    largest = max(perfect, key=facts.support)
    n = facts.support(largest)
    bound = _miss_bound(n)
    if len(perfect) == 1:
        return Finding(
            say("No sample of {name} is missed:", name=facts.names[largest]),
            say("no errors seen in {n}; {bound}.", n=plural(n, "sample"), bound=bound),
            *facts.at_class(largest),
        )
    return Finding(
        say("{n} classes have no misses:", n=count(len(perfect))),
        say(
            "{names}. No errors seen in {n} of {largest}; {bound}.",
            names=listed([facts.names[i] for i in perfect]),
            n=plural(n, "sample"),
            largest=facts.names[largest],
            bound=bound,
        ),
        "classes",
        say("The table"),
    )


def _miss_bound(n: int) -> str:
    """The one-sided bound in words, for a class without misses."""
    return f"the miss rate is at most {at_most(one_sided_error_bound(n))} (one-sided 95 % bound)"


def _found(facts: Facts, i: int) -> Words:
    n = facts.support(i)
    ends = facts.of_class("recall", i).interval
    return say(
        "{share} of {few}{n} are found{ends}.",
        share=share(facts.recall[i]),
        few="only " if n < LOW_SUPPORT else "",
        n=count(n),
        ends=f" (95 % interval {interval(ends)})" if ends else "",
    )


def _taken(facts: Facts, i: int, *, of_one: bool = False) -> Words:
    """What the class's samples are called instead, most often."""
    pair = facts.taken_for.get(i)
    if pair is None:
        return Words(())
    name = facts.names[pair.predicted]
    if of_one:
        return say("It is called {name}.", name=name)
    ties = [
        other for other in facts.evaluation.pairs if other.true == i and other.count == pair.count
    ]
    if len(ties) > 1:
        return Words(())
    if pair.count == facts.support(i):
        return say("All are called {name}.", name=name)
    return say("{share} are called {name}.", share=share(pair.count / facts.support(i)), name=name)


def _overlap(facts: Facts, i: int, recall: dict[int, float]) -> Words:
    """Whether the next class is clearly better, as far as two intervals can tell."""
    ends = facts.of_class("recall", i).interval
    nexts = sorted((value, j) for j, value in recall.items() if j != i)
    if ends is None or not nexts:
        return Words(())
    following = facts.of_class("recall", nexts[0][1]).interval
    if following is None or following[0] > ends[1]:
        return Words(())
    return say(
        "Its interval overlaps that of {name} ({share}).",
        name=facts.names[nexts[0][1]],
        share=share(nexts[0][0]),
    )


def _furthest(facts: Facts, sign: int) -> int | None:
    """The class whose predictions differ most from its samples, beyond two standard errors."""
    support, predicted = facts.matrix.true_totals, facts.matrix.predicted_totals
    surplus = (predicted - support) * sign
    errors = predicted + support - 2 * facts.matrix.diagonal
    clear = (
        (support >= LOW_SUPPORT)
        & (predicted > 0)
        & (surplus >= MISCALLED * support)
        & (surplus**2 > 4 * np.maximum(errors, 1))
    )
    if not clear.any():
        return None
    ratio = np.where(clear, surplus / np.maximum(support, 1), -1.0)
    return int(np.argmax(ratio))


def _calls(facts: Facts, i: int) -> Words:
    return say(
        "{n} for {samples}.",
        n=plural(facts.predicted(i), "prediction"),
        samples=plural(facts.support(i), "sample"),
    )
