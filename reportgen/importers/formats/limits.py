"""Compares declared sizes with file sizes and free memory before reading."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reportgen.errors import DataError
from reportgen.files import sha256_of
from reportgen.text import quoted

__all__ = [
    "FileState",
    "available_bytes",
    "bytes_words",
    "file_sha256",
    "file_state",
    "readable",
    "require_memory",
    "require_plain_file",
    "require_unchanged",
    "unchanged",
]


_MEMINFO = Path("/proc/meminfo")


_UNKNOWN = 1 << 32


_LARGEST_SHARE = 0.5  # of free memory: other steps need some too


def available_bytes() -> int:
    """Memory available without swapping, in bytes; 4 GiB if unknown."""
    try:
        for line in _MEMINFO.read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return _UNKNOWN


def bytes_words(n: int) -> str:
    """``1.5 GB``, ``300 bytes``: decimal units."""
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if n >= size:
            return f"{n / size:.1f} {unit}"
    return f"{n} bytes"


def require_memory(n_bytes: int, what: str) -> None:
    """Refuse to allocate more than half of the free memory for one object of the data."""
    free = available_bytes()
    if n_bytes > _LARGEST_SHARE * free:
        raise DataError(
            f"{what} needs {bytes_words(n_bytes)} of memory, more than half of the "
            f"{bytes_words(free)} that are free",
            slug="input-too-large",
            hint="save it as Parquet, which is read in pieces, or use a larger machine",
        )


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Convert system errors on a file to :class:`DataError`, without its folder."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{quoted(path.name)} can't be read: {(error.strerror or 'the disk failed').lower()}",
            slug="input-unreadable",
            hint="check its permissions and the disk",
        ) from error


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, hexadecimal."""
    with readable(path):
        return sha256_of(path)


def require_plain_file(path: Path) -> int:
    """The size of a file in bytes.

    Raises :class:`DataError` if it is missing or not a regular file.
    """
    try:
        if path.is_dir():
            raise DataError(
                f"{quoted(path.name)} is a folder, not a file",
                slug="input-is-folder",
                hint="pass the file in it",
            )
        return path.stat().st_size
    except FileNotFoundError as error:
        raise DataError(
            f"there is no file {quoted(path.name)}",
            slug="input-missing",
            hint="pass a table of predictions (.parquet, .arrow, .csv, .tsv, .jsonl, .npz, .npy) "
            "or a confusion matrix (.csv, .npy, .json)",
        ) from error
    except (OSError, ValueError) as error:
        raise DataError(
            f"{quoted(path.name)} can't be read: "
            f"{getattr(error, 'strerror', None) or 'this is not a path'}",
            slug="input-unreadable",
        ) from error


FileState = tuple[int, int, int]
"""Size, modification time and inode of a file."""


def file_state(path: Path) -> FileState:
    """The current state of a file. Raises :class:`DataError` if it can't be read."""
    with readable(path):
        found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def require_unchanged(path: Path, before: FileState) -> None:
    """Raise :class:`DataError` (``input-changed``) if a file has changed."""
    if file_state(path) != before:
        raise DataError(
            f"{quoted(path.name)} was changed while it was read",
            slug="input-changed",
            hint="run the command again once nothing writes to it",
        )


@contextmanager
def unchanged(path: Path) -> Iterator[None]:
    """Raise if a file changes during the block, in which it is read several times."""
    before = file_state(path)
    yield
    require_unchanged(path, before)
