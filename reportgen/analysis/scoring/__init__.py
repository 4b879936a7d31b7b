"""Metrics of scores: additive streaming tallies, and the metrics computed from them.

A batch is validated once, as :class:`Answers` (confidence and correctness) or :class:`Scores`
(probabilities of all classes); each tally counts it with ``of``, is added with ``+``, and returns
its metrics at the end. Any split of the samples, in any order, gives the same metrics.
"""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.analysis.scoring.calibration import (
        N_BINS,
        Calibration,
        CalibrationBins,
        Chance,
        ClasswiseBins,
        EqualMassCalibration,
        ReliabilityBin,
        bin_indices,
    )
    from reportgen.analysis.scoring.curves import ClassCurve, ClassCurves
    from reportgen.analysis.scoring.definitions import CLASS_SCORES, SCORES, IntervalValue
    from reportgen.analysis.scoring.exact_sums import FixedSums
    from reportgen.analysis.scoring.losses import CLIP, BrierScore, LogLoss
    from reportgen.analysis.scoring.ranked_scores import RankedScores, of_answers, ranked_answers
    from reportgen.analysis.scoring.ranking import Ranking
    from reportgen.analysis.scoring.sample_size import (
        DISCORDANCES,
        minimum_detectable_difference,
        non_inferiority_samples,
    )
    from reportgen.analysis.scoring.score_inputs import (
        SUM_TOLERANCE,
        Answers,
        Scores,
        known_probabilities,
        missing_reason,
    )
    from reportgen.analysis.scoring.selective_prediction import Held, OperatingPoint, RiskCoverage
    from reportgen.analysis.scoring.summary import (
        HISTOGRAM_BINS,
        TOP_KS,
        AnswerTally,
        ConfidenceHistogram,
        ProbabilityTally,
        ScoreMetrics,
        TopK,
        pessimistic_ranks,
    )
    from reportgen.analysis.scoring.thresholds import (
        TARGET_SENSITIVITY,
        ThresholdCurve,
        ThresholdPoint,
    )

__all__ = [
    "CLASS_SCORES",
    "CLIP",
    "DISCORDANCES",
    "HISTOGRAM_BINS",
    "N_BINS",
    "SCORES",
    "SUM_TOLERANCE",
    "TARGET_SENSITIVITY",
    "TOP_KS",
    "AnswerTally",
    "Answers",
    "BrierScore",
    "Calibration",
    "CalibrationBins",
    "Chance",
    "ClassCurve",
    "ClassCurves",
    "ClasswiseBins",
    "ConfidenceHistogram",
    "EqualMassCalibration",
    "FixedSums",
    "Held",
    "IntervalValue",
    "LogLoss",
    "OperatingPoint",
    "ProbabilityTally",
    "RankedScores",
    "Ranking",
    "ReliabilityBin",
    "RiskCoverage",
    "ScoreMetrics",
    "Scores",
    "ThresholdCurve",
    "ThresholdPoint",
    "TopK",
    "bin_indices",
    "known_probabilities",
    "minimum_detectable_difference",
    "missing_reason",
    "non_inferiority_samples",
    "of_answers",
    "pessimistic_ranks",
    "ranked_answers",
]

__getattr__ = lazy_names(
    __name__,
    {
        "calibration": (
            "Calibration CalibrationBins Chance ClasswiseBins EqualMassCalibration "
            "N_BINS ReliabilityBin bin_indices"
        ),
        "curves": "ClassCurve ClassCurves",
        "definitions": "CLASS_SCORES IntervalValue SCORES",
        "exact_sums": "FixedSums",
        "losses": "BrierScore CLIP LogLoss",
        "ranked_scores": "RankedScores of_answers ranked_answers",
        "ranking": "Ranking",
        "sample_size": "DISCORDANCES minimum_detectable_difference non_inferiority_samples",
        "score_inputs": "Answers SUM_TOLERANCE Scores known_probabilities missing_reason",
        "selective_prediction": "Held OperatingPoint RiskCoverage",
        "summary": (
            "AnswerTally ConfidenceHistogram HISTOGRAM_BINS ProbabilityTally "
            "ScoreMetrics TOP_KS TopK pessimistic_ranks"
        ),
        "thresholds": "TARGET_SENSITIVITY ThresholdCurve ThresholdPoint",
    },
)
