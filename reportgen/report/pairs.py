"""The most confused pairs: a ranked list, and galleries in which the reverse stands beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from reportgen.comparison.value import Comparison
from reportgen.confusion import ConfusionMatrix
from reportgen.evaluation import GALLERY_PAIRS, Pair, galleries
from reportgen.metrics import wilson
from reportgen.report.facts import Facts
from reportgen.report.model import (
    Direction,
    Example,
    PairGroup,
    PairRow,
    PairSection,
    Thumbnail,
)
from reportgen.report.rankings import rankings
from reportgen.report.words import Name, Words, interval, join, say, share
from reportgen.tallies import Mistake
from reportgen.text import count, plural

__all__ = ["listed_pairs", "pair_section"]

LISTED_PAIRS, LISTED_OF_MANY = 20, 100
MANY_CLASSES = 100
"""More classes have no table of their matrix: more of its cells are listed."""
FILE_WIDTH = 24


def listed_pairs(n_classes: int) -> int:
    """How many directed pairs are listed."""
    return LISTED_PAIRS if n_classes <= MANY_CLASSES else LISTED_OF_MANY


def pair_section(
    facts: Facts, thumbnails: Mapping[str, Thumbnail], comparison: Comparison | None = None
) -> PairSection:
    """The first directed pairs by count, and a gallery for each that has examples, its reverse
    beside it; with `comparison`, each with the baseline's count."""
    baseline = None if comparison is None else comparison.baseline.confusion
    examples = {
        (pair.true, pair.predicted): tuple(
            _example(mistake, facts, pair, thumbnails) for mistake in mistakes
        )
        for pair, mistakes in galleries(facts.evaluation)
    }
    groups = _groups(facts, examples, baseline) if any(examples.values()) else ()
    rows = _rows(facts, {(d.true, d.predicted) for group in groups for d in group.directions})
    rest = facts.evaluation.pairs[len(rows) :]
    rest_count = sum(pair.count for pair in rest)
    return PairSection(
        lead=_lead(facts, rows),
        rows=rows,
        rest=_rest_words(rest),
        rest_count=rest_count,
        rest_share=share(rest_count / facts.matrix.n_errors) if rest else "",
        groups=groups,
        gallery_note=_gallery_note(facts, examples),
        rankings=rankings(facts),
    )


def _rows(facts: Facts, among_galleries: Set[tuple[int, int]]) -> tuple[PairRow, ...]:
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
            )
        )
    return tuple(rows)


def _lead(facts: Facts, rows: Sequence[PairRow]) -> Words:
    if not rows:
        return say("No sample is called by a wrong name, so no two classes are confused.")
    n = facts.matrix.n_errors
    errors = "The one error is" if n == 1 else f"The {count(n)} errors are"
    cells = len(facts.evaluation.pairs)
    lead = say(
        "Ranked by the number of samples. {errors} spread over {cells} of {possible} possible "
        "confusions.",
        errors=errors,
        cells=count(cells),
        possible=count(len(facts.names) * (len(facts.names) - 1)),
    )
    if cells <= len(rows):
        return lead
    shown = say(
        "The {shown} that are listed hold {share} of all errors.",
        shown=count(len(rows)),
        share=rows[-1].cumulated_text,
    )
    return join(lead, shown)


def _rest_words(rest: Sequence[Pair]) -> Words:
    if not rest:
        return Words(())
    return say("{n}, all in pairs.csv", n=plural(len(rest), "further confusion"))


def _groups(
    facts: Facts,
    examples: Mapping[tuple[int, int], tuple[Example, ...]],
    baseline: ConfusionMatrix | None,
) -> tuple[PairGroup, ...]:
    groups: list[PairGroup] = []
    done: set[frozenset[int]] = set()
    for a, b in examples:
        key = frozenset((a, b))
        if key in done:
            continue
        done.add(key)
        total = facts.matrix.count(a, b) + facts.matrix.count(b, a)
        directions = tuple(
            replace(
                _direction(facts, true, predicted, examples.get((true, predicted), ())),
                before=_before(facts, baseline, true, predicted),
            )
            for true, predicted in ((a, b), (b, a))
        )
        groups.append(
            PairGroup(
                len(groups) + 1,
                plural(total, "error"),
                share(total / facts.matrix.n_errors),
                directions,
            )
        )
    return tuple(groups)


def _direction(
    facts: Facts,
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


def _before(facts: Facts, baseline: ConfusionMatrix | None, true: int, predicted: int) -> str:
    """The baseline's count, and its samples of the class where these are not as many."""
    if baseline is None:
        return ""
    support = int(baseline.true_totals[true])
    whole = "" if support == facts.support(true) else f" of {count(support)}"
    return f"{count(baseline.count(true, predicted))}{whole}"


def _example(
    mistake: Mistake, facts: Facts, pair: Pair, thumbnails: Mapping[str, Thumbnail]
) -> Example:
    path = Name.of(mistake.id, 400)
    right = mistake.label_probability
    confidence = share(mistake.confidence)
    true, wrong = facts.names[pair.true], facts.names[pair.predicted]
    return Example(
        path=path,
        file=Name.of(mistake.id.replace("\\", "/").rsplit("/", 1)[-1], FILE_WIDTH),
        confidence=confidence,
        label_probability="n/a" if right is None else share(right),
        thumbnail=thumbnails.get(mistake.id),
        alt=f"{true} called {wrong} with {confidence} confidence",
    )


def _gallery_note(
    facts: Facts,
    examples: Mapping[tuple[int, int], Sequence[Example]],
) -> str:
    if not facts.matrix.n_errors:
        return ""
    shown = [example for gallery in examples.values() for example in gallery]
    if not shown:
        reason = facts.evaluation.examples_reason or "no sample of these pairs is at hand"
        return f"There are no galleries, because {reason}."
    missing = sum(example.thumbnail is None for example in shown)
    if missing == len(shown):
        return "The pictures were not at hand when this page was made: names and scores only."
    most = plural(min(len(examples), GALLERY_PAIRS), "most frequent confusion")
    note = (
        f"Pictures of the {most}, each beside its reverse, most confident mistakes first. Under "
        "each: its file, the confidence in the wrong class, and the probability of the right one."
    )
    if missing:
        note += f" {plural(missing, 'picture')} could not be read."
    return note
