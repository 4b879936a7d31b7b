"""What is to be known before a report, or a comparison, is relied on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.evaluation import Evaluation

if TYPE_CHECKING:
    from reportgen.comparison.comparison import Comparison

__all__ = [
    "cautions",
]


def cautions(evaluation: Evaluation, comparison: Comparison | None) -> tuple[str, ...]:
    """What is to be known before anything here is relied on, in sentences: every warning."""
    notes = (*evaluation.notes, *(comparison.notes if comparison is not None else ()))
    return tuple(note.sentence for note in notes if note.severity == "warning")
