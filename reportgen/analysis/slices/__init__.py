"""Slices: metrics on each part of the data, by metadata columns.

There are two passes over the samples. The first surveys the columns (:class:`Survey`) and plans
their slices (:class:`Plan`): single values, or bins of equal size. The second counts
(:class:`SliceTallies`). :func:`slice_table` then compares each slice with the rest of the samples,
with Holm's correction over all slices of all columns. Both passes are additive: any split of the
samples, in any order, gives the same table.
"""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.analysis.slices.plan import (
        MAX_BINS,
        MAX_LEVELS,
        REASONS,
        Bins,
        Categories,
        Cut,
        KeyedCounts,
        LeftOut,
        Part,
        Plan,
        Survey,
        as_values,
        plan_slices,
    )
    from reportgen.analysis.slices.table import (
        ALPHA,
        LOW_SUPPORT,
        Slice,
        SliceReport,
        newcombe,
        slice_table,
        two_sided_p,
    )
    from reportgen.analysis.slices.tallies import SliceTallies

__all__ = [
    "ALPHA",
    "LOW_SUPPORT",
    "MAX_BINS",
    "MAX_LEVELS",
    "REASONS",
    "Bins",
    "Categories",
    "Cut",
    "KeyedCounts",
    "LeftOut",
    "Part",
    "Plan",
    "Slice",
    "SliceReport",
    "SliceTallies",
    "Survey",
    "as_values",
    "newcombe",
    "plan_slices",
    "slice_table",
    "two_sided_p",
]

__getattr__ = lazy_names(
    __name__,
    {
        "plan": (
            "Bins Categories Cut KeyedCounts LeftOut MAX_BINS MAX_LEVELS Part Plan "
            "REASONS Survey as_values plan_slices"
        ),
        "table": "ALPHA LOW_SUPPORT Slice SliceReport newcombe slice_table two_sided_p",
        "tallies": "SliceTallies",
    },
)
