"""The confused pairs in other orders than by count: each is good for another question."""

from __future__ import annotations

from collections.abc import Iterable

from reportgen.confusions import (
    EXPECTED_RULES,
    RANKINGS,
    SIGNIFICANT,
    directed_pairs,
    symmetric_pairs,
)
from reportgen.multiple import holm
from reportgen.report.facts import Facts
from reportgen.report.model_groups import Entry, PairRanking
from reportgen.report.words import NBSP, Words, join, ratio, say, share
from reportgen.text import count, plural

__all__ = ["rankings"]

LEAST_CLASSES = 4
"""Three classes have six pairs: the list by count holds all of them."""
LISTED = 20


def rankings(facts: Facts) -> tuple[PairRanking, ...]:
    """Those of the three other rankings that list something, from four classes on."""
    if len(facts.names) < LEAST_CLASSES or facts.matrix.n_errors < 2:
        return ()
    found = (_by_rate(facts), _both_ways(facts), _by_lift(facts))
    return tuple(ranking for ranking in found if ranking is not None and len(ranking.rows) > 1)


def _by_rate(facts: Facts) -> PairRanking | None:
    """None where it is the ranking by count, as with classes of equal size."""
    pairs = directed_pairs(facts.matrix, "rate", limit=LISTED)
    by_count = facts.evaluation.pairs[: len(pairs)]
    if [(pair.true, pair.predicted) for pair in by_count] == list(
        zip(pairs.true.tolist(), pairs.predicted.tolist(), strict=True)
    ):
        return None
    rows = tuple(
        (
            *_classes(facts, i, j),
            _number(count(n), n),
            _number(share(rate), rate),
            _number(share(low), low),
        )
        for i, j, n, rate, low in zip(
            pairs.true.tolist(),
            pairs.predicted.tolist(),
            pairs.count.tolist(),
            pairs.rate.tolist(),
            pairs.rate_low.tolist(),
            strict=True,
        )
    )
    return PairRanking(
        "rate",
        "Ranked by the share of the true class",
        say(
            "For small classes, which never come first by count: which class loses the largest "
            "part of its samples to another, as far as that is sure."
        ),
        ("True class", "Called", "Samples", "Of the true class", "At least"),
        rows,
        say(f"{RANKINGS['rate']} That lower end stands under “At least”."),
    )


def _both_ways(facts: Facts) -> PairRanking:
    pairs = symmetric_pairs(facts.matrix, limit=LISTED)
    rows = tuple(
        (
            *_classes(facts, a, b),
            _number(count(n), n),
            _number(count(there), there),
            _number(count(back), back),
            _number(share(part), part),
            Entry(_direction(there, back, p)),
        )
        for a, b, n, there, back, part, p in zip(
            pairs.a.tolist(),
            pairs.b.tolist(),
            pairs.count.tolist(),
            pairs.a_as_b.tolist(),
            pairs.b_as_a.tolist(),
            pairs.share_of_errors.tolist(),
            holm(pairs.direction_p).p.tolist(),
            strict=True,
        )
    )
    return PairRanking(
        "symmetric",
        "Ranked both ways together",
        say(
            "Symmetric confusion suggests similar classes; one-sided confusion suggests bias or "
            "labelling rules."
        ),
        (
            "One class",
            "Other class",
            "Samples",
            "First called second",
            "Second called first",
            "Of all errors",
            "Direction",
        ),
        rows,
        say(
            "Asymmetric: p < 0.05, exact binomial test, Holm over the {n} listed.",
            n=plural(len(pairs), "pair"),
        ),
    )


_TINY = 5e-324


def _direction(there: int, back: int, p: float) -> str:
    """Whether errors go one way, alike, or are too few to tell; by the corrected p."""
    if p < SIGNIFICANT:
        return "asymmetric (first → second)" if there > back else "asymmetric (second → first)"
    if there + back < 6:  # 5 to 0 has a p of 0.06: no split of so few could be uneven
        return "too few"
    return "no significant asymmetry"


def _by_lift(facts: Facts) -> PairRanking:
    pairs = directed_pairs(facts.matrix, "lift", limit=LISTED)
    rows = tuple(
        (
            *_classes(facts, i, j),
            _number(count(n), n),
            _number(ratio(expected), expected),
            _number(ratio(lift), lift),
            _number(share(q or _TINY), q),  # a q of 0 is one too small for a float
        )
        for i, j, n, expected, lift, q in zip(
            pairs.true.tolist(),
            pairs.predicted.tolist(),
            pairs.count.tolist(),
            pairs.expected.tolist(),
            pairs.lift.tolist(),
            pairs.q.tolist(),
            strict=True,
        )
    )
    return PairRanking(
        "lift",
        "Ranked by how much more often than by chance",
        say(
            "For pairs that are special: a class that attracts errors of all kinds, or makes many, "
            "is no surprise, and does not come first here."
        ),
        ("True class", "Called", "Samples", "By chance", "Times as many", "q"),
        rows,
        _lift_note(facts, pairs.q.tolist(), EXPECTED_RULES[pairs.expected_rule]),
    )


def _lift_note(facts: Facts, q: list[float], rule: str) -> Words:
    sure = sum(value < SIGNIFICANT for value in q)
    k = len(facts.names)
    return join(
        say(RANKINGS["lift"]),
        say(f"By chance: {rule[0].lower()}{rule[1:]}"),
        say(
            "q is the false-discovery rate among all {pairs}: {sure} of the {n} listed {verb} "
            f"below {100 * SIGNIFICANT:.0f}{NBSP}%.",
            pairs=plural(k * (k - 1), "possible pair"),
            sure=count(sure),
            n=count(len(q)),
            verb="is" if sure == 1 else "are",
        ),
    )


def _classes(facts: Facts, first: int, second: int) -> Iterable[Entry]:
    shown = next(
        (f"p-{i}-{j}" for i, j in ((first, second), (second, first)) if (i, j) in facts.shown), ""
    )
    return Entry(facts.names[first]), Entry(facts.names[second], target=shown)


def _number(text: str, value: float) -> Entry:
    return Entry(text, float(value))
