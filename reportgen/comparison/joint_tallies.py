"""Tallies of matched predictions in a stream: counts of (label, baseline, candidate).

Like all tallies, they consist of integers and totally ordered samples, so any order of rows gives
the same values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import nsmallest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.slices import KeyedCounts
from reportgen.comparison.comparison import Change, PairedCounts
from reportgen.metrics import ranked_classes

__all__ = [
    "CHANGES",
    "Changes",
    "JointCounts",
    "JointTally",
]


Counts = NDArray[np.int64]


CHANGES = 24
"""Number of fixes, and of regressions, that are kept."""


_STEPS = 1 << 14  # finer differences in confidence are noise of the forward pass


_PENDING = 1 << 20


MOST_CLASSES = 2_000_000
"""Three class indices must fit into 63 bits."""


@dataclass(frozen=True)
class JointCounts:
    """Counts of (label, baseline's prediction, candidate's prediction), without empty cells.

    Attributes
    ----------
    label, baseline, candidate
        Class indices of each of the M cells: int64, shape (M,), sorted by all three.
    counts
        int64, shape (M,), positive.
    """

    n_classes: int
    label: Counts
    baseline: Counts
    candidate: Counts
    counts: Counts

    @property
    def n(self) -> int:
        """Number of samples."""
        return int(self.counts.sum())

    def paired(self) -> PairedCounts:
        """Counts of all samples by correctness."""
        return _paired(self.by_class().sum(axis=0), int(self.counts[self._same].sum()))

    def paired_by_class(self) -> list[PairedCounts]:
        """The same counts for each of the K classes."""
        same = np.zeros(self.n_classes, np.int64)
        np.add.at(same, self.label[self._same], self.counts[self._same])
        table = self.by_class()
        return [_paired(row, n) for row, n in zip(table, same.tolist(), strict=True)]

    @property
    def _same(self) -> NDArray[np.bool_]:
        return np.asarray(self.baseline == self.candidate)

    def by_class(self) -> Counts:
        """Both correct, fixed, regressed, both incorrect by true class: int64, shape (K, 4)."""
        table = np.zeros((self.n_classes, 4), np.int64)
        before, after = self.baseline == self.label, self.candidate == self.label
        outcome = np.where(after, np.where(before, 0, 1), np.where(before, 2, 3))
        np.add.at(table, (self.label, outcome), self.counts)
        return table

    def against_rest(self) -> Counts:
        """Counts one vs rest for each class k: int64, shape (K, 8).

        Index 4 a + 2 b + c: a is whether k is the label, b whether the baseline predicts k, c
        whether the candidate does.
        """
        table = np.zeros((self.n_classes, 8), np.int64)
        roles = self.label, self.baseline, self.candidate
        for at, of in enumerate(roles):
            place = sum((4 >> i) * (role == of) for i, role in enumerate(roles))
            first = np.ones(len(of), np.bool_)  # a class in several roles is counted once
            for earlier in roles[:at]:
                first &= earlier != of
            np.add.at(table, (of[first], np.asarray(place)[first]), self.counts[first])
        table[:, 0] = self.n - table.sum(axis=1)
        return table


def _paired(row: Counts, same: int) -> PairedCounts:
    both_right, gained, lost, both_wrong = row.tolist()
    return PairedCounts(both_right, gained, lost, both_wrong, same)


class JointTally:
    """Accumulates batches to :class:`JointCounts`; merges rarely, so that many cells stay cheap."""

    def __init__(self, n_classes: int) -> None:
        if n_classes > MOST_CLASSES:
            raise ValueError(f"{n_classes:,} classes are too many to compare")
        self._n_classes = n_classes
        self._merged = KeyedCounts.empty()
        self._pending: list[KeyedCounts] = []
        self._n_pending = 0

    def add(self, label: NDArray[Any], baseline: NDArray[Any], candidate: NDArray[Any]) -> None:
        """Count a batch of class indices, shape (n,) each; all must be known classes."""
        keys = label.astype(np.int64) * self._n_classes + baseline
        some = KeyedCounts.of(keys * self._n_classes + candidate)
        self._pending.append(some)
        self._n_pending += len(some)
        if self._n_pending > max(_PENDING, len(self._merged)):
            self._merge()

    def _merge(self) -> None:
        waiting = [self._merged, *self._pending]
        while len(waiting) > 1:
            pairs = [waiting[i : i + 2] for i in range(0, len(waiting), 2)]
            waiting = [pair[0] + pair[1] if len(pair) == 2 else pair[0] for pair in pairs]
        self._merged, self._pending, self._n_pending = waiting[0], [], 0

    def counts(self) -> JointCounts:
        """The counts of all batches so far."""
        self._merge()
        rest, candidate = np.divmod(self._merged.keys, self._n_classes)
        label, baseline = np.divmod(rest, self._n_classes)
        return JointCounts(self._n_classes, label, baseline, candidate, self._merged.counts)


@dataclass(frozen=True)
class Changes:
    """Samples that only one side predicts correctly, most confident mistakes first.

    Attributes
    ----------
    fixed, broken
        Newly correct ones, by the baseline's confidence; newly incorrect ones, by the candidate's.
    limit
        Maximum number of each.
    """

    fixed: tuple[Change, ...] = ()
    broken: tuple[Change, ...] = ()
    limit: int = field(default=CHANGES)

    def having(
        self,
        ids: NDArray[Any],
        label: NDArray[Any],
        answers: tuple[NDArray[Any], NDArray[Any]],
        confidences: tuple[NDArray[Any] | None, NDArray[Any] | None],
        best: Mapping[str, NDArray[Any]] | None = None,
    ) -> Changes:
        """With a batch; `answers` and `confidences` are those of baseline and candidate.

        `best` are the candidate's columns, including its top classes if known.
        """
        right = [answer == label for answer in answers]
        found = [
            self._best(
                kept, ids, label, answers, confidences, np.flatnonzero(~wrong & now), by, best or {}
            )
            for kept, now, wrong, by in (
                (self.fixed, right[1], right[0], 0),
                (self.broken, right[0], right[1], 1),
            )
        ]
        return replace(self, fixed=found[0], broken=found[1])

    def _best(
        self,
        kept: tuple[Change, ...],
        ids: NDArray[Any],
        label: NDArray[Any],
        answers: Sequence[NDArray[Any]],
        confidences: Sequence[NDArray[Any] | None],
        at: NDArray[np.intp],
        by: int,
        best: Mapping[str, NDArray[Any]],
    ) -> tuple[Change, ...]:
        if len(at) == 0:
            return kept
        if (sure := confidences[by]) is not None and len(at) > self.limit:
            steps = np.rint(np.nan_to_num(sure[at].astype(np.float64), nan=-1.0) * _STEPS)
            at = at[steps >= np.partition(steps, -self.limit)[-self.limit]]
        changes: Iterable[Change] = (
            Change(
                str(ids[i]),
                int(label[i]),
                int(answers[0][i]),
                int(answers[1][i]),
                _known(confidences[0], i),
                _known(confidences[1], i),
                ranked_classes(best, i),
            )
            for i in at.tolist()
        )

        def rank(change: Change) -> tuple[int, str]:
            confidence = change.candidate_confidence if by else change.baseline_confidence
            return (-round((-1.0 if confidence is None else confidence) * _STEPS), change.id)

        return tuple(nsmallest(self.limit, [*kept, *changes], key=rank))


def _known(confidences: NDArray[Any] | None, i: int) -> float | None:
    if confidences is None:
        return None
    value = float(confidences[i])
    return None if value != value else value
