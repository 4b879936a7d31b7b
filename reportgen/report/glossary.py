"""The glossary: all terms of the report, with definitions."""

from __future__ import annotations

from reportgen.analysis.confusions import GROUP_METRICS, PAIR_METRICS
from reportgen.comparison import COMPARISON_TERMS
from reportgen.evaluation import Evaluation
from reportgen.metrics import COUNTS, Definition
from reportgen.report.intervals import class_definitions, summary_definitions

__all__ = [
    "glossary",
]


def glossary(
    evaluation: Evaluation, *, compared: bool = False
) -> tuple[tuple[str, tuple[Definition, ...]], ...]:
    """Definitions of all metrics on the page and their intervals, in groups.

    With terms of a comparison if `compared` with a baseline.
    """
    own = (
        ("Overall metrics", summary_definitions(evaluation)),
        ("Per-class metrics", (*COUNTS, *class_definitions(evaluation))),
        ("Pairs and clusters", (*PAIR_METRICS, *GROUP_METRICS)),
    )
    return (*own, ("Comparison with a baseline", COMPARISON_TERMS)) if compared else own
