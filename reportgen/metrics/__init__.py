"""Counts → numbers: each metric with its definition, source, interval, and when it is undefined.

Undefined is None (nan in columns) with a reason, never 0. Counts are exact integers; a ratio is
one float64 division at the end. To add a metric, add one entry to ``PER_CLASS`` (``per_class.py``)
or ``SUMMARY`` (``overall.py``); JSON, CSV, page, glossary and documentation follow from it.
"""

from reportgen.metrics.definitions import REASONS, Definition, Metric, MetricColumn
from reportgen.metrics.intervals import CONFIDENCE, one_sided_error_bound, wilson
from reportgen.metrics.overall import SUMMARY, MacroNote, macro_note, summary_metrics
from reportgen.metrics.per_class import COUNTS, PER_CLASS, ClassCounts, per_class_metrics

__all__ = [
    "CONFIDENCE",
    "COUNTS",
    "PER_CLASS",
    "REASONS",
    "SUMMARY",
    "ClassCounts",
    "Definition",
    "MacroNote",
    "Metric",
    "MetricColumn",
    "macro_note",
    "one_sided_error_bound",
    "per_class_metrics",
    "summary_metrics",
    "wilson",
]
