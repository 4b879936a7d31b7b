"""How scores are read, as probabilities or logits: decided once, over all rows."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import numpy as np

from reportgen.errors import DataError, UsageError
from reportgen.inputs.columns.score_blocks import ScoreBlocks
from reportgen.scores import SUM_TOLERANCE, Floats, OutputKind, contradiction, finite_rows
from reportgen.text import count, listing, quoted

__all__ = ["ScoreTally", "decide_kind", "require_unranked"]

_SLACK = 1e-6
_FEWEST_RANKS = 3  # of columns and of rows: fewer fall by chance
_ASK = "say what they are: --outputs probabilities, --outputs log-probabilities or --outputs logits"


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


def require_unranked(blocks: ScoreBlocks) -> None:
    """Refuse scores without names of classes that fall from left to right in every row: they may
    be those of ranks, as top-k columns are.
    """
    if blocks.width < _FEWEST_RANKS:
        return
    n = 0
    for _, scores in blocks.blocks():
        in_order = scores if blocks.order is None else scores[:, np.argsort(blocks.order)]
        if not np.all(np.diff(in_order, axis=1) <= 0):
            return
        n += len(scores)
    if n < _FEWEST_RANKS:
        return
    columns = blocks.columns.columns
    raise DataError(
        f"{_what(blocks)} fall from left to right in every row: they may be those of the best "
        "classes, not of each class in its order",
        slug="scores-ranked",
        details=[f"columns {listing(columns)}", "the class of each rank is needed then"],
        hint="if the first is always that of the first class: --scores-columns "
        f"{shlex.quote(','.join(columns))}; else save the classes of the ranks too, as top1, top2",
    )


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
