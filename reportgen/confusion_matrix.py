"""`ConfusionMatrix`: counts by true and predicted class. Rows are true."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reportgen.errors import DataError
from reportgen.text import quoted

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "DENSE_LIMIT",
    "MAX_SAMPLES",
    "ConfusionMatrix",
    "RunningMatrix",
    "shape_hint",
]


DENSE_LIMIT = 2048
"""Maximum number of classes for a dense int64 table (32 MB); above, only cells are used."""


MAX_SAMPLES = 2**61
"""Maximum number of samples in a matrix.

Twice as many fit an int64, so that sums of two matrices or totals can't overflow before they are
checked.
"""


Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class ConfusionMatrix:
    """Counts of (true class, predicted class), **row = true, column = predicted**.

    Kept as sorted non-zero cells, so that 21,000 classes cost megabytes; :attr:`counts` is the
    dense view. Matrices with the same classes can be added: ``a + b`` has the counts of both,
    exactly, in any order and grouping, with :meth:`empty` as the neutral element. It is immutable:
    training or evaluation loops use :class:`~reportgen.ConfusionCounter`, whose ``compute()``
    returns one.

    Attributes
    ----------
    n_classes
        Number of classes K, at least 1.
    keys
        int64, shape (M,), strictly increasing, read-only: ``true * K + predicted`` of each
        non-zero cell.
    values
        int64, shape (M,), positive, read-only: the count of each cell; their sum is at most
        :data:`MAX_SAMPLES`.
    names
        The K class names, if known; ignored in comparisons and sums.

    Raises :class:`ValueError` for inconsistent parts, and :class:`DataError` if the counts exceed
    64 bits.
    """

    n_classes: int
    keys: Counts
    values: Counts
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", _read_only(self.keys))
        object.__setattr__(self, "values", _read_only(self.values))
        if not 1 <= self.n_classes <= 2**31:
            raise ValueError(f"a confusion matrix of {self.n_classes} classes")
        if self.keys.ndim != 1 or self.keys.shape != self.values.shape:
            raise ValueError(f"{self.keys.shape} keys for {self.values.shape} values")
        if len(self.keys) == 0:
            return
        if self.keys[0] < 0 or self.keys[-1] >= self.n_classes**2 or np.any(np.diff(self.keys) < 1):
            raise ValueError("keys must be strictly increasing, and cells of the matrix")
        if np.any(self.values < 1):
            raise ValueError("each kept cell must have a count of 1 or more")
        _check_total(float(self.values.sum(dtype=np.float64)))

    @classmethod
    def empty(cls, n_classes: int) -> ConfusionMatrix:
        """The matrix without samples: the neutral element of ``+``."""
        none = np.zeros(0, np.int64)
        return cls(n_classes, none, none)

    @classmethod
    def from_counts(cls, counts: ArrayLike) -> ConfusionMatrix:
        """From a dense table, shape (K, K), of whole non-negative numbers, rows true.

        Any dtype with whole numbers, including Python integers and floats such as ``3.0``. Raises
        :class:`DataError` if the table is not square, or a cell is not a count.
        """
        table = _square(counts)
        wrong = np.argwhere(~_are_counts(table))
        if len(wrong):
            row, column = wrong[0].tolist()
            cell = table[row, column]
            raise DataError(
                f"cell ({row}, {column}) of the matrix is "
                f"{quoted(cell) if isinstance(cell, str) else cell}: not a count",
                slug="matrix-cell",
                details=[f"{len(wrong):,} of {table.size:,} cells are not counts"],
                hint="counts are whole numbers, 0 or more",
            )
        flat = table.astype(np.int64).ravel()
        keys = np.flatnonzero(flat)
        return cls(len(table), keys, flat[keys])

    @classmethod
    def from_labels(
        cls, labels: ArrayLike, predictions: ArrayLike, n_classes: int
    ) -> ConfusionMatrix:
        """Count pairs of class indices: two integer arrays of shape (N,), values 0..K-1.

        Raises :class:`DataError` if they are not integers of that shape, differ in length, or are
        out of range; nothing is dropped silently.
        """
        running = RunningMatrix(n_classes)
        running.add(labels, predictions)
        return running.total()

    @classmethod
    def from_cells(cls, cells: Iterable[Sequence[int]], n_classes: int) -> ConfusionMatrix:
        """From (true, predicted, count) triples, in any order, each cell at most once.

        The inverse of :meth:`cells`. Raises :class:`DataError` if a class index is out of range, a
        count is not positive, or a cell is repeated.
        """
        table = np.asarray(list(cells))
        if table.size == 0:
            return cls.empty(n_classes)
        if table.ndim != 2 or table.shape[1] != 3 or table.dtype.kind not in "iu":
            raise DataError(
                "the cells of a matrix must be triples of whole numbers: true, predicted, count",
                slug="matrix-cells",
            )
        true = _in_range("label", table[:, 0], n_classes)
        predicted = _in_range("prediction", table[:, 1], n_classes)
        _check_cell_counts(true, predicted, table[:, 2])
        keys = true * n_classes + predicted
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        twice = np.flatnonzero(keys[1:] == keys[:-1])
        if len(twice):
            row, column = divmod(int(keys[twice[0]]), n_classes)
            raise DataError(
                f"cell ({row}, {column}) of the matrix appears twice", slug="matrix-cells"
            )
        return cls(n_classes, keys, table[order, 2].astype(np.int64))

    def __add__(self, other: ConfusionMatrix) -> ConfusionMatrix:
        if not isinstance(other, ConfusionMatrix):
            return NotImplemented
        if self.n_classes != other.n_classes:
            raise DataError(
                f"matrices of {self.n_classes:,} and of {other.n_classes:,} classes can't be added",
                slug="counts-differ",
                hint="count both over the same class list",
            )
        keys, inverse = np.unique(np.concatenate([self.keys, other.keys]), return_inverse=True)
        values = np.zeros(len(keys), np.int64)
        np.add.at(values, inverse, np.concatenate([self.values, other.values]))
        return ConfusionMatrix(self.n_classes, keys, values)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ConfusionMatrix)
            and self.n_classes == other.n_classes
            and np.array_equal(self.keys, other.keys)
            and np.array_equal(self.values, other.values)
        )

    def __hash__(self) -> int:
        return hash((self.n_classes, self.keys.tobytes(), self.values.tobytes()))

    def __repr__(self) -> str:
        return (
            f"<ConfusionMatrix: {self.n_classes:,} classes, {self.n_samples:,} samples, "
            f"{self.n_errors:,} errors>"
        )

    def with_names(self, names: Sequence[str]) -> ConfusionMatrix:
        """The same counts with these K class names."""
        named = copy(self)  # including cached values
        object.__setattr__(named, "names", tuple(names))
        return named

    @cached_property
    def rows(self) -> Counts:
        """The true class of each non-zero cell: int64, shape (M,)."""
        return self.keys // self.n_classes

    @cached_property
    def columns(self) -> Counts:
        """The predicted class of each non-zero cell: int64, shape (M,)."""
        return self.keys % self.n_classes

    @cached_property
    def counts(self) -> Counts:
        """The dense table, int64, shape (K, K), read-only. Needs 8 K² bytes."""
        table = np.zeros(self.n_classes * self.n_classes, np.int64)
        table[self.keys] = self.values
        return _read_only(table.reshape(self.n_classes, self.n_classes))

    @cached_property
    def n_samples(self) -> int:
        """Number of samples: the sum of all cells."""
        return int(self.values.sum())

    @cached_property
    def true_totals(self) -> Counts:
        """Row sums, int64, shape (K,), read-only: the support of each class."""
        return self._totals(self.rows, self.values)

    @cached_property
    def predicted_totals(self) -> Counts:
        """Column sums, int64, shape (K,), read-only: the number of predictions of each class."""
        return self._totals(self.columns, self.values)

    @cached_property
    def diagonal(self) -> Counts:
        """Correct predictions of each class, int64, shape (K,), read-only."""
        right = self.rows == self.columns
        return self._totals(self.rows[right], self.values[right])

    @property
    def n_correct(self) -> int:
        """Number of correct predictions: the sum of the diagonal."""
        return int(self.diagonal.sum())

    @property
    def n_errors(self) -> int:
        """Number of incorrect predictions: all samples off the diagonal."""
        return self.n_samples - self.n_correct

    def _totals(self, where: Counts, values: Counts) -> Counts:
        totals = np.zeros(self.n_classes, np.int64)
        np.add.at(totals, where, values)  # np.bincount would sum the weights as float64
        return _read_only(totals)

    def transposed(self) -> ConfusionMatrix:
        """Rows and columns exchanged."""
        rows, columns = divmod(self.keys, self.n_classes)
        keys = columns * self.n_classes + rows
        order = np.argsort(keys)
        return ConfusionMatrix(self.n_classes, keys[order], self.values[order])

    def count(self, true: int, predicted: int) -> int:
        """The count of one cell. Raises :class:`IndexError` for an unknown class."""
        for index in (true, predicted):
            if not 0 <= index < self.n_classes:
                raise IndexError(f"class {index} of {self.n_classes}")
        return int(self.lookup(np.array([true]), np.array([predicted]))[0])

    def lookup(self, true: Counts, predicted: Counts) -> Counts:
        """The counts of many cells, 0 for an empty cell.

        `true` and `predicted` are class indices, int64, of the same shape (…), each 0..K-1
        (unchecked); the result is int64 of that shape.
        """
        keys = true * self.n_classes + predicted
        if len(self.keys) == 0:
            return np.zeros(keys.shape, np.int64)
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[at] == keys, self.values[at], 0)

    def cells(self) -> Iterator[tuple[int, int, int]]:
        """(true, predicted, count) of every cell that is not 0, sorted."""
        return zip(self.rows.tolist(), self.columns.tolist(), self.values.tolist(), strict=True)

    def errors_by_count(self) -> tuple[Counts, Counts, Counts]:
        """(true, predicted, count) of the non-zero off-diagonal cells, as three (E,) arrays.

        By decreasing count, then true, then predicted index.
        """
        wrong = np.flatnonzero(self.rows != self.columns)
        order = wrong[np.argsort(-self.values[wrong], kind="stable")]
        return self.rows[order], self.columns[order], self.values[order]

    def normalized(self, over: Literal["true", "pred", "all"]) -> NDArray[np.float64]:
        """Normalised matrix, float64, shape (K, K); **nan** (undefined), never 0, for 0 / 0.

        ``"true"``: each row by its sum; ``"pred"``: each column by its sum; ``"all"``: by N. Dense:
        needs 16 K² bytes.
        """
        if over == "true":
            divisor = self.true_totals[:, None]
        elif over == "pred":
            divisor = self.predicted_totals[None, :]
        elif over == "all":
            divisor = np.array([[self.n_samples]])
        else:
            raise ValueError(f'over must be "true", "pred" or "all", not {over!r}')
        shares = np.full(self.counts.shape, np.nan)
        np.divide(self.counts, divisor, out=shares, where=divisor > 0)
        return shares

    def to_frame(self, normalize: Literal["true", "pred", "all"] | None = None) -> pd.DataFrame:
        """A table of counts, or of proportions as in :meth:`normalized`.

        Rows are true, columns predicted classes, by name if known, otherwise by index. Above 2,048
        classes one row per non-zero cell, as in ``confusion.csv``: ``true``, ``predicted`` and
        ``count``; then `normalize` raises :class:`ValueError`.
        """
        import pandas as pd

        labels = pd.Index(self.names or range(self.n_classes))
        if self.n_classes <= DENSE_LIMIT:
            table = self.counts if normalize is None else self.normalized(normalize)
            return pd.DataFrame(table.copy(), labels.rename("true"), labels.rename("predicted"))
        if normalize is not None:
            raise ValueError(f"{self.n_classes:,} classes are too many for a table of proportions")
        sides = {"true": labels[self.rows], "predicted": labels[self.columns]}
        return pd.DataFrame({**sides, "count": self.values})


class RunningMatrix:
    """Accumulates counts by batch.

    Adding two matrices visits all their cells; adding a batch here takes time in its own samples
    only.

    Parameters
    ----------
    n_classes
        Number of classes K, at least 1.
    """

    def __init__(self, n_classes: int) -> None:
        self.n_classes = n_classes
        self._pending: list[Counts] = []
        self._n_pending = 0
        self._table: Counts | None = None
        self._sparse = ConfusionMatrix.empty(n_classes)

    def add(self, labels: ArrayLike, predictions: ArrayLike) -> None:
        """Count pairs of class indices: two integer arrays of shape (N,), values 0..K-1.

        Raises :class:`DataError` if they are not integers of that shape, differ in length, or are
        out of range; nothing of them is counted then.
        """
        true = _indices("label", labels)
        predicted = _indices("prediction", predictions)
        if len(true) != len(predicted):
            raise DataError(
                f"{len(true):,} labels but {len(predicted):,} predictions", slug="length-mismatch"
            )
        true = _in_range("label", true, self.n_classes)
        predicted = _in_range("prediction", predicted, self.n_classes)
        self._pending.append(true * self.n_classes + predicted)
        self._n_pending += len(true)
        if self._n_pending > min(_PENDING, max(_FEW, self.n_classes**2)):
            self._settle()

    def total(self) -> ConfusionMatrix:
        """The counts so far; counting can continue."""
        n = self.n_classes
        if self._n_pending:
            self._settle()
        if self._table is None:
            return self._sparse
        keys = np.flatnonzero(self._table)
        return ConfusionMatrix(n, keys, self._table[keys])

    def _settle(self) -> None:
        n, cells = self.n_classes, np.concatenate(self._pending)
        self._pending, self._n_pending = [], 0
        if self._table is not None or (n <= DENSE_LIMIT and len(cells) * 4 >= n * n):
            counted = np.bincount(cells, minlength=n * n)
            self._table = counted if self._table is None else self._table + counted
            if self._sparse.n_samples:
                self._table[self._sparse.keys] += self._sparse.values
                self._sparse = ConfusionMatrix.empty(n)
            return
        keys, values = np.unique(cells, return_counts=True)
        some = ConfusionMatrix(n, keys, values)
        self._sparse = self._sparse + some if self._sparse.n_samples else some


_PENDING = 2_000_000
"""Maximum number of samples buffered to be counted together: 16 MB, and a copy meanwhile."""


_FEW = 1 << 16
"""Minimum number of buffered samples.

With few classes this suffices: counting visits each cell of the table, which is cheap compared with
as many samples as cells.
"""


def _read_only(array: ArrayLike) -> Counts:
    view = np.asarray(array, dtype=np.int64).view()
    view.flags.writeable = False
    return view


def _check_total(n_samples: float) -> None:
    if n_samples > MAX_SAMPLES:
        raise DataError(
            f"the counts add up to {n_samples:.3g}, the maximum is {MAX_SAMPLES:.3g}",
            slug="matrix-too-large",
        )


def _square(counts: ArrayLike) -> NDArray[Any]:
    try:
        table = np.asarray(counts)
    except ValueError as error:  # numpy's error for rows of different lengths
        raise DataError(
            "the rows of the confusion matrix have different lengths", slug="matrix-not-square"
        ) from error
    if table.dtype.kind in "US":  # a single text cell makes all cells text
        table = np.asarray(counts, dtype=object)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or table.shape[0] == 0:
        shape = " × ".join(map(str, table.shape)) or "a number"
        raise DataError(
            f"a confusion matrix must be square, not {shape}",
            slug="matrix-not-square",
            hint="one row and one column for each class, rows true",
        )
    return table


def _are_counts(table: NDArray[Any]) -> NDArray[np.bool_]:
    """Mask of cells that are whole numbers in 0..MAX_SAMPLES."""
    if table.dtype.kind not in "biuf":
        cells = table.ravel().tolist()
        good = [isinstance(cell, int) and 0 <= cell <= MAX_SAMPLES for cell in cells]
        return np.array(good, np.bool_).reshape(table.shape)
    fits: NDArray[np.bool_] = (table >= 0) & (table <= MAX_SAMPLES)
    if table.dtype.kind == "f":  # compared before the cast: that of nan or 1e300 is undefined
        fits &= np.floor(table) == table
    return fits


def shape_hint(shape: Sequence[int]) -> str:
    """The hint for converting an array of this shape to one index per sample."""
    if len(shape) == 2 and shape[1] == 1:
        return "drop the second axis: values[:, 0]"
    if len(shape) == 2:
        return "scores become predictions with scores.argmax(1)"
    return "flatten them: values.reshape(-1)" if len(shape) > 2 else "pass a batch of them"


def _indices(what: str, values: ArrayLike) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim != 1:
        raise DataError(
            f"{what}s have shape {array.shape}: one index for each sample, shape (N,), is needed",
            slug="indices-shape",
            hint=shape_hint(array.shape),
        )
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind not in "biu":
        raise DataError(
            f"{what}s are {array.dtype}, not class indices",
            slug="indices-not-integers",
            hint="indices are whole numbers: convert them, or take the argmax of scores"
            if array.dtype.kind in "fc"
            else "map class names to class-list indices first",
        )
    return array


def _in_range(what: str, values: NDArray[Any], n_classes: int) -> Counts:
    """`values` as int64, checked **before** the cast and before computing cells.

    An index K would otherwise be counted silently in the next row.
    """
    if len(values) and (values.min() < 0 or values.max() >= n_classes):
        wrong = np.flatnonzero((values < 0) | (values >= n_classes))
        first = int(wrong[0])
        from_one = values.min() == 1 and values.max() == n_classes
        raise DataError(
            f"{what} {values[first]} at row {first:,}: valid are 0..{n_classes - 1}",
            slug=f"{what}-out-of-range",
            details=[f"{len(wrong):,} of {len(values):,} are out of range"],
            hint=f"the {what}s seem to be 1-based: subtract 1" if from_one else None,
        )
    return values.astype(np.int64, copy=False)


def _check_cell_counts(true: Counts, predicted: Counts, counts: NDArray[Any]) -> None:
    wrong = np.flatnonzero((counts < 1) | (counts > MAX_SAMPLES))
    if len(wrong):
        at = int(wrong[0])
        raise DataError(
            f"cell ({true[at]}, {predicted[at]}) of the matrix has the count {counts[at]}",
            slug="matrix-cells",
            hint="only nonzero cells are listed, with whole numbers of 1 or more",
        )
