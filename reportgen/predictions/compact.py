"""Compact predictions: only the columns that a comparison needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from reportgen.metrics import SUM_TOLERANCE
from reportgen.predictions.parts import write_predictions
from reportgen.predictions.schema import predictions_schema
from reportgen.predictions.table import PredictionRows

__all__ = [
    "write_slim",
]


def write_slim(rows: PredictionRows, target: Path) -> None:
    """Write a predictions file without the scores of other classes.

    Id, label, prediction, confidence, and probability and rank of the label are kept: enough for
    accuracy, class metrics, top-k, calibration, log loss and the paired tests. About 12 bytes per
    sample, plus its id. Probabilities keep their precision, float32 or float64.
    """
    facts = replace(rows.facts, fingerprint={}, sum_tolerance=SUM_TOLERANCE)
    double = _are_double(rows)
    write_predictions(target, facts, _tables(rows, double), double=double)


def _are_double(rows: PredictionRows) -> bool:
    """Whether confidences are float64."""
    if not rows.has_confidence:
        return False
    first = next(rows.batches("confidence"), None)
    return first is not None and first["confidence"].dtype == np.float64


def _tables(rows: PredictionRows, double: bool) -> Iterator[Any]:
    import pyarrow as pa

    schema = predictions_schema(double=double)
    scores = ("confidence", "label_probability") if rows.has_confidence else ()
    for batch in rows.batches("id", "label", "prediction", "label_rank", "top_tied", *scores):
        n = len(batch["label"])
        columns: dict[str, Any] = {
            "id": pa.array(batch["id"], pa.string()),
            "label": pa.array(batch["label"], pa.int32()),
            "prediction": pa.array(batch["prediction"], pa.int32()),
            "label_rank": pa.array(
                batch["label_rank"], pa.int32(), mask=np.asarray(batch["label_rank"]) == 0
            ),
            "top_tied": pa.array(batch["top_tied"], pa.bool_()),
        }
        for name in scores:
            column, kind = np.asarray(batch[name]), schema.field(name).type
            columns[name] = pa.array(column, mask=np.isnan(column)).cast(kind)
        yield pa.table(
            [columns.get(field.name, pa.nulls(n, field.type)) for field in schema], schema=schema
        )
