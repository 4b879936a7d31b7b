"""Score intervals of a mean over samples with few distinct values: costs and their differences.

Wilson's interval of a proportion, with the variance and the skewness of the mean. One more sample,
spread over all possible values, accounts for unseen values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.metrics.intervals import CONFIDENCE
from reportgen.metrics.score_interval import bounded_interval

__all__ = [
    "Outcomes",
]


Floats = NDArray[np.float64]


FEW = 5
"""With fewer samples of the highest value, that value is rare."""


_BISECTIONS = 40


_LARGEST_Z = 8.2  # beyond, a confidence is indistinguishable from 1


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Counts of each of L values.

    Attributes
    ----------
    values
        float64, shape (L,): all possible values, unique.
    counts
        Number of samples with each value: float64, shape (L,), at least 0; they sum to n, at least
        1.
    unseen
        Added to the counts for the variance only: float64, shape (L,), at least 0.
    """

    values: Floats
    counts: Floats
    unseen: Floats

    @property
    def mean(self) -> float:
        """Between the lowest and the highest value."""
        return float((self.counts / self.counts.sum()) @ self.values)

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
        """The ends, within the range of the values; None for a single value.

        The far end, towards rare extreme values, accounts for the skewness; the near end is that of
        a proportion of the whole range, or the skewed one if that is further from the mean. It
        subtracts half a sample of an extreme value that was seen a few times: it may be
        exceptional.
        """
        scale = float(np.abs(self.values).max(initial=0.0))
        if scale == 0 or self.values.min() == self.values.max():
            return None
        levels, n = self.values / scale, float(self.counts.sum())
        weights = self.counts + self.unseen
        weights = weights / weights.sum()
        typical = float(weights @ levels)
        apart = levels - typical
        variance, third = float(weights @ apart**2) / n, float(weights @ apart**3) / n**2
        side = 1.0 if third >= 0 else -1.0
        value, levels = side * self.mean / scale, side * levels
        limits = float(levels.min()), float(levels.max())

        def ends(centre: float, skewness: float) -> tuple[float, float]:
            low, high = bounded_interval(
                np.array([value]),
                np.array([centre]),
                np.array([side * typical]),
                np.array([variance]),
                np.array([skewness]),
                limits,
                confidence,
            )
            return float(low[0]), float(high[0])

        less = value - self._half_a_rare_one(levels) / n
        near = min(ends(less, side * third)[0], ends(less, -math.inf)[0])
        far = ends(value, side * third)[1]
        if math.isnan(near) or math.isnan(far):
            return None
        low, high = sorted((side * scale * near, side * scale * far))
        return low, high

    def _half_a_rare_one(self, levels: Floats) -> float:
        """Half of the highest of `levels` that was seen; 0 if it was seen more than a few times.

        For values of both signs, such as differences, both ends account for rare ones.
        """
        top = int(np.argmax(np.where(self.counts > 0, levels, -np.inf)))
        rare = self.counts[top] < FEW and levels[top] > 0 and self.values.min() >= 0
        return float(levels[top]) / 2 if rare else 0.0

    def p(self) -> float:
        """Two-sided p-value of "the mean is 0": the level at which the interval ends at 0.

        1 for a mean of 0; only for values on both sides of 0.
        """
        if self.mean == 0:
            return 1.0
        near, far = 0.0, _LARGEST_Z
        for _ in range(_BISECTIONS):
            z = (near + far) / 2
            near, far = (z, far) if self._leaves_out_zero(z) else (near, z)
        return math.erfc(near / math.sqrt(2))

    def _leaves_out_zero(self, z: float) -> bool:
        ends = self.interval(math.erf(z / math.sqrt(2)))
        return ends is not None and (ends[0] > 0 or ends[1] < 0)
