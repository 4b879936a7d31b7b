"""Scores of all classes → predictions and probabilities: read one way, decided over the whole file.

The scored rows are spooled, so that scores are parsed and ranked once, however often the report
needs them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import DataError, ReportgenError, UsageError
from reportgen.inputs.cells import not_a_number, numbers
from reportgen.inputs.roles import ScoreColumns
from reportgen.inputs.survey import smallest
from reportgen.inputs.tables import LIST, Spool, Table
from reportgen.scores import (
    SUM_TOLERANCE,
    Floats,
    OutputKind,
    ScoredRows,
    contradiction,
    finite_rows,
    probabilities,
    score,
)
from reportgen.text import count, plural, quoted

__all__ = ["SCORED_COLUMNS", "ScoreBlocks", "ScoreTally", "Scored", "decide_kind", "score_table"]

SCORED_COLUMNS = ("confidence", "label_probability", "label_rank", "top_tied", "top_classes",
                  "top_probabilities")  # fmt: skip
Indices = NDArray[np.signedinteger[Any]]

_CELLS = 1 << 21
_SLACK = 1e-6
_EXAMPLES = 10
_NAMES = {
    "probabilities": OutputKind.PROBABILITIES,
    "log-probabilities": OutputKind.LOG_PROBABILITIES,
}
_ASK = "say what they are: --outputs probabilities, --outputs log-probabilities or --outputs logits"


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


@dataclass
class ScoreTally:
    """What decides how scores are read, counted over all finite rows of a file.

    Attributes
    ----------
    n_finite
        Rows without nan and +inf.
    n_unit
        Of them, rows with all scores in [0, 1].
    n_probable, n_log_probable
        Rows that could be probabilities, or log-probabilities: they sum to 1 within 0.001.
    improbable, log_improbable
        The first row (from 0) that could not, and why.
    """

    n_finite: int = 0
    n_unit: int = 0
    n_probable: int = 0
    n_log_probable: int = 0
    improbable: tuple[int, str] | None = None
    log_improbable: tuple[int, str] | None = None

    def add(self, start: int, scores: Floats) -> None:
        """Count a block, float64, shape (n, W), that begins at row `start`."""
        finite = finite_rows(scores, None)
        at, scores = np.flatnonzero(finite), scores[finite]
        single = scores.shape[1] == 1
        unit = np.all((scores >= -_SLACK) & (scores <= 1 + _SLACK), axis=1)
        negative = np.all(scores <= _SLACK, axis=1)
        sums = scores.sum(axis=1)
        with np.errstate(over="ignore"):
            log_sums = np.exp(np.where(negative[:, None], scores, -np.inf)).sum(axis=1)
        probable = unit & (single | (np.abs(sums - 1) <= SUM_TOLERANCE))
        log_probable = negative & (single | (np.abs(log_sums - 1) <= SUM_TOLERANCE))
        self.n_finite += len(at)
        self.n_unit += int(np.count_nonzero(unit))
        self.n_probable += int(np.count_nonzero(probable))
        self.n_log_probable += int(np.count_nonzero(log_probable))
        for name, good in (("improbable", probable), ("log_improbable", log_probable)):
            wrong = np.flatnonzero(~good)
            if len(wrong) and getattr(self, name) is None:
                i = wrong[0]
                kind = (
                    OutputKind.PROBABILITIES
                    if name == "improbable"
                    else OutputKind.LOG_PROBABILITIES
                )
                why = contradiction(scores[i : i + 1], kind) or "no probability"
                setattr(self, name, (start + int(at[i]), why))


def decide_kind(tally: ScoreTally, blocks: ScoreBlocks) -> OutputKind:
    """How all scores of a file are read: by its columns' names where they say it, else by values.

    Raises
    ------
    DataError
        ``scores-sum``: most rows are probabilities, or the columns are called so, and one is not.
    UsageError
        ``outputs-ambiguous``: two readings are possible.
    """
    n, hint = tally.n_finite, blocks.columns.hint
    if n == 0:
        return OutputKind.LOGITS
    if hint == OutputKind.LOGITS:
        if tally.n_probable == n and blocks.width > 1:
            raise UsageError(
                f"{_what(blocks)} are called logits, but all rows lie in 0..1 and sum to 1",
                slug="outputs-ambiguous",
                hint=_ASK,
            )
        return OutputKind.LOGITS
    readings = (
        (OutputKind.PROBABILITIES, tally.n_probable, tally.improbable),
        (OutputKind.LOG_PROBABILITIES, tally.n_log_probable, tally.log_improbable),
    )
    for kind, n_fit, offender in readings:
        if hint and hint != kind:
            continue
        if n_fit == n and (blocks.width > 1 or kind is OutputKind.PROBABILITIES or hint):
            return kind
        if offender and (hint or (2 * n_fit >= n and blocks.width > 1)):
            raise _unlike_the_rest(blocks, kind, n_fit, n, offender)
    if tally.n_unit == n and blocks.width > 1:
        raise UsageError(
            f"{_what(blocks)} all lie in 0..1, but don't sum to 1: probabilities or logits?",
            slug="outputs-ambiguous",
            details=[] if tally.improbable is None else [
                f"{blocks.table.place(tally.improbable[0])}: {tally.improbable[1]}"
            ],
            hint=_ASK,
        )  # fmt: skip
    return OutputKind.LOGITS


def _what(blocks: ScoreBlocks) -> str:
    return f"the scores of {quoted(blocks.table.name)}"


def _unlike_the_rest(
    blocks: ScoreBlocks, kind: OutputKind, n_fit: int, n: int, offender: tuple[int, str]
) -> DataError:
    return DataError(
        f"{blocks.table.place(offender[0])}: {offender[1]}",
        slug="scores-sum",
        details=[f"{count(n_fit)} of {count(n)} rows are {kind}, within 0.001"],
        hint="every row needs the scores of all classes; if they are no probabilities: "
        "--outputs logits",
    )


def contradicted(blocks: ScoreBlocks, kind: OutputKind, row: int, why: str) -> DataError:
    """A row that is not what the scores were declared to be."""
    return DataError(
        f"{blocks.table.place(row)}: {why}",
        slug="scores-sum",
        details=[f"the scores are read as {kind}, as declared"],
        hint="leave out --outputs, or correct the row",
    )


@dataclass(frozen=True)
class Scored:
    """What :func:`score_table` found on its way.

    Attributes
    ----------
    spool
        One row for each row of the table, in its order: ``confidence``,
        ``label_probability``, ``label_rank``, ``top_tied``, ``top_classes`` and
        ``top_probabilities``, as :class:`~reportgen.scores.ScoredRows` has them.
    labels, predictions
        Class indices of all rows, shape (N,); the label is -1 where the row is left out.
    n_not_finite, not_finite
        Rows left out for their scores, and the first of them (from 0).
    n_differing
        Rows whose prediction column is not the class of the largest score.
    """

    spool: Spool
    labels: Indices
    predictions: Indices
    n_not_finite: int
    not_finite: tuple[int, ...]
    n_differing: int


@dataclass
class _Found:
    """Counters of :class:`Scored` while the rows go by."""

    labels: list[Indices] = field(default_factory=list)
    predictions: list[Indices] = field(default_factory=list)
    n_not_finite: int = 0
    not_finite: list[int] = field(default_factory=list)
    n_differing: int = 0


def score_table(
    blocks: ScoreBlocks,
    kind: OutputKind,
    labels: Indices,
    predictions: Indices | None,
    folder: Path,
    *,
    declared: bool,
) -> Scored:
    """Score every row once and spool what it says.

    Parameters
    ----------
    labels, predictions
        Class indices of all rows, shape (N,); a negative label leaves the row out. No
        predictions: the largest score decides.
    declared
        Whether the user said the kind: then every row is held against it.
    """
    found = _Found()
    spool = Spool.of(
        _scored_batches(blocks, kind, labels, predictions, found, declared),
        folder,
        name=blocks.table.name,
        sha256="",
        columns={},
        find=blocks.table.place,
    )
    empty = np.zeros(0, np.int8)
    return Scored(
        spool,
        np.concatenate([empty, *found.labels]),
        np.concatenate([empty, *found.predictions]),
        found.n_not_finite,
        tuple(found.not_finite),
        found.n_differing,
    )


def _scored_batches(
    blocks: ScoreBlocks,
    kind: OutputKind,
    labels: Indices,
    predictions: Indices | None,
    into: _Found,
    declared: bool,
) -> Iterator[Any]:
    small = smallest(max(blocks.width, 2))
    for start, scores in blocks.blocks():
        label = labels[start : start + len(scores)].astype(np.int32)
        rows = score(scores, label, kind)
        kept = (label >= 0) & rows.finite
        if declared:
            _require_kind(blocks, kind, start, scores, kept)
        missing = np.flatnonzero((label >= 0) & ~rows.finite)
        into.n_not_finite += len(missing)
        into.not_finite += (start + missing[: _EXAMPLES - len(into.not_finite)]).tolist()
        if predictions is not None:
            theirs = predictions[start : start + len(scores)]
            differing = np.flatnonzero(kept & (theirs != rows.prediction))
            into.n_differing += len(differing)
            rows = _as_predicted(rows, scores, theirs, kind, differing)
        into.labels.append(np.where(kept, label, -1).astype(small))
        into.predictions.append(rows.prediction.astype(small))
        yield _batch(rows)


def _require_kind(
    blocks: ScoreBlocks, kind: OutputKind, start: int, scores: Floats, kept: NDArray[np.bool_]
) -> None:
    if contradiction(scores[kept], kind) is None:
        return
    for i in np.flatnonzero(kept):
        if why := contradiction(scores[i : i + 1], kind):
            raise contradicted(blocks, kind, start + int(i), why)


def _as_predicted(
    rows: ScoredRows,
    scores: Floats,
    predictions: Indices,
    kind: OutputKind,
    differing: NDArray[np.intp],
) -> ScoredRows:
    """With the predictions of the table, and how probable the scores find them."""
    prediction, confidence = rows.prediction.copy(), rows.confidence.copy()
    prediction[differing] = predictions[differing]
    shares = probabilities(scores[differing], kind)
    confidence[differing] = shares[np.arange(len(differing)), predictions[differing]]
    return replace(rows, prediction=prediction, confidence=confidence)


def _batch(rows: ScoredRows) -> Any:
    import pyarrow as pa

    arrays = {}
    for name in SCORED_COLUMNS:
        values = getattr(rows, name)
        arrays[name] = pa.array(values.ravel())
        if values.ndim == 2:
            arrays[name] = pa.FixedSizeListArray.from_arrays(arrays[name], values.shape[1])
    return pa.record_batch(arrays)


def not_finite_error(n: int, places: Sequence[str], limit: int, what: str) -> ReportgenError:
    """More rows without usable scores than the user allows."""
    return DataError(
        f"{plural(n, 'row')} with {what}: {', '.join(places[:5])}",
        slug="too-many-bad",
        details=[f"--max-bad is {limit}"],
        hint=f"leave them out, and count them: --max-bad {n}",
    )
