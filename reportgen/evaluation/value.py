"""`Evaluation`: the one result. Everything shown anywhere is read from it.

Its JSON is ``report.json``; others read that file, so its form is a contract: names are never
taken away and never change their meaning within one ``schema_version``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from reportgen.confusion import DENSE_LIMIT, ConfusionMatrix
from reportgen.confusions import Grouping, groups_json
from reportgen.errors import DataError
from reportgen.evaluation.confidence import Confidence
from reportgen.evaluation.dependence import SampleGroups
from reportgen.evaluation.galleries import (
    GALLERY_PAIRS,
    galleries_from_json,
    galleries_json,
    gallery_pairs,
)
from reportgen.evaluation.hierarchy import grouping_from_json, grouping_to_json
from reportgen.evaluation.shares import Shares
from reportgen.json_fields import Json, Place, Range, Share, damage_told, plain, shown
from reportgen.metrics import (
    ABSTAINING,
    COUNTS,
    MACRO_MODES,
    ORDINAL,
    PER_CLASS,
    SUMMARY,
    Definition,
    MacroMode,
    Metric,
    MetricColumn,
)
from reportgen.provenance import Accounting, DataNote, Provenance
from reportgen.scoring import CLASS_SCORES, SCORES, ClassCurve, ThresholdCurve
from reportgen.scoring.class_curves import curves_from_json
from reportgen.slices import SliceReport
from reportgen.suspects import LabelSuspects
from reportgen.tallies import Mistake

__all__ = ["CLASS_METRICS", "OPTIONAL_METRICS", "SUMMARY_METRICS", "Evaluation", "Pair"]

SUMMARY_METRICS = (*SUMMARY, *SCORES)
"""Every metric of the whole that is always there, in the order of all outputs.

Those of :data:`OPTIONAL_METRICS` follow where they were asked for.
"""
OPTIONAL_METRICS = (*ORDINAL, *ABSTAINING)
"""Metrics of the whole for ordered classes, and for a model that may abstain."""
CLASS_METRICS = (*PER_CLASS, *CLASS_SCORES)
"""Every metric of a class, in the order of all outputs."""

SCHEMA_VERSION = 1
_NO_COUNTS: Mapping[str, None] = dict.fromkeys(definition.name for definition in COUNTS)
"""The counts of a class where the matrix holds shares only."""


@dataclass(frozen=True)
class Pair:
    """A directed confusion: samples of class `true` that were called `predicted`.

    Attributes
    ----------
    true, predicted
        Class indices.
    count
        Number of such samples, at least 1.
    share_of_true
        ``count`` / samples of the true class; 0..1.
    share_of_errors
        ``count`` / all errors; 0..1.
    reversed_count
        Number of samples of `predicted` that were called `true`.
    """

    true: int
    predicted: int
    count: int
    share_of_true: Share
    share_of_errors: Share
    reversed_count: int


@dataclass(frozen=True)
class Evaluation:
    """What is known about a classifier on a test set.

    Attributes
    ----------
    classes
        Names, in the order of the matrix.
    confusion
        Counts, rows true, columns predicted.
    summary
        Metric name → :class:`~reportgen.metrics.Metric` of the whole matrix; those of ordered
        classes only where they were asked for: see :attr:`definitions`.
    per_class
        Metric name → :class:`~reportgen.metrics.MetricColumn` of all classes.
    pairs
        Every non-zero off-diagonal cell: by count downwards, then true, then predicted index.
    examples
        For each pair that has a gallery, at most eight of its samples, most confident first: see
        :func:`~reportgen.evaluation.gallery_pairs`; empty where the input holds no samples.
    samples
        What became of every sample.
    notes
        What to know about data and run.
    provenance
        What made this.
    examples_reason
        Why there are no examples; empty where there are.
    confidence
        How sure the model was, and whether rightly so; None where the input has no confidences.
    suspects
        Labels worth a second look, or why none could be examined.
    slices
        How good the model is on each part of the data that metadata tells apart.
    macro
        Which classes macro averages are over: a key of :data:`~reportgen.metrics.MACRO_MODES`.
    intervals
        Which intervals were asked for: ``"wilson"``, ``"bootstrap"`` or ``"exact"``; ``"none"``
        where there are no counts to make any from.
    seed
        Of the random draws that intervals were made from; None where none were asked for.
    sample_groups
        The groups that samples come in, where they were named: the intervals of the whole then
        allow for them, and no others do.
    hierarchy
        The user's groups of classes.
    threshold
        How the answers change with the threshold; two classes with probabilities only, else None.
    class_curves
        What falling thresholds flag of each class, of those with the lowest ROC AUC, lowest first:
        with more than two classes and their probabilities only.
    shares
        The matrix where it holds shares and no counts: `confusion` and `samples` are then empty,
        `pairs` too (see :attr:`Shares.pairs`), and no figure has an interval. None with counts.
    """

    classes: tuple[str, ...]
    confusion: ConfusionMatrix
    summary: Mapping[str, Metric]
    per_class: Mapping[str, MetricColumn]
    pairs: tuple[Pair, ...]
    examples: tuple[tuple[Mistake, ...], ...]
    samples: Accounting
    notes: tuple[DataNote, ...]
    provenance: Provenance
    examples_reason: str = ""
    confidence: Confidence | None = None
    suspects: LabelSuspects = field(default_factory=lambda: LabelSuspects("no_scores"))
    slices: SliceReport = field(default_factory=SliceReport)
    macro: MacroMode = "present"
    intervals: str = "wilson"
    seed: int | None = None
    sample_groups: SampleGroups | None = None
    hierarchy: Grouping | None = None
    threshold: ThresholdCurve | None = None
    class_curves: tuple[ClassCurve, ...] = ()
    shares: Shares | None = None

    @property
    def n_samples(self) -> int:
        """Samples in the matrix; 0 where it holds shares only, and their number is not known."""
        return self.confusion.n_samples

    @property
    def shares_over(self) -> str | None:
        """What the shares of a matrix without counts add up to 1 over: ``"true"``,
        ``"predicted"`` or ``"all"``; None with counts."""
        return None if self.shares is None else self.shares.over

    @property
    def definitions(self) -> tuple[Definition, ...]:
        """Of the metrics in :attr:`summary`, in its order."""
        return tuple(d for d in (*SUMMARY_METRICS, *OPTIONAL_METRICS) if d.name in self.summary)

    def to_json(self) -> dict[str, Any]:
        """The contract of ``report.json``: plain dicts, lists, strings and numbers; no NaN."""
        return {
            "schema_version": SCHEMA_VERSION,
            "classes": list(self.classes),
            "n_samples": self.n_samples,
            "shares_over": None,
            "confusion_matrix": _matrix_json(self.confusion),
            "summary": {name: metric.to_json() for name, metric in self.summary.items()},
            "per_class": [self._class_json(i) for i in range(len(self.classes))],
            "pairs": [
                {
                    "true": self.classes[pair.true],
                    "predicted": self.classes[pair.predicted],
                    "count": pair.count,
                    "share_of_true": pair.share_of_true,
                    "share_of_errors": pair.share_of_errors,
                    "reversed_count": pair.reversed_count,
                }
                for pair in self.pairs
            ],
            **galleries_json(self),
            "examples_reason": self.examples_reason,
            "macro": self.macro,
            "intervals": self.intervals,
            "seed": self.seed,
            "sample_groups": None if self.sample_groups is None else self.sample_groups.to_json(),
            "hierarchy": (
                None if self.hierarchy is None else grouping_to_json(self.hierarchy, self.classes)
            ),
            "slices": self.slices.to_json(),
            "groups": groups_json(self),
            "label_suspects": self.suspects.to_json(self.classes),
            "calibration": None if self.confidence is None else self.confidence.to_json(),
            "threshold": None if self.threshold is None else self.threshold.to_json(),
            "class_curves": [curve.to_json(self.classes) for curve in self.class_curves],
            "samples": plain(asdict(self.samples)),
            "data_notes": [plain(asdict(note)) for note in self.notes],
            "provenance": self.provenance.to_json(),
            **({} if self.shares is None else self.shares.to_json(self.classes)),
        }

    def _class_json(self, i: int) -> dict[str, Any]:
        return {
            "class": self.classes[i],
            **(self.class_counts(i) if self.shares is None else _NO_COUNTS),
            **{name: column.metric(i).to_json() for name, column in self.per_class.items()},
        }

    def class_counts(self, i: int) -> dict[str, int]:
        """support, predicted, tp, fp, fn, tn of one class."""
        support = int(self.confusion.true_totals[i])
        predicted = int(self.confusion.predicted_totals[i])
        hits = int(self.confusion.diagonal[i])
        return {
            "support": support,
            "predicted": predicted,
            "tp": hits,
            "fp": predicted - hits,
            "fn": support - hits,
            "tn": self.n_samples - support - predicted + hits,
        }

    @classmethod
    def from_json(cls, value: Json) -> Evaluation:
        """The inverse of :meth:`to_json`.

        Raises :class:`DataError` where the schema is another one, or the value is not of it: the
        message names the place.
        """
        with damage_told():
            place = Place.of(value)
            version = place.get("schema_version").value
            if version != SCHEMA_VERSION:
                raise DataError(
                    f"report.json has schema version {shown(version)}; "
                    f"this reportgen reads {SCHEMA_VERSION}",
                    slug="report-json-version",
                    hint="make the report again from its predictions.parquet",
                )
            return cls._from_json(place)

    @classmethod
    def _from_json(cls, place: Place) -> Evaluation:
        classes = _classes_from_json(place["classes"])
        index = {name: i for i, name in enumerate(classes)}
        shares, place = _shares_from_json(place, len(classes))
        confusion = _matrix_from_json(place["confusion_matrix"], len(classes))
        pairs = _pairs_from_json(place["pairs"], confusion, index)
        found = cls(
            classes=classes,
            confusion=confusion,
            summary=_summary_from_json(place["summary"]),
            per_class=_columns_from_json(place["per_class"], classes),
            pairs=pairs,
            examples=_galleries_from_json(place, pairs, index),
            samples=Accounting.from_json(place["samples"]),
            notes=place["data_notes"].read(tuple[DataNote, ...]),
            provenance=Provenance.from_json(place["provenance"]),
            examples_reason=place["examples_reason"].text(),
            confidence=place["calibration"].read(Confidence | None),
            suspects=LabelSuspects.from_json(place["label_suspects"], classes),
            slices=SliceReport.from_json(place["slices"]),
            class_curves=curves_from_json(place.get("class_curves"), index),
            shares=shares,
            **_settings_from_json(place, classes),
        )
        _check_totals(found, place)
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Evaluation) and all(
            getattr(self, item.name) == getattr(other, item.name) for item in fields(self)
        )

    __hash__ = None  # type: ignore[assignment]  # holds mappings


def _classes_from_json(place: Place) -> tuple[str, ...]:
    classes: tuple[str, ...] = place.read(tuple[str, ...])
    if not classes:
        place.fault("a list of class names")
    if len(set(classes)) < len(classes):
        place.contradicts("each class has a name of its own")
    return classes


def _shares_from_json(place: Place, n_classes: int) -> tuple[Shares | None, Place]:
    """The shares, where the matrix holds no counts, and the same place without them."""
    place["confusion_matrix"].entries()
    try:
        shares, bare = Shares.from_json(place.value, n_classes)
    except (ValueError, TypeError, LookupError, OverflowError) as error:
        place["confusion_matrix"].contradicts(f"{type(error).__name__} {error}")
    return shares, Place(bare, place.parent, place.key)


def _summary_from_json(place: Place) -> dict[str, Metric]:
    """Every metric of the whole; those of ordered classes where they are there."""
    kinds = {item.name: item.kind for item in (*SUMMARY_METRICS, *OPTIONAL_METRICS)}
    for definition in SUMMARY_METRICS:
        place[definition.name]
    return {name: Metric.from_json(item, kinds.get(name)) for name, item in place.entries().items()}


def _columns_from_json(place: Place, classes: Sequence[str]) -> dict[str, MetricColumn]:
    rows = place.of_length(len(classes))
    for row, name in zip(rows, classes, strict=True):
        if row["class"].text() != name:
            row["class"].contradicts("the classes stand in their order")
    return {
        definition.name: MetricColumn.of(
            [Metric.from_json(row[definition.name], definition.kind) for row in rows]
        )
        for definition in CLASS_METRICS
    }


def _pairs_from_json(
    place: Place, confusion: ConfusionMatrix, index: Mapping[str, int]
) -> tuple[Pair, ...]:
    """Every confusion; what is counted of it is what the matrix counts."""
    true, predicted, counts = confusion.errors_by_count()
    columns = (true, predicted, counts, confusion.lookup(predicted, true))
    cells = zip(*(column.tolist() for column in columns), strict=True)
    found = []
    for item, cell in zip(place.of_length(len(counts)), cells, strict=True):
        classes: dict[str, Any] = {role: item[role].index(index) for role in ("true", "predicted")}
        pair = item.read_as(Pair, **classes)
        told = (pair.true, pair.predicted, pair.count, pair.reversed_count)
        for name, is_told, counted in zip(_TOLD, told, cell, strict=True):
            if is_told != counted:
                item[name].contradicts("the confusion matrix says otherwise")
        found.append(pair)
    return tuple(found)


_TOLD = ("true", "predicted", "count", "reversed_count")


def _galleries_from_json(
    place: Place, pairs: Sequence[Pair], index: Mapping[str, int]
) -> tuple[tuple[Mistake, ...], ...]:
    first = place["examples"]
    shown: tuple[tuple[Mistake, ...], ...] = first.read(tuple[tuple[Mistake, ...], ...])
    if shown:
        first.of_length(min(len(pairs), GALLERY_PAIRS))
    reverses = place.get("reversed_examples")
    for item in reverses.items() if "reversed_examples" in place else ():
        item["true"].index(index)
        item["predicted"].index(index)
        item["samples"].read(tuple[Mistake, ...])
    try:
        found = galleries_from_json(place.value, pairs, index)
    except ValueError as error:
        reverses.contradicts(str(error))
    for pair, gallery in zip(gallery_pairs(pairs), found, strict=False):
        if len(gallery) > pair.count:
            first.contradicts(f"{len(gallery):,} samples of a confusion of {pair.count:,}")
    return found


def _settings_from_json(place: Place, classes: tuple[str, ...]) -> dict[str, Any]:
    """What was asked for; files from before there were options have the defaults."""
    seed, hierarchy = place.get("seed"), place.get("hierarchy")
    return {
        "macro": place["macro"].one_of(tuple(MACRO_MODES)),
        "intervals": place["intervals"].text() if "intervals" in place else "wilson",
        "seed": None if seed.is_none else seed.whole(Range(0, 2**64)),
        "sample_groups": place.get("sample_groups").read(SampleGroups | None),
        "hierarchy": None if hierarchy.is_none else grouping_from_json(hierarchy, classes),
        "threshold": place.get("threshold").read(ThresholdCurve | None),
    }


def _check_totals(found: Evaluation, place: Place) -> None:
    """The parts must be of the same samples."""
    n = found.n_samples
    if place["n_samples"].whole() != n:
        place["n_samples"].contradicts(f"the confusion matrix holds {n:,}")
    if found.samples.counted != n:
        place["samples"]["counted"].contradicts(f"the confusion matrix holds {n:,}")
    if found.confidence is not None and sum(bar.n for bar in found.confidence.bins) > n:
        place["calibration"]["bins"].contradicts(f"they hold more than all {n:,} samples")
    if found.threshold is not None:
        if len(found.classes) != 2:
            place["threshold"].contradicts("thresholds are of two classes")
        if found.threshold.n_positive > found.confusion.true_totals[found.threshold.positive]:
            place["threshold"]["n_positive"].contradicts("the confusion matrix holds fewer")
    _check_curves(found, place.get("class_curves"))


def _check_curves(found: Evaluation, place: Place) -> None:
    n = found.n_samples
    for curve, at in zip(found.class_curves, () if place.is_none else place.items(), strict=True):
        if curve.n_positive > found.confusion.true_totals[curve.index]:
            at["n_positive"].contradicts("the confusion matrix holds fewer")
        if curve.n_positive + curve.n_negative > n:
            at["n_negative"].contradicts("the confusion matrix holds fewer")


def _matrix_json(confusion: ConfusionMatrix) -> dict[str, Any]:
    axes: dict[str, Any] = {"rows": "true", "columns": "predicted"}
    if confusion.n_classes <= DENSE_LIMIT:
        return {**axes, "counts": confusion.counts.tolist()}
    return {**axes, "cells": [list(cell) for cell in confusion.cells()]}


def _matrix_from_json(place: Place, n_classes: int) -> ConfusionMatrix:
    for axis, role in (("rows", "true"), ("columns", "predicted")):
        place[axis].one_of((role,))
    dense = "counts" in place
    cells = place["counts"] if dense else place["cells"]
    for row in cells.of_length(n_classes) if dense else ():
        row.of_length(n_classes)
    try:
        if dense:
            matrix = ConfusionMatrix.from_counts(np.asarray(cells.value))
        else:
            matrix = ConfusionMatrix.from_cells(cells.value, n_classes)
    except (DataError, TypeError, ValueError, OverflowError) as error:
        cells.contradicts(error.message if isinstance(error, DataError) else str(error))
    return matrix
