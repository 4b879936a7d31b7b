"""Counts of each slice: the second pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reportgen.analysis.scoring import (
    N_BINS,
    CalibrationBins,
    FixedSums,
    bin_indices,
    known_probabilities,
)
from reportgen.analysis.slices.plan import KeyedCounts, Plan, as_values
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import DataError

__all__ = [
    "SliceTallies",
]


Counts = NDArray[np.int64]


_Confidences = tuple[NDArray[np.float64], NDArray[np.bool_], float]


@dataclass(frozen=True, eq=False)
class _ColumnTally:
    """Counts of a column with S slices, for K classes.

    Attributes
    ----------
    cells
        By (slice · K + label) · K + prediction.
    counts, confidences, squares
        Shape (S, 2, 15), as in :class:`reportgen.analysis.scoring.CalibrationBins`.
    without
        int64, shape (S,): samples without a confidence.
    """

    cells: KeyedCounts
    counts: Counts
    confidences: FixedSums
    squares: FixedSums
    without: Counts

    @classmethod
    def empty(cls, n_parts: int) -> _ColumnTally:
        shape = n_parts, 2, N_BINS
        zeros = FixedSums.zeros(shape)
        nothing = np.zeros(shape, np.int64)
        return cls(KeyedCounts.empty(), nothing, zeros, zeros, np.zeros(n_parts, np.int64))

    @classmethod
    def of(
        cls, places: Counts, n_parts: int, cells: Counts, n_cells: int, right: NDArray[np.bool_],
        confidences: _Confidences,
    ) -> _ColumnTally:  # fmt: skip
        p, known, eps = confidences
        shape = n_parts, 2, N_BINS
        at = (2 * places[known] + right[known]) * N_BINS + bin_indices(p, N_BINS, eps)
        return cls(
            KeyedCounts.of(places * n_cells + cells),
            np.bincount(at, minlength=n_parts * 2 * N_BINS).reshape(shape),
            FixedSums.of_cells(at, p, shape),
            FixedSums.of_cells(at, p * p, shape, coarse=True),
            np.bincount(places[~known], minlength=n_parts),
        )

    def __add__(self, other: _ColumnTally) -> _ColumnTally:
        return _ColumnTally(
            self.cells + other.cells,
            self.counts + other.counts,
            self.confidences + other.confidences,
            self.squares + other.squares,
            self.without + other.without,
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _ColumnTally)
            and self.cells == other.cells
            and np.array_equal(self.counts, other.counts)
            and self.confidences == other.confidences
            and self.squares == other.squares
            and np.array_equal(self.without, other.without)
        )

    def __hash__(self) -> int:
        return hash((self.cells, self.confidences))


@dataclass(frozen=True)
class SliceTallies:
    """Confusion and calibration counts of each slice of each column.

    Tallies with the same plan and number of classes can be added.
    """

    plan: Plan
    n_classes: int
    columns: tuple[_ColumnTally, ...]

    @classmethod
    def empty(cls, plan: Plan, n_classes: int) -> SliceTallies:
        """No samples: the neutral element of ``+``."""
        tallies = (_ColumnTally.empty(len(cut.parts)) for cut in plan.cuts)
        return cls(plan, n_classes, tuple(tallies))

    def having(
        self,
        columns: Mapping[str, ArrayLike],
        labels: ArrayLike,
        predictions: ArrayLike,
        confidences: ArrayLike | None = None,
    ) -> SliceTallies:
        """With one batch: metadata by column name, and N class indices each, label -1 = unknown.

        `confidences`: probabilities of the predictions, nan if missing; None if the input has none
        at all. Samples without a label are skipped. Raises :class:`DataError` if lengths differ, an
        index is not a class, or a confidence is not a probability.
        """
        true, predicted = np.asarray(labels), np.asarray(predictions)
        known = true >= 0
        given = np.full(len(true), np.nan) if confidences is None else np.asarray(confidences)
        _same_length(len(true), predictions=len(predicted), confidences=len(given))
        true, predicted = true[known], predicted[known]
        ConfusionMatrix.from_labels(true, predicted, self.n_classes)  # checks both ranges
        p, scored, eps = known_probabilities("confidence", given[known])
        answers = p.astype(np.float64), scored, eps
        cells = true.astype(np.int64) * self.n_classes + predicted
        tallies = []
        for cut, before in zip(self.plan.cuts, self.columns, strict=True):
            places = cut.places(as_values(columns[cut.name]))
            _same_length(len(known), **{"values of a metadata column": len(places)})
            places, n_parts = places[known], len(cut.parts)
            tally = _ColumnTally.of(
                places, n_parts, cells, self.n_classes**2, true == predicted, answers
            )
            tallies.append(before + tally)
        return SliceTallies(self.plan, self.n_classes, tuple(tallies))

    def __add__(self, other: SliceTallies) -> SliceTallies:
        if not isinstance(other, SliceTallies):
            return NotImplemented
        if self.plan != other.plan or self.n_classes != other.n_classes:
            raise ValueError("slices of different plans, or of different classes")
        both = zip(self.columns, other.columns, strict=True)
        return SliceTallies(self.plan, self.n_classes, tuple(a + b for a, b in both))

    def matrix(self, column: int, part: int) -> ConfusionMatrix:
        """The confusion matrix of a slice, by the indices of column and slice in the plan."""
        cells, size = self.columns[column].cells, self.n_classes**2
        first, last = np.searchsorted(cells.keys, [part * size, (part + 1) * size])
        keys = cells.keys[first:last] - part * size
        return ConfusionMatrix(self.n_classes, keys, cells.counts[first:last])

    def bins(self, column: int, part: int) -> CalibrationBins:
        """The calibration bins of a slice."""
        tally = self.columns[column]
        return CalibrationBins(
            tally.counts[part],
            tally.confidences[part],
            tally.squares[part],
            int(tally.without[part]),
        )


def _same_length(n_labels: int, **lengths: int) -> None:
    for what, n in lengths.items():
        if n != n_labels:
            raise DataError(f"{n_labels:,} labels but {n:,} {what}", slug="length-mismatch")
