"""The same samples in several rows: several crops, ranks or models, one row each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.importers.columns.cells import TextCells
from reportgen.importers.columns.ids import id_texts, repeated_ids
from reportgen.importers.columns.words import COMMON_NAMES, folded
from reportgen.importers.formats.tables import (
    BOOLEAN,
    NARROW_ROWS,
    NUMBER,
    TEXT,
    Table,
    is_weak_name,
)

__all__ = [
    "MOST_VALUES",
    "Repetition",
    "dividing_column",
    "repetition",
]


MOST_VALUES = 50
"""A column with more values does not divide a table into copies of the same samples."""


_FEWEST_SAMPLES = 10
"""With fewer samples, two groups of rows may have the same labels by chance."""


_FILE = re.compile(r".+\.(?:jpe?g|png|bmp|gif|tiff?|webp|npy|dcm)", re.IGNORECASE | re.DOTALL)


_ENDINGS = (
    "id",
    "uuid",
    "path",
    "file",
    "filename",
    "url",
    "uri",
    "key",
    "hash",
    "name",
    "number",
    "index",
    "idx",
    "row",
)


_WORDS = frozenset({"sample", "item", "photo", "picture", "document", "frame", "md5", "sha256"})


@dataclass(frozen=True)
class Repetition:
    """Rows of the same samples.

    Attributes
    ----------
    samples
        The column with the same values in every group of rows.
    divided_by
        The column that divides the rows into these groups.
    counted
        Each of its values → number of rows.
    """

    samples: str
    divided_by: str
    counted: Mapping[str, int]


def dividing_column(table: Table, samples: str, taken: Iterable[str]) -> Repetition | None:
    """The first column, other than those `taken`, within whose values no sample is repeated."""
    cells = _numbered(table, samples).rows
    for column in _dividing(table, {samples, *taken}):
        if (counted := _divided(table, cells, column)) is not None:
            return Repetition(samples, column, counted)
    return None


def repetition(
    table: Table, label: str, taken: Iterable[str], *, has_id: bool
) -> Repetition | None:
    """Rows that a column divides into groups of the same samples with the same labels.

    Samples are recognised by a column that seems to name them: by its name, or by file names in its
    cells. Each group has all samples, once.

    Parameters
    ----------
    taken
        Columns that are neither.
    has_id
        Whether the ids of the table are distinct: then only other common names of ids count,
        because a patient may have several images.
    """
    others = {label, *taken}
    for name in _naming(table, others, has_id=has_id):
        if not _may_repeat(table, name):
            continue
        repeated = repeated_ids(table, name)
        times = set(repeated.values())
        if len(repeated) < _FEWEST_SAMPLES or len(times) != 1 or max(times) > MOST_VALUES:
            continue
        if len(repeated) * times.pop() != table.n_rows:
            continue
        samples, labels = _numbered(table, name), _numbered(table, label)
        if len(labels.counted) < 2 or _n_pairs(samples.rows, labels.rows) != len(repeated):
            continue
        for column in _dividing(table, {name, *others}):
            counted = _divided(table, samples.rows, column)
            if counted is not None and len(counted) * len(repeated) == table.n_rows:
                return Repetition(name, column, counted)
    return None


_PROBED = 8


def _may_repeat(table: Table, column: str) -> bool:
    """Whether a few of a column's values occur equally often, and more than once.

    It costs much less than counting all values.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    probes: list[Any] = []
    times = np.zeros(_PROBED, np.int64)
    for batch in table.batches([column], NARROW_ROWS):
        array = batch.column(0)
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        if not probes and len(array):
            probes = [array[i] for i in np.linspace(0, len(array) - 1, _PROBED).astype(int)]
        for i, probe in enumerate(probes):
            times[i] += pc.sum(pc.equal(array, probe)).as_py() or 0
    return 1 < times[0] <= MOST_VALUES and bool((times == times[0]).all())


def _naming(table: Table, others: set[str], *, has_id: bool) -> list[str]:
    """The columns that seem to name samples."""
    known = [c for c in table.columns.values() if c.name not in others]
    common = [c.name for c in known if folded(c.name) in COMMON_NAMES["id"] and c.kind == TEXT]
    if has_id:
        return common
    named = [c.name for c in known if c.kind in (TEXT, NUMBER) and _may_name(c.name)]
    texts = [c.name for c in known if c.kind == TEXT and c.name not in named]
    if not texts or not table.n_rows:
        return named
    batch = next(iter(table.batches(texts, 1)))
    firsts = zip(texts, batch.columns, strict=True)
    files = [name for name, array in firsts if _FILE.fullmatch(str(id_texts(array)[0]))]
    return [*named, *files]


def _may_name(column: str) -> bool:
    name = folded(column)
    return name in _WORDS or name.endswith(_ENDINGS) or is_weak_name(column)


def _dividing(table: Table, others: set[str]) -> list[str]:
    """The columns that may divide the rows: not numbers with decimals, few values at the start."""
    free = [
        c.name
        for c in table.columns.values()
        if c.name not in others and c.kind in (TEXT, NUMBER, BOOLEAN)
    ]
    if not free or not table.n_rows:
        return []
    first = next(iter(table.batches(free, _FIRST_ROWS)))
    return [
        name
        for name, array in zip(free, first.columns, strict=True)
        if len(np.unique(TextCells()(array)[1])) <= MOST_VALUES
    ]


_FIRST_ROWS = 1000


def _divided(table: Table, samples: NDArray[np.int64], column: str) -> Mapping[str, int] | None:
    """The values of `column` and their numbers of rows, if none has a sample twice."""
    found = _numbered(table, column, MOST_VALUES)
    if not 1 < len(found.counted) <= MOST_VALUES:
        return None
    return found.counted if _n_pairs(samples, found.rows) == table.n_rows else None


def _n_pairs(a: NDArray[np.int64], b: NDArray[np.int64]) -> int:
    """Number of different pairs (a[i], b[i])."""
    return len(np.unique(a * (int(b.max(initial=0)) + 1) + b))


@dataclass(frozen=True)
class _Numbered:
    """The texts of a column with their numbers of rows, and each row's text as a number."""

    counted: Mapping[str, int]
    rows: NDArray[np.int64]


def _numbered(table: Table, column: str, most: int | None = None) -> _Numbered:
    """The cells of a column; of one with more than `most` texts only the first rows."""
    counted, places, pieces = Counter[str](), dict[str, int](), [np.zeros(0, np.int64)]
    read = TextCells()
    for batch in table.batches([column], NARROW_ROWS):
        texts, at = read(batch.column(0))
        times = np.bincount(at, minlength=len(texts))
        lookup = np.full(len(texts), -1, np.int64)
        for i in np.flatnonzero(times).tolist():
            lookup[i] = places.setdefault(texts[i], len(places))
            counted[texts[i]] += int(times[i])
        pieces.append(lookup[at])
        if most is not None and len(counted) > most:
            break
    return _Numbered(counted, np.concatenate(pieces))
