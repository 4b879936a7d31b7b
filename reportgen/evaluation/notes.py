"""Notes on data and counts that follow from the counts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from reportgen.analysis.confusions import orientation_note, relabelling_note, shift_note
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.evaluation.sample_groups import SampleGroups
from reportgen.metrics import FEW_GROUPS, MacroMode
from reportgen.options import EvaluationOptions
from reportgen.provenance import DataNote, Provenance
from reportgen.text import count, listing, percent, plural

__all__ = [
    "abstained_notes",
    "class_notes",
    "group_notes",
    "notes_on",
    "ordinal_notes",
    "read_as_notes",
    "tie_notes",
]


_LISTED_ORDER = 100


def notes_on(
    notes: tuple[DataNote, ...],
    confusion: ConfusionMatrix,
    classes: tuple[str, ...],
    options: EvaluationOptions,
) -> tuple[DataNote, ...]:
    """`notes` and those on the counts, at most one per code."""
    return _once(
        (
            *notes,
            *class_notes(confusion, classes, options.macro),
            *_order_notes(confusion, classes),
            *ordinal_notes(classes, options),
        )
    )


def _once(notes: tuple[DataNote, ...]) -> tuple[DataNote, ...]:
    """The first note of each code: those of the run are more detailed."""
    return tuple({note.code: note for note in reversed(notes)}.values())[::-1]


def notes_by_name(
    notes: tuple[DataNote, ...],
    confusion: ConfusionMatrix,
    classes: tuple[str, ...],
    shown: tuple[str, ...],
    macro: MacroMode,
) -> tuple[DataNote, ...]:
    """`notes` with the display names `shown`, if they were derived from the counts of `classes`.

    Notes by a run or importer refer to the data, and keep their names.
    """
    before, after = (
        (*class_notes(confusion, names, macro), *_order_notes(confusion, names))
        for names in (classes, shown)
    )
    renamed = dict(zip(before, after, strict=True))
    return tuple(renamed.get(note, note) for note in notes)


def read_as_notes(provenance: Provenance) -> Iterator[DataNote]:
    """Notes on how a saved input was read, and which parts were not used."""
    told = provenance.read_as
    if told:
        article = "a " if told.startswith("confusion matrix") else ""
        yield DataNote("read-as", f"The input was read as {article}{told}.")


def tie_notes(n_tied: int) -> Iterator[DataNote]:
    if n_tied:
        yield DataNote(
            "tied-scores",
            f"In {plural(n_tied, 'sample')} two classes tie for the largest score; "
            "the first one in the class list is the prediction.",
            count=n_tied,
        )


def abstained_notes(confusion: ConfusionMatrix, n_abstained: int | None) -> Iterator[DataNote]:
    """Coverage and both accuracies of a model that abstained; empty otherwise."""
    if not n_abstained:
        return
    n, right = confusion.n_samples, confusion.n_correct
    yield DataNote(
        "abstained",
        f"The model abstained on {count(n_abstained)} of {plural(n + n_abstained, 'sample')}: "
        f"coverage {percent(n / (n + n_abstained))}, accuracy of the predicted samples "
        f"{percent(right / n)}, overall accuracy {percent(right / (n + n_abstained))}, where an "
        "abstention counts as incorrect. All other metrics use the predicted samples.",
        "warning",
        n_abstained,
    )


def group_notes(groups: SampleGroups | None) -> Iterator[DataNote]:
    """A warning for clustered samples with too few clusters for reliable intervals."""
    if groups is not None and groups.few_groups:
        yield DataNote(
            "few-groups",
            f"The samples form {plural(groups.n_groups, 'group')}: with fewer than "
            f"{FEW_GROUPS}, cluster-robust intervals are too narrow.",
            "warning",
            groups.n_groups,
        )


def ordinal_notes(classes: tuple[str, ...], options: EvaluationOptions) -> Iterator[DataNote]:
    """A note on a derived class list of ordered classes: sorting by name is rarely their order."""
    if options.ordinal:
        order = listing(classes, _LISTED_ORDER)
        yield DataNote(
            "class-order-used",
            f"Weighted kappa uses the class order {order}. Pass --classes for "
            f"another order.{_gap_sentence(classes)}",
            count=len(classes),
        )


def _gap_sentence(classes: tuple[str, ...]) -> str:
    """A note on weighted kappa for integer class names with gaps, such as 0, 1, 2, 10."""
    if not all(name.isascii() and name.isdigit() and len(name) < 10 for name in classes):
        return ""
    numbers = [int(name) for name in classes]
    gap = next(((a, b) for a, b in pairwise(numbers) if abs(b - a) != 1), None)
    if gap is None:
        return ""
    return f" It counts {gap[0]} → {gap[1]} as one step: only the order counts, not the numbers."


def class_notes(
    confusion: ConfusionMatrix, classes: tuple[str, ...], macro: MacroMode
) -> Iterator[DataNote]:
    absent = np.flatnonzero(confusion.true_totals == 0)
    if len(absent):
        yield _class_note(
            "absent-classes",
            "warning",
            classes,
            absent,
            "has no samples",
            "have no samples",
            f"{'its' if len(absent) == 1 else 'their'} recall is undefined, and "
            + (
                "counts as 0 in macro averages"
                if macro == "all"
                else f"macro averages exclude {'it' if len(absent) == 1 else 'them'}"
            ),
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
            f"{'its' if len(silent) == 1 else 'their'} precision is undefined, and counts as 0 in "
            "macro averages",
        )
    if confusion.n_samples == 1:
        yield DataNote("one-sample", "One sample: no conclusion.", "warning", 1)


def _order_notes(confusion: ConfusionMatrix, classes: tuple[str, ...]) -> Iterator[DataNote]:
    """Signs of a wrong class order, or of a transposed matrix."""
    shifted = shift_note(confusion, classes)
    for note in (
        shifted or relabelling_note(confusion, classes),
        orientation_note(confusion),
    ):
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
