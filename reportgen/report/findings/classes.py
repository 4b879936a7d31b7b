"""Rules that look at single classes."""

from __future__ import annotations

import numpy as np

from reportgen.confusions import SIGNIFICANT, LowestShare, lowest_share, simultaneous
from reportgen.metrics import one_sided_error_bound
from reportgen.report.facts import LOW_SUPPORT, Facts
from reportgen.report.model import Finding
from reportgen.report.words import NBSP, Words, at_most, interval, join, listed, say, share
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
MOST_MISSED = 0.10
"""Without a miss, but with so wide a bound, a class is not worth a sentence."""


def never_found(facts: Facts) -> Finding | None:
    lost = [i for i in facts.present if facts.recall[i] == 0]
    if not lost or not facts.matrix.n_correct:
        return None
    low = facts.lowest_recall
    shown = set(low.significant) if low is not None else set()
    if len(lost) > 1:
        n = len(shown.intersection(lost))
        return Finding(
            say("{n} classes have zero recall:", n=count(len(lost))),
            say(
                "{names}; {samples} in all. {n} significantly below the rest.",
                names=listed([facts.names[i] for i in lost]),
                samples=plural(sum(map(facts.support, lost)), "sample"),
                n="Not" if n == 0 else "All" if n == len(lost) else count(n),
            ),
            "classes",
            say("Per-class metrics"),
        )
    i = lost[0]
    n = facts.support(i)
    never = "" if facts.predicted(i) else " and no predictions"
    return Finding(
        say("Zero recall{never}:", never=never),
        join(
            say("{name} ({n}{bound}).", name=facts.names[i], n=plural(n, "sample"),
                bound=_at_once(facts, i)),
            _taken(facts, i),
            Words(()) if i in shown else say("Not significantly below the rest."),
        ),
        *facts.at_class(i),
    )  # fmt: skip


def _at_once(facts: Facts, i: int) -> str:
    """The interval of a class that was chosen for its recall."""
    low = facts.lowest_recall
    if low is None:
        return ""
    ends = simultaneous(int(facts.matrix.diagonal[i]), facts.support(i), low.n)
    return f"; simultaneous 95{NBSP}% CI {interval(ends)}"


def weakest_class(facts: Facts) -> Finding | None:
    """The lowest recall of those that are significantly below the rest; where none is, that."""
    low = facts.lowest_recall
    if low is None or len(set(facts.recall.values())) == 1:
        return None
    shown = [i for i in low.significant if facts.recall[i] > 0]
    if not shown:
        return None if low.significant else _no_lowest(facts, low)
    lowest = min(facts.recall[i] for i in shown)
    weakest = [i for i in shown if facts.recall[i] == lowest]
    head = "Lowest recall" if lowest == min(facts.recall.values()) else "Low recall"
    if len(weakest) > 1:
        return Finding(
            say("{head} (tie):", head=head),
            say(
                "{names}, {share} each, significantly below the rest.",
                names=listed([facts.names[i] for i in weakest]),
                share=share(lowest),
            ),
            "classes",
            say("Per-class metrics"),
        )
    i = weakest[0]
    others = len(shown) - 1
    more = say(
        "{n} also significantly low.", n=f"{plural(others, 'further class', 'further classes')} "
        f"{'is' if others == 1 else 'are'}"
    )  # fmt: skip
    return Finding(
        say("{head}:", head=head),
        join(
            say(
                "{name}, {share} of {n}{ends}, significantly below the rest.",
                name=facts.names[i],
                share=share(lowest),
                n=count(facts.support(i)),
                ends=f" (simultaneous 95{NBSP}% CI {interval(_ends(facts, low, i))})",
            ),
            _taken(facts, i),
            more if others else Words(()),
        ),
        *facts.at_class(i),
    )


def _ends(facts: Facts, low: LowestShare, i: int) -> tuple[float, float]:
    return simultaneous(int(facts.matrix.diagonal[i]), facts.support(i), low.n)


def _no_lowest(facts: Facts, low: LowestShare) -> Finding | None:
    """No class stands out: which is lowest, and that one had to be."""
    lowest = facts.recall[low.lowest]
    if lowest == 0:
        return None  # it has a finding of its own
    which = [i for i in facts.present if facts.recall[i] == lowest]
    if len(which) > 1:
        measured = say(
            "the lowest are {names}, {share} each",
            names=listed([facts.names[i] for i in which]),
            share=share(lowest),
        )
    else:
        measured = say(
            "the lowest is {name}, {share} of {samples}",
            name=facts.names[low.lowest],
            share=share(lowest),
            samples=count(facts.support(low.lowest)),
        )
    return Finding(
        say("No class has significantly low recall:"),
        say(
            "of {n} measured, {lowest}. With equal classes, the lowest would be about {chance}.",
            n=count(low.n),
            lowest=measured,
            chance=share(low.by_chance),
        ),
        *facts.at_class(low.lowest),
    )


def absent_classes(facts: Facts) -> Finding | None:
    absent = [i for i in range(len(facts.names)) if not facts.support(i)]
    if not absent:
        return None
    return Finding(
        say(
            "{n} of {all} classes {verb} no test samples:",
            n=count(len(absent)),
            all=count(len(facts.names)),
            verb="has" if len(absent) == 1 else "have",
        ),
        say(
            "{names}. {their} recall is undefined, and {averages}.",
            names=listed([facts.names[i] for i in absent]),
            their="Its" if len(absent) == 1 else "Their",
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
    """Classes that are predicted significantly more or less often than they occur."""
    rare = _furthest(facts, -1)  # a class that is never predicted has a finding of its own
    often = _furthest(facts, +1)
    first = rare if rare is not None else often
    if first is None:
        return None
    head = "Over-predicted:" if rare is None else "Under-predicted:"
    sentences = [_predictions(facts, first)]
    if rare is not None and often is not None:
        sentences.append(say("Over-predicted: {often}", often=_predictions(facts, often)))
    return Finding(say(head), join(*sentences), "matrix", say("Confusion matrix"))


def _predictions(facts: Facts, i: int) -> Words:
    return say(
        "{name}, {n} for {samples} (significant).",
        name=facts.names[i],
        n=plural(facts.predicted(i), "prediction"),
        samples=plural(facts.support(i), "sample"),
    )


def least_reliable(facts: Facts) -> Finding | None:
    """The lowest precision of those that are significantly below the rest."""
    if not facts.matrix.n_errors:
        return None
    hits, said = facts.matrix.diagonal, facts.matrix.predicted_totals
    low = lowest_share(hits, said, LOW_SUPPORT)
    if low is None or not low.significant:
        return None
    precision = {i: int(hits[i]) / facts.predicted(i) for i in low.significant}
    lowest = min(precision.values())
    worst = [i for i in low.significant if precision[i] == lowest]
    if len(worst) > 1:
        return None
    i = worst[0]
    every = (hits / np.maximum(said, 1))[said > 0]
    among = f" of classes with at least {LOW_SUPPORT} predictions" if every.min() < lowest else ""
    ends = simultaneous(int(hits[i]), facts.predicted(i), low.n)
    return Finding(
        say("Lowest precision{among}:", among=among),
        say(
            "{name}, {share} of {n}{ends}, significantly below the rest.",
            name=facts.names[i],
            share=share(lowest),
            n=plural(facts.predicted(i), "prediction"),
            ends=f" (simultaneous 95{NBSP}% CI {interval(ends)})",
        ),
        *facts.at_class(i),
    )


def perfect_classes(facts: Facts) -> Finding | None:
    """Classes without a miss, where that says something: of the largest, a low upper bound."""
    perfect = [i for i in facts.present if facts.recall[i] == 1]
    if not perfect or len(facts.present) < 2 or not facts.matrix.n_errors:
        return None
    largest = max(perfect, key=facts.support)
    n = facts.support(largest)
    limit = one_sided_error_bound(n, SIGNIFICANT / len(facts.present))
    if limit > MOST_MISSED:
        return None
    one = len(perfect) == 1
    target = facts.at_class(largest) if one else ("classes", say("Per-class metrics"))
    bound = say(
        "Upper bound for the miss rate{whose}: {bound} ({n}, simultaneous 95{percent}).",
        whose=Words(()) if one else say(" of {name}", name=facts.names[largest]),
        n=plural(n, "sample"),
        bound=at_most(limit),
        percent=f"{NBSP}%",
    )
    head = "Perfect recall:" if one else "{n} classes have perfect recall:"
    return Finding(
        say(head, n=count(len(perfect))),
        join(say("{names}.", names=listed([facts.names[i] for i in perfect])), bound),
        *target,
    )


def _taken(facts: Facts, i: int) -> Words:
    """What the class's samples are predicted as instead, most often."""
    pair = facts.taken_for.get(i)
    if pair is None:
        return Words(())
    ties = [
        other for other in facts.evaluation.pairs if other.true == i and other.count == pair.count
    ]
    if len(ties) > 1:
        return Words(())
    n, of = pair.count, facts.support(i)
    part = "It is" if of == 1 else "All are" if n == of else f"{share(n / of)} are"
    return say("{part} predicted as {name}.", part=part, name=facts.names[pair.predicted])


def _furthest(facts: Facts, sign: int) -> int | None:
    """The class whose predictions differ most from its samples, of those that do significantly."""
    support, predicted = facts.matrix.true_totals, facts.matrix.predicted_totals
    surplus = (predicted - support) * sign
    p = facts.prediction_bias
    shown = (p < SIGNIFICANT) & (support >= LOW_SUPPORT) & (predicted > 0)
    shown &= (surplus > 0) & (surplus >= MISCALLED * support)
    if not shown.any():
        return None
    ratio = np.where(shown, surplus / np.maximum(support, 1), -1.0)
    return int(np.argmax(ratio))
