"""All metrics of an evaluation, in the order of all outputs."""

from __future__ import annotations

from reportgen.analysis.scoring import CLASS_SCORES, SCORES
from reportgen.metrics import ABSTAINING, COSTING, ORDINAL, PER_CLASS, SUMMARY, Metric

__all__ = [
    "CLASS_METRICS",
    "NOT_RECORDED",
    "OPTIONAL_METRICS",
    "SUMMARY_METRICS",
]


SUMMARY_METRICS = (*SUMMARY, *SCORES)
"""Overall metrics that are always present, in the order of all outputs.

Those of :data:`OPTIONAL_METRICS` follow if requested.
"""


OPTIONAL_METRICS = (*ORDINAL, *ABSTAINING, COSTING)
"""Overall metrics for ordered classes, for abstaining models, and for given costs."""


CLASS_METRICS = (*PER_CLASS, *CLASS_SCORES)
"""All class metrics, in the order of all outputs."""


NOT_RECORDED = Metric(None, None, "not_recorded")
"""Used for a metric missing in the document of another version."""
