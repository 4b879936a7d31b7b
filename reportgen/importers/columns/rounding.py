"""To how many decimals scores were rounded, and how far a row's sum may be off for that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reportgen.metrics import SUM_TOLERANCE, Floats

__all__ = [
    "Rounding",
]


_MOST = 7
"""Decimals from which numbers count as not rounded: of fewer than 20,000 classes the tolerance is
the usual one there."""


_PRECISION = 3e-7  # of single precision, in which rounded numbers may have been saved


_FIRST = 16


@dataclass
class Rounding:
    """The last decimal that was seen.

    Attributes
    ----------
    decimals
        Most decimals of any number, 0..7; 7 represents any more.
    """

    decimals: int = 0

    def add(self, scores: Floats) -> None:
        """Look at a block of finite scores, of any shape."""
        for part in (scores[:_FIRST], scores):
            while self.decimals < _MOST and not _are_rounded(part, self.decimals):
                self.decimals += 1

    def tolerance(self, n_classes: int, unit: int = 1) -> float:
        """How far a row's sum may be from 1: half of the last decimal for each class, at least
        0.001. `unit` is 100 for percentages.
        """
        if not 0 < self.decimals < _MOST and not (unit == 100 and self.decimals == 0):
            return SUM_TOLERANCE
        return max(SUM_TOLERANCE, n_classes * 0.5 * 10.0**-self.decimals / unit)

    def decimals_at(self, tolerance: float) -> int | None:
        """The decimals, where they make that tolerance; None where it is the least one."""
        return self.decimals if tolerance > SUM_TOLERANCE else None


def _are_rounded(scores: Floats, decimals: int) -> bool:
    finite = scores[np.isfinite(scores)]
    off = np.abs(finite - np.round(finite, decimals))
    return bool(np.all(off <= _PRECISION * np.maximum(np.abs(finite), 1.0)))
