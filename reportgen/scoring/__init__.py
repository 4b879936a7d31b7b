"""Figures that need scores: tallies that stream and add up, and what is computed from them.

A batch is checked once, as :class:`Answers` (confidence and whether right) or :class:`Scores`
(probabilities of all classes); each tally takes it in with ``of``, adds up with ``+``, and gives
its figures at the end. Any split of the samples, in any order, gives the same figures.
"""

from reportgen.scoring.bounded import Bounded
from reportgen.scoring.calibration import (
    N_BINS,
    Calibration,
    CalibrationBins,
    Chance,
    ReliabilityBin,
)
from reportgen.scoring.class_curves import ClassCurve, ClassCurves
from reportgen.scoring.classwise import ClasswiseBins
from reportgen.scoring.confidence import HISTOGRAM_BINS, ConfidenceHistogram
from reportgen.scoring.definitions import CLASS_SCORES, SCORES
from reportgen.scoring.detectable import (
    DISCORDANCES,
    minimum_detectable_difference,
    non_inferiority_samples,
)
from reportgen.scoring.equal_mass import EqualMassCalibration
from reportgen.scoring.inputs import Answers, Scores
from reportgen.scoring.probability_losses import BrierScore, LogLoss
from reportgen.scoring.ranking import Ranking
from reportgen.scoring.ranks import RankedScores, of_answers, ranked_answers
from reportgen.scoring.risk_coverage import OperatingPoint, RiskCoverage
from reportgen.scoring.summary import AnswerTally, ProbabilityTally, ScoreFigures
from reportgen.scoring.thresholds import ThresholdCurve
from reportgen.scoring.topk import TOP_KS, TopK, pessimistic_ranks

__all__ = [
    "CLASS_SCORES",
    "DISCORDANCES",
    "HISTOGRAM_BINS",
    "N_BINS",
    "SCORES",
    "TOP_KS",
    "AnswerTally",
    "Answers",
    "Bounded",
    "BrierScore",
    "Calibration",
    "CalibrationBins",
    "Chance",
    "ClassCurve",
    "ClassCurves",
    "ClasswiseBins",
    "ConfidenceHistogram",
    "EqualMassCalibration",
    "LogLoss",
    "OperatingPoint",
    "ProbabilityTally",
    "RankedScores",
    "Ranking",
    "ReliabilityBin",
    "RiskCoverage",
    "ScoreFigures",
    "Scores",
    "ThresholdCurve",
    "TopK",
    "minimum_detectable_difference",
    "non_inferiority_samples",
    "of_answers",
    "pessimistic_ranks",
    "ranked_answers",
]
