"""The matrix of the most confused classes, with all others merged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reportgen.report.context import Context
from reportgen.report.matrix import NUMBERED_CLASSES
from reportgen.report.words import Name, Words, say, share, shorten
from reportgen.text import count

__all__ = [
    "SubCell",
    "SubMatrix",
    "SubRow",
    "sub_matrix",
]


@dataclass(frozen=True)
class SubCell:
    """A cell: its count, as a proportion of the true class, and of the largest error here."""

    count: int
    share: float | None
    of_largest: float


@dataclass(frozen=True)
class SubRow:
    """A true class, or all others together."""

    index: int | None
    name: Name
    cells: tuple[SubCell, ...]
    support: str


@dataclass(frozen=True)
class SubMatrix:
    """Rows true, columns predicted, in the same order; the last one is all other classes."""

    lead: Words
    names: tuple[Name, ...]
    rows: tuple[SubRow, ...]


TOP = 20
"""Number of classes with a row of their own."""


OTHER = Name.of("other")


HEAD_WIDTH = 24


def sub_matrix(facts: Context) -> SubMatrix | None:
    """The classes of the most frequent confusions, at most 20.

    None without errors, or if all classes have a table.
    """
    matrix, k = facts.matrix, len(facts.names)
    if facts.proportions is not None or k <= NUMBERED_CLASSES or not matrix.n_errors:
        return None
    chosen = _choose(facts)
    size = len(chosen)
    place_of = np.empty(k, np.int64)
    place_of[facts.groups.order] = np.arange(k)
    chosen = chosen[np.argsort(place_of[chosen])]  # clustered order
    place = np.full(k, size, np.int64)
    place[chosen] = np.arange(size)
    counts = np.zeros((size + 1, size + 1), np.int64)
    np.add.at(counts, (place[matrix.rows], place[matrix.columns]), matrix.values)
    return SubMatrix(_lead(facts, counts), _names(facts, chosen), _rows(facts, chosen, counts))


def _choose(facts: Context) -> np.ndarray:
    """Both classes of the most frequent confusions, up to 20 classes.

    With few classes, those with the most errors would serve. Of 1,000 classes, those are rarely
    confused with one another, and their matrix would be a diagonal.
    """
    chosen: set[int] = set()
    for pair in facts.evaluation.pairs:  # most frequent first
        both = chosen | {pair.true, pair.predicted}
        if len(both) <= TOP:
            chosen = both
        if len(chosen) == TOP:
            break
    return np.array(sorted(chosen), np.int64)


def _lead(facts: Context, counts: np.ndarray) -> Words:
    size = len(counts) - 1
    among = int(counts[:size, :size].sum() - np.trace(counts[:size, :size]))
    return say(
        "The {n} classes of the most frequent confusions, clustered. {among} of {all} errors "
        "({share}) are among them.",
        n=str(size),
        among=count(among),
        all=count(facts.matrix.n_errors),
        share=share(among / facts.matrix.n_errors),
    )


def _names(facts: Context, chosen: np.ndarray) -> tuple[Name, ...]:
    full = [facts.names[i].full for i in chosen.tolist()]
    short = shorten(full, HEAD_WIDTH)
    return (*(Name(text, whole) for text, whole in zip(short, full, strict=True)), OTHER)


def _rows(facts: Context, chosen: np.ndarray, counts: np.ndarray) -> tuple[SubRow, ...]:
    support, size = counts.sum(axis=1), len(chosen)
    errors = counts[:size, :size].copy()
    np.fill_diagonal(errors, 0)
    shares = counts / np.maximum(support, 1)[:, None]
    largest = float((errors / np.maximum(support[:size], 1)[:, None]).max()) or 1.0
    names = _names(facts, chosen)
    return tuple(
        SubRow(
            int(chosen[i]) if i < size else None,
            names[i],
            tuple(
                SubCell(
                    int(counts[i, j]),
                    float(shares[i, j]) if support[i] else None,
                    0.0 if i == j else min(float(shares[i, j]) / largest, 1.0),
                )
                for j in range(size + 1)
            ),
            count(int(support[i])),
        )
        for i in range(size + 1)
    )
