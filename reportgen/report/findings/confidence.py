"""Rules that look at how sure the model is."""

from __future__ import annotations

from reportgen.report.calibration import Calibration
from reportgen.report.facts import Facts
from reportgen.report.model import Finding
from reportgen.report.slices import points
from reportgen.report.words import say, share
from reportgen.text import count

__all__ = ["abstaining", "calibration"]

MISCALIBRATED = 0.02
ENOUGH = 300
"""So many answers without an error show an error of at most 1 %; with fewer, nothing does."""
WORTHWHILE = 0.05


def calibration(facts: Facts) -> Finding | None:
    """A calibration error of two points or more, beyond what chance alone would show."""
    known = Calibration.of(facts)
    error = facts.summary("ece").value
    if known is None or not known.beyond_chance or (error or 0.0) < MISCALIBRATED:
        return None
    heads = {
        1: "The model is too sure of itself:",
        -1: "The model is less sure than it need be:",
        0: "The model's confidence is not to be taken at its word:",
    }
    body = say(
        "mean confidence is {confidence}, {accuracy} of its answers are right; confidence is off "
        "by {error} points on average.",
        confidence=share(known.mean_confidence),
        accuracy=share(known.accuracy),
        error=points(error).removeprefix("+"),
    )
    return Finding(say(heads[known.direction]), body, "confidence", say("Confidence"))


def abstaining(facts: Facts) -> Finding | None:
    """What is gained if the model may leave some answers to a person."""
    known = Calibration.of(facts)
    if known is None or known.n < ENOUGH or known.accuracy >= 0.99:
        return None
    coverage = facts.summary("coverage_at_1_percent_error").value or 0.0
    if coverage >= WORTHWHILE and coverage * known.n >= ENOUGH:
        head = say("The model can do {part} of the work alone:", part=share(coverage))
        body = say(
            "so many answers have a confidence of at least {threshold}, and at most 1 % of these "
            "are wrong.",
            threshold=known.threshold_text,
        )
        return Finding(head, body, "confidence", say("Confidence"))
    error = facts.summary("error_at_90_percent_coverage").value
    if error is None:
        return None
    return Finding(
        say("Leaving the least sure answers to a person is not enough:"),
        say(
            "without the least sure tenth, {rest} are wrong instead of {all}; no threshold brings "
            "that to 1 % on {least} answers or more.",
            rest=share(error),
            all=share(1 - known.accuracy),
            least=count(ENOUGH),
        ),
        "confidence",
        say("Confidence"),
    )
