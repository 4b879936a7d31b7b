"""Intervals for clustered samples, such as frames of a video or crops of a patient.

Samples of a group are correlated, so the effective sample size is smaller. The cluster bootstrap
draws whole groups, with replacement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import DataError
from reportgen.metrics.bootstrap import DRAWS
from reportgen.metrics.costs import COSTING, Costs, cost_metrics
from reportgen.metrics.definitions import Intervals, Metric
from reportgen.metrics.intervals import CONFIDENCE
from reportgen.metrics.macro_modes import MacroMode
from reportgen.metrics.ordinal import ORDINAL
from reportgen.metrics.overall import SUMMARY, Whole
from reportgen.metrics.resampling import CHUNK, MOST_UNDEFINED, Layout, Resamples

__all__ = [
    "CLUSTERED",
    "FEW_GROUPS",
    "ClusterIntervals",
    "GroupCounts",
    "cluster_intervals",
]


FEW_GROUPS = 20
"""With fewer groups, the intervals of any cluster bootstrap are too narrow.

Cameron, Gelbach & Miller 2008, Review of Economics and Statistics 90, 414-427.
"""


FEW_ALIKE = 8
"""Up to this many groups of a kind, groups are drawn individually, which is faster."""


DENSE = 1 << 23
"""Kinds of groups × cells stored as a dense table: 64 MB. Above, only non-zero counts."""


Counts = NDArray[np.int64]


Floats = NDArray[np.float64]


CLUSTERED = frozenset(
    (COSTING.name, *(one.name for one in (*SUMMARY, *ORDINAL) if one.statistic is not None))
)
"""The metrics with cluster-robust intervals: those of sums over the classes."""


@dataclass(frozen=True, eq=False)
class _Run:
    """Counts of some groups.

    Attributes
    ----------
    names
        The G group ids, sorted.
    groups, cells, counts
        int64, shape (E,), sorted by group, then by cell: index of the id, label · K + prediction,
        and number of samples.
    """

    names: tuple[str, ...]
    groups: Counts
    cells: Counts
    counts: Counts

    def __len__(self) -> int:
        return len(self.counts)

    def merged(self, other: _Run) -> _Run:
        names = tuple(sorted({*self.names, *other.names}))
        place = {name: i for i, name in enumerate(names)}
        groups = [_places(run.names, place)[run.groups] for run in (self, other)]
        return _sum_up(
            names,
            np.concatenate(groups),
            np.concatenate([self.cells, other.cells]),
            np.concatenate([self.counts, other.counts]),
        )


@dataclass(frozen=True, eq=False)
class GroupCounts:
    """The confusion counts of each group: sparse, so memory grows with groups × cells seen.

    Values with the same number of classes can be added: any split of the samples, in any order,
    gives an equal value. ``GroupCounts(n_classes)`` is the neutral element of ``+``.

    Attributes
    ----------
    n_classes
        K.
    runs
        Counts in pieces of decreasing length: adding a batch copies little.
    """

    n_classes: int
    runs: tuple[_Run, ...] = ()

    @classmethod
    def of(
        cls, groups: ArrayLike, labels: ArrayLike, predictions: ArrayLike, n_classes: int
    ) -> GroupCounts:
        """Count one batch: N group ids (texts or integers), N class indices each.

        Samples with the label -1 (unknown) are skipped. Raises :class:`DataError` if lengths
        differ, an index is not a class, or a labelled sample has no group id.
        """
        true, predicted = np.asarray(labels), np.asarray(predictions)
        ids = np.asarray(groups, dtype=object)
        if not len(ids) == len(true) == len(predicted):
            raise DataError(
                f"{len(ids):,} group ids, {len(true):,} labels, {len(predicted):,} predictions",
                slug="length-mismatch",
            )
        known = true >= 0
        true, predicted = true[known], predicted[known]
        ConfusionMatrix.from_labels(true, predicted, n_classes)  # checks both ranges
        texts = _texts(ids[known])
        names = tuple(sorted(set(texts)))
        codes = _places(texts, {name: i for i, name in enumerate(names)})
        cells = true.astype(np.int64) * n_classes + predicted
        return cls(n_classes, (_sum_up(names, codes, cells, np.ones(len(codes), np.int64)),))

    def __add__(self, other: GroupCounts) -> GroupCounts:
        if not isinstance(other, GroupCounts):
            return NotImplemented
        if self.n_classes != other.n_classes:
            raise ValueError(f"{self.n_classes} classes + {other.n_classes} classes")
        runs: list[_Run] = []
        for run in (*self.runs, *other.runs):
            runs.append(run)
            while len(runs) > 1 and len(runs[-2]) <= len(runs[-1]):
                last, before = runs.pop(), runs.pop()
                runs.append(before.merged(last))
        return GroupCounts(self.n_classes, tuple(run for run in runs if len(run)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GroupCounts) or self.n_classes != other.n_classes:
            return False
        one, two = self.whole, other.whole
        return one.names == two.names and all(
            np.array_equal(getattr(one, name), getattr(two, name))
            for name in ("groups", "cells", "counts")
        )

    def __hash__(self) -> int:
        return hash((self.n_classes, self.whole.names, self.whole.counts.tobytes()))

    @cached_property
    def whole(self) -> _Run:
        """All counts in one run."""
        none = np.zeros(0, np.int64)
        whole = _Run((), none, none, none)
        for run in reversed(self.runs):
            whole = whole.merged(run)
        return whole

    @property
    def n_groups(self) -> int:
        """Number of groups with a labelled sample."""
        return len(self.whole.names)

    def matrix(self) -> ConfusionMatrix:
        """The matrix of all groups together."""
        keys, places = np.unique(self.whole.cells, return_inverse=True)
        counts = np.zeros(len(keys), np.int64)
        np.add.at(counts, places.reshape(-1), self.whole.counts)
        return ConfusionMatrix(self.n_classes, keys, counts)

    def sizes(self) -> Counts:
        """Number of samples per group: int64, shape (G,)."""
        return self._by_group(self.whole.counts)

    def hits(self) -> Counts:
        """Number of correct predictions per group: int64, shape (G,)."""
        right = self.whole.cells // self.n_classes == self.whole.cells % self.n_classes
        return self._by_group(np.where(right, self.whole.counts, 0))

    def _by_group(self, counts: Counts) -> Counts:
        totals = np.zeros(self.n_groups, np.int64)
        np.add.at(totals, self.whole.groups, counts)
        return totals


@dataclass(frozen=True)
class ClusterIntervals:
    """Cluster-robust intervals, and facts on the groups.

    Attributes
    ----------
    intervals
        They replace the default ones of all overall metrics of a matrix. Intervals of classes are
        not cluster-robust.
    n_samples, n_groups, largest
        Number of samples, of groups, and of samples in the largest group.
    design_effect
        Variance of the accuracy with these groups, divided by that of as many independent samples;
        1 if each sample is its own group. None if undefined.
    """

    intervals: Intervals
    n_samples: int
    n_groups: int
    largest: int
    design_effect: float | None

    @property
    def effective_samples(self) -> float | None:
        """The number of independent samples with the same precision of accuracy."""
        return self.n_samples / self.design_effect if self.design_effect else None

    @property
    def few_groups(self) -> bool:
        """Whether there are so few groups that the intervals are too narrow."""
        return self.n_groups < FEW_GROUPS

    def to_json(self) -> dict[str, Any]:
        """The facts on the groups; the intervals are with their metrics."""
        return {
            "method": self.intervals.method,
            "n_samples": self.n_samples,
            "n_groups": self.n_groups,
            "largest_group": self.largest,
            "design_effect": self.design_effect,
            "effective_samples": self.effective_samples,
            "few_groups": self.few_groups,
        }


def cluster_intervals(
    counts: GroupCounts,
    *,
    seed: int = 0,
    draws: int = DRAWS,
    confidence: float = CONFIDENCE,
    macro: MacroMode = "present",
    ordinal: bool = False,
    costs: Costs | None = None,
) -> ClusterIntervals:
    """Percentile intervals from `draws` resamples of the groups.

    With `ordinal`, also of :data:`~reportgen.metrics.ORDINAL`, and with `costs` of the expected
    cost. Each resample draws G groups with replacement, with all samples of each, so its number of
    samples varies. The ends are quantiles over the resamples. Equal seeds and groups give equal
    intervals, whatever the names of the groups. A metric that is undefined in more than 5% of the
    resamples has no interval (``bootstrap_undefined``); neither has one that is constant, or most
    of whose variance is hidden by classes without an error (``too_few_samples``).

    Davison & Hinkley 1997, Bootstrap Methods and their Application, 3.8; Field & Welsh 2007,
    Journal of the Royal Statistical Society B 69, 369-390.
    """
    if draws < 1 or seed < 0 or not 0 < confidence < 1:
        raise ValueError(f"{draws} draws, seed {seed}, confidence {confidence}")
    matrix, sizes = counts.matrix(), counts.sizes()
    method = (
        f"percentile cluster bootstrap: {draws:,} resamples of {counts.n_groups:,} groups, "
        f"seed {seed}"
    )
    metrics = (*SUMMARY, *(ORDINAL if ordinal else ()), *cost_metrics(costs))
    wanted = {one: one.statistic for one in metrics if one.statistic}
    replaced: dict[str, Metric] = {}
    if matrix.n_samples:
        found: dict[str, list[Floats]] = {one.name: [] for one in wanted}
        for resamples in _resample(counts, matrix, np.random.default_rng(seed), draws, macro):
            for one, statistic in wanted.items():
                found[one.name].append(statistic.of(resamples))
        whole = Whole(matrix, None, macro)
        replaced = {
            one.name: _add_interval(
                one.of(whole),
                np.concatenate(found[one.name]),
                confidence,
                matrix,
                can_be_resampled=one.can_be_resampled(whole),
            )
            for one in wanted
        }
    return ClusterIntervals(
        Intervals(method, replaced, {}),
        matrix.n_samples,
        counts.n_groups,
        int(sizes.max(initial=0)),
        _design_effect(sizes, counts.hits()),
    )


def _resample(
    counts: GroupCounts, matrix: ConfusionMatrix, rng: np.random.Generator, draws: int,
    macro: MacroMode,
) -> Iterator[Resamples]:  # fmt: skip
    """`draws` resamples, in blocks.

    Groups with equal counts are one kind, drawn with its multiplicity, so a million groups of one
    sample are as fast as the cells of the matrix.
    """
    kinds, cells, numbers, repeats = _kinds(counts.whole)
    dense = len(repeats) * len(matrix.keys) <= DENSE
    add = (_dense if dense else _sparse)(kinds, np.searchsorted(matrix.keys, cells), numbers)
    layout = Layout.of(matrix)
    width = max(len(repeats) if dense else len(kinds), len(matrix.keys), len(layout.places))
    size = max(1, CHUNK // width)
    for start in range(0, draws, size):
        n_draws = min(size, draws - start)
        yield layout.resamples(add(_draw(rng, repeats, n_draws)), macro)


def _draw(rng: np.random.Generator, repeats: Counts, n_draws: int) -> Counts:
    """The number of draws of each kind: int64, shape (n_draws, P); `repeats`, (P,), sum to G."""
    n_groups, n_kinds = int(repeats.sum()), len(repeats)
    if n_groups > FEW_ALIKE * n_kinds:
        return rng.multinomial(n_groups, repeats / n_groups, size=n_draws)
    kind_of = np.repeat(np.arange(n_kinds), repeats)
    drawn = kind_of[rng.integers(0, n_groups, (n_draws, n_groups))]
    drawn += n_kinds * np.arange(n_draws)[:, None]
    return np.bincount(drawn.ravel(), minlength=n_draws * n_kinds).reshape(n_draws, n_kinds)


def _dense(kinds: Counts, columns: Counts, numbers: Counts) -> Callable[[Counts], Counts]:
    """As :func:`_sparse`, by a matrix product: faster, exact below 2⁵³ samples per cell."""
    table = np.zeros((int(kinds.max()) + 1, int(columns.max()) + 1))
    table[kinds, columns] = numbers
    return lambda weights: (weights.astype(np.float64) @ table).astype(np.int64)


def _sparse(kinds: Counts, columns: Counts, numbers: Counts) -> Callable[[Counts], Counts]:
    """Numbers of draws of each kind, int64 (b, P) → the cells of the resamples, int64 (b, M).

    The arguments, shape (F,), are the entries: kind, cell and count.
    """
    order = np.argsort(columns, kind="stable")
    kinds, columns, numbers = kinds[order], columns[order], numbers[order]
    starts = np.flatnonzero(np.concatenate([[True], np.diff(columns) > 0]))
    return lambda weights: np.add.reduceat(weights[:, kinds] * numbers, starts, axis=1)


def _kinds(whole: _Run) -> tuple[Counts, Counts, Counts, Counts]:
    """Merge groups with equal counts to one kind.

    Returns
    -------
    For each entry its kind, cell and count: int64, shape (F,); and for each kind the number of
    groups: int64, shape (P,). Kinds are sorted by their counts, not by group names.
    """
    pairs = np.stack([whole.cells, whole.counts], axis=1)
    ends = np.searchsorted(whole.groups, np.arange(1, len(whole.names) + 1)).tolist()
    found: Counter[bytes] = Counter()
    start = 0
    for end in ends:
        found[pairs[start:end].tobytes()] += 1
        start = end
    kinds = sorted(found)
    entries = [np.frombuffer(kind, np.int64).reshape(-1, 2) for kind in kinds]
    table = np.concatenate(entries)
    of_entry = np.repeat(np.arange(len(kinds)), [len(rows) for rows in entries])
    repeats = np.array([found[kind] for kind in kinds], np.int64)
    return of_entry, table[:, 0], table[:, 1], repeats


def _add_interval(
    metric: Metric,
    drawn: Floats,
    confidence: float,
    matrix: ConfusionMatrix,
    *,
    can_be_resampled: bool,
) -> Metric:
    if metric.value is None or metric.reason == "too_few_samples":
        return metric
    defined = drawn[~np.isnan(drawn)]
    if len(defined) < (1 - MOST_UNDEFINED) * len(drawn):
        return replace(metric, interval=None, reason="bootstrap_undefined")
    tail = (1 - confidence) / 2
    low, high = np.quantile(defined, [tail, 1 - tail]).tolist()
    if low < high and not can_be_resampled:
        return replace(metric, interval=None, reason="too_few_samples")
    if low < high:
        return replace(metric, interval=(low, high), reason=None)
    ends = {matrix.n_samples: "no_errors_seen", 0: "none_right"}
    return replace(metric, interval=None, reason=ends.get(matrix.n_correct, "no_interval"))


def _design_effect(sizes: Counts, hits: Counts) -> float | None:
    """Variance of a ratio of group sums, divided by p (1 - p) / (n - 1).

    Kish 1965, Survey Sampling; the variance is that of Cochran 1977, Sampling Techniques, 9A.
    """
    n, right, n_groups = int(sizes.sum()), int(hits.sum()), len(sizes)
    if n_groups < 2 or right in (0, n):
        return None
    # residuals k - p n_g, times n: integers
    squares = float(((hits * float(n) - sizes * float(right)) ** 2).sum()) / n**2
    variance = squares * n_groups / (n_groups - 1) / n**2
    return variance / (right * (n - right) / n**2 / (n - 1))


def _texts(ids: NDArray[np.object_]) -> list[str]:
    found: list[Any] = ids.tolist()
    missing = [i for i, value in enumerate(found) if value is None or value == "" or value != value]
    if missing:
        raise DataError(
            f"{len(missing):,} of {len(found):,} samples have no group id",
            slug="group-missing",
            details=[f"the first one is sample {missing[0] + 1:,} of this batch"],
            hint="specify a group for every sample; a single sample is its own group",
        )
    return [str(value) for value in found]


def _places(names: list[str] | tuple[str, ...], place: dict[str, int]) -> Counts:
    return np.fromiter((place[name] for name in names), np.int64, len(names))


def _sum_up(names: tuple[str, ...], groups: Counts, cells: Counts, counts: Counts) -> _Run:
    """Sum up entries of the same group and cell, given in any order."""
    if len(counts) == 0:
        return _Run(names, groups, cells, counts)
    order = np.lexsort((cells, groups))
    groups, cells = groups[order], cells[order]
    new = (np.diff(groups) != 0) | (np.diff(cells) != 0)
    starts = np.flatnonzero(np.concatenate([[True], new]))
    return _Run(names, groups[starts], cells[starts], np.add.reduceat(counts[order], starts))
