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

from reportgen.errors import DataError, ReportgenError
from reportgen.inputs.columns.cells import smallest
from reportgen.inputs.columns.score_blocks import ScoreBlocks
from reportgen.inputs.columns.score_kinds import ScoreKind
from reportgen.inputs.formats.tables import Spool
from reportgen.scores import (
    SUM_TOLERANCE,
    Floats,
    OutputKind,
    ScoredRows,
    contradiction,
    probabilities,
    score,
)
from reportgen.text import plural

__all__ = ["SCORED_COLUMNS", "Scored", "not_finite_error", "score_table"]

SCORED_COLUMNS = ("confidence", "label_probability", "label_rank", "top_tied", "top_classes",
                  "top_probabilities")  # fmt: skip
Indices = NDArray[np.signedinteger[Any]]

_EXAMPLES = 10


def contradicted(blocks: ScoreBlocks, kind: OutputKind, row: int, why: str) -> DataError:
    """A row that is not what the scores were declared to be."""
    return DataError(
        f"{blocks.table.place(row)}: {why}",
        slug="scores-sum",
        details=[f"the scores are read as {kind}, as declared"],
        hint="correct the row; scores that are independent of each other, such as sigmoids: "
        "--outputs one-vs-rest"
        if kind is OutputKind.PROBABILITIES
        else "leave out --outputs, or correct the row",
    )


@dataclass(frozen=True)
class Scored:
    """What :func:`score_table` found on its way.

    Attributes
    ----------
    spool
        One row for each row of the table, in its order: ``confidence``,
        ``label_probability``, ``label_rank``, ``top_tied``, ``top_classes`` and
        ``top_probabilities``, as :class:`~reportgen.scores.ScoredRows` has them, probabilities in
        :attr:`ScoreBlocks.dtype`.
    labels, predictions
        Class indices of all rows, shape (N,); the label is -1 where the row is left out.
    n_not_finite, not_finite
        Rows left out for their scores, and the first of them (from 0).
    n_differing
        Rows whose prediction column is not the class of the largest score.
    all_in_unit
        Whether all scores that were used lie in [0, 1].
    n_off
        Rows of probabilities whose sum is off by more than 0.001, for their rounding.
    """

    spool: Spool
    labels: Indices
    predictions: Indices
    n_not_finite: int
    not_finite: tuple[int, ...]
    n_differing: int
    all_in_unit: bool = False
    n_off: int = 0


@dataclass
class _Found:
    """Counters of :class:`Scored` while the rows go by."""

    labels: list[Indices] = field(default_factory=list)
    predictions: list[Indices] = field(default_factory=list)
    n_not_finite: int = 0
    not_finite: list[int] = field(default_factory=list)
    n_differing: int = 0
    all_in_unit: bool = True
    n_off: int = 0


def score_table(
    blocks: ScoreBlocks,
    kind: ScoreKind,
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
        found.all_in_unit and bool(found.labels),
        found.n_off,
    )


def _scored_batches(
    blocks: ScoreBlocks,
    read: ScoreKind,
    labels: Indices,
    predictions: Indices | None,
    into: _Found,
    declared: bool,
) -> Iterator[Any]:
    kind = read.kind
    small = smallest(max(blocks.width, 2))
    for start, scores in blocks.blocks():
        label = labels[start : start + len(scores)].astype(np.int32)
        rows = score(scores, label, kind)
        kept = (label >= 0) & rows.finite
        if declared:
            _require_kind(blocks, read, start, scores, kept)
        used = scores[kept]
        into.all_in_unit = into.all_in_unit and bool(np.all((used >= 0) & (used <= 1)))
        if read.decimals is not None:
            sums = rows.probabilities[kept].sum(axis=1)
            into.n_off += int(np.count_nonzero(np.abs(sums - 1) > SUM_TOLERANCE))
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
        yield _batch(rows, blocks.dtype)


def _require_kind(
    blocks: ScoreBlocks, read: ScoreKind, start: int, scores: Floats, kept: NDArray[np.bool_]
) -> None:
    if contradiction(scores[kept], read.kind, read.tolerance) is None:
        return
    for i in np.flatnonzero(kept):
        if why := contradiction(scores[i : i + 1], read.kind, read.tolerance):
            raise contradicted(blocks, read.kind, start + int(i), why)


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
    """More rows without usable scores than the user allows."""
    return DataError(
        f"{plural(n, 'row')} with {what}: {', '.join(places[:5])}",
        slug="too-many-bad",
        details=[f"--max-bad is {limit}"],
        hint=f"leave them out, and count them: --max-bad {n}",
    )
