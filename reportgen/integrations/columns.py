"""Columns of predictions that grow batch by batch: arrays of any library, one row a sample."""

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
    """A tensor on any device, an array or a list as an array of shape (N, …) on the host.

    Half precisions that numpy lacks become float32.
    """
    if hasattr(value, "detach"):
        value = value.detach()
        value = value.float() if value.is_floating_point() and value.itemsize < 4 else value
        value = value.cpu()
    return np.asarray(value)


class Columns:
    """Name → chunks of rows; every chunk has the same names."""

    def __init__(self) -> None:
        self._chunks: list[dict[str, NDArray[Any]]] = []

    def __len__(self) -> int:
        """Samples so far."""
        return sum(len(next(iter(chunk.values()))) for chunk in self._chunks)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns; empty before the first chunk."""
        return tuple(self._chunks[0]) if self._chunks else ()

    def other_form(self, chunk: Mapping[str, NDArray[Any]]) -> str | None:
        """The first column of `chunk` whose rows have another shape than before; None for none."""
        before = self._chunks[0] if self._chunks else chunk
        return next((k for k, rows in chunk.items() if rows.shape[1:] != before[k].shape[1:]), None)

    def row_shape(self, name: str) -> tuple[int, ...]:
        """The shape of one row of a column."""
        return self._chunks[0][name].shape[1:]

    def add(self, chunk: Mapping[str, Any]) -> None:
        """The rows of a batch, all columns of the same length."""
        self._chunks.append({name: as_array(value) for name, value in chunk.items()})

    def table(self) -> dict[str, NDArray[Any]]:
        """All rows: what :func:`reportgen.load` takes."""
        return {
            name: np.concatenate([chunk[name] for chunk in self._chunks]) for name in self.names
        }
