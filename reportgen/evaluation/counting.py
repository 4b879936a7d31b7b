"""From predictions, or from counts alone, to the one result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from reportgen.confusion import ConfusionMatrix
from reportgen.confusions import orientation_note, relabelling_note
from reportgen.errors import DataError
from reportgen.evaluation.confidence import Confidence
from reportgen.evaluation.details import slices_of, suspects_of
from reportgen.evaluation.rows import PredictionRows
from reportgen.evaluation.value import Evaluation, Pair
from reportgen.metrics import Metric, MetricColumn, per_class_metrics, summary_metrics
from reportgen.provenance import Accounting, DataNote, Provenance
from reportgen.scoring import (
    CLASS_SCORES,
    SCORES,
    AnswerTally,
    ProbabilityTally,
    ScoreFigures,
    Scores,
)
from reportgen.slices import SliceReport
from reportgen.suspects import LabelSuspects, Thresholds, label_suspects
from reportgen.tallies import Counts, Mistake, WorstMistakes
from reportgen.text import count, listing, plural

__all__ = ["GALLERY_PAIRS", "evaluate_matrix", "evaluate_predictions", "excluded_words"]

GALLERY_PAIRS = 10


def evaluate_predictions(predictions: PredictionRows) -> Evaluation:
    """The facts from one row a sample, in two passes over the file, in bounded memory.

    Raises :class:`DataError` where no sample can be counted.
    """
    facts = predictions.facts
    counts, figures, thresholds = _counted(predictions)
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
        figures=figures,
        suspects=suspects_of(predictions, thresholds),
        slices=slices_of(predictions),
        samples=samples,
        notes=(*facts.notes, *_tie_notes(counts.n_tied)),
        provenance=facts.provenance,
        examples_reason="" if predictions.has_confidence else "the predictions have no confidences",
    )


def _counted(
    predictions: PredictionRows,
) -> tuple[Counts, ScoreFigures | None, Thresholds | None]:
    """Everything that one pass adds up: counts, and the figures of scores where there are any."""
    n_classes = len(predictions.facts.classes)
    counts = Counts.empty(n_classes)
    columns = ["label", "prediction", "label_rank", "top_tied"]
    if not predictions.has_confidence:
        for rows in predictions.batches(*columns):
            counts += Counts.of(rows, n_classes)
        return counts, None, None
    columns += ["confidence", "label_probability"]
    columns += ["probabilities"] if predictions.has_probabilities else []
    answers = AnswerTally()
    kept, thresholds = None, None
    if predictions.has_probabilities:
        kept, thresholds = ProbabilityTally.empty(n_classes), Thresholds.empty(n_classes)
    for rows in predictions.batches(*columns):
        counts += Counts.of(rows, n_classes)
        answers += AnswerTally.of(rows)
        if kept is not None and thresholds is not None:
            scores = Scores.of(rows["probabilities"], rows["label"])
            kept += ProbabilityTally.of(scores)
            thresholds += Thresholds.of(scores)
    return counts, ScoreFigures.of(answers, kept, n_classes), thresholds


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
        figures=None,
        suspects=label_suspects(None),
        slices=SliceReport(),
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
    figures: ScoreFigures | None,
    suspects: LabelSuspects,
    slices: SliceReport,
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
        summary={**summary_metrics(confusion, top5_hits), **_summary_scores(figures)},
        per_class={**per_class_metrics(confusion), **_class_scores(figures, len(classes))},
        pairs=pairs,
        examples=examples,
        samples=samples,
        notes=_once((*notes, *_class_notes(confusion, classes), *_order_notes(confusion, classes))),
        provenance=provenance,
        examples_reason=examples_reason,
        confidence=None if figures is None else Confidence.of(figures),
        suspects=suspects,
        slices=slices,
    )


def _summary_scores(figures: ScoreFigures | None) -> dict[str, Metric]:
    """Every name is there, whatever the input has."""
    if figures is None:
        return {definition.name: Metric(None, None, "no_scores") for definition in SCORES}
    return {definition.name: figures.summary[definition.name] for definition in SCORES}


def _class_scores(figures: ScoreFigures | None, n_classes: int) -> dict[str, MetricColumn]:
    if figures is None:
        nothing = MetricColumn.of([Metric(None, None, "no_scores")] * n_classes)
        return {definition.name: nothing for definition in CLASS_SCORES}
    return {definition.name: figures.per_class[definition.name] for definition in CLASS_SCORES}


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


def _examples(
    predictions: PredictionRows, pairs: tuple[Pair, ...]
) -> tuple[tuple[Mistake, ...], ...]:
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


def _order_notes(confusion: ConfusionMatrix, classes: tuple[str, ...]) -> Iterator[DataNote]:
    """Signs that the class order, or the orientation of a matrix, is wrong."""
    for note in (relabelling_note(confusion, classes), orientation_note(confusion)):
        if note is not None:
            yield note


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
