"""Adjusted p-values of multiple tests.

Undefined tests (nan) are dropped first, and not counted in m.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Adjusted",
    "benjamini_hochberg",
    "bonferroni",
    "holm",
]


Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Adjusted:
    """Adjusted p-values.

    Attributes
    ----------
    p
        float64, shape (N,), read-only, 0..1, in the order given; nan for undefined tests.
    m
        Number of defined tests, which the correction uses. A report prints it.
    """

    p: Floats
    m: int

    def __post_init__(self) -> None:
        view = np.asarray(self.p, np.float64).view()
        view.flags.writeable = False
        object.__setattr__(self, "p", view)


def bonferroni(p_values: ArrayLike) -> Adjusted:
    """m p, at most 1. `p_values`: shape (N,), 0..1, nan = undefined.

    The simplest bound of the family-wise error rate; Holm's is never above it.
    """
    p, defined = _check(p_values)
    m = int(np.count_nonzero(defined))
    return Adjusted(np.minimum(p * m, 1.0), m)


def holm(p_values: ArrayLike) -> Adjusted:
    """Holm's step-down adjustment, for everything that can block a release.

    Comparing the adjusted values with α limits the family-wise error rate over all m tests to α,
    under any dependence. `p_values`: shape (N,), 0..1, nan = undefined.

    Holm 1979, Scandinavian Journal of Statistics 6, 65-70.
    """
    p, defined = _check(p_values)
    rising = np.sort(p[defined])
    m = len(rising)
    stepped = np.maximum.accumulate(rising * np.arange(m, 0, -1))
    return Adjusted(_place_back(np.minimum(stepped, 1.0), p, defined), m)


def benjamini_hochberg(p_values: ArrayLike) -> Adjusted:
    """Benjamini and Hochberg's step-up adjustment, for highlighting only.

    Comparing the adjusted values with α limits the false discovery rate to α, for independent or
    positively dependent tests. `p_values`: shape (N,), 0..1, nan = undefined.

    Benjamini & Hochberg 1995, Journal of the Royal Statistical Society B 57, 289-300.
    """
    p, defined = _check(p_values)
    rising = np.sort(p[defined])
    m = len(rising)
    # m is divided by the rank first: 1 at rank m, so the largest p is unchanged
    scaled = rising * (m / np.arange(1, m + 1))
    stepped = np.minimum.accumulate(scaled[::-1])[::-1]
    return Adjusted(_place_back(np.minimum(stepped, 1.0), p, defined), m)


def _place_back(of_sorted: Floats, p: Floats, defined: NDArray[np.bool_]) -> Floats:
    """Values of the sorted defined tests in the original order; equal p get equal values."""
    adjusted = np.full(p.shape, np.nan)
    adjusted[np.flatnonzero(defined)[np.argsort(p[defined], kind="stable")]] = of_sorted
    return adjusted


def _check(p_values: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    p = np.asarray(p_values, np.float64)
    if p.ndim != 1 or np.any((p < 0) | (p > 1)):
        raise ValueError("p-values are numbers in 0..1, shape (N,)")
    return p, ~np.isnan(p)
