"""One side of a comparison: its rows, over the common classes and samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.predictions import DerivedRows, PredictionRows

__all__ = [
    "Arrays",
    "ComparedRows",
    "align_rows",
    "number_of_rows",
]


Arrays = dict[str, NDArray[Any]]


def number_of_rows(rows: PredictionRows) -> int:
    """Number of rows that `batches` yields; counted if unknown."""
    known: int | None = getattr(rows, "n_rows", None)
    return sum(len(b["label"]) for b in rows.batches("label")) if known is None else known


@dataclass(frozen=True, eq=False)
class ComparedRows(DerivedRows):
    """Rows of one side as :func:`~reportgen.evaluation.evaluate_predictions` takes them.

    Attributes
    ----------
    facts
        The facts of `rows`, with the common classes and the excluded samples.
    places
        Class index in `rows` → index in the common classes: int32; None if they are equal.
    kept
        bool, shape (rows of `rows`,): mask of compared samples; None for all.
    labels
        int32, shape (n_rows,): replacement labels as indices into the common classes, -1 if
        unknown; None to keep its own.
    """

    places: NDArray[np.int32] | None = None
    kept: NDArray[np.bool_] | None = None
    labels: NDArray[np.int32] | None = None

    def batches(self, *columns: str, wrong_only: bool = False) -> Iterator[Arrays]:
        """As :meth:`reportgen.predictions.Predictions.batches`.

        For a replaced label, its probability and rank follow from the probabilities of all classes;
        without these they are only known if the prediction is the new label, otherwise nan and 0.
        """
        if self.places is None and self.kept is None and self.labels is None:
            yield from self.rows.batches(*columns, wrong_only=wrong_only)
            return
        start = place = 0
        for batch in self.rows.batches(*self._needed(columns, wrong_only)):
            n = len(next(iter(batch.values())))
            if self.kept is not None:
                at = np.flatnonzero(self.kept[start : start + n])
                start, n = start + n, len(at)
                batch = {name: values[at] for name, values in batch.items()}
            batch = self._in_common_classes(batch)
            if self.labels is not None:
                batch = _relabel(batch, self.labels[place : place + n])
            place += n
            yield _select(batch, columns, wrong_only)

    def _needed(self, columns: tuple[str, ...], wrong_only: bool) -> list[str]:
        needed = [*columns, *(("label", "prediction") if wrong_only else ())]
        if self.labels is not None and set(columns) & {"label_probability", "label_rank"}:
            needed += ["label", "prediction", "confidence"]
            needed += ["probabilities"] if self.has_probabilities else []
        return list(dict.fromkeys(needed or ["label"]))

    def _in_common_classes(self, batch: Arrays) -> Arrays:
        if self.places is None:
            return batch
        changed = dict(batch)
        for name in {"label", "prediction", "top_classes"} & set(batch):
            changed[name] = _map_classes(batch[name], self.places)
        if "probabilities" in batch:
            old = batch["probabilities"]
            changed["probabilities"] = np.zeros((len(old), len(self.facts.classes)), old.dtype)
            changed["probabilities"][:, self.places] = old
        return changed


def _map_classes(indices: NDArray[Any], places: NDArray[np.int32]) -> NDArray[Any]:
    """Map class indices of any shape, or an object array of lists of them; -1 stays."""
    if indices.dtype == object:
        lists: NDArray[Any] = np.empty(len(indices), object)
        lists[:] = [None if one is None else places[one] for one in indices]
        return lists
    return np.where(indices < 0, indices, places[indices])


def _relabel(batch: Arrays, labels: NDArray[np.int32]) -> Arrays:
    """Replace the labels, and derived columns."""
    changed = {**batch, "label": labels}
    before = batch.get("label", labels)
    moved = np.flatnonzero(labels != before)
    for name, of in (("label_probability", _probability_of), ("label_rank", _rank_of)):
        if name in batch:
            changed[name] = batch[name].copy()
            changed[name][moved] = of(batch, labels, moved)
    return changed


def _probability_of(batch: Arrays, labels: NDArray[np.int32], at: Any) -> NDArray[Any]:
    known = labels[at] >= 0
    if "probabilities" in batch:
        return np.where(known, batch["probabilities"][at, labels[at]], np.nan)
    return np.where(labels[at] == batch["prediction"][at], batch["confidence"][at], np.nan)


def _rank_of(batch: Arrays, labels: NDArray[np.int32], at: Any) -> NDArray[Any]:
    if "probabilities" not in batch:
        return np.zeros(len(at), np.int32)
    scores = batch["probabilities"][at]
    own = np.take_along_axis(scores, np.maximum(labels[at], 0)[:, None].astype(np.intp), axis=1)
    ranks = np.count_nonzero(scores >= own, axis=1)  # the label itself counts as the 1
    return np.where(labels[at] >= 0, ranks, 0)


def _select(batch: Arrays, columns: tuple[str, ...], wrong_only: bool) -> Arrays:
    if not wrong_only:
        return {name: batch[name] for name in columns}
    label = batch["label"]
    at = np.flatnonzero((label >= 0) & (label != batch["prediction"]))
    return {name: batch[name][at] for name in columns}


def align_rows(one: Iterator[Arrays], other: Iterator[Arrays]) -> Iterator[tuple[Arrays, Arrays]]:
    """Equal rows of two streams of batches, however each is cut, until one of them ends."""
    heads: list[Arrays] = [{}, {}]
    streams = (one, other)
    while True:
        for i, stream in enumerate(streams):
            while _length(heads[i]) == 0:
                if (head := next(stream, None)) is None:
                    return
                heads[i] = head
        n = min(map(_length, heads))
        first, second = ({name: v[:n] for name, v in head.items()} for head in heads)
        yield first, second
        heads = [{name: v[n:] for name, v in head.items()} for head in heads]


def _length(batch: Arrays) -> int:
    return len(next(iter(batch.values()))) if batch else 0
