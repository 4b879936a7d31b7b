"""What several rules say alike."""

from __future__ import annotations

from reportgen.report.facts import Facts
from reportgen.report.words import Name
from reportgen.text import count

__all__ = ["all_errors", "unquoted"]


def unquoted(name: Name) -> Name:
    """The name for a place that sets the quotation marks itself."""
    return Name(name.text, name.full)


def all_errors(facts: Facts) -> str:
    return f"all {count(facts.matrix.n_errors)} errors"
