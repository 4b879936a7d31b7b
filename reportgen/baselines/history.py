"""The history of a folder of baselines: one line for each time that one was saved."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reportgen.errors import DataError
from reportgen.evaluation import Evaluation
from reportgen.files import write_text
from reportgen.text import quoted

__all__ = ["HISTORY", "HistoryEntry", "append", "read_history"]

HISTORY = "history.jsonl"


@dataclass(frozen=True)
class HistoryEntry:
    """One saved evaluation, as a line of ``history.jsonl``.

    Attributes
    ----------
    name
        The baseline that it was saved as.
    date, model, version, data, split
        As in its report; empty where not known.
    n_samples
        Samples counted.
    accuracy, accuracy_interval
        0..1, with its 95 % interval; None where undefined.
    macro_f1
        0..1, or None.
    worst_class, worst_recall
        The class with the lowest recall, and that recall, 0..1.
    verdict
        What the gates said, or ``"NO GATES SET"``.
    data_fingerprint
        Of the data: accuracies of different data can't be compared.
    """

    name: str
    date: str
    model: str
    version: str
    data: str
    split: str
    n_samples: int
    accuracy: float | None
    accuracy_interval: tuple[float, float] | None
    macro_f1: float | None
    worst_class: str
    worst_recall: float | None
    verdict: str
    data_fingerprint: str

    @classmethod
    def of(cls, name: str, evaluation: Evaluation, verdict: str) -> HistoryEntry:
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
            data_fingerprint=made.data_fingerprint,
        )

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> HistoryEntry:
        """From one line; raises TypeError, KeyError or ValueError where it is not of this form."""
        ends = value["accuracy_interval"]
        entry = cls(**{**value, "accuracy_interval": None if ends is None else (ends[0], ends[1])})
        for share in (entry.accuracy, entry.macro_f1, entry.worst_recall):
            if share is not None and not 0 <= share <= 1:
                raise ValueError(f"{share} is no share")
        for text in (entry.name, entry.date, entry.model, entry.verdict, entry.worst_class):
            if not isinstance(text, str):
                raise TypeError(f"{text!r} is no text")
        return entry

    def line(self) -> str:
        return json.dumps(asdict(self), allow_nan=False)


def read_history(folder: Path) -> tuple[HistoryEntry, ...]:
    """All lines, oldest first; empty where nothing was saved yet.

    Raises :class:`DataError` naming the line that is not of this form.
    """
    path = folder / HISTORY
    if not path.exists():
        return ()
    entries = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            entries.append(HistoryEntry.from_json(json.loads(line)))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise DataError(
                f"line {number} of {quoted(HISTORY)} is not what reportgen writes: "
                f"{type(error).__name__}",
                slug="history-damaged",
                details=[quoted(line[:120])],
                hint="remove that line; each line stands alone",
            ) from error
    return tuple(entries)


def append(folder: Path, entry: HistoryEntry) -> None:
    """Add a line, unless the last one of this name says the very same."""
    before = read_history(folder)
    if next((old for old in reversed(before) if old.name == entry.name), None) == entry:
        return
    lines = [old.line() for old in before] + [entry.line()]
    write_text(folder / HISTORY, "".join(line + "\n" for line in lines))
