"""The format of an evaluation in ``report.json``: names, order, contents.

The format is a contract: within one ``schema_version`` no name is removed or changes its meaning. A
field with a default is missing in documents of earlier versions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from reportgen.analysis.confusions import ClassGroups
from reportgen.analysis.label_issues import LabelIssues
from reportgen.analysis.scoring import ClassCurves, ThresholdCurve
from reportgen.analysis.slices import SliceReport
from reportgen.evaluation.class_rows import Rows, Summary
from reportgen.evaluation.confidence import Confidence
from reportgen.evaluation.galleries import Reverse
from reportgen.evaluation.given_costs import GivenCosts
from reportgen.evaluation.given_groups import GivenGroups
from reportgen.evaluation.pairs import Pair
from reportgen.evaluation.proportions import ProportionPair
from reportgen.evaluation.sample_groups import SampleGroups
from reportgen.jsonio import (
    Codec,
    Definitions,
    Fault,
    Form,
    JsonPath,
    OmitNone,
    OneOf,
    Range,
    Schema,
    codec_of,
    write_plain,
)
from reportgen.metrics import ClassSamples, MacroMode, Mistake
from reportgen.provenance import DataNote, Provenance

__all__ = [
    "LISTED_PAIRS",
    "READ_VERSIONS",
    "SCHEMA_VERSION",
    "Document",
    "Matrix",
    "SampleCounts",
]


SCHEMA_VERSION: Literal[2] = 2


READ_VERSIONS = (1, 2)
"""Readable versions of documents. In version 1, `pairs` contains every confusion."""


LISTED_PAIRS = 1000
"""Maximum number of confusions listed in `pairs`; the confusion matrix contains all."""


@dataclass(frozen=True)
class _Raw:
    """Parsed JSON that is read as a whole elsewhere, because it is large."""

    items: Any

    def codec(self, _: Any) -> Codec:
        inner = codec_of(self.items)
        return Codec(lambda place: place.value, None, inner.schema)


_CellCount = Annotated[int, Range(1)]


_Counts = Annotated[Any, _Raw(tuple[tuple[int, ...], ...]), OmitNone()]


_Cells = Annotated[Any, _Raw(tuple[tuple[int, int, _CellCount], ...]), OmitNone()]


_Share = Annotated[float, Range(0, 1)]


_Shares = Annotated[Any, _Raw(tuple[tuple[_Share, ...], ...]), OmitNone()]


_ShareCells = Annotated[Any, _Raw(tuple[tuple[int, int, _Share], ...]), OmitNone()]


@dataclass(frozen=True)
class Matrix:
    """The confusion matrix in one of four forms: counts or proportions, as a table or by cells."""

    rows: Literal["true"]
    columns: Literal["predicted"]
    counts: _Counts = None
    cells: _Cells = None
    shares: _Shares = None
    share_cells: _ShareCells = None

    __json__: ClassVar[Form] = Form(exactly_one=("counts", "cells", "shares", "share_cells"))


@dataclass(frozen=True)
class SampleCounts:
    """Sample accounting; no numbers if the matrix contains proportions only."""

    found: int | None
    counted: int | None
    excluded: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)


class _PairsCodec:
    """Pairs with counts, or with proportions if the matrix contains proportions only."""

    def codec(self, _: Any) -> Codec:
        counted, shared = codec_of(tuple[Pair, ...]), codec_of(tuple[ProportionPair, ...])

        def read(place: JsonPath) -> tuple[Pair | ProportionPair, ...]:
            first = next(iter(place.items()), None)
            is_shared = first is not None and "share" in first
            found: tuple[Pair | ProportionPair, ...] = (shared if is_shared else counted).read(
                place
            )
            return found

        def write(pairs: Sequence[Pair | ProportionPair], classes: Sequence[str]) -> Any:
            is_shared = bool(pairs) and isinstance(pairs[0], ProportionPair)
            return write_plain((shared if is_shared else counted).write, pairs, classes)

        def schema(known: Definitions) -> Schema:
            kinds = [codec_of(kind).schema(known) for kind in (Pair, ProportionPair)]
            return {"type": "array", "items": {"anyOf": kinds}}

        return Codec(read, write, schema)


class _MadeAgain:
    """Derived members: not read, except for unknown names."""

    def codec(self, kind: Any) -> Codec:
        inner = codec_of(kind)

        def read(place: JsonPath) -> None:
            before = len(place.reading.unknown)
            try:
                inner.read(place)
            except Fault:
                del place.reading.unknown[before:]

        return Codec(read, inner.write, inner.schema)


@dataclass(frozen=True, kw_only=True)
class Document:
    """One evaluation as JSON; ``docs/report-json.md`` documents the names."""

    schema_version: Literal[1, 2]
    classes: tuple[str, ...]
    class_ids: tuple[str, ...] = ()
    n_samples: int | None
    shares_over: Annotated[str, OneOf(("true", "predicted", "all"))] | None = None
    confusion_matrix: Matrix
    summary: Summary
    per_class: Rows
    pairs: Annotated[tuple[Pair | ProportionPair, ...], _PairsCodec()]
    n_pairs: int | None = None
    examples: tuple[tuple[Mistake, ...], ...]
    reversed_examples: tuple[Reverse, ...] = ()
    examples_reason: str
    class_samples: tuple[ClassSamples, ...] = ()
    macro: MacroMode
    intervals: Annotated[str, OneOf(("wilson", "bootstrap", "exact", "none"))] = "wilson"
    seed: Annotated[int, Range(0, 2**64)] | None = None
    sample_groups: SampleGroups | None = None
    hierarchy: GivenGroups | None = None
    costs: GivenCosts | None = None
    slices: SliceReport
    groups: Annotated[ClassGroups | None, _MadeAgain()] = None
    label_suspects: LabelIssues
    calibration: Confidence | None
    threshold: ThresholdCurve | None = None
    class_curves: ClassCurves = ()
    samples: SampleCounts
    data_notes: tuple[DataNote, ...]
    provenance: Provenance

    __json__: ClassVar[Form] = Form(
        beside=frozenset({"comparison", "verdict", "reason", "checks"})  # of a complete review
    )
