"""What a test set of this size can show at all: differences that it detects, samples that it needs.

Two models are compared on the same samples. What matters is their discordance: the share of
samples of which exactly one of the two is right.
"""

from __future__ import annotations

import math

from reportgen.metrics import Metric, quantile

__all__ = [
    "DISCORDANCES",
    "minimum_detectable_difference",
    "non_inferiority_samples",
]


DISCORDANCES = (0.02, 0.05, 0.10, 0.20)
"""Discordances to tabulate: two runs of one recipe, up to two quite different models."""


ALPHA = 0.05


POWER = 0.80


def minimum_detectable_difference(
    n_samples: int, discordance: float, *, alpha: float = ALPHA, power: float = POWER
) -> Metric:
    """The smallest difference in accuracy, 0..1, that McNemar's test is likely to find.

    Parameters
    ----------
    n_samples
        Size of the test set.
    discordance
        Share of samples of which exactly one model is right, 0..1, above 0.
    alpha
        Two-sided level of the test.
    power
        Probability of finding a difference of this size; at least one half.

    Returns
    -------
    d that solves n d² = (z_alpha √ψ + z_power √(ψ - d²))², ψ the discordance; there is no
    interval. ``no_samples`` without samples; ``too_few_samples`` where even the largest possible
    difference, d = ψ, would likely go unseen.

    Connor 1987, Biometrics 43, 207-211.
    """
    _check_share("discordance", discordance)
    if n_samples < 1:
        return Metric(None, None, "no_samples")
    a, z = quantile(1 - alpha), _one_sided(power)
    if n_samples < a * a:  # even with every sample discordant, and all one way, it's no finding
        return Metric(None, None, "too_few_samples")
    # (d √n - a √ψ)² = z² (ψ - d²): a quadratic in d, of which the larger root is meant
    root = z * math.sqrt(n_samples + z * z - a * a)
    difference = math.sqrt(discordance) * (a * math.sqrt(n_samples) + root) / (n_samples + z * z)
    if difference > discordance:
        return Metric(None, None, "too_few_samples")
    return Metric(difference, None, "no_interval")


def non_inferiority_samples(
    discordance: float, margin: float, *, alpha: float = ALPHA, power: float = POWER
) -> int:
    """Samples that show a candidate not worse than its baseline by `margin`, if both are equal.

    Parameters
    ----------
    discordance, margin
        Shares, 0..1, above 0.
    alpha
        One-sided level of the test.
    power
        Probability that an equally good candidate passes; at least one half.

    (z_alpha + z_power)² ψ / margin², rounded up; Liu et al. 2002, Statistics in Medicine 21,
    231-245.
    """
    _check_share("discordance", discordance)
    _check_share("margin", margin)
    z = _one_sided(1 - alpha) + _one_sided(power)
    return math.ceil(z * z * discordance / margin**2)


def _one_sided(probability: float) -> float:
    """z below which a standard normal is with this probability, at least one half."""
    if probability == 0.5:
        return 0.0
    return quantile(2 * probability - 1)


def _check_share(what: str, value: float) -> None:
    if not 0 < value <= 1:
        raise ValueError(f"the {what} is a fraction above 0 and at most 1, not {value}")
