"""The history of saved baselines, and sparklines."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from reportgen.errors import DataError
from reportgen.evaluation import Evaluation
from reportgen.files import write_text
from reportgen.jsonio import (
    NOT_IN_JSON,
    JsonPath,
    Share,
    ShareInterval,
    Unknown,
    read_record,
    restore_unknown,
    write_value,
)
from reportgen.predictions import PredictionRows
from reportgen.text import quoted

__all__ = [
    "HISTORY",
    "HistoryEntry",
    "append",
    "data_identity",
    "read_history",
    "sparkline",
]


BLOCKS = "▁▂▃▄▅▆▇█"


GAP = "·"


def sparkline(values: Sequence[float | None]) -> str:
    """One block character per value, scaled to the range of the values; a dot for None.

    The scale shows direction, not size. Equal values are in the middle.
    """
    known = [value for value in values if value is not None]
    if not known:
        return GAP * len(values)
    low, span = min(known), max(known) - min(known)
    return "".join(GAP if value is None else _block(value - low, span) for value in values)


def _block(above: float, span: float) -> str:
    if span == 0:
        return BLOCKS[len(BLOCKS) // 2 - 1]
    return BLOCKS[min(int(above / span * len(BLOCKS)), len(BLOCKS) - 1)]


HISTORY = "history.jsonl"


@dataclass(frozen=True)
class HistoryEntry:
    """One saved evaluation, as a line of ``history.jsonl``.

    Attributes
    ----------
    name
        Name of the baseline.
    date, model, version, data, split
        As in its report; empty if unknown.
    n_samples
        Number of samples.
    accuracy, accuracy_interval
        Accuracy in 0..1 with its 95% CI; None if undefined.
    macro_f1
        0..1, or None.
    worst_class, worst_recall
        The class with the lowest recall, and that recall, 0..1.
    verdict
        The verdict of the gates, or ``"NO GATES SET"``.
    data_fingerprint
        Fingerprint of samples and labels (:func:`data_identity`): accuracies on different data are
        not comparable.
    unknown
        Members written by a later version.
    """

    name: str
    date: str
    model: str
    version: str
    data: str
    split: str
    n_samples: int
    accuracy: Share | None
    accuracy_interval: ShareInterval | None
    macro_f1: Share | None
    worst_class: str
    worst_recall: Share | None
    verdict: str
    data_fingerprint: str
    unknown: Annotated[tuple[Unknown, ...], NOT_IN_JSON] = ()

    @classmethod
    def of(
        cls, name: str, evaluation: Evaluation, verdict: str, rows: PredictionRows | None = None
    ) -> HistoryEntry:
        """The history entry of an evaluation; `rows` are its predictions, if known."""
        made, recall = evaluation.provenance, evaluation.per_class["recall"].value
        worst = None if np.all(np.isnan(recall)) else int(np.nanargmin(recall))
        accuracy = evaluation.summary["accuracy"]
        return cls(
            name=name,
            date=made.date,
            model=made.model.name,
            version=made.model.version,
            data=made.data_name,
            split=made.split,
            n_samples=evaluation.n_samples,
            accuracy=accuracy.value,
            accuracy_interval=accuracy.interval,
            macro_f1=evaluation.summary["macro_f1"].value,
            worst_class="" if worst is None else evaluation.classes[worst],
            worst_recall=None if worst is None else float(recall[worst]),
            verdict=verdict,
            data_fingerprint=data_identity(evaluation, rows),
        )

    @classmethod
    def from_json(cls, value: Any) -> HistoryEntry:
        """Parse a line; raises :class:`~reportgen.jsonio.Fault` if it is invalid."""
        place = JsonPath(value)
        found = read_record(cls, place)
        return replace(found, unknown=tuple(place.reading.unknown))

    def line(self) -> str:
        written = restore_unknown(write_value(HistoryEntry, self), self.unknown)
        return json.dumps(written, allow_nan=False)


def data_identity(evaluation: Evaluation, rows: PredictionRows | None) -> str:
    """A fingerprint of samples and labels, independent of model and file.

    For rows: the sum of a 128-bit hash of each id with its label's name, in any order. For counts:
    a hash of the classes and their numbers of samples, which other samples may share.
    """
    classes = evaluation.classes
    if rows is None:
        totals = [classes, evaluation.confusion.true_totals.tolist()]
        return hashlib.sha256(json.dumps(totals).encode()).hexdigest()[:32]
    total = 0
    for batch in rows.batches("id", "label"):
        for name, label in zip(batch["id"].tolist(), batch["label"].tolist(), strict=True):
            text = json.dumps([name, classes[label] if label >= 0 else None])
            total += int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest())
    return f"{total % 2**128:032x}"


def read_history(folder: Path) -> tuple[HistoryEntry, ...]:
    """All lines, oldest first; empty if nothing was saved yet.

    Raises :class:`DataError` with the number of an invalid line.
    """
    path = folder / HISTORY
    if not path.exists():
        return ()
    entries = []
    # not splitlines(): names may contain characters that it splits at
    for number, line in enumerate(_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            entries.append(HistoryEntry.from_json(json.loads(line)))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DataError(
                f"line {number} of {quoted(HISTORY)} is not what reportgen writes: "
                f"{type(error).__name__}",
                slug="history-damaged",
                details=[quoted(line[:120])],
                hint="remove that line; lines are independent",
            ) from error
    return tuple(entries)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{quoted(HISTORY)} can't be read: {type(error).__name__}",
            slug="history-damaged",
            hint="restore it from version control, or move it away",
        ) from error


def append(folder: Path, entry: HistoryEntry) -> None:
    """Append a line, unless the last one of this name is identical."""
    before = read_history(folder)
    if next((old for old in reversed(before) if old.name == entry.name), None) == entry:
        return
    lines = [old.line() for old in before] + [entry.line()]
    write_text(folder / HISTORY, "".join(line + "\n" for line in lines))
