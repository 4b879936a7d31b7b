"""`Evaluation`: the one result. Everything shown anywhere is read from it."""

from reportgen.evaluation.catalogue import CLASS_METRICS, SUMMARY_METRICS
from reportgen.evaluation.confidence import Confidence, ReliabilityBar
from reportgen.evaluation.counting import evaluate_matrix, evaluate_predictions, excluded_words
from reportgen.evaluation.dependence import SampleGroups, refuse_groups
from reportgen.evaluation.galleries import GALLERY_PAIRS, galleries, gallery_pairs
from reportgen.evaluation.hierarchy import read_hierarchy, require_file
from reportgen.evaluation.options import EvaluationKeywords, EvaluationOptions
from reportgen.evaluation.pairs import Pair
from reportgen.evaluation.share_figures import evaluate_shares, refuse_for_shares
from reportgen.evaluation.shares import SharePair, Shares
from reportgen.evaluation.value import Evaluation
from reportgen.predictions.rows import PredictionRows

__all__ = [
    "CLASS_METRICS",
    "GALLERY_PAIRS",
    "SUMMARY_METRICS",
    "Confidence",
    "Evaluation",
    "EvaluationKeywords",
    "EvaluationOptions",
    "Pair",
    "PredictionRows",
    "ReliabilityBar",
    "SampleGroups",
    "SharePair",
    "Shares",
    "evaluate_matrix",
    "evaluate_predictions",
    "evaluate_shares",
    "excluded_words",
    "galleries",
    "gallery_pairs",
    "read_hierarchy",
    "refuse_for_shares",
    "refuse_groups",
    "require_file",
]
