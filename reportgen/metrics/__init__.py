"""Counts → numbers: each metric with its definition, source, interval, and when it is undefined.

Undefined is None (nan in columns) with a reason, never 0. Counts are exact integers; a ratio is
one float64 division at the end. To add a metric, add one entry to ``PER_CLASS`` (``per_class.py``)
or ``SUMMARY`` (``overall.py``); JSON, CSV, page, glossary and documentation follow from it.
Other intervals than the default ones are imported when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from reportgen.metrics.abstaining import ABSTAINING, abstaining_metrics
from reportgen.metrics.class_figures import ClassCounts
from reportgen.metrics.definitions import (
    MACRO_MODES,
    RANGES,
    REASONS,
    Definition,
    Intervals,
    MacroMode,
    Metric,
    MetricColumn,
)
from reportgen.metrics.intervals import CONFIDENCE, clopper_pearson, one_sided_error_bound, wilson
from reportgen.metrics.metric_json import MetricOf, ShareMetric, SignedMetric
from reportgen.metrics.ordinal import ORDINAL, ordinal_metrics
from reportgen.metrics.overall import SUMMARY, MacroNote, macro_note, summary_metrics
from reportgen.metrics.per_class import COUNTS, PER_CLASS, per_class_metrics

if TYPE_CHECKING:
    from reportgen.metrics.bootstrap import DRAWS, bootstrap_intervals
    from reportgen.metrics.exact import exact_intervals

__all__ = [
    "ABSTAINING",
    "CONFIDENCE",
    "COUNTS",
    "DRAWS",
    "MACRO_MODES",
    "ORDINAL",
    "PER_CLASS",
    "RANGES",
    "REASONS",
    "SUMMARY",
    "ClassCounts",
    "Definition",
    "Intervals",
    "MacroMode",
    "MacroNote",
    "Metric",
    "MetricColumn",
    "MetricOf",
    "ShareMetric",
    "SignedMetric",
    "abstaining_metrics",
    "bootstrap_intervals",
    "clopper_pearson",
    "exact_intervals",
    "macro_note",
    "one_sided_error_bound",
    "ordinal_metrics",
    "per_class_metrics",
    "summary_metrics",
    "wilson",
]

_LATER = {
    "DRAWS": "reportgen.metrics.bootstrap",
    "bootstrap_intervals": "reportgen.metrics.bootstrap",
    "exact_intervals": "reportgen.metrics.exact",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)
