"""What a report says of suspected labels, or why it says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from reportgen.confusion import ConfusionMatrix
from reportgen.json_fields import MOST, Json, OneOf, Place, Range, Share
from reportgen.suspects.found import Suspect, Suspects

__all__ = ["REASONS", "WARNINGS", "LabelSuspects", "label_suspects"]

REASONS: dict[str, str] = {
    "no_scores": (
        "Labels worth a second look need the probabilities of all classes; "
        "the input does not hold them."
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

    reason: str | None = None
    warnings: tuple[str, ...] = ()
    n_examined: int = 0
    n_suspects: int = 0
    suspects: tuple[Suspect, ...] = ()
    cells: tuple[tuple[int, int, int], ...] = ()
    thresholds: tuple[float | None, ...] = ()
    unsteady: tuple[int, ...] = ()
    joint: tuple[tuple[int, int, int], ...] = ()

    def to_json(self, classes: Sequence[str]) -> dict[str, Any]:
        """For ``report.json``, key ``label_suspects``; `classes`: their K names.

        The two matrices stay sparse, as triples of class indices and count.
        """
        return {
            "reason": self.reason,
            "warnings": list(self.warnings),
            "n_examined": self.n_examined,
            "n_suspects": self.n_suspects,
            "suspects": [
                {
                    "id": suspect.id,
                    "label": classes[suspect.label],
                    "suggested": classes[suspect.suggested],
                    "margin": suspect.margin,
                    "label_probability": suspect.label_probability,
                    "suggested_probability": suspect.suggested_probability,
                }
                for suspect in self.suspects
            ],
            "cells": [list(cell) for cell in self.cells],
            "thresholds": list(self.thresholds),
            "unsteady_classes": list(self.unsteady),
            "confident_joint": [list(cell) for cell in self.joint],
        }

    @classmethod
    def from_json(cls, value: Json, classes: Sequence[str]) -> LabelSuspects:
        """The inverse of :meth:`to_json`.

        Raises :class:`~reportgen.json_fields.Fault` where it is not of it.
        """
        place = Place.of(value)
        index = {name: i for i, name in enumerate(classes)}
        found = cls(
            place["reason"].read(Annotated[str, OneOf(tuple(REASONS))] | None),
            place["warnings"].read(tuple[Annotated[str, OneOf(tuple(WARNINGS))], ...]),
            place["n_examined"].whole(),
            place["n_suspects"].whole(),
            tuple(
                one.read_as(
                    Suspect,
                    label=one["label"].index(index),
                    suggested=one["suggested"].index(index),
                )
                for one in place["suspects"].items()
            ),
            _triples(place["cells"], classes),
            place["thresholds"].read(tuple[Share | None, ...]),
            tuple(one.whole(_indices(classes)) for one in place["unsteady_classes"].items()),
            _triples(place["confident_joint"], classes),
        )
        _check(found, place, len(classes))
        return found


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


def _indices(classes: Sequence[str]) -> Range:
    return Range(0, len(classes) - 1)


def _triples(cells: Place, classes: Sequence[str]) -> tuple[tuple[int, int, int], ...]:
    return tuple(_triple(cell, _indices(classes)) for cell in cells.items())


def _triple(cell: Place, indices: Range) -> tuple[int, int, int]:
    label, confident, n = cell.of_length(3)
    return label.whole(indices), confident.whole(indices), n.whole(Range(1, MOST))


def _check(found: LabelSuspects, place: Place, n_classes: int) -> None:
    """What is said of the suspects must be of them all."""
    if found.reason is None and len(found.thresholds) != n_classes:
        place["thresholds"].contradicts(f"there are {n_classes:,} classes")
    if found.reason is not None and (found.suspects or found.n_examined):
        place["reason"].contradicts("labels were examined all the same")
    if found.n_suspects != sum(n for _, _, n in found.cells):
        place["n_suspects"].contradicts("the cells hold another number")
    if not len(found.suspects) <= found.n_suspects <= found.n_examined:
        place["n_suspects"].contradicts(
            f"{len(found.suspects):,} are listed, and {found.n_examined:,} labels were examined"
        )
