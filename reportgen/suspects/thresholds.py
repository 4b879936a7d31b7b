"""How sure the model usually is of each class: the first pass of confident learning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.scoring.fixed_point import FixedSums
from reportgen.scoring.inputs import Scores

__all__ = ["ENOUGH_SAMPLES", "LOWEST", "Thresholds"]

ENOUGH_SAMPLES = 5
"""With fewer samples, the threshold of a class says little."""

LOWEST = 2e-6
"""No threshold is below this: twice the tolerance of the comparison."""

_BLOCK = 1 << 20


@dataclass(frozen=True, eq=False)
class Thresholds:
    """For each class, the mean probability of the class over the samples with its label.

    Attributes
    ----------
    counts
        int64, shape (K,), read-only: labelled samples with scores.
    sums
        Sums of the probabilities of their labels, shape (K,).
    n_without
        Labelled samples without scores; they are in no other count.
    """

    counts: NDArray[np.int64]
    sums: FixedSums
    n_without: int = 0

    def __post_init__(self) -> None:
        view = np.asarray(self.counts, np.int64).view()
        view.flags.writeable = False
        object.__setattr__(self, "counts", view)

    @classmethod
    def empty(cls, n_classes: int) -> Thresholds:
        """No samples: the neutral element of ``+``."""
        return cls(np.zeros(n_classes, np.int64), FixedSums.zeros((n_classes,)))

    @classmethod
    def of(cls, scores: Scores) -> Thresholds:
        """Count one batch."""
        shape = (scores.n_classes,)
        sums = FixedSums.zeros(shape)
        for start in range(0, len(scores), _BLOCK):
            labels = scores.labels[start : start + _BLOCK]
            rows = np.arange(start, start + len(labels))
            own = scores.probabilities[rows, labels].astype(np.float64)
            sums += FixedSums.of_cells(labels, own, shape)
        counts = np.bincount(scores.labels, minlength=scores.n_classes)
        return cls(counts, sums, scores.n_without)

    def __add__(self, other: Thresholds) -> Thresholds:
        if not isinstance(other, Thresholds):
            return NotImplemented
        if len(self.counts) != len(other.counts):
            raise ValueError(f"{len(self.counts)} classes + {len(other.counts)} classes")
        return Thresholds(
            self.counts + other.counts, self.sums + other.sums, self.n_without + other.n_without
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Thresholds)
            and np.array_equal(self.counts, other.counts)
            and self.sums == other.sums
            and self.n_without == other.n_without
        )

    def __hash__(self) -> int:
        return hash((self.counts.tobytes(), self.sums, self.n_without))

    @property
    def n_classes(self) -> int:
        """K."""
        return len(self.counts)

    @property
    def n(self) -> int:
        """Samples that were counted."""
        return int(self.counts.sum())

    def values(self) -> NDArray[np.float64]:
        """The thresholds: float64, shape (K,), 2e-6..1; inf, out of reach, without samples."""
        means = np.full(self.n_classes, np.inf)
        np.divide(self.sums.value, self.counts, out=means, where=self.counts > 0)
        return np.asarray(np.maximum(means, LOWEST))

    def unsteady(self) -> tuple[int, ...]:
        """Indices of the classes that have samples, but fewer than :data:`ENOUGH_SAMPLES`."""
        few = (self.counts > 0) & (self.counts < ENOUGH_SAMPLES)
        return tuple(np.flatnonzero(few).tolist())
