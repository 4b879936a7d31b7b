"""The metadata of a predictions file: everything besides its rows, as JSON text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reportgen.errors import DataError
from reportgen.jsonio import read_value, write_value
from reportgen.metrics import SUM_TOLERANCE
from reportgen.provenance import Accounting, DataNote, Provenance
from reportgen.text import quoted

__all__ = [
    "INDEPENDENT_SCORES",
    "RunFacts",
]


SCHEMA_VERSION = 1


_Notes = tuple[DataNote, ...]


INDEPENDENT_SCORES = DataNote(
    "independent-scores",
    "Scores are independent per class (one-vs-rest, such as "
    "sigmoids). The prediction is the class with the largest score. There is no confidence, "
    "calibration (ECE), log loss or Brier score.",
)


@dataclass(frozen=True)
class RunFacts:
    """Provenance, sample accounting and notes of the rows.

    Attributes
    ----------
    classes
        Class names in the order of the model's outputs, printable and unique.
    fingerprint
        Each input that determined the rows (model, data, preprocessing, batch size, …) → its value
        or hash; ``--resume`` compares them.
    n_abstained
        Number of samples on which the model abstained, included in the excluded ones; None if it
        can't abstain. Only for predictions of other programs; not written to files.
    sum_tolerance
        How far the sum of a sample's probabilities may be from 1; None for independent scores (one
        vs rest), which need not sum to 1.
    """

    classes: tuple[str, ...]
    provenance: Provenance
    samples: Accounting
    notes: tuple[DataNote, ...] = ()
    fingerprint: Mapping[str, str] = field(default_factory=dict)
    n_abstained: int | None = None
    sum_tolerance: float | None = SUM_TOLERANCE

    def to_text(self) -> str:
        """As JSON with sorted keys: equal facts give equal bytes."""
        independent = {} if self.sum_tolerance is not None else {"independent_scores": True}
        return json.dumps(
            {
                "schema_version": SCHEMA_VERSION,
                "classes": self.classes,
                "provenance": write_value(Provenance, self.provenance),
                "samples": write_value(Accounting, self.samples),
                "notes": write_value(_Notes, self.notes),
                "fingerprint": dict(self.fingerprint),
                **independent,
            },
            ensure_ascii=True,
            sort_keys=True,
        )

    @classmethod
    def from_text(cls, text: str | bytes, file_name: str) -> RunFacts:
        """The inverse of :meth:`to_text`.

        Raises :class:`DataError` if the text is invalid.
        """
        try:
            value: Mapping[str, Any] = json.loads(text)
            if value["schema_version"] != SCHEMA_VERSION:
                raise DataError(
                    f"{quoted(file_name)} has predictions schema {value['schema_version']}; "
                    f"this reportgen reads {SCHEMA_VERSION}",
                    slug="predictions-version",
                    hint="render it with the reportgen that wrote it, or predict again",
                )
            return cls(
                classes=tuple(value["classes"]),
                provenance=read_value(Provenance, value["provenance"]),
                samples=read_value(Accounting, value["samples"]),
                notes=read_value(_Notes, value["notes"]),
                fingerprint=value["fingerprint"],
                sum_tolerance=None if value.get("independent_scores") else SUM_TOLERANCE,
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"the metadata of {quoted(file_name)} is damaged: {type(error).__name__}",
                slug="predictions-damaged",
                hint="predict again",
            ) from error
