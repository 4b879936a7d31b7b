"""Calibration error in bins of equal size instead of equal width ("adaptive" ECE)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from reportgen.scoring.bounded import Bounded
from reportgen.scoring.calibration import N_BINS, SEED, Cells, Chance, chance_level, ece_metric
from reportgen.scoring.inputs import missing_reason
from reportgen.scoring.ranks import Groups, RankedScores

__all__ = ["EqualMassCalibration"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class EqualMassCalibration:
    """ECE over 15 bins that hold equally many samples, by rising confidence.

    Attributes
    ----------
    ece
        The figure with its interval, and how far binned confidences may have moved it.
    chance
        What a perfectly calibrated model would show; None without samples.
    """

    ece: Bounded
    chance: Chance | None

    @classmethod
    def of(
        cls, ranked: RankedScores, groups: Groups | None = None, *, seed: int = SEED
    ) -> EqualMassCalibration:
        """From a tally of answers. ``no_samples`` or ``no_scores`` where it is empty.

        `groups` are those of the tally, where they are at hand: sorting is most of the work.

        The first n mod 15 bins hold one sample more. Samples of equal confidence are
        interchangeable: where a bin ends among them, it gets its part of their right answers.
        """
        if groups is None:
            (groups,) = ranked.groups()
        if ranked.n == 0:
            return cls(Bounded.undefined(missing_reason(ranked.n_without), groups.exact), None)
        bounds = _bounds(ranked.n)
        cells = _cells(groups, bounds)
        chance = chance_level(cells, seed=seed)
        metric = ece_metric(cells, chance, seed=seed)
        if groups.exact:
            return cls(Bounded(metric, True, cells.ece, cells.ece), chance)
        error = groups.width / 2 + 2 * _split_error(groups, bounds) / ranked.n
        low, high = max(cells.ece - error, 0.0), min(cells.ece + error, 1.0)
        return cls(Bounded(metric, False, low, high), chance)


def _bounds(n: int) -> list[int]:
    """Where the bins begin and end among n samples: 16 numbers, as numpy.array_split cuts."""
    size, longer = divmod(n, N_BINS)
    return [b * size + min(b, longer) for b in range(N_BINS + 1)]


def _cells(groups: Groups, bounds: list[int]) -> Cells:
    ends = np.cumsum(groups.sizes)
    columns = [_cell(groups, ends, start, stop) for start, stop in pairwise(bounds)]
    counts, confidences, squares, gaps = (np.array(x).T for x in zip(*columns, strict=True))
    return Cells(counts, confidences, squares, gaps)


def _cell(
    groups: Groups, ends: NDArray[np.int64], start: int, stop: int
) -> tuple[Floats, Floats, Floats, float]:
    """Samples start..stop-1 by rising confidence: their number, confidences and squares, each for
    wrong and right answers, and the gap.
    """
    if start == stop:
        none = np.zeros(2)
        return none, none, none, 0.0
    at = slice(int(np.searchsorted(ends, start, "right")), int(np.searchsorted(ends, stop)) + 1)
    counts, scores = np.stack([groups.negatives[at], groups.positives[at]]), groups.scores[at]
    sizes = counts.sum(axis=0)
    taken = np.minimum(ends[at], stop) - np.maximum(ends[at] - sizes, start)
    parts = taken * counts / sizes
    gap = float((parts[1] - taken * scores).sum())
    return parts.sum(axis=1), (parts * scores).sum(axis=1), (parts * scores**2).sum(axis=1), gap


def _split_error(groups: Groups, bounds: list[int]) -> float:
    """By how many right answers the ends of bins may be wrong, all together: samples that share a
    histogram bin need not be interchangeable.
    """
    ends = np.cumsum(groups.sizes)
    inner = np.array(bounds[1:-1])
    at = np.searchsorted(ends, inner)
    size, right, wrong = groups.sizes[at], groups.positives[at], groups.negatives[at]
    taken = inner - (ends[at] - size)
    expected = taken * right / size
    least, most = np.maximum(taken - wrong, 0), np.minimum(taken, right)
    return float(np.maximum(expected - least, most - expected).sum())
