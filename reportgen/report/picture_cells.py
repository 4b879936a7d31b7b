"""What the cells of a picture of many classes are: names and counts, for the pointer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reportgen.report.context import Context
from reportgen.report.matrix import NUMBERED_CLASSES, OVERVIEW_SIDE, drawn_order

__all__ = [
    "PictureCells",
    "picture_cells",
]


@dataclass(frozen=True)
class PictureCells:
    """The classes in the order of the pictures, and what is counted of them.

    Attributes
    ----------
    names
        Full names, K of them.
    support, correct
        Samples of each class, and how many are on the diagonal; empty where the matrix holds
        proportions only.
    errors
        Three numbers for each confusion: places of the true and of the predicted class in `names`,
        count. Most frequent first.
    complete
        Whether `errors` has all confusions.
    """

    names: tuple[str, ...]
    support: tuple[int, ...]
    correct: tuple[int, ...]
    errors: tuple[int, ...]
    complete: bool

    @property
    def data(self) -> dict[str, object]:
        """For the script; `side` is how many cells a picture has on each side."""
        return {
            "names": self.names,
            "side": min(len(self.names), OVERVIEW_SIDE),
            "support": self.support,
            "correct": self.correct,
            "errors": self.errors,
            "complete": self.complete,
        }


MOST_CONFUSIONS = 20_000
"""About 200 kB; of confusions beyond these, the pointer shows the names alone."""


def picture_cells(facts: Context) -> PictureCells | None:
    """None where the pictures carry numbers: up to 30 classes."""
    if len(facts.names) <= NUMBERED_CLASSES:
        return None
    order = drawn_order(facts)
    names = tuple(facts.names[i].full for i in order.tolist())
    if facts.proportions is not None:
        return PictureCells(names, (), (), (), complete=False)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    pairs = facts.evaluation.pairs
    some = pairs[:MOST_CONFUSIONS]
    listed = np.column_stack((place[some.true], place[some.predicted], some.counts))
    return PictureCells(
        names,
        tuple(facts.matrix.true_totals[order].tolist()),
        tuple(facts.matrix.diagonal[order].tolist()),
        tuple(listed.ravel().tolist()),
        complete=len(pairs) <= MOST_CONFUSIONS,
    )
