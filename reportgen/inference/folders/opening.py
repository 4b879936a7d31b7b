"""Opening and reading regular files, and saying why one can't be read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["open_regular", "os_reason", "read_to_end", "special_reason"]

_READ_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_BLOCK_BYTES = 1 << 20


@contextmanager
def open_regular(path: str | os.PathLike[str]) -> Iterator[tuple[int, int]]:
    """(descriptor, size in bytes) of a regular file, open for reading.

    A pipe that took its place blocks nobody. Raises :class:`OSError`, also where it is no regular
    file. Descriptors, since a Python file object costs more than reading a small image.
    """
    descriptor = os.open(path, _READ_FLAGS)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(special_reason(status.st_mode))
        yield descriptor, status.st_size
    finally:
        os.close(descriptor)


def read_to_end(descriptor: int, size: int) -> bytes:
    """All bytes of a file that is thought to have `size`; right if it has more or fewer."""
    content = os.read(descriptor, size + 1)
    if len(content) == size:
        return content
    parts = [content]
    while parts[-1]:
        parts.append(os.read(descriptor, _BLOCK_BYTES))
    return b"".join(parts)


def os_reason(error: OSError) -> str:
    """Why reading failed, in words that name no path."""
    if isinstance(error, FileNotFoundError):
        return "has vanished since the folder was scanned"
    return (error.strerror or str(error) or type(error).__name__).lower()


def special_reason(mode: int) -> str:
    """What a directory entry is that is no regular file, from its mode."""
    if stat.S_ISLNK(mode):
        return "is a broken link"
    if stat.S_ISFIFO(mode):
        return "is a named pipe, not a file"
    if stat.S_ISSOCK(mode):
        return "is a socket, not a file"
    return "is a device, not a file"
