"""Sums that do not depend on the order of what is added: whole numbers of a fixed small unit.

Float sums change in the last digits with every split of the data; these do not, and they are as
exact as the numbers that go in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["CHUNK", "FixedSums", "Moments", "exact_sum"]

CHUNK = 1 << 14
"""Values to work on at once: the arrays of a step stay in the cache of a core."""

_BITS = 53
_UNIT = float(1 << _BITS)
_MASK = (1 << _BITS) - 1
_LOW, _HIGH = 27, 26  # bits of the two halves that a number is summed in

_FINE_BITS = 78  # two limbs of 26 bits below a first of 26: see exact_sum
_BLOCK = 1 << 16
_FLAT = 2.0**-48  # rounding of the squares leaves less than this of a variance that is really 0

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FixedSums:
    """Sums of numbers in 0..1 by cell, in units of 2⁻⁵³, of any number of samples.

    float32 numbers from 2⁻³⁰ up and float64 ones from ½ up are whole multiples of the unit: their
    sums are exact.

    Attributes
    ----------
    whole
        int64, read-only, any shape: whole part of each sum.
    fraction
        int64, read-only, same shape, 0..2⁵³-1: the rest, in units of 2⁻⁵³.
    """

    whole: Counts
    fraction: Counts

    def __post_init__(self) -> None:
        for name in ("whole", "fraction"):
            view = np.asarray(getattr(self, name), np.int64).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @classmethod
    def zeros(cls, shape: tuple[int, ...]) -> FixedSums:
        """No sums at all: the neutral element of ``+``."""
        return cls(np.zeros(shape, np.int64), np.zeros(shape, np.int64))

    @classmethod
    def of_cells(cls, cells: NDArray[np.intp], values: Floats, shape: tuple[int, ...]) -> FixedSums:
        """Sum `values`, float64 in 0..1, shape (n,), n at most 2²⁵, by their flat cell index.

        The bits of a number are summed in two halves: float64 holds both sums exactly.
        """
        units = np.rint(values * _UNIT)
        high = np.floor(units * 2.0**-_LOW)
        size = int(np.prod(shape))
        highs = np.bincount(cells, high, minlength=size).astype(np.int64)
        lows = np.bincount(cells, units - high * 2.0**_LOW, minlength=size).astype(np.int64)
        fraction = ((highs & ((1 << _HIGH) - 1)) << _LOW) + lows
        whole = (highs >> _HIGH) + (fraction >> _BITS)
        return cls(whole.reshape(shape), (fraction & _MASK).reshape(shape))

    def __add__(self, other: FixedSums) -> FixedSums:
        if not isinstance(other, FixedSums):
            return NotImplemented
        if self.whole.shape != other.whole.shape:
            raise ValueError(f"sums of shape {self.whole.shape} + {other.whole.shape}")
        fraction = self.fraction + other.fraction
        return FixedSums(self.whole + other.whole + (fraction >> _BITS), fraction & _MASK)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, FixedSums)
            and np.array_equal(self.whole, other.whole)
            and np.array_equal(self.fraction, other.fraction)
        )

    def __hash__(self) -> int:
        return hash((self.whole.tobytes(), self.fraction.tobytes()))

    @property
    def value(self) -> Floats:
        """The sums, float64."""
        return self.whole + self.fraction / _UNIT

    def below(self, counts: Counts) -> Floats:
        """``counts - sums``, float64, rounded once: whole parts cancel before they are rounded."""
        return (counts - self.whole) - self.fraction / _UNIT

    def summed(self, axis: int) -> FixedSums:
        """The sums over one axis, of length below 2¹⁰."""
        fraction = self.fraction.sum(axis=axis)
        return FixedSums(self.whole.sum(axis=axis) + (fraction >> _BITS), fraction & _MASK)


def exact_sum(values: NDArray[Any]) -> int:
    """The sum of numbers in 0..2048, float64, shape (n,), n at most 2²⁵, in units of 2⁻⁷⁸.

    A number is cut after 26 binary places and the rest after 52 more; the parts are added as
    integers. What is below 2⁻⁷⁸ of a single number is rounded.
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
        How many.
    total, squares
        The sums in units of 2⁻⁷⁸: Python integers.
    """

    n: int = 0
    total: int = 0
    squares: int = 0

    @classmethod
    def of(cls, values: ArrayLike) -> Moments:
        """Of numbers in 0..45, shape (n,)."""
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
        """The mean; there must be one number at least."""
        return self.total / (self.n << _FINE_BITS)

    @property
    def standard_error(self) -> float:
        """Of the mean, s / √n with n - 1 in s; 0 for a single number, and where all are equal."""
        if self.n < 2:
            return 0.0
        second = (self.n * self.squares) << _FINE_BITS
        spread = second - self.total**2  # in integers: nothing cancels away
        if spread <= second * _FLAT:
            return 0.0
        variance: float = spread / ((self.n * (self.n - 1)) << (2 * _FINE_BITS))
        return float(np.sqrt(variance / self.n))
