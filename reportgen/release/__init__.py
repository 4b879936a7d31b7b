"""A release review: an evaluation, against what, by which promises, and what follows."""

from reportgen.release.options import ReviewKeywords, ReviewOptions
from reportgen.release.review import (
    Review,
    Terms,
    agreed,
    baseline_side,
    is_report,
    open_review,
    reviewed,
)
from reportgen.release.sides import Side, file_of, open_side, require_counts, with_columns

__all__ = [
    "Review",
    "ReviewKeywords",
    "ReviewOptions",
    "Side",
    "Terms",
    "agreed",
    "baseline_side",
    "file_of",
    "is_report",
    "open_review",
    "open_side",
    "require_counts",
    "reviewed",
    "with_columns",
]
