"""The confusions with galleries: the most frequent ones, and their reverses."""

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
"""Number of directed pairs with a gallery, not counting reverses."""


SAMPLED_CLASSES = 200
"""Number of classes with stored samples: those with the lowest recall."""


Gallery = tuple[Mistake, ...]


class Shown(Protocol):
    """The parts of an evaluation that galleries need."""

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
    """The first ten of `pairs`, then the reverses of these that have samples: at most twenty.

    `pairs` are all of a matrix, as in :attr:`~reportgen.Evaluation.pairs`.
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
    """The classes with stored samples.

    The 200 with the lowest recall, lowest first, then those of the pairs with galleries. Classes
    without samples are not included.
    """
    support, hits = confusion.true_totals, confusion.diagonal
    known = np.flatnonzero(support)
    order = known[np.lexsort((known, -support[known], hits[known] / support[known]))]
    of_pairs = (i for pair in gallery_pairs(pairs) for i in (pair.true, pair.predicted))
    chosen = dict.fromkeys([*order[:SAMPLED_CLASSES].tolist(), *of_pairs])
    return tuple(i for i in chosen if support[i])


def collect_galleries(evaluation: Shown) -> Iterator[tuple[Pair, Gallery]]:
    """Each pair with a gallery, and its samples, most confident mistakes first.

    Files of versions without reverses only have the first ten pairs.
    """
    yield from zip(gallery_pairs(evaluation.pairs), evaluation.examples, strict=False)


def reverses_of(evaluation: Shown) -> tuple[Reverse, ...]:
    """The galleries of reverses, with their pairs."""
    shown = list(collect_galleries(evaluation))[GALLERY_PAIRS:]
    return tuple(Reverse(pair.true, pair.predicted, samples) for pair, samples in shown)


def galleries_of(
    first: Sequence[Gallery], reverses: Sequence[Reverse], pairs: Pairs, place: JsonPath
) -> tuple[Gallery, ...]:
    """All galleries: those of the first ten pairs, and their reverses.

    Raises :class:`~reportgen.jsonio.Fault` if one belongs to no pair, or is larger than the pair.
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
