"""Tallies of streamed predictions: counts, and the worst mistakes of chosen pairs.

Both are commutative monoids over integers and totally ordered samples: any split of the samples,
in any order, gives the same value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion_matrix import ConfusionMatrix, RunningMatrix
from reportgen.jsonio import ClassIndex, Key, Share

__all__ = [
    "EXAMPLES_PER_PAIR",
    "Counts",
    "Mistake",
    "RankedClass",
    "RunningCounts",
    "WorstMistakes",
    "best_classes",
    "confidence_rank",
    "likely_rows",
    "probability_at",
    "ranked_classes",
]


EXAMPLES_PER_PAIR = 8


TOP_CLASSES = 5


_CONFIDENCE_STEPS = 1 << 14  # finer differences are noise of the forward pass


@dataclass(frozen=True)
class Counts:
    """The integers that an evaluation is based on.

    Attributes
    ----------
    confusion
        Counts of (true, predicted).
    top5_hits
        Number of samples whose label is among the five largest scores, ties counted against the
        model.
    n_ranked
        Number of samples whose label has a rank, that is, with scores.
    n_tied
        Number of samples in which two classes tie for the largest score.
    n_unlabelled
        Number of samples without a known label; not counted elsewhere.
    """

    confusion: ConfusionMatrix
    top5_hits: int = 0
    n_ranked: int = 0
    n_tied: int = 0
    n_unlabelled: int = 0

    @classmethod
    def empty(cls, n_classes: int) -> Counts:
        return cls(ConfusionMatrix.empty(n_classes))

    @classmethod
    def of(cls, rows: Mapping[str, NDArray[Any]], n_classes: int) -> Counts:
        """Count one batch: see :meth:`RunningCounts.add`."""
        running = RunningCounts(n_classes)
        running.add(rows)
        return running.total()

    def __add__(self, other: Counts) -> Counts:
        if not isinstance(other, Counts):
            return NotImplemented
        return Counts(
            self.confusion + other.confusion,
            self.top5_hits + other.top5_hits,
            self.n_ranked + other.n_ranked,
            self.n_tied + other.n_tied,
            self.n_unlabelled + other.n_unlabelled,
        )


class RunningCounts:
    """:class:`Counts` that grow by batch, in time proportional to the batch."""

    def __init__(self, n_classes: int) -> None:
        self._confusion = RunningMatrix(n_classes)
        self._top5_hits = self._n_ranked = self._n_tied = self._n_unlabelled = 0

    def add(self, rows: Mapping[str, NDArray[Any]]) -> None:
        """Count one batch: columns ``label``, ``prediction``, ``label_rank``, ``top_tied``.

        A rank of 0 means that there are no scores.
        """
        labelled = rows["label"] >= 0
        n_unlabelled = int(len(labelled) - np.count_nonzero(labelled))
        known = labelled if n_unlabelled else slice(None)  # a slice copies nothing
        ranks = rows["label_rank"][known]
        n_ranked = int(np.count_nonzero(ranks))
        self._confusion.add(rows["label"][known], rows["prediction"][known])
        if n_ranked:
            self._top5_hits += int(np.count_nonzero((ranks > 0) & (ranks <= TOP_CLASSES)))
        self._n_ranked += n_ranked
        self._n_tied += int(np.count_nonzero(rows["top_tied"][known]))
        self._n_unlabelled += n_unlabelled

    def total(self) -> Counts:
        """The counts so far; counting can continue."""
        return Counts(
            self._confusion.total(),
            self._top5_hits,
            self._n_ranked,
            self._n_tied,
            self._n_unlabelled,
        )


@dataclass(frozen=True)
class RankedClass:
    """One of the top classes of a sample, with its probability, 0..1."""

    index: Annotated[ClassIndex, Key("class")]
    probability: Share


@dataclass(frozen=True)
class Mistake:
    """An incorrectly predicted sample.

    Attributes
    ----------
    confidence
        p(predicted), 0..1.
    label_probability
        p(label), 0..1, or None without scores.
    top
        The top classes, at most five, best first; empty if unknown.
    """

    id: str
    confidence: Share
    label_probability: Share | None
    top: tuple[RankedClass, ...] = ()

    @property
    def rank(self) -> tuple[int, str]:
        """See :func:`confidence_rank`."""
        return confidence_rank(self.confidence, self.id)


def confidence_rank(confidence: float, name: str) -> tuple[int, str]:
    """Most confident first; differences below 2⁻¹⁴ are ignored, then the id decides."""
    return (-round(confidence * _CONFIDENCE_STEPS), name)


@dataclass(frozen=True)
class WorstMistakes:
    """The most confident mistakes of each of the chosen (true, predicted) pairs."""

    pairs: tuple[tuple[int, int], ...]
    found: Mapping[tuple[int, int], tuple[Mistake, ...]] = field(default_factory=dict)
    limit: int = EXAMPLES_PER_PAIR

    def having(self, rows: Mapping[str, NDArray[Any]]) -> WorstMistakes:
        """With the mistakes of one batch: columns ``id``, ``label``, ``prediction``,
        ``confidence``, ``label_probability``.
        """
        found: dict[tuple[int, int], tuple[Mistake, ...]] = {}
        for true, predicted in self.pairs:
            at = np.flatnonzero(rows["label"] == true)
            at = at[rows["prediction"][at] == predicted]
            if likely := likely_rows(rows, at, self.limit, self._least(true, predicted)):
                found[true, predicted] = self._best(_mistake(rows, i) for i in likely)
        return self + WorstMistakes(self.pairs, found, self.limit) if found else self

    def _least(self, true: int, predicted: int) -> float:
        """The confidence, in steps, that a further mistake must reach."""
        best = self.of_pair(true, predicted)
        return -best[-1].rank[0] if len(best) == self.limit else -np.inf

    def __add__(self, other: WorstMistakes) -> WorstMistakes:
        if not isinstance(other, WorstMistakes):
            return NotImplemented
        found = {
            pair: self._best([*self.found.get(pair, ()), *other.found.get(pair, ())])
            for pair in self.pairs
            if pair in self.found or pair in other.found
        }
        return WorstMistakes(self.pairs, found, self.limit)

    def of_pair(self, true: int, predicted: int) -> tuple[Mistake, ...]:
        return self.found.get((true, predicted), ())

    def _best(self, mistakes: Iterable[Mistake]) -> tuple[Mistake, ...]:
        return tuple(nsmallest(self.limit, mistakes, key=lambda mistake: mistake.rank))


def likely_rows(
    rows: Mapping[str, NDArray[Any]], at: NDArray[Any], limit: int, least: float = -np.inf
) -> Sequence[int]:
    """The rows `at` that may be among the `limit` most confident ones.

    Rows of a confidence of at least `least` steps; none without a confidence.
    """
    steps = np.rint(rows["confidence"][at].astype(np.float64) * _CONFIDENCE_STEPS)
    good = steps >= least  # false if one is nan
    at, steps = at[good], steps[good]
    if len(at) > limit:
        cut = np.partition(steps, -limit)[-limit]
        equal = at[steps == cut].tolist()  # there may be thousands with a confidence of 1
        ids = rows["id"]
        return [*at[steps > cut].tolist(), *nsmallest(limit, equal, key=lambda i: str(ids[i]))]
    chosen: list[int] = at.tolist()
    return chosen


def _mistake(rows: Mapping[str, NDArray[Any]], i: int) -> Mistake:
    return Mistake(
        str(rows["id"][i]),
        float(rows["confidence"][i]),
        probability_at(rows, i),
        ranked_classes(rows, i),
    )


def probability_at(rows: Mapping[str, NDArray[Any]], i: int) -> float | None:
    """p(label) of row `i`; None if unknown."""
    probability = float(rows["label_probability"][i])
    return None if np.isnan(probability) else probability


def ranked_classes(rows: Mapping[str, NDArray[Any]], i: int) -> tuple[RankedClass, ...]:
    """The top classes of row `i`; empty if `rows` lack them."""
    if "top_classes" not in rows or rows["top_classes"][i] is None:
        return ()
    classes, shares = rows["top_classes"][i].tolist(), rows["top_probabilities"][i].tolist()
    return tuple(map(RankedClass, classes, shares))


def best_classes(probabilities: NDArray[Any]) -> tuple[RankedClass, ...]:
    """The top five classes of one sample, given probabilities (K,); the first of ties is better."""
    order = np.argsort(-probabilities, kind="stable")[:TOP_CLASSES].tolist()
    return tuple(RankedClass(i, float(probabilities[i])) for i in order)
