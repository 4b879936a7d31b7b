"""A confusion matrix of proportions, as part of an evaluation.

Such an evaluation has no counts at all, so that no number of samples can be read from it by
mistake.
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
"""Normalisation → words for its denominator."""


@dataclass(frozen=True)
class ProportionPair:
    """A directed confusion with an unknown count.

    Attributes
    ----------
    true, predicted
        Class indices.
    share
        The cell, 0..1, above 0: as a proportion of the true class, the predicted class, or all
        samples, by :attr:`Proportions.over`.
    reversed_share
        The cell of the other direction; None for a proportion of an absent class.
    share_of_true, share_of_errors
        As in :class:`~reportgen.evaluation.Pair`; None if undetermined.
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
        """Unknown."""

    @property
    def reversed_count(self) -> None:
        """Unknown."""


@dataclass(frozen=True, eq=False)
class Proportions:
    """A normalised confusion matrix, rows true, columns predicted.

    Attributes
    ----------
    values
        float64, shape (K, K), 0..1 with at most 12 decimals, read-only.
    over
        The normalisation: ``"true"``, each row sums to 1; ``"predicted"``, each column; ``"all"``,
        all cells. Rows or columns of an absent class are 0.
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
        """Every error above 0: by decreasing proportion, then true, then predicted index."""
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
        """Proportions with another normalisation, nan for a divisor of 0; None if undetermined.

        float64, shape (K, K). Proportions of all samples determine all normalisations.
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
        """[true, predicted, proportion] of each non-zero cell, sorted."""
        at = np.nonzero(self.values)
        triples = zip(at[0].tolist(), at[1].tolist(), self.values[at].tolist(), strict=True)
        return [list(triple) for triple in triples]

    @classmethod
    def of_cells(cls, cells: Iterable[Sequence[Any]], n_classes: int, over: str) -> Proportions:
        """The inverse of :meth:`cells`. Raises ValueError or LookupError for invalid cells."""
        table = np.zeros((n_classes, n_classes))
        for true, predicted, share in cells:
            table[true, predicted] = share
        return cls(table, over)
