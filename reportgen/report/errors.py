"""All errors of a small test set by path, for the class cards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reportgen.predictions import PredictionRows
from reportgen.report.words import class_names, share
from reportgen.text import middle_cut, printable

__all__ = [
    "LISTED_ERRORS",
    "ErrorList",
    "ErrorRow",
    "list_errors",
]


LISTED_ERRORS = 4_000
"""Up to this many errors, the page contains their paths; errors.csv has any number."""


_WIDTH = 400


@dataclass(frozen=True)
class ErrorRow:
    """A misclassified sample: its id, both class indices, p(predicted) as text or empty."""

    id: str
    true: int
    predicted: int
    confidence: str


@dataclass(frozen=True)
class ErrorList:
    """The errors, by class and decreasing confidence; `names` are the classes.

    Empty if there are too many for the page; then only errors.csv has them.
    """

    rows: tuple[ErrorRow, ...]
    names: tuple[str, ...]

    @property
    def data(self) -> dict[str, Any]:
        """Data for the script: class names; true, predicted, path and probability of each error."""
        listed = [[one.true, one.predicted, one.id, one.confidence] for one in self.rows]
        used = sorted({one.predicted for one in self.rows})
        return {"classes": {i: self.names[i] for i in used}, "rows": listed}


def list_errors(
    rows: PredictionRows | None, classes: Sequence[str], n_errors: int
) -> ErrorList | None:
    """The errors; None if samples are unknown."""
    names = tuple(name.full for name in class_names(classes))
    if rows is None:
        return None
    if n_errors > LISTED_ERRORS:
        return ErrorList((), names)
    found: list[tuple[str, int, int, float]] = []
    scored = rows.has_confidence and rows.facts.sum_tolerance is not None
    columns = ("id", "label", "prediction", *(("confidence",) if scored else ()))
    for batch in rows.batches(*columns, wrong_only=True):
        sure = batch["confidence"].tolist() if scored else [float("nan")] * len(batch["label"])
        found += zip(
            map(str, batch["id"]),
            batch["label"].tolist(),
            batch["prediction"].tolist(),
            sure,
            strict=True,
        )
    found.sort(key=lambda row: (row[1], -row[3] if row[3] == row[3] else 0.0, row[0]))
    return ErrorList(tuple(_row(*one) for one in found), names)


def _row(name: str, true: int, predicted: int, p: float) -> ErrorRow:
    """`p` is nan if unknown."""
    path = middle_cut(printable(name), _WIDTH)
    return ErrorRow(path, true, predicted, share(p) if p == p else "")
