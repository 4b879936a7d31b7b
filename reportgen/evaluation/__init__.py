"""`Evaluation`: the result. Every displayed number is read from it."""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.evaluation.catalogue import CLASS_METRICS, SUMMARY_METRICS
    from reportgen.evaluation.confidence import Confidence, ReliabilityBar
    from reportgen.evaluation.costed import with_costs
    from reportgen.evaluation.counting import evaluate_matrix, evaluate_predictions, excluded_words
    from reportgen.evaluation.document import Document
    from reportgen.evaluation.evaluation import Evaluation
    from reportgen.evaluation.frames import class_columns
    from reportgen.evaluation.galleries import GALLERY_PAIRS, collect_galleries, gallery_pairs
    from reportgen.evaluation.given_costs import read_costs
    from reportgen.evaluation.given_groups import read_hierarchy, require_file
    from reportgen.evaluation.normalized_only import (
        counts_needed,
        evaluate_proportions,
        refuse_for_proportions,
    )
    from reportgen.evaluation.notes import notes_by_name
    from reportgen.evaluation.pairs import Pair
    from reportgen.evaluation.proportions import OF, ProportionPair, Proportions
    from reportgen.evaluation.sample_groups import SampleGroups, refuse_groups

__all__ = [
    "CLASS_METRICS",
    "GALLERY_PAIRS",
    "OF",
    "SUMMARY_METRICS",
    "Confidence",
    "Document",
    "Evaluation",
    "Pair",
    "ProportionPair",
    "Proportions",
    "ReliabilityBar",
    "SampleGroups",
    "class_columns",
    "collect_galleries",
    "counts_needed",
    "evaluate_matrix",
    "evaluate_predictions",
    "evaluate_proportions",
    "excluded_words",
    "gallery_pairs",
    "notes_by_name",
    "read_costs",
    "read_hierarchy",
    "refuse_for_proportions",
    "refuse_groups",
    "require_file",
    "with_costs",
]

__getattr__ = lazy_names(
    __name__,
    {
        "catalogue": "CLASS_METRICS SUMMARY_METRICS",
        "confidence": "Confidence ReliabilityBar",
        "costed": "with_costs",
        "counting": "evaluate_matrix evaluate_predictions excluded_words",
        "document": "Document",
        "evaluation": "Evaluation",
        "frames": "class_columns",
        "galleries": "GALLERY_PAIRS collect_galleries gallery_pairs",
        "given_costs": "read_costs",
        "given_groups": "read_hierarchy require_file",
        "normalized_only": "counts_needed evaluate_proportions refuse_for_proportions",
        "notes": "notes_by_name",
        "pairs": "Pair",
        "proportions": "OF ProportionPair Proportions",
        "sample_groups": "SampleGroups refuse_groups",
    },
)
