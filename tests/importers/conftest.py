"""What the tests of saved inputs share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reportgen.evaluation import evaluate_predictions
from reportgen.importers import open_predictions
from reportgen.options.importing import InputOptions


class Box:
    """A folder for files, and how to open them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spool = folder / "spool"
        self.spool.mkdir()

    def write(self, content: str | bytes, name: str = "table.csv") -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def open(self, source: Any, name: str = "table.csv", **options: Any) -> Any:
        """Predictions from text or bytes (written to `name`), a path, or anything else."""
        if isinstance(source, (str, bytes)):
            source = self.write(source, name)
        return open_predictions(source, InputOptions.of(options), spool=self.spool)

    def pairs(self, source: Any, name: str = "table.csv", **options: Any) -> list[tuple[str, str]]:
        """(label, prediction) of every counted row, by name."""
        found = self.open(source, name, **options)
        classes, rows = found.facts.classes, columns(found, "label", "prediction")
        return [
            (classes[t], classes[p])
            for t, p in zip(rows["label"].tolist(), rows["prediction"].tolist(), strict=True)
        ]


def columns(predictions: Any, *names: str, wrong_only: bool = False) -> dict[str, np.ndarray]:
    """Whole columns."""
    batches = list(predictions.batches(*names, wrong_only=wrong_only))
    return {name: np.concatenate([batch[name] for batch in batches]) for name in names}


def note_codes(predictions: Any) -> set[str]:
    return {note.code for note in predictions.facts.notes}


def accuracy(predictions: Any) -> float:
    value = evaluate_predictions(predictions).summary["accuracy"].value
    assert value is not None
    return value


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)
