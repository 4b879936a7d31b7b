"""Caches compiled templates in memory, and beside their sources, like Python's byte code."""

from __future__ import annotations

import contextlib
import hashlib
import sys
from pathlib import Path
from types import CodeType
from typing import Any

import jinja2
from jinja2.bccache import Bucket

__all__ = ["CompiledTemplates"]


_in_memory: dict[str, tuple[str, CodeType]] = {}
"""Key of a template file → checksum and code, for the next page of this process."""


class CompiledTemplates(jinja2.FileSystemBytecodeCache):
    """The compiled templates of `folder`, in memory and in its ``__pycache__``.

    They are compiled again if a template, jinja2 or `settings` changes. No file is written if the
    folder is read-only, or if Python may not write byte code (``PYTHONDONTWRITEBYTECODE``).
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        super().__init__(str(folder / "__pycache__"), "%s.jinja2")
        self.settings = f"{jinja2.__version__} {sorted(settings)} {settings}"

    def get_source_checksum(self, source: str) -> str:
        """A checksum of the template and the settings it was compiled with."""
        return hashlib.sha256(f"{self.settings}\n{source}".encode()).hexdigest()

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load the byte code from memory, else from its file, if that is readable."""
        checksum, code = _in_memory.get(bucket.key, ("", None))
        if code is not None and checksum == bucket.checksum:
            bucket.code = code
            return
        with contextlib.suppress(OSError):
            super().load_bytecode(bucket)
        if bucket.code is not None:
            _in_memory[bucket.key] = (bucket.checksum, bucket.code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the byte code, and save it if possible."""
        if bucket.code is not None:
            _in_memory[bucket.key] = (bucket.checksum, bucket.code)
        if not sys.dont_write_bytecode:
            with contextlib.suppress(OSError):
                Path(self.directory).mkdir(exist_ok=True)
                super().dump_bytecode(bucket)
