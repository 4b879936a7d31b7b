"""Equal-width bins of probabilities: open below, closed above, 0 in the first."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["bin_indices"]

_DECIMALS = 0.5e-9


def bin_indices(values: NDArray[Any], n_bins: int, eps: float) -> NDArray[np.intp]:
    """The bin of each probability: b where b / n < p ≤ (b + 1) / n, and 0 for p = 0.

    Parameters
    ----------
    values
        float64, 0..1, any shape.
    n_bins
        How many bins share 0..1.
    eps
        Machine epsilon of the type in which the probabilities were saved.

    A probability that can't be told from an edge is on it, and in the lower bin: p·n is rounded to
    9 decimals, or, where the numbers were saved with fewer, p by half a unit of their last place.
    Otherwise 0.6 of 15 bins would be above 9 / 15 in float32 and below it in some float64 sums.
    """
    tolerance = max(_DECIMALS, n_bins * eps / 2)
    scaled = values * float(n_bins)
    scaled -= tolerance
    np.ceil(scaled, out=scaled)
    indices = np.maximum(scaled, 1.0, out=scaled).astype(np.intp)
    indices -= 1
    return indices
