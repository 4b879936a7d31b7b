"""Models of other libraries. A library takes seconds to import, so collecting tests does not."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any

import pytest


class Library:
    """A library that is imported when one of its names is first used; skips the module without."""

    def __init__(self, name: str, extra: str) -> None:
        if find_spec(name) is None:
            pytest.skip(f"needs the extra {extra}", allow_module_level=True)
        self._name = name

    def __getattr__(self, name: str) -> Any:
        # pytest asks all objects of a module whether they wrap fixtures, by names with underscores
        if name.startswith("_") and name != "__version__":
            raise AttributeError(name)
        return getattr(importlib.import_module(self._name), name)
