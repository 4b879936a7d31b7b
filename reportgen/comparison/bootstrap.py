"""Paired bootstrap: what differs between two models when both see another sample of the same kind.

A resample draws as many samples as there are, with replacement, and judges both models by the same
draw. Samples with the same label and the same two answers can't be told apart by counts, so a
resample is one multinomial draw over the cells of (label, baseline, candidate); a class against
the rest has eight of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.comparison.comparison import Difference
from reportgen.comparison.joint_tallies import JointCounts
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics import FIGURES, TIE, Layout, MacroMode, Metric, Sums, quantile

__all__ = [
    "DRAWS",
    "MAX_CELLS",
    "MAX_CLASSES",
    "SEED",
    "class_differences",
    "from_draws",
    "macro_differences",
]


DRAWS = 2_000


SEED = 1


MAX_CELLS = 10_000
"""Cells that are drawn, 2 s for 2,000 draws. Beyond, macro figures get a delta-method interval:
so many different cells need so many samples that the two agree."""


MAX_CLASSES = 1_000
"""Classes whose precision and F1 are resampled, 3 s for 2,000 draws; beyond, they have no
interval: ``too_many_classes``."""


MACRO = ("balanced_accuracy", "macro_f1")


MOST_UNDEFINED = 0.05  # share of resamples, as for the intervals of single figures


_CHUNK = 1 << 20


_CONFIDENCES = (0.95, 0.90)


Counts = NDArray[np.int64]


Floats = NDArray[np.float64]


def from_draws(
    baseline: Metric,
    candidate: Metric,
    draws: Floats,
    *,
    chance: tuple[float, float] | None = None,
) -> Difference:
    """The difference of two figures, with percentile intervals of its `draws`.

    Parameters
    ----------
    baseline, candidate
        The figures.
    draws
        Candidate less baseline in B resamples, shape (B,); nan where either is undefined.
    chance
        What chance alone would show of the figure, of baseline and candidate: for ECE, which few
        samples and even confidences drive upwards, and each resample once more. The difference of
        the figures *less that* is then tested, by the spread of the draws about their own mean;
        the interval is that of the same, moved to hold the plain difference. Two perfectly
        calibrated models differ significantly in at most 5 % of test sets.

    The p-value is twice the smaller share of draws on either side of 0, the difference itself
    counted as a draw: with 2,000 draws it is 0.001 at least. Efron & Tibshirani 1993, An
    Introduction to the Bootstrap, chapters 13 and 15.
    """
    if baseline.value is None or candidate.value is None:
        missing = baseline.reason if baseline.value is None else candidate.reason
        return Difference(baseline.value, candidate.value, None, reason=missing)
    difference = candidate.value - baseline.value
    plain = Difference(baseline.value, candidate.value, difference)
    defined = draws[~np.isnan(draws)]
    if len(defined) < (1 - MOST_UNDEFINED) * len(draws) or len(defined) == 0:
        return _without(plain, "bootstrap_undefined")
    defined = np.where(np.abs(defined) < TIE, 0.0, defined)
    if defined.max() - defined.min() < TIE:
        if abs(difference) < TIE:
            return _without(plain, "no_disagreement", p=1.0)
        return _without(plain, "no_variation")
    moved, p = defined, _p(defined)
    if chance is not None:
        beyond = difference - (chance[1] - chance[0])
        moved = beyond - (defined - defined.mean())
        p = _p(moved) if beyond * difference > 0 else 1.0
    ends = [_ends(moved, confidence) for confidence in _CONFIDENCES]
    if chance is not None:
        ends = [(min(low, difference), max(high, difference)) for low, high in ends]
    return Difference(
        plain.baseline, plain.candidate, difference, ends[0], ends[1], p,
        method="paired bootstrap",
    )  # fmt: skip


def _without(plain: Difference, reason: str, p: float | None = None) -> Difference:
    return Difference(
        plain.baseline, plain.candidate, plain.difference, p=p, method="none", reason=reason
    )


def _ends(draws: Floats, confidence: float) -> tuple[float, float]:
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2]).tolist()
    return low, high


def _p(draws: Floats) -> float:
    fewer = min(int(np.count_nonzero(draws <= 0)), int(np.count_nonzero(draws >= 0)))
    return min(2 * (fewer + 1) / (len(draws) + 1), 1.0)


def macro_differences(
    joint: JointCounts,
    figures: dict[str, tuple[Metric, Metric]],
    *,
    macro: MacroMode = "present",
    seed: int = SEED,
    draws: int = DRAWS,
) -> dict[str, Difference]:
    """The differences of :data:`MACRO`, from :data:`MAX_CELLS` cells on by the delta method.

    `figures` has baseline's and candidate's metric by name, both with macro averages of the kind
    `macro`: over the classes that a resample has samples of, or over all.
    """
    if len(joint.counts) > MAX_CELLS:
        return {name: _linear(joint, name, macro, *figures[name]) for name in MACRO}
    drawn = _macro_draws(joint, macro, np.random.default_rng(seed), draws)
    return {name: from_draws(*figures[name], drawn[name]) for name in MACRO}


def _macro_draws(
    joint: JointCounts, macro: MacroMode, rng: np.random.Generator, draws: int
) -> dict[str, Floats]:
    sides = [_side_of(joint, joint.baseline), _side_of(joint, joint.candidate)]
    shares = joint.counts / joint.n
    size = max(1, _CHUNK // max(len(joint.counts), len(sides[0][0].places)))
    found: dict[str, list[Floats]] = {name: [] for name in MACRO}
    for start in range(0, draws, size):
        cells = rng.multinomial(joint.n, shares, size=min(size, draws - start))
        before, after = (_sums_of(cells, macro, *side) for side in sides)
        for name in MACRO:
            found[name].append(FIGURES[name](after) - FIGURES[name](before))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def _side_of(joint: JointCounts, answer: Counts) -> tuple[Layout, Counts, Counts]:
    """One side's matrix, how the joint cells are sorted by its cells, and where each begins."""
    keys = joint.label * joint.n_classes + answer
    order = np.argsort(keys, kind="stable")
    cells, starts = np.unique(keys[order], return_index=True)
    matrix = ConfusionMatrix(joint.n_classes, cells, np.add.reduceat(joint.counts[order], starts))
    return Layout.of(matrix), order, starts


def _sums_of(
    cells: Counts, macro: MacroMode, layout: Layout, order: Counts, starts: Counts
) -> Sums:
    return layout.sums(np.add.reduceat(cells[:, order], starts, axis=1), macro, False)


def _linear(
    joint: JointCounts, name: str, macro: MacroMode, baseline: Metric, candidate: Metric
) -> Difference:
    """Delta method: normal, with the standard error of the linear approximation."""
    if baseline.value is None or candidate.value is None:
        return from_draws(baseline, candidate, np.zeros(0))
    after, before = (
        _influence(joint, name, macro, answer) for answer in (joint.candidate, joint.baseline)
    )
    influence = after - before
    error = math.sqrt(float((joint.counts * influence**2).sum())) / joint.n
    difference = candidate.value - baseline.value
    if error == 0:
        return from_draws(baseline, candidate, np.full(1, difference))
    ends = [
        (max(difference - z * error, -1.0), min(difference + z * error, 1.0))
        for z in map(quantile, _CONFIDENCES)
    ]
    p = math.erfc(abs(difference) / error / math.sqrt(2))
    return Difference(
        baseline.value, candidate.value, difference, ends[0], ends[1], p, method="delta method"
    )


def _influence(joint: JointCounts, name: str, macro: MacroMode, answer: Counts) -> Floats:
    """n times what one more sample of each cell adds to the figure; its mean is 0."""
    k, label = joint.n_classes, joint.label
    support, said, right = (np.zeros(k, np.int64) for _ in range(3))
    hit = answer == label
    np.add.at(support, label, joint.counts)
    np.add.at(said, answer, joint.counts)
    np.add.at(right, label[hit], joint.counts[hit])
    present = support > 0
    n_present = np.count_nonzero(present)
    if name == "balanced_accuracy":
        recall = right / np.maximum(support, 1)
        return np.asarray((hit - recall[label]) / support[label] * (joint.n / n_present))
    scale = joint.n / (k if macro == "all" else n_present)
    both = np.maximum(support + said, 1)
    f1 = 2 * right / both
    pull = np.where(present, f1 / both, 0.0)
    return np.asarray((2 * hit / both[label] - pull[label] - pull[answer]) * scale)


ClassFigure = Callable[[Any, int], Any]
"""(counts by role of the class, shape (…, 8); 2 for the baseline, 1 for the candidate) → figure."""


def _precision(cells: Any, side: int) -> Any:
    said = cells[..., side] + cells[..., 3] + cells[..., 4 + side] + cells[..., 7]
    return _divide(cells[..., 4 + side] + cells[..., 7], said)


def _f1(cells: Any, side: int) -> Any:
    said = cells[..., side] + cells[..., 3] + cells[..., 4 + side] + cells[..., 7]
    return _divide(2 * (cells[..., 4 + side] + cells[..., 7]), said + cells[..., 4:].sum(axis=-1))


def _divide(part: Any, whole: Any) -> Any:
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)


CLASS_FIGURES: dict[str, ClassFigure] = {"precision": _precision, "f1": _f1}


def class_differences(
    joint: JointCounts,
    figures: dict[str, list[tuple[Metric, Metric]]],
    *,
    seed: int = SEED,
    draws: int = DRAWS,
) -> dict[str, list[Difference]]:
    """Differences in precision and F1 of every class.

    `figures` has baseline's and candidate's metric of each class. A class is resampled against
    the rest, anew from `seed`: its interval depends on its counts alone, and is the same in
    distribution as in a resample of the whole.
    """
    if joint.n_classes > MAX_CLASSES:
        return {name: list(map(_too_many, figures[name])) for name in CLASS_FIGURES}
    found: dict[str, list[Difference]] = {name: [] for name in CLASS_FIGURES}
    for i, cells in enumerate(joint.against_rest()):
        drawn = _draw(cells, seed, draws)
        for name, figure in CLASS_FIGURES.items():
            values = figure(drawn, 1) - figure(drawn, 2)
            found[name].append(from_draws(*figures[name][i], values))
    return found


def _draw(cells: Counts, seed: int, draws: int) -> Counts:
    """Resamples of the eight counts of one class: shape (draws, 8)."""
    seen = np.flatnonzero(cells)[::-1]  # the rest comes last: it need not be drawn
    drawn = np.zeros((draws, len(cells)), np.int64)
    n = int(cells.sum())
    drawn[:, seen] = np.random.default_rng(seed).multinomial(n, cells[seen] / n, size=draws)
    return drawn


def _too_many(figures: tuple[Metric, Metric]) -> Difference:
    plain = from_draws(*figures, np.zeros(0))
    return plain if plain.difference is None else _without(plain, "too_many_classes")
