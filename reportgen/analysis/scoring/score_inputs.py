"""Validation of scores, once, before they are counted.

A nan probability means "no score": such samples are skipped and counted. A value outside of 0..1,
or a row that does not sum to 1, is refused: it is a logit or a percentage, and all metrics would be
wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reportgen.errors import DataError

__all__ = [
    "SUM_TOLERANCE",
    "Answers",
    "Scores",
    "known_probabilities",
    "missing_reason",
]


SUM_TOLERANCE = 1e-3
"""Maximum deviation of the sum of a sample's probabilities from 1."""


_SLACK = 1e-6  # a rounded probability may leave [0, 1] by this much


Floats = NDArray[np.floating[Any]]


Mask = NDArray[np.bool_]


def missing_reason(n_without: int) -> str:
    """The reason for a metric of scores without any counted sample."""
    return "no_scores" if n_without else "no_samples"


@dataclass(frozen=True, eq=False)
class Answers:
    """The confidence of each prediction, and whether it is correct.

    Attributes
    ----------
    confidence
        float32 or float64, shape (n,), 0..1, never nan: probability of the predicted class.
    correct
        bool, shape (n,).
    n_without
        Number of samples skipped for lack of a confidence (nan).
    eps
        Machine epsilon of the dtype in which the confidences were saved.
    """

    confidence: Floats
    correct: Mask
    n_without: int
    eps: float

    @classmethod
    def of(cls, confidence: ArrayLike, correct: ArrayLike) -> Answers:
        """Validate one batch: probabilities of shape (N,), nan for missing ones, and N booleans.

        Raises :class:`DataError` if the lengths differ or a confidence is not a probability.
        """
        right = np.asarray(correct, np.bool_)
        values, known, eps = known_probabilities("confidence", confidence)
        _same_length("confidences", len(known), "answers", len(right))
        n_known = len(values)
        return cls(values, right if n_known == len(right) else right[known], _left(known), eps)

    def __len__(self) -> int:
        return len(self.confidence)


@dataclass(frozen=True, eq=False)
class Scores:
    """The probabilities of all K classes, for labelled samples.

    Attributes
    ----------
    probabilities
        float32 or float64, shape (n, K), 0..1, never nan; each row sums to 1 within
        :data:`SUM_TOLERANCE`, or the rounding error; any sum for independent scores.
    labels
        int64, shape (n,), 0..K-1.
    n_without
        Number of labelled samples skipped for lack of scores (any nan).
    eps
        Machine epsilon of the dtype in which the scores were saved.
    kept
        bool, shape (N,): which rows of the batch the n samples are.
    """

    probabilities: Floats
    labels: NDArray[np.int64]
    n_without: int
    eps: float
    kept: Mask

    @classmethod
    def of(
        cls,
        probabilities: ArrayLike,
        labels: ArrayLike,
        sum_tolerance: float | None = SUM_TOLERANCE,
    ) -> Scores:
        """Validate one batch: probabilities (N, K), K >= 1, and N class indices, -1 = unknown.

        Rows without a label are dropped: labels are counted elsewhere. `sum_tolerance` is the
        allowed deviation of a row's sum from 1; None for independent scores. Raises
        :class:`DataError` if the shapes don't match, a label is not a class, a score is not a
        probability, or a row does not sum to 1.
        """
        values, eps = _floating(probabilities)
        if values.ndim != 2 or values.shape[1] == 0:
            raise DataError(
                f"the probabilities have shape {values.shape}: one row per sample and one column "
                "per class are needed",
                slug="probability-shape",
            )
        true = _labels(labels, values.shape[1])
        _same_length("rows of probabilities", len(values), "labels", len(true))
        labelled = true >= 0
        kept = labelled & _rows_with_numbers(values)
        if not kept.all():
            values, true = values[kept], true[kept]
        values = _in_unit("probability", values)
        if sum_tolerance is not None:
            _check_sums(values, sum_tolerance)
        n_without = int(np.count_nonzero(labelled)) - len(true)
        return cls(np.ascontiguousarray(values), true, n_without, eps, kept)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def n_classes(self) -> int:
        """Number of classes K."""
        return int(self.probabilities.shape[1])


def known_probabilities(what: str, values: ArrayLike) -> tuple[Floats, Mask, float]:
    """The present probabilities, their mask, and their machine epsilon.

    Parameters
    ----------
    what
        For the error: ``"confidence"``.
    values
        Shape (N,); nan for missing ones.

    Returns
    -------
    The n known ones, float32 or float64, contiguous; bool, shape (N,); epsilon of the given type.

    Raises :class:`DataError` if one is outside of 0..1 by more than rounding.
    """
    array, eps = _floating(values)
    if array.ndim != 1:
        raise DataError(
            f"the column {what} has shape {array.shape}: one number for each sample is needed",
            slug="probability-shape",
        )
    known = ~np.isnan(array)
    if not known.all():
        array = array[known]
    return np.ascontiguousarray(_in_unit(what, array)), known, eps


def _floating(values: ArrayLike) -> tuple[Floats, float]:
    """As float32 or float64, with the machine epsilon of the input."""
    array = np.asarray(values)
    if array.dtype == np.float16:
        return array.astype(np.float32), float(np.finfo(np.float16).eps)
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    return array, float(np.finfo(array.dtype).eps)


def _rows_with_numbers(values: Floats) -> Mask:
    if values.size == 0 or not np.isnan(values.min()):
        return np.ones(len(values), np.bool_)
    return np.asarray(~np.isnan(values).any(axis=1))


def _in_unit(what: str, values: Floats) -> Floats:
    if values.size == 0 or (values.min() >= 0 and values.max() <= 1):
        return values
    outside = (values < -_SLACK) | (values > 1 + _SLACK)
    if outside.any():
        first = np.unravel_index(int(np.argmax(outside)), values.shape)
        percent = values.min() >= 0 and 1.5 < values.max() <= 100
        raise DataError(
            f"{what} {values[first]:.6g} is not a probability: it must lie between 0 and 1",
            slug="probability-range",
            details=[f"{np.count_nonzero(outside):,} of {values.size:,} in this batch are outside"],
            hint=(
                "if they are percentages, divide them by 100"
                if percent
                else "if they are logits, pass --outputs logits"
            ),
        )
    return np.clip(values, 0, 1)


def _check_sums(values: Floats, tolerance: float) -> None:
    if len(values) == 0:
        return
    sums = np.einsum("nk->n", values)
    wrong = np.asarray(np.abs(sums - 1) > max(tolerance, SUM_TOLERANCE))
    if wrong.any():
        raise DataError(
            f"the probabilities of a sample add up to {sums[np.argmax(wrong)]:.6g}, not 1",
            slug="probability-sum",
            details=[f"{np.count_nonzero(wrong):,} of {len(values):,} rows in this batch do so"],
            hint="if they are logits, pass --outputs logits",
        )


def _labels(labels: ArrayLike, n_classes: int) -> NDArray[np.int64]:
    array = np.asarray(labels)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise DataError(
            f"the labels are {array.dtype} of shape {array.shape}: one class index for each "
            "sample is needed",
            slug="indices-not-integers",
        )
    wrong = np.asarray((array < -1) | (array >= n_classes))
    if wrong.any():
        raise DataError(
            f"label {array[np.argmax(wrong)]} is not a class: valid are 0..{n_classes - 1}, "
            "and -1 for unknown",
            slug="label-out-of-range",
        )
    return array.astype(np.int64)


def _same_length(what: str, n: int, other: str, m: int) -> None:
    if n != m:
        raise DataError(f"{n:,} {what} but {m:,} {other}", slug="length-mismatch")


def _left(known: Mask) -> int:
    return int(len(known) - np.count_nonzero(known))
