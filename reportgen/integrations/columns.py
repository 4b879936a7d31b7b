"""Columns of predictions that grow by batch: arrays of any library, one row per sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Columns",
    "as_array",
]


def as_array(value: Any) -> NDArray[Any]:
    """A tensor on any device, an array or a list as a numpy array of shape (N, …).

    Half-precision types unknown to numpy become float32.
    """
    if hasattr(value, "detach"):
        value = value.detach()
        value = value.float() if value.is_floating_point() and value.itemsize < 4 else value
        value = value.cpu()
    return np.asarray(value)


class Columns:
    """Name → chunks of rows; all chunks have the same names."""

    def __init__(self) -> None:
        self._chunks: list[dict[str, NDArray[Any]]] = []

    def __len__(self) -> int:
        """Number of samples so far."""
        return sum(len(next(iter(chunk.values()))) for chunk in self._chunks)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names; empty before the first chunk."""
        return tuple(self._chunks[0]) if self._chunks else ()

    def other_form(self, chunk: Mapping[str, NDArray[Any]]) -> str | None:
        """The first column of `chunk` with another row shape than before, or None."""
        before = self._chunks[0] if self._chunks else chunk
        return next((k for k, rows in chunk.items() if rows.shape[1:] != before[k].shape[1:]), None)

    def row_shape(self, name: str) -> tuple[int, ...]:
        """The shape of one row of a column."""
        return self._chunks[0][name].shape[1:]

    def add(self, chunk: Mapping[str, Any]) -> None:
        """Add a batch; all columns must have the same length."""
        self._chunks.append({name: as_array(value) for name, value in chunk.items()})

    def table(self) -> dict[str, NDArray[Any]]:
        """All rows, as input for :func:`reportgen.load`."""
        return {
            name: np.concatenate([chunk[name] for chunk in self._chunks]) for name in self.names
        }
