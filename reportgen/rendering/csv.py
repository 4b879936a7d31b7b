"""Tables for spreadsheets and scripts: ``per_class.csv``, ``confusion.csv``, ``pairs.csv``.

UTF-8 with ``\n`` line ends; undefined numbers are empty cells; numbers are written in full; a name
that a spreadsheet would read as a formula gets a leading ``'``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.confusion_matrix import DENSE_LIMIT
from reportgen.csv_text import csv_of_columns, csv_rows, csv_text, guard
from reportgen.evaluation import OF, Evaluation, class_columns

__all__ = [
    "confusion",
    "pair_parts",
    "per_class",
]


CORNER = "true\\predicted"


def per_class(evaluation: Evaluation) -> str:
    """One row per class, in class order: counts, then each metric with the ends of its interval.

    Counts are empty if the matrix contains proportions only.
    """
    columns = class_columns(evaluation)
    return csv_of_columns(
        ["class", *columns],
        [
            map(guard, evaluation.classes),
            *(_defined(one) if isinstance(one, np.ndarray) else one for one in columns.values()),
        ],
    )


def confusion(evaluation: Evaluation) -> str:
    """The matrix, rows true; above 2,048 classes its non-zero cells as true, predicted, count.

    Proportions are written as a table at any size, which ``--normalised`` reads.
    """
    matrix, names, shares = evaluation.confusion, evaluation.classes, evaluation.shares
    if shares is not None:
        lines = ([name, *row] for name, row in zip(names, shares.values.tolist(), strict=True))
        return csv_text([f"{CORNER} (shares of {OF[shares.over]})", *names], lines)
    if matrix.n_classes > DENSE_LIMIT:
        named = list(map(guard, names)).__getitem__
        sides = (map(named, places.tolist()) for places in (matrix.rows, matrix.columns))
        return csv_of_columns(["true", "predicted", "count"], [*sides, matrix.values.tolist()])
    rows: Iterable[Sequence[object]] = (
        [name, *row] for name, row in zip(names, matrix.counts.tolist(), strict=True)
    )
    return csv_text([CORNER, *names], rows)


_ROWS_AT_ONCE = 1 << 16


def pair_parts(evaluation: Evaluation) -> Iterator[str]:
    """Every confusion, by count; one part per 65,536 rows.

    With costs, also the cost per sample and in total. Proportions without counts are in the last
    column. A thousand classes may have a million confusions.
    """
    header = ["true", "predicted", "count", "share_of_true", "share_of_errors", "reversed_count"]
    header += ["share", "reversed_share"] if evaluation.shares is not None else []
    header += ["cost", "total_cost"] if evaluation.costs is not None else []
    yield csv_text(header, ())
    if evaluation.shares is not None:
        names = header[:8]
        yield _pair_rows(
            evaluation, [[getattr(one, name) for one in evaluation.shares.pairs] for name in names]
        )
        return
    for begin in range(0, len(evaluation.pairs), _ROWS_AT_ONCE):
        some = evaluation.pairs[begin : begin + _ROWS_AT_ONCE]
        yield _pair_rows(evaluation, [column.tolist() for column in some.columns()])


def _pair_rows(evaluation: Evaluation, columns: list[list[Any]]) -> str:
    true, predicted, counts, *_ = columns
    if evaluation.costs is not None:
        cells = (np.array(side, np.int64) for side in (true, predicted))
        cost = evaluation.costs.of_cells(*cells).tolist()
        total = [None if n is None else n * c for n, c in zip(counts, cost, strict=True)]
        columns += [cost, total]
    named = list(map(guard, evaluation.classes)).__getitem__
    sides = (map(named, side) for side in (true, predicted))
    return csv_rows([*sides, *columns[2:]])


def _defined(values: NDArray[np.float64]) -> list[float | None]:
    """The numbers, with None for undefined ones."""
    written: list[float | None] = values.astype(object).tolist()
    for i in np.flatnonzero(np.isnan(values)).tolist():
        written[i] = None
    return written
