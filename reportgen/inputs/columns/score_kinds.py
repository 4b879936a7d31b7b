"""How scores are read, as probabilities or logits: decided once, over all rows."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field

import numpy as np

from reportgen.errors import DataError, UsageError
from reportgen.inputs.columns.rounding import Rounding
from reportgen.inputs.columns.score_blocks import ScoreBlocks
from reportgen.scores import SUM_TOLERANCE, Floats, OutputKind, contradiction, finite_rows
from reportgen.text import count, listing, quoted

__all__ = ["ScoreKind", "ScoreTally", "decide_kind", "require_unranked"]

_SLACK = 1e-6
_FAR_ABOVE_1 = 10
_FEWEST_RANKS = 3  # of columns and of rows: fewer fall by chance
_ASK = "say what they are: --outputs probabilities, --outputs log-probabilities or --outputs logits"
_INDEPENDENT = (
    "say what they are: --outputs one-vs-rest where each class has a score of its own, such as a "
    "sigmoid; --outputs logits where a softmax is to follow"
)


@dataclass(frozen=True)
class ScoreKind:
    """How the scores of a file are read.

    Attributes
    ----------
    tolerance
        How far the probabilities of a row may be from adding up to 1.
    decimals
        Most decimals of any score, where rounding to them makes the tolerance; else None.
    """

    kind: OutputKind
    tolerance: float = SUM_TOLERANCE
    decimals: int | None = None


@dataclass
class ScoreTally:
    """What decides how scores are read, counted over all finite rows of a file.

    Attributes
    ----------
    tolerance, percent_tolerance
        How far probabilities may be from adding up to 1, and shares of percentages.
    n_finite
        Rows without nan and +inf.
    n_unit
        Of them, rows with all scores in [0, 1].
    n_probable, n_log_probable, n_percent
        Rows that could be probabilities, log-probabilities or percentages: they sum to 1, or to
        100, within the tolerance.
    n_whole, largest, least
        Rows of whole numbers, and the largest and the smallest score.
    sums
        The smallest and the largest sum of a row.
    improbable, log_improbable
        The first row (from 0) that could not, and why.
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

    def add(self, start: int, scores: Floats) -> None:
        """Count a block, float64, shape (n, W), that begins at row `start`."""
        finite = finite_rows(scores, None)
        at, scores = np.flatnonzero(finite), scores[finite]
        if len(at) == 0:
            return
        single = scores.shape[1] == 1
        unit = np.all((scores >= -_SLACK) & (scores <= 1 + _SLACK), axis=1)
        negative = np.all(scores <= _SLACK, axis=1)
        sums = scores.sum(axis=1)
        with np.errstate(over="ignore"):
            log_sums = np.exp(np.where(negative[:, None], scores, -np.inf)).sum(axis=1)
        probable = unit & (single | (np.abs(sums - 1) <= self.tolerance))
        log_probable = negative & (single | (np.abs(log_sums - 1) <= SUM_TOLERANCE))
        self.n_finite += len(at)
        self.n_unit += int(np.count_nonzero(unit))
        self.n_probable += int(np.count_nonzero(probable))
        self.n_log_probable += int(np.count_nonzero(log_probable))
        self._count_others(scores, sums)
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

    def _count_others(self, scores: Floats, sums: Floats) -> None:
        least, largest = scores.min(axis=1), scores.max(axis=1)
        near = np.abs(sums / 100 - 1) <= self.percent_tolerance
        self.n_percent += int(np.count_nonzero((least >= 0) & near))
        self.n_whole += int(np.count_nonzero((scores == np.rint(scores)).all(axis=1)))
        self.largest = max(self.largest, float(largest.max()))
        self.least = min(self.least, float(least.min()))
        self.sums = min(self.sums[0], float(sums.min())), max(self.sums[1], float(sums.max()))
        self.rounding.add(scores)


def decide_kind(blocks: ScoreBlocks, declared: str) -> ScoreKind:
    """How all scores of a file are read: as `declared`, by its columns' names where they say it,
    else (``"auto"``) by values.

    Raises
    ------
    DataError
        ``scores-sum``: most rows are probabilities, or the columns are called so, and one is not.
    UsageError
        ``outputs-ambiguous``: two readings are possible; ``outputs-percentages``: they may be
        percentages.
    """
    tally = _tally(blocks, ScoreTally(), declared)
    tolerances = [tally.rounding.tolerance(blocks.width, unit) for unit in (1, 100)]
    if max(tolerances) > SUM_TOLERANCE and declared == "auto" and _may_be_rounded(tally):
        given = ScoreTally(tolerance=tolerances[0], percent_tolerance=tolerances[1])
        rounded = _tally(blocks, given, declared)
        # what is as it should be needs no tolerance
        tally = rounded if rounded.n_probable > tally.n_probable or rounded.n_percent else tally
    if declared != "auto":
        kind = OutputKind(declared)
        if blocks.width == 1 and kind is OutputKind.ONE_VS_REST:
            kind = OutputKind.PROBABILITIES  # the score of the second of two classes: its sigmoid
    else:
        kind = _decided(tally, blocks)
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
            break  # what the columns' name says stands: nothing that follows can unsettle it
    return tally


def _decided(tally: ScoreTally, blocks: ScoreBlocks) -> OutputKind:
    n, hint = tally.n_finite, blocks.columns.hint
    if n == 0:
        return OutputKind.LOGITS
    _refuse_percentages(tally, blocks)
    if hint == OutputKind.LOGITS:
        if tally.n_probable == n and blocks.width > 1:
            raise UsageError(
                f"{_what(blocks)} are called logits, but all rows lie in 0..1 and sum to 1",
                slug="outputs-ambiguous",
                hint=_ASK,
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
        hint="if so, say it: --outputs percentages; scores before a softmax: --outputs logits",
    )


def _refuse_counts(tally: ScoreTally, blocks: ScoreBlocks) -> None:
    """Whole numbers that are large, or have one sum, are counts or votes sooner than logits."""
    if tally.n_whole < tally.n_finite or tally.least < 0 or tally.largest <= 1:
        return
    if tally.largest < _FAR_ABOVE_1 and (tally.sums[0] < tally.sums[1] or tally.n_finite < 3):
        return
    raise UsageError(
        f"{_what(blocks)} are whole numbers up to {tally.largest:.6g}: counts or logits?",
        slug="outputs-ambiguous",
        hint="divide counts or votes by their sum in each row; scores before a softmax: "
        "--outputs logits",
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
