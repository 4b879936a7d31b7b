"""Scores of samples: their type, the predictions, probabilities and ranks.

The type is determined once, by a documented rule, and all later scores are checked against it:
per-batch decisions would make numbers depend on the batch size.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "SUM_TOLERANCE",
    "TOP_K",
    "OutputKind",
    "ScoredRows",
    "contradiction",
    "count_true",
    "decide_outputs",
    "finite_rows",
    "probabilities",
    "score",
]


TOP_K = 5


SUM_TOLERANCE = 1e-3


_SLACK = 1e-6  # a rounded probability may leave [0, 1] by this much


Floats = NDArray[np.float64]


Saved = NDArray[np.floating[Any]]
"""Scores in the precision that they were saved in: float32 or float64."""


class OutputKind(StrEnum):
    """The type of scores.

    ``ONE_VS_REST`` are independent scores of each class, such as sigmoids: 0..1, with any sum.
    """

    LOGITS = "logits"
    PROBABILITIES = "probabilities"
    LOG_PROBABILITIES = "log-probabilities"
    PERCENTAGES = "percentages"
    ONE_VS_REST = "one-vs-rest"


@dataclass(frozen=True)
class ScoredRows:
    """Predictions, probabilities and ranks of n samples.

    Arrays as in :class:`reportgen.predictions.schema.Rows`, but probabilities in float64, or in
    float32 if that represents them exactly; the precision is chosen when they are saved.

    Attributes
    ----------
    finite
        bool, shape (n,): whether the scores are valid. A nan or +inf anywhere, or -inf everywhere,
        is not; the other columns are then meaningless.
    """

    finite: NDArray[np.bool_]
    prediction: NDArray[np.int32]
    confidence: Saved
    label_probability: Saved
    label_rank: NDArray[np.int32]
    top_tied: NDArray[np.bool_]
    top_classes: NDArray[np.int32]
    top_probabilities: Saved
    probabilities: Saved


def decide_outputs(scores: Floats) -> OutputKind:
    """Detect the output type from the first batch: float64, shape (n, K) or (n, 1), finite rows.

    All in [0, 1] and every row summing to 1 within 0.001: probabilities. Else all at most 0 and
    every row's exponentials summing to 1 within 0.001: log-probabilities. Else logits. A single
    column is a probability if all values are in [0, 1], else a logit.
    """
    if scores.shape[1] == 1:
        return OutputKind.PROBABILITIES if _in_unit(scores) else OutputKind.LOGITS
    for kind in (OutputKind.PROBABILITIES, OutputKind.LOG_PROBABILITIES):
        if contradiction(scores, kind) is None:
            return kind
    return OutputKind.LOGITS


def contradiction(scores: Saved, kind: OutputKind, tolerance: float = SUM_TOLERANCE) -> str | None:
    """Why `scores` can't be of `kind`, or None: finite rows, float32 or float64 (n, K).

    `tolerance` is the allowed deviation of a row's sum from 1.
    """
    if kind is OutputKind.LOGITS or len(scores) == 0:
        return None
    scores = scores.astype(np.float64, copy=False)
    if kind is OutputKind.PERCENTAGES:
        return _no_percentages(scores, tolerance)
    if kind in (OutputKind.PROBABILITIES, OutputKind.ONE_VS_REST):
        if not _in_unit(scores):
            worst = scores.flat[np.argmax(np.abs(scores - 0.5))]
            return f"{worst:.6g} is not a probability"
        sums = scores.sum(axis=1)
    else:
        if np.any(scores > _SLACK):
            return f"{scores.max():.6g} is no log-probability"
        sums = np.exp(scores).sum(axis=1)
    if scores.shape[1] == 1 or kind is OutputKind.ONE_VS_REST:
        return None
    wrong = np.abs(sums - 1) > tolerance
    if wrong.any():
        return f"a row sums to {sums[np.argmax(wrong)]:.6g}, not 1"
    return None


def _no_percentages(scores: Saved, tolerance: float) -> str | None:
    shares = scores / 100
    if not _in_unit(shares):
        worst = scores.flat[np.argmax(np.abs(shares - 0.5))]
        return f"{worst:.6g} is no percentage"
    sums = scores.sum(axis=1)
    wrong = np.abs(sums / 100 - 1) > tolerance
    if scores.shape[1] > 1 and wrong.any():
        return f"a row sums to {sums[np.argmax(wrong)]:.6g}, not 100"
    return None


def _in_unit(scores: Saved) -> bool:
    return bool(np.all((scores >= -_SLACK) & (scores <= 1 + _SLACK)))


def finite_rows(scores: Saved, kind: OutputKind | None) -> NDArray[np.bool_]:
    """Mask, bool, shape (n,): no nan or +inf; some -inf only for logits or log-probabilities."""
    if scores.size and np.isfinite(scores.min()) and np.isfinite(scores.max()):
        return np.ones(len(scores), np.bool_)  # a tenth of the time of rows
    finite: NDArray[np.bool_] = np.isfinite(scores.max(axis=1))  # nan if any is
    if kind in (OutputKind.PROBABILITIES, OutputKind.PERCENTAGES, OutputKind.ONE_VS_REST):
        finite &= np.isfinite(scores.min(axis=1))
    return finite


def count_true(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Number of true values per row, shape (n,): as bytes, in half of the time of booleans."""
    found: NDArray[np.int32] = mask.view(np.uint8).sum(axis=1, dtype=np.int32)
    return found


def score(scores: Saved, labels: NDArray[np.int32], kind: OutputKind) -> ScoredRows:
    """Predictions, probabilities, ranks and ties of n samples.

    Parameters
    ----------
    scores
        float32 or float64, shape (n, K), or (n, 1) for the second of two classes.
    labels
        int32, shape (n,); -1 if unknown.

    The prediction is the largest raw score, the first of ties; ranks count ties against the model.
    Probabilities are float64 log-softmax, exponentiated; those of probabilities have their dtype.
    """
    finite = finite_rows(scores, kind)
    if not finite.all():
        scores = np.where(finite[:, None], scores, scores.dtype.type(0))
    single = scores.shape[1] == 1
    raw, shares = _two_columns(scores, kind) if single else (scores, _probabilities(scores, kind))
    top = _top(raw, min(TOP_K, raw.shape[1]))
    rows, prediction = np.arange(len(raw)), top[:, 0]
    known = labels >= 0
    own = raw[rows, np.maximum(labels, 0)][:, None]
    rank = np.where(known, count_true(raw >= own), 0)
    label_probability = np.where(known, shares[rows, np.maximum(labels, 0)], np.nan)
    return ScoredRows(
        finite=finite,
        prediction=prediction.astype(np.int32),
        confidence=shares[rows, prediction],
        label_probability=label_probability,
        label_rank=rank.astype(np.int32),
        top_tied=raw[rows, prediction] == raw[rows, top[:, 1]],
        top_classes=top.astype(np.int32),
        top_probabilities=np.take_along_axis(shares, top, axis=1),
        probabilities=shares,
    )


def probabilities(scores: Saved, kind: OutputKind) -> Saved:
    """Probabilities of all classes, shape (n, K), from finite scores of shape (n, K).

    float64, or float32 if the scores are probabilities in float32.

    A single column, shape (n, 1), is the second of two classes: the result is (n, 2).
    """
    return _two_columns(scores, kind)[1] if scores.shape[1] == 1 else _probabilities(scores, kind)


def _probabilities(scores: Saved, kind: OutputKind) -> Saved:
    if kind in (OutputKind.PROBABILITIES, OutputKind.ONE_VS_REST):
        return np.clip(scores, 0.0, 1.0)
    scores = scores.astype(np.float64, copy=False)
    if kind is OutputKind.PERCENTAGES:
        return np.clip(scores / 100, 0.0, 1.0)
    if kind is OutputKind.LOG_PROBABILITIES:
        return np.minimum(np.exp(scores), 1.0)
    shifted = scores - scores.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    # Summed by size: rows with the same logits in another order get identical probabilities, so
    # that ties stay ties.
    result: Floats = exponentials / np.sort(exponentials, axis=1).sum(axis=1, keepdims=True)
    return result


def _two_columns(scores: Saved, kind: OutputKind) -> tuple[Saved, Saved]:
    """(raw scores, probabilities) of both classes, float64, from those of the second."""
    second = scores[:, 0].astype(np.float64)
    if kind is OutputKind.LOGITS:
        raw = np.stack([np.zeros_like(second), second], axis=1)
        return raw, _probabilities(raw, kind)
    if kind is OutputKind.LOG_PROBABILITIES:
        second = np.exp(second)
    if kind is OutputKind.PERCENTAGES:
        second = second / 100
    second = np.clip(second, 0.0, 1.0)
    both = np.stack([1.0 - second, second], axis=1)
    return both, both


_SORTED = 16
"""Up to this many classes, sorting whole rows is faster than searching for their largest scores."""


def _top(raw: Saved, k: int) -> NDArray[np.intp]:
    """The k largest scores of each row, best first; for ties the lower index first."""
    if raw.shape[1] <= _SORTED:
        return np.argsort(-raw, axis=1, kind="stable")[:, :k]
    left, rows = raw.copy(), np.arange(len(raw))
    top = np.empty((len(raw), k), np.intp)
    for place in range(k):
        top[:, place] = best = left.argmax(axis=1)
        # scores of -inf can't be distinguished from those already found
        unclear = left[rows, best] == -np.inf
        left[rows, best] = -np.inf
    top[unclear] = np.argsort(-raw[unclear], axis=1, kind="stable")[:, :k]
    return top
