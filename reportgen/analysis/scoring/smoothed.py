"""Wilson's interval of a metric in 0..1, with a variance that accounts for unseen samples.

If almost all variance comes from rare errors, the samples underestimate it. So the variance of a
metric includes one or two additional samples that would change it. It only determines the effective
sample size; the interval is around the metric itself.
"""

from __future__ import annotations

import math

from reportgen.metrics import quantile

__all__ = ["share_interval"]


def share_interval(value: float, typical: float, variance: float) -> tuple[float, float]:
    """The lower and the upper end, 0..1.

    Parameters
    ----------
    value
        The metric, 0..1.
    typical, variance
        Its value, strictly inside 0..1, and its variance, above 0, both with unseen samples.

    The effective sample size is ``typical (1 - typical) / variance``; Wilson 1927, JASA 22,
    209-212.
    """
    z = quantile()
    trials = typical * (1 - typical) / variance
    scale = 1 + z * z / trials
    centre = (value + z * z / (2 * trials)) / scale
    half = z / scale * math.sqrt(value * (1 - value) / trials + (z / (2 * trials)) ** 2)
    low = 0.0 if value == 0 else max(centre - half, 0.0)
    return low, 1.0 if value == 1 else min(centre + half, 1.0)
