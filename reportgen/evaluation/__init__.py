"""`Evaluation`: the one result. Everything shown anywhere is read from it."""

from reportgen.evaluation.confidence import Confidence, ReliabilityBar
from reportgen.evaluation.counting import evaluate_matrix, evaluate_predictions, excluded_words
from reportgen.evaluation.value import CLASS_METRICS, SUMMARY_METRICS, Evaluation, Pair

__all__ = [
    "CLASS_METRICS",
    "SUMMARY_METRICS",
    "Confidence",
    "Evaluation",
    "Pair",
    "ReliabilityBar",
    "evaluate_matrix",
    "evaluate_predictions",
    "excluded_words",
]
