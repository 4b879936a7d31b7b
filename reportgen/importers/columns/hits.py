"""A column that says whether each prediction is right, against label and prediction."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import DataError
from reportgen.importers.columns.cells import TextCells
from reportgen.importers.columns.detect import Roles
from reportgen.importers.columns.words import FALSE, TRUE, folded
from reportgen.importers.formats.tables import LIST, NARROW_ROWS, OTHER, Table
from reportgen.options import NONE, InputOptions
from reportgen.text import count, quoted, typed

__all__ = [
    "require_agreement",
]


_RIGHT = frozenset({
    "correct", "is_correct", "iscorrect", "right", "is_right", "match", "matches", "is_match",
    "matched", "hit", "is_hit", "correct_prediction", "prediction_correct",
})  # fmt: skip


_WRONG = frozenset({
    "incorrect", "is_incorrect", "wrong", "is_wrong", "misclassified", "is_misclassified", "miss",
    "is_error", "mistake",
})  # fmt: skip


Indices = NDArray[np.signedinteger[Any]]


def require_agreement(
    table: Table, roles: Roles, labels: Indices, predictions: Indices, options: InputOptions
) -> None:
    """Refuse a table with a column such as ``is_correct`` that contradicts its predictions.

    It is not read if the user named both columns. `labels` and `predictions` are the class indices
    of all rows, shape (N,); rows with a negative label are excluded. Raises :class:`DataError`
    (``rows-contradict``).
    """
    if options.labels or (options.label_column and options.prediction_column):
        return
    for column in table.columns.values():
        known = folded(column.name) in _RIGHT | _WRONG and column.name not in roles.used
        if known and column.kind not in (LIST, OTHER):
            _require_column(table, column.name, roles, labels, predictions)


def _require_column(
    table: Table, name: str, roles: Roles, labels: Indices, predictions: Indices
) -> None:
    told_right = folded(name) in _RIGHT
    read, start, n_differing, first = TextCells(), 0, 0, 0
    for batch in table.batches([name], NARROW_ROWS):
        texts, places = read(batch.column(0))
        words = [text.strip().lower() for text in texts]
        if not {words[place] for place in np.unique(places).tolist()} <= TRUE | FALSE:
            return
        told = np.array([(word in TRUE) == told_right for word in words])[places]
        own = slice(start, start + len(batch))
        differing = (labels[own] >= 0) & (told != (labels[own] == predictions[own]))
        if n_differing == 0 and differing.any():
            first = start + int(np.argmax(differing))
        n_differing += int(np.count_nonzero(differing))
        start += len(batch)
    if n_differing == 0:
        return
    given = f"--label-column {typed(roles.label)} --prediction-column " + typed(
        roles.prediction or NONE
    )
    raise DataError(
        f"{table.place(first)}: column {quoted(name)} of {quoted(table.name)} contradicts label "
        "and prediction",
        slug="rows-contradict",
        details=[f"in {count(n_differing)} of {count(start)} rows"],
        hint=f"if label and prediction are right: {given}; else name other columns there",
    )
