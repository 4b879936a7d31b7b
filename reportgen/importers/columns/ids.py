"""Sample ids, and columns kept in the order of other rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import DataError
from reportgen.importers.columns.cells import not_a_number, numbers, smallest, with_points
from reportgen.importers.formats.tables import NARROW_ROWS, NUMBER, Table, is_text_type
from reportgen.text import listing, plural, printable, quoted

__all__ = [
    "PrintableIds",
    "SampleColumn",
    "id_texts",
    "printable_ids",
    "repeated_ids",
    "require_distinct_ids",
    "sample_columns",
]


def repeated_ids(table: Table, column: str) -> Counter[str]:
    """Ids that occur more than once, with their number of occurrences.

    Sorted ids are compared with their neighbours; others are hashed, and only ids with equal hashes
    are compared, so that 10 million ids need 160 MB.
    """
    if _in_order(table, column):
        return Counter()
    hashes = np.empty(table.n_rows, np.uint64)  # allocated once: joining would double the memory
    for start, ids in _numbered(_ids(table, column, _HASHED_ROWS)):
        hashes[start : start + len(ids)] = _hashes(ids)
    twice = _twice(hashes)
    if len(twice) == 0:
        return Counter()
    suspects: Counter[str] = Counter()
    for start, ids in _numbered(_ids(table, column)):
        at = np.flatnonzero(np.isin(hashes[start : start + len(ids)], twice))
        suspects.update(ids.take(at).to_pylist())
    return Counter({sample: n for sample, n in suspects.items() if n > 1})


def require_distinct_ids(table: Table, column: str, way_out: Callable[[], str]) -> None:
    """Raise :class:`DataError` (``ids-repeated``) if two rows have the same id.

    `way_out` gives the first part of the hint.
    """
    repeated = repeated_ids(table, column)
    if not repeated:
        return
    first = next(iter(repeated))
    one, other = islice(_rows_with(table, column, first), 2)
    raise DataError(
        f"the id {quoted(first)} appears in two rows of {quoted(table.name)}: "
        f"{table.place(one)} and {table.place(other)}",
        slug="ids-repeated",
        details=[f"{plural(len(repeated), 'id')} more than once: {listing(list(repeated))}"],
        hint=f"{way_out()}; if {quoted(column)} does not name samples: --id-column none",
    )


def _rows_with(table: Table, column: str, wanted: str) -> Iterator[int]:
    """The row indices of these ids."""
    import pyarrow.compute as pc

    for start, ids in _numbered(_ids(table, column)):
        yield from (start + pc.indices_nonzero(pc.equal(ids, wanted)).to_numpy()).tolist()


def _in_order(table: Table, column: str) -> bool:
    """Whether ids strictly increase, as bytes or by length and then as bytes (as numbers do)."""
    in_bytes = in_length = True
    last = None
    for ids in _ids(table, column):
        if len(ids) == 0:
            continue
        if last is not None:
            in_bytes, in_length = _ascends(_join(last, ids[:1]), in_bytes, in_length)
        in_bytes, in_length = _ascends(ids, in_bytes, in_length)
        if not in_bytes and not in_length:
            return False
        last = ids[-1:]
    return True


def _join(*arrays: Any) -> Any:
    import pyarrow as pa

    return pa.concat_arrays(arrays)


def _ascends(ids: Any, in_bytes: bool, in_length: bool) -> tuple[bool, bool]:
    """Whether each of the two orders, if not yet ruled out, applies to these ids too."""
    import pyarrow.compute as pc

    less = pc.less(ids[:-1], ids[1:])
    in_bytes = in_bytes and pc.all(less, min_count=0).as_py()
    if in_length and len(ids) > 1:
        lengths = pc.binary_length(ids)
        a, b = lengths[:-1], lengths[1:]
        same = pc.and_(pc.equal(a, b), less)
        in_length = pc.all(pc.or_(pc.less(a, b), same), min_count=0).as_py()
    return in_bytes, in_length


def _ids(table: Table, column: str, rows: int = NARROW_ROWS) -> Iterator[Any]:
    for batch in table.batches([column], rows):
        yield id_texts(batch.column(0))


def _numbered(pieces: Iterator[Any]) -> Iterator[tuple[int, Any]]:
    """(first row, block) of each block."""
    start = 0
    for piece in pieces:
        yield start, piece
        start += len(piece)


def id_texts(array: Any) -> Any:
    """Ids as an Arrow array of text; a missing id is empty."""
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    array = array.cast(pa.string())
    return array.fill_null("") if array.null_count else array


def printable_ids(array: Any) -> Any:
    """Ids as an Arrow array of printable text, as shown in reports and used for joins."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = id_texts(array)
    if pc.all(pc.ascii_is_printable(texts), min_count=0).as_py():
        return texts
    return pa.array([printable(text) for text in texts.to_pylist()], pa.string())


@dataclass(frozen=True, eq=False)
class PrintableIds:
    """The ids of some rows, converted to text on demand: most are never needed.

    ``ids[i]``, ``len(ids)``, iteration and ``np.asarray(ids)`` work as for an object array.

    Attributes
    ----------
    array
        An Arrow column with ids.
    rows
        Its row indices, shape (n,); None for all.
    """

    array: Any
    rows: NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return len(self.array) if self.rows is None else len(self.rows)

    def __getitem__(self, at: Any) -> Any:
        if not isinstance(at, (int, np.integer)):
            return np.asarray(self)[at]
        row = int(at if self.rows is None else self.rows[at])
        if is_text_type(self.array.type):
            return printable(self.array[row].as_py() or "")
        return printable_ids(self.array.slice(row, 1))[0].as_py()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        array = self.array if self.rows is None else self.array.take(self.rows)
        texts: NDArray[Any] = printable_ids(array).to_numpy(zero_copy_only=False)
        return texts if dtype is None else texts.astype(dtype)

    def tolist(self) -> list[str]:
        """All of them as a list."""
        texts: list[str] = np.asarray(self).tolist()
        return texts


_HASHED_ROWS = 1 << 14  # rows at once: the intermediate arrays stay in the cache


_HASHED_BYTES = 256  # only the beginning of longer texts: equal hashes are compared anyway


_MASKS = np.array([*((1 << 8 * k) - 1 for k in range(8)), (1 << 64) - 1], np.uint64)


_ODD = np.uint64(0x9E3779B97F4A7C15)


def _hashes(ids: Any) -> NDArray[np.uint64]:
    """64-bit hashes of texts, shape (n,), eight bytes at a time.

    Equal hashes are compared afterwards, so collisions are harmless.
    """
    _, offsets_buffer, data_buffer = ids.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int32)[ids.offset : ids.offset + len(ids) + 1]
    first, last = int(offsets[0]), int(offsets[-1])
    data = np.zeros(last - first + 8, np.uint8)
    if last > first:
        data[:-8] = np.frombuffer(data_buffer, np.uint8)[first:last]
    lengths = np.diff(offsets)
    longest = int(lengths.max(initial=0))
    shortest = int(lengths.min(initial=longest))
    words = _words_of_one_length if shortest == longest else _words
    hashes: NDArray[np.uint64] = lengths.astype(np.uint64)
    hashes *= _ODD
    found = words(data, offsets[:-1] - first, lengths, min(longest, _HASHED_BYTES))
    for at, word in zip(range(0, longest, 8), found, strict=False):
        word ^= hashes
        word *= _ODD
        word ^= word >> np.uint64(29)
        if at < shortest:
            hashes = word
        else:  # a text that has ended stays as it is, whatever follows it
            np.copyto(hashes, word, where=lengths > at)
    return hashes


Words = Iterator[NDArray[np.uint64]]


def _words(
    data: NDArray[np.uint8], starts: NDArray[np.int32], lengths: NDArray[np.int32], end: int
) -> Words:
    """Bytes 0..7, 8..15, … of every text as uint64, shape (n,); 0 after its end."""
    words = np.ndarray((len(data) - 7,), np.dtype("<u8"), data.data, strides=(1,))
    begins, left = starts.astype(np.int64), lengths.astype(np.int64)
    for at in range(0, end, 8):
        places = np.minimum(begins + at, len(words) - 1)
        yield words[places] & _MASKS[np.clip(left - at, 0, 8)]


def _words_of_one_length(
    data: NDArray[np.uint8], starts: NDArray[np.int32], lengths: NDArray[np.int32], end: int
) -> Words:
    """As :func:`_words`, for texts of equal length stored contiguously."""
    width = int(lengths[0]) if len(lengths) else 0
    for at in range(0, end, 8):
        words = np.ndarray((len(starts),), np.dtype("<u8"), data.data, at, strides=(width,))
        yield words & _MASKS[min(width - at, 8)]


_SLOT_BITS = 24  # at most 16 MB


def _twice(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The hashes that occur more than once, shape (m,), sorted.

    Equal hashes share a slot for any choice of bits: two passes with different bits remove most
    others, and the rest is sorted.
    """
    left = hashes
    for unused in (0, _SLOT_BITS):
        left = _in_shared_slots(left, unused)
    ordered = np.sort(left)
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])


def _in_shared_slots(hashes: NDArray[np.uint64], unused: int) -> NDArray[np.uint64]:
    """The hashes whose slot another one shares; slots use the bits after the first `unused`."""
    bits = min(len(hashes).bit_length() + 2, _SLOT_BITS)
    counts = np.zeros(1 << bits, np.uint8)
    pieces = [hashes[start : start + _HASHED_ROWS] for start in range(0, len(hashes), _HASHED_ROWS)]
    for piece in pieces:
        np.add.at(counts, _slots(piece, unused, bits), np.uint8(1))
    shared = [np.zeros(0, np.uint64)]
    shared += (piece[counts[_slots(piece, unused, bits)] != 1] for piece in pieces)
    n_alone = len(hashes) - sum(map(len, shared))
    if n_alone != np.count_nonzero(counts == 1):  # a count of 257 wraps to 1
        return hashes
    return np.concatenate(shared)


def _slots(hashes: NDArray[np.uint64], unused: int, bits: int) -> NDArray[np.int64]:
    """`bits` bits of each hash, after the first `unused`; they depend on the whole text."""
    slots = hashes << np.uint64(unused)
    slots >>= np.uint64(64 - bits)
    return slots.view(np.int64)


_FEW = 1 << 16
"""Up to this many distinct texts are kept as Python objects, shared by batches."""


Places = NDArray[np.signedinteger[Any]]


class SampleColumn(Protocol):
    """The values of one column, for all samples."""

    @property
    def name(self) -> str:
        """Column name in its table."""

    def values(self, start: int, stop: int) -> NDArray[Any]:
        """Values of samples start..stop-1: float64 with nan, or objects: texts, ``""`` for none."""


@dataclass(frozen=True, eq=False)
class _Numbers:
    """float64, shape (samples,)."""

    name: str
    every: NDArray[np.float64]

    def values(self, start: int, stop: int) -> NDArray[Any]:
        return self.every[start:stop]


@dataclass(frozen=True, eq=False)
class _Texts:
    """Each sample's index into the distinct texts, an Arrow array; -1 if missing."""

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
    """Read the named columns once.

    Parameters
    ----------
    names
        Columns of text, booleans or numbers.
    rows
        int32, shape (samples,): the table row of each sample, -1 for none.
    """
    pieces: dict[str, list[Any]] = {name: [] for name in names}
    for batch in table.batches(list(names), NARROW_ROWS):
        for name, array in zip(names, batch.columns, strict=True):
            number = table.columns[name].kind == NUMBER
            pieces[name].append(_numbers_of(table, name, array) if number else _encode(array))
    return [
        _numbers(name, pieces.pop(name), rows)
        if table.columns[name].kind == NUMBER
        else _texts(name, pieces.pop(name), rows, comma=table.columns[name].comma)
        for name in names
    ]


def _numbers_of(table: Table, name: str, array: Any) -> NDArray[np.float64]:
    return numbers(array, lambda _, cell: not_a_number(name, table.name, cell))


def _numbers(name: str, pieces: list[NDArray[np.float64]], rows: NDArray[np.int32]) -> _Numbers:
    every = np.concatenate([*pieces, [np.nan]])
    return _Numbers(name, every[rows])


def _encode(array: Any) -> Any:
    """A column of text or booleans, dictionary-encoded as text."""
    import pyarrow as pa

    wanted = pa.dictionary(pa.int32(), pa.string())
    if array.type == wanted:
        return array
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array.cast(pa.string()).dictionary_encode()


def _texts(name: str, pieces: list[Any], rows: NDArray[np.int32], *, comma: bool) -> _Texts:
    import pyarrow as pa

    kind = pa.dictionary(pa.int32(), pa.string())
    chunks = pa.chunked_array(pieces, kind).unify_dictionaries().chunks
    none = np.array([-1], np.int32)
    places = np.concatenate([*(c.indices.fill_null(-1).to_numpy() for c in chunks), none])
    texts = chunks[0].dictionary if chunks else pa.array([], pa.string())
    if comma:
        texts = pa.array(with_points(texts.to_pylist(), comma=True), pa.string())
    return _Texts(name, texts, places.astype(smallest(len(texts)))[rows])
