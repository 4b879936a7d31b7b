"""Coverage of the intervals of scores: the part of benchmarks.coverage that needs scores.

The model sees a class's own direction in normal noise; its scores are those of equally common
classes, sharpened by a factor: at 1 it is calibrated where the classes are equally common, at 2 it
is overconfident. :func:`figures` are those of a report, of one test set; benchmarks.many_test_sets
makes the same of many at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.many_test_sets import CERTAIN, figures_of_many
from reportgen.analysis.scoring import (
    Answers,
    BrierScore,
    CalibrationBins,
    ClasswiseBins,
    LogLoss,
    RankedScores,
    Ranking,
    RiskCoverage,
    Scores,
)
from reportgen.analysis.scoring.calibration import Cells, _bounds, _cells, ece_metric
from reportgen.analysis.scoring.ranked_scores import of_answers
from reportgen.metrics import Metric

__all__ = ["SHARPNESS", "Model", "figures", "held", "intervals", "truths"]

SHARPNESS = (1.0, 2.0)
TRUTH = 400_000
BLOCK = 100_000  # scores processed at once

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Model:
    """Prevalence of the classes, shape (K,); their separation; sharpness of the scores."""

    prevalence: Floats
    distance: float
    sharpness: float

    @classmethod
    def of(cls, prevalence: Floats, recall: float, sharpness: float) -> Model:
        """The model in which each class has this recall."""
        return cls(prevalence, _distance(len(prevalence), recall), sharpness)

    def draw(self, rng: np.random.Generator, n: int, sets: int = 1) -> tuple[Labels, Floats]:
        """Labels, shape (B, n), and probabilities, shape (B, n, K), of that many test sets."""
        k = len(self.prevalence)
        ends = np.cumsum(self.prevalence)[:-1]
        labels = np.searchsorted(ends, rng.random((sets, n)), "right")
        logits = rng.standard_normal((sets, n, k))
        own = np.take_along_axis(logits, labels[..., None], 2) + self.distance
        np.put_along_axis(logits, labels[..., None], own, 2)
        logits *= self.distance * self.sharpness
        logits -= logits.max(axis=2, keepdims=True)
        p = np.exp(logits, out=logits)
        p /= p.sum(axis=2, keepdims=True)
        return labels, p


def _distance(k: int, recall: float) -> float:
    """Distance at which the own direction is the largest of k with probability `recall`."""
    x = np.linspace(-8.0, 16.0, 4_001)
    below = np.array([NormalDist().cdf(value) for value in x]) ** (k - 1)
    least, most = 0.0, 15.0
    for _ in range(50):
        middle = (least + most) / 2
        density = np.exp(-((x - middle) ** 2) / 2) / np.sqrt(2 * np.pi)
        found = float((density * below).sum() * (x[1] - x[0]))
        least, most = (middle, most) if found < recall else (least, middle)
    return middle


def figures(labels: Labels, p: Floats) -> dict[str, Metric]:
    """All figures of scores of one test set; those of a class are of the first."""
    scores = Scores.of(p, labels)
    ranked = RankedScores.of(scores)
    ranking = Ranking.of(ranked)
    answers = Answers.of(p.max(axis=1), p.argmax(axis=1) == labels)
    (groups,) = of_answers(answers).groups()
    risk = RiskCoverage.of(of_answers(answers), groups)
    return {
        "log_loss": LogLoss.of(p[np.arange(len(p)), labels]).metric(),
        "brier_score": BrierScore.of(scores).metric(),
        "ece": ece_metric(CalibrationBins.of(answers).cells(), CERTAIN),
        "ece_equal_mass": ece_metric(_equal_mass(groups, len(p)), CERTAIN),
        "ece_classwise": ClasswiseBins.of(scores).metric(ranked),
        "aurc": risk.aurc.metric,
        "excess_aurc": risk.excess_aurc.metric,
        "macro_roc_auc": ranking.macro_roc_auc.metric,
        "macro_average_precision": ranking.macro_average_precision.metric,
        "roc_auc of a class": ranking.roc_auc.metric(0),
        "average_precision of a class": ranking.average_precision.metric(0),
    }


def _equal_mass(groups: Any, n: int) -> Cells:
    return _cells(groups, _bounds(n))


def truths(model: Model, seed: int) -> dict[str, float]:
    """Each metric on so many samples that the remaining sampling error is negligible."""
    n = max(TRUTH // len(model.prevalence), 20_000)
    (labels,), (p,) = model.draw(np.random.default_rng(seed), n)
    found = {name: metric.value for name, metric in figures(labels, p).items()}
    if model.sharpness == 1 and np.allclose(model.prevalence, 1 / len(model.prevalence)):
        found.update(dict.fromkeys(("ece", "ece_equal_mass", "ece_classwise"), 0.0))
    elif model.sharpness == 1 and len(model.prevalence) == 2:  # alike for both classes
        found.update(dict.fromkeys(("ece", "ece_equal_mass"), 0.0))
    return {name: value for name, value in found.items() if value is not None}


def intervals(model: Model, n: int, repetitions: int, seed: int) -> Iterator[dict[str, Metric]]:
    """The intervals of that many test sets of n samples."""
    rng = np.random.default_rng(seed)
    at_once = max(1, BLOCK // (n * len(model.prevalence)))
    for start in range(0, repetitions, at_once):
        sets = min(at_once, repetitions - start)
        yield from figures_of_many(*model.draw(rng, n, sets))


def held(
    model: Model, n: int, repetitions: int, seed: int
) -> dict[str, tuple[Floats, Floats, float]]:
    """Name → lower ends, upper ends (nan where none is printed), and the true figure."""
    true = truths(model, seed + 1)
    ends: dict[str, list[tuple[float, float]]] = {name: [] for name in true}
    for found in intervals(model, n, repetitions, seed):
        for name in true:
            ends[name].append(found[name].interval or (np.nan, np.nan))
    return {name: (*np.array(ends[name]).T, true[name]) for name in true}
