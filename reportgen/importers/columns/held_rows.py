"""Arrays with one number per row of a table: in memory if they are small, otherwise in a file.

The mapped pages of a file count as memory of the process. Code that reads such an array from start
to end gives them back as it goes, so that memory does not grow with the number of rows.
"""

from __future__ import annotations

import errno
import mmap
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from reportgen.files import output_error

__all__ = [
    "give_back",
    "give_back_after",
    "held_rows",
]


_IN_MEMORY = 32 << 20
"""Largest array that is kept in memory, in bytes."""


_ROWS_BETWEEN = 1 << 22
"""Rows between two calls that give memory back; each call takes time."""


def held_rows(n: int, dtype: DTypeLike, folder: Path) -> NDArray[Any]:
    """An uninitialised array of shape (n,); a large one is in a file in `folder`.

    The file has no name, and is deleted with the array. Raises :class:`OutputError` if `folder` has
    no space for it.
    """
    size = n * np.dtype(dtype).itemsize
    if size <= _IN_MEMORY:
        return np.empty(n, dtype)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            _reserve(file.fileno(), size)
            return np.frombuffer(mmap.mmap(file.fileno(), size), dtype)
    except OSError as error:
        raise output_error(folder / "rows", error) from error


def _reserve(file: int, size: int) -> None:
    """Allocate the file on the disk: if the disk filled up later, the system would kill the process
    without an error.
    """
    try:
        os.posix_fallocate(file, 0, size)
        return
    except AttributeError:  # macOS and Windows have none
        pass
    except OSError as error:  # some file systems have none either
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
    block = bytes(1 << 20)
    for start in range(0, size, len(block)):
        os.write(file, block[: size - start])


def give_back(*arrays: NDArray[Any] | None) -> None:
    """Give back the memory of arrays of :func:`held_rows` that are in files.

    Their values stay, and are read again when they are needed.
    """
    for array in arrays:
        mapped = _mapped(array)
        if mapped is not None and hasattr(mapped, "madvise"):
            mapped.madvise(mmap.MADV_DONTNEED)


def _mapped(array: NDArray[Any] | None) -> mmap.mmap | None:
    """The file that an array is in; None if it is in memory."""
    owner: Any = array
    while isinstance(owner, (np.ndarray, memoryview)):
        owner = owner.base if isinstance(owner, np.ndarray) else owner.obj
    return owner if isinstance(owner, mmap.mmap) else None


def give_back_after(start: int, n: int, *arrays: NDArray[Any] | None) -> None:
    """:func:`give_back` every few million rows, after the `n` rows from `start` on were used."""
    if start // _ROWS_BETWEEN != (start + n) // _ROWS_BETWEEN:
        give_back(*arrays)
