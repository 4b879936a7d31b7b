"""Scores of samples: their type, the predictions, probabilities and ranks.

The type is determined once, by a documented rule, and all later scores are checked against it:
per-batch decisions would make numbers depend on the batch size.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "SUM_TOLERANCE",
    "TOP_K",
    "OutputKind",
    "ScoredRows",
    "contradiction",
    "decide_outputs",
    "finite_rows",
    "probabilities",
    "score",
]


TOP_K = 5


SUM_TOLERANCE = 1e-3


_SLACK = 1e-6  # a rounded probability may leave [0, 1] by this much


Floats = NDArray[np.float64]


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

    Arrays as in :class:`reportgen.predictions.schema.Rows`, but probabilities in float64; the
    precision is chosen when they are saved.

    Attributes
    ----------
    finite
        bool, shape (n,): whether the scores are valid. A nan or +inf anywhere, or -inf everywhere,
        is not; the other columns are then meaningless.
    """

    finite: NDArray[np.bool_]
    prediction: NDArray[np.int32]
    confidence: Floats
    label_probability: Floats
    label_rank: NDArray[np.int32]
    top_tied: NDArray[np.bool_]
    top_classes: NDArray[np.int32]
    top_probabilities: Floats
    probabilities: Floats


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


def contradiction(scores: Floats, kind: OutputKind, tolerance: float = SUM_TOLERANCE) -> str | None:
    """Why `scores` can't be of `kind`, or None: finite rows, float64 (n, K).

    `tolerance` is the allowed deviation of a row's sum from 1.
    """
    if kind is OutputKind.LOGITS or len(scores) == 0:
        return None
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


def _no_percentages(scores: Floats, tolerance: float) -> str | None:
    shares = scores / 100
    if not _in_unit(shares):
        worst = scores.flat[np.argmax(np.abs(shares - 0.5))]
        return f"{worst:.6g} is no percentage"
    sums = scores.sum(axis=1)
    wrong = np.abs(sums / 100 - 1) > tolerance
    if scores.shape[1] > 1 and wrong.any():
        return f"a row sums to {sums[np.argmax(wrong)]:.6g}, not 100"
    return None


def _in_unit(scores: Floats) -> bool:
    return bool(np.all((scores >= -_SLACK) & (scores <= 1 + _SLACK)))


def finite_rows(scores: Floats, kind: OutputKind | None) -> NDArray[np.bool_]:
    """Mask, bool, shape (n,): no nan or +inf; some -inf only for logits or log-probabilities."""
    usable = ~np.isnan(scores).any(axis=1) & ~np.isposinf(scores).any(axis=1)
    minus = np.isneginf(scores)
    linear = (OutputKind.PROBABILITIES, OutputKind.PERCENTAGES, OutputKind.ONE_VS_REST)
    strict = kind in linear or scores.shape[1] == 1
    illegal = minus.sum(axis=1) >= (1 if strict else scores.shape[1])
    finite: NDArray[np.bool_] = usable & ~illegal
    return finite


def score(scores: Floats, labels: NDArray[np.int32], kind: OutputKind) -> ScoredRows:
    """Predictions, probabilities, ranks and ties of n samples.

    Parameters
    ----------
    scores
        float64, shape (n, K), or (n, 1) for the second of two classes.
    labels
        int32, shape (n,); -1 if unknown.

    The prediction is the largest raw score, the first of ties; ranks count ties against the model.
    Probabilities are float64 log-softmax, exponentiated.
    """
    finite = finite_rows(scores, kind)
    scores = np.where(finite[:, None], scores, 0.0)
    single = scores.shape[1] == 1
    raw, shares = _two_columns(scores, kind) if single else (scores, _probabilities(scores, kind))
    best = raw.max(axis=1, keepdims=True)
    prediction = raw.argmax(axis=1)
    rows = np.arange(len(raw))
    known = labels >= 0
    own = raw[rows, np.maximum(labels, 0)][:, None]
    rank = np.where(known, (raw >= own).sum(axis=1), 0)
    label_probability = np.where(known, shares[rows, np.maximum(labels, 0)], np.nan)
    top = _top(raw, min(TOP_K, raw.shape[1]))
    return ScoredRows(
        finite=finite,
        prediction=prediction.astype(np.int32),
        confidence=shares[rows, prediction],
        label_probability=label_probability,
        label_rank=rank.astype(np.int32),
        top_tied=(raw == best).sum(axis=1) > 1,
        top_classes=top.astype(np.int32),
        top_probabilities=np.take_along_axis(shares, top, axis=1),
        probabilities=shares,
    )


def probabilities(scores: Floats, kind: OutputKind) -> Floats:
    """Probabilities of all classes, float64, shape (n, K), from finite scores of shape (n, K).

    A single column, shape (n, 1), is the second of two classes: the result is (n, 2).
    """
    return _two_columns(scores, kind)[1] if scores.shape[1] == 1 else _probabilities(scores, kind)


def _probabilities(scores: Floats, kind: OutputKind) -> Floats:
    if kind in (OutputKind.PROBABILITIES, OutputKind.ONE_VS_REST):
        return np.clip(scores, 0.0, 1.0)
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


def _two_columns(scores: Floats, kind: OutputKind) -> tuple[Floats, Floats]:
    """(raw scores, probabilities) of both classes from those of the second."""
    second = scores[:, 0]
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


def _top(raw: Floats, k: int) -> NDArray[np.intp]:
    """The k largest scores of each row, best first; for ties the lower index first."""
    if raw.shape[1] <= 64:
        return np.argsort(-raw, axis=1, kind="stable")[:, :k]
    # A stable sort of 1,000 columns dominates the time: sort only the k largest of each row, except
    # in rows whose k-th score is tied.
    kth = np.partition(raw, raw.shape[1] - k, axis=1)[:, raw.shape[1] - k]
    likely = raw >= kth[:, None]
    clear = np.count_nonzero(likely, axis=1) == k
    columns = np.nonzero(likely[clear])[1].reshape(-1, k)
    order = np.argsort(-np.take_along_axis(raw[clear], columns, axis=1), axis=1, kind="stable")
    top = np.empty((len(raw), k), np.intp)
    top[clear] = np.take_along_axis(columns, order, axis=1)
    top[~clear] = np.argsort(-raw[~clear], axis=1, kind="stable")[:, :k]
    return top
