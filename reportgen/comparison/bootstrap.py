"""Paired bootstrap of differences between two models.

A resample draws n samples with replacement, and evaluates both models on the same draw. Counts do
not distinguish samples with the same label and the same two predictions, so a resample is one
multinomial draw over the cells of (label, baseline, candidate); one vs rest has eight cells.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.comparison.comparison import Difference
from reportgen.comparison.joint_tallies import JointCounts
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics import (
    PER_CLASS,
    SUMMARY,
    TIE,
    Estimate,
    Layout,
    MacroMode,
    Margins,
    Metric,
    Resamples,
    quantile,
)

__all__ = [
    "DRAWS",
    "MAX_CELLS",
    "MAX_CLASSES",
    "SEED",
    "class_differences",
    "class_figure",
    "from_draws",
    "macro_differences",
]


DRAWS = 2_000


SEED = 1


MAX_CELLS = 10_000
"""Maximum number of cells to draw, 2 s for 2,000 draws.

Above, macro metrics have a delta-method interval: so many different cells require so many samples
that the two agree.
"""


MAX_CLASSES = 1_000
"""Maximum number of classes whose precision and F1 are resampled, 3 s for 2,000 draws.

Above, they have no interval: ``too_many_classes``.
"""


FEW_DRAWS = 20
"""With fewer draws beyond 0, a p-value is computed from their spread, not their number.

Holm's correction over many classes needs smaller p-values than a number of draws provides.
"""


_MACRO = {
    metric.name: metric.compute.statistic
    for metric in SUMMARY
    if metric.name in ("balanced_accuracy", "macro_f1") and isinstance(metric.compute, Estimate)
}


MACRO = tuple(_MACRO)


MOST_UNDEFINED = 0.05  # proportion of resamples, as for the intervals of single metrics


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
    """The difference of two metrics, with percentile intervals of its `draws`.

    Parameters
    ----------
    baseline, candidate
        The metrics.
    draws
        Candidate minus baseline in B resamples, shape (B,); nan if either is undefined.
    chance
        The metric expected by chance, for baseline and candidate: for ECE, which is biased upwards
        for few samples, and once more in each resample. The difference of the metrics *minus that*
        is tested, by the spread of the draws about their mean; the interval is shifted to contain
        the plain difference. Two perfectly calibrated models differ significantly in at most 5% of
        test sets.

    The p-value is twice the smaller proportion of draws on either side of 0, with the difference
    itself counted as a draw; with too few draws there, that of a normal distribution with the
    spread of the draws. Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapters 13 and
    15.
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
    moved, p = defined, _p(defined, difference)
    if chance is not None:
        beyond = difference - (chance[1] - chance[0])
        moved = beyond - (defined - defined.mean())
        p = _p(moved, beyond) if beyond * difference > 0 else 1.0
    # Percentiles of a few samples may leave the difference out.
    ends = [
        (min(low, difference), max(high, difference))
        for low, high in (_ends(moved, confidence) for confidence in _CONFIDENCES)
    ]
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


def _p(draws: Floats, difference: float) -> float:
    fewer = min(int(np.count_nonzero(draws <= 0)), int(np.count_nonzero(draws >= 0)))
    if fewer < FEW_DRAWS and (spread := float(draws.std())) > 0:
        return math.erfc(abs(difference) / spread / math.sqrt(2))
    return min(2 * (fewer + 1) / (len(draws) + 1), 1.0)


def macro_differences(
    joint: JointCounts,
    figures: dict[str, tuple[Metric, Metric]],
    *,
    macro: MacroMode = "present",
    seed: int = SEED,
    draws: int = DRAWS,
) -> dict[str, Difference]:
    """The differences of :data:`MACRO`; above :data:`MAX_CELLS` cells by the delta method.

    `figures` has baseline's and candidate's metric by name, both averaged by `macro`: over the
    classes with samples in a resample, or over all.
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
        before, after = (_resamples_of(cells, macro, *side) for side in sides)
        for name, metric in _MACRO.items():
            found[name].append(metric.of(after) - metric.of(before))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def _side_of(joint: JointCounts, answer: Counts) -> tuple[Layout, Counts, Counts]:
    """One side's matrix, the order of the joint cells by its cells, and the start of each."""
    keys = joint.label * joint.n_classes + answer
    order = np.argsort(keys, kind="stable")
    cells, starts = np.unique(keys[order], return_index=True)
    matrix = ConfusionMatrix(joint.n_classes, cells, np.add.reduceat(joint.counts[order], starts))
    return Layout.of(matrix), order, starts


def _resamples_of(
    cells: Counts, macro: MacroMode, layout: Layout, order: Counts, starts: Counts
) -> Resamples:
    return layout.resamples(np.add.reduceat(cells[:, order], starts, axis=1), macro)


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
    """n times the effect of one more sample of each cell on the metric; its mean is 0."""
    k, label = joint.n_classes, joint.label
    support, said, right = (np.zeros((1, k)) for _ in range(3))
    hit = answer == label
    np.add.at(support[0], label, joint.counts)
    np.add.at(said[0], answer, joint.counts)
    np.add.at(right[0], label[hit], joint.counts[hit])
    slopes = _MACRO[name].slopes(Margins(right, support, said, k), macro)
    influence = joint.n * slopes.of_cells(label, answer)[0]
    return np.asarray(influence - float((joint.counts * influence).sum()) / joint.n)


_OF_CLASS = {metric.name: metric for metric in PER_CLASS}


CLASS_FIGURES = ("precision", "f1")


def class_figure(name: str, cells: Any, side: int) -> Floats:
    """A class metric from its counts by role, shape (…, 8).

    `side` is the bit of the role: 2 for the baseline, 1 for the candidate.
    """
    said = cells[..., side] + cells[..., 3] + cells[..., 4 + side] + cells[..., 7]
    tp = cells[..., 4 + side] + cells[..., 7]
    return _OF_CLASS[name].value(tp, cells[..., 4:].sum(axis=-1), said, cells.sum(axis=-1))


def class_differences(
    joint: JointCounts,
    figures: dict[str, list[tuple[Metric, Metric]]],
    *,
    seed: int = SEED,
    draws: int = DRAWS,
) -> dict[str, list[Difference]]:
    """Differences in precision and F1 of every class.

    `figures` has baseline's and candidate's metric of each class. A class is resampled against the
    rest, each time from `seed`: its interval depends on its counts only, with the same distribution
    as when resampling all samples.
    """
    if joint.n_classes > MAX_CLASSES:
        return {name: list(map(_too_many, figures[name])) for name in CLASS_FIGURES}
    found: dict[str, list[Difference]] = {name: [] for name in CLASS_FIGURES}
    for i, cells in enumerate(joint.against_rest()):
        drawn = _draw(cells, seed, draws)
        for name in CLASS_FIGURES:
            values = class_figure(name, drawn, 1) - class_figure(name, drawn, 2)
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
