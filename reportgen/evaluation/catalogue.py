"""Every metric of an evaluation, in the order of all outputs."""

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
"""Every overall metric that is always there, in the order of all outputs.

Those of :data:`OPTIONAL_METRICS` follow where they were requested.
"""


OPTIONAL_METRICS = (*ORDINAL, *ABSTAINING, COSTING)
"""Overall metrics for ordered classes, for a model that may abstain, and for given costs."""


CLASS_METRICS = (*PER_CLASS, *CLASS_SCORES)
"""Every metric of a class, in the order of all outputs."""


NOT_RECORDED = Metric(None, None, "not_recorded")
"""What a document of another version does not hold."""
