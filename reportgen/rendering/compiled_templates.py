"""Templates compiled once, and kept beside them as Python keeps the modules that it compiles."""

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

    They are compiled again where a template, jinja2 or `settings`, by which they are compiled,
    differ. Where the folder can't be written, or Python is told to write no byte code
    (``PYTHONDONTWRITEBYTECODE``), nothing is kept.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        super().__init__(str(folder / "__pycache__"), "%s.jinja2")
        self.settings = f"{jinja2.__version__} {sorted(settings)} {settings}"

    def get_source_checksum(self, source: str) -> str:
        """What the compiled template is of: its text, and how it was compiled."""
        return hashlib.sha256(f"{self.settings}\n{source}".encode()).hexdigest()

    def load_bytecode(self, bucket: Bucket) -> None:
        """What is kept, if it can be read."""
        with contextlib.suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it, if that can be."""
        if not sys.dont_write_bytecode:
            with contextlib.suppress(OSError):
                Path(self.directory).mkdir(exist_ok=True)
                super().dump_bytecode(bucket)
