"""Slices: how good the model is on each part of the data that a metadata column tells apart.

Two passes over the samples. The first looks at the columns (:class:`Survey`) and decides how each
is cut (:class:`Plan`): values of their own, or bins of equal share. The second counts
(:class:`SliceTallies`). :func:`slice_table` then compares each slice with the rest of the samples,
with Holm's correction over all slices of all columns. Both passes add up: any split of the
samples, in any order, gives the same table.
"""

from reportgen.slices.comparison import newcombe, two_sided_p
from reportgen.slices.plan import (
    MAX_BINS,
    MAX_LEVELS,
    REASONS,
    Bins,
    Categories,
    LeftOut,
    Part,
    Plan,
    plan_slices,
)
from reportgen.slices.report import ALPHA, LOW_SUPPORT, Slice, SliceReport, slice_table
from reportgen.slices.survey import Survey
from reportgen.slices.tallies import SliceTallies

__all__ = [
    "ALPHA",
    "LOW_SUPPORT",
    "MAX_BINS",
    "MAX_LEVELS",
    "REASONS",
    "Bins",
    "Categories",
    "LeftOut",
    "Part",
    "Plan",
    "Slice",
    "SliceReport",
    "SliceTallies",
    "Survey",
    "newcombe",
    "plan_slices",
    "slice_table",
    "two_sided_p",
]
