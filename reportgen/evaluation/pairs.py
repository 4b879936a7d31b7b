"""Directed confusions: samples of one class predicted as another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self, overload

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.jsonio import ClassIndex, Share

__all__ = [
    "Pair",
    "Pairs",
    "pairs_of",
]


Integers = NDArray[np.int64]


Floats = NDArray[np.float64]


_AT_ONCE = 1000
"""Number of pairs created at once while iterating."""


@dataclass(frozen=True)
class Pair:
    """A directed confusion: samples of class `true` predicted as `predicted`.

    Attributes
    ----------
    true, predicted
        Class indices.
    count
        Number of such samples, at least 1.
    share_of_true
        ``count`` / number of samples of the true class; 0..1.
    share_of_errors
        ``count`` / number of all errors; 0..1.
    reversed_count
        Number of samples of `predicted` predicted as `true`.
    """

    true: ClassIndex
    predicted: ClassIndex
    count: int
    share_of_true: Share
    share_of_errors: Share
    reversed_count: int


@dataclass(frozen=True, eq=False)
class Pairs(Sequence[Pair]):
    """Directed confusions by column: there may be a million.

    A :class:`Pair` is created on access; a slice has views of the columns.

    Attributes
    ----------
    true, predicted, counts, reversed_counts
        int64, shape (E,), read-only: the values of :class:`Pair`.
    shares_of_true, shares_of_errors
        The same, float64.
    """

    true: Integers
    predicted: Integers
    counts: Integers
    shares_of_true: Floats
    shares_of_errors: Floats
    reversed_counts: Integers

    def __post_init__(self) -> None:
        for column in self.columns():
            column.flags.writeable = False

    @classmethod
    def of(cls, pairs: Iterable[Pair]) -> Self:
        """The same pairs, in their order."""
        rows = [tuple(getattr(pair, item.name) for item in fields(Pair)) for pair in pairs]
        columns: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else [()] * 6
        true, predicted, counts, of_true, of_errors, back = columns
        return cls(
            np.array(true, np.int64),
            np.array(predicted, np.int64),
            np.array(counts, np.int64),
            np.array(of_true, np.float64),
            np.array(of_errors, np.float64),
            np.array(back, np.int64),
        )

    def columns(self) -> tuple[NDArray[Any], ...]:
        """All columns, in the order of the fields of :class:`Pair`."""
        return tuple(getattr(self, item.name) for item in fields(self))

    def taken(self, at: Any) -> Self:
        """The pairs at given indices: integers, a mask, or a slice."""
        return type(self)(*(column[at] for column in self.columns()))

    def __len__(self) -> int:
        return len(self.true)

    @overload
    def __getitem__(self, at: int) -> Pair: ...

    @overload
    def __getitem__(self, at: slice) -> Self: ...

    def __getitem__(self, at: int | slice) -> Pair | Self:
        if isinstance(at, slice):
            return self.taken(at)
        return Pair(*(column[at].item() for column in self.columns()))

    def __iter__(self) -> Iterator[Pair]:
        for begin in range(0, len(self), _AT_ONCE):
            some = (column[begin : begin + _AT_ONCE].tolist() for column in self.columns())
            yield from map(Pair, *some)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Pairs):
            return all(map(np.array_equal, self.columns(), other.columns()))
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # contains arrays


def pairs_of(confusion: ConfusionMatrix) -> Pairs:
    """Every non-zero cell off the diagonal: by decreasing count, then true, then predicted."""
    rows, columns, values = confusion.errors_by_count()
    return Pairs(
        rows,
        columns,
        values,
        values / confusion.true_totals[rows],
        values / max(confusion.n_errors, 1),
        confusion.lookup(columns, rows),
    )
