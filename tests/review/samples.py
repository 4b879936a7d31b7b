"""Two small models of the same samples, as files and objects of every kind that is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

CLASSES = ("cat", "dog", "fox")
N = 30

LABELS = [CLASSES[i % 3] for i in range(N)]
IDS = [f"{label}/{i:02}.png" for i, label in enumerate(LABELS)]


def answers(wrong: dict[int, str]) -> list[str]:
    """Right, but for some places."""
    return [wrong.get(i, label) for i, label in enumerate(LABELS)]


BASELINE = answers({0: "dog", 3: "dog", 6: "fox", 1: "cat", 4: "cat", 29: "cat"})
"""24 of 30 right: 7 of 10 cats, 8 dogs, 9 foxes."""
CANDIDATE = answers({0: "dog", 1: "cat", 29: "cat", 28: "fox"})
"""26 of 30 right: 3, 4 and 6 are gained, 28 is lost; the other 26 answers are the same."""


def columns(predictions: list[str], *, rows: slice = slice(None), scored: bool = True):
    """A mapping from column names to values; `rows` leaves some out."""
    table = {"id": IDS[rows], "label": LABELS[rows], "prediction": predictions[rows]}
    if scored:
        table["confidence"] = (0.5 + np.arange(N) % 5 / 10).tolist()[rows]
    return table


def write_csv(path: Path, predictions: list[str], *, rows: slice = slice(None)) -> Path:
    """The same as a file."""
    table = columns(predictions, rows=rows)
    lines = [
        ",".join(table),
        *(",".join(map(str, row)) for row in zip(*table.values(), strict=True)),
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def matrix(predictions: list[str]) -> list[list[int]]:
    """Counts, rows true."""
    pairs = list(zip(LABELS, predictions, strict=True))
    return [[pairs.count((true, called)) for called in CLASSES] for true in CLASSES]


def write_matrix(path: Path, predictions: list[str]) -> Path:
    """The same as a file."""
    rows = [
        ",".join([true, *map(str, row)])
        for true, row in zip(CLASSES, matrix(predictions), strict=True)
    ]
    path.write_text("\n".join(["true\\predicted," + ",".join(CLASSES), *rows]) + "\n")
    return path


def write_gates(path: Path, text: str) -> Path:
    """One gate a paragraph of `text`, each named by its place."""
    parts = text.strip().split("\n\n")
    path.write_text(
        "\n".join(f'[[gate]]\nname = "gate {i}"\n{part}' for i, part in enumerate(parts, 1)) + "\n"
    )
    return path
