"""The most confused pairs: ranked by count and in other orders, with galleries of examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from reportgen.analysis.confusions import (
    EXPECTED_RULES,
    RANKINGS,
    SIGNIFICANT,
    directed_pairs,
    symmetric_pairs,
)
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.evaluation import (
    OF,
    Pair,
    ProportionPair,
    Proportions,
    collect_galleries,
)
from reportgen.metrics import holm, wilson
from reportgen.report.context import Context
from reportgen.report.elements import Thumbnail
from reportgen.report.samples import CORRECT_BESIDE, Example, bare_beyond, example
from reportgen.report.words import (
    PROPORTIONS_ONLY,
    Name,
    Words,
    interval,
    join,
    ratio,
    say,
    share,
)
from reportgen.text import count, plural

if TYPE_CHECKING:
    from reportgen.comparison import Comparison

__all__ = [
    "OPEN_GALLERIES",
    "Direction",
    "Entry",
    "PairGroup",
    "PairRanking",
    "PairRow",
    "PairSection",
    "listed_pairs",
    "pair_section",
    "rankings",
]


@dataclass(frozen=True)
class Entry:
    """A table cell: a name, or a number as text with its exact value.

    Attributes
    ----------
    text
        The displayed text.
    value
        The exact number; None if undefined, or for a name.
    target
        The id of the linked element; empty if there is none.
    """

    text: Name | str
    value: float | None = None
    target: str = ""


@dataclass(frozen=True)
class PairRanking:
    """Pairs of classes in an order other than by count.

    Attributes
    ----------
    key
        ``"cost"``, ``"rate"``, ``"symmetric"``, ``"lift"``, or ``"proportion"`` without counts.
    title, sentence
        Title, and what the ranking is useful for.
    heads
        Titles of the columns, the two classes first.
    rows
        One tuple of entries per pair, in the order of `heads`.
    note
        A note on its numbers, or empty.
    """

    key: str
    title: str
    sentence: Words
    heads: tuple[str, ...]
    rows: tuple[tuple[Entry, ...], ...]
    note: Words


LEAST_CLASSES = 4
"""Three classes have six pairs, all of which are listed by count."""


LISTED = 20


def rankings(facts: Context) -> tuple[PairRanking, ...]:
    """The non-empty rankings: by cost first, if costs are given; others from four classes on."""
    found = [_by_cost(facts)]
    if len(facts.names) >= LEAST_CLASSES and facts.matrix.n_errors > 1:
        found += (_by_rate(facts), _both_ways(facts), _by_lift(facts))
    return tuple(ranking for ranking in found if ranking is not None and len(ranking.rows) > 1)


def _by_cost(facts: Context) -> PairRanking | None:
    """The ranking by cost; None without costs, or if no cost was incurred."""
    costs, matrix = facts.evaluation.costs, facts.matrix
    if costs is None:
        return None
    of_cell = costs.of_cells(matrix.rows, matrix.columns)
    total = matrix.values * of_cell
    cells = np.flatnonzero(total > 0)
    order = cells[np.lexsort((matrix.columns[cells], matrix.rows[cells], -total[cells]))]
    whole = float(total.sum())
    rows = tuple(
        (
            *_classes(facts, int(matrix.rows[at]), int(matrix.columns[at])),
            _number(count(int(matrix.values[at])), int(matrix.values[at])),
            _number(ratio(float(of_cell[at])), float(of_cell[at])),
            _number(ratio(float(total[at])), float(total[at])),
            _number(share(float(total[at]) / whole), float(total[at]) / whole),
        )
        for at in order[:LISTED].tolist()
    )
    rest = len(order) - len(rows)
    return PairRanking(
        "cost",
        "Pairs by cost",
        say("Count × cost, by {source}: largest contribution to the expected cost.",
            source=Name.of(costs.source)),
        ("True class", "Predicted", "Count", "Cost of each", "Total cost", "% of cost"),
        rows,
        say("{n} not listed.", n=plural(rest, "further pair")) if rest else Words(()),
    )  # fmt: skip


def _by_rate(facts: Context) -> PairRanking | None:
    """The ranking by rate; None if it equals that by count, as for classes of equal size."""
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
        "Pairs by rate",
        say("By rate, ranked by the lower CI bound (for small classes)."),
        ("True class", "Predicted", "Count", "% of true class", "Lower bound"),
        rows,
        say(RANKINGS["rate"]),
    )


def _both_ways(facts: Context) -> PairRanking:
    pairs = symmetric_pairs(facts.matrix, limit=LISTED)
    rows = tuple(
        (
            *_classes(facts, a, b),
            _number(count(n), n),
            _number(count(there), there),
            _number(count(back), back),
            _number(share(part), part),
            Entry(_direction_text(there, back, p)),
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
        "Symmetric pairs",
        say(
            "Symmetric confusion suggests similar classes; one-sided confusion suggests bias or "
            "labelling rules."
        ),
        ("Class A", "Class B", "Count", "A → B", "B → A", "% of errors", "Direction"),
        rows,
        say(
            "Asymmetric: p < 0.05, exact binomial test, Holm over the {n} listed.",
            n=plural(len(pairs), "pair"),
        ),
    )


_TINY = 5e-324


def _direction_text(there: int, back: int, p: float) -> str:
    """Whether errors are asymmetric, symmetric, or too few, by the corrected p-value."""
    if p < SIGNIFICANT:
        return "asymmetric (A → B)" if there > back else "asymmetric (B → A)"
    if there + back < 6:  # 5 to 0 has p = 0.06: so few errors can't be significantly asymmetric
        return "too few"
    return "no significant asymmetry"


def _by_lift(facts: Context) -> PairRanking:
    pairs = directed_pairs(facts.matrix, "lift", limit=LISTED)
    rows = tuple(
        (
            *_classes(facts, i, j),
            _number(count(n), n),
            _number(ratio(expected), expected),
            _number(ratio(lift), lift),
            _number(share(q or _TINY), q),  # a q of 0 underflowed
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
        "Over-represented pairs (lift)",
        say("Confusions that are more frequent than the class totals predict."),
        ("True class", "Predicted", "Count", "Expected", "Lift", "FDR q"),
        rows,
        _lift_note(facts, pairs.q.tolist(), EXPECTED_RULES[pairs.expected_rule]),
    )


def _lift_note(facts: Context, q: list[float], rule: str) -> Words:
    sure = sum(value < SIGNIFICANT for value in q)
    k = len(facts.names)
    return join(
        say(RANKINGS["lift"]),
        say(f"Expected: {rule[0].lower()}{rule[1:]}"),
        say(
            "{some} listed {verb} significant (FDR q < 5%, over {pairs}).",
            pairs=plural(k * (k - 1), "possible pair"),
            some=f"All {count(sure)}"
            if 1 < sure == len(q)
            else f"{count(sure)} of the {count(len(q))}",
            verb="is" if sure == 1 else "are",
        ),
    )


def _classes(facts: Context, first: int, second: int) -> Iterable[Entry]:
    shown = next(
        (f"p-{i}-{j}" for i, j in ((first, second), (second, first)) if (i, j) in facts.shown), ""
    )
    return Entry(facts.names[first]), Entry(facts.names[second], target=shown)


def _number(text: str, value: float) -> Entry:
    return Entry(text, float(value))


@dataclass(frozen=True)
class Direction:
    """Samples of one class predicted as another.

    `before` is the baseline's count, with its number of samples of the class if that differs; empty
    without a baseline. `correct` are correctly predicted examples of the true class.
    """

    true: int
    predicted: int
    true_name: Name
    predicted_name: Name
    count: int
    exact_share: float
    share: str
    range: str
    share_of_errors: str
    examples: tuple[Example, ...]
    before: str = ""
    correct: tuple[Example, ...] = ()


@dataclass(frozen=True)
class PairGroup:
    """Two confused classes, the more frequent direction first.

    `rank` is that of the first direction in the list, 0 if it isn't listed; `reverse` has the rank
    of the other.
    """

    rank: int
    reverse: str
    errors: str
    share_of_errors: str
    directions: tuple[Direction, ...]


@dataclass(frozen=True)
class PairRow:
    """A row of the ranked list.

    `has_gallery`: the pair is also among the galleries. `before` is the baseline's count, empty
    without one.
    """

    rank: int
    direction: Direction
    reversed_count: int
    cumulated: float
    cumulated_text: str
    has_gallery: bool
    before: str = ""


@dataclass(frozen=True)
class PairSection:
    """The most confused pairs; `rest` summarises those not listed, so that percentages sum up.

    `rankings` are the same pairs in other orders; empty if uninformative. For more than 30 classes,
    `beyond` counts significantly over-represented pairs, and `beyond_chance` lists them.
    """

    lead: Words
    rows: tuple[PairRow, ...]
    rest: Words
    rest_count: int = 0
    rest_share: str = ""
    groups: tuple[PairGroup, ...] = ()
    gallery_note: str = ""
    rankings: tuple[PairRanking, ...] = ()
    beyond: Words | None = None
    beyond_chance: PairRanking | None = None

    @property
    def pictured(self) -> bool:
        """Whether any example has a picture."""
        return any(
            example.thumbnail is not None
            for group in self.groups
            for direction in group.directions
            for example in direction.examples
        )


LISTED_PAIRS, LISTED_OF_MANY = 20, 100


OPEN_GALLERIES, FOLDED_EXAMPLES = 3, 4
"""Number of open galleries; folded ones show fewer examples per direction."""


TOP_PAIRS = 10
"""Number of pairs shown at once; the others are listed on demand."""


MANY_CLASSES = 100
"""Above this many classes there is no matrix table, and more pairs are listed."""


def listed_pairs(n_classes: int) -> int:
    """Number of directed pairs to list."""
    return LISTED_PAIRS if n_classes <= MANY_CLASSES else LISTED_OF_MANY


def pair_section(
    facts: Context, thumbnails: Mapping[str, Thumbnail], comparison: Comparison | None = None
) -> PairSection:
    """The most frequent directed pairs, and a gallery for each with examples, with its reverse.

    With `comparison`, each has the baseline's count.
    """
    if facts.proportions is not None:
        return _of_proportions(facts, facts.proportions)
    baseline = None if comparison is None else comparison.baseline.confusion
    examples = {
        (pair.true, pair.predicted): tuple(
            example(mistake, facts, pair.true, pair.predicted, thumbnails) for mistake in mistakes
        )
        for pair, mistakes in collect_galleries(facts.evaluation)
    }
    correct = _correct(facts, thumbnails)
    groups = _groups(facts, examples, correct, baseline) if any(examples.values()) else ()
    among = {(d.true, d.predicted) for group in groups for d in group.directions}
    rows = _rows(facts, among, baseline)
    rest = facts.evaluation.pairs[len(rows) :]
    rest_count = int(rest.counts.sum())
    others = rankings(facts)
    beyond = _beyond_chance(facts, others)
    return PairSection(
        lead=_lead(facts, rows),
        rows=rows,
        rest=_rest_words(rest),
        rest_count=rest_count,
        rest_share=share(rest_count / facts.matrix.n_errors) if rest else "",
        groups=groups,
        gallery_note=_gallery_note(facts, examples),
        rankings=tuple(one for one in others if beyond is None or one.key != "lift"),
        beyond=_beyond_words(facts, beyond),
        beyond_chance=beyond,
    )


MANY_PAIRS = 30
"""Above this many classes, over-represented pairs are listed first: single counts are small."""


def _beyond_chance(facts: Context, known: Sequence[PairRanking]) -> PairRanking | None:
    """The over-represented pairs with q < 5%, for many classes; None if there are none."""
    lift = next((one for one in known if one.key == "lift"), None)
    if lift is None or len(facts.names) <= MANY_PAIRS:
        return None
    sure = tuple(row for row in lift.rows if (row[-1].value or 0.0) < SIGNIFICANT)
    return replace(lift, rows=sure) if sure else None


def _beyond_words(facts: Context, beyond: PairRanking | None) -> Words | None:
    if len(facts.names) <= MANY_PAIRS or facts.matrix.n_errors < 2:
        return None
    if beyond is None:
        return say("No pair is significantly more frequent than chance (FDR q ≥ 5%).")
    least = "At least " if len(beyond.rows) == LISTED else ""
    return say(
        "{n} significantly more frequent than chance (FDR q < 5%), highest lift first.",
        n=f"{least}{plural(len(beyond.rows), 'pair is', 'pairs are')}",
    )


def _of_proportions(facts: Context, known: Proportions) -> PairSection:
    """The confusions with the largest proportions; everything that needs counts is n/a."""
    listed = known.pairs[: listed_pairs(known.n_classes)]
    rows = tuple(
        (
            *_classes(facts, pair.true, pair.predicted),
            _number(share(pair.share), pair.share),
            Entry("n/a")
            if pair.reversed_share is None
            else _number(share(pair.reversed_share), pair.reversed_share),
        )
        for pair in listed
    )
    ranking = PairRanking(
        "proportion",
        "Pairs by proportion",
        say("A high rate in a rare class may be few samples."),
        ("True class", "Predicted", f"% of {OF[known.over]}", "Reverse"),
        rows,
        _rest_words(known.pairs[len(listed) :]),
    )
    return PairSection(
        lead=say(f"Sample counts, galleries and other rankings {PROPORTIONS_ONLY}.")
        if rows
        else say("No two classes are confused."),
        rows=(),
        rest=Words(()),
        rankings=(ranking,) if rows else (),
    )


def _correct(
    facts: Context, thumbnails: Mapping[str, Thumbnail]
) -> Mapping[int, tuple[Example, ...]]:
    """Correct examples of each class."""
    return {
        one.index: tuple(
            example(sample, facts, one.index, one.index, thumbnails)
            for sample in one.correct[:CORRECT_BESIDE]
        )
        for one in facts.evaluation.class_samples
    }


def _rows(
    facts: Context, among_galleries: Set[tuple[int, int]], baseline: ConfusionMatrix | None
) -> tuple[PairRow, ...]:
    rows = []
    sum_so_far = 0
    shown = facts.evaluation.pairs[: listed_pairs(len(facts.names))]
    for rank, pair in enumerate(shown, start=1):
        sum_so_far += pair.count
        cumulated = sum_so_far / facts.matrix.n_errors
        rows.append(
            PairRow(
                rank,
                _direction(facts, pair.true, pair.predicted),
                pair.reversed_count,
                cumulated,
                share(cumulated),
                (pair.true, pair.predicted) in among_galleries,
                _before(facts, baseline, pair.true, pair.predicted),
            )
        )
    return tuple(rows)


def _lead(facts: Context, rows: Sequence[PairRow]) -> Words:
    if not rows:
        return say("No errors: no two classes are confused.")
    n = facts.matrix.n_errors
    cells = len(facts.evaluation.pairs)
    if cells <= TOP_PAIRS:
        return say(
            "{errors} in {cells} of {possible} possible confusions.",
            errors=plural(n, "error"),
            cells=count(cells),
            possible=count(len(facts.names) * (len(facts.names) - 1)),
        )
    return say(
        "The {top} most frequent of {cells} confusions account for {share} of {errors}.",
        top=count(TOP_PAIRS),
        cells=count(cells),
        share=rows[TOP_PAIRS - 1].cumulated_text,
        errors=plural(n, "error"),
    )


def _rest_words(rest: Sequence[Pair | ProportionPair]) -> Words:
    if not rest:
        return Words(())
    return say("{n}, all in pairs.csv", n=plural(len(rest), "further confusion"))


def _groups(
    facts: Context,
    examples: Mapping[tuple[int, int], tuple[Example, ...]],
    correct: Mapping[int, tuple[Example, ...]],
    baseline: ConfusionMatrix | None,
) -> tuple[PairGroup, ...]:
    groups: list[PairGroup] = []
    done: set[frozenset[int]] = set()
    listed = facts.evaluation.pairs[: listed_pairs(len(facts.names))]
    ranks = {(pair.true, pair.predicted): rank for rank, pair in enumerate(listed, start=1)}
    for a, b in examples:
        key = frozenset((a, b))
        if key in done:
            continue
        done.add(key)
        folded = len(groups) >= OPEN_GALLERIES
        total = facts.matrix.count(a, b) + facts.matrix.count(b, a)
        directions = tuple(
            replace(
                _direction(
                    facts, true, predicted, _shown(examples.get((true, predicted), ()), folded)
                ),
                before=_before(facts, baseline, true, predicted),
                correct=correct.get(true, ()),
            )
            for true, predicted in ((a, b), (b, a))
        )
        groups.append(
            PairGroup(
                ranks.get((a, b), 0),
                _reverse_words(facts.matrix.count(b, a), ranks.get((b, a))),
                plural(total, "error"),
                share(total / facts.matrix.n_errors),
                directions,
            )
        )
    return tuple(groups)


def _shown(examples: tuple[Example, ...], folded: bool) -> tuple[Example, ...]:
    """Fewer pictures in folds, to limit the size of the page."""
    return bare_beyond(examples, FOLDED_EXAMPLES) if folded else examples


def _reverse_words(n: int, rank: int | None) -> str:
    if not n:
        return "no errors in the other direction"
    return "with its reverse" + (f", number {rank}" if rank else "")


def _direction(
    facts: Context,
    true: int,
    predicted: int,
    examples: tuple[Example, ...] = (),
) -> Direction:
    n, support = facts.matrix.count(true, predicted), facts.support(true)
    of_true = n / support if support else 0.0  # in the reverse of a pair with an absent class
    low, high = wilson(n, support)
    return Direction(
        true=true,
        predicted=predicted,
        true_name=facts.names[true],
        predicted_name=facts.names[predicted],
        count=n,
        exact_share=of_true,
        share=share(of_true) if support else "n/a",
        range=interval((float(low), float(high)), "") if support else "",
        share_of_errors=share(n / facts.matrix.n_errors),
        examples=examples,
    )


def _before(facts: Context, baseline: ConfusionMatrix | None, true: int, predicted: int) -> str:
    """The baseline's count, and its number of samples of the class if that differs."""
    if baseline is None:
        return ""
    support = int(baseline.true_totals[true])
    whole = "" if support == facts.support(true) else f" of {count(support)}"
    return f"{count(baseline.count(true, predicted))}{whole}"


def _gallery_note(
    facts: Context,
    examples: Mapping[tuple[int, int], Sequence[Example]],
) -> str:
    if not facts.matrix.n_errors:
        return ""
    shown = [example for gallery in examples.values() for example in gallery]
    if not shown:
        reason = facts.evaluation.examples_reason or "no sample available for these pairs"
        return f"No galleries: {reason}."
    missing = sum(example.thumbnail is None for example in shown)
    if missing == len(shown):
        return "Images not available: names and probabilities only."
    note = "Most confident mistakes first: p(predicted), then p(true)."
    if missing:
        note += f" {plural(missing, 'image')} could not be read."
    return note
