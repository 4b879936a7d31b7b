"""Counts by whole-number key, sparse and sorted: what the tallies of slices are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["KeyedCounts"]

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class KeyedCounts:
    """How often each key was seen.

    Attributes
    ----------
    keys
        int64, shape (M,), strictly increasing, read-only.
    counts
        int64, shape (M,), positive, read-only.
    """

    keys: Counts
    counts: Counts

    def __post_init__(self) -> None:
        for name in ("keys", "counts"):
            view = np.asarray(getattr(self, name), np.int64).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @classmethod
    def empty(cls) -> KeyedCounts:
        """Nothing seen: the neutral element of ``+``."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64))

    @classmethod
    def of(cls, keys: Counts) -> KeyedCounts:
        """Count keys of shape (N,), int64, in any order."""
        return cls(*np.unique(keys, return_counts=True))

    def __add__(self, other: KeyedCounts) -> KeyedCounts:
        if not isinstance(other, KeyedCounts):
            return NotImplemented
        keys = np.concatenate([self.keys, other.keys])
        order = np.argsort(keys, kind="stable")  # two sorted runs are merged in linear time
        return summed(keys[order], np.concatenate([self.counts, other.counts])[order])

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, KeyedCounts)
            and np.array_equal(self.keys, other.keys)
            and np.array_equal(self.counts, other.counts)
        )

    def __hash__(self) -> int:
        return hash((self.keys.tobytes(), self.counts.tobytes()))

    def __len__(self) -> int:
        return len(self.keys)

    def shifted_out(self, bits: int) -> KeyedCounts:
        """With the lowest bits of the keys set to 0, and counts of equal keys added."""
        return summed((self.keys >> bits) << bits, self.counts)


def summed(keys: Counts, counts: Counts) -> KeyedCounts:
    """Add the counts of equal keys; `keys` is sorted, shape (M,)."""
    if len(keys) == 0:
        return KeyedCounts.empty()
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return KeyedCounts(keys[starts], np.add.reduceat(counts, starts))
