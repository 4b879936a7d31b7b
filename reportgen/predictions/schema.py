"""The columns of a predictions file.

===================== ================ ======================================================
``id``                string           relative path or stable index; unique; rows sorted by it
``label``             int32            true class, an index into the class list; -1 = unknown
``prediction``        int32            class of the largest score (the first of ties)
``confidence``        float32          probability of ``prediction``, 0..1; null without scores
``label_probability`` float32          probability of ``label``, 0..1; null if unknown
``label_rank``        int32            1 + larger scores + other scores equal to the label's;
                                       null without scores or label
``top_tied``          bool             whether another class has exactly the largest score
``top_classes``       list of int32    the min(5, K) top classes, best first
``top_probabilities`` list of float32  their probabilities
``probabilities``     list of float32  of all K classes; only if they are kept
===================== ================ ======================================================

Metadata columns follow, if the samples came from a table with any: string or float64.

During inference, a part has three more columns: ``flags`` (int32, peculiarities of the image),
``reason`` (string, why a sample is unreadable, else null) and ``digest`` (32 bytes, SHA-256 of the
sample's file; null if unknown).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "PART_FIELDS",
    "Rows",
    "further_fields",
    "part_schema",
    "predictions_schema",
    "table_of",
]


METADATA_KEY = b"reportgen"


PART_FIELDS: Mapping[str, tuple[Any, ...]] = {
    "flags": ("int32",), "reason": ("string",), "digest": ("binary", 32),
}  # fmt: skip
"""Columns of a part in addition to those of the finished file: name → Arrow type and arguments."""


@dataclass(frozen=True)
class Rows:
    """Predictions of n consecutive samples, as returned by the model.

    A sample with a `reason` was not predicted: its prediction is -1, its scores are nan.

    Attributes
    ----------
    label, prediction, label_rank, flags
        int32, shape (n,); a rank of 0 means none.
    confidence, label_probability
        float32, shape (n,); nan if missing.
    top_tied
        bool, shape (n,).
    top_classes, top_probabilities
        int32 and float32, shape (n, k).
    probabilities
        float32, shape (n, K), or (n, 0) if they are not kept.
    digest
        SHA-256 of each sample's bytes or None; empty if unknown.
    """

    id: list[str]
    label: NDArray[np.int32]
    prediction: NDArray[np.int32]
    confidence: NDArray[np.float32]
    label_probability: NDArray[np.float32]
    label_rank: NDArray[np.int32]
    top_tied: NDArray[np.bool_]
    top_classes: NDArray[np.int32]
    top_probabilities: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    flags: NDArray[np.int32]
    reason: list[str | None]
    digest: Sequence[bytes | None] = ()

    def __len__(self) -> int:
        return len(self.id)

    @classmethod
    def joined(cls, blocks: list[Rows]) -> Rows:
        """Concatenate the rows of the blocks; there must be at least one."""
        if len(blocks) == 1:
            return blocks[0]
        columns: dict[str, Any] = {}
        for item in fields(cls):
            values = [getattr(block, item.name) for block in blocks]
            if isinstance(values[0], Sequence):
                columns[item.name] = [value for block in values for value in block]
            else:
                columns[item.name] = np.concatenate(values)
        return cls(**columns)


def predictions_schema(
    metadata: str | None = None,
    *,
    with_probabilities: bool = False,
    double: bool = False,
    further: Sequence[Any] = (),
) -> Any:
    """The Arrow schema of a finished file; `metadata` is the JSON text of its facts.

    `double`: ``confidence`` and ``label_probability`` are float64, as saved by another program.
    `further`: the Arrow fields of metadata.
    """
    import pyarrow as pa

    number = pa.float64() if double else pa.float32()
    schema = pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("label", pa.int32(), nullable=False),
            pa.field("prediction", pa.int32(), nullable=False),
            pa.field("confidence", number),
            pa.field("label_probability", number),
            pa.field("label_rank", pa.int32()),
            pa.field("top_tied", pa.bool_(), nullable=False),
            pa.field("top_classes", pa.list_(pa.int32())),
            pa.field("top_probabilities", pa.list_(pa.float32())),
        ]
    )
    if with_probabilities:
        schema = schema.append(pa.field("probabilities", pa.list_(pa.float32())))
    for one in further:
        schema = schema.append(pa.field(one.name, one.type))
    return schema if metadata is None else schema.with_metadata({METADATA_KEY: metadata.encode()})


def further_fields(schema: Any) -> list[Any]:
    """The metadata fields in the schema of a predictions file."""
    import pyarrow as pa

    known = len(predictions_schema(with_probabilities="probabilities" in schema.names))
    return [one for one in list(schema)[known:] if one.type in (pa.string(), pa.float64())]


def part_schema() -> Any:
    """The Arrow schema of a part."""
    import pyarrow as pa

    schema = predictions_schema(with_probabilities=True)
    for name, kind in PART_FIELDS.items():
        schema = schema.append(pa.field(name, getattr(pa, kind[0])(*kind[1:])))
    return schema


def table_of(rows: Rows) -> Any:
    """`rows` as an Arrow table of :func:`part_schema`; nan and rank 0 become null."""
    import pyarrow as pa

    schema = part_schema()
    columns = {
        "id": rows.id,
        "label": rows.label,
        "prediction": rows.prediction,
        "confidence": pa.array(rows.confidence, pa.float32(), mask=np.isnan(rows.confidence)),
        "label_probability": pa.array(
            rows.label_probability, pa.float32(), mask=np.isnan(rows.label_probability)
        ),
        "label_rank": pa.array(rows.label_rank, pa.int32(), mask=rows.label_rank == 0),
        "top_tied": rows.top_tied,
        "top_classes": _lists(rows.top_classes, pa.int32()),
        "top_probabilities": _lists(rows.top_probabilities, pa.float32()),
        "probabilities": _lists(rows.probabilities, pa.float32()),
        "flags": rows.flags,
        "reason": pa.array(rows.reason, pa.string()),
        "digest": pa.array(rows.digest or [None] * len(rows), pa.binary(32)),
    }
    return pa.table(columns, schema=schema)


def _lists(values: NDArray[Any], kind: Any) -> Any:
    import pyarrow as pa

    n, width = values.shape
    offsets = np.arange(n + 1, dtype=np.int32) * np.int32(width)
    return pa.ListArray.from_arrays(offsets, pa.array(values.ravel(), kind))
