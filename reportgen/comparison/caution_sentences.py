"""Warnings at the top of a report or comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.evaluation import Evaluation

if TYPE_CHECKING:
    from reportgen.comparison.comparison import Comparison

__all__ = [
    "cautions",
]


def cautions(evaluation: Evaluation, comparison: Comparison | None) -> tuple[str, ...]:
    """All warnings on an evaluation or comparison, as sentences."""
    notes = (*evaluation.notes, *(comparison.notes if comparison is not None else ()))
    return tuple(note.sentence for note in notes if note.severity == "warning")
