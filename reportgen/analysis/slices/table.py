"""The table of slices: metrics with intervals, and differences from the rest, lowest first."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import numpy as np

from reportgen.analysis.scoring import CalibrationBins, missing_reason
from reportgen.analysis.slices.plan import Bins, Cut, LeftOut, Part
from reportgen.analysis.slices.tallies import SliceTallies
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.jsonio import MOST, Flat, Form, JsonPath, Range, Share, agree
from reportgen.metrics import (
    CONFIDENCE,
    MacroMode,
    Metric,
    ShareMetric,
    SignedMetric,
    holm,
    quantile,
    summary_metrics,
    wilson,
)

__all__ = [
    "ALPHA",
    "LOW_SUPPORT",
    "Column",
    "Slice",
    "SliceReport",
    "Verdict",
    "newcombe",
    "slice_table",
    "two_sided_p",
]


_COUNTED = "n_correct / n"
"""What an accuracy is made from, in words."""


COCHRAN = 5
"""With an expected count below this, the exact test replaces the score test."""


_SAME = 1 + 1e-7  # tables whose probabilities differ by less are equally likely, as in R and scipy


def newcombe(
    hits: int, n: int, other_hits: int, other_n: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """The interval of hits/n - other_hits/other_n, two groups of different samples.

    Both n must be at least 1. It is within -1..1, and always has a width.

    Newcombe 1998, Statistics in Medicine 17, 873-890, method 10: made of two Wilson intervals.
    """
    share, other = hits / n, other_hits / other_n
    (low, other_low), (high, other_high) = (
        ends.tolist() for ends in wilson([hits, other_hits], [n, other_n], confidence)
    )
    difference = share - other
    return (
        max(difference - math.hypot(share - low, other_high - other), -1.0),
        min(difference + math.hypot(high - share, other - other_low), 1.0),
    )


def two_sided_p(hits: int, n: int, other_hits: int, other_n: int) -> float:
    """p-value of equal proportions in two disjoint groups, both n ≥ 1.

    The score test (pooled z, which is chi-square without correction) if all four expected counts
    are at least 5 (Cochran 1954), otherwise Fisher's exact test.

    The score test agrees with :func:`newcombe` at 0 in 98 to 100% of samples of 5 to 100 against
    ten or a hundred times as many; Fisher's in 93 to 99%, always conservatively. But only the exact
    test is valid in the far tail that Holm's correction uses: one wrong sample against 1,000 of
    which 1 is wrong has z = 22, and p = 0.002.
    """
    right, total = hits + other_hits, n + other_n
    smallest = min(n, other_n) * min(right, total - right)
    if smallest < COCHRAN * total:
        return _fisher(hits, n, right, total)
    # z² = (a d - b c)² N / (r₁ r₂ c₁ c₂), in integers until the division
    cross = hits * (other_n - other_hits) - other_hits * (n - hits)
    z = abs(cross) * math.sqrt(total / (n * other_n) / (right * (total - right)))
    return math.erfc(z / math.sqrt(2))


def _fisher(hits: int, n: int, right: int, total: int) -> float:
    """Sum of the probabilities of all tables at most as likely as this one.

    `n` of `total` samples are in the group; `right` of all and `hits` of the group are correct.
    Each probability is computed from its neighbour's, outwards from the mode, without factorials.
    """
    low, high = max(0, n + right - total), min(n, right)
    mode = min(max((n + 1) * (right + 1) // (total + 2), low), high)
    up = np.arange(mode, high, dtype=np.float64)
    down = np.arange(mode, low, -1, dtype=np.float64)
    rest = total - n - right
    rising = np.cumprod((n - up) / (up + 1) * ((right - up) / (rest + up + 1)))
    falling = np.cumprod(down / (n - down + 1) * ((rest + down) / (right - down + 1)))
    weights = np.concatenate([falling[::-1], [1.0], rising])
    extreme = weights[weights <= weights[hits - low] * _SAME]
    return min(float(extreme.sum() / weights.sum()), 1.0)


ALPHA = 0.05


LOW_SUPPORT = 30
"""With fewer samples, a slice is marked: the 95% CI of a proportion is then wider than ±10 pp."""


Verdict = Literal["worse", "better", "unclear"]


_FIGURES = ("accuracy", "balanced_accuracy", "macro_f1")


@dataclass(frozen=True)
class Slice:
    """A slice of the samples.

    Attributes
    ----------
    column
        Name of the metadata column.
    part
        The part of the column.
    n, n_correct
        Samples, and correct predictions among them.
    accuracy
        With its Wilson interval.
    balanced_accuracy, macro_f1
        With delta-method intervals; over the classes with samples in the slice; macro F1 optionally
        over all.
    confidence_gap
        Mean confidence minus accuracy, over the samples with a confidence: above 0, the model is
        overconfident here. Normal interval from :data:`LOW_SUPPORT` samples on.
    ece
        Expected calibration error in the 15 bins of equal width; no interval.
    difference
        Accuracy minus that of all other samples of the data, with Newcombe's interval.
    p_value
        p-value of no difference; None without other samples.
    p_holm
        The p-value with Holm's correction over all slices of all columns.
    """

    column: str
    part: Annotated[Part, Flat()]
    n: Annotated[int, Range(1, MOST)]
    n_correct: int
    accuracy: ShareMetric
    balanced_accuracy: ShareMetric
    macro_f1: ShareMetric
    confidence_gap: SignedMetric
    ece: ShareMetric
    difference: SignedMetric
    p_value: Share | None
    p_holm: Share | None

    __json__: ClassVar[Form] = Form(told=("verdict", "low_support"))

    @property
    def verdict(self) -> Verdict:
        """``worse`` or ``better`` than the rest, if the corrected test is significant."""
        if self.p_holm is None or self.p_holm >= ALPHA or not self.difference.value:
            return "unclear"
        return "worse" if self.difference.value < 0 else "better"

    @property
    def low_support(self) -> bool:
        """Whether the slice has few samples."""
        return self.n < LOW_SUPPORT

    def check_place(self, place: JsonPath) -> None:
        """Raise :class:`~reportgen.jsonio.Fault` for more correct predictions than samples.

        Raises :class:`~reportgen.jsonio.Contradiction` if the accuracy does not match the counts.
        """
        place["n_correct"].whole(Range(0, self.n))
        if not agree(self.accuracy.value, self.n_correct / self.n):
            place["accuracy"]["value"].disagrees(self.n_correct / self.n, _COUNTED)
        place["accuracy"]["interval"].must_have_ends(wilson(self.n_correct, self.n), _COUNTED)


@dataclass(frozen=True)
class Column:
    """The slicing of a metadata column.

    Attributes
    ----------
    name
        Name of the column.
    kind
        ``"categories"``, ``"bins"`` or ``"left_out"``.
    reason
        Why it has no slices: a key of :data:`reportgen.analysis.slices.REASONS`; else None.
    n_values
        Number of distinct values of categories; else None.
    n_shown
        Number of values with their own slice; else None.
    edges
        Smallest number, edges, and largest number of bins; else ().
    rounded
        Whether the edges are rounded.
    """

    name: str
    kind: Literal["categories", "bins", "left_out"]
    reason: str | None = None
    n_values: int | None = None
    n_shown: int | None = None
    edges: tuple[float, ...] = ()
    rounded: bool = False

    @classmethod
    def of(cls, cut: Cut | LeftOut) -> Column:
        if isinstance(cut, LeftOut):
            return cls(cut.name, "left_out", cut.reason)
        if isinstance(cut, Bins):
            edges = (cut.low, *cut.edges, cut.high)
            return cls(cut.name, "bins", edges=edges, rounded=cut.rounded)
        return cls(cut.name, "categories", None, cut.n_values, len(cut.levels))

    def check_place(self, place: JsonPath) -> None:
        """Raise :class:`~reportgen.jsonio.Fault` if a member of its kind is missing."""
        edges = list(self.edges)
        if self.kind == "bins" and (len(edges) < 2 or edges != sorted(edges)):
            place["edges"].contradicts("bins have edges that rise")
        if self.kind == "categories" and (self.n_values is None or self.n_shown is None):
            place["kind"].contradicts("categories have numbers of values")
        if self.kind == "left_out" and self.reason is None:
            place["reason"].contradicts("a column is excluded for a reason")


@dataclass(frozen=True)
class SliceReport:
    """All slices, lowest first.

    Attributes
    ----------
    columns
        All metadata columns: those with slices, then those without.
    slices
        Significantly worse ones first, then the others; each by the upper end of the difference, so
        that a slice of one sample does not come first.
    n_tests
        Number of tests in Holm's correction; printed.
    """

    columns: tuple[Column, ...] = ()
    slices: tuple[Slice, ...] = ()
    n_tests: int = 0

    @property
    def n_worse(self) -> int:
        """Number of slices significantly worse than the rest."""
        return sum(one.verdict == "worse" for one in self.slices)

    @property
    def correction(self) -> Literal["holm"]:
        """The correction of the *p* values."""
        return "holm"

    @property
    def alpha(self) -> float:
        """A slice differs significantly if its corrected *p* is below this."""
        return ALPHA

    __json__: ClassVar[Form] = Form(
        ("columns", "n_tests", "correction", "alpha", "slices"),
        told=("correction", "alpha"),
        optional=frozenset(),
    )


def slice_table(some: Iterable[SliceTallies], *, macro: MacroMode = "present") -> SliceReport:
    """Compare every slice that has samples with the rest.

    `some`: tallies of a few columns at a time, so that not all are in memory. `macro`: the classes
    that F1 averages over.
    """
    found: list[Slice] = []
    cuts: list[Cut] = []
    left_out: list[LeftOut] = []
    for tallies in some:
        for c, cut in enumerate(tallies.plan.cuts):
            found += _of_column(tallies, c, cut, macro)
        cuts += tallies.plan.cuts
        left_out += tallies.plan.left_out
    adjusted = holm([math.nan if one.p_value is None else one.p_value for one in found])
    corrected = [
        one if one.p_value is None else replace(one, p_holm=p)
        for one, p in zip(found, adjusted.p.tolist(), strict=True)
    ]
    columns = tuple(Column.of(cut) for cut in (*cuts, *left_out))
    return SliceReport(columns, tuple(sorted(corrected, key=_harm)), adjusted.m)


def _of_column(tallies: SliceTallies, column: int, cut: Cut, macro: MacroMode) -> list[Slice]:
    matrices = [tallies.matrix(column, part) for part in range(len(cut.parts))]
    n, hits = sum(m.n_samples for m in matrices), sum(m.n_correct for m in matrices)
    return [
        _slice(cut.name, part, matrix, tallies.bins(column, at), n, hits, macro)
        for at, (part, matrix) in enumerate(zip(cut.parts, matrices, strict=True))
        if matrix.n_samples
    ]


def _slice(
    column: str, part: Part, matrix: ConfusionMatrix, bins: CalibrationBins, n_all: int,
    hits_all: int, macro: MacroMode,
) -> Slice:  # fmt: skip
    n, hits = matrix.n_samples, matrix.n_correct
    figures = summary_metrics(matrix, macro=macro, only=_FIGURES)
    p, difference = None, Metric(None, None, "no_samples")
    if n < n_all:
        groups = hits, n, hits_all - hits, n_all - n
        p = two_sided_p(*groups)
        difference = Metric(hits / n - groups[2] / groups[3], newcombe(*groups), None)
    gap, ece = _calibration(bins)
    accuracy, balanced, f1 = (figures[name] for name in _FIGURES)
    return Slice(column, part, n, hits, accuracy, balanced, f1, gap, ece, difference, p, None)


def _calibration(bins: CalibrationBins) -> tuple[Metric, Metric]:
    """(mean confidence - accuracy, ECE)."""
    n = bins.n
    if n == 0:
        nothing = Metric(None, None, missing_reason(bins.n_without))
        return nothing, nothing
    cells = bins.cells()
    gap = -float(cells.gaps.sum()) / n
    ece = Metric(cells.ece, None, "no_interval")
    if n < LOW_SUPPORT:
        return Metric(gap, None, "no_interval"), ece
    # of (confidence - correct)²: c² if incorrect, (1 - c)² if correct
    right = cells.counts[1] - 2 * cells.confidences[1] + cells.squares[1]
    square = float((cells.squares[0] + right).sum()) / n
    error = math.sqrt(max(square - gap * gap, 0.0) / (n - 1))
    if error == 0:
        return Metric(gap, None, "no_interval"), ece
    ends = np.clip([gap - quantile() * error, gap + quantile() * error], -1, 1).tolist()
    return Metric(gap, (ends[0], ends[1]), None), ece


def _harm(one: Slice) -> tuple[bool, float]:
    """Sort key: significantly worse first, then by the upper end of the difference; none last."""
    ends = one.difference.interval
    return one.verdict != "worse", math.inf if ends is None else ends[1]
