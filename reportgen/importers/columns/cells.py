"""Cells of a batch as text with few distinct values, or as numbers. All vectorised."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import DataError
from reportgen.importers.formats.decimal_commas import (
    DECIMAL_COMMA_HINT,
    has_decimal_comma,
    is_comma_number,
    with_point,
)
from reportgen.importers.formats.tables import TEXT, Table, is_text_type
from reportgen.text import printable, quoted

__all__ = [
    "NO_LABEL",
    "TextCells",
    "as_index",
    "is_blank",
    "not_a_number",
    "numbers",
    "plain_label",
    "smallest",
    "with_points",
    "written_numbers",
]


NO_LABEL = "\0no label"
"""Label of a sample missing in the table of labels: no cell can contain it."""


_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.0*)?")


_SAVETXT = re.compile(r"-?[0-9]\.[0-9]{18}e[+-][0-9]{2}")
"""A number as ``numpy.savetxt`` writes it."""


_DECIMAL_COMMA = re.compile(r"-?(?:0|\d+(?=,(?!\d{3}(?!\d)))),\d+(?:[eE][+-]?\d+)?")


_WRAPPED_NUMBER = re.compile(
    r"(?=[\[a-z])(?:(?:tensor|array|np\.\w+|float\d*)\()?\s*\[?\s*"
    r"(-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*\]?\s*(?:,\s*(?:device|dtype|grad_fn)=.*)?\)?"
)
_WRAPPED = re.compile(
    r"(?=[\[a-z])(?:(?:tensor|array|np\.\w+|(?:u?int|float)\d*)\()?\s*\[?\s*"
    r"(?:(?P<number>-?\d+\.?0*)|(?P<quote>['\"])(?P<name>[^'\"\[\],]+)(?P=quote))"
    r"\s*\]?\s*(?:,\s*(?:device|dtype)=[^()]*)?\)?"
)


_TRUTH = {"false": 0, "true": 1, "False": 0, "True": 1}


def as_index(text: str) -> int | None:
    """The whole number in a cell, or None: ``7``, ``-1``, ``7.0``; not ``007``, ``1e5``.

    >>> as_index("7.0"), as_index("007")
    (7, None)
    """
    text = text.strip()
    if text in _TRUTH:
        return _TRUTH[text]
    if _SAVETXT.fullmatch(text) and float(text).is_integer() and abs(float(text)) < 1e15:
        return int(float(text))
    return int(text.split(".")[0]) if _INTEGER.fullmatch(text) else None


def plain_label(text: str) -> str:
    """The value in a cell without a program's wrapping, such as a tensor or a list of one.

    >>> plain_label("tensor(1, device='cuda:0')"), plain_label("['cat']"), plain_label("cat")
    ('1', 'cat', 'cat')
    """
    if not text.endswith((")", "]")):
        return text
    if (found := _WRAPPED.fullmatch(text.strip())) is None:
        return text
    inner = found["number"] or found["name"]
    return inner.rstrip(".") if found["number"] else inner


def with_points(texts: Sequence[str], *, comma: bool) -> list[str]:
    """Texts with the decimal comma of numbers replaced by a point."""
    return list(map(with_point, texts)) if comma else list(texts)


def is_blank(text: str) -> bool:
    """Whether a cell is empty or contains only spaces."""
    return not text.strip()


class TextCells:
    """One column's cells as indices into a short list of texts.

    Batches of one file usually have the same few values, so texts derived from them are cached.
    """

    def __init__(self) -> None:
        self._dictionary: Any = None
        self._texts: list[str] = []
        self._numbers = range(0)

    def __call__(self, array: Any) -> tuple[list[str], NDArray[np.int64]]:
        """(texts, indices): ``texts[indices[i]]`` is cell i; the last text is for missing cells."""
        import pyarrow as pa

        if pa.types.is_null(array.type):
            return [""], np.zeros(len(array), np.int64)
        if (
            str(array.type) == "string_view"
            or pa.types.is_boolean(array.type)
            or (pa.types.is_decimal(array.type))
        ):
            array = array.cast(pa.string())
        if not pa.types.is_dictionary(array.type):
            if (found := self._of_integers(array)) is not None:
                return found
            array = array.dictionary_encode()
        if self._dictionary is None or not self._dictionary.equals(array.dictionary):
            self._dictionary, self._numbers = array.dictionary, range(0)
            self._texts = [*map(_text, array.dictionary.to_pylist()), ""]
        indices = array.indices
        if indices.null_count:
            indices = indices.cast(pa.int64()).fill_null(len(self._texts) - 1)
        return self._texts, indices.to_numpy(zero_copy_only=False)

    def _of_integers(self, array: Any) -> tuple[list[str], NDArray[np.int64]] | None:
        """As :meth:`__call__`, for integers in a small range: they are their own indices."""
        import pyarrow as pa

        if not pa.types.is_integer(array.type) or array.null_count or not len(array):
            return None
        values = array.to_numpy()
        first, last = int(values.min()), int(values.max())
        known = self._numbers
        if len(known):
            first, last = min(first, known[0]), max(last, known[-1])
        if last - first >= _NEAR or max(last, -first) > _LARGEST:
            return None
        if len(known) != last - first + 1:
            self._numbers = range(first, last + 1)
            self._texts, self._dictionary = [*map(str, self._numbers), ""], None
        return self._texts, values.astype(np.int64) - first


_NEAR = 1 << 14
"""For integers within this range, texts of all values in between are made."""


_LARGEST = 1 << 62
"""Differences of larger integers overflow 64 bits."""


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else str(value)


def numbers(
    array: Any, describe: Callable[[int, str], DataError], *, comma: bool = False
) -> NDArray[np.float64]:
    """A column's cells as float64, nan for missing ones.

    Parameters
    ----------
    describe
        Row within the batch and cell → the error for a text that is not a number.
    comma
        Whether texts have a decimal comma; a point that can't be a thousands separator is then an
        error.
    """
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if comma and is_text_type(array.type):
        return _by_hand(array.to_pylist(), describe, _comma_number)
    if is_text_type(array.type):
        try:
            array = array.cast(pa.string()).cast(pa.float64())
        except pa.ArrowInvalid:
            return _by_hand(array.to_pylist(), describe, _number)
    if pa.types.is_decimal(array.type) or pa.types.is_boolean(array.type):
        array = array.cast(pa.float64())
    if pa.types.is_null(array.type):
        return np.full(len(array), np.nan)
    values: NDArray[np.float64] = array.to_numpy(zero_copy_only=False).astype(
        np.float64, copy=False
    )
    return values


def _by_hand(
    cells: Iterable[str | None],
    describe: Callable[[int, str], DataError],
    number: Callable[[str], float],
) -> NDArray[np.float64]:
    values = []
    for row, cell in enumerate(cells):
        try:
            values.append(np.nan if cell is None or is_blank(cell) else number(cell))
        except ValueError:
            raise describe(row, cell or "") from None
    return np.array(values, np.float64)


def _number(cell: str) -> float:
    """Parse ``0.973``, ``97.3%`` or ``0,973``; not ``1,234``, which is ambiguous."""
    cell = cell.strip()
    if cell.endswith((")", "]")) and (found := _WRAPPED_NUMBER.fullmatch(cell)) is not None:
        cell = found[1]
    if cell.endswith("%"):
        return _number(cell[:-1]) / 100
    if "," in cell and _DECIMAL_COMMA.fullmatch(cell):
        cell = cell.replace(",", ".")
    # Python's 1_000 and non-ASCII digits: no table means them
    if "_" in cell or not cell.isascii():
        raise ValueError(cell)
    return float(cell)


def _comma_number(cell: str) -> float:
    """Parse ``0,973``, ``97,3%``, ``1.234,5`` or ``nan``; not ``0.973``."""
    if "." in cell and not is_comma_number(cell):
        raise ValueError(cell)
    return _number(with_point(cell))


def not_a_number(column: str, where: str, cell: str) -> DataError:
    """The error for a text in a column of numbers."""
    return DataError(
        f"{where}: {quoted(cell[:40])} in column {quoted(column)} is not a number",
        slug="table-number",
        hint=_number_hint(cell),
    )


def _number_hint(cell: str) -> str:
    if has_decimal_comma(cell):
        return DECIMAL_COMMA_HINT
    try:
        _number(cell)
    except ValueError:
        return "write numbers as 0.93"
    return "its numbers have a decimal point: omit --decimal"


def written_numbers(table: Table, columns: Sequence[str]) -> list[str]:
    """Notes on the number format in the first rows of text columns."""
    texts = [name for name in columns if table.columns[name].kind == TEXT]
    batch = next(iter(table.batches(texts, 1024)), None) if texts else None
    cells = [cell for column in batch or () for cell in column.to_pylist() if cell]
    told = []
    points = any(table.columns[name].comma for name in texts)
    marks = [("%", "is read as a part of 100"), (",", "has a decimal comma")]
    for mark, words in [*marks, (".", "has points that divide thousands")][: 2 + points]:
        example = next((cell for cell in cells if mark in cell), None)
        if example is not None:
            told.append(f"{printable(example[:20])} {words}")
    return told


def smallest(n: int) -> type[np.signedinteger[Any]]:
    """The smallest integer dtype for 0..n-1 and -1."""
    return np.int8 if n <= 127 else np.int16 if n <= 32_767 else np.int32
