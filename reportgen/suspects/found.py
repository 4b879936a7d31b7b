"""Samples that reach the threshold of another class: the second pass of confident learning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reportgen.confusion import ConfusionMatrix
from reportgen.errors import DataError
from reportgen.jsonio import ClassIndex, Share, Signed
from reportgen.scoring.inputs import SUM_TOLERANCE, Scores
from reportgen.suspects.thresholds import Thresholds

__all__ = ["LIMIT", "Suspect", "Suspects"]

LIMIT = 50
TOLERANCE = 1e-6
"""A probability this little below a threshold has reached it."""

_MARGIN_STEPS = 1 << 14  # finer differences are noise of the forward pass, not an order
_BLOCK = 1 << 18  # probabilities that are worked on at once: 2 MB an array

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Suspect:
    """One sample whose label is worth a second look.

    Attributes
    ----------
    id
        Of the sample.
    label
        Index of the class that it is labelled as.
    suggested
        Index of the class that it is confidently taken for.
    margin
        Probability of the label minus the largest other probability, -1..0: the lower, the
        stronger the suspicion. (cleanlab prints (margin + 1) / 2.)
    label_probability, suggested_probability
        0..1.
    """

    id: str
    label: ClassIndex
    suggested: ClassIndex
    margin: Signed
    label_probability: Share
    suggested_probability: Share

    @property
    def rank(self) -> tuple[int, str, int, int, float]:
        """Lowest margin first; differences below 2⁻¹⁴ don't count, then the id decides."""
        steps = round(self.margin * _MARGIN_STEPS)
        return (steps, self.id, self.label, self.suggested, self.margin)


@dataclass(frozen=True)
class Suspects:
    """The confident joint and the strongest suspects; ``Suspects(thresholds)`` holds no sample.

    Those of the same thresholds and limit add up: any split of the samples, in any order, gives
    the same value.

    Attributes
    ----------
    thresholds
        Of all samples, from the first pass.
    limit
        Most suspects that are kept.
    joint
        Counts of (label, confident class), the *confident joint*: samples that reach no
        threshold are not in it. As counted: cleanlab raises a diagonal of 0 to 1. None: empty.
    suspected
        The part of it that is suspected: (label, suggested class). None: empty.
    worst
        The strongest suspects by :attr:`Suspect.rank`.
    """

    thresholds: Thresholds
    limit: int = LIMIT
    joint: ConfusionMatrix | None = None
    suspected: ConfusionMatrix | None = None
    worst: tuple[Suspect, ...] = ()

    def having(
        self,
        ids: ArrayLike,
        labels: ArrayLike,
        probabilities: ArrayLike,
        sum_tolerance: float = SUM_TOLERANCE,
    ) -> Suspects:
        """With one batch: N ids (strings), N class indices (-1 = unknown), scores (N, K).

        Rows without a label or without scores (nan) are left out, as in the first pass. Raises
        :class:`DataError` where the scores are no probabilities, or the lengths differ.
        """
        scores = Scores.of(probabilities, labels, sum_tolerance)
        names = np.asarray(ids)
        if len(names) != len(np.asarray(labels)):
            raise DataError(
                f"{len(names):,} ids but {len(np.asarray(labels)):,} labels", slug="length-mismatch"
            )
        if scores.n_classes != self.thresholds.n_classes:
            raise ValueError(f"{scores.n_classes} scores for {self.thresholds.n_classes} classes")
        if len(scores) < len(names):
            unknown = np.isnan(np.asarray(probabilities, np.float64)).any(axis=1)
            names = names[(np.asarray(labels) >= 0) & ~unknown]
        found, limits = self, self.thresholds.values() - TOLERANCE
        rows = max(_BLOCK // scores.n_classes, 1)
        for start in range(0, len(scores), rows):
            part = slice(start, start + rows)
            p = scores.probabilities[part].astype(np.float64)
            found += self._of_block(names[part], scores.labels[part], p, limits)
        return found

    def _of_block(self, ids: NDArray[Any], labels: Counts, p: Floats, limits: Floats) -> Suspects:
        k, rows = p.shape[1], np.arange(len(p))
        predicted = p.argmax(axis=1)
        guess = confident_class(p, predicted, limits)
        counted = guess >= 0
        joint = ConfusionMatrix.from_labels(labels[counted], guess[counted], k)
        at = np.flatnonzero(counted & (guess != labels) & (predicted != labels))
        suspected = ConfusionMatrix.from_labels(labels[at], guess[at], k)
        # the label is not the prediction, so the largest other probability is the largest of all
        own = p[rows, labels]
        margins = own[at] - p[at, predicted[at]]
        likely = _likely(margins, self.limit)
        at, margins = at[likely], margins[likely]
        columns = ids[at], labels[at], guess[at], margins, own[at], p[at, guess[at]]
        worst = self._best(
            Suspect(str(name), *numbers)
            for name, *numbers in zip(*(column.tolist() for column in columns), strict=True)
        )
        return Suspects(self.thresholds, self.limit, joint, suspected, worst)

    def __add__(self, other: Suspects) -> Suspects:
        if not isinstance(other, Suspects):
            return NotImplemented
        if self.thresholds != other.thresholds or self.limit != other.limit:
            raise ValueError("suspects by different thresholds, or of different limits")
        return Suspects(
            self.thresholds,
            self.limit,
            _sum(self.joint, other.joint),
            _sum(self.suspected, other.suspected),
            self._best([*self.worst, *other.worst]),
        )

    @property
    def n_suspects(self) -> int:
        """All suspects, not only those that are kept."""
        return 0 if self.suspected is None else self.suspected.n_samples

    def _best(self, suspects: Iterable[Suspect]) -> tuple[Suspect, ...]:
        return tuple(nsmallest(self.limit, suspects, key=lambda suspect: suspect.rank))


def confident_class(p: Floats, predicted: NDArray[np.intp], limits: Floats) -> NDArray[np.intp]:
    """The class that each sample confidently belongs to; -1 where it reaches no limit.

    Parameters
    ----------
    p
        float64, shape (n, K).
    predicted
        The class of the largest probability: shape (n,).
    limits
        What a class's probability must reach: float64, shape (K,).

    The one class whose limit is reached; where several are, the class of the largest probability
    of all. That is what cleanlab 2.9 does; in the paper it is the largest *of those reached*,
    which differs where the prediction itself is below its threshold.
    """
    reached = p >= limits
    n_reached = np.count_nonzero(reached, axis=1)
    guess = np.where(n_reached > 1, predicted, reached.argmax(axis=1))
    return np.where(n_reached > 0, guess, -1)


def _likely(margins: Floats, limit: int) -> NDArray[np.intp]:
    """The places that can be among the `limit` lowest: all up to the limit-th margin."""
    if len(margins) <= limit:
        return np.arange(len(margins))
    steps = np.rint(margins * _MARGIN_STEPS)
    if limit == 0:
        return np.zeros(0, np.intp)
    return np.flatnonzero(steps <= np.partition(steps, limit - 1)[limit - 1])


def _sum(a: ConfusionMatrix | None, b: ConfusionMatrix | None) -> ConfusionMatrix | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b
