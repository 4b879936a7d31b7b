"""Caches compiled templates beside their sources, like Python's byte code."""

from __future__ import annotations

import contextlib
import hashlib
import sys
from pathlib import Path
from typing import Any

import jinja2
from jinja2.bccache import Bucket

__all__ = ["CompiledTemplates"]


class CompiledTemplates(jinja2.FileSystemBytecodeCache):
    """The compiled templates of `folder`, in its ``__pycache__``.

    They are compiled again if a template, jinja2 or `settings` changes. Nothing is cached if the
    folder is read-only, or if Python may not write byte code (``PYTHONDONTWRITEBYTECODE``).
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        super().__init__(str(folder / "__pycache__"), "%s.jinja2")
        self.settings = f"{jinja2.__version__} {sorted(settings)} {settings}"

    def get_source_checksum(self, source: str) -> str:
        """A checksum of the template and the settings it was compiled with."""
        return hashlib.sha256(f"{self.settings}\n{source}".encode()).hexdigest()

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load the cached byte code, if it is readable."""
        with contextlib.suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Save the byte code, if possible."""
        if not sys.dont_write_bytecode:
            with contextlib.suppress(OSError):
                Path(self.directory).mkdir(exist_ok=True)
                super().dump_bytecode(bucket)
