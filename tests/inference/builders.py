"""Small data that tests make for themselves."""

from pathlib import Path

import numpy as np
from PIL import Image


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
