"""A candidate against its baseline: changes, by class, with significance.

:func:`joined` matches two tables of predictions by sample id and class name, and
:func:`compare_paired` compares them sample by sample; :func:`compare_evaluations` compares two
results whose samples can't be matched. Both return a :class:`Comparison`.
"""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.comparison.align import Aligned, LabelsFrom, align_predictions, match_classes
    from reportgen.comparison.bootstrap import DRAWS, MAX_CLASSES, SEED
    from reportgen.comparison.caution_sentences import cautions
    from reportgen.comparison.comparison import (
        Change,
        ClassChange,
        Comparison,
        Difference,
        McnemarBounds,
        PairChange,
        PairedCounts,
        SliceChange,
        Tendency,
    )
    from reportgen.comparison.consistency import check_comparison
    from reportgen.comparison.definitions import (
        ALPHA,
        COMPARED,
        COMPARED_WHERE_GIVEN,
        COMPARISON_TERMS,
        REASONS,
    )
    from reportgen.comparison.paired import compare_paired
    from reportgen.comparison.significance import (
        mcnemar_bounds,
        mcnemar_exact_p,
        mcnemar_mid_p,
        non_inferiority_p,
        tango,
        tango_z,
    )
    from reportgen.comparison.unpaired import (
        compare_evaluations,
        unpaired_differences,
        with_costs_of,
    )

__all__ = [
    "ALPHA",
    "COMPARED",
    "COMPARED_WHERE_GIVEN",
    "COMPARISON_TERMS",
    "DRAWS",
    "MAX_CLASSES",
    "REASONS",
    "SEED",
    "Aligned",
    "Change",
    "ClassChange",
    "Comparison",
    "Difference",
    "LabelsFrom",
    "McnemarBounds",
    "PairChange",
    "PairedCounts",
    "SliceChange",
    "Tendency",
    "align_predictions",
    "cautions",
    "check_comparison",
    "compare_evaluations",
    "compare_paired",
    "match_classes",
    "mcnemar_bounds",
    "mcnemar_exact_p",
    "mcnemar_mid_p",
    "non_inferiority_p",
    "tango",
    "tango_z",
    "unpaired_differences",
    "with_costs_of",
]

__getattr__ = lazy_names(
    __name__,
    {
        "align": "Aligned LabelsFrom align_predictions match_classes",
        "bootstrap": "DRAWS MAX_CLASSES SEED",
        "caution_sentences": "cautions",
        "comparison": (
            "Change ClassChange Comparison Difference McnemarBounds "
            "PairChange PairedCounts SliceChange Tendency"
        ),
        "consistency": "check_comparison",
        "definitions": "ALPHA COMPARED COMPARED_WHERE_GIVEN COMPARISON_TERMS REASONS",
        "paired": "compare_paired",
        "significance": (
            "mcnemar_bounds mcnemar_exact_p mcnemar_mid_p non_inferiority_p tango tango_z"
        ),
        "unpaired": "compare_evaluations unpaired_differences with_costs_of",
    },
)
