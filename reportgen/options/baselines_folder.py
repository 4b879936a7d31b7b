"""The default folder of saved baselines."""

from __future__ import annotations

from pathlib import Path

__all__ = ["DEFAULT_FOLDER"]


DEFAULT_FOLDER = Path("reportgen-baselines")
