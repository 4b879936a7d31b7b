"""Scores for ranking: stored individually up to a limit, in fixed histograms above.

Both have, for each class and each score, the number of samples of the class and of others. The
number of scores alone decides between them, so the sum of tallies does not depend on the split of
the samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.scoring.score_inputs import Answers, Scores

__all__ = [
    "ANSWERS_LIMIT",
    "FINE_BINS",
    "JOINT_LIMIT",
    "SCORES_LIMIT",
    "Groups",
    "RankedScores",
    "fine_bins",
    "of_answers",
    "ranked_answers",
]


FINE_BINS = 1 << 16
"""Maximum number of bins of a histogram of scores, linear in the probability."""


ANSWERS_LIMIT = 5_000_000
"""Maximum number of stored confidences: 60 MB in float64."""


SCORES_LIMIT = 50_000_000
"""Maximum number of stored scores, samples × classes: 200 MB in float32, 400 in float64."""


JOINT_LIMIT = 5_000_000
"""Maximum number of scores, samples × classes, for intervals of means over classes.

Every sample has to be located in the order, or in the bins, of every class.
"""


_MOST_CELLS = 1 << 22  # of both histograms of all classes: 67 MB


_FEWEST_BINS = 64


_PENDING = 4  # scores waiting to be counted, per cell: counting visits all cells


_COPIED = 1 << 22  # scores of a few classes copied together


_LONG = 1 << 16  # scores of a piece that is not copied when joined


_SORTED_AT_ONCE = 1 << 14


_MILLION = 1_000_000


# number of samples from which a table of all millionths is faster than sorting
_COUNTED_FROM = 1 << 18


_COLUMNS = 16  # maximum number of classes copied together: a row of a block is one cache line


Counts = NDArray[np.int64]


Floats = NDArray[np.float64]


Chunk = tuple[NDArray[np.signedinteger[Any]], NDArray[np.floating[Any]]]
"""Labels, shape (n,), -1 for "none of the classes"; scores, shape (n, K)."""


def fine_bins(n_classes: int) -> int:
    """Bins of each class's histogram: 65,536 for up to 64 classes, then halved as they double."""
    bins = FINE_BINS
    while bins > _FEWEST_BINS and bins * n_classes > _MOST_CELLS:
        bins //= 2
    return bins


@dataclass(frozen=True, eq=False)
class Groups:
    """Samples of one class and all others, grouped by score, lowest first.

    Attributes
    ----------
    scores
        float64, shape (G,), strictly increasing; the middle of the bin where they were binned.
    positives, negatives
        int64, shape (G,): samples of the class, and others, with that score; never both 0.
    width
        Width of a bin; 0 where each group is one exact score.
    """

    scores: Floats
    positives: Counts
    negatives: Counts
    width: float

    @property
    def exact(self) -> bool:
        """Whether a group is a single score, not a bin."""
        return self.width == 0

    @property
    def sizes(self) -> Counts:
        """Number of samples per group: int64, shape (G,)."""
        return self.positives + self.negatives

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Groups)
            and self.width == other.width
            and np.array_equal(self.scores, other.scores)
            and np.array_equal(self.positives, other.positives)
            and np.array_equal(self.negatives, other.negatives)
        )

    def __hash__(self) -> int:
        return hash((self.scores.tobytes(), self.positives.tobytes(), self.negatives.tobytes()))

    @classmethod
    def of(cls, scores: NDArray[np.floating[Any]], positive: NDArray[np.bool_]) -> Groups:
        """Group float32 or float64 scores, 0..1, shape (n,), in any order.

        The bits of non-negative floats sort as the floats do: one integer sort of bits and label
        together takes a tenth of the time of an argsort. Many decimals of few places are counted,
        in a fifth of that time.
        """
        if (table := _millionths([(scores, positive)])) is not None:
            return cls._of_millionths(table)
        bits = np.uint32 if scores.dtype == np.float32 else np.uint64
        keys: NDArray[Any] = (scores + scores.dtype.type(0)).view(bits)  # -0.0 + 0 is 0.0
        keys <<= bits(1)
        keys |= positive
        keys.sort()
        ends, right = _ends(keys)
        keys = keys[ends]
        keys >>= bits(1)
        ends[1:] -= ends[:-1].copy()
        ends[:1] += 1
        right[1:] -= right[:-1].copy()
        ends -= right
        return cls(keys.view(scores.dtype).astype(np.float64), right, ends, 0.0)

    @classmethod
    def _of_millionths(cls, table: NDArray[np.int32]) -> Groups:
        """From the counts of :func:`_millionths`."""
        at = np.flatnonzero(table.view(np.int64))  # both counts of an index at once
        negatives, positives = (table[at, k].astype(np.int64) for k in (0, 1))
        return cls(at / _MILLION, positives, negatives, 0.0)

    @classmethod
    def of_answers(cls, chunks: Sequence[Chunk]) -> Groups | None:
        """Groups for a single class, if its scores are many decimals of few places; else None.

        Without copying.
        """
        table = _millionths([(scores[:, 0], labels == 0) for labels, scores in chunks])
        return None if table is None else cls._of_millionths(table)

    @classmethod
    def of_bins(cls, negatives: Counts, positives: Counts) -> Groups:
        """From the two histograms of a class: int64, shape (B,) each."""
        at = np.flatnonzero(negatives + positives)
        width = 1 / len(negatives)
        middles = np.asarray((at + 0.5) * width, np.float64)
        return cls(middles, positives[at], negatives[at], width)


@dataclass(frozen=True, eq=False)
class RankedScores:
    """Scores of K classes with labels: a tally that stores all of them up to a limit.

    Equal tallies may store their scores in different pieces, with equal :meth:`groups`.

    Attributes
    ----------
    n_classes, limit
        K, and the maximum number of scores (samples × K) that are stored individually.
    chunks
        Scores that are stored, or not yet counted.
    histogram
        int64, shape (2, K, B): other samples and samples of each class, by bin of score. None while
        all scores are stored.
    n_without
        Samples without scores; they are in no other count.
    eps
        The largest machine epsilon of the types in which the scores were saved.
    """

    n_classes: int
    limit: int = SCORES_LIMIT
    chunks: tuple[Chunk, ...] = ()
    histogram: Counts | None = None
    n_without: int = 0
    eps: float = 0.0

    @classmethod
    def empty(cls, n_classes: int, limit: int = SCORES_LIMIT) -> RankedScores:
        """No samples: the neutral element of ``+``."""
        return cls(n_classes, limit)

    @classmethod
    def of(cls, scores: Scores, limit: int = SCORES_LIMIT) -> RankedScores:
        """Count one batch. It is copied, since a loop may reuse its arrays."""
        chunk = scores.labels.astype(np.int32), scores.probabilities.copy()
        eps = scores.eps if len(scores) else 0.0
        return cls(scores.n_classes, limit, (chunk,), None, scores.n_without, eps)._settled()

    def __add__(self, other: RankedScores) -> RankedScores:
        if not isinstance(other, RankedScores):
            return NotImplemented
        if (self.n_classes, self.limit) != (other.n_classes, other.limit):
            raise ValueError("scores of different classes, or with different limits, don't add up")
        counted = [t.histogram for t in (self, other) if t.histogram is not None]
        return RankedScores(
            self.n_classes,
            self.limit,
            _runs([*self.chunks, *other.chunks]),
            sum(counted[1:], start=counted[0]) if counted else None,
            self.n_without + other.n_without,
            max(self.eps, other.eps),
        )._settled()

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, RankedScores)
            and (self.n_classes, self.limit, self.n, self.n_without, self.eps)
            == (other.n_classes, other.limit, other.n, other.n_without, other.eps)
            and all(a == b for a, b in zip(self.groups(), other.groups(), strict=True))
        )

    def __hash__(self) -> int:
        return hash((self.n_classes, self.limit, self.n, self.n_without))

    @property
    def exact(self) -> bool:
        """Whether every score is stored."""
        return self.histogram is None

    @property
    def n_bins(self) -> int:
        """Number of bins per class, if scores are binned."""
        return fine_bins(self.n_classes)

    @property
    def n(self) -> int:
        """Number of counted samples."""
        counted = 0 if self.histogram is None else int(self.histogram[:, 0].sum())
        return counted + sum(len(labels) for labels, _ in self.chunks)

    def groups(self) -> Iterator[Groups]:
        """The groups of each class in turn."""
        if self.histogram is not None:
            negatives, positives = self._counted()
            yield from map(Groups.of_bins, negatives, positives)
            return
        if self.n_classes == 1 and (only := Groups.of_answers(self.chunks)) is not None:
            yield only
            return
        pieces = [labels for labels, _ in self.chunks]
        for k, scores in enumerate(self._columns()):
            is_class = [np.zeros(0, np.bool_), *(labels == k for labels in pieces)]
            yield Groups.of(scores, np.concatenate(is_class))

    def rows(self) -> Chunk:
        """All stored labels, and scores (n, K), in any order."""
        if len(self.chunks) == 1:
            return self.chunks[0]
        labels = [np.zeros(0, np.int32), *(labels for labels, _ in self.chunks)]
        scores = [scores for _, scores in self.chunks]
        none = np.zeros((0, self.n_classes), np.float32)
        return np.concatenate(labels), np.concatenate(scores or [none])

    def _columns(self) -> Iterator[NDArray[np.floating[Any]]]:
        """The stored scores of each class, shape (n,), in the order of :meth:`rows`."""
        none = np.zeros((0, self.n_classes), np.float32)
        pieces = [scores for _, scores in self.chunks] or [none]
        n = sum(map(len, pieces))
        width = min(max(_COPIED // max(n, 1), 1), _COLUMNS)
        for start in range(0, self.n_classes, width):
            yield from np.concatenate([piece[:, start : start + width].T for piece in pieces], 1)

    def _settled(self) -> RankedScores:
        """With the scores counted in bins if there are too many to be stored."""
        waiting = self.n_classes * sum(len(labels) for labels, _ in self.chunks)
        most = self.limit if self.histogram is None else _PENDING * self.n_classes * self.n_bins
        if waiting <= most:
            return self
        return replace(self, chunks=(), histogram=self._counted())

    def _counted(self) -> Counts:
        """The histogram of all samples."""
        shape = 2, self.n_classes, self.n_bins
        table = np.zeros(shape, np.int64) if self.histogram is None else self.histogram.copy()
        labels = np.concatenate([np.zeros(0, np.int32), *(labels for labels, _ in self.chunks)])
        for k, scores in enumerate(self._columns()):  # the bins of a class fit into the cache
            bins = (scores * scores.dtype.type(self.n_bins)).astype(np.int32)
            np.minimum(bins, self.n_bins - 1, out=bins)
            own = np.bincount(bins[labels == k], minlength=self.n_bins)
            table[1, k] += own
            table[0, k] += np.bincount(bins, minlength=self.n_bins) - own
        return table


def of_answers(answers: Answers, limit: int = ANSWERS_LIMIT) -> RankedScores:
    """A batch of predictions as the scores of one class, "correct"; `limit` is in samples."""
    labels = answers.correct.astype(np.int8)
    labels -= 1
    chunk = labels, _lasting(answers.confidence)[:, None]
    eps = answers.eps if len(answers) else 0.0
    return RankedScores(1, limit, (chunk,), None, answers.n_without, eps)._settled()


def _lasting(values: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """A copy, since a loop may reuse its arrays; the same array if it is read-only."""
    of = values if values.base is None else values.base
    return values if isinstance(of, np.ndarray) and not of.flags.writeable else values.copy()


def ranked_answers(limit: int = ANSWERS_LIMIT) -> RankedScores:
    """No predictions: the neutral element to add :func:`of_answers` to."""
    return RankedScores.empty(1, limit)


def _millionths(
    pieces: Sequence[tuple[NDArray[np.floating[Any]], NDArray[np.bool_]]],
) -> NDArray[np.int32] | None:
    """Counts of scores of at most six decimal places, 0..1, shape (n,) a piece, with their truth.

    int32, shape (1,000,001, 2): others, and samples of the class, with each number of millionths.
    None if a score has more places or is float32, or if sorting is faster.
    """
    if sum(len(scores) for scores, _ in pieces) < _COUNTED_FROM:
        return None
    if any(scores.dtype != np.float64 for scores, _ in pieces):
        return None
    table = np.zeros(2 * (_MILLION + 1), np.int32)
    one = table.dtype.type(1)
    for scores, positive in pieces:
        for start in range(0, len(scores), _SORTED_AT_ONCE):
            piece = scores[start : start + _SORTED_AT_ONCE]
            whole = np.rint(piece * _MILLION)
            if not np.array_equal(whole / _MILLION, piece):  # the nearest float64 of that decimal
                return None
            cells = whole.astype(np.intp)
            cells += cells
            cells += positive[start : start + _SORTED_AT_ONCE]
            np.add.at(table, cells, one)
    return table.reshape(-1, 2)


def _ends(keys: NDArray[Any]) -> tuple[Counts, Counts]:
    """The ends of runs of equal keys, and the number of positives up to there; int64, shape (G,).

    Keys are sorted, and their lowest bit, not part of the comparison, is the label.

    In blocks of keys: allocating memory costs more than the computation.
    """
    one = keys.dtype.type(1)
    ends, right, before = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], 0
    for start in range(0, len(keys), _SORTED_AT_ONCE):
        piece = keys[start : start + _SORTED_AT_ONCE + 1]  # including the following one
        n = min(len(piece), _SORTED_AT_ONCE)
        values = piece >> one
        is_end = np.ones(n, np.bool_)  # the last one is an end
        np.not_equal(values[1:], values[:-1], out=is_end[: len(piece) - 1])
        at = np.flatnonzero(is_end)
        up_to = np.cumsum(piece[:n] & one, dtype=np.int64)
        ends.append(at + start)
        right.append(up_to[at] + before)
        before += int(up_to[-1])
    return np.concatenate(ends), np.concatenate(right)


def _runs(chunks: list[Chunk]) -> tuple[Chunk, ...]:
    """The same scores in pieces of decreasing length.

    So adding many batches copies each score a few times, not once per batch; long pieces are kept.
    """
    runs: list[Chunk] = []
    for chunk in chunks:
        runs.append(chunk)
        while len(runs) > 1 and runs[-2][1].size <= runs[-1][1].size < _LONG:
            last, before = runs.pop(), runs.pop()
            runs.append(_join(before, last))
    return tuple(run for run in runs if len(run[0]))


def _join(a: Chunk, b: Chunk) -> Chunk:
    if not len(a[0]) or not len(b[0]):
        return a if len(a[0]) else b
    return np.concatenate([a[0], b[0]]), np.concatenate([a[1], b[1]])
