"""Normalised matrices, and the counts that class supports restore."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.class_list import display_name
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.csv_text import unguard
from reportgen.errors import DataError, UsageError
from reportgen.importers.columns.cells import as_index
from reportgen.importers.formats.decimal_commas import with_point
from reportgen.importers.formats.delimited import Dialect, rows_of
from reportgen.importers.formats.limits import require_plain_file
from reportgen.text import count, listing, plural, quoted

__all__ = [
    "KNOWN_METRICS",
    "NormalisedMatrix",
    "normalised_matrix",
    "read_supports",
    "restore",
]


SCALE = 10**9


_WORDS = {
    "true": "the true class",
    "predicted": "the predicted class",
    "all": "all samples",
}


KNOWN_METRICS: Mapping[str, frozenset[str] | None] = {
    "true": frozenset({"recall", "fnr", "balanced_accuracy", "macro_recall"}),
    "predicted": frozenset({"precision", "fdr", "macro_precision"}),
    "all": None,
}
"""Normalisation → names of the metrics that it still determines; None for all.

(``balanced_accuracy`` means the summary metric: a single class's needs its specificity.)
"""


@dataclass(frozen=True, eq=False)
class NormalisedMatrix:
    """Proportions; rows are true, columns predicted.

    Attributes
    ----------
    shares
        float64, shape (K, K), 0..1, read-only. Rows (``over="true"``), columns (``"predicted"``) or
        all cells (``"all"``) sum to 1; rows or columns of an absent class to 0.
    over
        The cells that sum to 1.
    rounding
        Maximum rounding error: half a unit in the last place.
    """

    shares: NDArray[np.float64]
    over: str
    rounding: float = 0.0

    @property
    def n_classes(self) -> int:
        return len(self.shares)

    @property
    def known(self) -> frozenset[str] | None:
        """Names of the metrics that the proportions determine; None for all."""
        return KNOWN_METRICS[self.over]

    @property
    def sentence(self) -> str:
        """A sentence for the reader on what the normalisation means."""
        lost = (
            "The number of samples is unknown, so there are no intervals and no tests"
            if self.over == "all"
            else "The class frequencies are unknown, so accuracy, F1 and everything that depends "
            "on them are unknown, and there are no intervals and no tests"
        )
        return f"The matrix contains proportions of {_WORDS[self.over]}, not counts. {lost}."

    def scaled(self) -> ConfusionMatrix:
        """The proportions as whole numbers, in units of 10⁻⁹.

        Ratios in the :attr:`known` metrics are exact to nine digits; totals, intervals and all
        other metrics of this matrix are meaningless.
        """
        return ConfusionMatrix.from_counts(np.rint(self.shares * SCALE).astype(np.int64))


def normalised_matrix(
    table: NDArray[np.float64], *, over: str, rows_are_true: bool, rounding: float, name: str
) -> NormalisedMatrix:
    """Validate proportions.

    Parameters
    ----------
    table
        float64, shape (K, K): proportions or percentages; a row or column of nan is an absent
        class.
    over
        ``"true"``, ``"predicted"``, ``"all"``, or ``"auto"``: the cells that sum to 1.
    rounding
        Maximum rounding error of a cell of the table.

    Raises
    ------
    DataError
        ``matrix-cell``: a cell is below 0 or above 1; ``shares-sum``: neither rows nor columns sum
        to 1.
    UsageError
        ``shares-ambiguous``: rows and columns both do.
    """
    table = _drop_absent(table)
    shares = table if rows_are_true else table.T
    if not np.all(np.isfinite(shares)) or shares.min() < 0:
        at = np.argwhere(~(np.isfinite(shares) & (shares >= 0)))[0]
        raise DataError(
            f"cell ({at[0]}, {at[1]}) of {quoted(name)} is {shares[tuple(at)]:.6g}: not a "
            "proportion",
            slug="matrix-cell",
            hint="proportions are 0 or more",
        )
    found = [
        (kind, unit) for unit in (1.0, 100.0) for kind in _fitting(shares / unit, rounding / unit)
    ]
    kinds = [kind for kind, _ in found] if over == "auto" else [k for k, _ in found if k == over]
    if not kinds:
        raise _no_sum(shares, over, name)
    if len(kinds) > 1 and len(shares) > 1:
        raise UsageError(
            f"in {quoted(name)} rows and columns both add up to 1",
            slug="shares-ambiguous",
            hint="specify the denominator:  --normalised-over true or --normalised-over predicted",
        )
    unit = dict(found)[kinds[-1]]
    result = np.minimum(shares / unit, 1.0)
    result.flags.writeable = False
    return NormalisedMatrix(result, kinds[-1], rounding / unit)


def _drop_absent(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 for a row or column of nan: a class without samples."""
    missing = np.isnan(table)
    absent = missing.all(axis=1, keepdims=True) | missing.all(axis=0, keepdims=True)
    return np.where(absent & missing, 0.0, table)


def _fitting(shares: NDArray[np.float64], rounding: float) -> list[str]:
    n = len(shares)
    slack = max(1e-6, min(0.05, rounding * n)) * 1.0001
    kinds = []
    for kind, sums in (("true", shares.sum(axis=1)), ("predicted", shares.sum(axis=0))):
        if np.all((np.abs(sums - 1) <= slack) | (sums == 0)) and sums.any():
            kinds.append(kind)
    all_slack = max(1e-6, min(0.05, rounding * n * n)) * 1.0001
    if abs(shares.sum() - 1) <= all_slack:
        kinds.append("all")
    return kinds


def _no_sum(shares: NDArray[np.float64], over: str, name: str) -> DataError:
    axis = 0 if over == "predicted" else 1
    sums = shares.sum(axis=axis)
    wrong = np.flatnonzero((np.abs(sums - 1) > 1e-6) & (sums != 0))
    at = int(wrong[0]) if len(wrong) else 0
    return DataError(
        f"{'columns' if axis == 0 else 'rows'} of {quoted(name)} don't add up to 1: "
        f"{'predicted' if axis == 0 else 'true'} class {at} (from 0) adds up to {sums[at]:.6g}",
        slug="shares-sum",
        details=[f"all cells together: {shares.sum():.6g}"],
        hint="proportions are normalised by row totals, column totals or the number of samples; is "
        "--rows correct?",
    )


Supports = NDArray[np.int64]


_ARITHMETIC = 1e-15  # relative error of a product of a proportion and a number of samples


def read_supports(path: Path, classes: Sequence[str], dialect: Dialect) -> Supports:
    """The samples of each class, shape (K,), from ``class,count`` or one number per line.

    A first row without a number is a header. Raises :class:`DataError`: ``supports-value`` for an
    invalid number, ``supports-classes`` if the classes are not those of the matrix, each once.
    """
    require_plain_file(path)
    rows = [(line, cells) for line, cells in rows_of(path, dialect)]
    if rows and as_index(rows[0][1][-1]) is None:
        rows = rows[1:]
    if not rows or len(rows[0][1]) > 2:
        raise DataError(
            f"{quoted(path.name)} contains no numbers of samples",
            slug="supports-value",
            hint="write class,count in each line; or one number per line, in the order of the "
            "classes",
        )
    number = with_point if dialect.comma else str
    numbers = [_whole(path, line, number(cells[-1])) for line, cells in rows]
    if len(rows[0][1]) == 2:
        names = [display_name(unguard(cells[0])) for _, cells in rows]
        return _by_name(path, names, numbers, classes)
    if len(numbers) != len(classes):
        raise DataError(
            f"{quoted(path.name)} contains {plural(len(numbers), 'number')}, the matrix has "
            f"{plural(len(classes), 'class', 'classes')}",
            slug="supports-classes",
            hint="one number for each class, or class,count in each line",
        )
    return np.array(numbers, np.int64)


def _whole(path: Path, line: int, cell: str) -> int:
    number = None if cell.strip().isalpha() else as_index(cell)
    if number is None or not 0 <= number < 2**53:
        raise DataError(
            f"line {line:,} of {quoted(path.name)}: {quoted(cell[:40])} is not a number of samples",
            slug="supports-value",
            hint="numbers of samples are whole, 0 or more",
        )
    return number


def _by_name(
    path: Path, names: Sequence[str], numbers: Sequence[int], classes: Sequence[str]
) -> Supports:
    found = dict(zip(names, numbers, strict=True))
    missing = [name for name in classes if name not in found]
    unknown = [name for name in names if name not in set(classes)]
    if missing or unknown or len(found) != len(names):
        repeated = sorted({name for name in names if names.count(name) > 1})
        raise DataError(
            f"the classes of {quoted(path.name)} are not those of the matrix, each once",
            slug="supports-classes",
            details=[
                f"{what}: {listing(some)}"
                for what, some in (
                    ("classes without a number", missing),
                    ("not in the matrix", unknown),
                    ("more than once", repeated),
                )
                if some
            ],
            hint="write every class of the matrix once, under the same name",
        )
    return np.array([found[name] for name in classes], np.int64)


def restore(
    matrix: NormalisedMatrix, supports: Supports, classes: Sequence[str], name: str
) -> ConfusionMatrix:
    """Restore the counts from proportions.

    A proportion was rounded by at most ``matrix.rounding``, so the count is within rounding ×
    samples of proportion × samples. If exactly one whole number is in that range for every cell,
    and each row sums to its samples, these are the counts.

    Parameters
    ----------
    supports
        int64, shape (K,): samples of each true class.
    name
        Name of the matrix in messages.

    Raises
    ------
    DataError
        ``supports-over``: the columns are normalised, and the totals of predicted classes are
        unknown; ``supports-rounding``: too few decimals, so that several counts fit;
        ``supports-whole``: a cell has no whole number in range, or a row has another total.
    """
    if matrix.over == "predicted":
        raise DataError(
            f"{quoted(name)} contains proportions of predicted classes: class supports "
            "cannot restore the counts",
            slug="supports-over",
            hint="save the matrix before normalising it",
        )
    samples = supports if matrix.over == "true" else np.full_like(supports, supports.sum())
    slack = samples * (matrix.rounding * (1 + 1e-9) + _ARITHMETIC)
    _require_decimals(matrix, samples, slack, classes, name)
    exact = matrix.shares * samples[:, None]
    counts = np.rint(exact)
    wrong = np.argwhere(np.abs(exact - counts) > slack[:, None])
    if len(wrong):
        i, j = wrong[0].tolist()
        raise _no_counts(
            f"the proportion {matrix.shares[i, j]:.6g} (true class {quoted(classes[i])}, predicted "
            f"{quoted(classes[j])}) of {quoted(name)} is not a whole number of "
            f"{plural(int(samples[i]), 'sample')}: {exact[i, j]:.6g}",
            f"{plural(len(wrong), 'cell')} of {count(len(classes) ** 2)} are not whole numbers",
        )
    totals = counts.sum(axis=1)
    unseen = (supports == 0) & matrix.shares.any(axis=1)
    if len(at := np.flatnonzero(unseen)):
        raise _no_counts(
            f"class {quoted(classes[at[0]])} has proportions in {quoted(name)}, but no samples",
            f"{plural(len(at), 'class', 'classes')} without samples",
        )
    if len(at := np.flatnonzero(totals != supports)):
        i = int(at[0])
        raise _no_counts(
            f"the counts of class {quoted(classes[i])} in {quoted(name)} add up to "
            f"{count(int(totals[i]))}, not to its {plural(int(supports[i]), 'sample')}",
            f"{plural(len(at), 'class', 'classes')} of {count(len(classes))} add up otherwise",
        )
    return ConfusionMatrix.from_counts(counts.astype(np.int64))


def _require_decimals(
    matrix: NormalisedMatrix,
    samples: Supports,
    slack: NDArray[np.floating[Any]],
    classes: Sequence[str],
    name: str,
) -> None:
    """Refuse if two whole numbers are within the rounding error of one cell."""
    if not len(at := np.flatnonzero(slack >= 0.5)):
        return
    i = int(at[0])
    share = float(matrix.shares[i].max())
    low, high = ((share * samples[i] + sign * slack[i]) for sign in (-1, 1))
    needed = len(str(int(samples.max())))
    raise DataError(
        f"the proportions of {quoted(name)} are rounded too far to restore the counts",
        slug="supports-rounding",
        details=[
            f"of {plural(int(samples[i]), 'sample')} of class {quoted(classes[i])}, "
            f"{share:.6g} may be any number from {count(int(np.ceil(max(low, 0))))} to "
            f"{count(int(min(high, samples[i])))}"
            if matrix.over == "true"
            else f"of {plural(int(samples[i]), 'sample')} in all, one proportion matches more than "
            "one count",
        ],
        hint=f"save the proportions with {needed} decimals or more (as fractions of 1), or the "
        "matrix before it is normalised",
    )


def _no_counts(message: str, detail: str) -> DataError:
    return DataError(
        message,
        slug="supports-whole",
        details=[detail],
        hint="the matrix and the supports must come from the same data; is --rows correct?",
    )
