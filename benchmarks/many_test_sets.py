"""Figures of scores of many test sets at once, for benchmarks.score_coverage.

Ranks, bins and influences are formed here for a block of test sets; intervals are made of them by
the functions of a report. ``tests/test_coverage.py`` holds each figure to that of a report.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.scoring import BrierScore, LogLoss, Scores
from reportgen.analysis.scoring.calibration import (
    N_BINS,
    Cells,
    Chance,
    _bounds,
    _less_chance,
    bin_indices,
    ece_metric,
)
from reportgen.analysis.scoring.definitions import IntervalValue
from reportgen.analysis.scoring.ranked_scores import Groups
from reportgen.analysis.scoring.ranking import (
    FEWEST_OF_MOST,
    _add_wilson,
    _macro_metric,
    _Spread,
    _typical,
)
from reportgen.analysis.scoring.selective_prediction import (
    _area,
    _aurc,
    _Descending,
    _excess,
    _optimal,
)
from reportgen.analysis.scoring.smoothed import share_interval
from reportgen.metrics import Metric, quantile

__all__ = ["CERTAIN", "figures_of_many"]

CERTAIN = Chance(-1.0, -1.0, 0, 0)
"""The chance level only ever lowers an end: without it, coverage is worse."""

_EPS = float(np.finfo(np.float64).eps)

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def figures_of_many(labels: Labels, p: Floats) -> Iterator[dict[str, Metric]]:
    """The figures of each of B test sets, by name; those of a class are of the first.

    Parameters
    ----------
    labels
        Shape (B, n).
    p
        Probabilities, shape (B, n, K).
    """
    confidence, right = p.max(axis=2), p.argmax(axis=2) == labels
    parts = zip(
        _losses(labels, p),
        _equal_width(confidence, right),
        _of_answers(confidence, right),
        _classwise(labels, p),
        _rankings(labels, p),
        strict=True,
    )
    for found in parts:
        yield {name: metric for part in found for name, metric in part.items()}


def _losses(labels: Labels, p: Floats) -> Iterator[dict[str, Metric]]:
    for own, scores in zip(labels, p, strict=True):
        yield {
            "log_loss": LogLoss.of(scores[np.arange(len(own)), own]).metric(),
            "brier_score": BrierScore.of(Scores.of(scores, own)).metric(),
        }


# Calibration


def _equal_width(confidence: Floats, right: NDArray[np.bool_]) -> Iterator[dict[str, Metric]]:
    b = len(confidence)
    cells = bin_indices(confidence, N_BINS, _EPS) + N_BINS * right
    cells += 2 * N_BINS * np.arange(b)[:, None]
    counts, sums, squares = (
        np.bincount(cells.ravel(), weights, b * 2 * N_BINS).reshape(b, 2, N_BINS)
        for weights in (None, confidence.ravel(), (confidence**2).ravel())
    )
    for cell in map(_with_gaps, counts.astype(np.float64), sums, squares):
        yield {"ece": ece_metric(cell, CERTAIN)}


def _with_gaps(counts: Any, sums: Any, squares: Any) -> Cells:
    return Cells(counts, sums, squares, counts[1] - sums.sum(axis=0))


def _of_answers(confidence: Floats, right: NDArray[np.bool_]) -> Iterator[dict[str, Metric]]:
    """Metrics of the predictions by increasing confidence, with ties as one group."""
    n = confidence.shape[1]
    bounds = np.array(_bounds(n))
    for scores, correct in zip(confidence, right, strict=True):
        groups = Groups.of(scores, correct)
        down = _Descending.of(groups)
        area = _area(down)
        aurc = _aurc(down, area, exact=True)
        optimal = _optimal(n - down.n_errors, down.n_errors) / n
        yield {
            "ece_equal_mass": ece_metric(_equal_mass(groups, bounds), CERTAIN),
            "aurc": aurc.metric,
            "excess_aurc": _excess(aurc, optimal, down, area.excess_error).metric,
        }


def _equal_mass(groups: Groups, bounds: NDArray[Any]) -> Cells:
    """Bins of as many samples each; a group that is cut gives its part of its right answers."""
    scores = np.repeat(groups.scores, groups.sizes)
    share = np.repeat(groups.positives / groups.sizes, groups.sizes)
    rows = np.stack([1 - share, share])
    counts, sums, squares = (
        np.diff(np.cumsum(np.pad(x, ((0, 0), (1, 0))), axis=1)[:, bounds], axis=1)
        for x in (rows, rows * scores, rows * scores**2)
    )
    return _with_gaps(counts, sums, squares)


def _classwise(labels: Labels, p: Floats) -> Iterator[dict[str, Metric]]:
    b, n, k = p.shape
    at = bin_indices(p, N_BINS, _EPS)
    at += N_BINS * np.arange(k) + k * N_BINS * np.arange(b)[:, None, None]
    own = np.take_along_axis(at, labels[..., None], axis=2)[..., 0]
    size = b * k * N_BINS
    counts = np.bincount(at.ravel(), minlength=size)
    positives = np.bincount(own.ravel(), minlength=size)
    sums = np.bincount(at.ravel(), p.ravel(), size)
    signs = np.sign(positives - sums)
    pulls = signs[own] - (signs[at] * p).sum(axis=2)
    squares = ((pulls - pulls.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    half = quantile() * np.sqrt(squares + 4) / (n * k)
    mean = np.divide(sums, counts, out=np.zeros(size), where=counts > 0)
    seen = positives * (1 - 2 * mean) + counts * mean**2
    error = np.sqrt(np.maximum(seen, sums * (1 - mean)))
    gaps: Floats = (positives - sums).astype(np.float64)
    for gap, sigma, width in zip(
        gaps.reshape(b, -1), error.reshape(b, -1), half.tolist(), strict=True
    ):
        value = float(np.abs(gap).sum()) / (n * k)
        low = max(_less_chance(gap, sigma) / (n * k) - width, 0.0)
        if value == 0:
            yield {"ece_classwise": Metric(value, None, "no_errors_seen")}
            continue
        yield {"ece_classwise": Metric(value, (low, min(value + width, 1.0)), None)}


# Ranking


@dataclass(frozen=True)
class _Ranks:
    """Samples of each test set by rising score of each class; all of shape (B, K, n).

    Attributes
    ----------
    order
        Which sample it is.
    own
        Whether it is of the class.
    below, above
        Pairs: samples of the class, and others, of a lower score; of the same or a higher one.
    last
        Place of the last sample of equal score.
    """

    order: NDArray[np.intp]
    own: NDArray[np.bool_]
    below: tuple[Labels, Labels]
    above: tuple[Labels, Labels]
    last: NDArray[np.intp]

    @classmethod
    def of(cls, labels: Labels, p: Floats) -> _Ranks:
        scores = np.ascontiguousarray(p.transpose(0, 2, 1))
        order = scores.argsort(axis=2)
        scores = np.take_along_axis(scores, order, axis=2)
        classes = np.arange(p.shape[2])[:, None]
        own = np.take_along_axis(labels[:, None, :] == classes, order, axis=2)
        first, last = _runs(scores)
        up_to = np.cumsum(own, axis=2)
        n_own = up_to[..., -1:]
        own_below = np.take_along_axis(up_to - own, first, axis=2)
        others = scores.shape[2] - n_own
        below = own_below, first - own_below
        return cls(order, own, below, (n_own - below[0], others - below[1]), last)

    def to_last(self, values: Floats) -> Floats:
        """Summed from the lowest score to the last sample of equal score."""
        return np.take_along_axis(np.cumsum(values, axis=2), self.last, axis=2)


def _runs(scores: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The begin and end of the run of equal scores, for sorted scores, along the last axis."""
    n = scores.shape[-1]
    places = np.broadcast_to(np.arange(n), scores.shape)
    new = scores[..., 1:] != scores[..., :-1]
    if new.all():
        return places, places
    edge = np.ones((*scores.shape[:-1], 1), np.bool_)
    first = np.where(np.concatenate([edge, new], axis=-1), places, 0)
    last = np.where(np.concatenate([new, edge], axis=-1), places, n - 1)
    first = np.maximum.accumulate(first, axis=-1)
    return first, np.minimum.accumulate(last[..., ::-1], axis=-1)[..., ::-1]


def _rankings(labels: Labels, p: Floats) -> Iterator[dict[str, Metric]]:
    with np.errstate(all="ignore"):
        ranks = _Ranks.of(labels, p)
        n_own = ranks.own.sum(axis=2)
        auc, seen, likely, of_auc = _aucs(ranks, n_own)
        precision, of_precision = _precisions(ranks, n_own)
    for i in range(len(p)):
        yield _ranking_of_one(
            n_own[i], _Auc(auc[i], seen[i], likely[i], of_auc[i]), precision[i], of_precision[i]
        )


@dataclass(frozen=True)
class _Auc:
    """Of one test set: AUC of each class, its variances, and the squares of all pulls."""

    value: Floats
    seen: Floats
    likely: Floats
    squares: float


def _ranking_of_one(
    n_own: Labels, auc: _Auc, precision: Floats, squares: float
) -> dict[str, Metric]:
    nothing = Metric(None, None, "constant_labels_or_predictions")
    there = ~np.isnan(auc.value)
    precision = np.where(there, precision, np.nan)
    aucs = [_figure(x) for x in auc.value]
    precisions = _add_wilson([_figure(x) for x in precision], n_own.tolist())
    of_auc, of_precision = _spreads(n_own[there], there, auc, precision[there], squares)
    return {
        "macro_roc_auc": _macro_metric(aucs, of_auc) or nothing,
        "macro_average_precision": _macro_metric(precisions, of_precision) or nothing,
        "roc_auc of a class": _first_auc(n_own, auc) if there[0] else nothing,
        "average_precision of a class": precisions[0].metric,
    }


def _first_auc(n_own: Labels, auc: _Auc) -> Metric:
    value = float(auc.value[0])
    ends = share_interval(value, _typical(value, int(n_own[0])), float(auc.likely[0]))
    return Metric(value, ends, None)


def _spreads(
    n_own: Labels, there: NDArray[np.bool_], auc: _Auc, precision: Floats, squares: float
) -> tuple[_Spread | None, _Spread | None]:
    """Those of both means over the classes that are there."""
    k = len(n_own)
    if k == 0:
        return None, None
    typical = (n_own * auc.value[there] + 0.5) / (n_own + 1)
    unseen = float((auc.likely - auc.seen)[there].sum()) * (2 if k == 2 else 1)
    share = (n_own * np.minimum(precision, 1.0) + 1) / (n_own + 2)
    least = float((share * (1 - share) / n_own).sum())
    few = 2 * int((n_own < FEWEST_OF_MOST).sum()) > k
    return (
        _Spread(float(typical.mean()), (auc.squares + unseen) / k**2),
        _Spread(float(share.mean()), max(squares, least) / k**2, few),
    )


def _figure(value: float) -> IntervalValue:
    if np.isnan(value):
        return IntervalValue.undefined("no_true_samples", True)
    return IntervalValue(Metric(float(value), None, "no_interval"), True, value, value)


def _aucs(ranks: _Ranks, n_own: Labels) -> tuple[Floats, Floats, Floats, Floats]:
    """AUC of each class, its variances (seen, and with one more on either side), shape (B, K); and
    the sum of squares of the samples' pulls on the sum of all classes, shape (B,).
    """
    own, n_others = ranks.own, ranks.own.shape[2] - n_own
    # a positive beats the others below it, and half of the others of its score
    equal = _equal(ranks)
    beats = (ranks.below[1] + equal[1] / 2) / n_others[..., None]
    beaten = (ranks.above[0] - equal[0] / 2) / n_own[..., None]
    placed = np.where(own, beats, beaten)
    auc = np.where(own, placed, 0).sum(axis=2) / n_own
    apart = placed - auc[..., None]
    sides = []
    for side, n in ((own, n_own), (~own, n_others)):
        squares = np.where(side, apart**2, 0).sum(axis=2)
        more = squares + (auc - 0.5) ** 2 * n / (n + 1) + 1 / 12
        sides.append((squares / n / n, more / (n + 1) / n))
    (seen, likely) = (a + b for a, b in zip(*sides, strict=True))
    pulls = apart / np.where(own, n_own[..., None], n_others[..., None])
    return auc, seen, likely, _squares_of_sums(ranks, pulls)


def _equal(ranks: _Ranks) -> tuple[Labels, Labels]:
    """Samples of the class, and others, with the same score."""
    up_to = np.take_along_axis(np.cumsum(ranks.own, axis=2), ranks.last, axis=2)
    return up_to - ranks.below[0], ranks.last + 1 - up_to - ranks.below[1]


def _precisions(ranks: _Ranks, n_own: Labels) -> tuple[Floats, Floats]:
    """Average precision of each class, and the sum of squares of the pulls on the sum of all."""
    own, (found, false) = ranks.own, ranks.above
    accepted = found + false
    precision = found / accepted
    value = np.where(own, precision, 0).sum(axis=2) / n_own
    per_sample = own / accepted**2
    of_own = precision - value[..., None] + ranks.to_last(per_sample * false)
    of_others = -ranks.to_last(per_sample * found)
    pulls = np.where(own, of_own, of_others) / n_own[..., None]
    return value, _squares_of_sums(ranks, pulls)


def _squares_of_sums(ranks: _Ranks, pulls: Floats) -> Floats:
    """Pulls are added up over the classes, sample by sample: shape (B,). A class without samples,
    or with no others, pulls nothing.
    """
    placed = np.empty_like(pulls)
    np.put_along_axis(placed, ranks.order, np.nan_to_num(pulls, posinf=0, neginf=0), axis=2)
    return np.asarray((placed.sum(axis=1) ** 2).sum(axis=1))
