"""Differences of figures of two unmatched sides, made of the interval of each (MOVER).

*Method of variance estimates recovery*: the distance from a figure to an end of its interval stands
for its standard error on that side, and the two sides' distances add up as the legs of a right
triangle. Newcombe's interval of two shares is the case of two Wilson intervals.

Zou & Donner 2008, Statistics in Medicine 27, 1693-1702; Newcombe 1998, Statistics in Medicine 17,
873-890, method 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np
from numpy.typing import NDArray

from reportgen.comparison.value import Difference
from reportgen.metrics import Metric
from reportgen.metrics.intervals import quantile

__all__ = ["mover_changes"]

Floats = NDArray[np.float64]

_BISECTIONS = 60
_LARGEST_Z = 38.0  # there the p-value is no longer told from 0


def mover_changes(
    before: Sequence[Metric], after: Sequence[Metric], *, share: bool
) -> list[Difference]:
    """Candidate less baseline of figures whose two sides are independent of each other.

    Two models on the same samples are not: they tend to be right together, and the interval is
    then wider than it need be.

    Parameters
    ----------
    before, after
        The same n figures of baseline and candidate, each with its 95 % interval.
    share
        Whether they are shares, 0..1. Ends at other levels than 95 % are taken on the logit scale
        for shares, so that none leaves 0..1, and on the figure's own otherwise.

    Returns
    -------
    n differences with 95 % interval, one-sided bounds and the two-sided p-value at which the
    interval would end at 0. Where a side has no interval of its own there is none, for the reason
    ``no_side_interval``.
    """
    changes = [_plain(one, other) for one, other in zip(before, after, strict=True)]
    at = [i for i, (one, other) in enumerate(zip(before, after, strict=True))
          if one.interval is not None and other.interval is not None]  # fmt: skip
    if not at:
        return changes
    sides = _Sides(
        _Side.of([before[i] for i in at], share), _Side.of([after[i] for i in at], share)
    )
    low, high = sides.ends(quantile())
    least, most = sides.ends(quantile(0.90))
    for i, *figures in zip(at, low, high, least, most, sides.p(), strict=True):
        a, b, c, d, p = map(float, figures)
        plain = changes[i]
        changes[i] = Difference(
            plain.baseline, plain.candidate, plain.difference, (a, b), (c, d), p, method="mover"
        )
    return changes


def _plain(before: Metric, after: Metric) -> Difference:
    if before.value is None or after.value is None:
        missing = before.reason if before.value is None else after.reason
        return Difference(before.value, after.value, None, reason=missing)
    difference = after.value - before.value
    return Difference(before.value, after.value, difference, reason="no_side_interval")


@dataclass(frozen=True)
class _Side:
    """Figures and the ends of their intervals at any level; float64, shape (n,)."""

    value: Floats
    low: Floats
    high: Floats
    on_logit: NDArray[np.bool_]

    @classmethod
    def of(cls, metrics: Sequence[Metric], share: bool) -> _Side:
        rows = [(one.value, *one.interval) for one in metrics if one.interval is not None]
        value, low, high = np.array(rows, np.float64).T
        inside = (low > 0) & (value > 0) & (value < 1) & (high < 1)
        return cls(value, np.minimum(low, value), np.maximum(high, value), inside & share)

    def ends(self, z: float | Floats) -> tuple[Floats, Floats]:
        """At a quantile of the normal distribution; exactly those given at that of 95 %."""
        part = z / quantile()
        on = self.on_logit
        low, value, high = (_logit(np.where(on, x, 0.5)) for x in (self.low, self.value, self.high))
        return (
            np.where(on, _expit(value - part * (value - low)),
                     self.value - part * (self.value - self.low)),
            np.where(on, _expit(value + part * (high - value)),
                     self.value + part * (self.high - self.value)),
        )  # fmt: skip


@dataclass(frozen=True)
class _Sides:
    before: _Side
    after: _Side

    def ends(self, z: float | Floats) -> tuple[Floats, Floats]:
        """Of the differences; float64, shape (n,)."""
        (low, high), (low2, high2) = self.before.ends(z), self.after.ends(z)
        before, after = self.before.value, self.after.value
        difference = after - before
        return (
            difference - np.hypot(after - low2, high - before),
            difference + np.hypot(high2 - after, before - low),
        )

    def p(self) -> list[float]:
        """Twice the tail beyond the quantile at which an end is 0; 1 where nothing differs."""
        rising = self.after.value > self.before.value
        near, far = np.zeros(len(rising)), np.full(len(rising), _LARGEST_Z)
        for _ in range(_BISECTIONS):
            z = (near + far) / 2
            low, high = self.ends(z)
            outside = np.where(rising, low > 0, high < 0)
            near, far = np.where(outside, z, near), np.where(outside, far, z)
        same = self.after.value == self.before.value
        return [
            1.0 if equal else erfc(z / sqrt(2))
            for equal, z in zip(same.tolist(), near.tolist(), strict=True)
        ]


def _logit(x: Floats) -> Floats:
    result: Floats = np.log(x) - np.log1p(-x)
    return result


def _expit(x: Floats) -> Floats:
    result: Floats = 1 / (1 + np.exp(-x))
    return result
