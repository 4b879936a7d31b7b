"""The card of a class: its confusions, worst mistakes, correct examples, curve and change."""

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
"""Cards that are in the page; those of further classes are built when they are opened."""


COMPACT_CARDS = 2000
"""Classes that have a card at all, those with the lowest recall first."""


LISTED, LISTED_OF_MANY = 5, 3
"""Confusions of each kind on a card; the rest is a number."""


MANY = 50
"""More cards are kept short, so that all of them are a small part of the page."""


PICTURED = 20
"""Cards with pictures: those of the classes with the lowest recall."""


@dataclass(frozen=True)
class CardConfusion:
    """One class that another is confused with: how many samples, what % of the true class, and the
    id of the pair where it has one, else empty."""

    name: Name
    count: int
    share: str
    target: str


@dataclass(frozen=True)
class ConfusionList:
    """The most frequent confusions of a class, `total` errors in all; `rest` tells of those that
    aren't listed, and is empty where all are."""

    total: int
    confusions: tuple[CardConfusion, ...]
    rest: str

    @property
    def most(self) -> int:
        """The largest count, for bars."""
        return max((one.count for one in self.confusions), default=0)


@dataclass(frozen=True)
class ClassCard:
    """What is known of one class, on demand.

    Attributes
    ----------
    index, name
        Of the class.
    missed, taken
        What its samples are predicted as, and whose samples are predicted as it.
    mistakes, correct
        Its samples, most confident first: at most four each; empty where samples aren't known.
    curve
        Precision and recall; None where its points aren't kept.
    change
        Against the baseline: term and text of each line; empty without one.
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
    """The samples of classes that are shown with pictures: worst mistakes, correct examples."""
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
    """The cards of these classes, in their order; none where the matrix contains
    proportions only.
    """
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
    """The cards with what changed in each class."""
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
    """For the script, of classes that have no card in the page: index, name, then both lists, each
    a sequence of name and count."""
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
    """For each class what its samples are predicted as, and whose samples are predicted as it:
    most frequent first, `most` of each."""
    pairs = facts.evaluation.pairs

    def by(side: NDArray[np.int64], other: NDArray[np.int64]) -> dict[int, list[Cell]]:
        order = np.argsort(side, kind="stable")  # most frequent first, as the pairs are
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
