"""The inputs that the documents in this folder were made from: `python make_inputs.py FOLDER`."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

INSECTS = ("ant", "bee", "cicada", "dragonfly")
COUNTS = [[50, 3, 0, 1], [4, 40, 2, 0], [0, 5, 30, 7], [0, 0, 0, 0]]
ANIMALS = ("ape", "bat", "cow", "dog", "eel")
MANY, STEP = 2100, 52


def write_table(path: Path, rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)


def matrix(divide) -> list[list[object]]:
    """COUNTS divided, with names; `divide` takes a count and the total of its row."""
    rows = [[divide(n, sum(row)) for n in row] for row in COUNTS]
    return [["", *INSECTS], *([name, *row] for name, row in zip(INSECTS, rows, strict=True))]


def sparse() -> Iterable[list[object]]:
    """Predictions of 41 of 2,100 classes."""
    yield ["id", "label", "prediction"]
    n = 0
    for label in range(0, MANY, STEP):
        for j in range(3 + label % 7):
            predicted = label if j % 3 else (label + STEP) % MANY // STEP * STEP
            yield [f"s{n:05}", f"class {label:04}", f"class {predicted:04}"]
            n += 1


def frames() -> Iterable[list[object]]:
    """Frames of 30 clips with scores and metadata; no sample is an eel."""
    rng = np.random.default_rng(7)
    yield ["id", "label", *ANIMALS, "clip", "light", "exposure"]
    for clip in range(30):
        label, shift = clip % 4, rng.normal(0, 0.8)
        for frame in range(6 + clip % 3):
            scores = rng.normal(0, 1, 5)
            scores[label] += 1.6 + shift
            p = np.round(np.exp(scores) / np.exp(scores).sum(), 4)
            p[-1] = round(1 - p[:-1].sum(), 4)
            light = ["day", "night"][clip % 5 == 0]
            metadata = [f"clip {clip:02}", light, f"{rng.gamma(2, 0.1):.3f}"]
            yield [f"{clip:02}-{frame}.png", ANIMALS[label], *(f"{x:.4f}" for x in p), *metadata]


def write_inputs(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    n_samples = sum(map(sum, COUNTS))
    write_table(folder / "rows.csv", matrix(lambda n, of_class: n / max(of_class, 1)))
    write_table(folder / "all.csv", matrix(lambda n, _: n / n_samples))
    write_table(folder / "many.csv", sparse())
    write_table(folder / "frames.csv", frames())
    groups = zip(ANIMALS, ("land", "air", "land", "land", "water"), strict=True)
    write_table(folder / "groups.csv", [("class", "group"), *groups])
    (folder / "classes5.txt").write_text("".join(f"{name}\n" for name in ANIMALS))
    (folder / "classes.txt").write_text("".join(f"class {i:04}\n" for i in range(MANY)))


if __name__ == "__main__":
    write_inputs(Path(sys.argv[1]))
