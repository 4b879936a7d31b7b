"""The number of decimals that scores were rounded to, and the resulting tolerance of sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.metrics import SUM_TOLERANCE

__all__ = [
    "Rounding",
]


_MOST = 7
"""From this many decimals on, the default tolerance suffices for fewer than 20,000 classes."""


_PRECISION = 3e-7  # of single precision, which rounded numbers may have been saved in


_FIRST = 16


@dataclass
class Rounding:
    """The number of decimals seen so far.

    Attributes
    ----------
    decimals
        Maximum decimals of any number, 0..7; 7 means 7 or more.
    """

    decimals: int = 0

    def add(self, scores: NDArray[np.floating[Any]]) -> None:
        """Account for a block of finite scores, of any shape."""
        for part in (scores[:_FIRST], scores):
            while self.decimals < _MOST and not _are_rounded(part, self.decimals):
                self.decimals += 1

    def tolerance(self, n_classes: int, unit: int = 1) -> float:
        """Tolerance of a row's sum: half a unit in the last place per class, at least 0.001.

        `unit` is 100 for percentages.
        """
        if not 0 < self.decimals < _MOST and not (unit == 100 and self.decimals == 0):
            return SUM_TOLERANCE
        return max(SUM_TOLERANCE, n_classes * 0.5 * 10.0**-self.decimals / unit)

    def decimals_at(self, tolerance: float) -> int | None:
        """The number of decimals, if it determines that tolerance; None if the default does."""
        return self.decimals if tolerance > SUM_TOLERANCE else None


def _are_rounded(scores: NDArray[np.floating[Any]], decimals: int) -> bool:
    finite = scores[np.isfinite(scores)].astype(np.float64)
    off = np.abs(finite - np.round(finite, decimals))
    return bool(np.all(off <= _PRECISION * np.maximum(np.abs(finite), 1.0)))
