"""Samples of each class, selected from a stream: worst mistakes, correct examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.jsonio import ClassIndex, JsonPath, Key, Share
from reportgen.metrics.tallies import (
    RankedClass,
    confidence_rank,
    likely_rows,
    probability_at,
    ranked_classes,
)

__all__ = [
    "CHOSEN_FROM",
    "ClassSample",
    "ClassSamples",
    "ClassSamplesTally",
]


SAMPLES_PER_CLASS = 4


CHOSEN_FROM = 2_000_000
"""Up to this many samples, top classes and correct examples are stored.

Both need a pass over all rows.
"""


Rows = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class ClassSample:
    """One sample of a class.

    Attributes
    ----------
    prediction
        Index of the predicted class.
    confidence
        Probability of that class, 0..1.
    label_probability
        p(label), 0..1, or None without scores.
    top
        The top classes, at most five, best first; empty if unknown.
    """

    id: str
    prediction: ClassIndex
    confidence: Share
    label_probability: Share | None
    top: tuple[RankedClass, ...] = ()

    @property
    def rank(self) -> tuple[int, str]:
        """See :func:`~reportgen.metrics.tallies.confidence_rank`."""
        return confidence_rank(self.confidence, self.id)


@dataclass(frozen=True)
class ClassSamples:
    """The most confident mistakes and correct predictions of one class.

    At most four of each, most confident first.
    """

    index: Annotated[ClassIndex, Key("class")]
    mistakes: tuple[ClassSample, ...]
    correct: tuple[ClassSample, ...]

    def check_place(self, place: JsonPath) -> None:
        """Raise :class:`~reportgen.jsonio.Fault` if a sample is in the wrong list."""
        for name, samples, right in (
            ("mistakes", self.mistakes, False),
            ("correct", self.correct, True),
        ):
            for at, sample in zip(place[name].items(), samples, strict=True):
                if (sample.prediction == self.index) is not right:
                    at["prediction"].contradicts(f"the sample is among the {name} of its class")


Group = tuple[int, bool]
"""A class, and whether its samples are the correctly predicted ones."""


@dataclass(frozen=True)
class ClassSamplesTally:
    """The most confident samples of the chosen classes.

    Any split of the samples, in any order, gives the same value.
    """

    classes: tuple[int, ...]
    found: Mapping[Group, tuple[ClassSample, ...]] = field(default_factory=dict)
    limit: int = SAMPLES_PER_CLASS

    def having(self, rows: Rows) -> ClassSamplesTally:
        """With a batch.

        Columns ``id``, ``label``, ``prediction``, ``confidence``, ``label_probability``,
        ``top_classes`` and ``top_probabilities``.
        """
        found = dict(self.found)
        for group, at in self._groups(rows):
            best = found.get(group, ())
            least = -best[-1].rank[0] if len(best) == self.limit else -np.inf
            if likely := likely_rows(rows, at, self.limit, least):
                found[group] = self._best([*best, *(_sample(rows, i) for i in likely)])
        return ClassSamplesTally(self.classes, found, self.limit)

    def of_classes(self) -> tuple[ClassSamples, ...]:
        """The samples of each class with any, in the order of :attr:`classes`."""
        chosen = (
            ClassSamples(i, self.found.get((i, False), ()), self.found.get((i, True), ()))
            for i in self.classes
        )
        return tuple(one for one in chosen if one.mistakes or one.correct)

    def _groups(self, rows: Rows) -> Iterator[tuple[Group, NDArray[np.intp]]]:
        """The rows of each group: sorted once, so that thousands of classes need no pass each."""
        label, right = rows["label"].astype(np.int64), rows["label"] == rows["prediction"]
        keys = np.where(label < 0, -1, 2 * label + right)
        order = np.argsort(keys, kind="stable")
        wanted = np.array([(2 * i, 2 * i + 1) for i in self.classes], np.int64).ravel()
        starts = np.searchsorted(keys[order], wanted).tolist()
        ends = np.searchsorted(keys[order], wanted, side="right").tolist()
        for key, start, end in zip(wanted.tolist(), starts, ends, strict=True):
            if end > start:
                yield (key // 2, key % 2 == 1), order[start:end]

    def _best(self, samples: Iterable[ClassSample]) -> tuple[ClassSample, ...]:
        return tuple(nsmallest(self.limit, samples, key=lambda sample: sample.rank))


def _sample(rows: Rows, i: int) -> ClassSample:
    return ClassSample(
        str(rows["id"][i]),
        int(rows["prediction"][i]),
        float(rows["confidence"][i]),
        probability_at(rows, i),
        ranked_classes(rows, i),
    )
