"""Comparisons and decisions for tests: two published matrices, and samples by a fixed seed."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from reportgen.comparison import Comparison, align_predictions, compare_evaluations, compare_paired
from reportgen.evaluation import Evaluation
from reportgen.gates import Decision, decide, parse_gates
from reportgen.importers import open_predictions
from reportgen.options.importing import InputOptions
from reportgen.provenance import ModelFacts, Provenance
from tests import factories

FIRST_COUNTS = [
    [5637, 3, 96, 75, 20, 10, 86, 0, 73, 0],
    [40, 5843, 3, 75, 16, 8, 5, 0, 10, 0],
    [87, 4, 4500, 70, 1069, 8, 156, 0, 106, 0],
    [339, 61, 19, 5269, 203, 10, 72, 2, 25, 0],
    [23, 9, 263, 209, 5217, 2, 238, 0, 39, 0],
    [0, 0, 0, 1, 0, 5604, 0, 333, 13, 49],
    [1827, 7, 716, 104, 792, 3, 2370, 0, 181, 0],
    [0, 0, 0, 0, 0, 22, 0, 5867, 4, 107],
    [32, 1, 13, 15, 19, 5, 17, 11, 5887, 0],
    [0, 0, 0, 0, 0, 28, 0, 234, 6, 5732],
]
"""The first published Fashion-MNIST matrix: the baseline of :func:`tests.factories.fashion`."""

GATES = """
[[gate]]
name = "accuracy floor"
metric = "accuracy"
at_least = 0.80
[[gate]]
name = "no class below 60% recall"
metric = "recall"
each_class = true
at_least = 0.60
[[gate]]
name = "not worse than production"
metric = "accuracy"
not_worse_by = 0.005
[[gate]]
name = "no class significantly worse"
metric = "recall"
each_class = true
no_harm = true
[[gate]]
name = "these must never be confused"
pair = ["cat", "dog"]
at_most_share = 0.02
severity = "warn"
"""
_NO_SPOOL = Path("/nonexistent")


def fashion() -> Comparison:
    """Two matrices, so not matched: accuracy +2.75 points, Sneaker −5.45, Shirt +17.1."""
    provenance = Provenance(
        kind="confusion matrix",
        model=ModelFacts(name="first"),
        data_name="Fashion-MNIST",
        split="train",
    )
    baseline = factories.make_evaluation(FIRST_COUNTS, factories.FASHION, provenance=provenance)
    return compare_evaluations(baseline, factories.fashion(), "matrix")


@cache
def paired(
    n: int = 4000,
    classes: tuple[str, ...] = factories.CIFAR,
    *,
    step: float = 0.06,
    worse: tuple[float, ...] = (0.0, 0.0, 0.0, -0.16, 0.0, -0.03),
    seed: int = 3,
) -> Comparison:
    """A candidate that is right more often than its baseline, but on the fourth class less often.

    `n` samples spread over the classes; each class's recall grows by `step`, or as `worse` says
    for the first classes. Both are sure of their answers by a Dirichlet draw that is theirs.
    """
    rng = np.random.default_rng(seed)
    k = len(classes)
    truth = np.arange(n) % k
    ids = np.array([f"{classes[c]}/{i:05}.png" for i, c in enumerate(truth)], object)
    ease = rng.random(n)
    gain = np.full(k, step)
    gain[: len(worse)] = [change or step for change in worse[:k]]
    chance = rng.random((2, n))
    sides = []
    for name, reach in (("baseline", np.full(n, 0.78)), ("candidate", 0.78 + gain[truth])):
        own = 0.7 * ease + 0.3 * chance[len(sides)]
        hit = own < np.quantile(own, reach)
        sibling = np.where(
            rng.random(n) < 0.6, truth // 2 * 2 + 1 - truth % 2, rng.integers(0, k, n)
        )
        answer = np.where(hit, truth, sibling % k)
        sides.append(_side(name, ids, truth, answer, classes, rng))
    return compare_paired(align_predictions(*sides), draws=200)


def _side(name: str, ids: Any, truth: Any, answer: Any, classes: tuple[str, ...], rng: Any) -> Any:
    n, k = len(truth), len(classes)
    p = rng.dirichlet(np.full(k, 0.08), n)
    best = p.argmax(axis=1)
    rows = np.arange(n)
    p[rows, best], p[rows, answer] = p[rows, answer].copy(), p[rows, best].copy()
    names = np.array(classes, object)
    columns = {
        "id": ids,
        "label": names[truth],
        "prediction": names[answer],
        "probabilities": p,
        "camera": np.array(["north", "south", "west"])[(rows // 7) % 3],
    }
    opened = open_predictions(columns, InputOptions(classes=classes), spool=_NO_SPOOL)
    facts = replace(
        opened.facts,
        provenance=replace(
            opened.facts.provenance,
            model=ModelFacts(name=name, version="1.2" if name == "candidate" else "1.1"),
            data_name="CIFAR-10",
            split="test",
        ),
    )
    return replace(opened, facts=facts)


@cache
def identical() -> Comparison:
    """A model against itself."""
    rng = np.random.default_rng(1)
    truth = np.arange(600) % 10
    ids = np.array([f"s{i}" for i in range(600)], object)
    answer = np.where(rng.random(600) < 0.8, truth, (truth + 1) % 10)
    side = _side("candidate", ids, truth, answer, factories.CIFAR, np.random.default_rng(2))
    return compare_paired(align_predictions(side, side), draws=100)


def decision(comparison: Comparison, gates: str = GATES) -> Decision:
    """What `gates` say of the candidate."""
    return decide(parse_gates(gates), comparison.candidate, comparison)


def evaluation(comparison: Comparison) -> Evaluation:
    """The candidate's."""
    return comparison.candidate
