"""Which classes are taken for which: ranked pairs, an order, groups, and checks of the class list.

Everything is read from the confusion matrix, by its non-zero cells, so that 21,000 classes cost
what their errors cost.
"""

from reportgen.confusions.chance import (
    SIGNIFICANT,
    ConfusedPair,
    LowestShare,
    TopConfusions,
    beats_constant_p,
    confusion_p,
    grown_p,
    lowest_share,
    most_confused,
    prediction_bias,
    recall_by_size_p,
    simultaneous,
    top_confusions,
)
from reportgen.confusions.crowds import Crowd, worst_crowds
from reportgen.confusions.definitions import GROUP_METRICS, PAIR_METRICS
from reportgen.confusions.expected import (
    EXPECTED_RULES,
    Expected,
    ExpectedRule,
    expected_counts,
    expected_within,
    false_discovery,
)
from reportgen.confusions.groups import Grouping, GroupMatrix, group_matrix
from reportgen.confusions.hierarchy import grouping_from_rows
from reportgen.confusions.json import ClassGroups, class_groups
from reportgen.confusions.misplaced import (
    Relabelling,
    best_relabelling,
    check_supports,
    orientation_note,
    relabelling_note,
)
from reportgen.confusions.order import ClassTree, confusion_order, confusion_tree
from reportgen.confusions.pairs import (
    RANKINGS,
    DirectedPairs,
    Ranking,
    Rest,
    SymmetricPairs,
    directed_pairs,
    symmetric_pairs,
)
from reportgen.confusions.suggestion import suggested_groups

__all__ = [
    "EXPECTED_RULES",
    "GROUP_METRICS",
    "PAIR_METRICS",
    "RANKINGS",
    "SIGNIFICANT",
    "ClassGroups",
    "ClassTree",
    "ConfusedPair",
    "Crowd",
    "DirectedPairs",
    "Expected",
    "ExpectedRule",
    "GroupMatrix",
    "Grouping",
    "LowestShare",
    "Ranking",
    "Relabelling",
    "Rest",
    "SymmetricPairs",
    "TopConfusions",
    "beats_constant_p",
    "best_relabelling",
    "check_supports",
    "class_groups",
    "confusion_order",
    "confusion_p",
    "confusion_tree",
    "directed_pairs",
    "expected_counts",
    "expected_within",
    "false_discovery",
    "group_matrix",
    "grouping_from_rows",
    "grown_p",
    "lowest_share",
    "most_confused",
    "orientation_note",
    "prediction_bias",
    "recall_by_size_p",
    "relabelling_note",
    "simultaneous",
    "suggested_groups",
    "symmetric_pairs",
    "top_confusions",
    "worst_crowds",
]
