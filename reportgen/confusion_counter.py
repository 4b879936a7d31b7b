"""`ConfusionCounter`: counts during a training or evaluation loop, so predictions are not stored.

Tensors are counted on their device; only sums are transferred. Neither torch nor pandas is
imported: their objects are recognised by their methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion_matrix import (
    DENSE_LIMIT,
    ConfusionMatrix,
    RunningMatrix,
    shape_hint,
)
from reportgen.errors import DataError
from reportgen.text import listing, quoted

__all__ = [
    "ConfusionCounter",
    "as_array",
    "is_missing",
]


def as_array(value: Any) -> NDArray[Any]:
    """A tensor, array, column or list as a numpy array, without a copy if possible.

    bfloat16, unknown to numpy, becomes float32.
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":
            value = value.float()
        return np.asarray(value.numpy())
    if hasattr(value, "to_numpy"):
        return np.asarray(value.to_numpy())
    if hasattr(value, "numpy") and not isinstance(value, np.ndarray):
        return np.asarray(value.numpy())
    return np.asarray(value)


def is_missing(value: Any) -> bool:
    """Whether a cell of an object column is None, nan, NaT or NA."""
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas.NA does not say
        return True


class ConfusionCounter:
    """A confusion matrix that is still being counted. Rows are true, columns predicted.

    >>> counter = ConfusionCounter(["cat", "dog"])
    >>> counter.update([0, 1, 1], [0, 0, 1])
    >>> counter.compute().counts.tolist()
    [[1, 0], [1, 1]]

    Counters with the same classes can be added, in any order and grouping, and pickled, so that
    every process of a distributed evaluation counts its own part.

    Parameters
    ----------
    classes
        Class names in the order of the indices, or their number.
    """

    def __init__(self, classes: Sequence[str] | int) -> None:
        if isinstance(classes, int):
            classes = [str(i) for i in range(classes)]
        self.classes = tuple(classes)
        if not self.classes or len(set(self.classes)) < len(self.classes):
            raise DataError(
                "class names must be unique, and one at least",
                slug="classes-duplicate" if self.classes else "classes-empty",
            )
        self._counted = ConfusionMatrix.empty(len(self.classes))
        self._running = RunningMatrix(len(self.classes))
        self._device: Any = None  # int64 tensor (K * K + 1,): the last cell counts invalid values

    def update(self, labels: Any, predictions: Any) -> None:
        """Count one batch.

        Parameters
        ----------
        labels, predictions
            Class indices, shape (N,), 0..K-1: arrays, lists, or tensors on any device.

        Raises :class:`DataError` if the shapes differ, or a value is not an integer or not a class
        index; that batch is not counted then. The values of CUDA tensors are checked by
        :meth:`compute`, since reading them would synchronise the device in every batch.
        """
        dense = len(self.classes) <= DENSE_LIMIT
        if dense and _on_device(labels) and _on_device(predictions):
            self._count_on_device(labels, predictions)
            return
        self._running.add(_batch("label", labels), _batch("prediction", predictions))

    def compute(self) -> ConfusionMatrix:
        """The counts so far; counting can continue."""
        self._settle()
        return self._counted

    def reset(self) -> None:
        """Reset the counts."""
        self.__init__(self.classes)  # type: ignore[misc]  # the one place that says what is empty

    @classmethod
    def from_frame(
        cls, frame: Any, label: str, prediction: str, classes: Sequence[str] | None = None
    ) -> ConfusionCounter:
        """Count two columns of a DataFrame with class names, like ``pandas.crosstab``.

        Default `classes` are the names in either column, sorted. Raises :class:`DataError` if a
        cell is empty or not a class name.
        """
        true, predicted = (_names(frame, column) for column in (label, prediction))
        found = set(true) | set(predicted)
        counter = cls(tuple(sorted(found)) if classes is None else classes)
        index = {name: i for i, name in enumerate(counter.classes)}
        if unknown := found - index.keys():
            raise DataError(
                f"{quoted(min(unknown))} is not a class",
                slug="label-unknown",
                details=[f"{len(unknown):,} names are not in the class list"],
                hint="pass all classes, or none",
            )
        counter.update([index[name] for name in true], [index[name] for name in predicted])
        return counter

    def __iadd__(self, other: ConfusionCounter) -> ConfusionCounter:
        if not isinstance(other, ConfusionCounter):
            return NotImplemented
        if other.classes != self.classes:
            raise DataError(
                "counters of different classes can't be added",
                slug="counts-differ",
                details=[f"{listing(one.classes, 5)}" for one in (self, other)],
                hint="use the same class list, in the same order, for all counters",
            )
        self._settle()
        self._counted = self._counted + other.compute()
        return self

    def __add__(self, other: ConfusionCounter) -> ConfusionCounter:
        if not isinstance(other, ConfusionCounter):
            return NotImplemented
        both = ConfusionCounter(self.classes)
        both += self
        both += other
        return both

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ConfusionCounter)
            and other.classes == self.classes
            and other.compute() == self.compute()
        )

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"<ConfusionCounter: {len(self.classes):,} classes>"

    def __getstate__(self) -> dict[str, Any]:
        """Classes and counts, independent of the device."""
        return {"classes": self.classes, "counted": self.compute()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["classes"])  # type: ignore[misc]
        self._counted = state["counted"]

    def _count_on_device(self, labels: Any, predictions: Any) -> None:
        _require_index_tensors(labels, predictions)
        n = len(self.classes)
        if self._device is not None and self._device.device != labels.device:
            self._settle()
        if self._device is None:
            self._device = labels.new_zeros(n * n + 1, dtype=labels.long().dtype)
        true, predicted = labels.detach().long(), predictions.detach().long()
        valid = (true >= 0) & (true < n) & (predicted >= 0) & (predicted < n)
        cells = (true * n + predicted).masked_fill(~valid, n * n)
        # Not in place: tensors made under torch.inference_mode() can't be changed outside of it.
        self._device = self._device.index_add(0, cells, cells.new_ones(cells.shape))

    def _settle(self) -> None:
        """Merge all pending counts into one matrix."""
        n = len(self.classes)
        if self._device is not None:
            counts = as_array(self._device)
            if counts[-1]:
                raise DataError(
                    f"{int(counts[-1]):,} samples have a label or prediction outside 0..{n - 1}",
                    slug="label-out-of-range",
                    hint="start again with reset(), and check what is passed to update()",
                )
            self._device = None
            keys = np.flatnonzero(counts[:-1])
            self._counted += ConfusionMatrix(n, keys, counts[keys])
        some = self._running.total()
        if some.n_samples:
            self._running = RunningMatrix(n)
            self._counted += some


def _batch(what: str, values: Any) -> NDArray[Any]:
    try:
        return as_array(values)
    except ValueError as error:  # numpy's error for lists of different lengths
        raise DataError(
            f"{what}s are not an array: some are lists, others are not, or their lengths differ",
            slug="indices-shape",
            hint="one index for each sample, shape (N,), is needed",
        ) from error


def _on_device(value: Any) -> bool:
    """Whether a value is a tensor on a CUDA device."""
    return hasattr(value, "detach") and getattr(value.device, "type", "cpu") == "cuda"


def _require_index_tensors(labels: Any, predictions: Any) -> None:
    for what, tensor in (("label", labels), ("prediction", predictions)):
        if tensor.is_floating_point() or tensor.is_complex():
            raise DataError(
                f"{what}s are {tensor.dtype}, not class indices",
                slug="indices-not-integers",
                hint="scores become predictions with scores.argmax(dim=1)",
            )
        if tensor.ndim != 1:
            raise DataError(
                f"{what}s have shape {tuple(tensor.shape)}: one index for each sample, "
                "shape (N,), is needed",
                slug="indices-shape",
                hint=shape_hint(tuple(tensor.shape)),
            )
    if len(labels) != len(predictions):
        raise DataError(
            f"{len(labels):,} labels but {len(predictions):,} predictions", slug="length-mismatch"
        )


def _names(frame: Any, column: str) -> list[str]:
    try:
        values = as_array(frame[column])
    except KeyError:
        raise DataError(
            f"the DataFrame has no column {quoted(column)}",
            slug="table-columns",
            details=[f"it has {listing(map(str, frame.columns))}"],
        ) from None
    names = []
    for row, value in enumerate(values.tolist()):
        if is_missing(value) or value == "":
            raise DataError(
                f"{quoted(column)} is empty in row {row:,} (from 0)",
                slug="label-empty",
                hint="drop such rows before counting, and report how many",
            )
        names.append(str(value))
    return names
