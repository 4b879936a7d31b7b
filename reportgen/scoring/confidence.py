"""How sure the model is when it is right, and when it is wrong: counts in 50 fixed bins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.scoring.bins import bin_indices
from reportgen.scoring.inputs import Answers

__all__ = ["HISTOGRAM_BINS", "ConfidenceHistogram"]

HISTOGRAM_BINS = 50

_BLOCK = 1 << 16


@dataclass(frozen=True, eq=False)
class ConfidenceHistogram:
    """Right and wrong answers by confidence, in bins (b/50, (b+1)/50], 0 in the first.

    Attributes
    ----------
    counts
        int64, shape (2, 50), read-only: wrong answers, then right ones.
    n_without
        Samples without a confidence; they are in no other count.
    """

    counts: NDArray[np.int64]
    n_without: int = 0

    def __post_init__(self) -> None:
        view = np.asarray(self.counts, np.int64).view()
        view.flags.writeable = False
        object.__setattr__(self, "counts", view)

    @classmethod
    def empty(cls) -> ConfidenceHistogram:
        """No samples: the neutral element of ``+``."""
        return cls(np.zeros((2, HISTOGRAM_BINS), np.int64))

    @classmethod
    def of(cls, answers: Answers) -> ConfidenceHistogram:
        """Count one batch."""
        counts = np.zeros(2 * HISTOGRAM_BINS, np.int64)
        for start in range(0, len(answers), _BLOCK):
            part = slice(start, start + _BLOCK)
            p = answers.confidence[part].astype(np.float64, copy=False)
            cells = bin_indices(p, HISTOGRAM_BINS, answers.eps)
            cells += HISTOGRAM_BINS * answers.correct[part]
            counts += np.bincount(cells, minlength=len(counts))
        return cls(counts.reshape(2, -1), answers.n_without)

    def __add__(self, other: ConfidenceHistogram) -> ConfidenceHistogram:
        if not isinstance(other, ConfidenceHistogram):
            return NotImplemented
        return ConfidenceHistogram(self.counts + other.counts, self.n_without + other.n_without)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ConfidenceHistogram)
            and np.array_equal(self.counts, other.counts)
            and self.n_without == other.n_without
        )

    def __hash__(self) -> int:
        return hash((self.counts.tobytes(), self.n_without))

    @property
    def wrong(self) -> NDArray[np.int64]:
        """Wrong answers: int64, shape (50,)."""
        return np.asarray(self.counts[0])

    @property
    def right(self) -> NDArray[np.int64]:
        """Right answers: int64, shape (50,)."""
        return np.asarray(self.counts[1])
