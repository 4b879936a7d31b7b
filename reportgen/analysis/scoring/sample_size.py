"""The power of a test set: detectable differences, required numbers of samples.

Two models are compared on the same samples. The relevant quantity is their discordance: the
proportion of samples that exactly one of the two predicts correctly.
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
"""Discordances in tables: from two runs of one recipe to two very different models."""


ALPHA = 0.05


POWER = 0.80


def minimum_detectable_difference(
    n_samples: int, discordance: float, *, alpha: float = ALPHA, power: float = POWER
) -> Metric:
    """The minimum detectable difference in accuracy, 0..1, of McNemar's test.

    Parameters
    ----------
    n_samples
        Size of the test set.
    discordance
        Proportion of samples that exactly one model predicts correctly, 0..1, above 0.
    alpha
        Two-sided level of the test.
    power
        Probability of detecting a difference of this size; at least one half.

    Returns
    -------
    d that solves n d² = (z_alpha √ψ + z_power √(ψ - d²))², ψ the discordance; there is no interval.
    ``no_samples`` without samples; ``too_few_samples`` if even the largest possible difference, d =
    ψ, is not detectable.

    Connor 1987, Biometrics 43, 207-211.
    """
    _check_share("discordance", discordance)
    if n_samples < 1:
        return Metric(None, None, "no_samples")
    a, z = quantile(1 - alpha), _one_sided(power)
    # even if all samples are discordant in one direction, it is not significant
    if n_samples < a * a:
        return Metric(None, None, "too_few_samples")
    # (d √n - a √ψ)² = z² (ψ - d²): a quadratic in d, of which the larger root is used
    root = z * math.sqrt(n_samples + z * z - a * a)
    difference = math.sqrt(discordance) * (a * math.sqrt(n_samples) + root) / (n_samples + z * z)
    if difference > discordance:
        return Metric(None, None, "too_few_samples")
    return Metric(difference, None, "no_interval")


def non_inferiority_samples(
    discordance: float, margin: float, *, alpha: float = ALPHA, power: float = POWER
) -> int:
    """Number of samples for non-inferiority by `margin`, if both models are equal.

    Parameters
    ----------
    discordance, margin
        Proportions, 0..1, above 0.
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
    """The normal quantile of this probability, at least one half."""
    if probability == 0.5:
        return 0.0
    return quantile(2 * probability - 1)


def _check_share(what: str, value: float) -> None:
    if not 0 < value <= 1:
        raise ValueError(f"the {what} is a fraction above 0 and at most 1, not {value}")
