"""Calibration: the data of the charts beside the metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.scoring import N_BINS, Held, Ranking, ScoreMetrics
from reportgen.jsonio import JsonPath, Positive, Share, ShareInterval, agree
from reportgen.metrics import MetricColumn, wilson

__all__ = [
    "Confidence",
    "Digits",
    "ReliabilityBar",
]


@dataclass(frozen=True)
class ReliabilityBar:
    """Predictions with a confidence in (low, high].

    Attributes
    ----------
    n, n_correct
        Number of predictions, and of correct ones.
    accuracy, interval
        Accuracy, 0..1, with its Wilson interval; None without predictions.
    confidence
        Mean confidence, 0..1; None without predictions.
    """

    low: Share
    high: Share
    n: int
    n_correct: int
    accuracy: Share | None
    interval: ShareInterval | None
    confidence: Share | None

    def check_place(self, place: JsonPath) -> None:
        """Raise :class:`~reportgen.jsonio.Fault` if the parts are inconsistent."""
        if self.low >= self.high:
            place["high"].contradicts("a bin ends above its start")
        if self.n_correct > self.n:
            place["n_correct"].contradicts(f"of {self.n:,} predictions")
        for name in ("accuracy", "interval", "confidence"):
            if (getattr(self, name) is None) != (self.n == 0):
                place[name].contradicts(f"of {self.n:,} predictions")
        if self.accuracy is not None and not agree(self.accuracy, self.n_correct / self.n):
            place["accuracy"].disagrees(self.n_correct / self.n, "n_correct / n")
        if self.n:
            place["interval"].must_have_ends(wilson(self.n_correct, self.n), "n_correct / n")


@dataclass(frozen=True)
class Confidence:
    """The data of a reliability diagram, two histograms and a risk–coverage curve.

    Attributes
    ----------
    bins
        The 15 bins of the reliability diagram, empty ones included.
    mean_confidence
        Mean confidence of all predictions, 0..1.
    chance_ece, chance_ece_high
        The ECE of a perfectly calibrated model on this many samples: mean and 95th percentile of
        seeded draws.
    right, wrong
        Numbers of correct and incorrect predictions in 50 equal bins of confidence.
    curve
        (coverage, risk) from the most confident predictions to all of them, thinned to about 200
        points.
    threshold_1_percent_error, threshold_90_percent_coverage
        Confidence threshold of the operating point of that name; None if there is none.
    n_zero_probability
        Number of samples with p = 0 for the true class.
    ranking_error
        Maximum error of the macro ROC AUC due to binning; 0 if exact.
    ranking_bins
        Bins per class for ranking scores; 0 if they were ranked individually.
    average_precision_error
        Maximum error of the macro average precision due to binning.
    class_ranking_error
        Maximum error of ROC AUC or average precision of any class due to binning.
    half_precision
        Whether the probabilities have only half precision (float16), so that different ones may
        have become equal.
    held_threshold, held_coverage, held_error_bound
        The confidence threshold with at most 1% errors in the population, with 95% confidence,
        accounting for the selection of the threshold; its coverage, and the upper bound of its
        selective risk. All None if there is no such threshold.
    n_clipped_probability
        Number of samples whose true class has a probability below the clipping limit of log loss,
        including 0.
    """

    bins: tuple[ReliabilityBar, ...]
    mean_confidence: Share | None
    chance_ece: Share | None
    chance_ece_high: Share | None
    right: tuple[int, ...]
    wrong: tuple[int, ...]
    curve: tuple[tuple[Share, Share], ...]
    threshold_1_percent_error: Share | None
    threshold_90_percent_coverage: Share | None
    n_zero_probability: int
    ranking_error: Positive
    ranking_bins: int = 0
    average_precision_error: Positive = 0.0
    class_ranking_error: Positive = 0.0
    half_precision: bool = False
    n_clipped_probability: int = 0
    held_threshold: Share | None = None
    held_coverage: Share | None = None
    held_error_bound: Share | None = None

    @classmethod
    def of(cls, figures: ScoreMetrics, *, half_precision: bool = False) -> Confidence:
        """`half_precision`: probabilities are known to have been saved in half precision."""
        calibration, risk = figures.calibration, figures.risk_coverage
        chance, at_error, at_coverage = (
            calibration.chance,
            risk.at_target_error,
            risk.at_target_coverage,
        )
        return cls(
            bins=tuple(
                ReliabilityBar(
                    bar.low,
                    bar.high,
                    bar.n,
                    bar.n_correct,
                    bar.accuracy.value,
                    bar.accuracy.interval,
                    bar.confidence,
                )
                for bar in calibration.bins
            ),
            mean_confidence=calibration.mean_confidence,
            chance_ece=None if chance is None else chance.mean,
            chance_ece_high=None if chance is None else chance.high,
            right=tuple(figures.histogram.right.tolist()),
            wrong=tuple(figures.histogram.wrong.tolist()),
            curve=tuple(zip(risk.coverage.tolist(), risk.risk.tolist(), strict=True)),
            threshold_1_percent_error=None if at_error is None else at_error.threshold,
            threshold_90_percent_coverage=None if at_coverage is None else at_coverage.threshold,
            **_hold(risk.held),
            n_zero_probability=figures.log_loss.n_zero,
            n_clipped_probability=figures.log_loss.n_clipped,
            **_of_ranking(figures.ranking, half_precision),
        )

    def check_place(self, place: JsonPath) -> None:
        """Raise :class:`~reportgen.jsonio.Fault` for an invalid list."""
        place["bins"].of_length(N_BINS)
        if not self.curve:
            place["curve"].contradicts("it ends at full coverage")
        if len(self.right) != len(self.wrong) or not self.right:
            place["right"].contradicts("correct and incorrect predictions have the same bins")
        for b, at in enumerate(place["bins"].items()):
            for name, edge in (("low", b / N_BINS), ("high", (b + 1) / N_BINS)):
                if not agree(getattr(self.bins[b], name), edge):
                    at[name].disagrees(edge, f"the width of {N_BINS} equal bins")


def _hold(held: Held | None) -> dict[str, Any]:
    if held is None:
        return {}
    return {
        "held_threshold": held.point.threshold,
        "held_coverage": held.point.coverage,
        "held_error_bound": held.error_bound,
    }


@dataclass(frozen=True)
class Digits:
    """Detects probabilities saved in half precision, whatever their dtype.

    Attributes
    ----------
    fit
        All values so far are exact in float16.
    fine
        A value needs more than ten binary places: values such as 0, 1/4 and 1 prove nothing.
    """

    fit: bool = True
    fine: bool = False

    def having(self, probabilities: NDArray[np.floating[Any]]) -> Digits:
        """With a batch: any shape, nan for missing values."""
        if not self.fit:
            return self
        if not np.array_equal(probabilities, probabilities.astype(np.float16), equal_nan=True):
            return Digits(fit=False)
        places = np.nan_to_num(probabilities) * 1024
        return Digits(True, self.fine or bool(np.any(places != np.floor(places))))

    @property
    def are_half_precision(self) -> bool:
        return self.fit and self.fine


def _of_ranking(ranking: Ranking | None, half_precision: bool) -> dict[str, Any]:
    """The effect of binning, and of the saved dtype, on the ranking metrics."""
    if ranking is None:
        return {"ranking_error": 0.0}
    return {
        "ranking_error": ranking.macro_roc_auc.error,
        "ranking_bins": ranking.n_bins,
        "average_precision_error": ranking.macro_average_precision.error,
        "class_ranking_error": max(
            _furthest(ranking.roc_auc, ranking.roc_auc_bounds),
            _furthest(ranking.average_precision, ranking.average_precision_bounds),
        ),
        "half_precision": half_precision or ranking.half_precision,
    }


def _furthest(column: MetricColumn, bounds: NDArray[np.float64]) -> float:
    """The largest distance of a value from the ends of its bounds, shape (K, 2); 0 without any."""
    far = np.abs(bounds - column.value[:, None])
    return float(np.max(far, initial=0.0, where=~np.isnan(far)))
