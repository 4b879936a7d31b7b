"""Rows that are made from other rows, as they are read."""

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
    """What is the same for rows however they are derived; ``batches`` is for subclasses.

    Attributes
    ----------
    rows
        What they are made from.
    facts
        Of the derived rows.
    n_rows
        Rows that ``batches`` gives.
    """

    rows: PredictionRows
    facts: RunFacts
    n_rows: int

    @property
    def has_confidence(self) -> bool:
        """Whether the rows say how sure the model was."""
        return self.rows.has_confidence

    @property
    def has_probabilities(self) -> bool:
        """Whether they hold the probabilities of all classes."""
        return self.rows.has_probabilities

    @property
    def metadata(self) -> Mapping[str, str]:
        """Further columns: name in :meth:`batches` → name in the table."""
        found: Mapping[str, str] = getattr(self.rows, "metadata", {})
        return found
