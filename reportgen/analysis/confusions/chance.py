"""Significance tests on a confusion matrix, corrected for selecting the worst.

Selecting the lowest of K classes, or the largest of K (K - 1) confusions, is a test of all of them.
Each test here is corrected for that (Holm, or Bonferroni, which is equal for the smallest p): under
the null hypothesis, it is significant in at most 5% of reports.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reportgen.analysis.confusions.pairs import binomial_tail, unordered_pairs
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics import clopper_pearson, holm

__all__ = [
    "SIGNIFICANT",
    "ConfusedPair",
    "LowestShare",
    "TopConfusions",
    "beats_constant_p",
    "confusion_p",
    "grown_p",
    "lowest_share",
    "most_confused",
    "prediction_bias",
    "recall_by_size_p",
    "simultaneous",
    "top_confusions",
]


SIGNIFICANT = 0.05
"""Significant: a Holm-corrected p below this, within its family."""


COCHRAN = 5
"""With an expected count below this, the exact test replaces the score test."""


SKEWED, NEAR = 200, 1.5
"""The exact test also replaces the score test for an expected count and z beyond these."""


_TERMS = 64  # of an exact tail; with an expected count below 200, further terms are negligible


_DRAWS = 1_999


_SEED = 1


_DRAWN_CLASSES = 2_000


_QUANTILES = 201


Counts = NDArray[np.int64]


Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LowestShare:
    """The lowest of several proportions, selected after seeing all of them.

    Attributes
    ----------
    n
        Number of compared proportions.
    lowest
        Index of the lowest; the first of ties.
    p
        Holm-corrected p-value of each proportion below that of all others together, 1 for other
        ones, nan if not compared: float64, shape (K,).
    by_chance
        The median of the lowest proportion if all were equal, 0..1.
    """

    n: int
    lowest: int
    p: Floats
    by_chance: float

    @property
    def significant(self) -> list[int]:
        """Indices of those significantly below the others."""
        return np.flatnonzero(self.p < SIGNIFICANT).tolist()


def lowest_share(hits: ArrayLike, totals: ArrayLike, least: int = 1) -> LowestShare | None:
    """The lowest of the proportions ``hits / totals`` with a total of at least `least`.

    None for fewer than two. The groups are disjoint. Each is tested against all others together: by
    the score test, or with fewer than 200 expected hits or misses by the exact (hypergeometric)
    one, both two-sided. As far in the tail as a correction for many groups requires, the score test
    has a false-positive rate of 7%.
    """
    k, n = (np.asarray(x, np.int64) for x in (hits, totals))
    at = np.flatnonzero(n >= max(least, 1))
    if len(at) < 2:
        return None
    k, n = k[at], n[at]
    p = np.full(len(np.asarray(totals)), np.nan)
    p[at] = holm(_below_others(k, n)).p
    lowest = int(np.argmin(k / n))
    return LowestShare(len(at), int(at[lowest]), p, _lowest_by_chance(k, n))


def _below_others(k: Counts, n: Counts) -> Floats:
    """Two-sided p of each proportion against the rest if it is below it, else 1; float64, (G,)."""
    right, total = int(k.sum()), int(n.sum())
    if right in (0, total):
        return np.ones(len(k))
    wrong = total - right
    expected = np.minimum(n, total - n) * (min(right, wrong) / total)
    spread = n * (total - n) / total * (right / total) * (wrong / total)
    z = (n * (right / total) - k) / np.sqrt(np.maximum(spread, 1e-300))
    p = np.array([math.erfc(max(x, 0.0) / math.sqrt(2)) for x in z.tolist()])
    few = np.flatnonzero(((expected < COCHRAN) & (z > 0)) | ((expected < SKEWED) & (z > NEAR)))
    p[few] = np.minimum(2 * _upper_tail((n - k)[few], n[few], wrong, total), 1.0)
    return np.asarray(np.where(z > 0, p, 1.0))


def _upper_tail(misses: Counts, n: Counts, wrong: int, total: int) -> Floats:
    """P(X >= misses), X hypergeometric: of `total` samples `wrong` are wrong, n are in the group.

    The sum of the first 64 terms, by their logarithms: they decrease fast.
    """
    from scipy.special import gammaln

    x = misses[:, None] + np.arange(_TERMS)
    size = n[:, None]
    valid = (x <= np.minimum(size, wrong)) & (x >= size - (total - wrong))
    x = np.where(valid, x, misses[:, None])

    def log_choose(a: ArrayLike, b: ArrayLike) -> Floats:
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        return np.asarray(gammaln(a + 1) - gammaln(b + 1) - gammaln(a - b + 1))

    logs = log_choose(wrong, x) + log_choose(total - wrong, size - x) - log_choose(total, size)
    return np.asarray(np.minimum(np.where(valid, np.exp(logs), 0.0).sum(axis=1), 1.0))


def _lowest_by_chance(k: Counts, n: Counts) -> float:
    """The median of the lowest proportion of groups of these sizes with the pooled proportion."""
    from scipy.special import betainc

    share = int(k.sum()) / int(n.sum())
    sizes, often = np.unique(n, return_counts=True)
    low, high = 0.0, share
    for _ in range(30):
        middle = (low + high) / 2
        at_most = np.floor(middle * sizes)  # hits of a group at this proportion or below
        below = betainc(np.maximum(sizes - at_most, 1e-9), at_most + 1, 1 - share)
        none = float((often * np.log1p(-np.minimum(below, 1 - 1e-16))).sum())
        low, high = (middle, high) if none > math.log(0.5) else (low, middle)
    return high


def simultaneous(hits: int, n: int, family: int) -> tuple[float, float]:
    """The exact simultaneous interval of one of `family` proportions, any of which may be selected.

    All of them cover at once with 95% probability (Clopper-Pearson, Bonferroni), so the selected
    one does. This far in the tails, Wilson's interval has too low a coverage.
    """
    low, high = clopper_pearson(hits, n, 1 - SIGNIFICANT / max(family, 1))
    return float(low), float(high)


@dataclass(frozen=True)
class ConfusedPair:
    """The two classes that are confused most, in both directions together.

    Attributes
    ----------
    a, b
        Class indices; a → b is at least as frequent as b → a.
    count
        Errors in both directions.
    ties
        Number of pairs with as many errors, including this one.
    expected
        Errors of this pair if those of each class were spread evenly over all others.
    p
        Corrected for all K (K - 1) / 2 pairs.
    """

    a: int
    b: int
    count: int
    ties: int
    expected: float
    p: float

    @property
    def significant(self) -> bool:
        return self.p < SIGNIFICANT


def most_confused(matrix: ConfusionMatrix) -> ConfusedPair | None:
    """The pair with the most errors; None without errors, or with two classes.

    If the errors of each class were spread evenly over the K - 1 others, those between a and b
    would be binomial with probability 1 / (K - 1) and the errors of both.
    """
    k = matrix.n_classes
    if k < 3 or not matrix.n_errors:
        return None
    a, b = unordered_pairs(matrix)
    there, back = matrix.lookup(a, b), matrix.lookup(b, a)
    both = there + back
    best = int(np.argmax(both))
    errors = matrix.true_totals - matrix.diagonal
    trials = int(errors[a[best]] + errors[b[best]])
    tail = float(binomial_tail(both[best], trials, 1 / (k - 1)))
    first, second = int(a[best]), int(b[best])
    if back[best] > there[best]:
        first, second = second, first
    return ConfusedPair(
        first,
        second,
        int(both[best]),
        int(np.count_nonzero(both == both[best])),
        trials / (k - 1),
        min(tail * (k * (k - 1) // 2), 1.0),
    )


def confusion_p(matrix: ConfusionMatrix, true: int, predicted: int) -> float:
    """p of a confusion selected for its count, corrected for all K (K - 1).

    1 for two classes, where errors have only one direction.
    """
    k = matrix.n_classes
    n, errors = matrix.count(true, predicted), int((matrix.true_totals - matrix.diagonal)[true])
    if k < 3 or not n:
        return 1.0
    return min(float(binomial_tail(n, errors, 1 / (k - 1))) * k * (k - 1), 1.0)


@dataclass(frozen=True)
class TopConfusions:
    """The most frequent confusions, and their expectation by chance.

    Attributes
    ----------
    n, of
        Number of counted confusions, and of non-zero ones.
    share
        Their proportion of all errors, 0..1.
    by_chance
        The 95% upper bound of that proportion if the errors of each class were spread evenly over
        all others.
    """

    n: int
    of: int
    share: float
    by_chance: float

    @property
    def significant(self) -> bool:
        return self.share > self.by_chance


def top_confusions(matrix: ConfusionMatrix, n: int) -> TopConfusions | None:
    """The `n` most frequent confusions; None without errors.

    Each cell of a class with e errors is binomial, e and 1 / (K - 1). If each of the K (K - 1)
    cells is at most its quantile at 1 - 0.05 / (K (K - 1)), the n largest sum to at most the n
    largest quantiles.
    """
    _, _, counts = matrix.errors_by_count()
    k, n_errors = matrix.n_classes, matrix.n_errors
    if not n_errors:
        return None
    sizes, often = np.unique(matrix.true_totals - matrix.diagonal, return_counts=True)
    ends = [_binomial_quantile(e, 1 / (k - 1), SIGNIFICANT / (k * (k - 1))) for e in sizes.tolist()]
    largest, left = 0, n
    for end, classes in sorted(zip(ends, often.tolist(), strict=True), reverse=True):
        taken = min(left, classes * (k - 1))
        largest, left = largest + taken * end, left - taken
    part = int(counts[:n].sum()) / n_errors
    return TopConfusions(min(n, len(counts)), len(counts), part, min(largest / n_errors, 1.0))


def _binomial_quantile(n: int, share: float, alpha: float) -> int:
    """The least k that a binomial variable exceeds with probability at most `alpha`."""
    low, high = -1, n  # it never exceeds n
    while high - low > 1:
        middle = (low + high) // 2
        exceeded = float(binomial_tail(middle + 1, n, share))
        low, high = (low, middle) if exceeded <= alpha else (middle, high)
    return high


def prediction_bias(matrix: ConfusionMatrix) -> Floats:
    """Holm-corrected p of "each class is predicted as often as it occurs"; float64, shape (K,).

    Missed samples of the class versus others predicted as it: each is half of both under the null
    hypothesis (exact sign test). nan without either.
    """
    missed = matrix.true_totals - matrix.diagonal
    added = matrix.predicted_totals - matrix.diagonal
    return sign_p(added, missed)


def sign_p(one: Counts, other: Counts) -> Floats:
    """Holm-corrected two-sided p of "as many of `one` as `other`", per item; nan if both are 0."""
    both = one + other
    p = np.full(len(both), np.nan)
    some = np.flatnonzero(both)
    tail = binomial_tail(np.maximum(one, other)[some], both[some], 0.5)
    p[some] = np.minimum(2 * tail, 1.0)
    return holm(p).p


def grown_p(before: ConfusionMatrix, after: ConfusionMatrix) -> dict[tuple[int, int], float]:
    """Holm-corrected p of "as many samples as before" of each confusion that either side has.

    Under the null hypothesis, half of the samples of a cell on both sides are on either side; if
    both predict the same samples, the test is conservative. If the class sizes differ, the expected
    part follows them.
    """
    cells = [side.errors_by_count() for side in (before, after)]
    keys = np.unique(np.concatenate([t * after.n_classes + c for t, c, _ in cells]))
    true, predicted = keys // after.n_classes, keys % after.n_classes
    old, new = before.lookup(true, predicted), after.lookup(true, predicted)
    old_n, new_n = before.true_totals[true], after.true_totals[true]
    part = new_n / np.maximum(old_n + new_n, 1)
    both = old + new
    more = np.where(new > 0, binomial_tail(np.maximum(new, 1), both, part), 1.0)
    fewer = np.where(old > 0, binomial_tail(np.maximum(old, 1), both, 1 - part), 1.0)
    adjusted = holm(np.minimum(2 * np.minimum(more, fewer), 1.0)).p
    places = zip(true.tolist(), predicted.tolist(), strict=True)
    return dict(zip(places, adjusted.tolist(), strict=True))


def recall_by_size_p(matrix: ConfusionMatrix) -> float:
    """Two-sided p of "recall has nothing to do with how many samples a class has".

    The statistic is accuracy minus mean recall, 0 on average if all recalls are equal. The correct
    predictions are assigned to random samples, regardless of class, 1,999 times with a fixed seed;
    from 2,000 classes on, a normal approximation is used.
    """
    support = matrix.true_totals
    some = support > 0
    n, hits = support[some], matrix.diagonal[some]
    total, right = int(n.sum()), int(hits.sum())
    if len(n) < 2 or right in (0, total):
        return 1.0
    weights = 1 / total - 1 / (len(n) * n)
    seen = abs(float((weights * hits).sum()))
    if len(n) > _DRAWN_CLASSES:
        share = right / total
        variance = share * (1 - share) * float((weights**2 * n).sum())
        return math.erfc(seen / math.sqrt(2 * variance)) if variance else 1.0
    rng = np.random.default_rng(_SEED)
    drawn = rng.multivariate_hypergeometric(n, right, size=_DRAWS, method="marginals")
    beyond = np.count_nonzero(np.abs(drawn @ weights) >= seen - 1e-12)
    return float((beyond + 1) / (_DRAWS + 1))


def beats_constant_p(matrix: ConfusionMatrix) -> tuple[float, float]:
    """Two-sided p of "the model is correct as often as a constant prediction", for both directions.

    Returns
    -------
    (above, below): p if the model is correct more often than the majority class would be, else 1;
    and p if less often, corrected for the selection of that class. Of the samples that exactly one
    of the two predicts correctly, half would be the model's (exact sign test).
    """
    commonest = int(np.argmax(matrix.true_totals))
    there = int(matrix.diagonal[commonest])
    won, lost = matrix.n_correct - there, int(matrix.true_totals[commonest]) - there
    if won == lost:
        return 1.0, 1.0
    p = min(2 * float(binomial_tail(max(won, lost), won + lost, 0.5)), 1.0)
    if won > lost:
        return p, 1.0
    return 1.0, min(p * int(np.count_nonzero(matrix.true_totals)), 1.0)
