"""`Evaluation`: the one result. Everything shown anywhere is read from it.

Its JSON is ``report.json``; others read that file, so its form is a contract: names are never
taken away and never change their meaning within one ``schema_version``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from reportgen.confusion import DENSE_LIMIT, ConfusionMatrix
from reportgen.confusions import Grouping, groups_json
from reportgen.errors import DataError
from reportgen.evaluation.confidence import Confidence
from reportgen.evaluation.dependence import SampleGroups
from reportgen.evaluation.hierarchy import grouping_from_json, grouping_to_json
from reportgen.metrics import (
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
from reportgen.scoring import CLASS_SCORES, SCORES, ThresholdCurve
from reportgen.slices import SliceReport
from reportgen.suspects import LabelSuspects
from reportgen.tallies import Mistake

__all__ = ["CLASS_METRICS", "SUMMARY_METRICS", "Evaluation", "Pair"]

SUMMARY_METRICS = (*SUMMARY, *SCORES)
"""Every metric of the whole that is always there, in the order of all outputs.

Those of :data:`~reportgen.metrics.ORDINAL` follow where they were asked for.
"""
CLASS_METRICS = (*PER_CLASS, *CLASS_SCORES)
"""Every metric of a class, in the order of all outputs."""

SCHEMA_VERSION = 1


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
    share_of_true: float
    share_of_errors: float
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
        For each of the first ten pairs, at most eight of its samples, most confident first;
        empty where the input holds no samples.
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
        Which intervals were asked for: ``"wilson"``, ``"bootstrap"`` or ``"exact"``.
    seed
        Of the random draws that intervals were made from; None where none were asked for.
    sample_groups
        The groups that samples come in, where they were named: the intervals of the whole then
        allow for them, and no others do.
    hierarchy
        The user's groups of classes.
    threshold
        How the answers change with the threshold; two classes with probabilities only, else None.
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

    @property
    def n_samples(self) -> int:
        return self.confusion.n_samples

    @property
    def definitions(self) -> tuple[Definition, ...]:
        """Of the metrics in :attr:`summary`, in its order."""
        return tuple(d for d in (*SUMMARY_METRICS, *ORDINAL) if d.name in self.summary)

    def to_json(self) -> dict[str, Any]:
        """The contract of ``report.json``: plain dicts, lists, strings and numbers; no NaN."""
        return {
            "schema_version": SCHEMA_VERSION,
            "classes": list(self.classes),
            "n_samples": self.n_samples,
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
            "examples": [[asdict(mistake) for mistake in gallery] for gallery in self.examples],
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
            "samples": asdict(self.samples),
            "data_notes": [
                {**asdict(note), "examples": list(note.examples)} for note in self.notes
            ],
            "provenance": self.provenance.to_json(),
        }

    def _class_json(self, i: int) -> dict[str, Any]:
        return {
            "class": self.classes[i],
            **self.class_counts(i),
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
    def from_json(cls, value: Mapping[str, Any]) -> Evaluation:
        """The inverse of :meth:`to_json`.

        Raises :class:`DataError` where the schema is another one, or the value is not of it.
        """
        if value.get("schema_version") != SCHEMA_VERSION:
            raise DataError(
                f"report.json has schema version {value.get('schema_version')!r}; "
                f"this reportgen reads {SCHEMA_VERSION}",
                slug="report-json-version",
                hint="make the report again from its predictions.parquet",
            )
        try:
            return cls._from_json(value)
        except (
            KeyError,
            TypeError,
            ValueError,
            AttributeError,
            IndexError,
            OverflowError,
        ) as error:
            raise DataError(
                f"report.json is not what reportgen writes: {type(error).__name__} {error}",
                slug="report-json-damaged",
                hint="make the report again from its predictions.parquet",
            ) from error

    @classmethod
    def _from_json(cls, value: Mapping[str, Any]) -> Evaluation:
        classes = tuple(value["classes"])
        index = {name: i for i, name in enumerate(classes)}
        rows = value["per_class"]
        if [row["class"] for row in rows] != list(classes):
            raise ValueError("per_class does not hold the classes in their order")
        return cls(
            classes=classes,
            confusion=_matrix_from_json(value["confusion_matrix"], len(classes)),
            summary={name: Metric.from_json(item) for name, item in value["summary"].items()},
            per_class={
                definition.name: MetricColumn.of(
                    [Metric.from_json(row[definition.name]) for row in rows]
                )
                for definition in CLASS_METRICS
            },
            pairs=tuple(
                Pair(**{**pair, "true": index[pair["true"]], "predicted": index[pair["predicted"]]})
                for pair in value["pairs"]
            ),
            examples=tuple(
                tuple(Mistake(**mistake) for mistake in gallery) for gallery in value["examples"]
            ),
            samples=Accounting.from_json(value["samples"]),
            notes=tuple(DataNote.from_json(note) for note in value["data_notes"]),
            provenance=Provenance.from_json(value["provenance"]),
            examples_reason=value["examples_reason"],
            confidence=None
            if value["calibration"] is None
            else Confidence.from_json(value["calibration"]),
            suspects=LabelSuspects.from_json(value["label_suspects"], classes),
            slices=SliceReport.from_json(value["slices"]),
            **_settings_from_json(value, classes),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Evaluation) and all(
            getattr(self, item.name) == getattr(other, item.name) for item in fields(self)
        )

    __hash__ = None  # type: ignore[assignment]  # holds mappings


def _settings_from_json(value: Mapping[str, Any], classes: tuple[str, ...]) -> dict[str, Any]:
    """What was asked for; files from before there were options have the defaults."""
    if value["macro"] not in MACRO_MODES:
        raise ValueError(f"macro {value['macro']!r}")
    seed, groups, hierarchy = map(value.get, ("seed", "sample_groups", "hierarchy"))
    threshold = value.get("threshold")
    return {
        "macro": value["macro"],
        "intervals": str(value.get("intervals", "wilson")),
        "seed": None if seed is None else int(seed),
        "sample_groups": None if groups is None else SampleGroups.from_json(groups),
        "hierarchy": None if hierarchy is None else grouping_from_json(hierarchy, classes),
        "threshold": None if threshold is None else ThresholdCurve.from_json(threshold),
    }


def _matrix_json(confusion: ConfusionMatrix) -> dict[str, Any]:
    axes: dict[str, Any] = {"rows": "true", "columns": "predicted"}
    if confusion.n_classes <= DENSE_LIMIT:
        return {**axes, "counts": confusion.counts.tolist()}
    return {**axes, "cells": [list(cell) for cell in confusion.cells()]}


def _matrix_from_json(value: Mapping[str, Any], n_classes: int) -> ConfusionMatrix:
    if (value["rows"], value["columns"]) != ("true", "predicted"):
        raise ValueError("the matrix must have true rows and predicted columns")
    if "counts" in value:
        return ConfusionMatrix.from_counts(np.asarray(value["counts"]))
    return ConfusionMatrix.from_cells(value["cells"], n_classes)
