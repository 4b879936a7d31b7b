"""Confusions: ranked pairs, class order, groups, checks of the class list.

Everything is computed from the non-zero cells of the confusion matrix, so that with 21,000 classes,
time depends on the number of errors.
"""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.analysis.confusions.chance import (
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
    from reportgen.analysis.confusions.class_order import ClassTree, confusion_order, confusion_tree
    from reportgen.analysis.confusions.definitions import GROUP_METRICS, PAIR_METRICS
    from reportgen.analysis.confusions.groups import (
        ClassGroups,
        Grouping,
        GroupMatrix,
        class_groups,
        group_matrix,
        grouping_from_rows,
        suggested_groups,
    )
    from reportgen.analysis.confusions.pairs import (
        EXPECTED_RULES,
        RANKINGS,
        DirectedPairs,
        Expected,
        ExpectedRule,
        Ranking,
        Rest,
        SymmetricPairs,
        directed_pairs,
        expected_counts,
        expected_within,
        false_discovery,
        symmetric_pairs,
    )
    from reportgen.analysis.confusions.permuted_labels import (
        Relabelling,
        best_relabelling,
        check_supports,
        orientation_note,
        relabelling_note,
        shift_note,
    )

__all__ = [
    "EXPECTED_RULES",
    "GROUP_METRICS",
    "PAIR_METRICS",
    "RANKINGS",
    "SIGNIFICANT",
    "ClassGroups",
    "ClassTree",
    "ConfusedPair",
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
    "shift_note",
    "simultaneous",
    "suggested_groups",
    "symmetric_pairs",
    "top_confusions",
]

__getattr__ = lazy_names(
    __name__,
    {
        "chance": (
            "ConfusedPair LowestShare SIGNIFICANT TopConfusions beats_constant_p "
            "confusion_p grown_p lowest_share most_confused prediction_bias "
            "recall_by_size_p simultaneous top_confusions"
        ),
        "class_order": "ClassTree confusion_order confusion_tree",
        "definitions": "GROUP_METRICS PAIR_METRICS",
        "groups": (
            "ClassGroups GroupMatrix Grouping class_groups group_matrix "
            "grouping_from_rows suggested_groups"
        ),
        "pairs": (
            "DirectedPairs EXPECTED_RULES Expected ExpectedRule RANKINGS Ranking "
            "Rest SymmetricPairs directed_pairs expected_counts expected_within "
            "false_discovery symmetric_pairs"
        ),
        "permuted_labels": (
            "Relabelling best_relabelling check_supports orientation_note "
            "relabelling_note shift_note"
        ),
    },
)
