"""Libraries whose import can fail in ways that need an explanation."""

from __future__ import annotations

import importlib
from importlib import metadata
from types import ModuleType

from reportgen.errors import ModelError
from reportgen.text import printable

__all__ = [
    "import_torchvision",
]


def import_torchvision() -> ModuleType:
    """Import torchvision; raise :class:`ModelError` if the installation is broken.

    Raises
    ------
    ModelError
        ``torch-mismatch``: torchvision was built for another torch (operators missing, or another
        CUDA version). ``torchvision-missing``: it is not installed.
    """
    try:
        return importlib.import_module("torchvision")
    except ModuleNotFoundError as error:
        if error.name != "torchvision":
            raise
        raise ModelError(
            "torchvision is not installed",
            slug="torchvision-missing",
            hint=f"install the torchvision that matches torch {_version('torch')}",
        ) from error
    except (RuntimeError, ImportError, OSError, AttributeError) as error:
        raise ModelError(
            f"torch {_version('torch')} and torchvision {_version('torchvision')} are different "
            "builds; install both from one source",
            slug="torch-mismatch",
            details=[f"importing torchvision says: {_first_line(error)}"],
            hint="for example: pip install --force-reinstall torch torchvision, in one command",
        ) from error


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "of an unknown version"


def _first_line(error: BaseException) -> str:
    return printable((str(error).strip().splitlines() or [type(error).__name__])[0])
