"""What several rules say alike."""

from __future__ import annotations

from reportgen.report.words import Name

__all__ = ["unquoted"]


def unquoted(name: Name) -> Name:
    """The name for a place that sets the quotation marks itself."""
    return Name(name.text, name.full)
