"""Invented samples with scores, and the laws that every tally must obey."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import strategies as st

GRID = (0.0, 0.1, 0.2, 0.3, 1 / 3, 0.4, 0.5, 0.6, 2 / 3, 0.75, 0.8, 0.9, 0.999, 1.0)
"""Probabilities with many ties, and many on the edges of 15 and 50 bins."""

confidences = st.one_of(st.sampled_from(GRID), st.floats(0, 1))
answers = st.lists(st.tuples(confidences, st.booleans()), max_size=50)
"""(confidence, correct) of each sample."""

maybe = st.one_of(confidences, st.just(float("nan")))
"""The same, or nan where there is none."""

answers_or_none = st.lists(st.tuples(maybe, st.booleans()), max_size=50)

cuts = st.lists(st.integers(0, 50), max_size=5)
"""Where a stream is cut into batches."""


orders = st.randoms(use_true_random=False)
"""What shuffles samples and batches."""


def model(n: int, k: int, *, seed: int = 0, sharp: float = 2.0, dtype: Any = np.float64):
    """(probabilities (n, k), labels (n,)) of an overconfident model."""
    rng = np.random.default_rng(seed)
    p = np.exp(rng.normal(0, sharp, (n, k)))
    p /= p.sum(axis=1, keepdims=True)
    q = p**0.7
    q /= q.sum(axis=1, keepdims=True)
    labels = (q.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return p.astype(dtype), labels


def answers_of(n: int, *, seed: int = 0, k: int = 5, dtype: Any = np.float64):
    """(confidence, correct) of such a model."""
    p, labels = model(n, k, seed=seed, dtype=dtype)
    return p.max(axis=1), p.argmax(axis=1) == labels


def assert_adds_up(
    of: Callable[[Sequence[Any]], Any], empty: Any, rows: Sequence[Any], cuts: Sequence[int],
    order: Any
) -> None:  # fmt: skip
    """`of` is a homomorphism: any order and split of the rows gives an equal tally."""
    whole = of(rows)
    shuffled = list(rows)
    order.shuffle(shuffled)
    ends = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
    parts = [of(shuffled[a:b]) for a, b in pairwise(ends)]
    order.shuffle(parts)
    left = reduce(lambda a, b: a + b, parts, empty)
    right = reduce(lambda a, b: b + a, reversed(parts), empty)
    assert left == whole
    assert right == whole
    assert empty + whole == whole + empty == whole
    assert hash(left) == hash(whole)
    if rows and parts:
        assert whole != of(rows[:-1])
        half = len(parts) // 2
        grouped = reduce(lambda a, b: a + b, parts[half:], empty)
        assert reduce(lambda a, b: a + b, parts[:half], empty) + grouped == whole
