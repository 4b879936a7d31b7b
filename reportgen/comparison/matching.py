"""Matches the rows of two tables by sample id, without keeping the ids in memory.

Of each id, 64 bits of a randomly keyed hash are kept. Rows with equal hashes are verified with a
second, independent hash; if that differs, everything is repeated with other keys. So an accidental
match requires 128 equal bits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count as count_from
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.comparison.compared_rows import Arrays, align_rows
from reportgen.errors import DataError
from reportgen.predictions import PredictionRows
from reportgen.text import listing, plural

__all__ = [
    "Match",
    "ids_at",
    "match_rows",
]


Hashes = NDArray[np.int64]


Places = NDArray[np.integer[Any]]


_NONE = -1


_BLOCK = 1 << 18


_CHECKED = 1_000


@dataclass(frozen=True)
class Match:
    """Rows of two sides with the same samples.

    Attributes
    ----------
    n_baseline, n_candidate
        Number of rows of both sides.
    rows
        For each candidate row, the baseline row, -1 for none: shape (n_candidate,); None if both
        have the same samples in the same order.
    """

    n_baseline: int
    n_candidate: int
    rows: Places | None


def match_rows(baseline: PredictionRows, candidate: PredictionRows) -> Match:
    """Match rows by id in bounded memory, about 30 bytes per row.

    Raises :class:`DataError` if an id has more than one row on the same side.
    """
    for attempt in count_from():
        keys = f"{attempt}:" if attempt else "", f"{attempt};"
        found = _attempt(baseline, candidate, keys)
        if found is not None:
            return found
    raise AssertionError("unreachable")


def _attempt(
    baseline: PredictionRows, candidate: PredictionRows, keys: tuple[str, str]
) -> Match | None:
    """The match with these hash keys; None if two different ids have the same hash."""
    of_baseline, of_candidate, same = _hashes_of_both(baseline, candidate, keys[0])
    sides = [("baseline", baseline, of_baseline)]
    if not same:
        sides.append(("candidate", candidate, of_candidate))
    for side, rows, hashes in sides:
        repeated = _match_hashes(hashes)
        if len(repeated):
            _refuse_repeated(side, rows, hashes, repeated)
            return None
    n_baseline, n_candidate = len(of_baseline), len(of_candidate)
    if same:
        return Match(n_baseline, n_candidate, None)
    found = _rows_of(of_baseline, of_candidate)
    del of_baseline, of_candidate, sides, hashes
    if not _agree(baseline, candidate, found, keys[1]):
        return None
    return Match(n_baseline, n_candidate, found)


def _hash_ids(ids: NDArray[Any], key: str) -> Hashes:
    texts: list[str] = ids.tolist()
    if key:
        return np.fromiter((hash(key + text) for text in texts), np.int64, len(texts))
    return np.fromiter(map(hash, texts), np.int64, len(texts))


def _hashes_of_both(
    baseline: PredictionRows, candidate: PredictionRows, key: str
) -> tuple[Hashes, Hashes, bool]:
    """The hashes of both, and whether their ids (not just the hashes) are equal, in order."""
    kept: tuple[list[Hashes], list[Hashes]] = [], []

    def hashing(rows: PredictionRows, into: list[Hashes]) -> Iterator[Arrays]:
        for batch in rows.batches("id"):
            into.append(_hash_ids(batch["id"], key))
            yield batch

    streams = hashing(baseline, kept[0]), hashing(candidate, kept[1])
    same = True
    for one, other in align_rows(*streams):
        same = bool(np.array_equal(one["id"], other["id"]))
        if not same:
            break
    for stream in streams:  # the rest of the longer side, or after the first difference
        for _ in stream:
            pass
    of_baseline, of_candidate = map(_join, kept)
    return of_baseline, of_candidate, same and len(of_baseline) == len(of_candidate)


def _join(parts: Sequence[Hashes]) -> Hashes:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _match_hashes(hashes: Hashes) -> Hashes:
    """Values that occur more than once, without repetition."""
    ordered = np.sort(hashes)
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])


def _refuse_repeated(side: str, rows: PredictionRows, hashes: Hashes, repeated: Hashes) -> None:
    """Raise if the first of the repeated hashes belong to repeated ids; return otherwise."""
    seen: Counter[str] = Counter()
    start = 0
    for batch in rows.batches("id"):
        n = len(batch["id"])
        at = np.flatnonzero(np.isin(hashes[start : start + n], repeated[:_CHECKED]))
        seen.update(batch["id"][at].tolist())
        start += n
    twice = sorted(name for name, n in seen.items() if n > 1)
    if twice:
        raise DataError(
            f"{plural(len(repeated), 'sample id')} of the {side} "
            f"{'is' if len(repeated) == 1 else 'are'} used in more than one row",
            slug="compare-repeated-ids",
            details=[f"repeated: {listing(twice[:5])}"],
            hint="give each row a unique id, or specify the id column with --id-column",
        )


def _rows_of(baseline: Hashes, candidate: Hashes) -> Places:
    """For each hash of the candidate, its index in the baseline, or -1."""
    kind = np.int32 if max(len(baseline), len(candidate)) < 2**31 else np.int64
    order = np.argsort(baseline).astype(kind)
    ordered = baseline[order]
    found: Places = np.full(len(candidate), _NONE, kind)
    for start in range(0, len(candidate) if len(baseline) else 0, _BLOCK):
        wanted = candidate[start : start + _BLOCK]
        rising = np.argsort(wanted)  # neighbours are then looked up near each other
        wanted = wanted[rising]
        at = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
        found[start + rising] = np.where(ordered[at] == wanted, order[at], _NONE)
    return found


def _agree(baseline: PredictionRows, candidate: PredictionRows, found: Places, key: str) -> bool:
    """Whether the matched rows have equal second hashes too."""
    of_baseline = _join([_hash_ids(batch["id"], key) for batch in baseline.batches("id")])
    start = 0
    for batch in candidate.batches("id"):
        at = found[start : start + len(batch["id"])]
        start += len(at)
        there = at >= 0
        if not np.array_equal(_hash_ids(batch["id"], key)[there], of_baseline[at[there]]):
            return False
    return True


def ids_at(rows: PredictionRows, wanted: NDArray[Any]) -> list[str]:
    """The ids of a few rows by increasing index; stops reading after the last one."""
    found: list[str] = []
    start = 0
    for batch in rows.batches("id"):
        if len(found) == len(wanted):
            break
        n = len(batch["id"])
        here = wanted[(wanted >= start) & (wanted < start + n)] - start
        found += batch["id"][here].tolist()
        start += n
    return found
