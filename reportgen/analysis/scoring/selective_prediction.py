"""Selective prediction: errors among the most confident predictions.

Predictions are accepted by decreasing confidence; selective risk is the error rate of the accepted,
coverage their proportion. Predictions of equal confidence are accepted together: inside such a
group, the expected risk of a random order is used.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.scoring.definitions import IntervalValue
from reportgen.analysis.scoring.exact_sums import harmonic_gap
from reportgen.analysis.scoring.ranked_scores import Groups, RankedScores
from reportgen.analysis.scoring.score_inputs import missing_reason
from reportgen.analysis.scoring.smoothed import share_interval
from reportgen.metrics import (
    CONFIDENCE,
    Metric,
    clopper_pearson,
    one_sided_error_bound,
    quantile,
    wilson,
)

__all__ = [
    "Held",
    "OperatingPoint",
    "RiskCoverage",
]


TARGET_ERROR = 0.01


TARGET_COVERAGE = 0.90


UNSEEN_ERRORS = 0.1
"""Randomly ranked errors added for the variance of the area.

The smallest number that suffices in the simulations of docs/metrics.md.
"""


HELD_STEPS = 20
"""Number of coverages tried for :class:`Held`: every 5%."""


CURVE_POINTS = 201


_PIECE = 1 << 14  # groups whose intermediate results fit into the cache


_FLAT = 1e-12  # rounding error of a sum of squares that is 0


_DIRECT = 1 << 20  # terms added one by one, not by their closed form


Counts = NDArray[np.int64]


Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OperatingPoint:
    """The effect of abstaining below a confidence threshold.

    Attributes
    ----------
    threshold
        Predictions with at least this confidence are accepted; None if there is no threshold.
    n_accepted, n_errors
        Number of accepted predictions, and of incorrect ones among them.
    n
        Number of all predictions.
    """

    threshold: float | None
    n_accepted: int
    n_errors: int
    n: int

    @property
    def coverage(self) -> float:
        """Coverage, 0..1."""
        return self.n_accepted / self.n

    def error(self) -> Metric:
        """Selective risk, with the Wilson interval at this threshold."""
        if self.n_accepted == 0:
            return Metric(None, None, "no_samples")
        low, high = wilson(self.n_errors, self.n_accepted)
        return Metric(self.n_errors / self.n_accepted, (float(low), float(high)), None)


@dataclass(frozen=True)
class Held:
    """A threshold with an error of at most 1% in the population, with 95% confidence.

    Attributes
    ----------
    point
        The operating point on these samples.
    error_bound
        Upper bound of the error among accepted predictions, 0..0.01.
    """

    point: OperatingPoint
    error_bound: float


@dataclass(frozen=True, eq=False)
class _Descending:
    """Groups by decreasing confidence; all int64 or float64, shape (G,)."""

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
        """Sizes, incorrect, accepted and errors at an index, converted to float64 once."""
        parts = (self.sizes, self.wrong, self.accepted, self.errors)
        sizes, wrong, accepted, errors = (part[at].astype(np.float64) for part in parts)
        return sizes, wrong, accepted, errors

    def point(self, i: int) -> OperatingPoint:
        accepted, errors = int(self.accepted[i]), int(self.errors[i])
        return OperatingPoint(float(self.threshold[i]), accepted, errors, self.n)


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """The risk–coverage curve and derived metrics; all None or empty without samples.

    Attributes
    ----------
    thresholds, coverage, risk
        float64, shape (P,), P at most 201, read-only: points of the curve by decreasing threshold,
        evenly spaced in coverage; each accepts all predictions at or above the threshold.
    aurc
        Area under the curve: mean of the risk over the n coverages 1/n, 2/n, …, 1.
    optimal_aurc
        That of the same errors with an ideal ranking: every error less confident than every correct
        prediction.
    excess_aurc
        Their difference: the loss due to the ranking.
    at_target_error
        The operating point of largest coverage with an error of at most 1%.
    coverage_at_target_error
        That coverage, with an interval that accounts for the selection of the threshold on these
        samples.
    at_target_coverage
        The operating point of smallest coverage of at least 90%.
    held
        The largest coverage at which the error is at most 1% with 95% confidence; or None.
    """

    thresholds: Floats
    coverage: Floats
    risk: Floats
    aurc: IntervalValue
    optimal_aurc: Metric
    excess_aurc: IntervalValue
    at_target_error: OperatingPoint | None
    coverage_at_target_error: Metric
    at_target_coverage: OperatingPoint | None
    held: Held | None = None

    def __post_init__(self) -> None:
        for name in ("thresholds", "coverage", "risk"):
            view = np.asarray(getattr(self, name), np.float64).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @classmethod
    def of(cls, ranked: RankedScores, groups: Groups | None = None) -> RiskCoverage:
        """From a tally of predictions.

        ``no_samples`` or ``no_scores`` if it is empty. `groups` are those of the tally, if known:
        sorting dominates the time. With binned confidences, points, coverage and error are exact at
        the edges of the bins, and the areas have bounds.
        """
        if groups is None:
            (groups,) = ranked.groups()
        if ranked.n == 0:
            return _nothing(missing_reason(ranked.n_without), groups.exact)
        down = _Descending.of(groups)
        area = _area(down)
        aurc = _aurc(down, area, groups.exact)
        optimal = _optimal(down.n - down.n_errors, down.n_errors) / down.n
        target = _AtError.of(down, TARGET_ERROR)
        at = _downsample(down.accepted, CURVE_POINTS)
        return cls(
            down.threshold[at],
            down.accepted[at] / down.n,
            down.errors[at] / down.accepted[at],
            aurc,
            Metric(optimal, None, "no_interval"),
            _excess(aurc, optimal, down, area.excess_error),
            target.point,
            target.coverage(),
            error_at_coverage(down, TARGET_COVERAGE),
            _hold(down, TARGET_ERROR),
        )


@dataclass(frozen=True)
class _AtError:
    """The lowest threshold with an error of at most `target`, and the range of its coverage.

    Attributes
    ----------
    point
        Its operating point: empty if there is no such threshold.
    n_sure, n_possible
        Number of predictions down to the last threshold whose Wilson interval has its upper end at
        most at the target, and to the last whose lower end is.
    """

    point: OperatingPoint
    n_sure: int
    n_possible: int

    @classmethod
    def of(cls, down: _Descending, target: float) -> _AtError:
        """Find it; `target` in 0..1.

        Only the last threshold before each error is tried: for the same number of errors, more
        predictions are better.
        """
        at = np.append(np.flatnonzero(down.wrong[1:] > 0), len(down.wrong) - 1)
        accepted, errors = down.accepted[at].astype(np.float64), down.errors[at]
        slack = quantile() * np.sqrt(accepted * target * (1 - target))
        good = at[errors / accepted <= target]
        sure, possible = (at[errors <= accepted * target + s] for s in (-slack, slack))
        point = OperatingPoint(None, 0, 0, down.n)
        return cls(
            down.point(int(good[-1])) if len(good) else point,
            int(down.accepted[sure[-1]]) if len(sure) else 0,
            int(down.accepted[possible[-1]]) if len(possible) else 0,
        )

    def coverage(self) -> Metric:
        """Coverage, 0..1, with a test-inversion interval.

        At the true threshold, the error of the accepted predictions is the target, so with 95%
        probability the samples down to it do not reject it, and it is between the two bounds of
        :class:`_AtError`. Both ends are widened once more, as proportions of these samples. In
        simulations with 100 to 10,000 samples this covers 92 to 100% at nominal 95%.
        """
        n = self.point.n
        (low, _), (_, high) = (wilson(k, n) for k in (self.n_sure, self.n_possible))
        return Metric(self.point.coverage, (float(low), float(high)), None)


def _hold(down: _Descending, target: float) -> Held | None:
    """The largest of twenty coverages whose error bound is at most `target`.

    Cuts do not depend on which predictions are incorrect, so at each cut the number of errors is
    binomial, and its exact upper bound (Clopper-Pearson) is corrected for all twenty (Bonferroni):
    with 95% probability no bound is too low.

    Angelopoulos et al. 2021, Learn then Test, arXiv 2110.01052.
    """
    most = down.n * np.arange(1, HELD_STEPS + 1) // HELD_STEPS
    at = np.unique(np.searchsorted(down.accepted, most, "right")) - 1
    at = at[at >= 0]
    accepted, errors = down.accepted[at], down.errors[at]
    if not np.any(errors <= target * accepted):
        return None
    _, bound = clopper_pearson(errors, accepted, 1 - 2 * (1 - CONFIDENCE) / HELD_STEPS)
    good = np.flatnonzero(bound <= target)
    if not len(good):
        return None
    return Held(down.point(int(at[good[-1]])), float(bound[good[-1]]))


def error_at_coverage(down: _Descending, target: float) -> OperatingPoint:
    """The highest threshold that accepts at least `target`, 0..1, of the predictions."""
    reached = partial(_covers, down, target)
    return down.point(bisect_left(range(len(down.accepted)), True, key=reached))


def _covers(down: _Descending, target: float, i: int) -> bool:
    return bool(down.accepted[i] / down.n >= target)


def _aurc(down: _Descending, area: _Area, exact: bool) -> IntervalValue:
    """sum over groups of E·gap + ρ (m - A·gap), gap = 1/(A+1) + … + 1/(A+m), divided by n.

    A, E: accepted and errors before the group; m its size, ρ its error rate.
    """
    value = area.total / down.n
    metric = _aurc_metric(value, area.error, down.n)
    if exact:
        return IntervalValue(metric, True, value, value)
    before, errors = down.accepted - down.sizes, down.errors - down.wrong
    lowest = _order_by_confidence(
        down.sizes - down.wrong, down.wrong, before, errors, right_first=True
    )
    highest = _order_by_confidence(
        down.sizes - down.wrong, down.wrong, before, errors, right_first=False
    )
    return IntervalValue(metric, False, min(lowest / down.n, value), max(highest / down.n, value))


def _order_by_confidence(
    right: Counts, wrong: Counts, before: Counts, errors: Counts, *, right_first: bool
) -> float:
    """n · AURC, if in each group all correct predictions came first, or all incorrect ones."""
    if right_first:
        after = before + right
        free = errors * harmonic_gap(before, right)
        paid = wrong - (after - errors) * harmonic_gap(after, wrong)
    else:
        after = before + wrong
        free = (errors + wrong) * harmonic_gap(after, right)
        paid = wrong - (before - errors) * harmonic_gap(before, wrong)
    return float((free + paid).sum())


@dataclass(frozen=True)
class _Area:
    """n · AURC; the standard errors of AURC and of the excess AURC."""

    total: float
    error: float
    excess_error: float


def _area(down: _Descending) -> _Area:
    """The area, and standard errors by the delta method.

    The incorrect and correct samples of each group are counts. With w incorrect of m samples in a
    group, A and E accepted and errors before it, B = A + m, n · AURC is the sum of w + (E - w A /
    m) gap. One more sample in the group moves the ends of the group and of all later ones (`pull`);
    an incorrect one raises E for all later ones too (`own`). Groups are processed in blocks, from
    the last: intermediate results of a million groups would cost more than the arithmetic.
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
    squares = of_wrong = 0.0
    for start in range(0, n_groups, _PIECE):
        at = slice(start, start + _PIECE)
        sizes, wrong, _, _ = down.as_floats(at)
        right = sizes - wrong
        by_wrong = own[at] + pull[at] - mean
        # a product of BLAS depends on the number of cores
        of_wrong += float((wrong * by_wrong).sum())
        squares += float((wrong * by_wrong**2).sum())
        squares += float((right * (pull[at] - mean) ** 2).sum())
    excess = _excess_squares(squares, of_wrong, down)
    return _Area(area, float(np.sqrt(squares)) / down.n, float(np.sqrt(excess)) / down.n)


def _excess_squares(squares: float, of_wrong: float, down: _Descending) -> float:
    """The sum of squares for the excess area.

    The optimum is r + (1 - r) ln(1 - r) of the error rate r; its slope is -ln(1 - r), and a sample
    changes r by (1 - r) / n if incorrect, by -r / n if correct. All changes of the area sum to 0,
    so those of correct samples are minus those of incorrect ones, `of_wrong`.
    """
    rate = down.n_errors / down.n
    if rate in (0, 1):
        return 0.0
    slope = -math.log1p(-rate)
    left = squares - 2 * slope * of_wrong + slope**2 * down.n * rate * (1 - rate)
    return left if left > _FLAT * squares else 0.0


def _gaps(before: Floats, sizes: Floats) -> Floats:
    """``1/(before+1) + … + 1/(before+sizes)`` for groups of at least one sample, usually of one."""
    gaps = 1 / (before + 1)
    several = np.flatnonzero(sizes > 1)
    gaps[several] = harmonic_gap(before[several], sizes[several])
    return gaps


def _aurc_metric(value: float, error: float, n: int) -> Metric:
    """With Wilson's interval of an effective sample size.

    Its variance includes a tenth of a randomly ranked error: that adds 1 / n to the area on
    average, with the mean square 2 / n².
    """
    if value == 0:
        return Metric(value, None, "no_errors_seen")
    if value == 1:
        return Metric(value, None, "none_right")
    if error == 0:
        return Metric(value, None, "no_interval")
    typical = (n * value + UNSEEN_ERRORS) / (n + 2 * UNSEEN_ERRORS)
    ends = share_interval(value, typical, error**2 + 2 * UNSEEN_ERRORS / n**2)
    return Metric(value, ends, None)


def _optimal(n_right: int, n_wrong: int) -> float:
    """n · AURC of a perfect ranking: sum of j / (n_right + j) over the errors j = 1, 2, …"""
    if n_wrong <= _DIRECT:  # the closed form would lose digits for few errors
        j = np.arange(1, n_wrong + 1)
        return float((j / (n_right + j)).sum())
    return float(n_wrong - n_right * harmonic_gap(n_right, n_wrong))


def _excess(aurc: IntervalValue, optimal: float, down: _Descending, error: float) -> IntervalValue:
    """AURC minus the optimum of the same errors; not below 0 by rounding."""
    value, low, high = (
        max(x - optimal, 0.0) for x in (aurc.metric.value, aurc.lowest, aurc.highest)
        if x is not None
    )  # fmt: skip
    if _is_perfect(down):  # the rest of the difference is rounding error
        perfect = Metric(0.0, None, "no_errors_seen")
        return IntervalValue(perfect, aurc.exact, 0.0, 0.0 if aurc.exact else high)
    metric = _add_unseen(_aurc_metric(value, error, down.n), down.n)
    return IntervalValue(metric, aurc.exact, low, high)


def _add_unseen(metric: Metric, n: int) -> Metric:
    """With a higher upper end, for confident errors too rare to be in these samples.

    They are few but influential: without it, the true value is above the interval in up to a
    quarter of test sets; with it, the interval covers 88 to 99% at nominal 95%, in simulations with
    100 to 5,000 samples. Errors of a rate ε, spread evenly over all confidences, raise the area by
    ε.
    """
    if metric.interval is None or metric.value is None:
        return metric
    low, high = metric.interval
    room = math.hypot(high - metric.value, one_sided_error_bound(n))
    return replace(metric, interval=(low, min(metric.value + room, 1.0)))


def _is_perfect(down: _Descending) -> bool:
    """Whether every correct prediction is more confident than every wrong one."""
    first = int(np.argmax(down.wrong > 0))
    return down.n_errors == 0 or int(down.accepted[first] - down.sizes[first]) == (
        down.n - down.n_errors
    )


def _downsample(accepted: Counts, n_points: int) -> NDArray[np.intp]:
    """Indices of at most `n_points` groups, evenly spaced in coverage; first and last included."""
    wanted = np.linspace(accepted[0], accepted[-1], n_points)
    return np.unique(np.searchsorted(accepted, wanted))


def _nothing(reason: str, exact: bool) -> RiskCoverage:
    none = np.zeros(0)
    nothing = IntervalValue.undefined(reason, exact)
    return RiskCoverage(
        none, none, none, nothing, nothing.metric, nothing, None, nothing.metric, None
    )
