"""Top-k accuracy from ranks that count ties against the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reportgen.errors import DataError
from reportgen.metrics import Metric, wilson
from reportgen.scoring.inputs import missing_reason

__all__ = ["TOP_KS", "TopK", "pessimistic_ranks"]

TOP_KS = (1, 3, 5)


def pessimistic_ranks(scores: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.int32]:
    """1 + scores larger than the label's + others equal to it; 0 where there is none.

    `scores`: floating, shape (n, K), raw (logits or probabilities); `labels`: integers, shape
    (n,), -1 where unknown. There is no rank for such a row, nor for one with a nan.
    """
    rows = np.arange(len(scores))
    own = scores[rows, np.maximum(labels, 0)][:, None]
    none = (labels < 0) | np.isnan(scores).any(axis=1)
    return np.where(none, 0, (scores >= own).sum(axis=1)).astype(np.int32)


@dataclass(frozen=True)
class TopK:
    """How many labels are among the k best scores, for each k of :data:`TOP_KS`.

    Attributes
    ----------
    hits
        For each k, the samples whose rank is at most k.
    n
        Samples with a rank.
    n_without
        Samples without one: the input has no scores of them.
    """

    hits: tuple[int, ...] = (0,) * len(TOP_KS)
    n: int = 0
    n_without: int = 0

    @classmethod
    def of(cls, ranks: ArrayLike) -> TopK:
        """Count one batch of labelled samples: integers, shape (N,); 0 where there is no rank.

        Raises :class:`DataError` where a rank is negative.
        """
        values = np.asarray(ranks)
        if values.size and values.min() < 0:
            raise DataError(
                f"the rank {values.min()} of a label is negative",
                slug="rank-range",
                hint="ranks count from 1; 0 means that there are no scores",
            )
        if not values.any():  # the input has no ranks
            return cls(n_without=len(values))
        up_to = np.cumsum(np.bincount(np.minimum(values, max(TOP_KS) + 1).astype(np.intp),
                                      minlength=max(TOP_KS) + 2)).tolist()  # fmt: skip
        n_without = up_to[0]
        return cls(tuple(up_to[k] - n_without for k in TOP_KS), len(values) - n_without, n_without)

    def __add__(self, other: TopK) -> TopK:
        if not isinstance(other, TopK):
            return NotImplemented
        hits = tuple(a + b for a, b in zip(self.hits, other.hits, strict=True))
        return TopK(hits, self.n + other.n, self.n_without + other.n_without)

    def accuracies(self, n_classes: int) -> Mapping[int, Metric]:
        """k → top-k accuracy with its Wilson interval, of `n_classes` classes.

        ``too_few_classes`` where k classes are all there are: the label is always among them.
        Top-1 is at most the accuracy; it is smaller where the label shares the largest score.
        """
        return {k: self._accuracy(k, n, n_classes) for k, n in zip(TOP_KS, self.hits, strict=True)}

    def _accuracy(self, k: int, hits: int, n_classes: int) -> Metric:
        if k >= n_classes:
            return Metric(None, None, "too_few_classes")
        if self.n == 0:
            return Metric(None, None, missing_reason(self.n_without))
        low, high = wilson(hits, self.n)
        return Metric(hits / self.n, (float(low), float(high)), None)
