"""Scores kept for ranking: every one of them while they fit, fixed histograms beyond.

Both contain the same thing for each class: for every score that occurs, how many samples of the
class and how many others have it. Which of the two is used follows from the number of scores alone,
so the sum of tallies does not depend on how the samples were split.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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
"""Most bins of a histogram of scores; they are linear in the probability."""


ANSWERS_LIMIT = 5_000_000
"""Most confidences that are kept: 60 MB in float64."""


SCORES_LIMIT = 50_000_000
"""Most scores, samples × classes, that are kept: 200 MB in float32, 400 in float64."""


JOINT_LIMIT = 5_000_000
"""Most scores, samples × classes, for which intervals of means over classes are made: every sample
has to be found again in the order, or in the bins, of every class."""


_MOST_CELLS = 1 << 22  # of both histograms of all classes: 67 MB


_FEWEST_BINS = 64


_PENDING = 1 << 22  # scores that wait to be counted together: counting visits all cells


_LONG = 1 << 16  # samples of a piece that is not copied to be joined with another


_SORTED_AT_ONCE = 1 << 14


_MILLION = 1_000_000


_COUNTED_FROM = 1 << 18  # samples from which a table of all millionths costs less than sorting


_COLUMNS = 16  # most classes that are copied out together: a row of a block is one cache line


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
    """Samples of one class and all others, in groups of equal score, lowest score first.

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
        """Whether a group is one score, not a bin."""
        return self.width == 0

    @property
    def sizes(self) -> Counts:
        """Samples of each group: int64, shape (G,)."""
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
        """Group float32 or float64 scores, 0..1, shape (n,); of any order.

        The bits of non-negative floats sort as the floats do: one integer sort of bits and truth
        together costs a tenth of an argsort. Many decimals of few places are counted, which costs
        a fifth of that.
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
        at = np.flatnonzero(table.view(np.int64))  # both counts of a place at once
        negatives, positives = (table[at, k].astype(np.int64) for k in (0, 1))
        return cls(at / _MILLION, positives, negatives, 0.0)

    @classmethod
    def of_answers(cls, chunks: Sequence[Chunk]) -> Groups | None:
        """Those of the only class there is, where its scores are many decimals of few places: no
        chunk is copied. Else None.
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
    """Scores of K classes with the labels: a tally that keeps all of them up to a limit.

    Equal tallies may contain their scores in different pieces; what counts is :meth:`groups`.

    Attributes
    ----------
    n_classes, limit
        K, and the most scores (samples × K) that are kept one by one.
    chunks
        Scores that are kept, or wait to be counted.
    histogram
        int64, shape (2, K, B): other samples and samples of each class, by bin of score. None
        while all scores are kept.
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
        """Take in one batch. It is copied: a loop may use its arrays again."""
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
        """Whether every score is kept."""
        return self.histogram is None

    @property
    def n_bins(self) -> int:
        """Bins of a class's histogram, where scores are binned."""
        return fine_bins(self.n_classes)

    @property
    def n(self) -> int:
        """Samples that were taken in."""
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
        """All labels, and scores (n, K), that are kept, in any order."""
        if len(self.chunks) == 1:
            return self.chunks[0]
        labels = [np.zeros(0, np.int32), *(labels for labels, _ in self.chunks)]
        scores = [scores for _, scores in self.chunks]
        none = np.zeros((0, self.n_classes), np.float32)
        return np.concatenate(labels), np.concatenate(scores or [none])

    def _columns(self) -> Iterator[NDArray[np.floating[Any]]]:
        """The kept scores of each class, shape (n,), in the order of :meth:`rows`."""
        none = np.zeros((0, self.n_classes), np.float32)
        pieces = [scores for _, scores in self.chunks] or [none]
        width = min(max(_PENDING // max(self.n, 1), 1), _COLUMNS)
        for start in range(0, self.n_classes, width):
            yield from np.concatenate([piece[:, start : start + width].T for piece in pieces], 1)

    def _settled(self) -> RankedScores:
        """With the scores counted in bins where they are too many to be kept."""
        waiting = self.n_classes * sum(len(labels) for labels, _ in self.chunks)
        if waiting <= (self.limit if self.histogram is None else _PENDING):
            return self
        return replace(self, chunks=(), histogram=self._counted())

    def _counted(self) -> Counts:
        """The histogram of all samples."""
        shape = 2, self.n_classes, self.n_bins
        table = np.zeros(shape, np.int64) if self.histogram is None else self.histogram.copy()
        negatives, positives = table.reshape(2, -1)
        for labels, scores in _blocks(self.chunks, max(1, _PENDING // self.n_classes)):
            cells = (scores * scores.dtype.type(self.n_bins)).astype(np.intp)
            np.minimum(cells, self.n_bins - 1, out=cells)
            cells += self.n_bins * np.arange(self.n_classes)
            known = np.flatnonzero(labels >= 0)
            own = np.bincount(cells[known, labels[known]], minlength=len(positives))
            positives += own
            negatives += np.bincount(cells.ravel(), minlength=len(negatives)) - own
        return table


def of_answers(answers: Answers, limit: int = ANSWERS_LIMIT) -> RankedScores:
    """One batch of answers as the scores of one class, "right": `limit` is in samples."""
    labels = answers.correct.astype(np.int8)
    labels -= 1
    chunk = labels, _lasting(answers.confidence)[:, None]
    eps = answers.eps if len(answers) else 0.0
    return RankedScores(1, limit, (chunk,), None, answers.n_without, eps)._settled()


def _lasting(values: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """A copy, as a loop may use its arrays again; the same where nobody can write to them."""
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
    None where a score has more places, is float32, or there are so few that sorting costs less.
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
    """Of sorted keys, whose lowest bit is the truth: where each run of equal keys without that bit
    ends, int64, shape (G,); and how many truths there are up to there, the same.

    Some keys at a time: memory that is new costs more than what is done in it.
    """
    one = keys.dtype.type(1)
    ends, right, before = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], 0
    for start in range(0, len(keys), _SORTED_AT_ONCE):
        piece = keys[start : start + _SORTED_AT_ONCE + 1]  # with the one that follows
        n = min(len(piece), _SORTED_AT_ONCE)
        values = piece >> one
        is_end = np.ones(n, np.bool_)  # the last of all is one
        np.not_equal(values[1:], values[:-1], out=is_end[: len(piece) - 1])
        at = np.flatnonzero(is_end)
        up_to = np.cumsum(piece[:n] & one, dtype=np.int64)
        ends.append(at + start)
        right.append(up_to[at] + before)
        before += int(up_to[-1])
    return np.concatenate(ends), np.concatenate(right)


def _runs(chunks: list[Chunk]) -> tuple[Chunk, ...]:
    """The same scores in pieces of falling length.

    So adding batch after batch copies each score a few times, not once for every batch; and
    pieces that are long enough stay as they are.
    """
    runs: list[Chunk] = []
    for chunk in chunks:
        runs.append(chunk)
        while len(runs) > 1 and len(runs[-2][0]) <= len(runs[-1][0]) < _LONG:
            last, before = runs.pop(), runs.pop()
            runs.append(_join(before, last))
    return tuple(run for run in runs if len(run[0]))


def _join(a: Chunk, b: Chunk) -> Chunk:
    if not len(a[0]) or not len(b[0]):
        return a if len(a[0]) else b
    return np.concatenate([a[0], b[0]]), np.concatenate([a[1], b[1]])


def _blocks(chunks: Iterable[Chunk], rows: int) -> Iterator[Chunk]:
    """All rows, at most `rows` at once; short chunks come alone."""
    for labels, scores in chunks:
        for start in range(0, len(labels), rows):
            yield labels[start : start + rows], scores[start : start + rows]
