"""Confidence intervals: Wilson for proportions, the delta method on a bounded scale for the rest.

Both are deterministic and within the range of the metric; Clopper-Pearson guarantees the coverage.
All cover the sampling error of *this* test set only: not training randomness, label noise,
distribution shift or dependent samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "ATANH",
    "CONFIDENCE",
    "EXACT",
    "LOG",
    "LOGIT",
    "SCORE",
    "UNION",
    "WILSON",
    "Scale",
    "atanh_interval",
    "clopper_pearson",
    "log_interval",
    "logit_interval",
    "one_sided_error_bound",
    "quantile",
    "wilson",
]


CONFIDENCE = 0.95


WILSON = "Wilson score"
"""Name of the interval of a proportion, for readers."""


SCORE = "Wilson score of an effective sample size"
"""Name of the interval of other metrics of counts, for readers."""


UNION = f"{WILSON}, as a proportion of the samples that are of the class or predicted as it"
"""Name of the interval of F1 and of the Jaccard index of a class, for readers."""


EXACT = "Clopper-Pearson"
"""Name of the exact interval of a proportion, for readers."""


Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """A scale on which a delta-method interval is symmetric.

    Attributes
    ----------
    name
        Its name, for readers.
    interval
        (values, standard errors) → (lower ends, upper ends), nan if there is none.
    worst, best
        Minimum and maximum of the scale. Neither has an interval.
    """

    name: str
    interval: Callable[[ArrayLike, ArrayLike], tuple[Floats, Floats]]
    worst: float
    best: float = 1.0


@cache
def quantile(confidence: float = CONFIDENCE) -> float:
    """z such that a standard normal is within ±z with this probability: 1.96 at 0.95."""
    from statistics import NormalDist  # 5 ms to import

    if not 0 < confidence < 1:
        raise ValueError(f"a confidence level lies between 0 and 1, not {confidence}")
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(
    successes: ArrayLike, trials: ArrayLike, confidence: float = CONFIDENCE
) -> tuple[Floats, Floats]:
    """Score interval of a proportion, elementwise.

    Parameters
    ----------
    successes, trials
        Whole numbers, 0 <= successes <= trials, of shapes that broadcast.
    confidence
        Nominal two-sided coverage, 0..1.

    Returns
    -------
    The lower and the upper ends: float64 of the common shape, within 0..1, **nan** without trials.
    The lower end is exactly 0 without successes, the upper exactly 1 without failures. Raises
    :class:`ValueError` if successes are negative or exceed the trials.

    Wilson 1927, JASA 22, 209-212; recommended by Brown, Cai & DasGupta 2001, Statistical Science
    16, 101-133.
    """
    k, n = _counts(successes, trials)
    z = quantile(confidence)
    some = np.where(n > 0, n, np.nan)
    share = k / some
    centre = share + z * z / (2 * some)
    half = z * np.sqrt(share * ((n - k) / some) / some + (z / (2 * some)) ** 2)
    scale = 1 + z * z / some
    empty, full = (n > 0) & (k == 0), (n > 0) & (k == n)
    low = np.where(empty, 0.0, np.maximum((centre - half) / scale, 0.0))
    high = np.where(full, 1.0, np.minimum((centre + half) / scale, 1.0))
    return low, high


def clopper_pearson(
    successes: ArrayLike, trials: ArrayLike, confidence: float = CONFIDENCE
) -> tuple[Floats, Floats]:
    """The exact interval of a proportion, as :func:`wilson`: it covers with at least `confidence`.

    Both ends are quantiles of beta distributions. It is conservative, especially for few trials.

    Clopper & Pearson 1934, Biometrika 26, 404-413.
    """
    from scipy.special import betaincinv  # scipy takes longer to import than most reports need

    k, n = np.broadcast_arrays(*_counts(successes, trials))
    tail = (1 - confidence) / 2
    if not 0 < tail < 0.5:
        raise ValueError(f"a confidence level lies between 0 and 1, not {confidence}")
    low, high = np.where(n > 0, 0.0, np.nan), np.where(n > 0, 1.0, np.nan)
    some, short = (n > 0) & (k > 0), (n > 0) & (k < n)
    low[some] = betaincinv(k[some], (n - k)[some] + 1, tail)
    high[short] = betaincinv(k[short] + 1, (n - k)[short], 1 - tail)
    return low, high


def _counts(successes: ArrayLike, trials: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    k, n = np.asarray(successes), np.asarray(trials)
    if np.any(k < 0) or np.any(k > n):
        raise ValueError("successes must be between 0 and the number of trials")
    return k, n


def logit_interval(
    value: ArrayLike, standard_error: ArrayLike, confidence: float = CONFIDENCE
) -> tuple[Floats, Floats]:
    """Interval of a metric in (0, 1), symmetric on the scale log(v / (1 - v)).

    **nan** if the value is not strictly inside, or the standard error is not above 0: the method is
    not applicable at the ends, and without variation. Elementwise.
    """
    v, se = np.broadcast_arrays(_float(value), _float(standard_error))
    inside = (v > 0) & (v < 1) & (se > 0)
    safe = np.where(inside, v, 0.5)
    centre = np.log(safe) - np.log1p(-safe)
    half = quantile(confidence) * np.where(inside, se, 0.0) / (safe * (1 - safe))
    return _where(inside, _expit(centre - half)), _where(inside, _expit(centre + half))


def atanh_interval(
    value: ArrayLike, standard_error: ArrayLike, confidence: float = CONFIDENCE
) -> tuple[Floats, Floats]:
    """Interval of a metric in (-1, 1), symmetric on the scale atanh(v) (Fisher's z).

    **nan** if the value is not strictly inside, or the standard error is not above 0. A value of 0
    is inside this scale and has an interval. Elementwise.
    """
    v, se = np.broadcast_arrays(_float(value), _float(standard_error))
    inside = (v > -1) & (v < 1) & (se > 0)
    safe = np.where(inside, v, 0.0)
    centre = np.arctanh(safe)
    half = quantile(confidence) * np.where(inside, se, 0.0) / ((1 - safe) * (1 + safe))
    return _where(inside, np.tanh(centre - half)), _where(inside, np.tanh(centre + half))


def log_interval(
    value: ArrayLike, standard_error: ArrayLike, confidence: float = CONFIDENCE
) -> tuple[Floats, Floats]:
    """Interval of a ratio above 0, symmetric on the scale log(v).

    **nan** if the value or the standard error is not above 0. Elementwise.
    """
    v, se = np.broadcast_arrays(_float(value), _float(standard_error))
    inside = (v > 0) & (se > 0)
    safe = np.where(inside, v, 1.0)
    half = quantile(confidence) * np.where(inside, se, 0.0) / safe
    return _where(inside, safe * np.exp(-half)), _where(inside, safe * np.exp(half))


LOGIT = Scale("delta method on the logit scale", logit_interval, worst=0.0)
"""For metrics in 0..1 that are not proportions."""


ATANH = Scale("delta method on the atanh scale", atanh_interval, worst=-1.0)
"""For correlations, -1..1; 0 is inside this scale, so it has an interval."""


LOG = Scale("delta method on the log scale", log_interval, worst=0.0, best=math.inf)
"""For ratios without an upper end."""


def one_sided_error_bound(n_samples: int, alpha: float = 0.05) -> float:
    """The largest error rate for which no error in `n_samples` has probability `alpha`.

    1 - alpha^(1/n), the exact (Clopper-Pearson) bound; close to 3/n at alpha = 0.05. For statements
    on perfect metrics: "no errors in 300 samples: the error rate is at most 1.0%".
    """
    if n_samples < 1:
        raise ValueError("without samples there is no bound")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha lies between 0 and 1, not {alpha}")
    return -math.expm1(math.log(alpha) / n_samples)


def _float(values: ArrayLike) -> Floats:
    return np.asarray(values, np.float64)


def _where(inside: NDArray[np.bool_], values: Floats) -> Floats:
    return np.where(inside, values, np.nan)


def _expit(x: NDArray[Any]) -> Floats:
    small = np.exp(-np.abs(x))  # never overflows
    shares: Floats = np.where(x >= 0, 1.0, small) / (1 + small)
    return shares
