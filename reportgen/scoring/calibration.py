"""Calibration: is the model right as often as it is sure?

Confidence is the probability of the predicted class. Fifteen equal-width bins (a, b] hold all that
is needed of the samples: for right and wrong answers apart, their number, the sum of their
confidences, and that of the squares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.metrics import CONFIDENCE, Metric, wilson
from reportgen.scoring.bins import bin_indices
from reportgen.scoring.fixed_point import CHUNK, FixedSums
from reportgen.scoring.inputs import Answers, missing_reason

__all__ = [
    "N_BINS",
    "Calibration",
    "CalibrationBins",
    "Cells",
    "Chance",
    "ReliabilityBin",
    "chance_level",
    "ece_metric",
    "mce_metric",
]

N_BINS = 15
CHANCE_DRAWS = 1_000
BOOTSTRAP_DRAWS = 2_000
SEED = 20_170_806  # any number will do; it is fixed so that a report can be made again

_WRONG, _RIGHT = 0, 1
_SHAPE = (2, N_BINS)

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CalibrationBins:
    """What calibration figures stand on, added up: all of shape (2, 15), wrong and right answers.

    Attributes
    ----------
    counts
        int64, read-only: samples by bin of confidence.
    confidences, squares
        Sums of the confidences, and of their squares.
    n_without
        Samples without a confidence; they are in no other count.
    """

    counts: Counts
    confidences: FixedSums
    squares: FixedSums
    n_without: int = 0

    def __post_init__(self) -> None:
        view = np.asarray(self.counts, np.int64).view()
        view.flags.writeable = False
        object.__setattr__(self, "counts", view)

    @classmethod
    def empty(cls) -> CalibrationBins:
        """No samples: the neutral element of ``+``."""
        zeros = FixedSums.zeros(_SHAPE)
        return cls(np.zeros(_SHAPE, np.int64), zeros, zeros)

    @classmethod
    def of(cls, answers: Answers) -> CalibrationBins:
        """Count one batch."""
        counts = np.zeros(2 * N_BINS, np.int64)
        confidences = squares = FixedSums.zeros(_SHAPE)
        for start in range(0, len(answers), CHUNK):
            part = slice(start, start + CHUNK)
            p = answers.confidence[part].astype(np.float64, copy=False)
            cells = bin_indices(p, N_BINS, answers.eps) + N_BINS * answers.correct[part]
            counts += np.bincount(cells, minlength=2 * N_BINS)
            confidences += FixedSums.of_cells(cells, p, _SHAPE)
            squares += FixedSums.of_cells(cells, p * p, _SHAPE, coarse=True)
        return cls(counts.reshape(_SHAPE), confidences, squares, answers.n_without)

    def __add__(self, other: CalibrationBins) -> CalibrationBins:
        if not isinstance(other, CalibrationBins):
            return NotImplemented
        return CalibrationBins(
            self.counts + other.counts,
            self.confidences + other.confidences,
            self.squares + other.squares,
            self.n_without + other.n_without,
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, CalibrationBins)
            and np.array_equal(self.counts, other.counts)
            and self.confidences == other.confidences
            and self.squares == other.squares
            and self.n_without == other.n_without
        )

    def __hash__(self) -> int:
        return hash((self.counts.tobytes(), self.confidences, self.squares, self.n_without))

    @property
    def n(self) -> int:
        """Samples that were counted."""
        return int(self.counts.sum())

    def cells(self) -> Cells:
        """The bins in float64."""
        return Cells(
            self.counts.astype(np.float64),
            self.confidences.value,
            self.squares.value,
            self.confidences.summed(axis=0).below(self.counts[_RIGHT]),
        )


@dataclass(frozen=True, eq=False)
class Cells:
    """Bins of any kind, ready for figures: float64; rows are wrong and right answers.

    Attributes
    ----------
    counts, confidences, squares
        Shape (2, B): samples, sums of their confidences and of the squares.
    gaps
        Shape (B,): right answers minus the sum of all confidences. It is counts and confidences
        subtracted, but rounded once.
    """

    counts: Floats
    confidences: Floats
    squares: Floats
    gaps: Floats

    @property
    def sizes(self) -> Floats:
        """Samples of each bin: float64, shape (B,)."""
        return np.asarray(self.counts.sum(axis=0))

    @property
    def ece(self) -> float:
        """sum_b (n_b / n) |accuracy_b - confidence_b| = sum_b |gap_b| / n."""
        return float(np.abs(self.gaps).sum() / self.counts.sum())

    @property
    def mce(self) -> float:
        """The largest |accuracy - confidence| of any bin that has samples."""
        some = self.sizes > 0
        return float(np.max(np.abs(self.gaps[some]) / self.sizes[some]))


@dataclass(frozen=True)
class Chance:
    """The ECE of a perfectly calibrated model with these very confidences, by chance alone.

    Attributes
    ----------
    mean
        Average of the draws: how much of a measured ECE is nothing but the size of the sample.
    high
        95 of 100 draws are at most this.
    draws, seed
        How it was simulated.
    """

    mean: float
    high: float
    draws: int
    seed: int


@dataclass(frozen=True)
class ReliabilityBin:
    """One bar of a reliability diagram.

    Attributes
    ----------
    low, high
        The bin holds confidences in (low, high]; the first one also 0.
    n, n_correct
        Samples, and right answers among them.
    accuracy
        n_correct / n with its Wilson interval; None with ``no_samples`` where the bin is empty.
    confidence
        Mean confidence of the bin's samples, which is where the bar belongs; None where empty.
    """

    low: float
    high: float
    n: int
    n_correct: int
    accuracy: Metric
    confidence: float | None


@dataclass(frozen=True)
class Calibration:
    """All figures of the equal-width bins.

    Attributes
    ----------
    bins
        The 15 bins of the reliability diagram, empty ones included.
    ece, mce
        Expected and maximum calibration error.
    mean_confidence
        Of all samples; None without samples. Above the accuracy: the model is overconfident.
    chance
        What a perfectly calibrated model would show; None without samples.
    """

    bins: tuple[ReliabilityBin, ...]
    ece: Metric
    mce: Metric
    mean_confidence: float | None
    chance: Chance | None

    @classmethod
    def of(cls, bins: CalibrationBins, *, seed: int = SEED) -> Calibration:
        """The figures of `bins`; n/a with ``no_samples`` or ``no_scores`` where it is empty."""
        bars = _reliability(bins)
        if bins.n == 0:
            nothing = Metric(None, None, missing_reason(bins.n_without))
            return cls(bars, nothing, nothing, None, None)
        cells = bins.cells()
        chance = chance_level(cells, seed=seed)
        return cls(
            bars,
            ece_metric(cells, chance, seed=seed),
            mce_metric(cells),
            float(cells.confidences.sum() / bins.n),
            chance,
        )


def chance_level(cells: Cells, *, seed: int = SEED, draws: int = CHANCE_DRAWS) -> Chance:
    """The ECE that these confidences show where each answer is right with just its confidence.

    The right answers of a bin are then a sum of coin flips of unequal coins. They are drawn as a
    binomial with the bin's mean confidence, whose distance from its mean is scaled to the exact
    standard deviation, sqrt(sum c (1 - c)). Exact for a bin of equal confidences; else mean and
    variance are exact and the shape is not. Drawing every sample instead gives the same mean to
    about 1 %, at N times the cost.
    """
    sizes = cells.sizes
    n = np.rint(sizes).astype(np.int64)
    some = np.maximum(sizes, 1)
    sums, squares = cells.confidences.sum(axis=0), cells.squares.sum(axis=0)
    mean = np.clip(sums / some, 0, 1)
    variance, binomial = np.maximum(sums - squares, 0), sizes * mean * (1 - mean)
    scale = np.sqrt(np.divide(variance, binomial, out=np.zeros_like(mean), where=binomial > 0))
    right = np.random.default_rng(seed).binomial(n, mean, (draws, len(n)))
    eces = (np.abs(right - sizes * mean) * scale).sum(axis=1) / sizes.sum()
    return Chance(float(eces.mean()), float(np.quantile(eces, 0.95)), draws, seed)


def ece_metric(cells: Cells, chance: Chance, *, seed: int = SEED) -> Metric:
    """ECE with a bootstrap interval; there must be samples.

    Resampling the samples: their numbers in the cells (bin × right or wrong) are a multinomial
    draw, and the sum of the confidences in a cell is normal with the cell's mean and variance,
    which is small, as a cell is no wider than its bin.

    The ECE of a resample is biased upwards once more, so its percentiles are no interval (they
    never cover a calibrated model). The reversed percentiles, 2 ECE - q, take the bias out; the
    lower end is 0 where a perfectly calibrated model shows this ECE in more than 5 % of draws, and
    the ends are moved to hold the ECE itself. In simulations with a true ECE of 0, 2, 9 and 18 %
    and 200 to 10,000 samples this covers 87 to 97 % at nominal 95 % in bins of equal width, 83 to
    97 % in bins of equal size, whose edges are taken as fixed.
    """
    value = cells.ece
    eces = _bootstrap(cells, seed)
    low, high = (2 * value - q for q in np.quantile(eces, [0.975, 0.025]).tolist())
    if value <= chance.high:
        low = 0.0
    low, high = max(min(low, value), 0.0), min(max(high, value), 1.0)
    if eces.max() == eces.min():
        return Metric(value, None, "no_errors_seen" if value == 0 else "no_interval")
    return Metric(value, (low, high), None)


def mce_metric(cells: Cells) -> Metric:
    """MCE with simultaneous intervals of all bins that hold samples; there must be samples.

    The largest of several gaps is drawn to the bin of the fewest samples, and resamples draw it
    further that way: percentiles of a bootstrap are no interval of it. But where the gap of each of
    B bins lies in its own interval at level 1 - 0.05 / B, and all do so at once in 95 of 100 test
    sets at least (Bonferroni), the largest gap lies between the largest lower and the largest upper
    end. A gap is the accuracy, with Wilson's interval, less the mean confidence, which is taken as
    it is. In simulations with 100 to 10,000 samples it covers 94 % or more at nominal 95 %, where
    the largest gap of the bins that hold samples is meant.
    """
    some = cells.sizes > 0
    sizes, right = cells.sizes[some], cells.counts[_RIGHT][some]
    low, high = wilson(right, sizes, 1 - (1 - CONFIDENCE) / len(sizes))
    gap = cells.gaps[some] / sizes
    low, high = gap - (right / sizes - low), gap + (high - right / sizes)
    least = np.maximum(np.maximum(low, -high), 0.0)
    most = np.minimum(np.maximum(high, -low), 1.0)
    return Metric(cells.mce, (float(least.max()), float(most.max())), None)


def _bootstrap(cells: Cells, seed: int) -> Floats:
    """The ECE of resamples: float64, shape (BOOTSTRAP_DRAWS,)."""
    rng = np.random.default_rng(seed)
    total, some = cells.counts.sum(), np.maximum(cells.counts, 1e-300)
    mean = cells.confidences / some
    variance = np.maximum(cells.squares / some - mean**2, 0)
    n = rng.multinomial(round(total), (cells.counts / total).ravel(), BOOTSTRAP_DRAWS)
    n = n.reshape(BOOTSTRAP_DRAWS, *cells.counts.shape)
    sums = n * mean + np.sqrt(n * variance) * rng.standard_normal(n.shape)
    gaps = n[:, _RIGHT] - sums.sum(axis=1)
    return np.asarray(np.abs(gaps).sum(axis=1) / total)


def _reliability(bins: CalibrationBins) -> tuple[ReliabilityBin, ...]:
    counts, correct = bins.counts.sum(axis=0), bins.counts[_RIGHT]
    sums = bins.confidences.summed(axis=0).value
    low, high = wilson(correct, counts)
    return tuple(
        ReliabilityBin(
            b / N_BINS,
            (b + 1) / N_BINS,
            int(n),
            int(k),
            Metric(int(k) / int(n), (float(low[b]), float(high[b])), None)
            if n
            else Metric(None, None, "no_samples"),
            float(sums[b]) / int(n) if n else None,
        )
        for b, (n, k) in enumerate(zip(counts, correct, strict=True))
    )
