"""Samples of each class, and the counts that they make of shares."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.classes import display_name
from reportgen.confusion import ConfusionMatrix
from reportgen.csv_text import unguarded
from reportgen.errors import DataError
from reportgen.inputs.columns.cells import as_index
from reportgen.inputs.formats.limits import require_plain_file
from reportgen.inputs.formats.strict_csv import Dialect, rows_of
from reportgen.inputs.matrices.normalised import NormalisedMatrix
from reportgen.text import count, listing, plural, quoted

__all__ = ["read_supports", "restored"]

Supports = NDArray[np.int64]
_ARITHMETIC = 1e-15  # of a product of a share and a number of samples, as a part of the latter


def read_supports(path: Path, classes: Sequence[str], dialect: Dialect) -> Supports:
    """The samples of each class, shape (K,): from ``class,count``, or one number a line.

    A first row without a number holds names of columns.

    Raises :class:`DataError`: ``supports-value`` where a number is none, ``supports-classes``
    where the classes are not those of the matrix, each once.
    """
    require_plain_file(path)
    rows = [(line, cells) for line, cells in rows_of(path, dialect)]
    if rows and as_index(rows[0][1][-1]) is None:
        rows = rows[1:]
    if not rows or len(rows[0][1]) > 2:
        raise DataError(
            f"{quoted(path.name)} holds no numbers of samples",
            slug="supports-value",
            hint="write class,count in each line; or one number a line, in the order of the "
            "classes",
        )
    numbers = [_whole(path, line, cells[-1]) for line, cells in rows]
    if len(rows[0][1]) == 2:
        names = [display_name(unguarded(cells[0])) for _, cells in rows]
        return _by_name(path, names, numbers, classes)
    if len(numbers) != len(classes):
        raise DataError(
            f"{quoted(path.name)} holds {plural(len(numbers), 'number')}, the matrix has "
            f"{plural(len(classes), 'class', 'classes')}",
            slug="supports-classes",
            hint="one number for each class, or class,count in each line",
        )
    return np.array(numbers, np.int64)


def _whole(path: Path, line: int, cell: str) -> int:
    number = None if cell.strip().isalpha() else as_index(cell)
    if number is None or not 0 <= number < 2**53:
        raise DataError(
            f"line {line:,} of {quoted(path.name)}: {quoted(cell[:40])} is no number of samples",
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


def restored(
    matrix: NormalisedMatrix, supports: Supports, classes: Sequence[str], name: str
) -> ConfusionMatrix:
    """The counts that the shares were made of.

    A share was rounded by at most ``matrix.rounding``; so the count lies within that part of the
    samples around share × samples. Where exactly one whole number does in every cell, and each row
    adds up to its samples, these are the counts.

    Parameters
    ----------
    supports
        int64, shape (K,): samples of each true class.
    name
        What the matrix is called in messages.

    Raises
    ------
    DataError
        ``supports-over``: the shares are of predicted classes, whose totals nobody knows;
        ``supports-rounding``: too few decimals, so that several counts fit; ``supports-whole``: a
        cell has no whole number, or a row another total.
    """
    if matrix.over == "predicted":
        raise DataError(
            f"{quoted(name)} holds shares of predicted classes: the samples of true classes "
            "can't restore their counts",
            slug="supports-over",
            hint="save the matrix before it is normalised",
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
            f"the share {matrix.shares[i, j]:.6g} (true class {quoted(classes[i])}, predicted "
            f"{quoted(classes[j])}) of {quoted(name)} is no whole number of "
            f"{plural(int(samples[i]), 'sample')}: {exact[i, j]:.6g}",
            f"{plural(len(wrong), 'cell')} of {count(len(classes) ** 2)} are no whole numbers",
        )
    totals = counts.sum(axis=1)
    unseen = (supports == 0) & matrix.shares.any(axis=1)
    if len(at := np.flatnonzero(unseen)):
        raise _no_counts(
            f"class {quoted(classes[at[0]])} has shares in {quoted(name)}, but no samples",
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
    """Refuse where two whole numbers may lie within the rounding of one share."""
    if not len(at := np.flatnonzero(slack >= 0.5)):
        return
    i = int(at[0])
    share = float(matrix.shares[i].max())
    low, high = ((share * samples[i] + sign * slack[i]) for sign in (-1, 1))
    needed = len(str(int(samples.max())))
    raise DataError(
        f"the shares of {quoted(name)} are rounded too far to be turned back into counts",
        slug="supports-rounding",
        details=[
            f"of {plural(int(samples[i]), 'sample')} of class {quoted(classes[i])}, "
            f"{share:.6g} may be any number from {count(int(np.ceil(max(low, 0))))} to "
            f"{count(int(min(high, samples[i])))}"
            if matrix.over == "true"
            else f"of {plural(int(samples[i]), 'sample')} in all, one share stands for more than "
            "one number",
        ],
        hint=f"save the shares with {needed} decimals or more (as shares of 1), or the matrix "
        "before it is normalised",
    )


def _no_counts(message: str, detail: str) -> DataError:
    return DataError(
        message,
        slug="supports-whole",
        details=[detail],
        hint="matrix and numbers of samples must be of the same data; is --rows right?",
    )
