"""Whether the verdict in a ``report.json`` is the one that its gates give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.errors import UsageError
from reportgen.evaluation import Evaluation
from reportgen.gates import Check, Decision, Part, decide, is_known
from reportgen.jsonio import JsonPath, agree

if TYPE_CHECKING:
    from reportgen.comparison import Comparison

__all__ = [
    "check_decision",
]


def check_decision(
    told: Decision, evaluation: Evaluation, comparison: Comparison | None, place: JsonPath
) -> None:
    """Raise :class:`~reportgen.jsonio.Contradiction` with the first place in `place`, the whole
    document, where the gates decide otherwise.

    Nothing is checked if another version wrote gates that this one does not know: an earlier one
    did not record the rule, and a later one may have new metrics.
    """
    gates = [check.gate for check in told.checks]
    if not all(map(is_known, gates)):
        return
    try:
        right = decide(gates, evaluation, comparison)
    except UsageError as error:
        place["checks"].contradicts(error.message)
    for at, one, other in zip(place["checks"].items(), told.checks, right.checks, strict=True):
        _check_outcome(one, other, at)
        if one.blocks != other.blocks:
            at["blocks"].disagrees(other.blocks, _EVALUATION)
        if one.margin is not None and not agree(one.margin, other.margin):
            at["margin"].disagrees(other.margin, _EVALUATION)
        parts = zip(at["parts"].of_length(len(other.parts)), one.parts, other.parts, strict=True)
        for of_part, part, right_part in parts:
            if part.name != right_part.name:
                of_part["name"].disagrees(right_part.name, _EVALUATION)
            _check_outcome(part, right_part, of_part)
    if told.verdict != right.verdict:
        place["verdict"].disagrees(right.verdict, "the list of checks")


_EVALUATION = "the evaluation"


def _check_outcome(told: Check | Part, right: Check | Part, place: JsonPath) -> None:
    if told.status != right.status:
        place["status"].disagrees(right.status, _EVALUATION)
    if not agree(told.value, right.value):
        place["value"].disagrees(right.value, _EVALUATION)
    place["interval"].must_have_ends(right.interval, _EVALUATION)
