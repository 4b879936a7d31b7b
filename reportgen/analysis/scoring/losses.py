"""Log loss and Brier score."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from reportgen.analysis.scoring.exact_sums import Moments
from reportgen.analysis.scoring.score_inputs import Scores, known_probabilities, missing_reason
from reportgen.analysis.scoring.smoothed import share_interval
from reportgen.metrics import Metric, quantile

__all__ = [
    "CLIP",
    "WORST_LOG_LOSS",
    "BrierScore",
    "LogLoss",
]


CLIP = 2.0**-52
"""Smaller probabilities are clipped to this, the machine epsilon of float64, as in scikit-learn.

So p = 0 for the true class costs 36.04 nats, not infinity.
"""


WORST_LOG_LOSS = 52 * math.log(2)


UNSEEN_LOG_LOSS = 3.0
"""Minimum cost, in nats, of the additional sample assumed for the interval: p = 5%."""


_BLOCK = 1 << 17  # scores processed at once: 1 MB


@dataclass(frozen=True)
class LogLoss:
    """Cross-entropy, from the probability of each label.

    Attributes
    ----------
    losses
        Moments of -ln p(label), nats.
    largest
        The largest of them, nats; 0 without samples.
    n_zero
        Number of samples with p(label) = 0.
    n_clipped
        Number of samples with p(label) below :data:`CLIP`, including 0: their loss is
        :data:`WORST_LOG_LOSS`.
    n_without
        Number of samples without such a probability (nan).
    """

    losses: Moments = field(default_factory=Moments)
    n_zero: int = 0
    n_clipped: int = 0
    n_without: int = 0
    largest: float = 0.0

    @classmethod
    def of(cls, label_probability: ArrayLike) -> LogLoss:
        """Count one batch of labelled samples: shape (N,), 0..1, nan for missing values.

        Raises :class:`DataError` for a value that is not a probability.
        """
        known, mask, _ = known_probabilities("label_probability", label_probability)
        p = known.astype(np.float64)
        # max(0, ·), because -ln 1 is -0.0
        losses = np.maximum(-np.log(np.maximum(p, CLIP)), 0.0)
        return cls(
            Moments.of(losses),
            n_zero=int(np.count_nonzero(p == 0)),
            n_clipped=int(np.count_nonzero(p < CLIP)),
            n_without=len(mask) - len(p),
            largest=float(losses.max(initial=0.0)),
        )

    def __add__(self, other: LogLoss) -> LogLoss:
        if not isinstance(other, LogLoss):
            return NotImplemented
        return LogLoss(
            self.losses + other.losses,
            self.n_zero + other.n_zero,
            self.n_clipped + other.n_clipped,
            self.n_without + other.n_without,
            max(self.largest, other.largest),
        )

    @property
    def n(self) -> int:
        """Number of counted samples."""
        return self.losses.n

    def metric(self) -> Metric:
        """The mean in nats. Interval: delta method on the log scale, with one more sample.

        That scale keeps it above 0 and follows the long upper tail. But nearly all of the loss of a
        confident model comes from a few errors, and a test set without one shows neither them nor
        their spread. So for the upper end, mean and standard error include one more sample with the
        largest observed loss, or 3 nats. The lower end is below the mean of the samples, by the
        larger of both relative errors.
        """
        if self.n == 0:
            return Metric(None, None, missing_reason(self.n_without))
        mean, error = self.losses.mean, self.losses.standard_error
        if mean == 0:
            return Metric(mean, None, "no_errors_seen")
        if self.n_clipped == self.n:
            return Metric(mean, None, "none_right")
        if error == 0:
            return Metric(mean, None, "no_interval")
        more = self.losses + Moments.of([max(self.largest, UNSEEN_LOG_LOSS)])
        above = more.standard_error / more.mean
        low = mean / math.exp(quantile() * max(error / mean, above))
        high = more.mean * math.exp(quantile() * above)
        return Metric(mean, (low, min(high, WORST_LOG_LOSS)), None)


@dataclass(frozen=True)
class BrierScore:
    """Squared distance of the probabilities from the truth, summed over classes: 0..2.

    Attributes
    ----------
    distances
        Moments of sum_k (p_k - y_k)², y one-hot.
    n_without
        Samples without scores.
    """

    distances: Moments = field(default_factory=Moments)
    n_without: int = 0

    @classmethod
    def of(cls, scores: Scores) -> BrierScore:
        """Count one batch from the probabilities of all classes."""
        rows = max(1, _BLOCK // scores.n_classes)
        distances = np.empty(len(scores))
        for start in range(0, len(scores), rows):
            part = slice(start, start + rows)
            p = scores.probabilities[part].astype(np.float64)
            p[np.arange(len(p)), scores.labels[part]] -= 1
            np.einsum("nk,nk->n", p, p, out=distances[part])
        return cls(Moments.of(distances), scores.n_without)

    def __add__(self, other: BrierScore) -> BrierScore:
        if not isinstance(other, BrierScore):
            return NotImplemented
        return BrierScore(self.distances + other.distances, self.n_without + other.n_without)

    @property
    def n(self) -> int:
        """Number of counted samples."""
        return self.distances.n

    def metric(self) -> Metric:
        """The mean, 0..2. Interval: Wilson's of half of it, of an effective sample size.

        Its variance is that of the samples, one of distance 0 and one of 2: in a sharp model's
        test set without an error, nothing else would vary.
        """
        if self.n == 0:
            return Metric(None, None, missing_reason(self.n_without))
        mean = self.distances.mean
        if mean == 0:
            return Metric(mean, None, "no_errors_seen")
        if mean >= 2:
            return Metric(mean, None, "none_right")
        if self.distances.standard_error == 0:
            return Metric(mean, None, "no_interval")
        more = self.distances + Moments.of([0.0, 2.0])
        variance = more.standard_error**2 * (more.n - 1) / self.n
        low, high = share_interval(mean / 2, more.mean / 2, variance / 4)
        return Metric(mean, (2 * low, 2 * high), None)
