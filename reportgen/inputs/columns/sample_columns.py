"""Columns of a table that are held in the order of other rows, as small as their values allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reportgen.inputs.columns.cells import not_a_number, numbers, smallest
from reportgen.inputs.formats.tables import NARROW_ROWS, NUMBER, Table

__all__ = ["SampleColumn", "sample_columns"]

_FEW = 1 << 16
"""Different texts that may be kept as objects of Python, so that batches share them."""

Places = NDArray[np.signedinteger[Any]]


class SampleColumn(Protocol):
    """The values of one column, for all samples."""

    @property
    def name(self) -> str:
        """Of the column in its table."""

    def values(self, start: int, stop: int) -> NDArray[Any]:
        """Of samples start..stop-1: float64 with nan, or objects: texts, ``""`` for none."""


@dataclass(frozen=True, eq=False)
class _Numbers:
    """float64, shape (samples,)."""

    name: str
    every: NDArray[np.float64]

    def values(self, start: int, stop: int) -> NDArray[Any]:
        return self.every[start:stop]


@dataclass(frozen=True, eq=False)
class _Texts:
    """Each sample's place among the different texts, an Arrow array; -1 for no text."""

    name: str
    texts: Any
    places: Places

    @cached_property
    def _few(self) -> NDArray[Any] | None:
        if len(self.texts) > _FEW:
            return None
        return np.array([*(text or "" for text in self.texts.to_pylist()), ""], object)

    def values(self, start: int, stop: int) -> NDArray[Any]:
        places = self.places[start:stop]
        if self._few is not None:
            return self._few[places]
        import pyarrow as pa

        found = self.texts.take(pa.array(places, mask=places < 0)).fill_null("")
        values: NDArray[Any] = found.to_numpy(zero_copy_only=False)
        return values


def sample_columns(
    table: Table, names: Sequence[str], rows: NDArray[np.int32]
) -> list[SampleColumn]:
    """The named columns, read once.

    Parameters
    ----------
    names
        Columns of text, truth or numbers.
    rows
        int32, shape (samples,): the row of the table that each sample has, -1 for none.
    """
    pieces: dict[str, list[Any]] = {name: [] for name in names}
    for batch in table.batches(list(names), NARROW_ROWS):
        for name, array in zip(names, batch.columns, strict=True):
            number = table.columns[name].kind == NUMBER
            pieces[name].append(_numbers_of(table, name, array) if number else _encoded(array))
    return [
        _numbers(name, pieces.pop(name), rows)
        if table.columns[name].kind == NUMBER
        else _texts(name, pieces.pop(name), rows)
        for name in names
    ]


def _numbers_of(table: Table, name: str, array: Any) -> NDArray[np.float64]:
    return numbers(array, lambda _, cell: not_a_number(name, table.name, cell))


def _numbers(name: str, pieces: list[NDArray[np.float64]], rows: NDArray[np.int32]) -> _Numbers:
    every = np.concatenate([*pieces, [np.nan]])
    return _Numbers(name, every[rows])


def _encoded(array: Any) -> Any:
    """A column of text or truth as text by its place in a dictionary."""
    import pyarrow as pa

    wanted = pa.dictionary(pa.int32(), pa.string())
    if array.type == wanted:
        return array
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array.cast(pa.string()).dictionary_encode()


def _texts(name: str, pieces: list[Any], rows: NDArray[np.int32]) -> _Texts:
    import pyarrow as pa

    kind = pa.dictionary(pa.int32(), pa.string())
    chunks = pa.chunked_array(pieces, kind).unify_dictionaries().chunks
    none = np.array([-1], np.int32)
    places = np.concatenate([*(c.indices.fill_null(-1).to_numpy() for c in chunks), none])
    texts = chunks[0].dictionary if chunks else pa.array([], pa.string())
    return _Texts(name, texts, places.astype(smallest(len(texts)))[rows])
