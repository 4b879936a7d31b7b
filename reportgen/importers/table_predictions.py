"""`TablePredictions`: predictions from any table, with the interface of those of reportgen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.importers.columns.cells import TextCells, not_a_number, numbers, with_points
from reportgen.importers.columns.detect import Roles
from reportgen.importers.columns.held_rows import give_back_after
from reportgen.importers.columns.ids import PrintableIds
from reportgen.importers.columns.scores import SCORED_COLUMNS, ScoreBlocks, Scored
from reportgen.importers.columns.survey import confidences
from reportgen.importers.formats.tables import NARROW_ROWS, NUMBER, Table, rows_at_once
from reportgen.metrics import OutputKind, probabilities
from reportgen.predictions import RunFacts

__all__ = [
    "RESERVED",
    "TablePredictions",
]


RESERVED = frozenset({"id", "label", "prediction", "probabilities", *SCORED_COLUMNS})


_HELD_ROWS = 1 << 16  # rows kept in memory: small arrays reuse freed memory


Arrays = dict[str, NDArray[Any]]


Indices = NDArray[np.signedinteger[Any]]


@dataclass(frozen=True)
class TablePredictions:
    """Predictions that another program saved.

    Rows are read on demand, never all at once. It has the interface of
    :class:`~reportgen.predictions.Predictions`, and further columns. Labels and predictions are
    kept, 1 to 4 bytes each, and so are confidences that had to be parsed: in memory, or in a
    file if there are many (:mod:`~reportgen.importers.columns.held_rows`).

    Attributes
    ----------
    facts
        Classes, provenance, accounting and notes.
    n_rows
        Number of rows that :meth:`batches` yields: those that are not excluded.
    labels, predictions
        Class indices of all rows of the table, shape (N,); the label of an excluded row is -1.
    confidence
        float64, shape (N,), or None if they are read from the table again.
    scored, blocks, outputs
        Results of scoring, location of the scores, and their type; None without scores.
    ranks
        int32, shape (N,): rank of the label among the top classes; None if these are unknown.
    """

    table: Table
    roles: Roles
    facts: RunFacts
    n_rows: int
    labels: Indices
    predictions: Indices
    confidence: NDArray[np.float64] | None = None
    scored: Scored | None = None
    blocks: ScoreBlocks | None = None
    outputs: OutputKind | None = None
    ranks: NDArray[np.int32] | None = None

    @property
    def has_confidence(self) -> bool:
        """Whether the rows have confidences."""
        return self.has_probabilities or (self.roles.confidence is not None and not self.scored)

    @property
    def has_probabilities(self) -> bool:
        """Whether the rows have probabilities of all classes, which sum to 1."""
        return self.scored is not None and self.outputs is not OutputKind.ONE_VS_REST

    @property
    def has_ids(self) -> bool:
        """Whether the rows have ids; otherwise ids are row numbers from 0."""
        return self.roles.id is not None

    @property
    def id_name(self) -> str | None:
        """The id column of the table, or None."""
        return self.roles.id

    @cached_property
    def metadata(self) -> Mapping[str, str]:
        """Further columns: name in :meth:`batches` → name in the table."""
        return {
            f"{name} (in the table)" if name in RESERVED else name: name
            for name in self.roles.rest(self.table.columns, usable=True)
        }

    def batches(self, *columns: str, wrong_only: bool = False) -> Iterator[Arrays]:
        """The named columns in file order, as numpy arrays of equal length.

        The columns are those of :meth:`reportgen.predictions.Predictions.batches`, except:
        probabilities are float64, or float32 if the table has no more digits
        (:attr:`~reportgen.importers.formats.tables.Column.single`); ``top_classes`` and
        ``top_probabilities`` are arrays of shape (n, k), k = 0 without scores; ``probabilities``
        has shape (n, K) if there are scores. Columns of :attr:`metadata` are float64 with nan for
        numbers, otherwise objects: texts, ``""`` for missing ones.

        With `wrong_only`, only the rows whose prediction differs from the label, and ``id`` as
        :class:`~reportgen.importers.columns.ids.PrintableIds`, or as row numbers, int64, if the
        table has no ids.
        """
        wanted = tuple(dict.fromkeys(columns))
        for start, n, batches in self._pieces(wanted):
            label, prediction = self.labels[start : start + n], self.predictions[start : start + n]
            keep = (label >= 0) & (label != prediction) if wrong_only else label >= 0
            kept = None if keep.all() else np.flatnonzero(keep)
            piece = _Piece(self, start, n, kept, batches)
            found = {name: piece.column(name) for name in wanted}
            if not wrong_only and "id" in found:
                found["id"] = np.asarray(
                    found["id"] if self.has_ids else _texts(found["id"]), object
                )
            yield found
            give_back_after(start, n, self.labels, self.predictions, self.confidence)

    def _pieces(self, wanted: Sequence[str]) -> Iterator[tuple[int, int, tuple[Any, ...]]]:
        """(first row, number of rows, batches of the columns that must be read) of each block."""
        rows = self.blocks.rows if "probabilities" in wanted and self.blocks else NARROW_ROWS
        streams = []
        if raw := self._raw_columns(wanted):
            streams.append(self.table.batches(raw, min(rows, rows_at_once(len(raw)))))
        if self.scored and (own := [name for name in wanted if name in SCORED_COLUMNS]):
            streams.append(self.scored.spool.batches(own, rows))
        start = 0
        if not streams:
            rows = min(rows, _HELD_ROWS)
            for start in range(0, len(self.labels), rows):
                yield start, min(rows, len(self.labels) - start), ()
        for batches in align(*streams):
            yield start, len(batches[0]), batches
            start += len(batches[0])

    def _raw_columns(self, wanted: Sequence[str]) -> list[str]:
        """The table columns needed for `wanted`, except labels and predictions."""
        needed: list[str] = []
        for name in wanted:
            if name == "id" and self.roles.id is not None:
                needed.append(self.roles.id)
            elif name == "confidence" and self.roles.confidence is not None:
                needed += [self.roles.confidence] if self.confidence is None else []
            elif name == "probabilities":
                if self.blocks is None:
                    raise KeyError(name)
                needed += self.blocks.columns.columns
            elif name not in RESERVED:
                needed.append(self.metadata[name])
        return list(dict.fromkeys(needed))


@dataclass(frozen=True)
class _Piece:
    """Consecutive rows of a table, some of which are kept."""

    of: TablePredictions
    start: int
    n: int
    kept: NDArray[np.intp] | None
    batches: tuple[Any, ...]

    def column(self, name: str) -> NDArray[Any]:
        """The kept rows of a column of :meth:`TablePredictions.batches`."""
        if name in ("label", "prediction"):
            held = self.of.labels if name == "label" else self.of.predictions
            values = held[self.start : self.start + self.n]
            return (values if self.kept is None else values[self.kept]).astype(np.int32)
        if name == "id":
            ids: NDArray[Any] = self._ids()
            return ids
        if name == "probabilities":
            return self._probabilities()
        if name in SCORED_COLUMNS:
            if self.of.scored is not None:
                return _numpy(self._array(name, self.batches[-1]))
            if name == "label_rank" and self.of.ranks is not None:
                ranks = self.of.ranks[self.start : self.start + self.n]
                return ranks if self.kept is None else ranks[self.kept]
            if name == "confidence" and self.of.roles.confidence is not None:
                return self._confidences(self.of.roles.confidence)
            return _absent(name, self.n if self.kept is None else len(self.kept))
        return self._metadata(self.of.metadata[name])

    def _array(self, name: str, batch: Any) -> Any:
        array = batch.column(name)
        return array if self.kept is None else array.take(self.kept)

    def _metadata(self, column: str) -> NDArray[Any]:
        array = self._array(column, self.batches[0])
        found = self.of.table.columns[column]
        if found.kind == NUMBER:
            return numbers(array, lambda _, cell: not_a_number(column, self.of.table.name, cell))
        texts, places = TextCells()(array)
        return np.array(with_points(texts, comma=found.comma), object)[places]

    def _confidences(self, column: str) -> NDArray[np.floating[Any]]:
        if (held := self.of.confidence) is not None:
            values = held[self.start : self.start + self.n]
            return values if self.kept is None else values[self.kept]
        array = self._array(column, self.batches[0])
        values = confidences(self.of.table, column, array, self.start)
        single = self.of.table.columns[column].single
        return values.astype(np.float32) if single else values

    def _ids(self) -> Any:
        """Row numbers, or a column whose texts are read on demand."""
        column = self.of.roles.id
        if column is None:
            return (np.arange(self.n) if self.kept is None else self.kept) + self.start
        return PrintableIds(self.batches[0].column(column), self.kept)

    def _probabilities(self) -> NDArray[np.floating[Any]]:
        blocks, kind = self.of.blocks, self.of.outputs
        assert blocks is not None
        assert kind is not None
        scores = blocks.of_batch(self.batches[0].select(list(blocks.columns.columns)), self.start)
        found = probabilities(scores if self.kept is None else scores[self.kept], kind)
        return found.astype(blocks.dtype, copy=False)


def _texts(numbers: NDArray[np.integer[Any]]) -> NDArray[Any]:
    import pyarrow as pa

    return _numpy(pa.array(numbers).cast(pa.string()))


def _absent(name: str, n: int) -> NDArray[Any]:
    """A predictions column that the table does not have, n rows."""
    if name == "top_tied":
        return np.zeros(n, np.bool_)
    if name == "label_rank":
        return np.zeros(n, np.int32)
    if name == "top_classes":
        return np.zeros((n, 0), np.int32)
    if name == "top_probabilities":
        return np.zeros((n, 0), np.float32)
    return np.full(n, np.nan, np.float32)


def _numpy(column: Any) -> NDArray[Any]:
    import pyarrow as pa

    if pa.types.is_fixed_size_list(column.type):
        flat: NDArray[Any] = column.flatten().to_numpy()
        return flat.reshape(len(column), column.type.list_size)
    array: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return array


def align(*streams: Iterator[Any]) -> Iterator[tuple[Any, ...]]:
    """Align several streams of batches: yield equal rows of each, however they are cut."""
    heads: list[Any] = [None] * len(streams)
    while streams:
        for i, stream in enumerate(streams):
            while heads[i] is None or len(heads[i]) == 0:
                if (head := next(stream, None)) is None:
                    return
                heads[i] = head
        n = min(map(len, heads))
        yield tuple(head.slice(0, n) for head in heads)
        heads = [head.slice(n) for head in heads]
