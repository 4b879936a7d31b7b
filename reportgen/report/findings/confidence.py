"""Rules that look at how sure the model is."""

from __future__ import annotations

from reportgen.report.calibration import Calibration
from reportgen.report.facts import Facts
from reportgen.report.model import Finding
from reportgen.report.words import NBSP, at_most, say, share

__all__ = ["abstaining", "calibration"]

MISCALIBRATED = 0.02
ENOUGH = 300
"""With fewer answers nothing shows an error of at most 1 %."""
WORTHWHILE = 0.05


def calibration(facts: Facts) -> Finding | None:
    """A calibration error of two points or more, beyond what chance alone would show."""
    known = Calibration.of(facts)
    error = facts.summary("ece").value
    if known is None or not known.beyond_chance or (error or 0.0) < MISCALIBRATED:
        return None
    heads = {
        1: "Overconfident:",
        -1: "Underconfident:",
        0: "Miscalibrated:",
    }
    body = say(
        "mean confidence {confidence}, accuracy {accuracy}, ECE {error} (by chance {chance}; "
        "significant).",
        confidence=share(known.mean_confidence),
        accuracy=share(known.accuracy),
        error=share(error or 0.0),
        chance=share(known.known.chance_ece or 0.0),
    )
    return Finding(say(heads[known.direction]), body, "confidence", say("Calibration"))


def abstaining(facts: Facts) -> Finding | None:
    """What is gained if the model may leave some answers to a person."""
    known = Calibration.of(facts)
    if known is None or known.n < ENOUGH or known.accuracy >= 0.99:
        return None
    coverage = known.known.held_coverage or 0.0
    if coverage >= WORTHWHILE:
        body = say(
            "at confidence ≥ {threshold}, the model covers {part} of samples with an error of at "
            "most {bound} (95{percent} confidence).",
            threshold=known.threshold_text,
            part=share(coverage),
            bound=at_most(known.known.held_error_bound or 0.0),
            percent=f"{NBSP}%",
        )
        return Finding(say("Selective prediction:"), body, "confidence", say("Calibration"))
    error = facts.summary("error_at_90_percent_coverage").value
    if error is None:
        return None
    return Finding(
        say("Abstention is not shown to reach 1{percent} error:", percent=f"{NBSP}%"),
        say(
            "at 90{percent} coverage the error is {rest} (overall {all}).",
            percent=f"{NBSP}%",
            rest=share(error),
            all=share(1 - known.accuracy),
        ),
        "confidence",
        say("Calibration"),
    )
