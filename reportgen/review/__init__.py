"""A release review: an evaluation, against which baseline, by which gates, and what follows; saved
baselines and their history.
"""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.review.baselines import Baselines
    from reportgen.review.display_names import named_classes
    from reportgen.review.history import HistoryEntry, read_history, sparkline
    from reportgen.review.review import (
        Review,
        ReviewSpec,
        is_report,
        load_baseline,
        load_spec,
        make_review,
        open_review,
    )
    from reportgen.review.schema import schema_text
    from reportgen.review.source import (
        LoadedInput,
        add_columns,
        find_file,
        load_input,
        require_counts,
    )

__all__ = [
    "Baselines",
    "HistoryEntry",
    "LoadedInput",
    "Review",
    "ReviewSpec",
    "add_columns",
    "find_file",
    "is_report",
    "load_baseline",
    "load_input",
    "load_spec",
    "make_review",
    "named_classes",
    "open_review",
    "read_history",
    "require_counts",
    "schema_text",
    "sparkline",
]

__getattr__ = lazy_names(
    __name__,
    {
        "baselines": "Baselines",
        "display_names": "named_classes",
        "history": "HistoryEntry read_history sparkline",
        "review": ("Review ReviewSpec is_report load_baseline load_spec make_review open_review"),
        "schema": "schema_text",
        "source": "LoadedInput add_columns find_file load_input require_counts",
    },
)
