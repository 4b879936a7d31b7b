"""What metrics of counts are made of: terms that are added up over the classes.

An overall metric is ``combine(Σ term(tp, support, predicted))``. Terms and the functions that
combine their sums are written once, for numbers of any kind: float64 for a value and for
resamples, complex128 for derivatives (a step of 10⁻³⁰ along the imaginary axis leaves the
derivative there, without the error of a difference), and whole numbers where a value has to be
exact. So they use :func:`over`, :func:`divided` and :func:`root`, and compare nothing but real
parts.
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
"""Of a complex step: its square is lost beside any count."""


@dataclass(frozen=True)
class Term:
    """What each class adds to a sum.

    Attributes
    ----------
    name
        Distinguishes it from other terms.
    of
        (TP, support, predicted) of the classes → their terms, shape for shape.
    unbiased
        Whether the mean of its sum over test sets is the true one, to a part of 1 / n: of counts,
        of their products, and of shares of classes. Others are off by more in small classes.
    """

    name: str
    of: Callable[[Values, Values, Values], Values]
    unbiased: bool = False


def over(part: Values, whole: Values) -> Values:
    """part / whole, 0 where whole is 0: the rule of averages."""
    some = np.real(whole) > 0
    return np.where(some, part / np.where(some, whole, 1.0), 0.0)


def divided(part: Values, whole: Values) -> Values:
    """part / whole, nan where whole is not above 0: the metric is undefined."""
    if isinstance(whole, int):
        return part / whole if whole else math.nan
    some = np.real(whole) > 0
    return np.where(some, part / np.where(some, whole, 1.0), np.nan)


def root(square: Values) -> Values:
    """The square root; of a whole number exactly where it is a square."""
    if isinstance(square, int):
        whole = math.isqrt(square)
        return whole if whole * whole == square else math.sqrt(square)
    return np.sqrt(square if np.iscomplexobj(square) else np.maximum(square, 0.0))


def derivative(function: Callable[..., Values], at: tuple[Values, ...], by: int) -> Floats:
    """The derivative of a function of real arrays by its argument number `by`, to rounding."""
    moved = tuple(x + STEP * 1j if i == by else x for i, x in enumerate(at))
    return np.asarray(np.imag(function(*moved)) / STEP, np.float64)


def _present(_tp: Values, support: Values, _predicted: Values) -> Values:
    return np.where(np.real(support) > 0, 1.0, 0.0)


SUPPORT = Term("support", lambda _tp, r, _c: r, unbiased=True)


PRESENT = Term("present", _present, unbiased=True)


AVERAGED = Term("averaged", _present, unbiased=True)
"""1 for each class that macro averages are over: those with samples, or by wish all."""


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
