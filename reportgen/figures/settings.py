"""matplotlib as it ships: no configuration of the user, no display, no remarks."""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["own_settings"]


@contextmanager
def own_settings() -> Iterator[None]:
    """matplotlib's own defaults while drawing, whatever the user's configuration says."""
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
    """matplotlib, imported without reading a ``matplotlibrc`` of the user or of this folder."""
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
    """Without a library's remarks on its cache folder or fonts: they change no picture."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
