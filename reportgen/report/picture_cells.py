"""The cells of a picture of many classes: names and counts, for hovering."""

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
    """The classes in the order of the pictures, and their counts.

    Attributes
    ----------
    names
        K full names.
    support, correct
        Number of samples and of correct predictions per class; empty if the matrix contains
        proportions only.
    errors
        Three numbers per confusion: indices of the true and predicted class in `names`, and count.
        Most frequent first.
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
        """Data for the script; `side` is the number of cells per side of a picture."""
        return {
            "names": self.names,
            "side": min(len(self.names), OVERVIEW_SIDE),
            "support": self.support,
            "correct": self.correct,
            "errors": self.errors,
            "complete": self.complete,
        }


MOST_CONFUSIONS = 20_000
"""About 200 kB; for confusions beyond these, hovering shows only names."""


def picture_cells(facts: Context) -> PictureCells | None:
    """The cells; None if the pictures have numbers, up to 30 classes."""
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
