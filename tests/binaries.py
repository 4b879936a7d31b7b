"""Two-class evaluations with scores, for what shows thresholds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reportgen.analysis.scoring import (
    AnswerTally,
    ProbabilityTally,
    RankedScores,
    ScoreMetrics,
    Scores,
)
from reportgen.analysis.scoring.thresholds import ThresholdCurve
from reportgen.evaluation import Confidence, Evaluation
from reportgen.metrics import Costs, expected_cost
from tests import factories

CLASSES = ("healthy", "ill")


def samples(n_negative: int = 950, n_positive: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (n, 2) in float32, and labels; invented from a fixed seed."""
    rng = np.random.default_rng(11)
    truth = np.repeat([0, 1], [n_negative, n_positive])
    logit = rng.normal(np.where(truth == 1, 1.2, -3.0), 1.6)
    positive = (1 / (1 + np.exp(-logit))).astype(np.float32)
    return np.column_stack([1 - positive, positive]), truth


def curve_of(p: np.ndarray, truth: np.ndarray, limit: int = 10**6) -> ThresholdCurve:
    return ThresholdCurve.of(RankedScores.of(Scores.of(p, truth), limit))


def having(evaluation: Evaluation, curve: ThresholdCurve | None) -> Evaluation:
    """A copy with this curve."""
    copy = replace(evaluation)
    object.__setattr__(copy, "threshold", curve)
    return copy


def diagnosed(classes: tuple[str, str] = CLASSES) -> Evaluation:
    """Imbalanced, with galleries, figures of scores, and the curve."""
    p, truth = samples()
    answer = p.argmax(axis=1)
    counts = [[int(((truth == i) & (answer == j)).sum()) for j in (0, 1)] for i in (0, 1)]
    evaluation = factories.make_evaluation(counts, classes, examples=4)
    rows = {
        "label": truth,
        "prediction": answer,
        "confidence": p.max(axis=1),
        "label_probability": p[np.arange(len(p)), truth],
        "label_rank": 1 + (answer != truth),
    }
    figures = ScoreMetrics.of(
        AnswerTally.of(rows), ProbabilityTally.of(Scores.of(p, truth)), 2
    )  # fmt: skip
    evaluation = replace(
        evaluation,
        summary={**evaluation.summary, **figures.summary},
        per_class={**evaluation.per_class, **figures.per_class},
        confidence=Confidence.of(figures),
    )
    return having(evaluation, curve_of(p, truth))


def costed(miss: float = 30.0) -> Evaluation:
    """:func:`diagnosed`, where a missed ill person costs `miss` times a false alarm."""
    evaluation = diagnosed()
    costs = Costs.of("costs.csv", [(1, 0, miss)])
    summary = {**evaluation.summary, **expected_cost(evaluation.confusion, costs)}
    return having(replace(evaluation, costs=costs, summary=summary), evaluation.threshold)
