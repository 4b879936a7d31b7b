"""Tables for spreadsheets and scripts: ``per_class.csv``, ``confusion.csv``, ``pairs.csv``.

UTF-8 with ``\n`` line ends; undefined numbers are empty cells; numbers are written in full; a
name that a spreadsheet would take for a formula gets one ``'`` in front.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter

from reportgen.confusion_matrix import DENSE_LIMIT
from reportgen.csv_text import csv_text
from reportgen.evaluation import CLASS_METRICS, OF, Evaluation, Pair, ProportionPair
from reportgen.metrics import COUNTS

__all__ = [
    "confusion",
    "pairs",
    "per_class",
]


CORNER = "true\\predicted"


def per_class(evaluation: Evaluation) -> str:
    """One row a class, in class order: counts, then each metric with the ends of its interval.

    Where the matrix holds shares only, the counts are empty cells.
    """
    names = [definition.name for definition in CLASS_METRICS]
    counts = [definition.name for definition in COUNTS]
    header = [
        "class",
        *counts,
        *(f"{name}{end}" for name in names for end in ("", "_low", "_high")),
    ]
    columns = [evaluation.per_class[name] for name in names]
    numbers = [
        values.tolist() for column in columns for values in (column.value, column.low, column.high)
    ]
    rows = (
        [
            name,
            *map(evaluation.class_counts(i).get, counts),
            *(_defined(column[i]) for column in numbers),
        ]
        for i, name in enumerate(evaluation.classes)
    )
    return csv_text(header, rows)


def confusion(evaluation: Evaluation) -> str:
    """The matrix, rows true; above 2,048 classes its non-zero cells as true, predicted, count.

    Shares stand as a whole table at any size, which ``--normalised`` reads.
    """
    matrix, names, shares = evaluation.confusion, evaluation.classes, evaluation.shares
    if shares is not None:
        lines = ([name, *row] for name, row in zip(names, shares.values.tolist(), strict=True))
        return csv_text([f"{CORNER} (shares of {OF[shares.over]})", *names], lines)
    if matrix.n_classes > DENSE_LIMIT:
        cells = ((names[true], names[predicted], n) for true, predicted, n in matrix.cells())
        return csv_text(["true", "predicted", "count"], cells)
    rows: Iterable[Sequence[object]] = (
        [name, *row] for name, row in zip(names, matrix.counts.tolist(), strict=True)
    )
    return csv_text([CORNER, *names], rows)


def pairs(evaluation: Evaluation) -> str:
    """Every confusion that occurs, by count; proportions without counts come last."""
    header = ["true", "predicted", "count", "share_of_true", "share_of_errors", "reversed_count"]
    listed: Iterable[Pair | ProportionPair] = evaluation.pairs
    if evaluation.shares is not None:
        header += ["share", "reversed_share"]
        listed = evaluation.shares.pairs
    names, numbers = evaluation.classes, attrgetter(*header[2:])
    return csv_text(
        header, ((names[pair.true], names[pair.predicted], *numbers(pair)) for pair in listed)
    )


def _defined(value: float) -> float | None:
    return None if value != value else value
