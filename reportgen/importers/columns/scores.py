"""Scores of all classes, in blocks of rows; their type is decided once for the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import DataError, ReportgenError, UsageError
from reportgen.importers.columns.cells import not_a_number, numbers, smallest
from reportgen.importers.columns.detect import ScoreColumns
from reportgen.importers.columns.families import SMALLEST_IS_BEST, word_for_distances
from reportgen.importers.columns.held_rows import give_back_after, held_rows
from reportgen.importers.columns.rounding import Rounding
from reportgen.importers.formats.tables import LIST, Spool, Table
from reportgen.metrics import (
    SUM_TOLERANCE,
    OutputKind,
    ScoredRows,
    contradiction,
    finite_rows,
    probabilities,
    score,
)
from reportgen.text import count, listing, plural, quoted, typed

__all__ = [
    "SCORED_COLUMNS",
    "ScoreBlocks",
    "ScoreKind",
    "ScoreTally",
    "Scored",
    "decide_kind",
    "not_finite_error",
    "read_scores",
    "require_unranked",
    "score_table",
]


_CELLS = 1 << 20
"""Scores read at once: 4 MB in float32, which stay in the cache from step to step."""


Saved = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class ScoreBlocks:
    """The scores of a table, in blocks of rows.

    Attributes
    ----------
    width
        Number W of scores per sample.
    order
        Index of each class's score; None if they are in the order of the class list.
    """

    table: Table
    columns: ScoreColumns
    width: int
    order: tuple[int, ...] | None = None

    @classmethod
    def of(cls, table: Table, columns: ScoreColumns) -> ScoreBlocks:
        """Construct; the width is read from the first row if the columns do not have it."""
        width = columns.width
        if width is None:
            width = _first_width(table, columns.columns[0])
        return cls(table, columns, width)

    @cached_property
    def dtype(self) -> type[np.floating[Any]]:
        """Dtype of scores: float32 if all were saved in single or half precision."""
        single = all(self.table.columns[name].single for name in self.columns.columns)
        return np.float32 if single else np.float64

    @property
    def rows(self) -> int:
        """Maximum rows per block."""
        return max(_CELLS // self.width, 64)

    def of_batch(self, batch: Any, start: int) -> Saved:
        """Scores of a batch in class order, of :attr:`dtype`: shape (n, W), nan for missing ones.

        `start` is the table row of the first one.
        """
        if self.table.columns[self.columns.columns[0]].kind == LIST:
            block = self._lists(batch.column(0), start)
            return block if self.order is None else block[:, list(self.order)]
        block = np.empty((len(batch), self.width), self.dtype)
        for i, at in enumerate(self.order or range(self.width)):
            name, column = self.columns.columns[at], batch.column(at)
            if block.dtype == np.float32:  # saved so: no text to read
                block[:, i] = column.to_numpy(zero_copy_only=False)
                continue
            comma = self.table.columns[name].comma
            block[:, i] = numbers(column, self._describe(name, start), comma=comma)
        return block

    @cached_property
    def first(self) -> Saved:
        """The scores of the first block; shape (0, W) without rows."""
        none = np.empty((0, self.width), self.dtype)
        return next((scores for _, scores in self.blocks()), none)

    def blocks(self) -> Iterator[tuple[int, Saved]]:
        """(first row, scores) of every block."""
        start = 0
        for batch in self.table.batches(self.columns.columns, self.rows):
            yield start, self.of_batch(batch, start)
            start += len(batch)

    def _describe(self, name: str, start: int) -> Any:
        return lambda row, cell: not_a_number(name, self.table.place(start + row), cell)

    def _lists(self, array: Any, start: int) -> Saved:
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
        flat = array.flatten().to_numpy(zero_copy_only=False).astype(self.dtype, copy=False)
        block: Saved
        if not array.null_count:
            block = flat.reshape(len(array), self.width)
            return block
        block = np.full((len(array), self.width), np.nan, self.dtype)
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
        f"column {quoted(column)} of {quoted(table.name)} contains no scores",
        slug="scores-length",
        hint="every sample needs one score for each class",
    )


_SLACK = 1e-6


_FAR_ABOVE_1 = 10


_FEWEST_RANKS = 3  # of columns and of rows: fewer decrease by chance


_INDEPENDENT = (
    "specify the type: --outputs one-vs-rest if each class has its own score, such as a "
    "sigmoid; --outputs logits if a softmax is to follow"
)


@dataclass(frozen=True)
class ScoreKind:
    """The type of the scores of a file.

    Attributes
    ----------
    tolerance
        How far the sum of a row's probabilities may be from 1.
    decimals
        Maximum decimals of any score, if their rounding determines the tolerance; else None.
    """

    kind: OutputKind
    tolerance: float = SUM_TOLERANCE
    decimals: int | None = None


@dataclass
class ScoreTally:
    """Statistics that determine the type of scores, over all finite rows of a file.

    Attributes
    ----------
    tolerance, percent_tolerance
        Allowed deviation of sums from 1 for probabilities, and from 100 for percentages.
    n_finite
        Number of rows without nan and +inf.
    n_unit
        Number of those with all scores in [0, 1].
    n_probable, n_log_probable, n_percent
        Number of rows that could be probabilities, log-probabilities or percentages: they sum to 1,
        or to 100, within the tolerance.
    n_whole, largest, least
        Number of rows of whole numbers; the largest and the smallest score.
    sums
        The smallest and the largest sum of a row.
    improbable, log_improbable
        The index of the first row that could not, and why.
    """

    tolerance: float = SUM_TOLERANCE
    percent_tolerance: float = SUM_TOLERANCE
    n_finite: int = 0
    n_unit: int = 0
    n_probable: int = 0
    n_log_probable: int = 0
    n_percent: int = 0
    n_whole: int = 0
    largest: float = -np.inf
    least: float = np.inf
    sums: tuple[float, float] = (np.inf, -np.inf)
    improbable: tuple[int, str] | None = None
    log_improbable: tuple[int, str] | None = None
    rounding: Rounding = field(default_factory=Rounding)

    def add(self, start: int, scores: Saved) -> None:
        """Count a block, float32 or float64, shape (n, W), that begins at row `start`."""
        finite = finite_rows(scores, None)
        at = np.flatnonzero(finite)
        if len(at) == 0:
            return
        scores = scores if finite.all() else scores[finite]
        single = scores.shape[1] == 1
        least, largest = scores.min(axis=1), scores.max(axis=1)
        unit = (least >= -_SLACK) & (largest <= 1 + _SLACK)
        negative = largest <= _SLACK
        sums = scores.sum(axis=1, dtype=np.float64)
        log_sums = np.zeros(len(scores))
        log_sums[negative] = np.exp(scores[negative].astype(np.float64)).sum(axis=1)
        probable = unit & (single | (np.abs(sums - 1) <= self.tolerance))
        log_probable = negative & (single | (np.abs(log_sums - 1) <= SUM_TOLERANCE))
        self.n_finite += len(at)
        self.n_unit += int(np.count_nonzero(unit))
        self.n_probable += int(np.count_nonzero(probable))
        self.n_log_probable += int(np.count_nonzero(log_probable))
        near = np.abs(sums / 100 - 1) <= self.percent_tolerance
        self.n_percent += int(np.count_nonzero((least >= 0) & near))
        whole = scores[scores[:, 0] == np.rint(scores[:, 0])]
        self.n_whole += int(np.count_nonzero((whole == np.rint(whole)).all(axis=1)))
        self.largest = max(self.largest, float(largest.max()))
        self.least = min(self.least, float(least.min()))
        self.sums = min(self.sums[0], float(sums.min())), max(self.sums[1], float(sums.max()))
        self.rounding.add(scores)
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


def read_scores(
    blocks: ScoreBlocks,
    declared: str,
    labels: Indices,
    predictions: Indices | None,
    folder: Path,
) -> tuple[ScoreKind, Scored]:
    """The type of all scores of a file (:func:`decide_kind`), and the scored rows.

    Both in one pass if the type is that of the first block.
    """
    likely, tally = _likely_kind(blocks, declared), None
    if likely is not None:
        tally = ScoreTally()
        scored = score_table(blocks, likely, labels, predictions, folder, tally=tally)
    kind = decide_kind(blocks, declared, tally)
    if kind != likely:
        is_declared = declared != "auto"
        scored = score_table(blocks, kind, labels, predictions, folder, is_declared=is_declared)
    return kind, scored


def _likely_kind(blocks: ScoreBlocks, declared: str) -> ScoreKind | None:
    """The type of the first block; None if the file is not read to detect its type, or if that is
    doubtful.
    """
    if declared != "auto" or blocks.columns.hint == OutputKind.LOGITS:
        return None
    tally = ScoreTally()
    tally.add(0, blocks.first)
    if max(tally.rounding.tolerance(blocks.width, unit) for unit in (1, 100)) > SUM_TOLERANCE:
        return None
    try:
        return ScoreKind(_decide(tally, blocks))
    except ReportgenError:
        return None


def decide_kind(blocks: ScoreBlocks, declared: str, tally: ScoreTally | None = None) -> ScoreKind:
    """Decide the type of all scores of a file.

    The type is `declared`, or taken from column names; with ``"auto"`` it is otherwise detected
    from the values. `tally` is that of all rows, if known.

    Raises
    ------
    DataError
        ``scores-sum``: most rows are probabilities, or the columns have this name, and one is not.
    UsageError
        ``outputs-ambiguous``: two readings are possible; ``outputs-percentages``: they may be
        percentages.
    """
    if tally is None:
        tally = _tally(blocks, ScoreTally(), declared)
    tolerances = [tally.rounding.tolerance(blocks.width, unit) for unit in (1, 100)]
    if max(tolerances) > SUM_TOLERANCE and declared == "auto" and _may_be_rounded(tally):
        given = ScoreTally(tolerance=tolerances[0], percent_tolerance=tolerances[1])
        rounded = _tally(blocks, given, declared)
        # valid rows need no tolerance
        tally = rounded if rounded.n_probable > tally.n_probable or rounded.n_percent else tally
    if declared != "auto":
        kind = OutputKind(declared)
        if blocks.width == 1 and kind is OutputKind.ONE_VS_REST:
            kind = OutputKind.PROBABILITIES  # the score of the second of two classes: its sigmoid
    else:
        _refuse_distances(blocks)
        kind = _decide(tally, blocks)
    if kind is OutputKind.PERCENTAGES:
        return ScoreKind(kind, tolerances[1], tally.rounding.decimals_at(tolerances[1]))
    if kind is OutputKind.PROBABILITIES:
        return ScoreKind(kind, tolerances[0], tally.rounding.decimals_at(tolerances[0]))
    return ScoreKind(kind)


def _may_be_rounded(tally: ScoreTally) -> bool:
    return tally.n_probable < tally.n_finite and tally.least >= -_SLACK


def _tally(blocks: ScoreBlocks, tally: ScoreTally, declared: str) -> ScoreTally:
    named_logits = blocks.columns.hint == OutputKind.LOGITS and declared == "auto"
    if declared not in ("auto", OutputKind.PROBABILITIES, OutputKind.PERCENTAGES):
        return tally
    for start, scores in blocks.blocks():
        tally.add(start, scores)
        if named_logits and tally.improbable is not None:
            break  # the column names decide: no later row can change that
    return tally


def _decide(tally: ScoreTally, blocks: ScoreBlocks) -> OutputKind:
    n, hint = tally.n_finite, blocks.columns.hint
    if n == 0:
        return OutputKind.LOGITS
    _refuse_percentages(tally, blocks)
    if hint == OutputKind.LOGITS:
        if tally.n_probable == n and blocks.width > 1:
            raise UsageError(
                f"{_what(blocks)} are declared logits, but all rows lie in 0..1 and sum to 1",
                slug="outputs-ambiguous",
                hint="specify the type: --outputs probabilities or --outputs logits",
            )
        return OutputKind.LOGITS
    independent = tally.n_unit == n and 2 * tally.n_probable < n and blocks.width > 1
    readings = (
        (OutputKind.PROBABILITIES, tally.n_probable, tally.improbable),
        (OutputKind.LOG_PROBABILITIES, tally.n_log_probable, tally.log_improbable),
    )
    for kind, n_fit, offender in readings:
        if hint and hint != kind:
            continue
        if n_fit == n and (blocks.width > 1 or kind is OutputKind.PROBABILITIES or hint):
            return kind
        if offender and not independent and (hint or (2 * n_fit >= n and blocks.width > 1)):
            raise _unlike_the_rest(blocks, kind, n_fit, n, offender, tally.tolerance)
    if tally.n_unit == n and blocks.width > 1:
        raise UsageError(
            f"{_what(blocks)} all lie in 0..1, but don't sum to 1: probabilities or logits?",
            slug="outputs-ambiguous",
            details=[] if tally.improbable is None else [
                f"{blocks.table.place(tally.improbable[0])}: {tally.improbable[1]}"
            ],
            hint=_INDEPENDENT,
        )  # fmt: skip
    _refuse_counts(tally, blocks)
    return OutputKind.LOGITS


def require_unranked(blocks: ScoreBlocks) -> None:
    """Refuse unnamed scores that decrease from left to right in every row.

    They may belong to ranks, as in top-k columns.
    """
    if blocks.width < _FEWEST_RANKS:
        return
    if not _decrease(blocks, blocks.first):
        return
    n = 0
    for _, scores in blocks.blocks():
        if not _decrease(blocks, scores):
            return
        n += len(scores)
    if n < _FEWEST_RANKS:
        return
    columns = blocks.columns.columns
    raise DataError(
        f"{_what(blocks)} decrease from left to right in every row: they may be those of the "
        "best classes, not of each class in order",
        slug="scores-ranked",
        details=[f"columns {listing(columns)}", "the class of each rank is needed then"],
        hint="if the first is always that of the first class: --scores-columns "
        f"{typed(','.join(columns))}; else save the classes of the ranks too, as top1, top2",
    )


def _refuse_distances(blocks: ScoreBlocks) -> None:
    """Refuse score columns whose names say, beside the class, that smaller is better."""
    columns = blocks.columns
    names = columns.names or [""] * len(columns.columns)
    if len(names) != len(columns.columns):  # one column of lists
        names = [""]
    for column, name in zip(columns.columns, names, strict=True):
        rest = column.removesuffix(name) if column.endswith(name) else column.removeprefix(name)
        if (word := word_for_distances(rest)) is not None:
            raise UsageError(
                f"{_what(blocks)} seem to be smallest for the prediction: column {quoted(column)} "
                f"has the word {quoted(word)}",
                slug="scores-inverted",
                hint=f"{SMALLEST_IS_BEST}; if the largest is the prediction: --outputs logits",
            )


def _decrease(blocks: ScoreBlocks, scores: Saved) -> bool:
    in_order = scores if blocks.order is None else scores[:, np.argsort(blocks.order)]
    return bool(np.all(in_order[:, 1:] <= in_order[:, :-1]))


def _refuse_percentages(tally: ScoreTally, blocks: ScoreBlocks) -> None:
    n = tally.n_finite
    single = blocks.width == 1 and tally.least >= 0 and 1 < tally.largest <= 100
    if not single and 2 * tally.n_percent < n:
        return
    told = (
        f"lie in 0..{tally.largest:.4g}"
        if single
        else f"sum to 100 in {count(tally.n_percent)} of {count(n)} rows"
    )
    raise UsageError(
        f"{_what(blocks)} {told}: percentages?",
        slug="outputs-percentages",
        hint="if so:  --outputs percentages; scores before a softmax: --outputs logits",
    )


def _refuse_counts(tally: ScoreTally, blocks: ScoreBlocks) -> None:
    """Refuse large whole numbers, or ones with equal sums: likely counts or votes, not logits."""
    if tally.n_whole < tally.n_finite or tally.least < 0 or tally.largest <= 1:
        return
    if tally.largest < _FAR_ABOVE_1 and (tally.sums[0] < tally.sums[1] or tally.n_finite < 3):
        return
    raise UsageError(
        f"{_what(blocks)} are whole numbers up to {tally.largest:.6g}: counts or logits?",
        slug="outputs-ambiguous",
        hint="divide counts or votes by their sum in each row; write classes, best first, into "
        "columns top_1, top_2, …; scores before a softmax: --outputs logits",
    )


def _what(blocks: ScoreBlocks) -> str:
    return f"the scores of {quoted(blocks.table.name)}"


def _unlike_the_rest(
    blocks: ScoreBlocks,
    kind: OutputKind,
    n_fit: int,
    n: int,
    offender: tuple[int, str],
    tolerance: float,
) -> DataError:
    return DataError(
        f"{blocks.table.place(offender[0])}: {offender[1]}",
        slug="scores-sum",
        details=[f"{count(n_fit)} of {count(n)} rows are {kind}, within {tolerance:.3g}"],
        hint="every row needs the scores of all classes, which sum to 1; scores that are "
        "independent of each other, such as sigmoids: --outputs one-vs-rest; scores before a "
        "softmax: --outputs logits",
    )


SCORED_COLUMNS = ("confidence", "label_probability", "label_rank", "top_tied", "top_classes",
                  "top_probabilities")  # fmt: skip


Indices = NDArray[np.signedinteger[Any]]


_EXAMPLES = 10


def warn_contradiction(blocks: ScoreBlocks, kind: OutputKind, row: int, why: str) -> DataError:
    """Warn about a row that contradicts the declared type."""
    return DataError(
        f"{blocks.table.place(row)}: {why}",
        slug="scores-sum",
        details=[f"the scores are read as {kind}, as declared"],
        hint="correct the row; scores that are independent of each other, such as sigmoids: "
        "--outputs one-vs-rest"
        if kind is OutputKind.PROBABILITIES
        else "omit --outputs, or correct the row",
    )


@dataclass(frozen=True)
class Scored:
    """The results of :func:`score_table`.

    Attributes
    ----------
    spool
        One row per table row, in order: ``confidence``, ``label_probability``, ``label_rank``,
        ``top_tied``, ``top_classes`` and ``top_probabilities``, as
        :class:`~reportgen.metrics.scores.ScoredRows` has them, probabilities in
        :attr:`ScoreBlocks.dtype`.
    labels, predictions
        Class indices of all rows, shape (N,); the label of an excluded row is -1.
    n_not_finite, not_finite
        Number of rows excluded for their scores, and the index of the first.
    n_differing
        Number of rows whose prediction is not the class with the largest score.
    all_in_unit
        Whether all scores in use are in [0, 1].
    n_off
        Number of rows whose probabilities deviate from a sum of 1 by more than 0.001, due to
        rounding.
    n_classes, n_right, n_last
        Number of scores per row; number of rows whose label alone has the largest, and
        the smallest.
    """

    spool: Spool
    labels: Indices
    predictions: Indices
    n_not_finite: int
    not_finite: tuple[int, ...]
    n_differing: int
    all_in_unit: bool = False
    n_off: int = 0
    n_classes: int = 0
    n_right: int = 0
    n_last: int = 0


@dataclass
class _Found:
    """Counters for :class:`Scored`."""

    labels: Indices
    predictions: Indices
    n_not_finite: int = 0
    not_finite: list[int] = field(default_factory=list)
    n_differing: int = 0
    all_in_unit: bool = True
    n_off: int = 0
    n_right: int = 0
    n_last: int = 0


def score_table(
    blocks: ScoreBlocks,
    kind: ScoreKind,
    labels: Indices,
    predictions: Indices | None,
    folder: Path,
    *,
    is_declared: bool = False,
    tally: ScoreTally | None = None,
) -> Scored:
    """Score every row once, and spool the results.

    Parameters
    ----------
    labels, predictions
        Class indices of all rows, shape (N,); rows with a negative label are excluded. Without
        predictions, the largest score decides.
    is_declared
        Whether the user declared the type; then every row is checked against it.
    tally
        Counts all rows meanwhile.
    """
    small = smallest(max(blocks.width, 2))
    found = _Found(held_rows(len(labels), small, folder), held_rows(len(labels), small, folder))
    spool = Spool.of(
        _scored_batches(blocks, kind, labels, predictions, found, is_declared, tally),
        folder,
        name=blocks.table.name,
        sha256="",
        columns={},
        find=blocks.table.place,
    )
    return Scored(
        spool,
        found.labels,
        found.predictions,
        found.n_not_finite,
        tuple(found.not_finite),
        found.n_differing,
        found.all_in_unit and len(labels) > 0,
        found.n_off,
        max(blocks.width, 2),
        found.n_right,
        found.n_last,
    )


def _scored_batches(
    blocks: ScoreBlocks,
    read: ScoreKind,
    labels: Indices,
    predictions: Indices | None,
    into: _Found,
    is_declared: bool,
    tally: ScoreTally | None,
) -> Iterator[Any]:
    kind = read.kind
    for start, scores in blocks.blocks():
        if tally is not None:
            tally.add(start, scores)
        own = slice(start, start + len(scores))
        label = labels[own].astype(np.int32)
        rows = score(scores, label, kind)
        kept = (label >= 0) & rows.finite
        if is_declared:
            _require_kind(blocks, read, start, scores, kept)
        used = scores if kept.all() else scores[kept]
        if used.size:
            into.all_in_unit = into.all_in_unit and bool(used.min() >= 0 and used.max() <= 1)
        if read.decimals is not None:
            sums = rows.probabilities[kept].sum(axis=1, dtype=np.float64)
            into.n_off += int(np.count_nonzero(np.abs(sums - 1) > SUM_TOLERANCE))
        ranks = rows.label_rank[kept]
        last = used[ranks == max(blocks.width, 2)]
        alone = (last == last.min(axis=1, keepdims=True)).sum(axis=1) == 1
        into.n_right += int(np.count_nonzero(ranks == 1))
        into.n_last += int(np.count_nonzero(alone))
        missing = np.flatnonzero((label >= 0) & ~rows.finite)
        into.n_not_finite += len(missing)
        into.not_finite += (start + missing[: _EXAMPLES - len(into.not_finite)]).tolist()
        if predictions is not None:
            theirs = predictions[own]
            differing = np.flatnonzero(kept & (theirs != rows.prediction))
            into.n_differing += len(differing)
            rows = _as_predicted(rows, scores, theirs, kind, differing)
        into.labels[own] = np.where(kept, label, -1)
        into.predictions[own] = rows.prediction
        give_back_after(start, len(scores), labels, predictions, into.labels, into.predictions)
        yield _batch(rows, blocks.dtype)


def _require_kind(
    blocks: ScoreBlocks, read: ScoreKind, start: int, scores: Saved, kept: NDArray[np.bool_]
) -> None:
    if contradiction(scores[kept], read.kind, read.tolerance) is None:
        return
    for i in np.flatnonzero(kept):
        if why := contradiction(scores[i : i + 1], read.kind, read.tolerance):
            raise warn_contradiction(blocks, read.kind, start + int(i), why)


def _as_predicted(
    rows: ScoredRows,
    scores: Saved,
    predictions: Indices,
    kind: OutputKind,
    differing: NDArray[np.intp],
) -> ScoredRows:
    """Replace the predictions by those of the table, with their probabilities by the scores."""
    prediction, confidence = rows.prediction.copy(), rows.confidence.copy()
    prediction[differing] = predictions[differing]
    shares = probabilities(scores[differing], kind)
    confidence[differing] = shares[np.arange(len(differing)), predictions[differing]]
    return replace(rows, prediction=prediction, confidence=confidence)


def _batch(rows: ScoredRows, dtype: type[np.floating[Any]]) -> Any:
    import pyarrow as pa

    arrays = {}
    for name in SCORED_COLUMNS:
        values = getattr(rows, name)
        if values.dtype.kind == "f":
            values = values.astype(dtype, copy=False)
        arrays[name] = pa.array(values.ravel())
        if values.ndim == 2:
            arrays[name] = pa.FixedSizeListArray.from_arrays(arrays[name], values.shape[1])
    return pa.record_batch(arrays)


def not_finite_error(n: int, places: Sequence[str], limit: int, what: str) -> ReportgenError:
    """The error for more rows without finite scores than allowed."""
    return DataError(
        f"{plural(n, 'row')} with {what}: {', '.join(places[:5])}",
        slug="too-many-bad",
        details=[f"--max-bad is {limit}"],
        hint=f"skip (and count) them: --max-bad {n}",
    )
