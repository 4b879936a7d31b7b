"""The JSON Schema of ``report.json``, generated from the annotations that read and write it."""

from __future__ import annotations

import json
from typing import Any

from reportgen.comparison import Comparison
from reportgen.evaluation import Document
from reportgen.gates import Decision
from reportgen.jsonio import Definitions, codec_of

__all__ = [
    "report_schema",
    "schema_text",
]


DIALECT = "https://json-schema.org/draft/2020-12/schema"


def report_schema() -> dict[str, Any]:
    """Draft 2020-12, plain values.

    It accepts documents of this and earlier versions, and of later ones with the same
    ``schema_version``: unknown members are allowed everywhere. A saved baseline contains only the
    evaluation, without ``comparison``, ``verdict``, ``reason`` and ``checks``.
    """
    known = Definitions()
    codec_of(Document).schema(known)
    codec_of(Decision).schema(known)
    document, decision = (known.schemas.pop(kind.__name__) for kind in (Document, Decision))
    comparison = codec_of(Comparison | None).schema(known)
    evaluation = {**document, "description": "One evaluation: a report without its review."}
    whole = {
        **document["properties"],
        "comparison": {**comparison, "description": "This model against its baseline."},
        **decision["properties"],
    }
    return {
        "$schema": DIALECT,
        "title": "report.json",
        "description": "All numbers of a report, with what made them.",
        "type": "object",
        "properties": whole,
        "required": document["required"],
        "dependentRequired": dict.fromkeys(decision["required"], decision["required"]),
        "$defs": dict(sorted({**known.schemas, Document.__name__: evaluation}.items())),
    }


def schema_text() -> str:
    """The schema as indented ASCII, with a line end."""
    return json.dumps(report_schema(), indent=1) + "\n"
