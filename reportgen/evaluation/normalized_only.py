"""Evaluates a matrix of proportions: no counts, no intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from reportgen.analysis.confusions import relabelling_note
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import UsageError
from reportgen.evaluation.counting import evaluate_matrix
from reportgen.evaluation.evaluation import Evaluation
from reportgen.evaluation.notes import class_notes, ordinal_notes, read_as_notes
from reportgen.evaluation.pairs import Pairs
from reportgen.evaluation.proportions import DECIMALS, Proportions
from reportgen.metrics import Metric, MetricColumn
from reportgen.options import EvaluationOptions
from reportgen.provenance import Accounting, DataNote, Provenance

if TYPE_CHECKING:
    from reportgen.importers import NormalisedMatrix

__all__ = [
    "counts_needed",
    "evaluate_proportions",
    "refuse_for_proportions",
]


SHARES_ONLY = "shares_only"


COARSE = 0.00051
"""Proportions with a larger rounding error are too coarse for the page's digits."""


EXACT = 1e-6
"""With less rounding than this, a proportion of 0 is an exact 0."""


CERTAIN = {"absent-classes": "true", "never-predicted-classes": "predicted"}
"""Code of a note → normalisation for which even rounded proportions prove it."""


_DEFAULTS = EvaluationOptions()


def evaluate_proportions(
    matrix: NormalisedMatrix,
    classes: tuple[str, ...],
    provenance: Provenance,
    notes: tuple[DataNote, ...] = (),
    options: EvaluationOptions = _DEFAULTS,
) -> Evaluation:
    """The metrics that proportions determine, without intervals; others are n/a with a reason.

    Raises :class:`UsageError` if an option needs counts, or per-sample data.
    """
    refuse_for_proportions(options)
    shares = Proportions(matrix.shares, matrix.over)
    matrix = replace(matrix, shares=shares.values)  # the decimals that every output has
    scaled = matrix.scaled()
    counted = evaluate_matrix(scaled, classes, provenance, (), options)
    return replace(
        counted,
        confusion=ConfusionMatrix.empty(len(classes)),
        summary={
            name: _metric(name, metric, matrix, everywhere=options.macro == "all")
            for name, metric in counted.summary.items()
        },
        per_class=_per_class(counted.per_class, matrix),
        pairs=Pairs.of(()),
        samples=Accounting(found=0, counted=0),
        notes=(
            *read_as_notes(provenance),
            *notes,
            *_notes(matrix, scaled, classes, options),
            *ordinal_notes(classes, options),
        ),
        examples_reason="the input is a confusion matrix, without samples",
        intervals="none",
        shares=shares,
    )


def refuse_for_proportions(options: EvaluationOptions) -> None:
    """Raise :class:`UsageError` if an option needs counts."""
    asked = {
        f"--ci {options.ci}": options.ci != "wilson",
        "--hierarchy": options.hierarchy is not None,
    }
    for words, given in asked.items():
        if given:
            raise counts_needed(words)


def counts_needed(what: str, holder: str = "the matrix") -> UsageError:
    """The error if `what` needs counts, but `holder` has proportions only."""
    return UsageError(
        f"{what} needs counts, and {holder} contains only proportions",
        slug="matrix-shares",
        hint="save the matrix before normalising it, or pass the class supports: --supports FILE",
    )


def _metric(name: str, scaled: Metric, matrix: NormalisedMatrix, *, everywhere: bool) -> Metric:
    """An overall metric, if it is determined."""
    if scaled.reason in ("no_scores", "too_few_classes"):
        return scaled
    if matrix.known is None:
        return scaled if scaled.value is None else Metric(scaled.value, None, SHARES_ONLY)
    if name not in matrix.known:
        return Metric(None, None, SHARES_ONLY)
    hits, present = np.diagonal(matrix.shares), matrix.shares.any(axis=1)
    counted = hits if everywhere and name.startswith("macro_") else hits[present]
    return Metric(float(np.mean(counted)), None, SHARES_ONLY)


def _per_class(
    scaled: Mapping[str, MetricColumn], matrix: NormalisedMatrix
) -> dict[str, MetricColumn]:
    hits = np.diagonal(matrix.shares)
    right, wrong = ("recall", "fnr") if matrix.over == "true" else ("precision", "fdr")
    exact = {} if matrix.known is None else {right: hits, wrong: np.round(1 - hits, DECIMALS)}
    columns = {}
    for name, column in scaled.items():
        of_scores = "no_scores" in column.reason
        known = matrix.known is None or of_scores or name in exact
        value = np.where(np.isnan(column.value), np.nan, exact.get(name, column.value))
        nothing = np.full(len(value), np.nan)
        reason = tuple(
            code if known and number != number else SHARES_ONLY
            for code, number in zip(column.reason, value.tolist(), strict=True)
        )
        columns[name] = MetricColumn(value if known else nothing, nothing, nothing, reason)
    return columns


def _notes(
    matrix: NormalisedMatrix,
    scaled: ConfusionMatrix,
    classes: tuple[str, ...],
    options: EvaluationOptions,
) -> Iterator[DataNote]:
    """Notes on rounding, absent classes, and a wrong class order."""
    if matrix.rounding > COARSE:
        yield DataNote(
            "shares-rounded",
            "The proportions have few decimals: each may be off by up to "
            f"{100 * matrix.rounding:.3g} percentage points, whatever digits are shown.",
            "warning",
        )
    for note in class_notes(scaled, classes, options.macro):
        if matrix.rounding < EXACT or CERTAIN.get(note.code) == matrix.over:
            yield note
    order = None if matrix.over == "predicted" else relabelling_note(scaled, classes)
    if order is not None and matrix.over == "true":  # all classes count the same
        accuracy = order.sentence.replace("Accuracy", "Balanced accuracy", 1)
        order = replace(order, sentence=accuracy)
    if order is not None:
        yield order
