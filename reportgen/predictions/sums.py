"""Summary facts over all samples, computed from the rows of their parts in bounded memory."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BadSample",
    "SamePairs",
    "Sums",
    "data_fingerprint",
    "listing_of",
    "sum_up",
    "table_digest",
]


_BATCH_ROWS = 65_536


_COMPARED_AT_ONCE = 1 << 23  # rows whose hashes are in memory at once: 64 MB


_MAX_EXAMPLES = 10


_EMPTY = np.frombuffer(hashlib.sha256(b"").digest(), "<u8")[:2]


Read = Callable[[Sequence[str]], Iterator[Any]]
"""Reads the named columns of all parts, as Arrow tables in the order of the samples."""


@dataclass(frozen=True)
class BadSample:
    """An unreadable sample."""

    id: str
    reason: str


@dataclass(frozen=True)
class SamePairs:
    """Samples with the content of an earlier one: their number, and (earlier, later) ids of ten."""

    n: int = 0
    examples: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Sums:
    """Sums over the rows of a run or shard.

    Attributes
    ----------
    n_rows
        Number of samples, including unreadable ones.
    bad
        The unreadable samples, in order.
    flags
        Value of ``flags`` → number of readable samples with it.
    listing
        SHA-256 over ids and labels: see :func:`listing_of`.
    data
        SHA-256 over ids, class names and content: see :func:`data_fingerprint`; "" if no sample's
        content is known.
    same, across
        Samples with the same content as another, and those whose label differs. Empty files are not
        counted.
    is_ordered
        Whether the rows are sorted by unique ids.
    """

    n_rows: int = 0
    bad: tuple[BadSample, ...] = ()
    flags: Mapping[int, int] = field(default_factory=dict)
    listing: str = ""
    data: str = ""
    same: SamePairs = field(default_factory=SamePairs)
    across: SamePairs = field(default_factory=SamePairs)
    is_ordered: bool = True


def sum_up(read: Read, classes: Sequence[str]) -> Sums:
    """Sum up rows in the order of the samples; `classes` are the names of the labels."""
    import pyarrow as pa

    listing, data = hashlib.sha256(), hashlib.sha256()
    bad: list[BadSample] = []
    flags: Counter[int] = Counter()
    n_rows = n_known = 0
    last, is_ordered = pa.array([], pa.string()), True
    for table in read(("id", "label", "flags", "reason", "digest")):
        n_rows += len(table)
        last, in_order = _continued(last, table["id"])
        is_ordered = is_ordered and in_order
        listing.update(_listing_bytes(table["id"], table["label"]))
        known = table.filter(table["digest"].is_valid())
        n_known += len(known)
        data.update(_data_bytes(known["id"], known["label"], known["digest"], classes))
        wrong = table.filter(table["reason"].is_valid())
        bad += [BadSample(row["id"], row["reason"]) for row in wrong.to_pylist()]
        usable = table.filter(table["reason"].is_null())["flags"].to_numpy()
        for value, n in zip(*np.unique(usable, return_counts=True), strict=True):
            flags[int(value)] += int(n)
    same, across = _same_content(read, n_known) if n_known else (SamePairs(), SamePairs())
    return Sums(
        n_rows, tuple(bad), dict(flags), listing.hexdigest(), data.hexdigest() if n_known else "",
        same, across, is_ordered,
    )  # fmt: skip


def _continued(last: Any, ids: Any) -> tuple[Any, bool]:
    """(the last id as an array, whether all ids ascend and are above `last`)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    every = pa.concat_arrays([last, *ids.chunks])
    falls = pc.any(pc.greater_equal(every[:-1], every[1:])).as_py()
    return every[max(len(every) - 1, 0) :], not falls


def table_digest(table: Any) -> str:
    """SHA-256 (hexadecimal) of schema and rows of an Arrow table."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return hashlib.sha256(sink.getvalue()).hexdigest()


def listing_of(ids: Sequence[str], labels: NDArray[np.int32]) -> str:
    """SHA-256 (hexadecimal) over ``id NUL label LF`` of samples in order; labels are indices."""
    import pyarrow as pa

    whole = hashlib.sha256()
    for at in range(0, len(ids), _BATCH_ROWS):
        names = pa.array(ids[at : at + _BATCH_ROWS], pa.string())
        whole.update(_listing_bytes(names, pa.array(labels[at : at + _BATCH_ROWS], pa.int32())))
    return whole.hexdigest()


def data_fingerprint(
    ids: Sequence[str],
    labels: NDArray[np.int32],
    digests: Iterable[bytes | None],
    classes: Sequence[str],
) -> str:
    """SHA-256 (hexadecimal) over ``id NUL class NUL content hash`` of samples in order.

    `digests` are the hashes of their content, 32 bytes; samples without one are omitted.
    """
    import pyarrow as pa

    whole = hashlib.sha256()
    given = iter(digests)
    for at in range(0, len(ids), _BATCH_ROWS):
        names = ids[at : at + _BATCH_ROWS]
        content = pa.array([next(given) for _ in names], pa.binary(32))
        table = pa.table(
            {"id": names, "label": labels[at : at + _BATCH_ROWS], "digest": content}
        ).filter(content.is_valid())
        whole.update(_data_bytes(table["id"], table["label"], table["digest"], classes))
    return whole.hexdigest()


def _listing_bytes(ids: Any, labels: Any) -> Any:
    import pyarrow.compute as pc

    rows = pc.binary_join_element_wise(ids, labels.cast("string"), "\0")
    return _values(pc.binary_join_element_wise(rows, "", "\n"))


def _data_bytes(ids: Any, labels: Any, digests: Any, classes: Sequence[str]) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    names = pa.array([*classes, ""], pa.string())  # the last one is for unlabelled samples
    places = pc.if_else(pc.less(labels, 0), len(classes), labels).cast("int32")
    parts = (one.cast("binary") for one in (ids, names.take(places), digests))
    return _values(pc.binary_join_element_wise(*parts, b"\0"))


def _values(column: Any) -> bytes:
    """All values of a text or binary column without nulls, concatenated."""
    import pyarrow as pa

    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    return b"".join(_chunk_values(chunk) for chunk in chunks if len(chunk))


def _chunk_values(chunk: Any) -> memoryview:
    _, offsets, values = chunk.buffers()
    ends = np.frombuffer(offsets, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
    return memoryview(values or b"")[ends[0] : ends[-1]]


def _same_content(read: Read, n_known: int) -> tuple[SamePairs, SamePairs]:
    """Samples with the same content, and those with different labels.

    With many rows, hashes are compared in several passes, each for a part of them.
    """
    n_passes = -(-n_known // _COMPARED_AT_ONCE)
    n_same = n_across = 0
    same = across = np.zeros((0, 2), np.int64)
    for number in range(n_passes):
        repeated = _repeated(read, number, n_passes)
        if not len(repeated):
            continue
        pairs, differ = _pairs(*_hashes(read, repeated))
        n_same, n_across = n_same + len(pairs), n_across + int(differ.sum())
        same = _least(np.concatenate([same, pairs]))
        across = _least(np.concatenate([across, pairs[differ]]))
    names = _names(read, np.unique(np.concatenate([same, across])))
    return _named(n_same, same, names), _named(n_across, across, names)


def _repeated(read: Read, number: int, n_passes: int) -> NDArray[np.uint64]:
    """The first quarters of repeated hashes, sorted, for pass `number`."""
    found = []
    for table in read(("digest",)):
        _, halves = _halves(table["digest"])
        first = halves[:, 0]
        found.append(first[first % np.uint64(n_passes) == number] if n_passes > 1 else first.copy())
    every = np.concatenate(found)
    every.sort()
    return np.unique(every[1:][every[1:] == every[:-1]])


def _hashes(
    read: Read, wanted: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], NDArray[np.int32], NDArray[np.int64]]:
    """The first halves of hashes whose beginning is in `wanted`, shape (n, 2); labels; rows."""
    hashes, labels, rows = [], [], []
    start = 0
    for table in read(("label", "digest")):
        known, halves = _halves(table["digest"])
        place = np.minimum(np.searchsorted(wanted, halves[:, 0]), len(wanted) - 1)
        here = (wanted[place] == halves[:, 0]) & (halves != _EMPTY).any(axis=1)
        hashes.append(halves[here])
        rows.append(start + known[here])
        labels.append(table["label"].to_numpy()[known[here]])
        start += len(table)
    return np.concatenate(hashes), np.concatenate(labels), np.concatenate(rows)


def _halves(digests: Any) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """The indices of rows with a hash, and the first halves of the hashes, shape (n, 2)."""
    known = np.flatnonzero(digests.is_valid().to_numpy())
    content = b"".join(
        chunk.buffers()[1][32 * chunk.offset : 32 * (chunk.offset + len(chunk))]
        for chunk in digests.chunks
        if len(chunk)
    )
    return known, np.frombuffer(content, "<u8").reshape(-1, 4)[known, :2]


def _pairs(
    hashes: NDArray[np.uint64], labels: NDArray[np.int32], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(row of the first, row of the later) for each repetition, and whether their labels differ."""
    order = np.lexsort((rows, hashes[:, 1], hashes[:, 0]))
    ordered = hashes[order]
    later = np.zeros(len(order), np.bool_)
    later[1:] = (ordered[1:] == ordered[:-1]).all(axis=1)
    first = np.maximum.accumulate(np.where(later, 0, np.arange(len(order))))
    one, other = order[first[later]], order[later]
    differ = (labels[one] != labels[other]) & (labels[one] >= 0) & (labels[other] >= 0)
    return np.stack([rows[one], rows[other]], axis=1), differ


def _least(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))[:_MAX_EXAMPLES]]


def _names(read: Read, rows: NDArray[np.int64]) -> dict[int, str]:
    """Row index → id, for a few rows."""
    found: dict[int, str] = {}
    if not len(rows):
        return found
    start = 0
    for table in read(("id",)):
        here = rows[(rows >= start) & (rows < start + len(table))]
        names = table["id"].take(here - start).to_pylist()
        found.update(zip(here.tolist(), names, strict=True))
        start += len(table)
    return found


def _named(n: int, pairs: NDArray[np.int64], names: Mapping[int, str]) -> SamePairs:
    return SamePairs(n, tuple((names[one], names[other]) for one, other in pairs.tolist()))
