"""How sure the model was, and whether rightly so: what the page draws beside the figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from reportgen.scoring import ScoreFigures

__all__ = ["Confidence", "ReliabilityBar"]


@dataclass(frozen=True)
class ReliabilityBar:
    """Answers whose confidence lies in (low, high].

    Attributes
    ----------
    n, n_correct
        Answers, and right ones among them.
    accuracy, interval
        Their share, 0..1, with its Wilson interval; None where there are no answers.
    confidence
        Mean confidence, 0..1; None where there are no answers.
    """

    low: float
    high: float
    n: int
    n_correct: int
    accuracy: float | None
    interval: tuple[float, float] | None
    confidence: float | None


@dataclass(frozen=True)
class Confidence:
    """What a reliability diagram, two histograms and a risk-coverage curve are drawn from.

    Attributes
    ----------
    bins
        The 15 bins of the reliability diagram, empty ones included.
    mean_confidence
        Of all answers, 0..1.
    chance_ece, chance_ece_high
        The ECE that a perfectly calibrated model would show on this many answers: the mean of
        seeded draws, and what 95 of 100 don't exceed.
    right, wrong
        Numbers of right and wrong answers in 50 equal bins of confidence.
    curve
        (coverage, risk) from the surest answers to all of them, thinned to about 200 points.
    threshold_1_percent_error, threshold_90_percent_coverage
        Answers with at least this confidence are accepted at the operating point of that name;
        None where there is none.
    n_zero_probability
        Answers whose true class was given no chance at all.
    ranking_error
        How far the macro ROC AUC may be from the exact one, 0 where it is exact.
    """

    bins: tuple[ReliabilityBar, ...]
    mean_confidence: float | None
    chance_ece: float | None
    chance_ece_high: float | None
    right: tuple[int, ...]
    wrong: tuple[int, ...]
    curve: tuple[tuple[float, float], ...]
    threshold_1_percent_error: float | None
    threshold_90_percent_coverage: float | None
    n_zero_probability: int
    ranking_error: float

    @classmethod
    def of(cls, figures: ScoreFigures) -> Confidence:
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
            n_zero_probability=figures.log_loss.n_zero,
            ranking_error=0.0 if figures.ranking is None else figures.ranking.macro_roc_auc.error,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Confidence:
        """The inverse of :meth:`to_json`."""
        return cls(
            **{
                **value,
                "bins": tuple(
                    ReliabilityBar(
                        **{
                            **bar,
                            "interval": None if bar["interval"] is None else tuple(bar["interval"]),
                        }
                    )
                    for bar in value["bins"]
                ),
                "right": tuple(value["right"]),
                "wrong": tuple(value["wrong"]),
                "curve": tuple((point[0], point[1]) for point in value["curve"]),
            }
        )
