"""Rows derived from other rows while reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.predictions.metadata import RunFacts

if TYPE_CHECKING:
    from reportgen.predictions.table import PredictionRows

__all__ = [
    "DerivedRows",
]


@dataclass(frozen=True, eq=False)
class DerivedRows:
    """Base class of derived rows; subclasses define ``batches``.

    Attributes
    ----------
    rows
        The rows they are derived from.
    facts
        Facts of the derived rows.
    n_rows
        Number of rows that ``batches`` yields.
    """

    rows: PredictionRows
    facts: RunFacts
    n_rows: int

    @property
    def has_confidence(self) -> bool:
        """Whether the rows have confidences."""
        return self.rows.has_confidence

    @property
    def has_probabilities(self) -> bool:
        """Whether the rows have the probabilities of all classes."""
        return self.rows.has_probabilities

    @property
    def metadata(self) -> Mapping[str, str]:
        """Further columns: name in :meth:`batches` → name in the table."""
        found: Mapping[str, str] = getattr(self.rows, "metadata", {})
        return found
