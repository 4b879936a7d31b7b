"""Can the model abstain? Errors among the answers that it is surest of.

Answers are accepted from the most confident down; risk is the share of errors among the accepted,
coverage the share that is accepted. Answers of equal confidence are accepted together: inside such
a group, the expected risk of a random order counts.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from reportgen.metrics import Metric, wilson
from reportgen.metrics.intervals import LOGIT
from reportgen.scoring.bounded import Bounded
from reportgen.scoring.harmonic import harmonic_gap
from reportgen.scoring.inputs import missing_reason
from reportgen.scoring.ranks import Groups, RankedScores

__all__ = ["OperatingPoint", "RiskCoverage"]

TARGET_ERROR = 0.01
TARGET_COVERAGE = 0.90
CURVE_POINTS = 201

_PIECE = 1 << 14  # groups whose intermediate results stay in the cache
_DIRECT = 1 << 20  # terms that are added one by one rather than by their closed form

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OperatingPoint:
    """What happens if answers below a confidence are left to a human.

    Attributes
    ----------
    threshold
        Answers with at least this confidence are accepted; None where none can be.
    n_accepted, n_errors
        Accepted answers, and wrong ones among them.
    n
        All answers.
    """

    threshold: float | None
    n_accepted: int
    n_errors: int
    n: int

    def coverage(self) -> Metric:
        """The share that is accepted. No interval: the threshold was chosen on these samples."""
        return Metric(self.n_accepted / self.n, None, "no_interval")

    def error(self) -> Metric:
        """Errors among the accepted, with the Wilson interval at this threshold."""
        if self.n_accepted == 0:
            return Metric(None, None, "no_samples")
        low, high = wilson(self.n_errors, self.n_accepted)
        return Metric(self.n_errors / self.n_accepted, (float(low), float(high)), None)


@dataclass(frozen=True, eq=False)
class _Descending:
    """Groups from the most confident down; all int64 or float64, shape (G,)."""

    threshold: Floats
    sizes: Counts
    wrong: Counts
    accepted: Counts
    errors: Counts

    @classmethod
    def of(cls, groups: Groups) -> _Descending:
        sizes, wrong = groups.sizes[::-1], groups.negatives[::-1]
        lower_ends = (groups.scores - groups.width / 2)[::-1]
        return cls(lower_ends, sizes, wrong, np.cumsum(sizes), np.cumsum(wrong))

    @property
    def n(self) -> int:
        return int(self.accepted[-1])

    @property
    def n_errors(self) -> int:
        return int(self.errors[-1])

    def as_floats(self, at: slice) -> tuple[Floats, Floats, Floats, Floats]:
        """Sizes, wrong, accepted and errors there: converted once, not by each operation."""
        parts = (self.sizes, self.wrong, self.accepted, self.errors)
        sizes, wrong, accepted, errors = (part[at].astype(np.float64) for part in parts)
        return sizes, wrong, accepted, errors

    def point(self, i: int) -> OperatingPoint:
        accepted, errors = int(self.accepted[i]), int(self.errors[i])
        return OperatingPoint(float(self.threshold[i]), accepted, errors, self.n)


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """The risk-coverage curve and what is read off it; all None or empty without samples.

    Attributes
    ----------
    thresholds, coverage, risk
        float64, shape (P,), P at most 201, read-only: points of the curve by falling threshold,
        spread evenly over coverage; each is what accepting all at or above the threshold gives.
    aurc
        Area under the curve: mean of the risk over the n coverages 1/n, 2/n, …, 1.
    optimal_aurc
        That of the same errors, if every one were less confident than every right answer.
    excess_aurc
        Their difference: what is lost by a poor ranking.
    at_target_error
        The largest accepted share whose error is at most 1 %.
    at_target_coverage
        The smallest accepted share of at least 90 %.
    """

    thresholds: Floats
    coverage: Floats
    risk: Floats
    aurc: Bounded
    optimal_aurc: Metric
    excess_aurc: Bounded
    at_target_error: OperatingPoint | None
    at_target_coverage: OperatingPoint | None

    def __post_init__(self) -> None:
        for name in ("thresholds", "coverage", "risk"):
            view = np.asarray(getattr(self, name), np.float64).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @classmethod
    def of(cls, ranked: RankedScores, groups: Groups | None = None) -> RiskCoverage:
        """From a tally of answers. ``no_samples`` or ``no_scores`` where it is empty.

        `groups` are those of the tally, where they are at hand: sorting is most of the work.
        With binned confidences, points, coverage and error are exact at the edges of the bins, and
        the areas have bounds.
        """
        if groups is None:
            (groups,) = ranked.groups()
        if ranked.n == 0:
            return _nothing(missing_reason(ranked.n_without), groups.exact)
        down = _Descending.of(groups)
        aurc = _aurc(down, groups.exact)
        optimal = _optimal(down.n - down.n_errors, down.n_errors) / down.n
        at = _thinned(down.accepted, CURVE_POINTS)
        return cls(
            down.threshold[at],
            down.accepted[at] / down.n,
            down.errors[at] / down.accepted[at],
            aurc,
            Metric(optimal, None, "no_interval"),
            _shifted(aurc, optimal),
            coverage_at_error(down, TARGET_ERROR),
            error_at_coverage(down, TARGET_COVERAGE),
        )


def coverage_at_error(down: _Descending, target: float) -> OperatingPoint:
    """The lowest threshold whose accepted answers have at most `target` errors, 0..1."""
    good = np.flatnonzero(down.errors / down.accepted <= target)
    if len(good) == 0:
        return OperatingPoint(None, 0, 0, down.n)
    return down.point(int(good[-1]))


def error_at_coverage(down: _Descending, target: float) -> OperatingPoint:
    """The highest threshold that accepts at least `target`, 0..1, of the answers."""
    reached = partial(_covers, down, target)
    return down.point(bisect_left(range(len(down.accepted)), True, key=reached))


def _covers(down: _Descending, target: float, i: int) -> bool:
    return bool(down.accepted[i] / down.n >= target)


def _aurc(down: _Descending, exact: bool) -> Bounded:
    """sum over groups of E·gap + ρ (m - A·gap), gap = 1/(A+1) + … + 1/(A+m), divided by n.

    A, E: accepted and errors before the group; m its size, ρ its share of errors.
    """
    area, error = _area(down)
    value = area / down.n
    metric = _with_interval(value, error)
    if exact:
        return Bounded(metric, True, value, value)
    before, errors = down.accepted - down.sizes, down.errors - down.wrong
    lowest = _ordered(down.sizes - down.wrong, down.wrong, before, errors, right_first=True)
    highest = _ordered(down.sizes - down.wrong, down.wrong, before, errors, right_first=False)
    return Bounded(metric, False, min(lowest / down.n, value), max(highest / down.n, value))


def _ordered(right: Counts, wrong: Counts, before: Counts, errors: Counts, *, right_first: bool
             ) -> float:  # fmt: skip
    """n · AURC, if in each group all right answers came first, or all wrong ones."""
    if right_first:
        after = before + right
        free = errors * harmonic_gap(before, right)
        paid = wrong - (after - errors) * harmonic_gap(after, wrong)
    else:
        after = before + wrong
        free = (errors + wrong) * harmonic_gap(after, right)
        paid = wrong - (before - errors) * harmonic_gap(before, wrong)
    return float((free + paid).sum())


def _area(down: _Descending) -> tuple[float, float]:
    """(n · AURC, standard error of AURC), the error by the delta method.

    The samples of each group, wrong and right, are taken as counts. With w wrong of m samples in a
    group, A and E accepted and errors before it, B = A + m, n · AURC is the sum of
    w + (E - w A / m) gap. One more sample in the group moves the ends of the group and of all later
    ones (`pull`); a wrong one raises E for all later ones too (`own`).

    Groups are taken some at a time, from the last: a million of them would fill the memory with
    intermediate results, which costs more than the arithmetic.
    """
    n_groups = len(down.sizes)
    own, pull = np.empty(n_groups), np.empty(n_groups)
    area, mean, later, to_n = 0.0, 0.0, 0.0, 0.0
    for stop in range(n_groups, 0, -_PIECE):
        at = slice(max(stop - _PIECE, 0), stop)
        sizes, wrong, accepted, errors = down.as_floats(at)
        before, errors = accepted - sizes, errors - wrong
        gap = _gaps(before, sizes)
        inside = np.where(sizes == 1, gap, sizes - before * gap)  # sum of i / (A + i)
        share = wrong / sizes
        area += float((errors * gap + share * inside).sum())
        rest = errors - share * before
        shift = rest * (1 / accepted - 1 / np.maximum(before, 1)) - share * gap
        from_here = np.cumsum(shift[::-1])[::-1] + later
        up_to_n = np.cumsum(gap[::-1])[::-1] + to_n  # 1/(A + 1) + … + 1/n
        own[at] = up_to_n - gap + inside / sizes
        pull[at] = share * before / sizes * gap + rest / accepted + (from_here - shift)
        mean += float((wrong * own[at] + sizes * pull[at]).sum())
        later, to_n = float(from_here[0]), float(up_to_n[0])
    mean /= down.n
    squares = 0.0
    for start in range(0, n_groups, _PIECE):
        at = slice(start, start + _PIECE)
        sizes, wrong, _, _ = down.as_floats(at)
        right = sizes - wrong
        squares += float((wrong * (own[at] + pull[at] - mean) ** 2).sum())
        squares += float((right * (pull[at] - mean) ** 2).sum())
    return area, float(np.sqrt(squares)) / down.n


def _gaps(before: Floats, sizes: Floats) -> Floats:
    """``1/(before+1) + … + 1/(before+sizes)`` of groups of at least one sample, mostly of one."""
    gaps = 1 / (before + 1)
    several = np.flatnonzero(sizes > 1)
    gaps[several] = harmonic_gap(before[several], sizes[several])
    return gaps


def _with_interval(value: float, error: float) -> Metric:
    if value == 0:
        return Metric(value, None, "no_errors_seen")
    if value == 1:
        return Metric(value, None, "none_right")
    low, high = LOGIT.interval(value, error)
    if np.isnan(low):
        return Metric(value, None, "no_interval")
    return Metric(value, (float(low), float(high)), None)


def _optimal(n_right: int, n_wrong: int) -> float:
    """n · AURC of a perfect ranking: sum of j / (n_right + j) over the errors j = 1, 2, …"""
    if n_wrong <= _DIRECT:  # the closed form would lose the digits of a small number of errors
        j = np.arange(1, n_wrong + 1)
        return float((j / (n_right + j)).sum())
    return float(n_wrong - n_right * harmonic_gap(n_right, n_wrong))


def _shifted(aurc: Bounded, optimal: float) -> Bounded:
    """AURC minus the optimum of the same errors; never below 0 by rounding."""
    value, low, high = (
        max(x - optimal, 0.0) for x in (aurc.metric.value, aurc.lowest, aurc.highest)
        if x is not None
    )  # fmt: skip
    return Bounded(Metric(value, None, "no_interval"), aurc.exact, low, high)


def _thinned(accepted: Counts, n_points: int) -> NDArray[np.intp]:
    """Indices of at most `n_points` groups, evenly spread over coverage; first and last kept."""
    wanted = np.linspace(accepted[0], accepted[-1], n_points)
    return np.unique(np.searchsorted(accepted, wanted))


def _nothing(reason: str, exact: bool) -> RiskCoverage:
    none = np.zeros(0)
    nothing = Bounded.undefined(reason, exact)
    return RiskCoverage(none, none, none, nothing, nothing.metric, nothing, None, None)
