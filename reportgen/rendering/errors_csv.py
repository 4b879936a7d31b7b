"""``errors.csv``: one row per misclassified sample, written while predictions are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.csv_text import csv_cells, csv_text
from reportgen.predictions import PredictionRows, decimals, joined_lines
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
    cells = np.array(list(csv_cells(classes)), object)
    wanted = ("id", "label", "prediction", *scores, *metadata)
    for batch in rows.batches(*wanted, wrong_only=True):
        sides = (cells[batch[side]] for side in ("label", "prediction"))
        shares = [decimals(batch[name]) for name in scores] or [None, None]
        further = (_cells(batch[name]) for name in metadata)
        columns = [_ids(batch["id"], public=public), *sides, *shares, *further]
        yield joined_lines(columns, len(batch["label"]))


def _has_probabilities(rows: PredictionRows) -> bool:
    """Whether the scores of a prediction are probabilities, not independent scores."""
    return rows.has_confidence and rows.facts.sum_tolerance is not None


def _metadata(rows: PredictionRows) -> Mapping[str, str]:
    """Name in ``batches`` → name in the table."""
    found: Mapping[str, str] = getattr(rows, "metadata", {})
    return found


def _heads(names: Iterable[str]) -> Iterator[str]:
    return (f"{name} (in the table)" if name in COLUMNS else name for name in names)


def _ids(ids: Any, *, public: bool) -> Any:
    if public:
        return [hash_ids(str(one)) for one in ids.tolist()]
    if isinstance(ids, np.ndarray) and ids.dtype.kind == "i":
        return ids
    return csv_cells(list(map(str, ids.tolist())))


def _cells(values: NDArray[Any]) -> Any:
    if values.dtype.kind == "f":
        return decimals(values)
    cells = list(map(str, values.tolist()))
    few = list(set(cells))  # most cells repeat a few texts
    return list(map(dict(zip(few, csv_cells(few), strict=True)).__getitem__, cells))
