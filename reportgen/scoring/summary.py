"""All tallies of a stream of predictions together, and all figures that come of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.metrics import Metric, MetricColumn
from reportgen.scoring.calibration import Calibration, CalibrationBins
from reportgen.scoring.classwise import ClasswiseBins
from reportgen.scoring.confidence import ConfidenceHistogram
from reportgen.scoring.equal_mass import EqualMassCalibration
from reportgen.scoring.inputs import Answers, Scores, missing_reason
from reportgen.scoring.probability_losses import BrierScore, LogLoss
from reportgen.scoring.ranking import Ranking
from reportgen.scoring.ranks import RankedScores, of_answers, ranked_answers
from reportgen.scoring.risk_coverage import RiskCoverage
from reportgen.scoring.topk import TopK

__all__ = ["AnswerTally", "ProbabilityTally", "ScoreFigures"]


@dataclass(frozen=True)
class AnswerTally:
    """What is added up of the answers: rank, confidence and probability of the label.

    Samples without a known label are in none of it. ``AnswerTally()`` is the neutral element of
    ``+``; any split of the samples, in any order, gives an equal tally.
    """

    top_k: TopK = field(default_factory=TopK)
    log_loss: LogLoss = field(default_factory=LogLoss)
    bins: CalibrationBins = field(default_factory=CalibrationBins.empty)
    histogram: ConfidenceHistogram = field(default_factory=ConfidenceHistogram.empty)
    ranked: RankedScores = field(default_factory=ranked_answers)

    @classmethod
    def of(cls, rows: Mapping[str, NDArray[Any]]) -> AnswerTally:
        """Count one batch: columns ``label`` and ``prediction``, integers, and, where the input
        has them, ``confidence``, ``label_probability`` (nan = none) and ``label_rank`` (0 = none).

        Raises :class:`DataError` where a probability is none.
        """
        known = _known(rows["label"])
        n = len(rows["label"][known])
        answers = Answers.of(
            _column(rows, "confidence", known, np.nan),
            (rows["label"] == rows["prediction"])[known],
        )
        return cls(
            TopK.of(rows["label_rank"][known] if "label_rank" in rows else np.zeros(n, np.int32)),
            LogLoss.of(_column(rows, "label_probability", known, np.nan)),
            CalibrationBins.of(answers),
            ConfidenceHistogram.of(answers),
            of_answers(answers),
        )

    def __add__(self, other: AnswerTally) -> AnswerTally:
        if not isinstance(other, AnswerTally):
            return NotImplemented
        return AnswerTally(
            self.top_k + other.top_k,
            self.log_loss + other.log_loss,
            self.bins + other.bins,
            self.histogram + other.histogram,
            self.ranked + other.ranked,
        )


@dataclass(frozen=True)
class ProbabilityTally:
    """What is added up of the probabilities of all classes, where the input has them."""

    brier: BrierScore
    bins: ClasswiseBins
    ranked: RankedScores

    @classmethod
    def empty(cls, n_classes: int) -> ProbabilityTally:
        """No samples: the neutral element of ``+``."""
        return cls(BrierScore(), ClasswiseBins.empty(n_classes), RankedScores.empty(n_classes))

    @classmethod
    def of(cls, scores: Scores) -> ProbabilityTally:
        """Count one batch."""
        return cls(BrierScore.of(scores), ClasswiseBins.of(scores), RankedScores.of(scores))

    def __add__(self, other: ProbabilityTally) -> ProbabilityTally:
        if not isinstance(other, ProbabilityTally):
            return NotImplemented
        return ProbabilityTally(
            self.brier + other.brier, self.bins + other.bins, self.ranked + other.ranked
        )


@dataclass(frozen=True, eq=False)
class ScoreFigures:
    """Every figure of scores.

    Attributes
    ----------
    summary
        Name → metric, in the order of :data:`reportgen.scoring.definitions.SCORES`.
    per_class
        Name → column, in the order of :data:`reportgen.scoring.definitions.CLASS_SCORES`.
    calibration, equal_mass, risk_coverage, histogram, log_loss
        What they were taken from, and what figures and tables are made of.
    ranking
        None where the input has no probabilities of all classes.
    """

    summary: Mapping[str, Metric]
    per_class: Mapping[str, MetricColumn]
    calibration: Calibration
    equal_mass: EqualMassCalibration
    risk_coverage: RiskCoverage
    histogram: ConfidenceHistogram
    log_loss: LogLoss
    ranking: Ranking | None

    @classmethod
    def of(
        cls, answers: AnswerTally, probabilities: ProbabilityTally | None, n_classes: int
    ) -> ScoreFigures:
        """The figures of these tallies; `probabilities` is None where there are none."""
        top = answers.top_k.accuracies(n_classes)
        calibration = Calibration.of(answers.bins)
        (groups,) = answers.ranked.groups()
        equal_mass = EqualMassCalibration.of(answers.ranked, groups)
        risk = RiskCoverage.of(answers.ranked, groups)
        why = missing_reason(answers.top_k.n + answers.top_k.n_without)
        nothing = Metric(None, None, why)
        ranking = None if probabilities is None else Ranking.of(probabilities.ranked)
        summary = {
            "top1_accuracy": top[1],
            "top3_accuracy": top[3],
            "log_loss": answers.log_loss.metric(),
            "brier_score": nothing if probabilities is None else probabilities.brier.metric(),
            "ece": calibration.ece,
            "ece_equal_mass": equal_mass.ece.metric,
            "mce": calibration.mce,
            "ece_classwise": (
                nothing
                if probabilities is None
                else probabilities.bins.metric(probabilities.ranked)
            ),
            "aurc": risk.aurc.metric,
            "excess_aurc": risk.excess_aurc.metric,
            **_operating(risk),
            "macro_roc_auc": nothing if ranking is None else ranking.macro_roc_auc.metric,
            "macro_average_precision": (
                nothing if ranking is None else ranking.macro_average_precision.metric
            ),
        }
        return cls(
            summary,
            _per_class(ranking, nothing, n_classes),
            calibration,
            equal_mass,
            risk,
            answers.histogram,
            answers.log_loss,
            ranking,
        )


def _known(labels: NDArray[Any]) -> NDArray[np.bool_] | slice:
    """Which samples have a label; where all have, a slice, which copies nothing."""
    known = labels >= 0
    return slice(None) if known.all() else known


def _column(
    rows: Mapping[str, NDArray[Any]],
    name: str,
    known: NDArray[np.bool_] | slice,
    default: float,
) -> NDArray[Any]:
    """A column of the labelled samples; `default` everywhere where the input has no such column."""
    if name in rows:
        return rows[name][known]
    return np.full(len(rows["label"][known]), default)


def _operating(risk: RiskCoverage) -> dict[str, Metric]:
    point = risk.at_target_coverage
    return {
        "coverage_at_1_percent_error": risk.coverage_at_target_error,
        "error_at_90_percent_coverage": (
            Metric(None, None, risk.aurc.metric.reason) if point is None else point.error()
        ),
    }


def _per_class(ranking: Ranking | None, nothing: Metric, n_classes: int) -> dict[str, MetricColumn]:
    if ranking is None:
        empty = MetricColumn.of([nothing] * n_classes)
        return {"roc_auc": empty, "average_precision": empty}
    return {"roc_auc": ranking.roc_auc, "average_precision": ranking.average_precision}
