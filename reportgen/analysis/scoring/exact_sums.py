"""Sums independent of the order of their terms, and sums of 1/k, to full precision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "CHUNK",
    "FixedSums",
    "Moments",
    "exact_sum",
    "harmonic_gap",
]


CHUNK = 1 << 14
"""Values processed at once: the arrays of a step stay in the cache of a core."""


_BITS, _REST = 53, 27


_UNIT = float(1 << _BITS)


_MASK = (1 << _BITS) - 1


_REST_UNIT = float(1 << _REST)


_REST_MASK = (1 << _REST) - 1


_LOW, _HIGH = 27, 26  # bits of the two halves that the units of a number are summed in


_FINE_BITS = 78  # two limbs of 26 bits below a first of 26: see exact_sum


_BLOCK = 1 << 16


_FLAT = 2.0**-48  # rounding error of squares for a variance of 0


Counts = NDArray[np.int64]


Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FixedSums:
    """Sums of numbers in 0..1 by cell, in units of 2⁻⁸⁰, of any number of samples.

    float32 numbers from 2⁻⁵⁷ up and float64 ones from 2⁻²⁸ up are whole multiples of the unit:
    their sums are exact. Parts of a number below the unit are rounded.

    Attributes
    ----------
    whole
        int64, read-only, any shape: whole part of each sum.
    fraction
        int64, read-only, same shape, 0..2⁵³-1: what follows, in units of 2⁻⁵³.
    rest
        int64, read-only, same shape, 0..2²⁷-1: the rest, in units of 2⁻⁸⁰.
    """

    whole: Counts
    fraction: Counts
    rest: Counts

    def __post_init__(self) -> None:
        for name in ("whole", "fraction", "rest"):
            view = np.asarray(getattr(self, name), np.int64).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @classmethod
    def zeros(cls, shape: tuple[int, ...]) -> FixedSums:
        """Empty sums: the neutral element of ``+``."""
        return cls(*(np.zeros(shape, np.int64) for _ in range(3)))

    @classmethod
    def of_cells(
        cls,
        cells: NDArray[np.intp],
        values: Floats,
        shape: tuple[int, ...],
        *,
        coarse: bool = False,
    ) -> FixedSums:
        """Sum `values`, float64 in 0..1, shape (n,), n at most 2²⁵, by their flat cell index.

        `coarse` rounds each number to 2⁻⁵³, which suffices for intervals and is faster.
        """
        size = int(np.prod(shape))
        return cls._of_parts(
            values, lambda parts: np.bincount(cells, parts, minlength=size).reshape(shape), coarse
        )

    @classmethod
    def of_columns(cls, values: Floats) -> FixedSums:
        """Sum each column of `values`, float64 in 0..1, shape (n, K), n at most 2²⁵."""
        return cls._of_parts(values, lambda parts: parts.sum(axis=0))

    @classmethod
    def _of_parts(
        cls, values: Floats, summed: Callable[[Floats], NDArray[Any]], coarse: bool = False
    ) -> FixedSums:
        """The bits of a number are summed in three parts: float64 represents each sum exactly."""
        scaled = values * _UNIT
        units = np.rint(scaled) if coarse else np.floor(scaled)
        scaled -= units
        high = np.floor(units * 2.0**-_LOW)
        units -= high * 2.0**_LOW
        highs, lows = (summed(part).astype(np.int64) for part in (high, units))
        fraction = ((highs & ((1 << _HIGH) - 1)) << _LOW) + lows
        rest = np.zeros_like(highs)
        if not coarse and scaled.any():
            # not so for float32 numbers of usual magnitude, nor for those of at least ½
            rest = summed(np.rint(scaled * _REST_UNIT)).astype(np.int64)
        return cls._carried(highs >> _HIGH, fraction, rest)

    @classmethod
    def _carried(cls, whole: Counts, fraction: Counts, rest: Counts) -> FixedSums:
        """With carries, so that each part is in its range."""
        fraction = fraction + (rest >> _REST)
        return cls(whole + (fraction >> _BITS), fraction & _MASK, rest & _REST_MASK)

    def __add__(self, other: FixedSums) -> FixedSums:
        if not isinstance(other, FixedSums):
            return NotImplemented
        if self.whole.shape != other.whole.shape:
            raise ValueError(f"sums of shape {self.whole.shape} + {other.whole.shape}")
        return FixedSums._carried(
            self.whole + other.whole, self.fraction + other.fraction, self.rest + other.rest
        )

    def __sub__(self, other: FixedSums) -> FixedSums:
        """The sums without the numbers of `other`, which must be among them."""
        return FixedSums._carried(
            self.whole - other.whole, self.fraction - other.fraction, self.rest - other.rest
        )

    def __getitem__(self, cells: Any) -> FixedSums:
        """The sums of selected cells, indexed as in numpy."""
        return FixedSums(self.whole[cells], self.fraction[cells], self.rest[cells])

    def in_column(self, column: int, width: int) -> FixedSums:
        """These sums, shape (K,), as one column of a table of shape (K, width), else 0."""
        at = np.arange(width) == column
        return FixedSums(*(np.outer(p, at) for p in (self.whole, self.fraction, self.rest)))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, FixedSums)
            and np.array_equal(self.whole, other.whole)
            and np.array_equal(self.fraction, other.fraction)
            and np.array_equal(self.rest, other.rest)
        )

    def __hash__(self) -> int:
        return hash((self.whole.tobytes(), self.fraction.tobytes(), self.rest.tobytes()))

    @property
    def value(self) -> Floats:
        """The sums, float64."""
        return self.whole + (self.fraction + self.rest / _REST_UNIT) / _UNIT

    def below(self, counts: Counts) -> Floats:
        """``counts - sums``, float64.

        Whole parts cancel before anything is rounded, and so do fractions, whose difference from an
        integer is exact if it is small.
        """
        return ((counts - self.whole) - self.fraction / _UNIT) - self.rest / (_UNIT * _REST_UNIT)

    def summed(self, axis: int) -> FixedSums:
        """The sums over one axis, of length below 2¹⁰."""
        parts = (part.sum(axis=axis) for part in (self.whole, self.fraction, self.rest))
        return FixedSums._carried(*parts)


def exact_sum(values: NDArray[Any]) -> int:
    """The sum of numbers in 0..2048, float64, shape (n,), n at most 2²⁵, in units of 2⁻⁷⁸.

    A number is split after 26 binary places, and the rest after 52 more; the parts are added as
    integers. Parts of a number below 2⁻⁷⁸ are rounded.
    """
    high = np.floor(values * 2.0**26)
    low = np.rint((values - high * 2.0**-26) * 2.0**_FINE_BITS).astype(np.int64)
    parts = int(high.astype(np.int64).sum()), int((low >> 26).sum()), int((low & 0x3FFFFFF).sum())
    return (parts[0] << 52) + (parts[1] << 26) + parts[2]


@dataclass(frozen=True)
class Moments:
    """Number, sum and sum of squares of non-negative numbers: mean and standard error.

    Attributes
    ----------
    n
        Number of values.
    total, squares
        The sums in units of 2⁻⁷⁸: Python integers.
    """

    n: int = 0
    total: int = 0
    squares: int = 0

    @classmethod
    def of(cls, values: ArrayLike) -> Moments:
        """The moments of numbers in 0..45, shape (n,)."""
        array = np.asarray(values, np.float64)
        total = squares = 0
        for start in range(0, len(array), _BLOCK):
            part = array[start : start + _BLOCK]
            total += exact_sum(part)
            squares += exact_sum(part * part)
        return cls(len(array), total, squares)

    def __add__(self, other: Moments) -> Moments:
        if not isinstance(other, Moments):
            return NotImplemented
        return Moments(self.n + other.n, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> float:
        """The mean; requires at least one number."""
        return self.total / (self.n << _FINE_BITS)

    @property
    def standard_error(self) -> float:
        """The standard error of the mean, s / √n with n - 1 in s.

        0 for a single number, and if all are equal.
        """
        if self.n < 2:
            return 0.0
        second = (self.n * self.squares) << _FINE_BITS
        spread = second - self.total**2  # in integers: nothing cancels away
        if spread <= second * _FLAT:
            return 0.0
        variance: float = spread / ((self.n * (self.n - 1)) << (2 * _FINE_BITS))
        return float(np.sqrt(variance / self.n))


_SMALL = 64


_TABLE = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, _SMALL + 1))])


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
    few = a < _SMALL  # of many groups, few begin there
    if np.any(few):
        small_a, small_b = (np.minimum(end[few], _SMALL).astype(np.intp) for end in (a, b))
        beyond[few] += _TABLE[small_b] - _TABLE[small_a]
    return beyond


def _tail(x: Floats) -> Floats:
    z = 1 / (x * x)
    return np.asarray(z * (1 / 24 - z * (7 / 960 - z * (31 / 8064))))
