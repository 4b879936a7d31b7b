"""Names of a baseline and its candidate in sentences."""

from __future__ import annotations

from reportgen.comparison import Comparison
from reportgen.evaluation import Evaluation
from reportgen.report.words import Name, Words, say

__all__ = [
    "baseline_words",
    "model_name",
]


def model_name(evaluation: Evaluation) -> str:
    """Name and version, or the title; empty if neither is known."""
    by = evaluation.provenance
    return " ".join(filter(None, (by.model.name, by.model.version))) or by.title


def baseline_name(comparison: Comparison) -> Words:
    """The name it is saved as, else that of its model."""
    if comparison.baseline_name:
        return Words((Name.of(comparison.baseline_name, 60),))
    return known_as(comparison.baseline, "the baseline")


def baseline_words(comparison: Comparison, otherwise: str = "not named") -> Words:
    """Both its names: ``production: first classifier 1.0``."""
    saved_as, own = comparison.baseline_name, model_name(comparison.baseline)
    if not saved_as or own in ("", saved_as):
        return Words((Name.of(saved_as or own, 60),)) if saved_as or own else say(otherwise)
    return Words((Name.of(saved_as, 60), ": ", Name.of(own, 60)))


def known_as(evaluation: Evaluation, otherwise: str) -> Words:
    known = model_name(evaluation)
    return Words((Name.of(known, 60),)) if known else say(otherwise)
