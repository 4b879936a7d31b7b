"""Decision thresholds for two classes: flagged samples by threshold, with thinned curves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.scoring.ranked_scores import Groups, RankedScores
from reportgen.jsonio import JsonPath, Range, Share

__all__ = [
    "LEVELS",
    "TARGET_SENSITIVITY",
    "ThresholdCurve",
    "ThresholdPoint",
    "downsample",
    "fit",
    "flagged_from",
]


_CANDIDATES = 1000


_FIRST = 12  # evenly spaced points, before others are chosen


_A_ROUND = 3  # points chosen at once for either curve


Counts = NDArray[np.int64]


Indices = NDArray[np.intp]


Floats = NDArray[np.float64]


def downsample(tp: Counts, fp: Counts, n_points: int) -> list[int]:
    """Indices of points evenly spaced along the ROC curve, and in sensitivity.

    `tp` and `fp` are the flagged samples by decreasing threshold: int64, shape (G,). At most
    ``n_points + 2`` indices, including the first and the last threshold.
    """
    if len(tp) <= n_points:
        return list(range(len(tp)))
    kept = {0, len(tp) - 1}
    for way in (tp / max(tp[-1], 1) + fp / max(fp[-1], 1), tp / max(tp[-1], 1)):
        wanted = np.linspace(way[0], way[-1], n_points // 2)
        kept.update(np.minimum(np.searchsorted(way, wanted), len(tp) - 1).tolist())
    return sorted(kept)


def fit(tp: Counts, fp: Counts, n_points: int) -> list[int]:
    """Indices of at most `n_points` points that approximate both curves best.

    Evenly spaced points are refined in rounds: after Douglas & Peucker 1973, Cartographica 10(2),
    112-122, but by area, and for two curves at once: the ROC curve, drawn with straight lines, and
    precision over recall, drawn in steps. Both sides must have samples.
    """
    among = np.array(downsample(tp, fp, _CANDIDATES), np.intp)
    if len(among) <= n_points:
        return [int(i) for i in among]
    tp, fp = tp[among], fp[among]
    kept = np.array(downsample(tp, fp, _FIRST), np.intp)
    while room := n_points - len(kept):
        more = np.array(list(_missed(tp, fp, kept, room)), np.intp)
        if not len(more):
            break
        kept = np.union1d(kept, more)
    return [int(i) for i in among[kept]]


def _missed(tp: Counts, fp: Counts, kept: Indices, room: int) -> Iterator[int]:
    """At most `room` points, in the stretches between kept ones with the largest lost area."""
    right = np.searchsorted(kept, np.arange(len(tp)))
    left, right = kept[np.maximum(right - 1, 0)], kept[right]
    across, up, precision = fp / fp[-1], tp / tp[-1], tp / (tp + fp)
    width, height = across[right] - across[left], up[right] - up[left]
    of_chord = np.abs((across - across[left]) * height - (up - up[left]) * width)
    of_steps = np.abs(precision - precision[right]) * (up - up[left])
    yield from _worst(of_chord, kept, max(1, min(_A_ROUND, room // 2)))
    if room > 1:
        yield from _worst(of_steps, kept, min(_A_ROUND, room // 2))


def _worst(lost: NDArray[Any], kept: Indices, n: int) -> Iterator[int]:
    """The point with the largest loss in each of the `n` stretches with the largest losses."""
    most = np.maximum.reduceat(lost[1:], kept[:-1])  # of (kept, next kept]
    for i in np.argsort(-most, kind="stable")[:n]:
        start, end = int(kept[i]) + 1, int(kept[i + 1])
        if most[i] > 0 and end > start:
            yield start + int(np.argmax(lost[start:end]))


LEVELS = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Thresholds in every table."""


TARGET_SENSITIVITY = 95
"""Target sensitivity of a named point, in percent."""


CURVE_POINTS = 200


@dataclass(frozen=True)
class ThresholdPoint:
    """The effect of flagging samples with a probability of at least `threshold`.

    Attributes
    ----------
    threshold
        0..1.
    tp, fp
        Number of flagged positive samples, and of flagged negative ones.
    """

    threshold: Share
    tp: int
    fp: int

    @property
    def flagged(self) -> int:
        return self.tp + self.fp


@dataclass(frozen=True)
class ThresholdCurve:
    """The operating points of a two-class model.

    Attributes
    ----------
    positive
        Index of the positive class, 0 or 1.
    n_positive, n_negative, n_without
        Number of samples with scores of either class, and of labelled samples without scores.
    levels
        A point at each of :data:`LEVELS`; for binned scores, at the next bin edge.
    youden
        The point with the largest sensitivity + specificity − 1, the highest threshold of ties
        (Youden 1950, Cancer 3, 32-35); None if a class has no samples.
    sensitive
        The highest threshold with a sensitivity of at least 95%; None without positive samples.
    curve
        Points from the highest score downwards, thinned to at most about 200; the last one flags
        everything. The threshold of each is the lowest score that it flags.
    n_thresholds
        Number of points before thinning: distinct scores, or non-empty bins.
    exact
        Whether every score is known; otherwise they were binned, and thresholds are bin edges. The
        counts of each point are exact in both cases.
    """

    positive: Annotated[int, Range(0, 1)]
    n_positive: int
    n_negative: int
    n_without: int
    levels: tuple[ThresholdPoint, ...]
    youden: ThresholdPoint | None
    sensitive: ThresholdPoint | None
    curve: tuple[ThresholdPoint, ...]
    n_thresholds: int
    exact: bool

    @classmethod
    def of(cls, ranked: RankedScores, positive: int = 1) -> ThresholdCurve:
        """The curve of a tally of two classes.

        Raises :class:`ValueError` unless there are two classes, and `positive` is one of them.
        """
        if ranked.n_classes != 2 or positive not in (0, 1):
            raise ValueError("a threshold view needs two classes, one of them positive")
        groups = next(islice(ranked.groups(), positive, None))
        scores, tp, fp = flagged_from(groups)
        n_positive, n_negative = (int(c[-1]) if len(c) else 0 for c in (tp, fp))
        kind = _type_of(ranked.eps) if groups.exact else np.float64
        best = most_sensitive = None
        if n_positive and n_negative:
            gain = [p * n_negative - n * n_positive for p, n in zip(*_ints(tp, fp), strict=True)]
            best = _name_it(groups, kind, int(np.argmax(np.array(gain, object))), scores, tp, fp)
        if n_positive:
            at = int(np.searchsorted(tp, -(-TARGET_SENSITIVITY * n_positive // 100)))
            most_sensitive = _name_it(groups, kind, at, scores, tp, fp)
        return cls(
            positive,
            n_positive,
            n_negative,
            ranked.n_without,
            tuple(_levels(groups, kind, scores, tp, fp)),
            best,
            most_sensitive,
            tuple(_point(i, scores, tp, fp) for i in downsample(tp, fp, CURVE_POINTS)),
            len(scores),
            groups.exact,
        )

    def check_place(self, place: JsonPath) -> None:
        """Raise :class:`~reportgen.jsonio.Fault` for impossible points."""
        named = [place[name] for name in ("youden", "sensitive") if not place[name].is_none]
        for point in (*place["levels"].items(), *named, *place["curve"].items()):
            for flagged, n in (("tp", self.n_positive), ("fp", self.n_negative)):
                if point[flagged].whole() > n:
                    point[flagged].contradicts(f"there are only {n:,} such samples")
        for shown, at in zip(self.curve, place["curve"].items(), strict=True):
            if shown.flagged == 0:
                at["tp"].contradicts("each point of the curve flags a sample")
        if not self.curve and self.n_positive + self.n_negative:
            place["curve"].contradicts("there are samples with scores")


def flagged_from(groups: Groups) -> tuple[Floats, Counts, Counts]:
    """All thresholds by decreasing value, with the numbers of positives and negatives flagged.

    float64, int64, int64, each of shape (G,); thresholds of bins are their lower edges.
    """
    scores = groups.scores[::-1] - groups.width / 2
    return scores, np.cumsum(groups.positives[::-1]), np.cumsum(groups.negatives[::-1])


def _ints(*columns: Counts) -> Iterator[list[int]]:
    """Python integers, whose products don't overflow."""
    return (column.tolist() for column in columns)


def _type_of(eps: float) -> type[np.floating[Any]]:
    """The dtype of saved scores, in which a threshold is compared."""
    return np.float64 if eps < 1e-10 else np.float32


def _point(i: int, scores: Floats, tp: Counts, fp: Counts) -> ThresholdPoint:
    return ThresholdPoint(float(scores[i]), int(tp[i]), int(fp[i]))


def _levels(
    groups: Groups, kind: type[np.floating[Any]], scores: Floats, tp: Counts, fp: Counts
) -> Iterator[ThresholdPoint]:
    """A threshold of 0.7 means the value nearest to 0.7 in the dtype of the scores."""
    for level in LEVELS:
        at = float(kind(level)) if groups.exact else math.ceil(level / groups.width) * groups.width
        n = int(np.count_nonzero(scores >= at))
        shown = level if groups.exact else at
        yield ThresholdPoint(shown, int(tp[n - 1]) if n else 0, int(fp[n - 1]) if n else 0)


def _name_it(
    groups: Groups,
    kind: type[np.floating[Any]],
    i: int,
    scores: Floats,
    tp: Counts,
    fp: Counts,
) -> ThresholdPoint:
    """The point with the shortest decimal threshold that flags the same samples."""
    point = _point(i, scores, tp, fp)
    if not groups.exact:
        return point
    below = float(scores[i + 1]) if i + 1 < len(scores) else -1.0
    return ThresholdPoint(_shortest(below, point.threshold, kind), point.tp, point.fp)


def _shortest(below: float, at_most: float, kind: type[np.floating[Any]]) -> float:
    """The shortest decimal in (below, at_most], also after rounding to `kind`."""
    for digits in range(1, 17):
        scale = 10.0**digits
        short = math.floor(at_most * scale) / scale
        if below < float(kind(short)) and below < short <= at_most:
            return short
    return at_most
