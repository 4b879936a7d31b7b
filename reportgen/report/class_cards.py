"""Class cards: confusions, worst mistakes, correct examples, curve and change of a class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reportgen.evaluation import Evaluation, collect_galleries
from reportgen.metrics import ClassSample
from reportgen.report.context import Context
from reportgen.report.curves import ClassCurves, class_curves
from reportgen.report.elements import Thumbnail
from reportgen.report.samples import CORRECT_BESIDE, Example, example
from reportgen.report.words import Name, share
from reportgen.text import count, plural

if TYPE_CHECKING:
    from reportgen.report.comparison.classes import ClassChangeRow
    from reportgen.report.comparison.overview import ComparisonSection

__all__ = [
    "CARDS",
    "COMPACT_CARDS",
    "CardConfusion",
    "ClassCard",
    "ConfusionList",
    "card_changes",
    "class_cards",
    "compact_cards",
    "pictured_classes",
]


CARDS = 200
"""Maximum number of cards in the page; those of further classes are built when opened."""


COMPACT_CARDS = 2000
"""Maximum number of classes with a card, those with the lowest recall."""


LISTED, LISTED_OF_MANY = 5, 3
"""Confusions of each kind listed on a card; the rest is summarised as a count."""


MANY = 50
"""With more cards than this, cards are shorter, to limit the size of the page."""


PICTURED = 20
"""Number of cards with pictures: those of the classes with the lowest recall."""


@dataclass(frozen=True)
class CardConfusion:
    """A confused class: number of samples, % of the true class, and the id of the pair or empty."""

    name: Name
    count: int
    share: str
    target: str


@dataclass(frozen=True)
class ConfusionList:
    """The most frequent confusions of a class, of `total` errors.

    `rest` summarises those that aren't listed; empty if all are.
    """

    total: int
    confusions: tuple[CardConfusion, ...]
    rest: str

    @property
    def most(self) -> int:
        """The largest count, for scaling bars."""
        return max((one.count for one in self.confusions), default=0)


@dataclass(frozen=True)
class ClassCard:
    """The details of one class, shown on demand.

    Attributes
    ----------
    index, name
        Index and name of the class.
    missed, taken
        Predictions for its missed samples, and true classes of the samples wrongly predicted as it.
    mistakes, correct
        Examples of its samples, most confident first, at most four each; empty if samples are
        unknown.
    curve
        Precision-recall curve; None if its points aren't stored.
    change
        Changes from the baseline, as (term, text) lines; empty without a baseline.
    """

    index: int
    name: Name
    missed: ConfusionList
    taken: ConfusionList
    mistakes: tuple[Example, ...]
    correct: tuple[Example, ...]
    curve: ClassCurves | None
    change: tuple[tuple[str, str], ...] = ()


Cell = tuple[int, int]
"""(class, count) of one confusion."""


def pictured_classes(
    evaluation: Evaluation,
) -> Iterator[tuple[Sequence[ClassSample], Sequence[ClassSample]]]:
    """Samples of the classes with pictures: worst mistakes, correct examples."""
    in_galleries = {
        i
        for pair, samples in collect_galleries(evaluation)
        if samples
        for i in (pair.true, pair.predicted)
    }
    for place, one in enumerate(evaluation.class_samples):
        if place < PICTURED:
            yield one.mistakes, one.correct
        elif one.index in in_galleries:
            yield (), one.correct[:CORRECT_BESIDE]


def class_cards(
    facts: Context, indices: Sequence[int], thumbnails: Mapping[str, Thumbnail]
) -> tuple[ClassCard, ...]:
    """The cards of these classes, in order; none if the matrix contains proportions only."""
    if facts.proportions is not None:
        return ()
    missed, taken = _confusions(facts, indices)
    samples = {one.index: one for one in facts.evaluation.class_samples}
    curves = {one.index: class_curves(facts, one) for one in facts.evaluation.class_curves}
    pictured = set(indices[:PICTURED])
    most = LISTED if len(indices) <= MANY else LISTED_OF_MANY

    def card(i: int) -> ClassCard:
        known = samples.get(i)
        pictures = thumbnails if i in pictured else {}
        return ClassCard(
            i,
            facts.names[i],
            _listed(facts, i, missed[i], most, outward=True),
            _listed(facts, i, taken[i], most, outward=False),
            tuple(
                example(one, facts, i, one.prediction, pictures)
                for one in (known.mistakes if known else ())
            ),
            tuple(example(one, facts, i, i, pictures) for one in (known.correct if known else ())),
            curves.get(i),
        )

    return tuple(map(card, indices))


def card_changes(
    cards: Sequence[ClassCard], review: ComparisonSection | None
) -> tuple[ClassCard, ...]:
    """The cards with the changes of each class."""
    changed = review.classes.rows if review is not None and review.classes else ()
    of_class = {row.index: tuple(_card_lines(row)) for row in changed}
    return tuple(replace(card, change=of_class.get(card.index, ())) for card in cards)


def _card_lines(row: ClassChangeRow) -> Iterator[tuple[str, str]]:
    for title, moved in (("recall", row.recall), ("precision", row.precision), ("F1", row.f1)):
        if moved.value is not None:
            ends = f" ({moved.range})" if moved.range else ""
            yield f"Δ {title}, pp", f"{moved.text}{ends}"
    if row.gained is not None and row.lost is not None:
        yield "Fixed", count(row.gained)
        yield "Regressed", count(row.lost)


def compact_cards(facts: Context, indices: Sequence[int]) -> tuple[tuple[object, ...], ...]:
    """Data of compact cards for the script: index, name, and both lists of names and counts."""
    if facts.proportions is not None or not indices:
        return ()
    missed, taken = _confusions(facts, indices, LISTED_OF_MANY)
    return tuple(
        (
            i,
            facts.names[i].full,
            *(tuple((facts.names[j].text, n) for j, n in side[i]) for side in (missed, taken)),
        )
        for i in indices
    )


def _confusions(
    facts: Context, indices: Sequence[int], most: int | None = None
) -> tuple[dict[int, list[Cell]], dict[int, list[Cell]]]:
    """For each class, its predictions and the true classes of its predictions.

    Most frequent first, at most `most` of each.
    """
    pairs = facts.evaluation.pairs

    def by(side: NDArray[np.int64], other: NDArray[np.int64]) -> dict[int, list[Cell]]:
        order = np.argsort(side, kind="stable")  # most frequent first, as in the pairs
        begins, ends = (np.searchsorted(side[order], indices, at) for at in ("left", "right"))
        cells = {}
        for i, begin, end in zip(indices, begins.tolist(), ends.tolist(), strict=True):
            at = order[begin:end][:most]
            cells[i] = list(zip(other[at].tolist(), pairs.counts[at].tolist(), strict=True))
        return cells

    return by(pairs.true, pairs.predicted), by(pairs.predicted, pairs.true)


def _listed(
    facts: Context, i: int, cells: Sequence[Cell], most: int, *, outward: bool
) -> ConfusionList:
    shown, rest = cells[:most], cells[most:]
    listed = []
    for j, n in shown:
        true, predicted = (i, j) if outward else (j, i)
        target = f"p-{true}-{predicted}" if (true, predicted) in facts.shown else ""
        part = share(n / facts.support(true))
        listed.append(CardConfusion(facts.names[j], n, part, target))
    more = sum(n for _, n in rest)
    told = f"{count(more)} more in {plural(len(rest), 'class', 'classes')}" if rest else ""
    return ConfusionList(sum(n for _, n in cells), tuple(listed), told)
