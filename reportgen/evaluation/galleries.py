"""Which confusions have galleries: the most frequent ones, and their reverses beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from reportgen.tallies import Mistake

if TYPE_CHECKING:
    from reportgen.evaluation.value import Evaluation, Pair

__all__ = ["GALLERY_PAIRS", "galleries", "galleries_from_json", "galleries_json", "gallery_pairs"]

GALLERY_PAIRS = 10
"""Directed pairs whose galleries are shown for their own sake."""

Gallery = tuple[Mistake, ...]


def gallery_pairs(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """The first ten of `pairs`, then, in the order of these, each one's reverse that holds a
    sample and is not among them: at most twenty.

    `pairs` are all of a matrix, as :attr:`~reportgen.Evaluation.pairs` has them.
    """
    first = tuple(pairs[:GALLERY_PAIRS])
    wanted = [(pair.predicted, pair.true) for pair in first if pair.reversed_count]
    among = set(wanted)
    rest = {
        (pair.true, pair.predicted): pair
        for pair in pairs[GALLERY_PAIRS:]
        if (pair.true, pair.predicted) in among
    }
    return (*first, *(rest[cell] for cell in wanted if cell in rest))


def galleries(evaluation: Evaluation) -> Iterator[tuple[Pair, Gallery]]:
    """Each pair that has a gallery, with its samples, the most confident mistakes first.

    Files from before reverses had galleries hold those of the first ten pairs alone.
    """
    yield from zip(gallery_pairs(evaluation.pairs), evaluation.examples, strict=False)


def galleries_json(evaluation: Evaluation) -> dict[str, Any]:
    """``examples``: a list for each of the first ten pairs; ``reversed_examples``: an object for
    each reverse.
    """
    classes = evaluation.classes
    shown = [(pair, [asdict(one) for one in found]) for pair, found in galleries(evaluation)]
    return {
        "examples": [samples for _, samples in shown[:GALLERY_PAIRS]],
        "reversed_examples": [
            {"true": classes[pair.true], "predicted": classes[pair.predicted], "samples": samples}
            for pair, samples in shown[GALLERY_PAIRS:]
        ],
    }


def galleries_from_json(
    value: Mapping[str, Any], pairs: Sequence[Pair], index: Mapping[str, int]
) -> tuple[Gallery, ...]:
    """The inverse of :func:`galleries_json`; `index` is class name → place.

    Raises KeyError, TypeError or ValueError where `value` is not of it.
    """
    first = [_gallery(samples) for samples in value["examples"]]
    reverses = {
        (index[item["true"]], index[item["predicted"]]): _gallery(item["samples"])
        for item in value.get("reversed_examples", ())
    }
    if not reverses:
        return tuple(first)
    places = [(pair.true, pair.predicted) for pair in gallery_pairs(pairs)]
    if len(first) != min(len(places), GALLERY_PAIRS) or set(reverses) - set(places[len(first) :]):
        raise ValueError("reversed_examples are not of the reverses of the first pairs")
    return (*first, *(reverses.get(place, ()) for place in places[len(first) :]))


def _gallery(samples: Sequence[Mapping[str, Any]]) -> Gallery:
    return tuple(Mistake(**sample) for sample in samples)
