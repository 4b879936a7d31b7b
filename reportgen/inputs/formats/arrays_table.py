"""Arrays, saved or in memory, as the columns of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.accumulate import as_array, is_missing
from reportgen.errors import DataError, UsageError
from reportgen.inputs.formats.arrays import ArrayFile, array_files, npy_file
from reportgen.inputs.formats.limits import file_sha256
from reportgen.inputs.formats.tables import BOOLEAN, LIST, NUMBER, OTHER, TEXT, Column
from reportgen.text import count, quoted

__all__ = ["ArraysTable"]

CLASS_NAMES = ("classes", "class_names", "label_names")
_KINDS = {"b": BOOLEAN, "i": NUMBER, "u": NUMBER, "f": NUMBER, "U": TEXT, "S": TEXT, "O": TEXT}


@dataclass(frozen=True)
class ArraysTable:
    """Arrays by name: one dimension a column, two dimensions a column of lists.

    Attributes
    ----------
    path
        The file; None where the arrays came from a program.
    arrays
        Those of a file are read when they are asked for.
    n_rows
        Known once :meth:`settled`; -1 before.
    """

    name: str
    path: Path | None
    arrays: Mapping[str, NDArray[Any] | ArrayFile]
    n_rows: int = -1

    @classmethod
    def of_npz(cls, path: Path) -> ArraysTable:
        return cls(path.name, path, dict(array_files(path)))

    @classmethod
    def of_npy(cls, path: Path, *, labels_follow: bool) -> ArraysTable:
        """One array of scores (N, C) or predictions (N,), whose labels follow; or a structured
        array (N,) whose fields are columns.
        """
        array = npy_file(path)
        if array.dtype.names is not None and len(array.shape) == 1:
            whole = array.read()
            return cls(path.name, path, {name: whole[name] for name in array.dtype.names})
        if not labels_follow:
            raise UsageError(
                f"{quoted(path.name)} holds one array of shape {array.shape}, and no labels",
                slug="labels-needed",
                hint="give them with --labels TABLE, or read a square matrix of counts with "
                "--kind matrix",
            )
        role = "scores" if len(array.shape) == 2 else "prediction"
        return cls(path.name, path, {role: array})

    @classmethod
    def of_mapping(cls, columns: Mapping[Any, Any], name: str) -> ArraysTable:
        """From arrays, tensors or lists in memory."""
        return cls(name, None, {str(key): as_array(value) for key, value in columns.items()})

    @classmethod
    def of_frame(cls, frame: Any) -> ArraysTable:
        """From a DataFrame: its columns, not its index."""
        names = [str(column) for column in frame.columns]
        if len(set(names)) < len(names):
            raise DataError(
                "the DataFrame has two columns of one name",
                slug="table-columns",
                hint="give every column a name of its own",
            )
        return cls.of_mapping({column: frame[column] for column in frame.columns}, "a DataFrame")

    @cached_property
    def sha256(self) -> str:
        return "" if self.path is None else file_sha256(self.path)

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        return {name: _column(name, array) for name, array in self.arrays.items()}

    def class_names(self) -> tuple[tuple[str, ...], str] | None:
        """The class list among the arrays and its name, where there is one."""
        for name in CLASS_NAMES:
            if name in self.arrays and self.columns[name].kind == TEXT:
                texts = _texts(name, self._whole(name))
                if texts and all(text is not None for text in texts):
                    return tuple(map(str, texts)), name
        return None

    def settled(self, used: Sequence[str]) -> ArraysTable:
        """With as many rows as the arrays that are `used` have, and only arrays of that length.

        Raises :class:`DataError` with both lengths where they differ; nothing is cut.
        """
        lengths = {name: len_of(self.arrays[name]) for name in used}
        first, n_rows = next(iter(lengths.items()))
        for name, n in lengths.items():
            if n != n_rows:
                raise DataError(
                    f"{quoted(first)} has {count(n_rows)} rows, {quoted(name)} has {count(n)}",
                    slug="length-mismatch",
                    hint="labels, predictions and scores need one row for each sample",
                )
        fitting = {name: array for name, array in self.arrays.items() if len_of(array) == n_rows}
        return replace(self, arrays=fitting, n_rows=n_rows)

    def batches(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        import pyarrow as pa

        if not columns:
            yield from (
                pa.record_batch([pa.nulls(min(rows, self.n_rows - i))], names=[""])
                for i in range(0, self.n_rows, rows)
            )
            return
        pieces = [self._pieces(name, rows) for name in columns]
        for arrays in zip(*pieces, strict=True):
            yield pa.RecordBatch.from_arrays(list(arrays), names=list(columns))

    def place(self, row: int) -> str:
        return f"row {count(row)} (from 0)"

    def _whole(self, name: str) -> NDArray[Any]:
        array = self.arrays[name]
        return array.read() if isinstance(array, ArrayFile) else array

    def _pieces(self, name: str, rows: int) -> Iterator[Any]:
        import pyarrow as pa

        array = self.arrays[name]
        if self.columns[name].kind == LIST:
            for block in (
                array.blocks(rows)
                if isinstance(array, ArrayFile)
                else (array[i : i + rows] for i in range(0, self.n_rows, rows))
            ):
                flat = pa.array(_native(block).ravel())
                yield pa.FixedSizeListArray.from_arrays(flat, block.shape[1])
            return
        whole = self._whole(name)
        for start in range(0, self.n_rows, rows):
            piece = whole[start : start + rows]
            if self.columns[name].kind == TEXT:
                yield pa.array(_texts(name, piece), pa.string())
            else:
                yield pa.array(_native(piece))


def len_of(array: NDArray[Any] | ArrayFile) -> int:
    """Number of rows; -1 for a single value."""
    return array.shape[0] if array.shape else -1


def _column(name: str, array: NDArray[Any] | ArrayFile) -> Column:
    kind = _KINDS.get(array.dtype.kind, OTHER)
    single = array.dtype.kind == "f" and array.dtype.itemsize <= 4
    if len(array.shape) == 2 and kind in (NUMBER, BOOLEAN) and array.shape[1] > 0:
        return Column(name, LIST, array.shape[1], single=single)
    if len(array.shape) == 2 and array.shape[1] == 1 and isinstance(array, np.ndarray):
        return _column(name, array[:, 0])
    if len(array.shape) != 1:
        return Column(name, OTHER)
    mixed = _mixed(array) if array.dtype.kind == "O" and isinstance(array, np.ndarray) else ""
    return Column(name, kind, mixed=mixed, single=single)


def _mixed(array: NDArray[Any]) -> str:
    """One text and one number of an array of Python objects that holds both, in words."""
    text = next((v for v in array.flat if isinstance(v, str)), None)
    number = next((v for v in array.flat if not isinstance(v, str) and not is_missing(v)), None)
    if text is None or number is None:
        return ""
    return f"the text {quoted(text[:40])}, the number {quoted(str(number)[:40])}"


def _texts(name: str, array: NDArray[Any]) -> list[str | None]:
    """The cells as text; bytes are UTF-8, what is missing is None."""
    try:
        if array.dtype.kind == "S":
            return [bytes(value).decode("utf-8") for value in array.tolist()]
        if array.dtype.kind == "U":
            texts: list[str | None] = array.tolist()
            return [_whole_text(text) for text in texts]
        return [None if is_missing(value) else _whole_text(str(value)) for value in array.tolist()]
    except (UnicodeError, ValueError, TypeError) as error:
        raise DataError(
            f"the array {quoted(name)} holds bytes or characters that are no text",
            slug="array-kind",
            hint="save text as numpy's str, or as UTF-8 bytes",
        ) from error


def _whole_text(text: str | None) -> str:
    assert text is not None
    text.encode("utf-8")  # half a surrogate pair is refused here, not by a writer later
    return text


def _native(array: NDArray[Any]) -> NDArray[Any]:
    """In a dtype that Arrow counts with: this machine's byte order, float32 or float64."""
    if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        return array.astype(np.float32 if array.dtype.itemsize == 2 else np.float64)
    return np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="), copy=False))
