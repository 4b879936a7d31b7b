"""Rules that look at what is taken for what."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reportgen.confusions import GroupMatrix
from reportgen.report.facts import Facts
from reportgen.report.findings.wording import all_errors
from reportgen.report.model import Finding
from reportgen.report.words import Name, Words, interval, listed, say, share
from reportgen.text import count, plural

__all__ = ["concentration", "grouped_errors", "hardest_pair"]

CONCENTRATION = 1 / 3
LEAST_ERRORS = 20
BEYOND_CHANCE = 0.15
"""Groups are a finding where they hold so much more of the errors than chance would put there."""
NAMED_GROUPS, NAMED_CLASSES, NAMED_LETTERS = 3, 6, 60
NAMED_SIZE = 12
"""Groups of more classes are not told by naming some of these."""


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
        say(
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


def grouped_errors(facts: Facts) -> Finding | None:
    """Whether errors stay among classes that belong together: the user's groups, or suggested."""
    if facts.matrix.n_errors < LEAST_ERRORS:
        return None
    given = facts.groups.given
    return _suggested(facts) if given is None else _given(facts, given)


def _given(facts: Facts, groups: GroupMatrix) -> Finding | None:
    """None where the groups say nothing: there is one only, or each is a single class."""
    if not 1 < len(groups.grouping.names) < len(facts.names):
        return None
    near, n = groups.within_errors, groups.n_errors
    wrong = groups.summary["between_group_error"]
    ends = f" (95 % interval {interval(wrong.interval)})" if wrong.interval else ""
    most = "Half of the errors are" if 2 * near == n else "Most errors are"
    kind = "near misses:" if 2 * near >= n else "of the wrong group:"
    return Finding(
        say(f"{most} {kind}"),
        say(
            "{part} of {errors} name another class of the right group of {source}; {wrong} of all "
            "samples end in the wrong group{ends}.",
            part=share(near / n),
            errors=all_errors(facts),
            source=Name.of(groups.grouping.source),
            wrong=share(wrong.value or 0.0),
            ends=ends,
        ),
        "groups",
        say("The groups"),
    )


def _suggested(facts: Facts) -> Finding | None:
    groups = facts.groups.suggested
    if groups is None:
        return None
    part = groups.within_errors / groups.n_errors
    if part < 0.5 or part - (facts.groups.by_chance(groups) or 0.0) < BEYOND_CHANCE:
        return None
    held = np.flatnonzero(groups.within)
    worst = held[np.argsort(-groups.within[held], kind="stable")][:NAMED_GROUPS].tolist()
    named = max(len(groups.grouping.members(g)) for g in worst) <= NAMED_SIZE
    lead = ": " if len(held) == len(worst) else ", of which these hold the most: "
    return Finding(
        say("Most errors stay among classes that are taken for one another:"),
        say(
            "{part} of {errors} are within {n} of classes that these errors suggest{lead}{groups}.",
            part=share(part),
            errors=all_errors(facts),
            n=plural(len(held), "group"),
            lead=lead if named else "",
            groups=_members(facts, groups, worst) if named else Words(()),
        ),
        "groups",
        say("The groups"),
    )


def _members(facts: Facts, groups: GroupMatrix, shown: Sequence[int]) -> Words:
    """``cat, dog and fox; ship and truck``; of many the classes with the most errors."""
    matrix = facts.matrix
    errors = matrix.true_totals + matrix.predicted_totals - 2 * matrix.diagonal
    parts: list[str | Name] = []
    for g in shown:
        members = groups.grouping.members(g)
        names = [facts.names[i] for i in members[np.argsort(-errors[members], kind="stable")]]
        letters = np.cumsum([len(name.text) for name in names[:NAMED_CLASSES]])
        some = max(1, int(np.sum(letters <= NAMED_LETTERS)))
        parts.extend(["; "] * bool(parts))
        parts.extend(listed(names, some).parts)
    return Words(tuple(parts))


def _times(n: int) -> str:
    return {1: "once", 2: "twice"}.get(n, f"{count(n)} times")


def _reversed(facts: Facts, true: int, predicted: int, n: int) -> Words:
    if not n:
        return say("never the other way round")
    a, b = facts.names[true], facts.names[predicted]
    return say("{a} is called {b} {n}", a=a, b=b, n=_times(n))
