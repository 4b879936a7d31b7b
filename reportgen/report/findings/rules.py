"""Shared parts of the rules: findings, failed gates, common words."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.evaluation import Evaluation
from reportgen.gates import Decision, class_name
from reportgen.report.gates import class_statuses
from reportgen.report.words import Name, Words

__all__ = [
    "Failing",
    "Finding",
    "Told",
    "unquote",
]


def unquote(name: Name) -> Name:
    """The name for a place with its own quotation marks."""
    return Name(name.text, name.full)


@dataclass(frozen=True)
class Finding:
    """A true sentence with its evidence: the id of an element, and its name."""

    head: Words
    body: Words
    target: str
    link: Words


@dataclass(frozen=True)
class Told:
    """A finding, and whether it concerns a failed gate."""

    finding: Finding
    failed: bool


@dataclass(frozen=True)
class Failing:
    """The subjects of the failed gates.

    Attributes
    ----------
    metrics
        Overall metrics.
    classes
        Class indices.
    others
        Slices (``camera = north``) and pairs (``cat called dog``), as gates call them.
    """

    metrics: frozenset[str] = frozenset()
    classes: frozenset[int] = frozenset()
    others: frozenset[str] = frozenset()

    @classmethod
    def of(cls, decision: Decision | None, evaluation: Evaluation) -> Failing:
        """Empty without gates, or if none failed."""
        checks = decision.checks if decision is not None else ()
        failed = [check for check in checks if check.status == "failed"]
        return cls(
            frozenset(one.metric for one in failed if not one.parts and not one.subject),
            frozenset(
                place
                for one in failed
                for place, status in class_statuses(one, evaluation).items()
                if status == "failed"
            ),
            frozenset(one.subject for one in failed if not one.parts and one.subject),
        )

    def has_slice(self, column: str, part: str) -> bool:
        """Whether a gate on this slice failed."""
        return f"{class_name(column)} = {class_name(part)}" in self.others

    def has_pair(self, true: str, predicted: str) -> bool:
        """Whether a gate on the rate of `true` → `predicted` failed."""
        return f"{class_name(true)} → {class_name(predicted)}" in self.others
