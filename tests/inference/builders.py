"""Small data that tests make for themselves."""

from pathlib import Path

import numpy as np
from PIL import Image

from reportgen.predictions import Predictions


def image_tree(root: Path, counts: dict[str, int], size: tuple[int, int] = (8, 8)) -> Path:
    """Class folders of PNGs: noise whose red, green or blue is the brightest, by turns."""
    rng = np.random.default_rng(3)
    for k, (name, n) in enumerate(counts.items()):
        (root / name).mkdir(parents=True)
        for i in range(n):
            pixels = rng.integers(0, 180, (*size, 3), dtype=np.uint8)
            pixels[..., 2 - k % 3] += np.uint8(rng.integers(0, 60))
            Image.fromarray(pixels).save(root / name / f"{i:03d}.png")
    return root


def colour_tree(root: Path, names: str = "cat dog ship", n: int = 3) -> Path:
    """Class folders of plain images: blue ones in the first, then green, then red, by turns."""
    for k, name in enumerate(names.split()):
        (root / name).mkdir(parents=True)
        for i in range(n):
            pixels = np.full((8, 8, 3), 20 + i, np.uint8)
            pixels[..., 2 - k % 3] = 240
            Image.fromarray(pixels).save(root / name / f"{i:03d}.png")
    return root


def accuracy(made: Predictions) -> float:
    """The part of the rows whose prediction is their label."""
    rows = [row for table in made.tables() for row in table.to_pylist()]
    return sum(row["label"] == row["prediction"] for row in rows) / len(rows)
