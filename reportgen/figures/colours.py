"""Colours of cells, and which digits can be read on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.figures.settings import own_settings

__all__ = [
    "COLOURMAP",
    "DIFFERENCES",
    "STEPS",
    "colour_map",
    "difference_map",
    "heat_steps",
    "light_digits",
]

COLOURMAP = "Blues"
STEPS = 21
"""Colours of the page's tables: one for each 5 % from 0 to 100 %."""
DIFFERENCES = (
    "#8a4a08", "#a05c11", "#b76f1a", "#c9832d", "#d89a4a", "#e6b066", "#ecc285", "#f3d3a4",
    "#f7e2c2", "#f9efde", "#fbfbfa", "#e7eff5", "#d3e2f0", "#bbd3ea", "#a0c2e2", "#84b0da",
    "#689cce", "#4d89c3", "#3675b4", "#2462a2", "#124f90",
)  # fmt: skip
"""Fewer in orange, more in blue, no difference in the middle: two hues that those who confuse red
and green tell apart, each of falling lightness. The page's classes d0 to d20."""
EVEN = 0.1791
"""Relative luminance with the same contrast to black as to white, 4.58:1."""


def colour_map(name: str, steps: int | None = None) -> Any:
    """matplotlib's or seaborn's map of that name, from the least value to the greatest."""
    from matplotlib import colormaps

    colours = colormaps[name]
    return colours if steps is None else colours.resampled(steps)


def difference_map(steps: int | None = None) -> Any:
    """The map of differences, from fewer to more, with 0 in its middle."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("differences", list(DIFFERENCES), N=steps or 255)


def heat_steps(name: str) -> list[tuple[str, str]]:
    """Ground and digits of each of the 21 steps, as ``#rrggbb``."""
    from matplotlib.colors import to_hex

    with own_settings():
        colours = colour_map(name)(np.arange(STEPS) / (STEPS - 1))
    light = light_digits(colours)
    return [
        (to_hex(colour), "#ffffff" if is_light else "#000000")
        for colour, is_light in zip(colours, light, strict=True)
    ]


def light_digits(colours: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether white contrasts more than black with each colour: RGB(A) in 0..1, shape (N, >= 3).

    The better of the two is never below 4.58:1.
    """
    rgb = np.asarray(colours)[:, :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    light: NDArray[np.bool_] = linear @ np.array([0.2126, 0.7152, 0.0722]) < EVEN
    return light
