"""Notes on a saved input for the report: its origin, decisions, and excluded data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from reportgen.class_list import display_name
from reportgen.importers.columns.cells import TextCells, written_numbers
from reportgen.importers.columns.detect import Roles
from reportgen.importers.columns.labels import Reading
from reportgen.importers.columns.scores import Scored, ScoreKind
from reportgen.importers.columns.survey import Survey
from reportgen.importers.columns.words import folded
from reportgen.importers.formats.delimited import separated_by
from reportgen.importers.formats.tables import NARROW_ROWS, Table
from reportgen.importers.read_as import read_as_samples
from reportgen.metrics import SUM_TOLERANCE, OutputKind
from reportgen.options import InputOptions, render_command
from reportgen.predictions import INDEPENDENT_SCORES, RunFacts
from reportgen.provenance import RANKED_CLASSES, Accounting, DataNote, ModelFacts, Provenance
from reportgen.text import count, listing, percent, plural, printable, quoted

__all__ = [
    "ABSTAINED",
    "NOT_FINITE",
    "NO_CONFIDENCE",
    "NO_LABEL_THERE",
    "ROW_NUMBERS",
    "facts_of",
]


NOT_FINITE = "scores are not finite"


ABSTAINED = "the model abstained"


NO_LABEL_THERE = "no label in the table of labels"


NO_CONFIDENCE = "no finite confidence"


ROW_NUMBERS = "row numbers, from 0"


_ROUNDING = 1e-3


def facts_of(
    table: Table,
    roles: Roles,
    survey: Survey,
    reading: Reading,
    options: InputOptions,
    scored: Scored | None = None,
    read: ScoreKind | None = None,
    width: int = 0,
) -> RunFacts:
    """Classes, provenance, accounting and notes of a table of predictions.

    `read` is the type of its scores, `width` their number per row, if it has any.
    """
    outputs = None if read is None else read.kind
    name = printable(table.name)
    provenance = Provenance(
        kind="predictions",
        model=ModelFacts(name=printable(Path(table.name).stem) if table.sha256 else ""),
        data_fingerprint=table.sha256,
        classes_source=reading.classes.source,
        outputs=_outputs_words(outputs, options, table.n_rows),
        inference={"read from": name, **_column_facts(roles, reading, options)},
        command=render_command(name, options) if table.sha256 else "",
        read_as=read_as_samples(table, roles, _told(table, roles, survey)),
    )
    return RunFacts(
        classes=reading.classes.names,
        provenance=provenance,
        samples=_accounting(table, survey, options, scored),
        n_abstained=None if not options.abstain else survey.n_abstained,
        sum_tolerance=_sum_tolerance(read),
        notes=(
            *reading.notes,
            *_notes(table, roles, survey, scored),
            *_ignored_note(survey, reading, options),
            *_unlabelled_note(survey),
            *_chance_note(survey, len(reading.classes.names)),
            *_score_notes(read, width, scored),
        ),
    )


def _told(table: Table, roles: Roles, survey: Survey) -> list[str]:
    """How cells were read, if that is not obvious."""
    wrapped = survey.labels.wrapped or survey.predictions.wrapped
    some = [] if wrapped is None else [f"{printable(wrapped[0])} read as {printable(wrapped[1])}"]
    mark = next(iter(table.columns.values())).separator
    some += [separated_by(mark)] if mark else []
    columns = [roles.confidence, *(roles.scores.columns if roles.scores else ())]
    return some + written_numbers(table, [name for name in columns if name is not None])


def _outputs_words(outputs: OutputKind | None, options: InputOptions, n_rows: int) -> str:
    if outputs is None:
        return ""
    how = f"detected from all {count(n_rows)} rows" if options.outputs == "auto" else "as declared"
    return f"{outputs}, {how}"


def _column_facts(roles: Roles, reading: Reading, options: InputOptions) -> Mapping[str, str]:
    """Role → column; and whether cells were names or indices."""
    facts = {"label column": f"{printable(roles.label)} ({reading.how['label']})"}
    if roles.prediction is not None:
        facts["prediction column"] = f"{printable(roles.prediction)} ({reading.how['prediction']})"
    if roles.confidence is not None:
        facts["confidence column"] = printable(roles.confidence)
    if roles.scores is not None:
        facts["score columns"] = listing(roles.scores.columns, 3)
    if roles.ranking is not None:
        facts[RANKED_CLASSES] = str(len(roles.ranking.classes))
    facts["sample ids"] = ROW_NUMBERS if roles.id is None else f"column {printable(roles.id)}"
    if options.label_base:
        facts["first index"] = str(options.label_base)
    return facts


def _accounting(
    table: Table, survey: Survey, options: InputOptions, scored: Scored | None
) -> Accounting:
    ignored = f"label {printable(options.ignore_label or '') or '(empty)'} is ignored"
    excluded = {
        ignored: survey.n_ignored,
        NO_LABEL_THERE: survey.n_unlabelled,
        ABSTAINED: survey.n_abstained,
        NO_CONFIDENCE: survey.n_without_confidence,
        NOT_FINITE: scored.n_not_finite if scored else 0,
    }
    return Accounting(
        found=table.n_rows,
        counted=table.n_rows - sum(excluded.values()),
        excluded={reason: n for reason, n in excluded.items() if n},
    )


def _notes(table: Table, roles: Roles, survey: Survey, scored: Scored | None) -> Iterator[DataNote]:
    if survey.n_without_confidence:
        yield _leave_each_out(
            "confidence-not-finite", survey.n_without_confidence, "without a finite confidence",
            tuple(table.place(row) for row in survey.without_confidence),
        )  # fmt: skip
    if scored and scored.n_not_finite:
        yield _leave_each_out(
            "scores-not-finite", scored.n_not_finite, "with scores that are not finite",
            tuple(table.place(row) for row in scored.not_finite),
        )  # fmt: skip
    yield from _column_notes(table, roles, scored)


def _ignored_note(survey: Survey, reading: Reading, options: InputOptions) -> Iterator[DataNote]:
    if survey.n_ignored:
        yield DataNote(
            "labels-ignored",
            f"{plural(survey.n_ignored, 'row')} with the label "
            f"{printable(options.ignore_label or '') or '(empty)'} {_verb(survey.n_ignored)} "
            "excluded, "
            f"as requested.{_why_kept(survey, reading, display_name(options.ignore_label or ''))}",
            count=survey.n_ignored,
        )


def _unlabelled_note(survey: Survey) -> Iterator[DataNote]:
    if survey.n_unlabelled:
        yield DataNote(
            "labels-missing",
            f"{plural(survey.n_unlabelled, 'sample')} without a label {_verb(survey.n_unlabelled)} "
            "excluded, as requested.",
            "warning",
            survey.n_unlabelled,
        )


def _why_kept(survey: Survey, reading: Reading, name: str) -> str:
    """Why the class of the ignored label is kept in the class list; empty if it is not."""
    classes = reading.classes
    if name not in classes.names or reading.how["label"] != "names":
        return ""
    index = classes.names.index(name)
    n = sum(
        rows
        for text, rows in survey.predictions.counts.items()
        if reading.predictions[text] == index
    )
    if n:
        return f" The class is kept without samples: it is predicted in {plural(n, 'row')}."
    return f" The class is kept without samples: the class list ({classes.source}) contains it."


def _leave_each_out(code: str, n: int, what: str, places: tuple[str, ...]) -> DataNote:
    sentence = f"{plural(n, 'row')} {what} {_verb(n)} excluded from this report."
    return DataNote(code, sentence, "warning", n, places)


def _verb(n: int) -> str:
    return "is" if n == 1 else "are"


def _sum_tolerance(read: ScoreKind | None) -> float | None:
    if read is None:
        return SUM_TOLERANCE
    return None if read.kind is OutputKind.ONE_VS_REST else read.tolerance


def _score_notes(read: ScoreKind | None, width: int, scored: Scored | None) -> Iterator[DataNote]:
    """Notes on how the scores were read."""
    if read is None or scored is None:
        return
    if read.kind is OutputKind.LOGITS and scored.all_in_unit and width > 1:
        yield DataNote(
            "softmax-of-shares",
            "All scores are between 0 and 1 and were read as logits (softmax), so "
            f"no class exceeds {percent(math.e / (math.e + width - 1))}. If they are "
            "probabilities or sigmoids, confidences and calibration are wrong: read them with "
            "--outputs probabilities or --outputs one-vs-rest.",
            "warning",
        )
    if read.kind is OutputKind.ONE_VS_REST:
        yield INDEPENDENT_SCORES
    if scored.n_off:
        yield DataNote(
            "probabilities-rounded",
            f"The {read.kind} were rounded to {plural(read.decimals or 0, 'decimal')}: the sum of "
            f"a row may be off by up to {percent(read.tolerance, 2)}, half of the last decimal for "
            f"each of {count(width)} classes, and is off by more than 0.1% in "
            f"{plural(scored.n_off, 'row')}.",
            count=scored.n_off,
        )


def _chance_note(survey: Survey, n_classes: int) -> Iterator[DataNote]:
    """A note on confidences below 1/K, which the largest of K probabilities can't have."""
    if n_classes == 1 or survey.least_confidence >= 1 / n_classes - _ROUNDING:
        return
    two = n_classes == 2
    where = f"For {plural(survey.n_below_half, 'row')}" if two else "Somewhere"
    hint = (
        "It may contain the probability of the second class: read it so with --scores-columns."
        if two
        else "It may not be the probability of the prediction."
    )
    yield DataNote(
        "confidence-below-chance",
        f"{where} the confidence is below {1 / n_classes:.3g} (the smallest is "
        f"{survey.least_confidence:.3g}), which is impossible for the most probable of {n_classes} "
        f"classes. {hint}",
        "warning",
        survey.n_below_half if two else 0,
    )


def _column_notes(table: Table, roles: Roles, scored: Scored | None) -> Iterator[DataNote]:
    if scored and scored.n_differing:
        n = scored.n_differing
        yield DataNote(
            "predictions-differ",
            f"For {plural(n, 'row')} the prediction column is not the class of the largest score; "
            "the column is used, and the confidence is the probability of that class. Unless this "
            "is a "
            "custom decision rule, the scores may be in a different order from the classes.",
            "warning",
            n,
        )
    for column in roles.rest(table.columns, usable=True):
        if folded(column) in _WEIGHTS and _has_several_values(table, column):
            yield DataNote(
                "weights-unused",
                f"Column {quoted(column)} may contain weights. They are not used: every sample "
                "counts once.",
                "warning",
            )
    left_out = roles.rest(table.columns, usable=False)
    if left_out:
        yield DataNote(
            "columns-left-out",
            f"{plural(len(left_out), 'column')} without a name, or with neither text nor numbers, "
            f"{_verb(len(left_out))} ignored: {listing(left_out)}.",
            count=len(left_out),
            examples=tuple(map(printable, left_out[:10])),
        )


_WEIGHTS = frozenset({
    "weight", "weights", "sample_weight", "sample_weights", "sampling_weight", "sampling_weights",
    "importance_weight", "instance_weight", "case_weight", "case_weights", "row_weight",
    "survey_weight", "class_weight", "example_weight", "wgt", "wt",
})  # fmt: skip


def _has_several_values(table: Table, column: str) -> bool:
    read, found = TextCells(), set[str]()
    for batch in table.batches([column], NARROW_ROWS):
        texts, places = read(batch.column(0))
        found.update(texts[place] for place in np.unique(places).tolist())
        if len(found) > 1:
            return True
    return False
