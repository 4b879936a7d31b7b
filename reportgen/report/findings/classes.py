"""Rules on single classes and confused pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reportgen.analysis.confusions import (
    SIGNIFICANT,
    GroupMatrix,
    LowestShare,
    lowest_share,
    simultaneous,
    top_confusions,
)
from reportgen.metrics import one_sided_error_bound
from reportgen.report.context import LOW_SUPPORT, Context
from reportgen.report.findings.rules import Finding
from reportgen.report.words import (
    Name,
    Words,
    at_most,
    interval,
    join,
    list_names,
    ratio,
    say,
    share,
)
from reportgen.text import count, plural

__all__ = [
    "absent_classes",
    "concentration",
    "grouped_errors",
    "hardest_pair",
    "least_reliable",
    "miscalled",
    "never_found",
    "perfect_classes",
    "weakest_class",
]


MISCALLED = 0.05


MOST_MISSED = 0.10
"""A perfect class whose upper bound of the miss rate exceeds this gets no finding."""


def never_found(facts: Context) -> Finding | None:
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
                names=list_names([facts.names[i] for i in lost], NAMED),
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
            _take(facts, i),
            Words(()) if i in shown else say("Not significantly below the rest."),
        ),
        *facts.at_class(i),
    )  # fmt: skip


def _at_once(facts: Context, i: int) -> str:
    """The interval of a class that was selected for its recall."""
    low = facts.lowest_recall
    if low is None:
        return ""
    ends = simultaneous(int(facts.matrix.diagonal[i]), facts.support(i), low.n)
    return f"; simultaneous 95% CI {interval(ends)}"


def weakest_class(facts: Context) -> Finding | None:
    """The lowest recall among classes significantly below the rest, or a statement that none is."""
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
                names=list_names([facts.names[i] for i in weakest]),
                share=share(lowest),
            ),
            "classes",
            say("Per-class metrics"),
        )
    i = weakest[0]
    others = len(shown) - 1
    more = say("Also low: {n}.", n=plural(others, "other class", "other classes"))
    return Finding(
        say("{head}:", head=head),
        join(
            say(
                "{name}, {share} (simultaneous 95% CI {ends}), significantly low.",
                name=facts.names[i],
                share=share(lowest),
                ends=interval(_ends(facts, low, i)),
            ),
            _take(facts, i),
            more if others else Words(()),
        ),
        *facts.at_class(i),
    )


def _ends(facts: Context, low: LowestShare, i: int) -> tuple[float, float]:
    return simultaneous(int(facts.matrix.diagonal[i]), facts.support(i), low.n)


def _no_lowest(facts: Context, low: LowestShare) -> Finding | None:
    """No class is significantly low: the lowest recall is within chance."""
    lowest = facts.recall[low.lowest]
    if lowest == 0:
        return None  # it has its own finding
    which = [i for i in facts.present if facts.recall[i] == lowest]
    if len(which) > 1:
        measured = say(
            "the lowest are {names}, {share} each",
            names=list_names([facts.names[i] for i in which]),
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
            "{lowest} (about {chance} expected if all were equal).",
            lowest=measured,
            chance=share(low.by_chance),
        ),
        *facts.at_class(low.lowest),
    )


def absent_classes(facts: Context) -> Finding | None:
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
            names=list_names([facts.names[i] for i in absent], NAMED),
            their="Its" if len(absent) == 1 else "Their",
            averages=_averages(facts, one=len(absent) == 1),
        ),
        "data",
        say("Data notes"),
    )


def _averages(facts: Context, *, one: bool) -> str:
    """The effect of classes without samples on macro averages."""
    if facts.evaluation.macro == "all":
        return f"macro averages count {'it' if one else 'them'} as 0"
    return f"macro averages exclude {'it' if one else 'them'}"


def miscalled(facts: Context) -> Finding | None:
    """Classes predicted significantly more or less often than they occur."""
    rare = _furthest(facts, -1)  # a class that is never predicted has its own finding
    often = _furthest(facts, +1)
    first = rare if rare is not None else often
    if first is None:
        return None
    head = "Over-predicted:" if rare is None else "Under-predicted:"
    sentences = [_predictions(facts, first)]
    if rare is not None and often is not None:
        sentences.append(say("Over-predicted: {often}", often=_predictions(facts, often)))
    return Finding(say(head), join(*sentences), "matrix", say("Confusion matrix"))


def _predictions(facts: Context, i: int) -> Words:
    return say(
        "{name}, {n} for {samples} (significant).",
        name=facts.names[i],
        n=plural(facts.predicted(i), "prediction"),
        samples=plural(facts.support(i), "sample"),
    )


def least_reliable(facts: Context) -> Finding | None:
    """The lowest precision among classes significantly below the rest."""
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
            ends=f" (simultaneous 95% CI {interval(ends)})",
        ),
        *facts.at_class(i),
    )


def perfect_classes(facts: Context) -> Finding | None:
    """Perfect classes, if informative: the largest one must have a low upper bound."""
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
        percent="%",
    )
    head = "Perfect recall:" if one else "{n} classes have perfect recall:"
    return Finding(
        say(head, n=count(len(perfect))),
        join(say("{names}.", names=list_names([facts.names[i] for i in perfect])), bound),
        *target,
    )


def _take(facts: Context, i: int) -> Words:
    """The most frequent incorrect prediction for the class's samples."""
    if i not in facts.largest_error:
        return Words(())
    predicted, _ = facts.largest_error[i]
    n, of = facts.matrix.count(i, predicted), facts.support(i)
    pairs = facts.evaluation.pairs
    if np.count_nonzero((pairs.true == i) & (pairs.counts == n)) > 1:
        return Words(())
    part = "It is" if of == 1 else "All are" if n == of else f"{share(n / of)} are"
    return say("{part} predicted as {name}.", part=part, name=facts.names[predicted])


def _furthest(facts: Context, sign: int) -> int | None:
    """The class whose predictions differ most from its samples, among significant ones."""
    support, predicted = facts.matrix.true_totals, facts.matrix.predicted_totals
    surplus = (predicted - support) * sign
    p = facts.prediction_bias
    shown = (p < SIGNIFICANT) & (support >= LOW_SUPPORT) & (predicted > 0)
    shown &= (surplus > 0) & (surplus >= MISCALLED * support)
    if not shown.any():
        return None
    ratio = np.where(shown, surplus / np.maximum(support, 1), -1.0)
    return int(np.argmax(ratio))


CONCENTRATION = 1 / 3


LEAST_ERRORS = 20


BEYOND_CHANCE = 0.15
"""Groups are a finding if the proportion of errors within them exceeds chance by this much."""


NAMED = 3
"""Maximum number of classes of one kind that a finding names, as it has at most 20 words."""


NAMED_GROUPS, NAMED_CLASSES, NAMED_LETTERS = 1, 2, 60


NAMED_SIZE = 12
"""Larger groups are not described by naming some of their classes."""


def hardest_pair(facts: Context) -> Finding | None:
    pair = facts.most_confused
    if pair is None or pair.count < 2 or pair.ties > 1 or not pair.significant:
        return None
    a, b = facts.names[pair.a], facts.names[pair.b]
    there, back = facts.matrix.count(pair.a, pair.b), facts.matrix.count(pair.b, pair.a)
    ways = "{a} → {b} {there}, {b} → {a} {back}" if back else "all {a} → {b}"
    return Finding(
        say("Most confused pair:"),
        say(
            "{a} ↔ {b}, {both} of {errors} ({share}; {expected} expected, significant): "
            f"{ways}.",
            a=a,
            b=b,
            both=count(pair.count),
            errors=plural(facts.matrix.n_errors, "error"),
            share=share(pair.count / facts.matrix.n_errors),
            there=count(there),
            back=count(back),
            expected=ratio(pair.expected),
        ),
        *facts.at_pair(pair.a, pair.b),
    )


def concentration(facts: Context) -> Finding | None:
    pairs = facts.evaluation.pairs
    top = 10 if len(pairs) > 20 else 3
    if len(pairs) <= 2 * top or facts.matrix.n_errors < LEAST_ERRORS:
        return None
    found = top_confusions(facts.matrix, top)
    if found is None or found.share < CONCENTRATION or not found.significant:
        return None
    return Finding(
        say("Errors are concentrated:"),
        say(
            "the {top} most frequent confusions account for {share} of {errors}; by chance at "
            "most {chance}.",
            top=str(top),
            share=share(found.share),
            errors=plural(facts.matrix.n_errors, "error"),
            chance=at_most(found.by_chance),
        ),
        "pairs",
        say("All pairs"),
    )


def grouped_errors(facts: Context) -> Finding | None:
    """Errors within groups of classes: the user's, or clusters."""
    if facts.matrix.n_errors < LEAST_ERRORS:
        return None
    given = facts.groups.given
    return _describe_suggested(facts) if given is None else _describe_given(facts, given)


def _describe_given(facts: Context, groups: GroupMatrix) -> Finding | None:
    """None for uninformative groups: a single one, or one class each."""
    if not 1 < len(groups.grouping.names) < len(facts.names):
        return None
    near, n = groups.within_errors, groups.n_errors
    wrong = groups.summary["between_group_error"]
    ends = f" (95% CI {interval(wrong.interval)})" if wrong.interval else ""
    return Finding(
        say("Within-group errors:"),
        say(
            "{part} of {errors}, by the groups of {source}. Between-group errors: {wrong} of all "
            "samples{ends}.",
            part=share(near / n),
            errors=plural(n, "error"),
            source=Name.of(groups.grouping.source),
            wrong=share(wrong.value or 0.0),
            ends=ends,
        ),
        "groups",
        say("Clusters"),
    )


def _describe_suggested(facts: Context) -> Finding | None:
    groups = facts.groups.suggested
    if groups is None:
        return None
    part = groups.within_errors / groups.n_errors
    chance = facts.groups.by_chance(groups) or 0.0
    pair = facts.most_confused
    # clusters are found in random errors too, so a pair must be over-represented
    if pair is None or not pair.significant or part < 0.5 or part - chance < BEYOND_CHANCE:
        return None
    held = np.flatnonzero(groups.within)
    worst = held[np.argsort(-groups.within[held], kind="stable")][:NAMED_GROUPS].tolist()
    named = max(len(groups.grouping.members(g)) for g in worst) <= NAMED_SIZE
    lead = ": " if len(held) == len(worst) else "; largest: "
    return Finding(
        say("Clustered errors:"),
        say(
            "{part} of {errors} are within {n} ({chance} by chance; in-sample){lead}{groups}.",
            part=share(part),
            errors=plural(facts.matrix.n_errors, "error"),
            n=plural(len(held), "cluster"),
            chance=share(chance),
            lead=lead if named else "",
            groups=_members(facts, groups, worst) if named else Words(()),
        ),
        "groups",
        say("Clusters"),
    )


def _members(facts: Context, groups: GroupMatrix, shown: Sequence[int]) -> Words:
    """``cat, dog and fox; ship and truck``; for many, the classes with the most errors."""
    matrix = facts.matrix
    errors = matrix.true_totals + matrix.predicted_totals - 2 * matrix.diagonal
    parts: list[str | Name] = []
    for g in shown:
        members = groups.grouping.members(g)
        names = [facts.names[i] for i in members[np.argsort(-errors[members], kind="stable")]]
        letters = np.cumsum([len(name.text) for name in names[:NAMED_CLASSES]])
        some = max(1, int(np.sum(letters <= NAMED_LETTERS)))
        parts.extend(["; "] * bool(parts))
        parts.extend(list_names(names, some).parts)
    return Words(tuple(parts))
