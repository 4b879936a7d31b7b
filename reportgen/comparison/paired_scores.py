"""Paired sums of confidences and losses, for resampling ECE and log loss in pairs.

Samples similar on both sides share a cell. Count, sums and products of each cell are stored as
integers of a small unit, so resampling needs no samples.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.scoring import CLIP, N_BINS, FixedSums, bin_indices, known_probabilities

__all__ = [
    "ConfidencePairs",
    "LossPairs",
]


Counts = NDArray[np.int64]


Floats = NDArray[np.float64]


_SIDE = 2 * N_BINS


_CONFIDENCE_CELLS = (_SIDE * _SIDE,)


_FINEST = -20
"""Loss differences below 2^-20 nats share a cell."""


_PER_OCTAVE = 4


_LARGEST = 64.0  # losses are at most 36.04 nats


_HALF = (6 - _FINEST) * _PER_OCTAVE + 1


_LOSS_CELLS = (2 * _HALF + 1,)


_ROUNDING = 1e-13  # of a variance of numbers in 0..1: a standard deviation of 3e-7


def _nothing(shape: tuple[int, ...], n: int) -> tuple[FixedSums, ...]:
    return tuple(FixedSums.zeros(shape) for _ in range(n))


def _no_counts(shape: tuple[int, ...]) -> Counts:
    return np.zeros(shape, np.int64)


@dataclass(frozen=True, eq=False)
class ConfidencePairs:
    """Samples by (confidence bin, correctness) on both sides: 30 × 30 cells.

    Attributes
    ----------
    counts
        int64, shape (900,): index (2 · 15) i + j, with i and j = 15 · correct + bin of baseline and
        candidate.
    sums
        Sums of the confidences of baseline and candidate, of their squares, and of their products.
    n_without
        Number of samples without a confidence on a side; not counted elsewhere.
    """

    counts: Counts = field(default_factory=lambda: _no_counts(_CONFIDENCE_CELLS))
    sums: tuple[FixedSums, ...] = field(default_factory=lambda: _nothing(_CONFIDENCE_CELLS, 5))
    n_without: int = 0

    def having(
        self, confidences: tuple[NDArray[Any], NDArray[Any]], right: tuple[Any, Any]
    ) -> ConfidencePairs:
        """With a batch of baseline and candidate, shape (n,), n at most 2²⁵."""
        known = ~(np.isnan(confidences[0]) | np.isnan(confidences[1]))
        places, values = [], []
        for confidence, hit in zip(confidences, right, strict=True):
            saved, _, eps = known_probabilities("confidence", confidence[known])
            p = saved.astype(np.float64)
            places.append(bin_indices(p, N_BINS, eps) + N_BINS * hit[known])
            values.append(p)
        cells, (b, c) = places[0] * _SIDE + places[1], values
        sums = tuple(
            total + FixedSums.of_cells(cells, of, _CONFIDENCE_CELLS)
            for total, of in zip(self.sums, (b, c, b * b, c * c, b * c), strict=True)
        )
        counts = self.counts + np.bincount(cells, minlength=_CONFIDENCE_CELLS[0])
        return ConfidencePairs(counts, sums, self.n_without + int(np.count_nonzero(~known)))

    @property
    def n(self) -> int:
        """Number of counted samples."""
        return int(self.counts.sum())

    def eces(self, rng: np.random.Generator, draws: int) -> tuple[Floats, Floats]:
        """ECE of baseline and candidate in `draws` paired resamples: shape (draws,) each.

        The cell counts are a multinomial draw. The sums of both confidences in a cell are drawn
        from a bivariate normal with the cell's means, variances and covariance: their first two
        moments equal those of resampled samples, only the shape is approximate. A cell is at most
        1/15 wide, so this part of the spread is below 1/30 · √(samples of the cell).
        """
        some = np.flatnonzero(self.counts)
        n = self.counts[some]
        mean_b, mean_c, bb, cc, bc = (total.value[some] / n for total in self.sums)
        factors = _cholesky(bb - mean_b**2, bc - mean_b * mean_c, cc - mean_c**2)
        drawn = rng.multinomial(self.n, n / self.n, size=draws)
        noise = rng.standard_normal((2, draws, len(some)))
        root = np.sqrt(drawn)
        sums_b = drawn * mean_b + root * factors[0] * noise[0]
        sums_c = drawn * mean_c + root * (factors[1] * noise[0] + factors[2] * noise[1])
        before, after = np.divmod(some, _SIDE)
        return _ece(drawn, sums_b, before, self.n), _ece(drawn, sums_c, after, self.n)


def _cholesky(bb: Floats, bc: Floats, cc: Floats) -> tuple[Floats, Floats, Floats]:
    """The factors l₁₁, l₂₁, l₂₂ of 2 × 2 covariances; values within rounding error are set to 0."""
    first = np.sqrt(np.where(bb > _ROUNDING, bb, 0.0))
    cross = np.divide(bc, first, out=np.zeros_like(bc), where=first > 0)
    rest = cc - cross**2
    return first, cross, np.sqrt(np.where(rest > _ROUNDING, rest, 0.0))


def _ece(drawn: Counts, sums: Floats, side: Counts, n: int) -> Floats:
    """sum_b |correct_b - confidence_b| / n per draw; `side` = 15 · correct + bin of each cell."""
    gaps = drawn * (side >= N_BINS) - sums
    bins = np.eye(N_BINS)[side % N_BINS]
    return np.asarray(np.abs(gaps @ bins).sum(axis=1) / n)


@dataclass(frozen=True, eq=False)
class LossPairs:
    """Samples by the difference of log losses, candidate minus baseline, in nats.

    Cells are a quarter of an octave wide, from 2^-20 nats up, on both sides of 0.

    Attributes
    ----------
    counts
        int64, shape (211,): from the largest gain over "the same" to the largest loss.
    sums
        Sums of |loss of the candidate - loss of the baseline| / 64, and of its square.
    n_without
        Number of samples without p(label) on a side; not counted elsewhere.
    """

    counts: Counts = field(default_factory=lambda: _no_counts(_LOSS_CELLS))
    sums: tuple[FixedSums, ...] = field(default_factory=lambda: _nothing(_LOSS_CELLS, 2))
    n_without: int = 0

    def having(self, probabilities: tuple[NDArray[Any], NDArray[Any]]) -> LossPairs:
        """With a batch of p(label) by baseline and candidate, n at most 2²⁵."""
        known = ~(np.isnan(probabilities[0]) | np.isnan(probabilities[1]))
        losses = []
        for values in probabilities:
            p, _, _ = known_probabilities("label_probability", values[known])
            losses.append(np.maximum(-np.log(np.maximum(p.astype(np.float64), CLIP)), 0.0))
        difference = losses[1] - losses[0]
        size = np.abs(difference)
        octave = np.log2(np.maximum(size, 2.0**_FINEST)) - _FINEST
        step = np.where(size < 2.0**_FINEST, 0, 1 + np.floor(octave * _PER_OCTAVE))
        cells = (_HALF + np.sign(difference) * step).astype(np.intp)
        scaled = size / _LARGEST
        sums = tuple(
            total + FixedSums.of_cells(cells, of, _LOSS_CELLS)
            for total, of in zip(self.sums, (scaled, scaled * scaled), strict=True)
        )
        counts = self.counts + np.bincount(cells, minlength=_LOSS_CELLS[0])
        return LossPairs(counts, sums, self.n_without + int(np.count_nonzero(~known)))

    @property
    def n(self) -> int:
        """Number of counted samples."""
        return int(self.counts.sum())

    def differences(self, rng: np.random.Generator, draws: int) -> Floats:
        """Candidate minus baseline log loss in `draws` paired resamples: shape (draws,).

        As in :meth:`ConfidencePairs.eces`: the sum of a cell is normal with the cell's mean and
        variance, so mean and variance of the draws are those of resampled samples. Only the third
        moment is approximate, within cells whose width is a fifth of their distance from 0.
        """
        some = np.flatnonzero(self.counts)
        n = self.counts[some]
        mean, square = (total.value[some] / n for total in self.sums)
        spread = np.sqrt(np.maximum(square - mean**2, 0.0))
        signed = np.sign(some - _HALF) * mean
        drawn = rng.multinomial(self.n, n / self.n, size=draws)
        noise = rng.standard_normal((draws, len(some)))
        sums = drawn * signed + np.sqrt(drawn) * spread * noise
        return np.asarray(sums.sum(axis=1) * (_LARGEST / self.n))
