"""The scores of a table in blocks of rows, in the order of the classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from reportgen.errors import DataError
from reportgen.inputs.columns.cells import not_a_number, numbers
from reportgen.inputs.columns.roles import ScoreColumns
from reportgen.inputs.formats.tables import LIST, Table
from reportgen.scores import Floats
from reportgen.text import plural, quoted

__all__ = ["ScoreBlocks"]

_CELLS = 1 << 21


@dataclass(frozen=True)
class ScoreBlocks:
    """The scores of a table, in blocks of rows.

    Attributes
    ----------
    width
        Number W of scores of a sample.
    order
        Place of each class's score among them; None where they stand in the class list's order.
    """

    table: Table
    columns: ScoreColumns
    width: int
    order: tuple[int, ...] | None = None

    @classmethod
    def of(cls, table: Table, columns: ScoreColumns) -> ScoreBlocks:
        """With the width read from the first row where the columns don't tell it."""
        width = columns.width
        if width is None:
            width = _first_width(table, columns.columns[0])
        return cls(table, columns, width)

    @property
    def dtype(self) -> type[np.floating[Any]]:
        """What probabilities are kept in: float32 where all scores were saved in no more."""
        single = all(self.table.columns[name].single for name in self.columns.columns)
        return np.float32 if single else np.float64

    @property
    def rows(self) -> int:
        """Most rows of a block."""
        return max(_CELLS // self.width, 64)

    def of_batch(self, batch: Any, start: int) -> Floats:
        """float64, shape (n, W), in the order of the classes, from a batch of the columns.

        `start` is the row of the table that the batch begins at. A missing score is nan.
        """
        if self.table.columns[self.columns.columns[0]].kind == LIST:
            block = self._lists(batch.column(0), start)
        else:
            block = np.empty((len(batch), self.width))
            for i, name in enumerate(self.columns.columns):
                block[:, i] = numbers(batch.column(i), self._describe(name, start))
        return block if self.order is None else block[:, list(self.order)]

    def blocks(self) -> Iterator[tuple[int, Floats]]:
        """(first row, scores) of every block."""
        start = 0
        for batch in self.table.batches(self.columns.columns, self.rows):
            yield start, self.of_batch(batch, start)
            start += len(batch)

    def _describe(self, name: str, start: int) -> Any:
        return lambda row, cell: not_a_number(name, self.table.place(start + row), cell)

    def _lists(self, array: Any, start: int) -> Floats:
        import pyarrow.compute as pc

        lengths = pc.fill_null(pc.list_value_length(array), self.width).to_numpy()
        wrong = np.flatnonzero(lengths != self.width)
        if len(wrong):
            row = int(wrong[0])
            raise DataError(
                f"{self.table.place(start + row)}: {plural(int(lengths[row]), 'score')}, "
                f"not {self.width}",
                slug="scores-length",
                hint="every sample needs one score for each class",
            )
        flat = array.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
        block: Floats
        if not array.null_count:
            block = flat.reshape(len(array), self.width)
            return block
        block = np.full((len(array), self.width), np.nan)
        block[array.is_valid().to_numpy(zero_copy_only=False)] = flat.reshape(-1, self.width)
        return block


def _first_width(table: Table, column: str) -> int:
    import pyarrow.compute as pc

    for batch in table.batches([column], 1024):
        lengths = pc.list_value_length(batch.column(0)).drop_null()
        if len(lengths):
            if (first := lengths[0].as_py()) > 0:
                return int(first)
            break
    raise DataError(
        f"column {quoted(column)} of {quoted(table.name)} holds no scores",
        slug="scores-length",
        hint="every sample needs one score for each class",
    )
