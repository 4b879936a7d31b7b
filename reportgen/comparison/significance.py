"""Two models on the same samples: differences with intervals, p-values, and their meaning."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from reportgen.analysis.slices import newcombe, two_sided_p
from reportgen.comparison.comparison import Difference, McnemarBounds, PairedCounts, Tendency
from reportgen.comparison.definitions import ALPHA
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics import holm, quantile

__all__ = [
    "ONE_SIDED",
    "accuracy_change",
    "apply_holm",
    "corrected",
    "mcnemar_bounds",
    "mcnemar_exact_p",
    "mcnemar_mid_p",
    "non_inferiority_p",
    "tango",
    "tango_z",
    "tendency_of",
    "unpaired_change",
]


CONFIDENCE = 0.95


def tango_z(gained: int, lost: int, n: int, delta: float) -> float:
    """Score statistic of "the difference is `delta`", -1..1: standard normal if that is true.

    It decreases in `delta`, is 0 at the difference itself, and may be infinite at -1 and 1. At 0 it
    is McNemar's (gained - lost) / √(gained + lost).

    Tango 1998, Statistics in Medicine 17, 891-908, equation 5.
    """
    _check(gained, lost, n)
    if not -1 <= delta <= 1:
        raise ValueError(f"a difference of proportions is in -1..1, not {delta}")
    above = gained - lost - n * delta
    variance = _variance(gained, lost, n, delta)
    if variance > 0:
        return above / math.sqrt(variance)
    return math.copysign(math.inf, above) if above else 0.0


def _variance(gained: int, lost: int, n: int, delta: float) -> float:
    """Variance of gained - lost, if its mean is n `delta` and the rest has maximum likelihood."""
    if delta < 0:  # the mirror image, which avoids the difference of two close numbers
        return _variance(lost, gained, n, -delta)
    b = -gained - lost + (2 * n - gained + lost) * delta
    c = -lost * delta * (1 - delta)
    root = math.sqrt(b * b - 8 * n * c)
    # proportion of regressed samples for the difference delta: a root of 2 n q² + b q + c
    q = (root - b) / (4 * n) if b <= 0 else -2 * c / (root + b)
    return n * (2 * q + delta * (1 - delta))


def tango(gained: int, lost: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Score interval of the difference in accuracy: all `delta` not rejected by :func:`tango_z`.

    It contains the difference, is within -1..1, and has a width even without disagreements, where
    the Wald interval has none. It excludes 0 exactly if McNemar's test (without continuity
    correction) is significant.

    Tango 1998, Statistics in Medicine 17, 891-908.
    """
    _check(gained, lost, n)
    z = quantile(confidence)
    return -_upper(lost, gained, n, z), _upper(gained, lost, n, z)


def _upper(gained: int, lost: int, n: int, z: float) -> float:
    if lost == n:
        return (z * z - n) / (z * z + n)
    if gained + lost == 0:
        return z * z / (z * z + n)

    def beyond(delta: float) -> float:
        return gained - lost - n * delta + z * math.sqrt(_variance(gained, lost, n, delta))

    return max(_root(beyond, (gained - lost) / n, 1.0), (gained - lost) / n)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """The root of a function that is positive at `low` and not at `high`."""
    from scipy.optimize import brentq

    return float(brentq(function, low, high, xtol=1e-15, rtol=1e-15))


def mcnemar_mid_p(gained: int, lost: int) -> float:
    """Two-sided McNemar mid-p-value; 1 without discordant samples.

    The exact p-value minus half of the probability of the observed counts: neither conservative as
    the exact one, nor wrong for small samples as chi-square.

    Fagerland, Lydersen & Laake 2013, BMC Medical Research Methodology 13, 91.
    """
    fewer, n = min(gained, lost), gained + lost
    return min(_at_most(fewer, n) + _at_most(fewer - 1, n), 1.0)


def mcnemar_exact_p(gained: int, lost: int) -> float:
    """Two-sided exact p-value of McNemar's test; 1 without discordant samples."""
    return min(2 * _at_most(min(gained, lost), gained + lost), 1.0)


def _at_most(k: int, n: int) -> float:
    """P(X <= k) of a binomial X with n trials and probability ½."""
    from scipy.special import betainc

    if k < 0:
        return 0.0
    return 1.0 if k >= n else float(betainc(n - k, k + 1, 0.5))


def non_inferiority_p(gained: int, lost: int, n: int, margin: float) -> float:
    """One-sided p-value of "the candidate is worse by `margin` or more", `margin` in 0..1.

    Below 0.05 exactly if the lower end of Tango's 90% interval is above ``-margin``.
    """
    if not 0 <= margin <= 1:
        raise ValueError(f"a margin is a fraction in 0..1, not {margin}")
    return math.erfc(tango_z(gained, lost, n, -margin) / math.sqrt(2)) / 2


def mcnemar_bounds(
    baseline_matrix: ConfusionMatrix, candidate_matrix: ConfusionMatrix
) -> McnemarBounds:
    """Bounds of McNemar's test for two matrices of the same samples, over all pairings.

    In a class with r samples, of which the sides predict k₁ and k₂ correctly, at least |k₁ - k₂|
    and at most min(k₁ + k₂, 2r - k₁ - k₂) are correct on one side only. Raises :class:`ValueError`
    if class totals differ: then these are not the same samples.
    """
    totals = candidate_matrix.true_totals
    if not np.array_equal(totals, baseline_matrix.true_totals):
        raise ValueError("the class totals differ: the matrices are of different samples")
    before, after = baseline_matrix.diagonal, candidate_matrix.diagonal
    least = int(np.abs(after - before).sum())
    most = int(np.minimum(before + after, 2 * totals - before - after).sum())
    difference = int((after - before).sum())
    chi2 = _chi2(difference, most), _chi2(difference, least)
    p = math.erfc(math.sqrt(chi2[1] / 2)), math.erfc(math.sqrt(chi2[0] / 2))
    return McnemarBounds(difference, (least, most), chi2, p)


def _chi2(difference: int, discordant: int) -> float:
    return difference**2 / discordant if discordant else 0.0


def _check(gained: int, lost: int, n: int) -> None:
    if n < 1 or gained < 0 or lost < 0 or gained + lost > n:
        raise ValueError(f"{gained} gained and {lost} lost of {n} samples")


ONE_SIDED = 0.90
"""Two-sided confidence level whose ends are one-sided 95% bounds."""


def accuracy_change(counts: PairedCounts, undefined: str = "no_samples") -> Difference:
    """Difference in the proportion of correct predictions: Tango's interval, McNemar's mid-p.

    `undefined` is the reason without samples.
    """
    n, gained, lost = counts.n, counts.gained, counts.lost
    if n == 0:
        return Difference(None, None, None, reason=undefined)
    return Difference(
        baseline=(counts.both_right + lost) / n,
        candidate=(counts.both_right + gained) / n,
        difference=(gained - lost) / n,
        interval=tango(gained, lost, n),
        bounds=tango(gained, lost, n, ONE_SIDED),
        p=mcnemar_mid_p(gained, lost),
        method="tango",
    )


def unpaired_change(
    hits: int, n: int, before_hits: int, before_n: int, undefined: str = "no_samples"
) -> Difference:
    """As :func:`accuracy_change`, unmatched: Newcombe's interval, score or Fisher's test."""
    if n == 0 or before_n == 0:
        before = before_hits / before_n if before_n else None
        return Difference(before, hits / n if n else None, None, reason=undefined)
    groups = hits, n, before_hits, before_n
    return Difference(
        baseline=before_hits / before_n,
        candidate=hits / n,
        difference=(hits * before_n - before_hits * n) / (n * before_n),
        interval=newcombe(*groups),
        bounds=newcombe(*groups, ONE_SIDED),
        p=two_sided_p(*groups),
        method="newcombe",
    )


def apply_holm(differences: Sequence[Difference]) -> tuple[list[Difference], int]:
    """Add p-values adjusted over the family, and return its number of defined tests."""
    adjusted = holm([math.nan if d.p is None else d.p for d in differences])
    corrected = [
        d if d.p is None else replace(d, p_adjusted=p)
        for d, p in zip(differences, adjusted.p.tolist(), strict=True)
    ]
    return corrected, adjusted.m


def corrected(summary: Mapping[str, Difference]) -> dict[str, Difference]:
    """The overall differences, with Holm's correction over all of them."""
    adjusted, _ = apply_holm(list(summary.values()))
    return dict(zip(summary, adjusted, strict=True))


def tendency_of(change: Difference) -> Tendency:
    """The tendency of a difference with an adjusted p-value."""
    if not change.difference or change.p is None or change.p_adjusted is None:
        return "no clear change"
    worse = change.difference < 0
    if change.p_adjusted < ALPHA:
        return "worse" if worse else "better"
    if change.p < ALPHA:
        return "perhaps worse" if worse else "perhaps better"
    return "no clear change"
