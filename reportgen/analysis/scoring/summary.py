"""All tallies of a stream of predictions, and all metrics computed from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reportgen.analysis.scoring.calibration import (
    Calibration,
    CalibrationBins,
    ClasswiseBins,
    EqualMassCalibration,
    bin_indices,
)
from reportgen.analysis.scoring.losses import BrierScore, LogLoss
from reportgen.analysis.scoring.ranked_scores import RankedScores, of_answers, ranked_answers
from reportgen.analysis.scoring.ranking import Ranking
from reportgen.analysis.scoring.score_inputs import Answers, Scores, missing_reason
from reportgen.analysis.scoring.selective_prediction import RiskCoverage
from reportgen.errors import DataError
from reportgen.metrics import Metric, MetricColumn, wilson

__all__ = [
    "HISTOGRAM_BINS",
    "TOP_KS",
    "AnswerTally",
    "ConfidenceHistogram",
    "ProbabilityTally",
    "ScoreMetrics",
    "TopK",
    "pessimistic_ranks",
]


TOP_KS = (1, 3, 5)


def pessimistic_ranks(scores: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.int32]:
    """1 + scores larger than the label's + others equal to it; 0 if undefined.

    `scores`: floating, shape (n, K), raw (logits or probabilities); `labels`: integers, shape (n,),
    -1 if unknown. There is no rank for such a row, nor for one with a nan.
    """
    rows = np.arange(len(scores))
    own = scores[rows, np.maximum(labels, 0)][:, None]
    none = (labels < 0) | np.isnan(scores).any(axis=1)
    return np.where(none, 0, (scores >= own).sum(axis=1)).astype(np.int32)


@dataclass(frozen=True)
class TopK:
    """Number of labels among the k largest scores, for each k of :data:`TOP_KS`.

    Attributes
    ----------
    hits
        For each k, the samples whose rank is at most k.
    n
        Number of samples with a rank.
    n_without
        Number of samples without one: the input has no scores for them.
    """

    hits: tuple[int, ...] = (0,) * len(TOP_KS)
    n: int = 0
    n_without: int = 0

    @classmethod
    def of(cls, ranks: ArrayLike) -> TopK:
        """Count one batch of labelled samples: integers, shape (N,); 0 for no rank.

        Raises :class:`DataError` for a negative rank.
        """
        values = np.asarray(ranks)
        if values.size and values.min() < 0:
            raise DataError(
                f"the rank {values.min()} of a label is negative",
                slug="rank-range",
                hint="ranks count from 1; 0 means that there are no scores",
            )
        if not values.any():  # the input has no ranks
            return cls(n_without=len(values))
        up_to = np.cumsum(np.bincount(np.minimum(values, max(TOP_KS) + 1).astype(np.intp),
                                      minlength=max(TOP_KS) + 2)).tolist()  # fmt: skip
        n_without = up_to[0]
        return cls(tuple(up_to[k] - n_without for k in TOP_KS), len(values) - n_without, n_without)

    def __add__(self, other: TopK) -> TopK:
        if not isinstance(other, TopK):
            return NotImplemented
        hits = tuple(a + b for a, b in zip(self.hits, other.hits, strict=True))
        return TopK(hits, self.n + other.n, self.n_without + other.n_without)

    def accuracies(self, n_classes: int) -> Mapping[int, Metric]:
        """k → top-k accuracy with its Wilson interval, of `n_classes` classes.

        ``too_few_classes`` if there are only k classes: the label is always among them. Top-1 is at
        most the accuracy; it is smaller if the label is tied for the largest score.
        """
        return {k: self._accuracy(k, n, n_classes) for k, n in zip(TOP_KS, self.hits, strict=True)}

    def _accuracy(self, k: int, hits: int, n_classes: int) -> Metric:
        if k >= n_classes:
            return Metric(None, None, "too_few_classes")
        if self.n == 0:
            return Metric(None, None, missing_reason(self.n_without))
        low, high = wilson(hits, self.n)
        return Metric(hits / self.n, (float(low), float(high)), None)


HISTOGRAM_BINS = 50


_BLOCK = 1 << 16


@dataclass(frozen=True, eq=False)
class ConfidenceHistogram:
    """Correct and incorrect predictions by confidence, in bins (b/50, (b+1)/50], 0 in the first.

    Attributes
    ----------
    counts
        int64, shape (2, 50), read-only: incorrect, then correct predictions.
    n_without
        Samples without a confidence; they are in no other count.
    """

    counts: NDArray[np.int64]
    n_without: int = 0

    def __post_init__(self) -> None:
        view = np.asarray(self.counts, np.int64).view()
        view.flags.writeable = False
        object.__setattr__(self, "counts", view)

    @classmethod
    def empty(cls) -> ConfidenceHistogram:
        """No samples: the neutral element of ``+``."""
        return cls(np.zeros((2, HISTOGRAM_BINS), np.int64))

    @classmethod
    def of(cls, answers: Answers) -> ConfidenceHistogram:
        """Count one batch."""
        counts = np.zeros(2 * HISTOGRAM_BINS, np.int64)
        for start in range(0, len(answers), _BLOCK):
            part = slice(start, start + _BLOCK)
            p = answers.confidence[part].astype(np.float64, copy=False)
            cells = bin_indices(p, HISTOGRAM_BINS, answers.eps)
            cells += HISTOGRAM_BINS * answers.correct[part]
            counts += np.bincount(cells, minlength=len(counts))
        return cls(counts.reshape(2, -1), answers.n_without)

    def __add__(self, other: ConfidenceHistogram) -> ConfidenceHistogram:
        if not isinstance(other, ConfidenceHistogram):
            return NotImplemented
        return ConfidenceHistogram(self.counts + other.counts, self.n_without + other.n_without)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ConfidenceHistogram)
            and np.array_equal(self.counts, other.counts)
            and self.n_without == other.n_without
        )

    def __hash__(self) -> int:
        return hash((self.counts.tobytes(), self.n_without))

    @property
    def wrong(self) -> NDArray[np.int64]:
        """Incorrect predictions: int64, shape (50,)."""
        return np.asarray(self.counts[0])

    @property
    def right(self) -> NDArray[np.int64]:
        """Correct predictions: int64, shape (50,)."""
        return np.asarray(self.counts[1])


@dataclass(frozen=True)
class AnswerTally:
    """Tallies of predictions: rank of the label, confidence, and p(label).

    Samples without a known label are skipped. ``AnswerTally()`` is the neutral element of ``+``;
    any split of the samples, in any order, gives an equal tally.
    """

    top_k: TopK = field(default_factory=TopK)
    log_loss: LogLoss = field(default_factory=LogLoss)
    bins: CalibrationBins = field(default_factory=CalibrationBins.empty)
    histogram: ConfidenceHistogram = field(default_factory=ConfidenceHistogram.empty)
    ranked: RankedScores = field(default_factory=ranked_answers)

    @classmethod
    def of(cls, rows: Mapping[str, NDArray[Any]]) -> AnswerTally:
        """Count one batch.

        Columns ``label`` and ``prediction``, integers, and, if present, ``confidence``,
        ``label_probability`` (nan = none) and ``label_rank`` (0 = none).

        Raises :class:`DataError` for an invalid probability.
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
    """Tallies of the probabilities of all classes, if the input has them."""

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
class ScoreMetrics:
    """All metrics of scores.

    Attributes
    ----------
    summary
        Name → metric, in the order of :data:`reportgen.analysis.scoring.definitions.SCORES`.
    per_class
        Name → column, in the order of :data:`reportgen.analysis.scoring.definitions.CLASS_SCORES`.
    calibration, equal_mass, risk_coverage, histogram, log_loss
        The results that metrics and tables are derived from.
    ranking
        None if the input has no probabilities of all classes.
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
    ) -> ScoreMetrics:
        """The metrics of these tallies; `probabilities` may be None."""
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
    """Mask of labelled samples; if all are labelled, a slice, which copies nothing."""
    known = labels >= 0
    return slice(None) if known.all() else known


def _column(
    rows: Mapping[str, NDArray[Any]],
    name: str,
    known: NDArray[np.bool_] | slice,
    default: float,
) -> NDArray[Any]:
    """A column of the labelled samples; `default` if the input lacks the column."""
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
