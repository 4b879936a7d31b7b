"""Rules that look at which classes are confused."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reportgen.confusions import GroupMatrix, top_confusions
from reportgen.report.facts import Facts
from reportgen.report.model import Finding
from reportgen.report.words import (
    NBSP,
    Name,
    Words,
    at_most,
    interval,
    listed,
    ratio,
    say,
    share,
)
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
    pair = facts.most_confused
    if pair is None or pair.count < 2 or pair.ties > 1 or not pair.significant:
        return None
    a, b = facts.names[pair.a], facts.names[pair.b]
    there, back = facts.matrix.count(pair.a, pair.b), facts.matrix.count(pair.b, pair.a)
    ways = (
        "{a} → {b} {there}, {b} → {a} {back}" if back else "{a} → {b}, none in the other direction"
    )
    return Finding(
        say("Most confused pair:"),
        say(
            f"{{a}} ↔ {{b}}, {{both}} of {{errors}} ({{share}}): {ways}. "
            "Significantly more than chance ({expected}).",
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


def concentration(facts: Facts) -> Finding | None:
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
    ends = f" (95{NBSP}% CI {interval(wrong.interval)})" if wrong.interval else ""
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


def _suggested(facts: Facts) -> Finding | None:
    groups = facts.groups.suggested
    if groups is None:
        return None
    part = groups.within_errors / groups.n_errors
    chance = facts.groups.by_chance(groups) or 0.0
    pair = facts.most_confused
    # clusters are found in random errors too: some pair has to stand out beyond chance
    if pair is None or not pair.significant or part < 0.5 or part - chance < BEYOND_CHANCE:
        return None
    held = np.flatnonzero(groups.within)
    worst = held[np.argsort(-groups.within[held], kind="stable")][:NAMED_GROUPS].tolist()
    named = max(len(groups.grouping.members(g)) for g in worst) <= NAMED_SIZE
    lead = ": " if len(held) == len(worst) else "; the largest: "
    return Finding(
        say("Errors cluster:"),
        say(
            "{part} of {errors} fall within {n} of similar classes ({chance} expected by chance; "
            "in-sample){lead}{groups}.",
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
