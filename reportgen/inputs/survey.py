"""One look at labels, predictions, confidences and ids of the whole table, before it is trusted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import DataError
from reportgen.inputs.cells import TextCells, as_index, not_a_number, numbers
from reportgen.inputs.roles import Roles
from reportgen.inputs.tables import TEXT, Table
from reportgen.text import printable, quoted

__all__ = [
    "MAX_VALUES",
    "NARROW_ROWS",
    "Survey",
    "confidences",
    "id_texts",
    "ignored_places",
    "printable_ids",
    "smallest",
    "take_survey",
]

MAX_VALUES = 1_000_000
"""Most different labels or predictions; more are no classes, but another column."""

NARROW_ROWS = 1 << 17
_SLACK = 1e-6  # a rounded probability may leave [0, 1] by this much
_EXAMPLES = 10

Mask = NDArray[np.bool_]


@dataclass
class Values:
    """The different texts of a column, and which of them each row has: 1 to 4 bytes a row.

    Attributes
    ----------
    counts
        Text → number of rows that have it and are not left out.
    places
        For each batch: place of the row's text in `counts`, shape (n,); -1 where the row is left
        out.
    """

    counts: dict[str, int] = field(default_factory=dict)
    places: list[NDArray[np.signedinteger[Any]]] = field(default_factory=list)
    _place: dict[str, int] = field(default_factory=dict)

    def add(self, texts: list[str], places: NDArray[np.int64], keep: Mask | None) -> None:
        """One batch: ``texts[places[i]]`` is what row i has."""
        counts = np.bincount(places if keep is None else places[keep], minlength=len(texts))
        lookup = np.full(len(texts), -1, np.int32)
        for i in np.flatnonzero(counts).tolist():
            text = texts[i]
            self.counts[text] = self.counts.get(text, 0) + int(counts[i])
            lookup[i] = self._place.setdefault(text, len(self._place))
        found = lookup.astype(smallest(len(self._place)))[places]
        if keep is not None:
            found[~keep] = -1
        self.places.append(found)

    def indices(self, of_text: Mapping[str, int]) -> NDArray[np.signedinteger[Any]]:
        """The class index of every row, shape (N,); -1 where it is left out."""
        lookup = np.array([*(of_text[text] for text in self._place), -1])
        small = lookup.astype(smallest(int(lookup.max()) + 1))
        empty = np.zeros(0, small.dtype)
        return np.concatenate([empty, *(small[places] for places in self.places)])


def smallest(n: int) -> type[np.signedinteger[Any]]:
    """The smallest integer type for 0..n-1 and -1."""
    return np.int8 if n <= 127 else np.int16 if n <= 32_767 else np.int32


@dataclass(frozen=True)
class Survey:
    """What the whole table holds.

    Attributes
    ----------
    labels, predictions
        The values of the two columns; the second is empty where there is no such column. Rows
        that are left out have the label -1.
    confidence
        float32, shape (N,), nan where there is none; None where reading it again costs less than
        holding it: text is parsed once.
    n_ignored
        Rows whose label is to be ignored.
    n_without_confidence, without_confidence
        Rows whose confidence is missing or not finite, and the first of them (from 0).
    least_confidence, n_below_half
        The smallest confidence, 1 where there are none; and the rows below 0.5.
    n_repeated_ids, repeated_ids
        Ids that more than one row has, and the first of them.
    """

    labels: Values
    predictions: Values
    confidence: NDArray[np.float32] | None = None
    n_ignored: int = 0
    n_without_confidence: int = 0
    without_confidence: tuple[int, ...] = ()
    least_confidence: float = 1.0
    n_below_half: int = 0
    n_repeated_ids: int = 0
    repeated_ids: tuple[str, ...] = ()


def take_survey(table: Table, roles: Roles, ignore_label: str | None) -> Survey:
    """Read the columns with a role, but for the scores, once.

    Raises :class:`DataError` with its place, where a confidence is no number in 0..1, or a column
    has too many values to be one of classes.
    """
    counting = _Counting(table, roles, ignore_label)
    columns = [c for c in (roles.label, roles.prediction, roles.confidence) if c is not None]
    for batch in table.batches(columns, NARROW_ROWS):
        counting.add(dict(zip(columns, batch.columns, strict=True)), len(batch))
    repeated = _repeated_ids(table, roles.id) if roles.id is not None else Counter()
    return Survey(
        labels=counting.labels,
        predictions=counting.predictions,
        confidence=np.concatenate(counting.parsed) if counting.parsed else None,
        n_ignored=counting.n_ignored,
        n_without_confidence=counting.n_without,
        without_confidence=tuple(counting.without),
        least_confidence=counting.least,
        n_below_half=counting.n_below_half,
        n_repeated_ids=len(repeated),
        repeated_ids=tuple(printable(sample) for sample in list(repeated)[:_EXAMPLES]),
    )


def ignored_places(texts: list[str], ignore_label: str | None) -> Mask | None:
    """Which of the texts are the label to ignore; None where there is no such label."""
    if ignore_label is None:
        return None
    wanted, number = ignore_label.strip(), as_index(ignore_label)
    return np.array(
        [
            text.strip() == wanted or (number is not None and as_index(text) == number)
            for text in texts
        ]
    )


def confidences(table: Table, column: str, array: Any, start: int) -> NDArray[np.float64]:
    """A batch's confidences, float64, shape (n,); nan where there is none.

    `start` is the row of the table that the batch begins at.
    """
    values = numbers(array, lambda row, cell: not_a_number(column, table.place(start + row), cell))
    if len(values) == 0 or (values.min() >= 0 and values.max() <= 1):  # not so where one is nan
        return values
    finite = np.isfinite(values)
    wrong = np.flatnonzero(finite & ((values < -_SLACK) | (values > 1 + _SLACK)))
    if len(wrong):
        value = values[wrong[0]]
        percent = 1 < value <= 100
        raise DataError(
            f"{table.place(start + int(wrong[0]))}: the confidence {value:.6g} "
            f"in column {quoted(column)} is no probability",
            slug="confidence-range",
            details=[f"{len(wrong):,} of {len(values):,} rows there are outside 0..1"],
            hint="divide percentages by 100"
            if percent
            else "the probability of the prediction is needed, or --confidence-column none",
        )
    values = np.clip(values, 0.0, 1.0)
    values[~finite] = np.nan
    return values


@dataclass
class _Counting:
    table: Table
    roles: Roles
    ignore_label: str | None
    labels: Values = field(default_factory=Values)
    predictions: Values = field(default_factory=Values)
    n_ignored: int = 0
    n_without: int = 0
    without: list[int] = field(default_factory=list)
    parsed: list[NDArray[np.float32]] = field(default_factory=list)
    least: float = 1.0
    n_below_half: int = 0
    n_rows: int = 0
    label_cells: TextCells = field(default_factory=TextCells)
    prediction_cells: TextCells = field(default_factory=TextCells)

    def add(self, batch: Mapping[str, Any], n: int) -> None:
        texts, places = self.label_cells(batch[self.roles.label])
        ignored = ignored_places(texts, self.ignore_label)
        keep = None if ignored is None else ~ignored[places]
        if keep is not None:
            self.n_ignored += int(n - np.count_nonzero(keep))
        if self.roles.confidence is not None:
            keep = self._with_confidence(batch[self.roles.confidence], keep)
        self._count(self.labels, self.roles.label, texts, places, keep)
        if self.roles.prediction is not None:
            texts, places = self.prediction_cells(batch[self.roles.prediction])
            self._count(self.predictions, self.roles.prediction, texts, places, keep)
        self.n_rows += n

    def _with_confidence(self, array: Any, keep: Mask | None) -> Mask | None:
        assert self.roles.confidence is not None
        values = confidences(self.table, self.roles.confidence, array, self.n_rows)
        if self.table.columns[self.roles.confidence].kind == TEXT:
            self.parsed.append(values.astype(np.float32))
        kept = values if keep is None else values[keep]
        self.least = min(self.least, float(np.fmin.reduce(kept, initial=1.0)))
        self.n_below_half += int(np.count_nonzero(kept < 0.5 - _SLACK))
        missing = np.isnan(values)
        if not missing.any():
            return keep
        missing &= True if keep is None else keep
        at = np.flatnonzero(missing)
        self.n_without += len(at)
        self.without += (self.n_rows + at[: _EXAMPLES - len(self.without)]).tolist()
        return ~missing if keep is None else keep & ~missing

    def _count(
        self,
        into: Values,
        column: str,
        texts: list[str],
        places: NDArray[np.int64],
        keep: Mask | None,
    ) -> None:
        into.add(texts, places, keep)
        if len(into.counts) > MAX_VALUES:
            raise DataError(
                f"column {quoted(column)} of {quoted(self.table.name)} has more than "
                f"{MAX_VALUES:,} different values: these are no classes",
                slug="too-many-classes",
                hint="name the right column, or give the class list with --classes",
            )


def _repeated_ids(table: Table, column: str) -> Counter[str]:
    """Ids that occur more than once, with their number.

    Ids in order are compared with their neighbours; else all are hashed, and only those whose
    hashes meet are looked at again, so that 10 million ids cost 160 MB.
    """
    if _in_order(table, column):
        return Counter()
    hashes = [_hashes(ids) for ids in _ids(table, column)]
    twice = _twice(np.concatenate(hashes))
    if len(twice) == 0:
        return Counter()
    suspects: Counter[str] = Counter()
    for ids, found in zip(_ids(table, column), hashes, strict=True):
        at = np.flatnonzero(np.isin(found, twice))
        suspects.update(ids.take(at).to_pylist())
    return Counter({sample: n for sample, n in suspects.items() if n > 1})


def _in_order(table: Table, column: str) -> bool:
    """Whether every id is larger than the one before it, in bytes or, as numbers are, in length
    and then in bytes: then none comes twice.
    """
    in_bytes = in_length = True
    last = None
    for ids in _ids(table, column):
        if len(ids) == 0:
            continue
        if last is not None:
            in_bytes, in_length = _ascends(_joined(last, ids[:1]), in_bytes, in_length)
        in_bytes, in_length = _ascends(ids, in_bytes, in_length)
        if not in_bytes and not in_length:
            return False
        last = ids[-1:]
    return True


def _joined(*arrays: Any) -> Any:
    import pyarrow as pa

    return pa.concat_arrays(arrays)


def _ascends(ids: Any, in_bytes: bool, in_length: bool) -> tuple[bool, bool]:
    """Whether each of the two orders, where it may still hold, holds for these ids too."""
    import pyarrow.compute as pc

    less = pc.less(ids[:-1], ids[1:])
    in_bytes = in_bytes and pc.all(less, min_count=0).as_py()
    if in_length and len(ids) > 1:
        lengths = pc.binary_length(ids)
        a, b = lengths[:-1], lengths[1:]
        same = pc.and_(pc.equal(a, b), less)
        in_length = pc.all(pc.or_(pc.less(a, b), same), min_count=0).as_py()
    return in_bytes, in_length


def _ids(table: Table, column: str) -> Iterator[Any]:
    for batch in table.batches([column], NARROW_ROWS):
        yield id_texts(batch.column(0))


def id_texts(array: Any) -> Any:
    """Ids as an Arrow array of text; a missing one is empty."""
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    array = array.cast(pa.string())
    return array.fill_null("") if array.null_count else array


def printable_ids(array: Any) -> Any:
    """Ids as an Arrow array of text on one line each, as reports show them and tables join them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = id_texts(array)
    if pc.all(pc.ascii_is_printable(texts), min_count=0).as_py():
        return texts
    return pa.array([printable(text) for text in texts.to_pylist()], pa.string())


_HASHED_BYTES = 256  # of longer texts the beginning; what meets is compared anyway
_MASKS = np.array([*((1 << 8 * k) - 1 for k in range(8)), (1 << 64) - 1], np.uint64)
_ODD = np.uint64(0x9E3779B97F4A7C15)


def _hashes(ids: Any) -> NDArray[np.uint64]:
    """64 bits of each text, shape (n,): equal for equal texts, eight bytes at a time.

    It only has to tell what can't be equal: what meets is compared, so that nobody gains by
    making texts meet.
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
        else:  # a text that has ended stays as it is, whatever stands beside it
            np.copyto(hashes, word, where=lengths > at)
    return hashes


Words = Iterator[NDArray[np.uint64]]


def _words(
    data: NDArray[np.uint8], starts: NDArray[np.int32], lengths: NDArray[np.int32], end: int
) -> Words:
    """Bytes 0..7, 8..15, … of every text, below `end`: uint64, shape (n,); 0 behind its end."""
    words = np.ndarray((len(data) - 7,), np.dtype("<u8"), data.data, strides=(1,))
    begins, left = starts.astype(np.int64), lengths.astype(np.int64)
    for at in range(0, end, 8):
        places = np.minimum(begins + at, len(words) - 1)
        yield words[places] & _MASKS[np.clip(left - at, 0, 8)]


def _words_of_one_length(
    data: NDArray[np.uint8], starts: NDArray[np.int32], lengths: NDArray[np.int32], end: int
) -> Words:
    """As :func:`_words`, of texts that are equally long: each begins where another ended."""
    width = int(lengths[0]) if len(lengths) else 0
    for at in range(0, end, 8):
        words = np.ndarray((len(starts),), np.dtype("<u8"), data.data, at, strides=(width,))
        yield words & _MASKS[min(width - at, 8)]


_SLOT_BITS = 24  # at most: 64 MB


def _twice(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The hashes that occur more than once, shape (m,), in order.

    Every hash puts its row into a slot. Two equal ones share it: either one of them is what stays
    there and the other meets it, or both lost the slot, and these few are sorted.
    """
    bits = min(len(hashes).bit_length() + 2, _SLOT_BITS)
    kept = np.empty(1 << bits, np.int32)
    pieces = [
        (start, hashes[start : start + NARROW_ROWS]) for start in range(0, len(hashes), NARROW_ROWS)
    ]
    for start, piece in pieces:
        kept[_slots(piece, bits)] = np.arange(start, start + len(piece), dtype=np.int32)
    lost = [np.zeros(0, np.uint64)]
    met = [np.zeros(0, np.uint64)]
    for start, piece in pieces:
        winners = kept[_slots(piece, bits)]
        losers = np.flatnonzero(winners != np.arange(start, start + len(piece), dtype=np.int32))
        lost.append(piece[losers])
        met.append(lost[-1][lost[-1] == hashes[winners[losers]]])
    ordered = np.sort(np.concatenate(lost))
    return np.unique(np.concatenate([*met, ordered[1:][ordered[1:] == ordered[:-1]]]))


def _slots(hashes: NDArray[np.uint64], bits: int) -> NDArray[np.int64]:
    """The first `bits` bits of each hash, which depend on all of the text."""
    return (hashes >> np.uint64(64 - bits)).view(np.int64)
