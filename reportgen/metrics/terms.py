"""Terms of metrics of counts, which are summed over the classes.

An overall metric is ``combine(Σ term(tp, support, predicted))``. Terms and the functions of their
sums are written once, for any numeric type: float64 for a value and for resamples, complex128 for
derivatives (a step of 10⁻³⁰ along the imaginary axis leaves the derivative there, without the error
of a difference), and integers for exact values. So they use :func:`over`, :func:`divided` and
:func:`root`, and compare only real parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "AVERAGED",
    "CHANCE",
    "ERRORS",
    "F1",
    "PRECISION",
    "PREDICTED_SQUARES",
    "PRESENT",
    "RECALL",
    "RIGHT",
    "STEP",
    "SUPPORT",
    "TRUE_SQUARES",
    "WEIGHTED_F1",
    "WEIGHTED_PRECISION",
    "Term",
    "Values",
    "derivative",
    "divided",
    "over",
    "root",
]


Values = Any
"""float64 or complex128 of any shape, or Python integers."""


Floats = NDArray[np.float64]


STEP = 1e-30
"""Size of a complex step: its square vanishes beside any count."""


@dataclass(frozen=True)
class Term:
    """A term: the contribution of each class to a sum.

    Attributes
    ----------
    name
        Its unique name.
    of
        (TP, support, predicted) of the classes → their terms, elementwise.
    unbiased
        Whether its sum is unbiased up to 1 / n: for counts, their products, and proportions of
        classes. Others have a larger bias in small classes.
    """

    name: str
    of: Callable[[Values, Values, Values], Values]
    unbiased: bool = False


def over(part: Values, whole: Values) -> Values:
    """part / whole, 0 if whole is 0: the rule for averages."""
    some = np.real(whole) > 0
    return np.where(some, part / np.where(some, whole, 1.0), 0.0)


def divided(part: Values, whole: Values) -> Values:
    """part / whole, nan if whole is not above 0: the metric is undefined."""
    if isinstance(whole, int):
        return part / whole if whole else math.nan
    some = np.real(whole) > 0
    return np.where(some, part / np.where(some, whole, 1.0), np.nan)


def root(square: Values) -> Values:
    """The square root; exact for integers that are squares."""
    if isinstance(square, int):
        whole = math.isqrt(square)
        return whole if whole * whole == square else math.sqrt(square)
    return np.sqrt(square if np.iscomplexobj(square) else np.maximum(square, 0.0))


def derivative(function: Callable[..., Values], at: tuple[Values, ...], by: int) -> Floats:
    """The derivative of a function of real arrays by its argument `by`, up to rounding."""
    moved = tuple(x + STEP * 1j if i == by else x for i, x in enumerate(at))
    return np.asarray(np.imag(function(*moved)) / STEP, np.float64)


def _present(_tp: Values, support: Values, _predicted: Values) -> Values:
    return np.where(np.real(support) > 0, 1.0, 0.0)


SUPPORT = Term("support", lambda _tp, r, _c: r, unbiased=True)


PRESENT = Term("present", _present, unbiased=True)


AVERAGED = Term("averaged", _present, unbiased=True)
"""1 for each class that macro averages are over: those with samples, or optionally all."""


RIGHT = Term("right", lambda tp, _r, _c: tp, unbiased=True)


ERRORS = Term("errors", lambda tp, r, _c: r - tp, unbiased=True)


RECALL = Term("recall", lambda tp, r, _c: over(tp, r), unbiased=True)


PRECISION = Term("precision", lambda tp, _r, c: over(tp, c), unbiased=True)


F1 = Term("f1", lambda tp, r, c: over(2 * tp, r + c))


WEIGHTED_PRECISION = Term("weighted_precision", lambda tp, r, c: over(r * tp, c))


WEIGHTED_F1 = Term("weighted_f1", lambda tp, r, c: over(2 * r * tp, r + c))


CHANCE = Term("chance", lambda _tp, r, c: r * c, unbiased=True)


TRUE_SQUARES = Term("true_squares", lambda _tp, r, _c: r * r, unbiased=True)


PREDICTED_SQUARES = Term("predicted_squares", lambda _tp, _r, c: c * c, unbiased=True)
