"""`Evaluation`: the one result. Everything shown anywhere is read from it.

Its JSON is ``report.json``; others read that file, so its form is a contract: names are never
taken away and never change their meaning within one ``schema_version``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from reportgen.confusion import DENSE_LIMIT, ConfusionMatrix
from reportgen.errors import DataError
from reportgen.metrics import PER_CLASS, Metric, MetricColumn, per_class_metrics, summary_metrics
from reportgen.predictions import Predictions
from reportgen.provenance import Accounting, DataNote, Provenance
from reportgen.tallies import Counts, Mistake, WorstMistakes
from reportgen.text import count, listing, plural

__all__ = ["Evaluation", "Pair", "evaluate_matrix", "evaluate_predictions"]

SCHEMA_VERSION = 1
GALLERY_PAIRS = 10


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
        Metric name → :class:`~reportgen.metrics.Metric` of the whole matrix.
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

    @property
    def n_samples(self) -> int:
        return self.confusion.n_samples

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
            "macro": "present",
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
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
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
                for definition in PER_CLASS
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
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Evaluation) and all(
            getattr(self, item.name) == getattr(other, item.name) for item in fields(self)
        )

    __hash__ = None  # type: ignore[assignment]  # holds mappings


def evaluate_predictions(predictions: Predictions) -> Evaluation:
    """The facts from one row a sample, in two passes over the file, in bounded memory.

    Raises :class:`DataError` where no sample can be counted.
    """
    facts = predictions.facts
    counts = Counts.empty(len(facts.classes))
    for rows in predictions.batches("label", "prediction", "label_rank", "top_tied"):
        counts += Counts.of(rows, len(facts.classes))
    samples = facts.samples
    if counts.n_unlabelled:
        samples = Accounting(
            samples.found,
            counts.confusion.n_samples,
            {**samples.excluded, "label unknown": counts.n_unlabelled},
            samples.skipped,
        )
    pairs = tuple(_pairs(counts.confusion))
    return _evaluation(
        facts.classes,
        counts.confusion,
        pairs=pairs,
        examples=_examples(predictions, pairs),
        top5_hits=counts.top5_hits if counts.n_ranked == counts.confusion.n_samples else None,
        samples=samples,
        notes=(*facts.notes, *_tie_notes(counts.n_tied)),
        provenance=facts.provenance,
        examples_reason="" if predictions.has_confidence else "the predictions have no confidences",
    )


def evaluate_matrix(
    confusion: ConfusionMatrix,
    classes: tuple[str, ...],
    provenance: Provenance,
    notes: tuple[DataNote, ...] = (),
) -> Evaluation:
    """The facts from counts alone: no scores, so no top-5; no samples, so no galleries."""
    n = confusion.n_samples
    return _evaluation(
        classes,
        confusion,
        pairs=tuple(_pairs(confusion)),
        examples=(),
        top5_hits=None,
        samples=Accounting(found=n, counted=n),
        notes=notes,
        provenance=provenance,
        examples_reason="the input is a confusion matrix: it holds counts, no samples",
    )


def _evaluation(
    classes: tuple[str, ...],
    confusion: ConfusionMatrix,
    *,
    pairs: tuple[Pair, ...],
    examples: tuple[tuple[Mistake, ...], ...],
    top5_hits: int | None,
    samples: Accounting,
    notes: tuple[DataNote, ...],
    provenance: Provenance,
    examples_reason: str,
) -> Evaluation:
    if confusion.n_samples == 0:
        raise DataError(
            "no samples: nothing to evaluate",
            slug="no-samples",
            details=[f"{count(samples.found)} found, {excluded_words(samples)}"],
            hint="check the data folder, and what was excluded",
        )
    return Evaluation(
        classes=classes,
        confusion=confusion,
        summary=summary_metrics(confusion, top5_hits),
        per_class=per_class_metrics(confusion),
        pairs=pairs,
        examples=examples,
        samples=samples,
        notes=_once((*notes, *_class_notes(confusion, classes))),
        provenance=provenance,
        examples_reason=examples_reason,
    )


def _once(notes: tuple[DataNote, ...]) -> tuple[DataNote, ...]:
    """The first note of each code: what the run knows is said with more detail."""
    return tuple({note.code: note for note in reversed(notes)}.values())[::-1]


def excluded_words(samples: Accounting) -> str:
    """``3 excluded (2 unreadable, 1 non-finite scores)``."""
    total = sum(samples.excluded.values())
    if not total:
        return "none excluded"
    reasons = ", ".join(f"{count(n)} {reason}" for reason, n in samples.excluded.items())
    return f"{count(total)} excluded ({reasons})"


def _pairs(confusion: ConfusionMatrix) -> Iterator[Pair]:
    rows, columns, values = confusion.errors_by_count()
    support = confusion.true_totals[rows]
    n_errors = max(confusion.n_errors, 1)
    backwards = confusion.lookup(columns, rows)
    of_true = (values / support).tolist()
    of_errors = (values / n_errors).tolist()
    for i, (true, predicted, n) in enumerate(
        zip(rows.tolist(), columns.tolist(), values.tolist(), strict=True)
    ):
        yield Pair(true, predicted, n, of_true[i], of_errors[i], int(backwards[i]))


def _examples(predictions: Predictions, pairs: tuple[Pair, ...]) -> tuple[tuple[Mistake, ...], ...]:
    if not pairs or not predictions.has_confidence:
        return ()
    worst = WorstMistakes(tuple((pair.true, pair.predicted) for pair in pairs[:GALLERY_PAIRS]))
    columns = ("id", "label", "prediction", "confidence", "label_probability")
    for rows in predictions.batches(*columns, wrong_only=True):
        worst = worst.having(rows)
    return tuple(worst.of_pair(*pair) for pair in worst.pairs)


def _tie_notes(n_tied: int) -> Iterator[DataNote]:
    if n_tied:
        yield DataNote(
            "tied-scores",
            f"In {plural(n_tied, 'sample')} two classes share the largest score; "
            "the first of them in the class list is the prediction.",
            count=n_tied,
        )


def _class_notes(confusion: ConfusionMatrix, classes: tuple[str, ...]) -> Iterator[DataNote]:
    absent = np.flatnonzero(confusion.true_totals == 0)
    if len(absent):
        yield _class_note(
            "absent-classes",
            "warning",
            classes,
            absent,
            "has no samples",
            "have no samples",
            "their recall is undefined, and macro averages leave them out",
        )
    silent = np.flatnonzero((confusion.predicted_totals == 0) & (confusion.true_totals > 0))
    if len(silent):
        yield _class_note(
            "never-predicted-classes",
            "warning",
            classes,
            silent,
            "is never predicted",
            "are never predicted",
            "their precision is undefined, and counts as 0 in macro averages",
        )
    if confusion.n_samples == 1:
        yield DataNote("one-sample", "1 sample supports no conclusion.", "warning", 1)


def _class_note(
    code: str,
    severity: str,
    classes: tuple[str, ...],
    which: np.ndarray[Any, Any],
    one: str,
    many: str,
    so: str,
) -> DataNote:
    names = tuple(classes[i] for i in which[:10])
    subject = f"{plural(len(which), 'class', 'classes')} {one if len(which) == 1 else many}"
    sentence = f"{subject}: {listing(classes[i] for i in which[:1000])}; {so}."
    return DataNote(code, sentence, severity, len(which), names)


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
