"""A confusion matrix that contains shares only, as part of an evaluation.

Such an evaluation contains no counts at all, so that no number of samples can be read from it by
mistake; its shares are next to its empty matrix.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from reportgen.jsonio import ClassIndex, Form, Share

__all__ = [
    "OF",
    "ProportionPair",
    "Proportions",
]


Floats = NDArray[np.float64]


DECIMALS = 12


OF = {"true": "the true class", "predicted": "the predicted class", "all": "all samples"}
"""What proportions are over, which then add up to 1 → the words for it."""


@dataclass(frozen=True)
class ProportionPair:
    """A directed confusion, of which no count is known.

    Attributes
    ----------
    true, predicted
        Class indices.
    share
        The cell, 0..1, above 0: of the true class, of the predicted one, or of all samples, as
        :attr:`Shares.over` says.
    reversed_share
        The cell of the other direction; None where it is a share of a class that does not occur.
    share_of_true, share_of_errors
        As in :class:`~reportgen.evaluation.Pair`; None where shares don't tell.
    """

    true: ClassIndex
    predicted: ClassIndex
    share: Share
    reversed_share: Share | None
    share_of_true: Share | None
    share_of_errors: Share | None

    __json__: ClassVar[Form] = Form(
        (
            "true", "predicted", "count", "share_of_true", "share_of_errors", "reversed_count",
            "share", "reversed_share",
        ),
        told=("count", "reversed_count"),
    )  # fmt: skip

    @property
    def count(self) -> None:
        """Not known."""

    @property
    def reversed_count(self) -> None:
        """Not known."""


@dataclass(frozen=True, eq=False)
class Proportions:
    """A confusion matrix that was divided before it was saved, rows true, columns predicted.

    Attributes
    ----------
    values
        float64, shape (K, K), 0..1 with at most 12 decimals, read-only.
    over
        What adds up to 1: ``"true"``, each row; ``"predicted"``, each column; ``"all"``, all cells.
        Rows or columns of an absent class are 0.
    """

    values: Floats
    over: str

    def __post_init__(self) -> None:
        values = np.round(np.asarray(self.values, np.float64), DECIMALS)
        square = values.ndim == 2 and values.shape[0] == values.shape[1]
        if not (square and np.all((values >= 0) & (values <= 1)) and values.any()):
            raise ValueError(
                "proportions are numbers from 0 to 1, one row and one column per class"
            )
        if self.over not in OF:
            raise ValueError(f"proportions over {self.over!r}")
        values.flags.writeable = False
        object.__setattr__(self, "values", values)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Proportions)
            and self.over == other.over
            and np.array_equal(self.values, other.values)
        )

    def __hash__(self) -> int:
        return hash((self.over, self.values.tobytes()))

    @property
    def n_classes(self) -> int:
        return len(self.values)

    @cached_property
    def pairs(self) -> tuple[ProportionPair, ...]:
        """Every error above 0: by proportion downwards, then by true, then by predicted index."""
        errors = self.values.copy()
        np.fill_diagonal(errors, 0)
        true, predicted = np.nonzero(errors)
        share = errors[true, predicted]
        order = np.lexsort((predicted, true, -share))
        true, predicted, share = true[order], predicted[order], share[order]
        nothing = [None] * len(share)
        of_true: Sequence[float | None] = nothing
        of_errors: Sequence[float | None] = nothing
        if self.over == "true":
            of_true = share.tolist()
        elif self.over == "all":
            of_true = (share / self.values.sum(axis=1)[true]).tolist()
            of_errors = (share / errors.sum()).tolist()
        columns = (
            true.tolist(), predicted.tolist(), share.tolist(), self._reversed(true, predicted),
            of_true, of_errors,
        )  # fmt: skip
        return tuple(ProportionPair(*cells) for cells in zip(*columns, strict=True))

    def _reversed(
        self, true: NDArray[np.int64], predicted: NDArray[np.int64]
    ) -> list[float | None]:
        table = self.normalised(self.over)
        assert table is not None
        back = table[predicted, true].tolist()
        return [None if value != value else value for value in back]

    def normalised(self, over: str) -> Floats | None:
        """The shares over something else, nan where the divisor is 0; None where they don't tell.

        float64, shape (K, K). Shares of all samples tell those of rows and of columns, too.
        """
        if over not in (self.over, *(OF if self.over == "all" else ())):
            return None
        if over == "all":
            return self.values
        axis = 1 if over == "true" else 0
        totals = self.values.sum(axis=axis, keepdims=True)
        divisors = totals if self.over == "all" else (totals > 0).astype(np.float64)
        result: Floats = np.full(self.values.shape, np.nan)
        np.divide(self.values, divisors, out=result, where=totals > 0)
        return result

    def cells(self) -> list[list[float]]:
        """[true, predicted, share] of each cell that is not 0, sorted."""
        at = np.nonzero(self.values)
        triples = zip(at[0].tolist(), at[1].tolist(), self.values[at].tolist(), strict=True)
        return [list(triple) for triple in triples]

    @classmethod
    def of_cells(cls, cells: Iterable[Sequence[Any]], n_classes: int, over: str) -> Proportions:
        """The inverse of :meth:`cells`; raises ValueError or LookupError where they are none."""
        table = np.zeros((n_classes, n_classes))
        for true, predicted, share in cells:
            table[true, predicted] = share
        return cls(table, over)
