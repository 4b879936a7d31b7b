"""Which confusions have galleries: the most frequent ones, and their reverses beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.evaluation.pairs import Pair, Pairs
from reportgen.jsonio import ClassIndex, JsonPath
from reportgen.metrics import Mistake

__all__ = [
    "GALLERY_PAIRS",
    "Reverse",
    "collect_galleries",
    "galleries_of",
    "gallery_pairs",
    "reverses_of",
    "sampled_classes",
]


GALLERY_PAIRS = 10
"""Directed pairs whose galleries are shown for their own sake."""


SAMPLED_CLASSES = 200
"""Classes whose samples are kept: those with the lowest recall."""


Gallery = tuple[Mistake, ...]


class Shown(Protocol):
    """An evaluation, as far as its galleries go."""

    @property
    def pairs(self) -> Pairs: ...

    @property
    def examples(self) -> tuple[Gallery, ...]: ...


@dataclass(frozen=True)
class Reverse:
    """The gallery of a reversed pair, as in ``report.json``."""

    true: ClassIndex
    predicted: ClassIndex
    samples: Gallery


def gallery_pairs(pairs: Pairs) -> tuple[Pair, ...]:
    """The first ten of `pairs`, then, in the order of these, each one's reverse that holds a
    sample and is not among them: at most twenty.

    `pairs` are all of a matrix, as :attr:`~reportgen.Evaluation.pairs` has them.
    """
    first = tuple(pairs[:GALLERY_PAIRS])
    wanted = [(pair.predicted, pair.true) for pair in first if pair.reversed_count]
    rest = pairs[GALLERY_PAIRS:]
    places = [
        place
        for true, predicted in wanted
        for place in np.flatnonzero((rest.true == true) & (rest.predicted == predicted)).tolist()
    ]
    return (*first, *(rest[place] for place in places))


def sampled_classes(confusion: ConfusionMatrix, pairs: Pairs) -> tuple[int, ...]:
    """The classes of which single samples are shown: the 200 with the lowest recall, lowest first,
    then those of the pairs that have galleries. Classes without samples are not among them.
    """
    support, hits = confusion.true_totals, confusion.diagonal
    known = np.flatnonzero(support)
    order = known[np.lexsort((known, -support[known], hits[known] / support[known]))]
    of_pairs = (i for pair in gallery_pairs(pairs) for i in (pair.true, pair.predicted))
    chosen = dict.fromkeys([*order[:SAMPLED_CLASSES].tolist(), *of_pairs])
    return tuple(i for i in chosen if support[i])


def collect_galleries(evaluation: Shown) -> Iterator[tuple[Pair, Gallery]]:
    """Each pair that has a gallery, with its samples, the most confident mistakes first.

    Files from before reverses had galleries hold those of the first ten pairs alone.
    """
    yield from zip(gallery_pairs(evaluation.pairs), evaluation.examples, strict=False)


def reverses_of(evaluation: Shown) -> tuple[Reverse, ...]:
    """The galleries beyond those of the first ten pairs, with their pairs."""
    shown = list(collect_galleries(evaluation))[GALLERY_PAIRS:]
    return tuple(Reverse(pair.true, pair.predicted, samples) for pair, samples in shown)


def galleries_of(
    first: Sequence[Gallery], reverses: Sequence[Reverse], pairs: Pairs, place: JsonPath
) -> tuple[Gallery, ...]:
    """All galleries, of what `place` holds: those of the first ten pairs, and their reverses.

    Raises :class:`~reportgen.jsonio.Fault` where one belongs to no pair, or is too large for it.
    """
    shown = gallery_pairs(pairs)
    cells = [(pair.true, pair.predicted) for pair in shown]
    if first:
        place["examples"].of_length(min(len(pairs), GALLERY_PAIRS))
    found = tuple(first)
    if reverses:
        of_cell = {(one.true, one.predicted): one.samples for one in reverses}
        if len(first) != min(len(cells), GALLERY_PAIRS) or set(of_cell) - set(cells[len(first) :]):
            place["reversed_examples"].contradicts("they are not of the reverses of first pairs")
        found += tuple(of_cell.get(cell, ()) for cell in cells[len(first) :])
    for pair, gallery in zip(shown, found, strict=False):
        if len(gallery) > pair.count:
            place["examples"].contradicts(
                f"{len(gallery):,} samples of a confusion of {pair.count:,}"
            )
    return found
