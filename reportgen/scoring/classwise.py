"""Class-wise calibration: each class's probability against how often the class is the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.metrics import Metric
from reportgen.scoring.bins import bin_indices
from reportgen.scoring.calibration import N_BINS
from reportgen.scoring.fixed_point import FixedSums
from reportgen.scoring.inputs import Scores, missing_reason

__all__ = ["ClasswiseBins"]

_BLOCK = 1 << 18  # probabilities that are worked on at once: 2 MB an array

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ClasswiseBins:
    """For each class, 15 equal-width bins of its probability over all samples; shape (K, 15).

    Attributes
    ----------
    counts, positives
        int64, read-only: samples, and samples of the class.
    probabilities
        Sums of the class's probability.
    n_without
        Samples without scores; they are in no other count.
    """

    counts: Counts
    positives: Counts
    probabilities: FixedSums
    n_without: int = 0

    def __post_init__(self) -> None:
        for name in ("counts", "positives"):
            view = np.asarray(getattr(self, name), np.int64).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @classmethod
    def empty(cls, n_classes: int) -> ClasswiseBins:
        """No samples: the neutral element of ``+``."""
        shape = (n_classes, N_BINS)
        zeros = np.zeros(shape, np.int64)
        return cls(zeros, zeros, FixedSums.zeros(shape))

    @classmethod
    def of(cls, scores: Scores) -> ClasswiseBins:
        """Count one batch."""
        shape = scores.n_classes, N_BINS
        counts, positives = (np.zeros(scores.n_classes * N_BINS, np.int64) for _ in range(2))
        sums = FixedSums.zeros(shape)
        offsets = N_BINS * np.arange(scores.n_classes)
        rows = max(_BLOCK // scores.n_classes, 1)
        for start in range(0, len(scores), rows):
            p = scores.probabilities[start : start + rows].astype(np.float64)
            labels = scores.labels[start : start + rows]
            cells = bin_indices(p, N_BINS, scores.eps)
            cells += offsets
            own = cells[np.arange(len(p)), labels]
            positives += np.bincount(own, minlength=len(positives))
            counts += np.bincount(cells.ravel(), minlength=len(counts))
            sums += FixedSums.of_cells(cells.ravel(), p.ravel(), shape)
        return cls(counts.reshape(shape), positives.reshape(shape), sums, scores.n_without)

    def __add__(self, other: ClasswiseBins) -> ClasswiseBins:
        if not isinstance(other, ClasswiseBins):
            return NotImplemented
        if self.counts.shape != other.counts.shape:
            raise ValueError(f"{len(self.counts)} classes + {len(other.counts)} classes")
        return ClasswiseBins(
            self.counts + other.counts,
            self.positives + other.positives,
            self.probabilities + other.probabilities,
            self.n_without + other.n_without,
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ClasswiseBins)
            and np.array_equal(self.counts, other.counts)
            and np.array_equal(self.positives, other.positives)
            and self.probabilities == other.probabilities
            and self.n_without == other.n_without
        )

    def __hash__(self) -> int:
        return hash((self.counts.tobytes(), self.probabilities, self.n_without))

    @property
    def n(self) -> int:
        """Samples that were counted."""
        return int(self.counts[0].sum())

    def errors(self) -> Floats:
        """The one-vs-rest ECE of each class: float64, shape (K,); nan without samples."""
        if self.n == 0:
            return np.full(len(self.counts), np.nan)
        gaps = np.abs(self.probabilities.below(self.positives))
        return np.asarray(gaps.sum(axis=1) / self.n)

    def metric(self) -> Metric:
        """Class-wise ("static") ECE: the plain mean over all K classes, absent ones included.

        A class without samples still has an error: the probability that it is given in vain.
        There is no interval.
        """
        if self.n == 0:
            return Metric(None, None, missing_reason(self.n_without))
        return Metric(float(self.errors().mean()), None, "no_interval")
