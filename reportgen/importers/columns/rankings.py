"""Top-k columns: the top classes of each sample, best first, and their probabilities.

In ``index_0, index_1, …`` beside ``prob_0, prob_1, …``, the second family has probabilities of
ranks, not of classes. Read as class scores, they would silently give wrong numbers.
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
    """The top-k columns, best first.

    Attributes
    ----------
    classes
        The K class columns, K > 1.
    confidences
        The K probability columns, or none.
    """

    classes: tuple[str, ...]
    confidences: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.classes, *self.confidences)


def ranking_of(columns: Mapping[str, Column], taken: set[str | None]) -> Ranking | None:
    """The top-k columns of a table, or None.

    A family is a set of columns whose names differ only in a number, counted from 0 or 1. It is one
    of classes if a family of probabilities is beside it, or if its name contains ``top`` or
    ``rank``.
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
    """Columns whose cells may be lists of the top classes and of their probabilities.

    By their names; there must be at least one of each.
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
    """(words of the name, columns ordered by number) of each family of at least two."""
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
