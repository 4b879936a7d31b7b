"""The matrix of the classes with the most errors, all others as one: what many classes hide."""

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
    """One cell: its count, how much of the true class it is, and of the largest error here."""

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
    """Rows true, columns predicted, in the same order; the last of both is all other classes."""

    lead: Words
    names: tuple[Name, ...]
    rows: tuple[SubRow, ...]


TOP = 20
"""Classes that have a row of their own."""


OTHER = Name.of("other")


HEAD_WIDTH = 24


def sub_matrix(facts: Context) -> SubMatrix | None:
    """The 20 classes with the most errors, as true or predicted class; None where all classes have
    a table of their own, and without errors.
    """
    matrix, k = facts.matrix, len(facts.names)
    if facts.proportions is not None or k <= NUMBERED_CLASSES or not matrix.n_errors:
        return None
    wrong = matrix.rows != matrix.columns
    errors = np.zeros(k, np.int64)
    np.add.at(errors, matrix.rows[wrong], matrix.values[wrong])
    np.add.at(errors, matrix.columns[wrong], matrix.values[wrong])
    chosen = np.lexsort((np.arange(k), -errors))[:TOP]
    place_of = np.empty(k, np.int64)
    place_of[facts.groups.order] = np.arange(k)
    chosen = chosen[np.argsort(place_of[chosen])]  # those that are confused stand together
    place = np.full(k, TOP, np.int64)
    place[chosen] = np.arange(TOP)
    counts = np.zeros((TOP + 1, TOP + 1), np.int64)
    np.add.at(counts, (place[matrix.rows], place[matrix.columns]), matrix.values)
    return SubMatrix(_lead(facts, counts), _names(facts, chosen), _rows(facts, chosen, counts))


def _lead(facts: Context, counts: np.ndarray) -> Words:
    among = int(counts[:TOP, :TOP].sum() - np.trace(counts[:TOP, :TOP]))
    return say(
        "The {top} classes with the most errors, clustered. {among} of {all} errors ({share}) are "
        "among them.",
        top=str(TOP),
        among=count(among),
        all=count(facts.matrix.n_errors),
        share=share(among / facts.matrix.n_errors),
    )


def _names(facts: Context, chosen: np.ndarray) -> tuple[Name, ...]:
    full = [facts.names[i].full for i in chosen.tolist()]
    short = shorten(full, HEAD_WIDTH)
    return (*(Name(text, whole) for text, whole in zip(short, full, strict=True)), OTHER)


def _rows(facts: Context, chosen: np.ndarray, counts: np.ndarray) -> tuple[SubRow, ...]:
    support = counts.sum(axis=1)
    errors = counts[:TOP, :TOP].copy()
    np.fill_diagonal(errors, 0)
    shares = counts / np.maximum(support, 1)[:, None]
    largest = float((errors / np.maximum(support[:TOP], 1)[:, None]).max()) or 1.0
    names = _names(facts, chosen)
    return tuple(
        SubRow(
            int(chosen[i]) if i < TOP else None,
            names[i],
            tuple(
                SubCell(
                    int(counts[i, j]),
                    float(shares[i, j]) if support[i] else None,
                    0.0 if i == j else min(float(shares[i, j]) / largest, 1.0),
                )
                for j in range(TOP + 1)
            ),
            count(int(support[i])),
        )
        for i in range(TOP + 1)
    )
