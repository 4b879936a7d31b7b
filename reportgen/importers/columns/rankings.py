"""Top-k columns: the best classes of each sample, best first, and their probabilities.

``index_0, index_1, …`` beside ``prob_0, prob_1, …``: the second family contains the probabilities
of ranks, not of classes. Read as scores of classes, they would silently give wrong numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reportgen.importers.formats.tables import LIST, OTHER, Column

__all__ = [
    "Ranking",
    "folded_rankings",
    "ranking_of",
]


_CLASS_WORDS = frozenset({
    "index", "indices", "idx", "top", "label", "labels", "class", "classes", "pred", "preds",
    "prediction", "predictions", "predicted", "rank", "id", "name", "guess", "k", "category",
})  # fmt: skip


_SCORE_WORDS = frozenset({
    "prob", "probs", "proba", "probability", "probabilities", "conf", "confidence", "score",
    "scores", "p",
})  # fmt: skip


_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Ranking:
    """The columns of the best classes, best first.

    Attributes
    ----------
    classes
        K columns, K > 1.
    confidences
        Those of their probabilities: as many, or none.
    """

    classes: tuple[str, ...]
    confidences: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.classes, *self.confidences)


def ranking_of(columns: Mapping[str, Column], taken: set[str | None]) -> Ranking | None:
    """The top-k columns of a table; None where it has none.

    A family is columns whose names differ in one number alone, 0 or 1 and up. One of classes is
    sure beside one of probabilities, or where it is named ``top`` or ``rank``.
    """
    families = _families(
        [c.name for c in columns.values() if c.name not in taken and c.kind not in (LIST, OTHER)]
    )
    scores = [names for words, names in families if words & _SCORE_WORDS]
    for words, names in families:
        if words & _SCORE_WORDS or not words <= _CLASS_WORDS:
            continue
        beside = next((tuple(some) for some in scores if len(some) == len(names)), ())
        if beside or words & {"top", "rank"}:
            return Ranking(tuple(names), beside)
    return None


def folded_rankings(columns: Mapping[str, Column], taken: set[str | None]) -> tuple[str, ...]:
    """The columns whose cells may be lists of the best classes and of their probabilities: by
    their names, one of each at least.
    """
    words = {
        c.name: set(re.findall(r"[a-z]+", c.name.lower()))
        for c in columns.values()
        if c.name not in taken
    }
    classes = [n for n, some in words.items() if some and some <= _CLASS_WORDS]
    scores = [n for n, some in words.items() if some & _SCORE_WORDS]
    return (*classes, *scores) if classes and scores else ()


def _families(names: Sequence[str]) -> list[tuple[set[str], list[str]]]:
    """(words of the name, its columns in order of their number) of each family of two or more."""
    found: dict[str, dict[int, str]] = {}
    for name in names:
        numbers = _NUMBER.findall(name)
        if len(numbers) == 1 and len(numbers[0]) < 6:
            found.setdefault(_NUMBER.sub("#", name.lower()), {})[int(numbers[0])] = name
    families = []
    for pattern, members in found.items():
        places = sorted(members)
        if len(places) > 1 and places[0] in (0, 1) and places[-1] - places[0] == len(places) - 1:
            words = set(re.findall(r"[a-z]+", pattern))
            families.append((words, [members[place] for place in places]))
    return families
