"""``errors.csv``: one row per misclassified sample, written while predictions are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.csv_text import csv_cells, csv_rows, csv_text, guard, guarded
from reportgen.predictions import PredictionRows
from reportgen.rendering.privacy import hash_ids

__all__ = [
    "COLUMNS",
    "error_parts",
]


COLUMNS = ("id", "true", "predicted", "p_predicted", "p_true")


def error_parts(
    rows: PredictionRows, classes: Sequence[str], *, public: bool = False
) -> Iterator[str]:
    """The text of the table, one part per batch.

    Every sample whose prediction differs from its label, in the order of `rows`, with metadata
    columns. Probabilities, 0..1, are empty if the input has none. `classes` are the names to write.
    `public`: hashes instead of ids, and no metadata, which may name samples.
    """
    metadata = {} if public else _metadata(rows)
    yield csv_text([*COLUMNS, *_heads(metadata.values())], ())
    scores = ("confidence", "label_probability") if _has_probabilities(rows) else ()
    if not (getattr(rows, "has_ids", True) or scores or metadata or public):
        yield from _numbered(rows, csv_cells(classes))
        return
    wanted = ("id", "label", "prediction", *scores, *metadata)
    named = list(map(guard, classes)).__getitem__
    for batch in rows.batches(*wanted, wrong_only=True):
        ids = list(map(str, batch["id"].tolist()))
        sides = (map(named, batch[side].tolist()) for side in ("label", "prediction"))
        shares = (_numbers(batch[name]) for name in scores)
        empty = ([None] * len(batch["label"]) for _ in COLUMNS[3 + len(scores) :])
        further = (_cells(batch[name]) for name in metadata)
        yield csv_rows([_names(ids, public=public), *sides, *shares, *empty, *further])


def _numbered(rows: PredictionRows, cells: Sequence[str]) -> Iterator[str]:
    """The rows if they have only numbers and classes: assembled with numpy, for speed."""
    trues = _padded(f",{cell}," for cell in cells)
    answers = _padded(f"{cell},,\n" for cell in cells)
    at_once = max(_BYTES_AT_ONCE // (trues.shape[1] + answers.shape[1]), 1)
    for batch in rows.batches("id", "label", "prediction", wrong_only=True):
        for start in range(0, len(batch["id"]), at_once):
            some = {name: values[start : start + at_once] for name, values in batch.items()}
            sides = trues[some["label"]], answers[some["prediction"]]
            lines = np.hstack([_digits(some["id"]), *sides])
            yield lines[lines != 0].tobytes().decode()


_BYTES_AT_ONCE = 1 << 22


def _padded(cells: Iterable[str]) -> NDArray[np.uint8]:
    """Texts in UTF-8, shape (n, bytes of the longest), shorter ones followed by zeros."""
    texts = [cell.encode() for cell in cells]  # names are printable: they contain no zero byte
    return np.array(texts).view(np.uint8).reshape(len(texts), -1)


def _digits(numbers: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
    """Nonnegative numbers in ASCII, shape (n, digits of the largest), shorter ones after zeros."""
    largest = int(numbers.max(initial=0))
    rest = numbers.astype(np.min_scalar_type(largest))
    found = np.empty((len(rest), len(str(largest))), np.uint8)
    for place in reversed(range(found.shape[1])):
        found[:, place] = np.where(rest > 0, rest % 10 + ord("0"), 0)
        rest //= 10
    found[numbers == 0, -1] = ord("0")
    return found


def _has_probabilities(rows: PredictionRows) -> bool:
    """Whether the scores of a prediction are probabilities, not independent scores."""
    return rows.has_confidence and rows.facts.sum_tolerance is not None


def _metadata(rows: PredictionRows) -> Mapping[str, str]:
    """Name in ``batches`` → name in the table."""
    found: Mapping[str, str] = getattr(rows, "metadata", {})
    return found


def _heads(names: Iterable[str]) -> Iterator[str]:
    return (f"{name} (in the table)" if name in COLUMNS else name for name in names)


def _names(ids: Sequence[str], *, public: bool) -> Iterable[str]:
    return map(hash_ids, ids) if public else guarded(ids)


def _cells(values: NDArray[Any]) -> Iterable[object]:
    if values.dtype.kind == "f":
        return _numbers(values)
    cells = list(map(str, values.tolist()))
    guarded = {cell: guard(cell) for cell in set(cells)}  # most cells repeat a few texts
    return map(guarded.__getitem__, cells)


def _numbers(values: NDArray[np.floating[Any]]) -> Iterable[object]:
    """Shortest exact decimals; None for missing values.

    Metadata are read as float64: a 3 is written as 3, not 3.0.
    """
    if np.isnan(values).all():
        return [None] * len(values)
    if values.dtype != np.float64:
        return (None if one != one else str(one) for one in values)
    cells: list[object] = values.tolist()
    for at in np.flatnonzero(np.isnan(values)).tolist():
        cells[at] = None
    is_whole = np.isfinite(values) & (values == np.trunc(values))
    for at in np.flatnonzero(is_whole).tolist():
        cells[at] = int(values[at])
    return cells
