"""What a report says of suspected labels, or why it says nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from reportgen.confusion import ConfusionMatrix
from reportgen.jsonio import Cell, ClassNumber, Form, Key, OneOf, Place, Share
from reportgen.suspects.found import Suspect, Suspects

__all__ = ["REASONS", "WARNINGS", "LabelSuspects", "label_suspects"]

REASONS: dict[str, str] = {
    "no_scores": (
        "Labels worth a second look need the probabilities of all classes; "
        "the input does not hold them."
    ),
    "independent_scores": (
        "Labels worth a second look need probabilities of the classes that sum to 1; the scores "
        "are independent of each other (one-vs-rest)."
    ),
    "no_samples": "There are no samples with a label.",
    "one_class": "All labels are of one class: there is no other class to compare them with.",
}
"""Reason code → why no label could be examined."""

WARNINGS: dict[str, str] = {
    "training_split": (
        "The model was trained on these samples, labels included: it has learned wrong labels "
        "by heart, so most of them stay hidden."
    ),
    "unsteady_thresholds": (
        "Some classes have fewer than 5 samples: how sure the model usually is of them is a guess."
    ),
}
"""Warning code → what weakens the list."""

_TRAINING = frozenset({"train", "training", "trainset", "train_set"})


@dataclass(frozen=True)
class LabelSuspects:
    """Labels worth a second look, strongest suspicion first.

    Attributes
    ----------
    reason
        A key of :data:`REASONS` where no label could be examined; then all else is empty.
    warnings
        Keys of :data:`WARNINGS`.
    n_examined
        Samples with label and scores.
    n_suspects
        How many of them are suspected.
    suspects
        The strongest of them.
    cells
        (label, suggested class, suspects) by count downwards, then by index: all of them.
    thresholds
        How sure a sample must be of each class; None for a class without samples. K of them.
    unsteady
        Indices of classes with so few samples that their threshold says little.
    joint
        The confident joint: (label, confident class, count) of each cell that is not 0, sorted.
    """

    reason: Annotated[str, OneOf(tuple(REASONS))] | None = None
    warnings: tuple[Annotated[str, OneOf(tuple(WARNINGS))], ...] = ()
    n_examined: int = 0
    n_suspects: int = 0
    suspects: tuple[Suspect, ...] = ()
    cells: tuple[Cell, ...] = ()
    thresholds: tuple[Share | None, ...] = ()
    unsteady: Annotated[tuple[ClassNumber, ...], Key("unsteady_classes")] = ()
    joint: Annotated[tuple[Cell, ...], Key("confident_joint")] = ()

    __json__: ClassVar[Form] = Form(optional=frozenset())

    def check_place(self, place: Place) -> None:
        """Raise :class:`~reportgen.jsonio.Fault`: what is said of the suspects is of them all."""
        n_classes = len(place.reading.index)
        if self.reason is None and len(self.thresholds) != n_classes:
            place["thresholds"].contradicts(f"there are {n_classes:,} classes")
        if self.reason is not None and (self.suspects or self.n_examined):
            place["reason"].contradicts("labels were examined all the same")
        if self.n_suspects != sum(n for _, _, n in self.cells):
            place["n_suspects"].contradicts("the cells hold another number")
        if not len(self.suspects) <= self.n_suspects <= self.n_examined:
            place["n_suspects"].contradicts(
                f"{len(self.suspects):,} are listed, and {self.n_examined:,} labels were examined"
            )


def label_suspects(found: Suspects | None, split: str | None = None) -> LabelSuspects:
    """What is found; `found` is None where the input has no probabilities of all classes.

    `split` names the part of the data: the training part is listed with a warning.
    """
    reason = _reason(found)
    if found is None or reason is not None:
        return LabelSuspects(reason)
    thresholds = found.thresholds
    unsteady = thresholds.unsteady()
    trained = split is not None and split.strip().casefold() in _TRAINING
    warnings = {"training_split": trained, "unsteady_thresholds": bool(unsteady)}
    return LabelSuspects(
        None,
        tuple(code for code, applies in warnings.items() if applies),
        thresholds.n,
        found.n_suspects,
        found.worst,
        _by_count(found.suspected),
        tuple(float(t) if np.isfinite(t) else None for t in thresholds.values()),
        unsteady,
        () if found.joint is None else tuple(found.joint.cells()),
    )


def _reason(found: Suspects | None) -> str | None:
    if found is None:
        return "no_scores"
    if found.thresholds.n == 0:
        return "no_scores" if found.thresholds.n_without else "no_samples"
    return "one_class" if np.count_nonzero(found.thresholds.counts) == 1 else None


def _by_count(matrix: ConfusionMatrix | None) -> tuple[tuple[int, int, int], ...]:
    if matrix is None:
        return ()
    columns = (column.tolist() for column in matrix.errors_by_count())
    return tuple(zip(*columns, strict=True))
