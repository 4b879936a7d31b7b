"""Shared parts of all figures: fonts, colours, settings, and PNG bytes."""

from __future__ import annotations

import importlib.util
import io
import logging
import os
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "COLOURMAP",
    "DIFFERENCES",
    "STEPS",
    "colour_map",
    "difference_map",
    "drawable",
    "families",
    "heat_steps",
    "light_digits",
    "own_settings",
    "palette_png",
]


FALLBACK_FONTS = (
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans", "WenQuanYi Zen Hei", "Hiragino Sans",
    "Yu Gothic", "Microsoft YaHei", "PingFang SC", "Malgun Gothic", "Arial Unicode MS",
)  # fmt: skip
"""Possibly installed fonts for scripts that matplotlib's own font lacks."""


def drawable(text: str) -> bool:
    """Whether the installed fonts have every glyph, and no unsupported shaping is needed."""
    if text.isascii():
        return True
    directions = {unicodedata.bidirectional(character) for character in text}
    return not directions & {"R", "AL", "AN"} and not _lacking(text, families(text))


def families(text: str) -> list[str]:
    """matplotlib's own font, then the first installed one with the missing glyphs."""
    from matplotlib import rcParams

    own = list(rcParams["font.family"])
    if text.isascii() or not _lacking(text, own):
        return own
    for family in FALLBACK_FONTS:
        if _font_file(family) and not _lacking(text, [*own, family]):
            return [*own, family]
    return own


def _lacking(text: str, chosen: Sequence[str]) -> set[int]:
    """The code points of `text` without a glyph in any of the fonts."""
    from matplotlib.font_manager import get_font

    missing = {ord(character) for character in text}
    for family in chosen:
        path = _font_file(family)
        if path:
            missing -= set(get_font(path).get_charmap())
    return missing


def _font_file(family: str) -> str | None:
    from matplotlib.font_manager import FontProperties, fontManager

    try:
        return str(fontManager.findfont(FontProperties(family=family), fallback_to_default=False))
    except ValueError:
        return None


_COLOURS = 4096
"""Estimated number of colours in a figure.

Without a hint, pandas allocates one per pixel: 25 MB.
"""


def palette_png(pixels: NDArray[np.uint8], palette: NDArray[np.int64]) -> bytes:
    """PNG in the colours of `palette`, the nearest for each pixel, without text chunks."""
    import pandas as pd

    codes = pixels.view("<u4")[:, :, 0].astype(np.uint32, copy=False)
    places, found = pd.factorize(codes.ravel(), size_hint=_COLOURS)
    nearest = _distances(_rgb(found), palette).argmin(axis=1).astype(np.uint8)
    return _encode(nearest[places].reshape(codes.shape), palette)


def _encode(indices: NDArray[np.uint8], palette: NDArray[np.int64]) -> bytes:
    from PIL import Image

    image = Image.fromarray(indices)
    image.putpalette(palette.astype(np.uint8).tobytes())
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=6)
    return stream.getvalue()


def _rgb(codes: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Colours packed into 32 bits, red lowest → int64, shape (N, 3)."""
    return np.stack([codes & 255, codes >> 8 & 255, codes >> 16 & 255], axis=1).astype(np.int64)


def _distances(colours: NDArray[np.int64], palette: NDArray[np.int64]) -> NDArray[np.int64]:
    """Squared distances, shape (number of colours, size of the palette)."""
    squares: NDArray[np.int64] = (
        (colours**2).sum(1)[:, None] - 2 * colours @ palette.T + (palette**2).sum(1)
    )
    return squares


@contextmanager
def own_settings() -> Iterator[None]:
    """Use matplotlib's default settings while drawing, whatever the user's configuration."""
    matplotlib = _import_matplotlib()
    defaults = {
        **matplotlib.rcParamsDefault,
        "text.parse_math": False,
        "font.family": ["DejaVu Sans"],
        "axes.unicode_minus": False,
    }
    for name in ("backend", "backend_fallback", "interactive", "toolbar"):
        defaults.pop(name, None)  # choosing one would load it
    with matplotlib.rc_context(defaults):
        yield


def _import_matplotlib() -> Any:
    """Import matplotlib without reading a ``matplotlibrc`` of the user or working folder."""
    with _own_matplotlibrc(), _quiet("matplotlib"):
        import matplotlib
        import seaborn  # noqa: F401  (loads what the drawing needs under these settings)
    return matplotlib


@contextmanager
def _own_matplotlibrc() -> Iterator[None]:
    spec = importlib.util.find_spec("matplotlib")
    places = spec.submodule_search_locations if spec else None
    shipped = Path(places[0]) / "mpl-data" / "matplotlibrc" if places else None
    if shipped is None or not shipped.is_file():
        yield
        return
    before = {name: os.environ.get(name) for name in ("MATPLOTLIBRC", "MPLBACKEND")}
    os.environ.update(MATPLOTLIBRC=str(shipped), MPLBACKEND="Agg")
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Silence a library's messages on its cache folder or fonts: they don't affect pictures."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


COLOURMAP = "Blues"


STEPS = 21
"""Number of colours in the page's tables: one per 5% from 0 to 100%."""


DIFFERENCES = (
    "#8a4a08", "#a05c11", "#b76f1a", "#c9832d", "#d89a4a", "#e6b066", "#ecc285", "#f3d3a4",
    "#f7e2c2", "#f9efde", "#fbfbfa", "#e7eff5", "#d3e2f0", "#bbd3ea", "#a0c2e2", "#84b0da",
    "#689cce", "#4d89c3", "#3675b4", "#2462a2", "#124f90",
)  # fmt: skip
"""Colours of differences: decreases in orange, increases in blue, no difference in the middle.

The hues are distinct for red-green colour blindness, each with decreasing lightness. Equal to the
page's classes d0 to d20.
"""


EVEN = 0.1791
"""Relative luminance with equal contrast to black and white, 4.58:1."""


def colour_map(name: str, steps: int | None = None) -> Any:
    """matplotlib's or seaborn's colour map of that name, from the smallest to the largest value."""
    from matplotlib import colormaps

    colours = colormaps[name]
    return colours if steps is None else colours.resampled(steps)


def difference_map(steps: int | None = None) -> Any:
    """The colour map of differences, from decrease to increase, with 0 in the middle."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("differences", list(DIFFERENCES), N=steps or 255)


def heat_steps(name: str) -> list[tuple[str, str]]:
    """Background and digit colour of each of the 21 steps, as ``#rrggbb``."""
    from matplotlib.colors import to_hex

    with own_settings():
        colours = colour_map(name)(np.arange(STEPS) / (STEPS - 1))
    light = light_digits(colours)
    return [
        (to_hex(colour), "#ffffff" if is_light else "#000000")
        for colour, is_light in zip(colours, light, strict=True)
    ]


def light_digits(colours: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether white has more contrast than black with each colour: RGB(A) in 0..1, shape (N, >= 3).

    The better of the two is at least 4.58:1.
    """
    rgb = np.asarray(colours)[:, :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    light: NDArray[np.bool_] = linear @ np.array([0.2126, 0.7152, 0.0722]) < EVEN
    return light
