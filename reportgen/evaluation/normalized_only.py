"""What a matrix of shares still says: figures without counts, and so without intervals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from reportgen.analysis.confusions import relabelling_note
from reportgen.analysis.label_issues import find_label_issues
from reportgen.analysis.scoring import CLASS_SCORES, SCORES
from reportgen.analysis.slices import SliceReport
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import UsageError
from reportgen.evaluation.counting import apply_options
from reportgen.evaluation.evaluation import Evaluation
from reportgen.evaluation.notes import class_note, ordinal_notes, read_as_notes
from reportgen.evaluation.proportions import DECIMALS, Proportions
from reportgen.evaluation.sample_groups import refuse_groups
from reportgen.metrics import (
    ORDINAL,
    PER_CLASS,
    SUMMARY,
    Metric,
    MetricColumn,
    ordinal_metrics,
    per_class_metrics,
    summary_metrics,
)
from reportgen.options import EvaluationOptions
from reportgen.provenance import Accounting, DataNote, Provenance

if TYPE_CHECKING:
    from reportgen.importers import NormalisedMatrix

__all__ = [
    "evaluate_proportions",
    "refuse_for_proportions",
]


SHARES_ONLY = "shares_only"


COARSE = 0.00051
"""Shares that may be off by more than this are not good for the digits that a page shows."""


EXACT = 1e-6
"""With less rounding than this, a share of 0 means that there is nothing."""


_DEFAULTS = EvaluationOptions()


def evaluate_proportions(
    matrix: NormalisedMatrix,
    classes: tuple[str, ...],
    provenance: Provenance,
    notes: tuple[DataNote, ...] = (),
    options: EvaluationOptions = _DEFAULTS,
) -> Evaluation:
    """What shares determine: no counts, no intervals, no tests; all else is n/a with its reason.

    Raises :class:`UsageError` where an option needs counts, or the samples themselves.
    """
    refuse_groups(options, "a confusion matrix")
    refuse_for_proportions(options)
    shares = Proportions(matrix.shares, matrix.over)
    matrix = replace(matrix, shares=shares.values)  # the decimals that every output has
    return Evaluation(
        classes=classes,
        confusion=ConfusionMatrix.empty(len(classes)),
        summary=_summary(matrix, options),
        per_class=_per_class(matrix),
        pairs=(),
        examples=(),
        samples=Accounting(found=0, counted=0),
        notes=(
            *read_as_notes(provenance),
            *notes,
            *_notes(matrix, classes, options),
            *ordinal_notes(classes, options),
        ),
        provenance=apply_options(provenance, options),
        examples_reason="the input is a confusion matrix: it holds shares, no samples",
        suspects=find_label_issues(None),
        slices=SliceReport(),
        macro=options.macro,
        intervals="none",
        shares=shares,
    )


def refuse_for_proportions(options: EvaluationOptions) -> None:
    """Raise :class:`UsageError` where an option needs counts."""
    asked = {
        f"--ci {options.ci}": options.ci != "wilson",
        "--hierarchy": options.hierarchy is not None,
    }
    for words, given in asked.items():
        if given:
            raise UsageError(
                f"{words} needs counts: the matrix holds shares alone",
                slug="matrix-shares",
                hint="leave the option out, or give the samples of each class: --supports FILE",
            )


def _summary(matrix: NormalisedMatrix, options: EvaluationOptions) -> dict[str, Metric]:
    """Every metric of the whole: those that shares determine without interval, else n/a."""
    names = [metric.name for metric in (*SUMMARY, *(ORDINAL if options.ordinal else ()))]
    if matrix.known is None:
        units = matrix.scaled()
        found = summary_metrics(units, macro=options.macro)
        found |= ordinal_metrics(units) if options.ordinal else {}
        summary = {name: _drop_interval(found[name]) for name in names}
    else:
        summary = dict.fromkeys(names, Metric(None, None, SHARES_ONLY))
        for name in matrix.known & summary.keys():
            everywhere = options.macro == "all" and name.startswith("macro_")
            summary[name] = Metric(_mean(matrix, everywhere=everywhere), None, SHARES_ONLY)
        reason = "too_few_classes" if matrix.n_classes <= 5 else "no_scores"
        summary["top5_accuracy"] = Metric(None, None, reason)
    scores = {definition.name: Metric(None, None, "no_scores") for definition in SCORES}
    ordinal = {name: summary.pop(name) for name in names[len(SUMMARY) :]}
    return {**summary, **scores, **ordinal}


def _drop_interval(metric: Metric) -> Metric:
    return metric if metric.value is None else Metric(metric.value, None, SHARES_ONLY)


def _mean(matrix: NormalisedMatrix, *, everywhere: bool) -> float:
    """Mean of the diagonal over the classes that have samples, or over all; undefined is 0."""
    present = matrix.shares.any(axis=1)
    hits = np.diagonal(matrix.shares)
    return float(np.mean(hits if everywhere else hits[present]))


def _per_class(matrix: NormalisedMatrix) -> dict[str, MetricColumn]:
    """Every metric of each class: those that shares determine without interval, else n/a."""
    k = matrix.n_classes
    nothing = MetricColumn.of([Metric(None, None, "no_scores")] * k)
    scores = {definition.name: nothing for definition in CLASS_SCORES}
    if matrix.known is None:
        found = per_class_metrics(matrix.scaled())
        columns = {name: _drop_column_intervals(column) for name, column in found.items()}
        return {**columns, **scores}
    unknown = MetricColumn.of([Metric(None, None, SHARES_ONLY)] * k)
    columns = {metric.name: unknown for metric in PER_CLASS}
    of_true = matrix.over == "true"
    right, wrong = ("recall", "fnr") if of_true else ("precision", "fdr")
    known = np.any(matrix.shares, axis=1 if of_true else 0)
    hits = np.diagonal(matrix.shares)
    absent = Metric(None, None, "no_true_samples" if of_true else "never_predicted")
    for name, shares in ((right, hits), (wrong, np.round(1 - hits, DECIMALS))):
        columns[name] = MetricColumn.of(
            [
                Metric(value, None, SHARES_ONLY) if there else absent
                for value, there in zip(shares.tolist(), known.tolist(), strict=True)
            ]
        )
    return {**columns, **scores}


def _drop_column_intervals(column: MetricColumn) -> MetricColumn:
    nan = np.full(len(column), np.nan)
    reason = tuple(
        code if value != value else SHARES_ONLY
        for code, value in zip(column.reason, column.value.tolist(), strict=True)
    )
    return MetricColumn(column.value, nan, nan, reason)


def _notes(
    matrix: NormalisedMatrix, classes: tuple[str, ...], options: EvaluationOptions
) -> Iterator[DataNote]:
    """How far shares were rounded, and the classes that surely don't occur."""
    if matrix.rounding > COARSE:
        yield DataNote(
            "shares-rounded",
            "The shares were given with few decimals: each may be off by "
            f"{100 * matrix.rounding:.3g} percentage points, whatever digits are shown.",
            "warning",
        )
    sure = matrix.rounding < EXACT
    absent = np.flatnonzero(~matrix.shares.any(axis=1))
    if len(absent) and (sure or matrix.over == "true"):
        them = "it" if len(absent) == 1 else "them"
        yield class_note(
            "absent-classes", "warning", classes, absent, "has no samples", "have no samples",
            f"{'its' if len(absent) == 1 else 'their'} recall is undefined, and "
            + ("macro averages count {} as 0" if options.macro == "all"
               else "macro averages leave {} out").format(them),
        )  # fmt: skip
    silent = np.flatnonzero(~matrix.shares.any(axis=0) & matrix.shares.any(axis=1))
    if len(silent) and (sure or matrix.over == "predicted"):
        yield class_note(
            "never-predicted-classes", "warning", classes, silent, "is never predicted",
            "are never predicted",
            f"{'its' if len(silent) == 1 else 'their'} precision is undefined, and counts as 0 in "
            "macro averages",
        )  # fmt: skip
    yield from _order_notes(matrix, classes)


def _order_notes(matrix: NormalisedMatrix, classes: tuple[str, ...]) -> Iterator[DataNote]:
    """A sign that the class order is wrong. With shares of true classes all count the same."""
    note = None if matrix.over == "predicted" else relabelling_note(matrix.scaled(), classes)
    if note is None:
        return
    if matrix.over == "true":
        note = replace(note, sentence=note.sentence.replace("Accuracy", "Balanced accuracy", 1))
    yield note
