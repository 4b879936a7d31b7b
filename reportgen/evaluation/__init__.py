"""`Evaluation`: the one result. Everything shown anywhere is read from it."""

from reportgen.evaluation.confidence import Confidence, ReliabilityBar
from reportgen.evaluation.counting import evaluate_matrix, evaluate_predictions, excluded_words
from reportgen.evaluation.dependence import SampleGroups, refuse_groups
from reportgen.evaluation.hierarchy import read_hierarchy, require_file
from reportgen.evaluation.options import EvaluationKeywords, EvaluationOptions
from reportgen.evaluation.value import CLASS_METRICS, SUMMARY_METRICS, Evaluation, Pair
from reportgen.predictions.rows import PredictionRows

__all__ = [
    "CLASS_METRICS",
    "SUMMARY_METRICS",
    "Confidence",
    "Evaluation",
    "EvaluationKeywords",
    "EvaluationOptions",
    "Pair",
    "PredictionRows",
    "ReliabilityBar",
    "SampleGroups",
    "evaluate_matrix",
    "evaluate_predictions",
    "excluded_words",
    "read_hierarchy",
    "refuse_groups",
    "require_file",
]
