"""Matrices in ``.npy`` and ``.npz``, with or without names of classes beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reportgen.importers.columns.words import COMMON_NAMES, folded
from reportgen.importers.formats.arrays import CLASS_NAMES, ArraysTable, array_files, npy_file
from reportgen.importers.matrices.crosstabs import Grid
from reportgen.importers.matrices.json_matrices import MATRIX_ARRAYS, no_matrix

__all__ = [
    "grid_of_arrays",
    "has_array_matrix",
]


_BESIDE = (*CLASS_NAMES, "labels", "names", "display_labels")
"""Names of the class list of a matrix in an ``.npz``."""


_OF_SAMPLES = (*COMMON_NAMES["scores"], *COMMON_NAMES["prediction"])
"""Names of arrays with a row per sample, whose length may equal the number of classes."""


def has_array_matrix(path: Path, kind: str) -> bool:
    """Whether a ``.npy`` (`kind` ``"npy"``) or ``.npz`` is a confusion matrix, not samples."""
    if kind == "npz":
        return _matrix_in(array_files(path)) is not None
    shape = npy_file(path).shape
    return len(shape) == 2 and shape[0] == shape[1]


def _matrix_in(arrays: Mapping[str, Any]) -> str | None:
    """The name of the matrix in an ``.npz``: a usual one, or the only square; otherwise None."""
    if named := [name for name in arrays if name.lower() in MATRIX_ARRAYS]:
        return named[0]
    single = [name for name in arrays if name.lower() not in _BESIDE]
    if len(single) != 1 or folded(single[0]) in _OF_SAMPLES:
        return None
    shape = arrays[single[0]].shape
    return single[0] if len(shape) == 2 and shape[0] == shape[1] > 1 else None


def grid_of_arrays(path: Path, kind: str) -> Grid:
    """The grid in a ``.npy`` or ``.npz``, as `kind` says; :class:`DataError` if there is none."""
    if kind == "npy":
        return Grid(path.name, npy_file(path).read())
    arrays = array_files(path)
    others = [name for name in arrays if name not in CLASS_NAMES]
    key = _matrix_in(arrays) or (others[0] if len(others) == 1 else None)
    if key is None:
        raise no_matrix(path.name)
    table = ArraysTable.of_npz(path)
    beside = [name for name in _BESIDE if name in table.columns and name != key]
    names = next((found for name in beside if (found := table.texts(name))), None)
    return Grid(path.name, arrays[key].read(), names, names)
