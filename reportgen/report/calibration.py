"""Is the model as sure as it is right? What section, tile and findings say of it alike."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from reportgen.evaluation import Confidence
from reportgen.metrics import wilson
from reportgen.report.facts import Facts

__all__ = ["Calibration", "decimals"]


@dataclass(frozen=True)
class Calibration:
    """Confidence against accuracy, over the answers that have a confidence.

    Attributes
    ----------
    n, n_correct
        Answers, at least 1, and right ones among them.
    mean_confidence
        0..1.
    direction
        1 where the mean confidence lies above the accuracy's 95 % interval, -1 below, else 0; 0
        too where nothing is beyond chance.
    beyond_chance
        Whether the ECE is larger than 95 of 100 perfectly calibrated models of this size show.
    threshold_text
        The confidence from which at most 1 % of the answers are wrong, with 95 % confidence; empty
        where there is none.
    """

    known: Confidence
    n: int
    n_correct: int
    mean_confidence: float
    direction: Literal[-1, 0, 1]
    beyond_chance: bool
    threshold_text: str

    @classmethod
    def of(cls, facts: Facts) -> Calibration | None:
        """None where the input has no confidences."""
        known, error = facts.evaluation.confidence, facts.summary("ece").value
        if known is None or known.mean_confidence is None or error is None:
            return None
        n, right = sum(bar.n for bar in known.bins), sum(bar.n_correct for bar in known.bins)
        low, high = wilson(right, n)
        beyond = error > (known.chance_ece_high or 0.0)
        mean, threshold = known.mean_confidence, known.held_threshold
        return cls(
            known,
            n,
            right,
            mean,
            (1 if mean > float(high) else -1 if mean < float(low) else 0) if beyond else 0,
            beyond,
            "" if threshold is None else decimals(threshold),
        )

    @property
    def accuracy(self) -> float:
        """Of the answers that have a confidence, 0..1."""
        return self.n_correct / self.n


def decimals(threshold: float) -> str:
    """A confidence in 0..1 to three decimals, near 1 to as many as tell it from 1: ``0.999871``."""
    rest = 1 - threshold
    digits = 3 if rest <= 0 or rest > 0.05 else min(2 + math.ceil(-math.log10(rest)), 9)
    text = f"{threshold:.{digits}f}"
    return text.rstrip("0").rstrip(".") if float(text) in (0, 1) else text
