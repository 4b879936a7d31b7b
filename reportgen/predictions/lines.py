"""Columns as lines of text, without a Python step per cell: for tables of many rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "decimals",
    "joined_lines",
]


_LEAST, _MOST = 1e-4, 1e6
"""Between these, Arrow writes numbers that are not whole as Python does."""


def decimals(values: NDArray[np.floating[Any]]) -> Any:
    """Shortest exact decimals in Python's notation: an Arrow array of text; null for nan.

    `values`: float32 or float64, shape (n,). A whole float64 has no decimals: metadata are read as
    float64, and a 3 is written as 3, not 3.0.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pa.array(values, from_pandas=True).cast(pa.large_string())  # nan becomes null
    size = np.abs(values)
    as_arrow = (size > _LEAST) & (size < _MOST) & (values != np.trunc(values)) | np.isnan(values)
    if as_arrow.all():
        return texts
    if values.dtype == np.float32:
        others = [str(one) for one in values[~as_arrow]]
    else:
        numbers = values[~as_arrow].tolist()
        others = [str(int(one) if one.is_integer() else one) for one in numbers]
    return pc.replace_with_mask(texts, ~as_arrow, pa.array(others, pa.large_string()))


def joined_lines(columns: Sequence[Any], n: int) -> str:
    """The `n` lines of these columns: cells with commas between them.

    A column is an Arrow array or a sequence of texts, each as it is to be written, an Arrow array
    or numpy array of integers, or None for empty cells; null is an empty cell too.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = pa.large_string()
    arrays = [pa.nulls(n) if one is None else _arrow(one) for one in columns]
    *before, last = (array.cast(kind).fill_null("") for array in arrays)
    comma, nothing, end = (pa.scalar(text, kind) for text in (",", "", "\n"))
    last = pc.binary_join_element_wise(last, end, nothing)
    lines = pc.binary_join_element_wise(*before, last, comma)
    _, ends, characters = lines.buffers()
    if characters is None:
        return ""
    size = int(np.frombuffer(ends, np.int64)[n])
    return str(characters.slice(0, size), "utf-8")


def _arrow(column: Any) -> Any:
    import pyarrow as pa

    return column if isinstance(column, pa.Array) else pa.array(column)
