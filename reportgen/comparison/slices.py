"""Slices of both sides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.slices import Cut, Plan, SliceReport, Survey, as_values, plan_slices
from reportgen.comparison.align import Aligned
from reportgen.comparison.compared_rows import Arrays
from reportgen.comparison.comparison import PairedCounts, SliceChange
from reportgen.comparison.significance import (
    accuracy_change,
    apply_holm,
    tendency_of,
    unpaired_change,
)
from reportgen.provenance import DataNote
from reportgen.text import listing

__all__ = [
    "paired_slices",
    "unpaired_slices",
]


Counts = NDArray[np.int64]


def paired_slices(joined: Aligned) -> tuple[tuple[SliceChange, ...], tuple[DataNote, ...]]:
    """Slices by metadata of both sides, worst difference first.

    Only columns with equal values on both sides are used: others describe a model, not the data.
    The candidate's values determine the bins.
    """
    shared = [name for name in joined.candidate.metadata if name in joined.baseline.metadata]
    if not shared:
        return (), ()
    plan = plan_slices(_survey(joined, shared))
    tally = _tally(joined, plan)
    differing = tuple(cut.name for cut in plan.cuts if cut.name not in tally)
    changes = [
        SliceChange(cut.name, part.text, counts.n, accuracy_change(counts), "no clear change")
        for cut in plan.cuts
        if cut.name in tally
        for part, counts in zip(cut.parts, _paired(tally[cut.name]), strict=True)
        if counts.n
    ]
    return _judge(changes), _notes(differing)


def _survey(joined: Aligned, names: Sequence[str]) -> Survey:
    survey = Survey()
    for batch in joined.candidate.batches("label", *names):
        known = batch["label"] >= 0
        survey += Survey.of({name: batch[name][known] for name in names})
    return survey


def _tally(joined: Aligned, plan: Plan) -> dict[str, Counts]:
    """Samples by slice and correctness, shape (slices, 4), for columns equal on both sides."""
    names = [cut.name for cut in plan.cuts]
    counts = {cut.name: np.zeros((len(cut.parts), 4), np.int64) for cut in plan.cuts}

    def compact(batch: Arrays) -> Arrays:
        places = {cut.name: _places(cut, batch[cut.name]) for cut in plan.cuts}
        return {"prediction": batch["prediction"], **places}

    if not names:
        return counts
    for before, after in joined.batches(
        "label", "prediction", *names, of_baseline=["prediction", *names], compact=compact
    ):
        known = after["label"] >= 0
        hits = before["prediction"] == after["label"], after["prediction"] == after["label"]
        outcome = np.where(hits[1], np.where(hits[0], 0, 1), np.where(hits[0], 2, 3))
        for cut in plan.cuts:
            if cut.name not in counts:
                continue
            places = _places(cut, after[cut.name])
            if not np.array_equal(places[known], before[cut.name][known]):
                del counts[cut.name]
                continue
            cells = (places * 4 + outcome)[known]
            counts[cut.name] += np.bincount(cells, minlength=4 * len(cut.parts)).reshape(-1, 4)
    return counts


def _places(cut: Cut, values: NDArray[Any]) -> NDArray[np.int64]:
    """The slice of each value; -1 for a value of another kind."""
    try:
        return cut.places(as_values(values))
    except ValueError:
        return np.full(len(values), -1, np.int64)


def _paired(table: Counts) -> list[PairedCounts]:
    """Paired counts of each slice, without the number of identical errors."""
    return [PairedCounts(a, b, c, d, a) for a, b, c, d in table.tolist()]


def _notes(differing: tuple[str, ...]) -> tuple[DataNote, ...]:
    if not differing:
        return ()
    sentence = (
        f"These columns differ between baseline and candidate and are not sliced:  "
        f"{listing(differing)}."
    )
    return (DataNote("compared-columns", sentence, count=len(differing), examples=differing[:10]),)


@dataclass(frozen=True)
class _Key:
    column: str
    part: Any


def unpaired_slices(baseline: SliceReport, candidate: SliceReport) -> tuple[SliceChange, ...]:
    """The slices in both reports with equally many samples; unmatched, so Newcombe's interval."""
    before = {_Key(one.column, one.part): one for one in baseline.slices}
    changes = []
    for after in candidate.slices:
        one = before.get(_Key(after.column, after.part))
        if one is not None and one.n == after.n:
            counts = after.n_correct, after.n, one.n_correct, one.n
            change = unpaired_change(*counts)
            changes.append(
                SliceChange(after.column, after.part.text, after.n, change, "no clear change")
            )
    return _judge(changes)


def _judge(changes: Iterable[SliceChange]) -> tuple[SliceChange, ...]:
    """Apply Holm's correction over all slices, and sort by worst difference."""
    changes = list(changes)
    adjusted, _ = apply_holm([change.accuracy for change in changes])
    judged = [
        replace(change, accuracy=accuracy, tendency=tendency_of(accuracy))
        for change, accuracy in zip(changes, adjusted, strict=True)
    ]

    def harm(change: SliceChange) -> tuple[float, str, str]:
        return (change.accuracy.difference or 0.0, change.column, change.part)

    return tuple(sorted(judged, key=harm))
