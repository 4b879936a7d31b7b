"""A candidate against its baseline: what changed, for whom, and whether that may be chance.

:func:`joined` matches two tables of predictions by sample id and class name, and
:func:`compare_paired` compares them sample by sample; :func:`compare_evaluations` compares two
results whose samples can't be matched. Both give a :class:`Comparison`.
"""

from reportgen.comparison.bootstrap import DRAWS, MAX_CLASSES, SEED
from reportgen.comparison.compare import compare_paired
from reportgen.comparison.joining import Joined, LabelsFrom, joined
from reportgen.comparison.judging import ALPHA
from reportgen.comparison.paired import (
    mcnemar_bounds,
    mcnemar_exact_p,
    mcnemar_mid_p,
    non_inferiority_p,
    tango,
    tango_z,
)
from reportgen.comparison.reasons import REASONS
from reportgen.comparison.unpaired import compare_evaluations
from reportgen.comparison.value import (
    COMPARED,
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

__all__ = [
    "ALPHA",
    "COMPARED",
    "DRAWS",
    "MAX_CLASSES",
    "REASONS",
    "SEED",
    "Change",
    "ClassChange",
    "Comparison",
    "Difference",
    "Joined",
    "LabelsFrom",
    "McnemarBounds",
    "PairChange",
    "PairedCounts",
    "SliceChange",
    "Tendency",
    "compare_evaluations",
    "compare_paired",
    "joined",
    "mcnemar_bounds",
    "mcnemar_exact_p",
    "mcnemar_mid_p",
    "non_inferiority_p",
    "tango",
    "tango_z",
]
