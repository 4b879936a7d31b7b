"""One-vs-rest ranking by score: area under the ROC curve, and average precision.

Exact if all scores were stored. With histograms, pairs in the same bin count as ties; the resulting
error is bounded, and printed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.scoring.curves import ClassCurve, Ranked, choose_curves
from reportgen.analysis.scoring.definitions import IntervalValue
from reportgen.analysis.scoring.exact_sums import harmonic_gap
from reportgen.analysis.scoring.ranked_scores import JOINT_LIMIT, Groups, RankedScores
from reportgen.analysis.scoring.score_inputs import missing_reason
from reportgen.analysis.scoring.smoothed import share_interval
from reportgen.metrics import Metric, MetricColumn, wilson

__all__ = [
    "Ranking",
    "average_precision",
    "roc_auc",
]


FEWEST_POSITIVES = 20
"""With fewer samples of a class, its average precision is biased too high for an interval."""


FEWEST_OF_MOST = 5
"""Number of samples that half of the classes must have; otherwise their mean is biased too high."""


_COARSE = 1e-4  # machine epsilon of half precision is 1e-3


Floats = NDArray[np.float64]


Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Ranking:
    """ROC AUC and average precision of each class against the rest, and their plain means.

    Attributes
    ----------
    roc_auc, average_precision
        One metric per class. ``no_true_samples`` or ``no_other_samples`` if a side is empty.
    roc_auc_bounds, average_precision_bounds
        float64, shape (K, 2), read-only: bounds of the metric on these samples; both are the value
        if it is exact, nan if it is undefined.
    macro_roc_auc, macro_average_precision
        Means over the classes with both samples and others.
    n_averaged
        Number of these classes.
    exact
        Whether all scores were ranked individually; otherwise in `n_bins` bins per class.
    n_bins
        0 if exact.
    half_precision
        Whether scores were saved in half precision: different scores may have become equal, and the
        metrics are those of the rounded scores.
    curves
        Curves of the classes with the lowest ROC AUC, lowest first; none for two classes, which
        have :class:`~reportgen.analysis.scoring.thresholds.ThresholdCurve`.
    """

    roc_auc: MetricColumn
    average_precision: MetricColumn
    roc_auc_bounds: Floats
    average_precision_bounds: Floats
    macro_roc_auc: IntervalValue
    macro_average_precision: IntervalValue
    n_averaged: int
    exact: bool
    n_bins: int
    half_precision: bool
    curves: tuple[ClassCurve, ...] = ()

    @classmethod
    def of(cls, ranked: RankedScores) -> Ranking:
        """The metrics of a tally; all ``no_samples`` or ``no_scores`` if it is empty."""
        curves: Ranked = ()
        if ranked.n == 0:
            nothing = IntervalValue.undefined(missing_reason(ranked.n_without), ranked.exact)
            aucs = precisions = [nothing] * ranked.n_classes
        else:
            found = []
            for k, groups in enumerate(ranked.groups()):
                auc = roc_auc(groups)
                found.append((auc, average_precision(groups), int(groups.positives.sum())))
                if ranked.n_classes > 2:
                    curves = choose_curves(curves, k, auc.metric.value, groups)
            aucs = [auc for auc, _, _ in found]
            precisions = _add_wilson([ap for _, ap, _ in found], [n for _, _, n in found])
        of_auc, of_precision = _spreads(ranked, aucs, precisions)
        return cls(
            MetricColumn.of([auc.metric for auc in aucs]),
            MetricColumn.of([precision.metric for precision in precisions]),
            _limits(aucs),
            _limits(precisions),
            _macro(aucs, _macro_metric(aucs, of_auc)),
            _macro(precisions, _macro_metric(precisions, of_precision)),
            sum(auc.metric.value is not None for auc in aucs),
            ranked.exact,
            0 if ranked.exact else ranked.n_bins,
            ranked.eps > _COARSE,
            tuple(curve for _, curve in curves),
        )


def roc_auc(groups: Groups) -> IntervalValue:
    """P(score of a positive > that of a negative) + half of P(equal); Hanley & McNeil 1982.

    Interval: Wilson's, with the variance of DeLong, DeLong & Clarke-Pearson 1988 and one more
    sample on either side; for binned scores it is widened by the bounds. Bounds: half of the pairs
    in the same bin, in either direction.
    """
    if reason := _one_sided(groups):
        return IntervalValue.undefined(reason, groups.exact)
    p, n = groups.positives, groups.negatives
    n_p, n_n = int(p.sum()), int(n.sum())
    if 2 * n_p * n_n < 2**62:  # twice the number of won pairs fits, so it is counted exactly
        value = int((p * (2 * np.cumsum(n) - n)).sum()) / (2 * n_p * n_n)
    else:
        value = float((p / n_p * ((np.cumsum(n) - n / 2) / n_n)).sum())
    ends = share_interval(value, _typical(value, n_p), _auc_variances(groups, value)[1])
    metric = Metric(value, ends, None)
    if groups.exact:
        return IntervalValue(metric, True, value, value)
    slack = float((p / n_p * (n / n_n)).sum()) / 2
    return _widen(IntervalValue(metric, False, max(value - slack, 0.0), min(value + slack, 1.0)))


def average_precision(groups: Groups) -> IntervalValue:
    """sum over thresholds of (gain in recall) × precision, as in scikit-learn, without
    interpolation.

    Its interval is computed for all classes at once, by :class:`Ranking`. Bounds for binned scores:
    highest if in each bin all positives have one score above all negatives, lowest if all negatives
    are above and no two positives are equal.
    """
    if reason := _one_sided(groups):
        return IntervalValue.undefined(reason, groups.exact)
    p, n = groups.positives[::-1], groups.negatives[::-1]
    n_p, found, false = int(p.sum()), np.cumsum(p), np.cumsum(n)
    value = float((p * (found / (found + false))).sum()) / n_p
    metric = Metric(value, None, "no_interval")
    if groups.exact:
        return IntervalValue(metric, True, value, value)
    highest = float((p * (found / np.maximum(found + false - n, 1))).sum()) / n_p
    start = found - p + false  # accepted before the first positive of the bin, which comes last
    lowest = float((p - false * harmonic_gap(start, p)).sum()) / n_p
    return IntervalValue(metric, False, min(max(lowest, 0.0), value), max(min(highest, 1.0), value))


def _add_wilson(figures: list[IntervalValue], n_positives: list[int]) -> list[IntervalValue]:
    """Average precisions with Wilson's intervals, as for proportions of the class's samples.

    The binomial error √(AP (1 - AP) / n) is that of Boyd, Eng & Page 2013, ECML PKDD, 451-466.
    Their logit interval is as wide as 0..1 for AP close to 1, and undefined at 1; the score
    interval of the same error is valid there too. With fewer than twenty samples there is none: the
    average precision is biased too high. For all classes at once: one call per class would take as
    long as the metric.
    """
    trials = np.array(n_positives, np.int64)
    value = np.array([min(f.metric.value or 0.0, 1.0) for f in figures])
    ends = zip(*(x.tolist() for x in wilson(value * trials, trials)), strict=True)
    return [
        f if f.metric.value is None
        else _widen(replace(f, metric=Metric(f.metric.value, between, None)))
        if n >= FEWEST_POSITIVES
        else replace(f, metric=Metric(f.metric.value, None, "too_few_samples"))
        for f, between, n in zip(figures, ends, n_positives, strict=True)
    ]  # fmt: skip


def _widen(figure: IntervalValue) -> IntervalValue:
    """With a wider interval for binned scores: by the bounds of the error on either side."""
    value, ends = figure.metric.value, figure.metric.interval
    low, high = figure.lowest, figure.highest
    if figure.exact or value is None or ends is None or low is None or high is None:
        return figure
    between = max(ends[0] - (value - low), 0.0), min(ends[1] + (high - value), 1.0)
    return replace(figure, metric=Metric(value, between, None))


def _one_sided(groups: Groups) -> str | None:
    if not groups.positives.any():
        return "no_true_samples"
    return None if groups.negatives.any() else "no_other_samples"


def _placements(groups: Groups) -> tuple[Floats, Floats]:
    """For each group, the proportions of won pairs: float64, shape (G,) each.

    Of negatives that a positive there beats, and of positives that beat a negative there; ties
    count half.
    """
    p, n = groups.positives, groups.negatives
    above = p.sum() - np.cumsum(p)
    return (np.cumsum(n) - n / 2) / n.sum(), (above + p / 2) / p.sum()


def _auc_variances(groups: Groups, value: float) -> tuple[float, float]:
    """The variance of the AUC from the samples, and with one more sample on either side.

    The variance of the placements of each side, divided by its number of samples, summed over both
    sides. The additional sample is ranked at random: its placement has mean ½ and mean square ⅓.
    Without it, a side with equal placements would have no variance.
    """
    sides = tuple(zip(_placements(groups), (groups.positives, groups.negatives), strict=True))
    seen, likely = (
        sum(_placement_variance(placed, of, value, unseen) / int(of.sum()) for placed, of in sides)
        for unseen in (0, 1)
    )
    return seen, likely


def _placement_variance(placed: Floats, sizes: Counts, value: float, unseen: int) -> float:
    """Variance of a side's placements with mean `value`, including unseen ones."""
    n = int(sizes.sum())
    apart = float((sizes * (placed - value) ** 2).sum())
    between = (value - 0.5) ** 2 * n * unseen / (n + unseen)
    return (apart + between + unseen / 12) / (n + unseen)


def _typical(value: float, n_positives: int) -> float:
    """The AUC with one more sample of the class, ranked at random."""
    return (n_positives * value + 0.5) / (n_positives + 1)


def _limits(figures: list[IntervalValue]) -> Floats:
    nan = float("nan")
    limits = np.array(
        [(nan if f.lowest is None else f.lowest, nan if f.highest is None else f.highest)
         for f in figures], np.float64
    ).reshape(-1, 2)  # fmt: skip
    limits.flags.writeable = False
    return limits


@dataclass(frozen=True)
class _Spread:
    """The inputs of the interval of a mean over classes.

    Attributes
    ----------
    typical, variance
        The mean and its variance, including unseen samples.
    few
        Whether most classes have too few samples.
    """

    typical: float
    variance: float
    few: bool = False


def _macro(figures: list[IntervalValue], metric: Metric | None) -> IntervalValue:
    """`metric`: the mean of the defined metrics; None if none is defined."""
    exact = figures[0].exact
    if metric is None or metric.value is None:
        reasons = {f.metric.reason for f in figures}
        nothing = next(iter(reasons & {"no_scores", "no_samples"}), None)
        return IntervalValue.undefined(nothing or "constant_labels_or_predictions", exact)
    value = metric.value
    if exact:
        return IntervalValue(metric, True, value, value)
    low, high = (float(x) for x in np.nanmean(_limits(figures), axis=0))
    return IntervalValue(metric, False, min(low, value), max(high, value))


def _mean(figures: list[IntervalValue]) -> float | None:
    values = [f.metric.value for f in figures if f.metric.value is not None]
    return float(np.mean(values)) if values else None


def _macro_metric(figures: list[IntervalValue], spread: _Spread | None) -> Metric | None:
    """The mean with its interval.

    A perfect one has an interval too: excluding it would exclude test sets that contain the truth.
    """
    value = _mean(figures)
    if value is None:
        return None
    if spread is None:
        return Metric(value, None, "too_many_scores")
    if spread.few:
        return Metric(value, None, "too_few_samples")
    value = min(value, 1.0)
    return Metric(value, share_interval(value, spread.typical, spread.variance), None)


def _spreads(
    ranked: RankedScores, aucs: list[IntervalValue], precisions: list[IntervalValue]
) -> tuple[_Spread | None, _Spread | None]:
    """The spreads of mean AUC and mean average precision; None if too expensive.

    All classes are scored on the same samples, so each sample's influence is summed over the
    classes first: the infinitesimal jackknife, Efron 1982. Unseen samples are added per class: to
    the AUC's variance the effect of one more sample on either side; the variance of the average
    precision is at least that of a proportion with one more correct and one more incorrect sample.
    Two classes rank the same samples: they are added in full.
    """
    if not ranked.exact or ranked.n == 0 or ranked.n * ranked.n_classes > JOINT_LIMIT:
        return None, None
    labels, scores = ranked.rows()
    pulls = np.zeros((2, len(labels)))
    typical, unseen = [0.0, 0.0], [0.0, 0.0]  # of AUC, of average precision
    supports: list[int] = []
    for k, groups in enumerate(ranked.groups()):
        auc, precision = aucs[k].metric.value, precisions[k].metric.value
        if auc is None or precision is None:
            continue
        n_p = int(groups.positives.sum())
        supports.append(n_p)
        at = np.searchsorted(groups.scores, scores[:, k].astype(np.float64))
        own = labels == k
        for pull, (of_own, of_others) in zip(
            pulls, (_auc_pulls(groups, auc), _precision_pulls(groups)), strict=True
        ):
            pull += np.where(own, of_own[at], of_others[at])
        seen, likely = _auc_variances(groups, auc)
        share = (n_p * min(precision, 1.0) + 1) / (n_p + 2)
        typical[0] += _typical(auc, n_p)
        typical[1] += share
        unseen[0] += likely - seen
        unseen[1] += share * (1 - share) / n_p
    n = len(supports)
    if n == 0:
        return None, None
    # sorted, so that the result is independent of the order of the samples
    squares = np.sort(pulls, axis=1) ** 2
    of_auc, of_precision = squares.sum(axis=1).tolist()
    of_auc += unseen[0] * (2 if n == 2 else 1)
    few = 2 * sum(n_p < FEWEST_OF_MOST for n_p in supports) > n
    return (
        _Spread(typical[0] / n, of_auc / n**2),
        _Spread(typical[1] / n, max(of_precision, unseen[1]) / n**2, few),
    )


def _auc_pulls(groups: Groups, auc: float) -> tuple[Floats, Floats]:
    """The influence of one more sample at each group's score on the AUC, by side.

    (placement - AUC) / samples of its side; float64, shape (G,) each.
    """
    beats, beaten = _placements(groups)
    return (beats - auc) / groups.positives.sum(), (beaten - auc) / groups.negatives.sum()


def _precision_pulls(groups: Groups) -> tuple[Floats, Floats]:
    """As :func:`_auc_pulls` for average precision, AP = Σ p T / (T + F) / P.

    p of the P samples of the class are in a group; T of them, and F others, are at or above it. One
    more sample of the class adds its own precision, and raises that of all below it; one more of
    the others lowers it.
    """
    p, n = groups.positives.astype(np.float64), groups.negatives.astype(np.float64)
    found, false = np.cumsum(p[::-1])[::-1], np.cumsum(n[::-1])[::-1]
    precision, n_p = found / (found + false), float(found[0])
    per_sample = p / (found + false) ** 2
    value = float((p * precision).sum()) / n_p
    of_own = precision - value + np.cumsum(per_sample * false)
    return of_own / n_p, -np.cumsum(per_sample * found) / n_p
