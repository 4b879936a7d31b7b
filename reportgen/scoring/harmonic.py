"""Sums of 1/k over long stretches, to full precision, without visiting each k."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["harmonic_gap"]

_SMALL = 64
_TABLE = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, _SMALL + 1))])

Floats = NDArray[np.float64]


def harmonic_gap(start: ArrayLike, count: ArrayLike) -> Floats:
    """``1/(start+1) + … + 1/(start+count)``, element by element: whole numbers, 0 or more.

    Up to k = 64 from a table; beyond by H(n) = γ + ln x + 1/(24x²) - 7/(960x⁴) + 31/(8064x⁶),
    x = n + ½, whose next term is below 2e-17 there. A difference of two H(n) would lose the digits
    that the two have in common.
    """
    a, m = np.broadcast_arrays(np.asarray(start, np.float64), np.asarray(count, np.float64))
    b = a + m
    x, y = (np.maximum(end, _SMALL) + 0.5 for end in (a, b))
    beyond = np.asarray(np.log1p((y - x) / x) + (_tail(y) - _tail(x)))
    few = a < _SMALL  # of many groups hardly any begin there
    if np.any(few):
        small_a, small_b = (np.minimum(end[few], _SMALL).astype(np.intp) for end in (a, b))
        beyond[few] += _TABLE[small_b] - _TABLE[small_a]
    return beyond


def _tail(x: Floats) -> Floats:
    z = 1 / (x * x)
    return np.asarray(z * (1 / 24 - z * (7 / 960 - z * (31 / 8064))))
