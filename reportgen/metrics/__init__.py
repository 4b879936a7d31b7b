"""Metrics of counts: each with its definition, source, interval, and undefined cases.

Undefined is None (nan in columns) with a reason, never 0. Counts are exact integers; a ratio is one
float64 division at the end. To add a metric, add one entry to ``PER_CLASS`` (``per_class.py``) or
``SUMMARY`` (``overall.py``); JSON, CSV, page, glossary and documentation are derived from it.
Non-default intervals are imported on request.
"""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.metrics.abstaining import ABSTAINING, abstaining_metrics
    from reportgen.metrics.bootstrap import DRAWS, bootstrap_intervals
    from reportgen.metrics.class_metrics import ClassCounts
    from reportgen.metrics.class_samples import (
        CHOSEN_FROM,
        ClassSample,
        ClassSamples,
        ClassSamplesTally,
    )
    from reportgen.metrics.cluster_bootstrap import (
        CLUSTERED,
        FEW_GROUPS,
        ClusterIntervals,
        GroupCounts,
        cluster_intervals,
    )
    from reportgen.metrics.costs import (
        COSTING,
        Costs,
        cost_difference,
        expected_cost,
    )
    from reportgen.metrics.counted import Margins
    from reportgen.metrics.definitions import (
        RANGES,
        REASONS,
        Definition,
        Intervals,
        Metric,
        MetricColumn,
    )
    from reportgen.metrics.intervals import (
        CONFIDENCE,
        EXACT,
        LOG,
        LOGIT,
        SCORE,
        UNION,
        WILSON,
        clopper_pearson,
        one_sided_error_bound,
        quantile,
        wilson,
    )
    from reportgen.metrics.macro_modes import MACRO_MODES, MacroMode
    from reportgen.metrics.metric_json import MetricOf, ShareMetric, SignedMetric
    from reportgen.metrics.multiple_testing import benjamini_hochberg, holm
    from reportgen.metrics.ordinal import ORDINAL, ordinal_metrics
    from reportgen.metrics.overall import SUMMARY, Estimate, MacroNote, macro_note, summary_metrics
    from reportgen.metrics.per_class import COUNTS, PER_CLASS, per_class_metrics
    from reportgen.metrics.proportions import proportion_intervals
    from reportgen.metrics.resampling import TIE, Layout, Resamples
    from reportgen.metrics.scores import (
        SUM_TOLERANCE,
        TOP_K,
        Floats,
        OutputKind,
        ScoredRows,
        contradiction,
        count_true,
        decide_outputs,
        finite_rows,
        probabilities,
        score,
    )
    from reportgen.metrics.tallies import (
        TOP_CLASSES,
        Counts,
        Mistake,
        RankedClass,
        RunningCounts,
        WorstMistakes,
        best_classes,
        ranked_classes,
    )

__all__ = [
    "ABSTAINING",
    "CHOSEN_FROM",
    "CLUSTERED",
    "CONFIDENCE",
    "COSTING",
    "COUNTS",
    "DRAWS",
    "EXACT",
    "FEW_GROUPS",
    "LOG",
    "LOGIT",
    "MACRO_MODES",
    "ORDINAL",
    "PER_CLASS",
    "RANGES",
    "REASONS",
    "SCORE",
    "SUMMARY",
    "SUM_TOLERANCE",
    "TIE",
    "TOP_CLASSES",
    "TOP_K",
    "UNION",
    "WILSON",
    "ClassCounts",
    "ClassSample",
    "ClassSamples",
    "ClassSamplesTally",
    "ClusterIntervals",
    "Costs",
    "Counts",
    "Definition",
    "Estimate",
    "Floats",
    "GroupCounts",
    "Intervals",
    "Layout",
    "MacroMode",
    "MacroNote",
    "Margins",
    "Metric",
    "MetricColumn",
    "MetricOf",
    "Mistake",
    "OutputKind",
    "RankedClass",
    "Resamples",
    "RunningCounts",
    "ScoredRows",
    "ShareMetric",
    "SignedMetric",
    "WorstMistakes",
    "abstaining_metrics",
    "benjamini_hochberg",
    "best_classes",
    "bootstrap_intervals",
    "clopper_pearson",
    "cluster_intervals",
    "contradiction",
    "cost_difference",
    "count_true",
    "decide_outputs",
    "expected_cost",
    "finite_rows",
    "holm",
    "macro_note",
    "one_sided_error_bound",
    "ordinal_metrics",
    "per_class_metrics",
    "probabilities",
    "proportion_intervals",
    "quantile",
    "ranked_classes",
    "score",
    "summary_metrics",
    "wilson",
]

__getattr__ = lazy_names(
    __name__,
    {
        "abstaining": "ABSTAINING abstaining_metrics",
        "bootstrap": "DRAWS bootstrap_intervals",
        "class_metrics": "ClassCounts",
        "class_samples": "CHOSEN_FROM ClassSample ClassSamples ClassSamplesTally",
        "cluster_bootstrap": "CLUSTERED ClusterIntervals FEW_GROUPS GroupCounts cluster_intervals",
        "costs": "COSTING Costs cost_difference expected_cost",
        "counted": "Margins",
        "definitions": ("Definition Intervals Metric MetricColumn RANGES REASONS"),
        "intervals": (
            "CONFIDENCE EXACT LOG LOGIT SCORE UNION WILSON clopper_pearson "
            "one_sided_error_bound quantile wilson"
        ),
        "macro_modes": "MACRO_MODES MacroMode",
        "metric_json": "MetricOf ShareMetric SignedMetric",
        "multiple_testing": "benjamini_hochberg holm",
        "ordinal": "ORDINAL ordinal_metrics",
        "overall": "Estimate MacroNote SUMMARY macro_note summary_metrics",
        "per_class": "COUNTS PER_CLASS per_class_metrics",
        "proportions": "proportion_intervals",
        "resampling": "Layout Resamples TIE",
        "scores": (
            "Floats OutputKind SUM_TOLERANCE ScoredRows TOP_K contradiction "
            "count_true decide_outputs finite_rows probabilities score"
        ),
        "tallies": (
            "Counts Mistake RankedClass RunningCounts TOP_CLASSES WorstMistakes best_classes "
            "ranked_classes"
        ),
    },
)
