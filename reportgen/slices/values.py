"""What stands in a metadata column: texts or numbers, or nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reportgen.slices.keyed import KeyedCounts

__all__ = ["DISTINCT_LIMIT", "NumberCounts", "Values", "as_number", "as_values"]

DISTINCT_LIMIT = 1 << 20
"""Numbers that are kept apart; beyond, their last binary digits are dropped, as few as will do."""

_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")

Values = NDArray[np.float64] | list[str | None]
"""float64 with nan where there is none, or texts with None."""


def as_values(column: ArrayLike) -> Values:
    """A batch of one column, shape (N,), as numbers or as texts.

    Integer and float arrays are numbers. All else is text: booleans are ``true`` and ``false``.
    None, nan, NaT, an empty text, and a number that is not finite, are missing values.
    """
    array = column if isinstance(column, np.ndarray) else np.asarray(column, dtype=object)
    if array.ndim != 1:
        raise ValueError(f"a metadata column has shape {array.shape}, not (N,)")
    if array.dtype.kind in "iuf":
        numbers = array.astype(np.float64)
        return np.where(np.isfinite(numbers), numbers, np.nan) + 0.0  # -0.0 is 0.0
    if array.dtype.kind == "M":
        array = np.where(np.isnat(array), "", np.datetime_as_string(array))
    return [_text(value) for value in array.tolist()]


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value or None
    if value is None or isinstance(value, bool):
        return {None: None, True: "true", False: "false"}[value]
    text = str(value)
    return None if text in {"nan", "NaT", "<NA>", "inf", "-inf"} else text


def as_number(text: str) -> float | None:
    """The number that `text` is; None where it is none, or not finite, or has leading zeros.

    ``007`` is a name: as a number, it would lose what makes it one.
    """
    if _NUMBER.fullmatch(text) is None:
        return None
    number = float(text) + 0.0
    return number if np.isfinite(number) else None


@dataclass(frozen=True)
class NumberCounts:
    """How often each number was seen: exact up to :data:`DISTINCT_LIMIT` different ones.

    Beyond, numbers are rounded down to fewer binary digits; how many depends on the numbers alone,
    so any split of them, in any order, gives the same.

    Attributes
    ----------
    counted
        By a key that is ordered as the numbers are.
    dropped
        Lowest bits of the keys that are 0: of 52 binary digits.
    """

    counted: KeyedCounts
    dropped: int = 0

    @classmethod
    def empty(cls) -> NumberCounts:
        """No numbers: the neutral element of ``+``."""
        return cls(KeyedCounts.empty())

    @classmethod
    def of(cls, numbers: NDArray[np.float64]) -> NumberCounts:
        """Count numbers, shape (N,); nan is left out."""
        keys = _ordered(numbers[~np.isnan(numbers)].view(np.int64))
        return cls(KeyedCounts.of(keys))._within_limit()

    @classmethod
    def of_counts(cls, numbers: Sequence[float], counts: Sequence[int]) -> NumberCounts:
        """Numbers, each with how often it is there; the same one may come twice."""
        keys = _ordered(np.array(numbers, np.float64).view(np.int64))
        order = np.argsort(keys, kind="stable")
        single = KeyedCounts(keys[order], np.array(counts, np.int64)[order])
        return cls(single.shifted_out(0))._within_limit()

    def __add__(self, other: NumberCounts) -> NumberCounts:
        if not isinstance(other, NumberCounts):
            return NotImplemented
        dropped = max(self.dropped, other.dropped)
        both = self.counted.shifted_out(dropped) + other.counted.shifted_out(dropped)
        return NumberCounts(both, dropped)._within_limit()

    def _within_limit(self) -> NumberCounts:
        dropped, counted = self.dropped, self.counted
        while len(counted) > DISTINCT_LIMIT:
            dropped += 1
            counted = counted.shifted_out(dropped)
        return NumberCounts(counted, dropped)

    @property
    def numbers(self) -> NDArray[np.float64]:
        """The different numbers, increasing: float64, shape (M,)."""
        return _ordered(self.counted.keys).view(np.float64)

    def quantiles(self, parts: int) -> list[float]:
        """The parts - 1 inner quantiles: for k = 1, …, the smallest number seen such that k/parts
        of all are at most it (``inverted_cdf`` in numpy). There must be numbers.
        """
        up_to = np.cumsum(self.counted.counts)
        # in integers: k n / parts is rounded up, never by accident
        wanted = [-(-k * int(up_to[-1]) // parts) for k in range(1, parts)]
        found: list[float] = self.numbers[np.searchsorted(up_to, wanted)].tolist()
        return found


def _ordered(bits: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bits of float64 ↔ integers in the order of the numbers; its own inverse."""
    return np.where(bits < 0, bits ^ np.int64(0x7FFF_FFFF_FFFF_FFFF), bits)
