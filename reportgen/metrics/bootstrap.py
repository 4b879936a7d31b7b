"""Bootstrap intervals for the metrics that are no plain proportion.

Resamples are drawn from the confusion matrix, so no predictions are needed; what was never seen is
never drawn, so a perfect figure gets no interval here either. The four counts of a class against
the rest are a resample of their own, the same in distribution as that of the whole matrix: so the
interval of a class depends on its counts and the seed alone, and not on the order of the classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics import resampling
from reportgen.metrics.class_metrics import ClassCounts
from reportgen.metrics.definitions import Intervals, MacroMode, Metric, MetricColumn
from reportgen.metrics.intervals import CONFIDENCE, Scale
from reportgen.metrics.ordinal import ORDINAL
from reportgen.metrics.overall import SUMMARY, Estimate, Whole
from reportgen.metrics.per_class import PER_CLASS, Estimated

__all__ = [
    "DRAWS",
    "bootstrap_intervals",
]


Floats = NDArray[np.float64]


Counts = NDArray[np.int64]


DRAWS = 2000


BLOCK = 128
"""Classes that are resampled at a time: 2 MB a count."""


def bootstrap_intervals(
    matrix: ConfusionMatrix,
    *,
    seed: int = 0,
    draws: int = DRAWS,
    confidence: float = CONFIDENCE,
    macro: MacroMode = "present",
    ordinal: bool = False,
) -> Intervals:
    """Every metric that has a delta-method interval, with a BCa bootstrap interval in its place.

    Parameters
    ----------
    matrix
        Counts; without a sample there is nothing to replace.
    seed
        0 or more; the same seed gives the same intervals.
    draws
        Number of resamples, at least 1.
    confidence
        Nominal two-sided coverage, 0..1.
    macro
        Which classes macro averages are over; over those that a resample has, where ``"present"``.
    ordinal
        Whether :data:`~reportgen.metrics.ORDINAL` is wanted too.

    A figure that has no delta-method interval (perfect, worst possible, without variation) has
    none here, for the same reason. One that is undefined in more than 5 % of the resamples has
    none either: ``bootstrap_undefined``.

    Time grows with draws times cells: 0.3 s for 10 classes, 3 s for 1,000 with 10⁴ cells, a minute
    for 21,000 with 2 · 10⁵. Memory is that of a few arrays of 8 MB.
    """
    if draws < 1 or seed < 0 or not 0 < confidence < 1:
        raise ValueError(f"{draws} draws, seed {seed}, confidence {confidence}")
    method = f"BCa bootstrap: {draws:,} multinomial resamples of the matrix, seed {seed}"
    if matrix.n_samples == 0:
        return Intervals(method, {}, {})
    computed = {m.name: m.compute for m in (*SUMMARY, *(ORDINAL if ordinal else ()))}
    wanted = {name: c for name, c in computed.items() if isinstance(c, Estimate)}
    return Intervals(
        method,
        _of_whole(matrix, wanted, np.random.default_rng(seed), draws, confidence, macro),
        _of_classes(matrix, seed, draws, confidence),
    )


def _of_whole(
    matrix: ConfusionMatrix,
    wanted: Mapping[str, Estimate],
    rng: np.random.Generator,
    draws: int,
    confidence: float,
    macro: MacroMode,
) -> dict[str, Metric]:
    whole = Whole(matrix, None, macro)
    metrics = {name: compute(whole) for name, compute in wanted.items()}
    moving = [name for name, metric in metrics.items() if metric.interval is not None]
    if not moving:
        return metrics
    ordinal = any(name.startswith("kappa_") for name in moving)
    found = resampling.draw(matrix, rng, draws, macro, ordinal=ordinal)
    value = resampling.observe(matrix, macro, ordinal=ordinal)
    without_one = resampling.leave_each_out(matrix, macro, ordinal=ordinal)
    for name in moving:
        figure = resampling.FIGURES[name]
        low, high = resampling.bca(
            figure(found)[None, :],
            figure(value),
            figure(without_one)[None, :],
            matrix.values[None, :].astype(np.float64),
            confidence,
        )
        low, high = _clip(low, high, wanted[name].scale)
        ends = (float(low[0]), float(high[0]))
        reason = _why(ends)
        metrics[name] = replace(metrics[name], interval=None if reason else ends, reason=reason)
    return metrics


def _of_classes(
    matrix: ConfusionMatrix, seed: int, draws: int, confidence: float
) -> dict[str, MetricColumn]:
    counts = ClassCounts.of(matrix)
    table = np.stack([counts.tp, counts.fp, counts.fn, counts.tn], axis=1)
    kinds, kind_of = np.unique(table, axis=0, return_inverse=True)
    kind_of = kind_of.reshape(-1)
    wanted = {m.name: m.compute for m in PER_CLASS if isinstance(m.compute, Estimated)}
    ends = {name: np.full((2, len(kinds)), np.nan) for name in wanted}
    for start in range(0, len(kinds), BLOCK):
        block = kinds[start : start + BLOCK]
        drawn = _draw(block, seed, draws)
        for name, compute in wanted.items():
            found = _block_ends(compute, block, drawn, confidence)
            ends[name][:, start : start + BLOCK] = found
    return {
        name: _replace(compute(counts), *ends[name][:, kind_of]) for name, compute in wanted.items()
    }


def _draw(tables: Counts, seed: int, draws: int) -> Counts:
    """Resamples of each of G tables (TP, FP, FN, TN): shape (G, draws, 4)."""
    drawn = np.zeros((len(tables), draws, 4), np.int64)
    for at, table in enumerate(tables):
        rng = np.random.default_rng(seed)  # anew: the others must not matter
        seen = table > 0
        n = int(table.sum())
        drawn[at][:, seen] = rng.multinomial(n, table[seen] / n, size=draws)
    return drawn


def _block_ends(
    compute: Estimated, tables: Counts, drawn: Counts, confidence: float
) -> tuple[Floats, Floats]:
    n = int(tables[0].sum())
    seen = tables > 0  # of a kind of samples that is not there, none can be left out
    without_one = tables[:, None, :] - np.eye(4, dtype=np.int64) * seen[:, :, None]
    low, high = resampling.bca(
        compute.value(_counts(drawn, n)).reshape(drawn.shape[:2]),
        compute.value(_counts(tables, n)),
        compute.value(_counts(without_one, n - 1)).reshape(tables.shape),
        tables.astype(np.float64),
        confidence,
    )
    return _clip(low, high, compute.scale)


def _counts(tables: Counts, n: int) -> ClassCounts:
    """Tables (TP, FP, FN, TN) of n samples, of any shape (…, 4), as one long row of classes."""
    tp, fp, fn, tn = tables.reshape(-1, 4).T
    return ClassCounts(n, tp + fn, tp + fp, tp, fp, fn, tn)


def _replace(default: MetricColumn, low: Floats, high: Floats) -> MetricColumn:
    """The column with other ends, where it has any."""
    reason = tuple(
        known or _why(ends)
        for known, *ends in zip(default.reason, low.tolist(), high.tolist(), strict=True)
    )
    given = np.array([known is None for known in reason])
    low, high = np.where(given, low, np.nan), np.where(given, high, np.nan)
    return MetricColumn(default.value, low, high, reason)


def _clip(low: Floats, high: Floats, scale: Scale) -> tuple[Floats, Floats]:
    """Rounding must not lift an end out of the range of the figure."""
    return np.clip(low, scale.worst, scale.best), np.clip(high, scale.worst, scale.best)


def _why(ends: Sequence[float]) -> str | None:
    low, high = ends
    if low != low or high != high:
        return "bootstrap_undefined"
    return None if low < high else "no_interval"
