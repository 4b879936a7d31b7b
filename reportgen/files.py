"""Files written whole or not at all, and what a file's bytes are worth as an identity."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reportgen.errors import OutputError
from reportgen.text import quoted

__all__ = ["atomic_path", "sha256_of", "write_bytes", "write_text"]

TEMPORARY_PREFIX = ".reportgen-"


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """A temporary path beside `target`, moved onto it when the block ends well.

    After a failure the temporary file is gone and `target` is what it was. The file is made with
    the rights of the user's umask. An :class:`OSError` becomes an :class:`OutputError`.
    """
    # The process number lets a later run tell what a killed one left behind.
    temporary = target.with_name(
        f"{TEMPORARY_PREFIX}{os.getpid()}-{secrets.token_hex(4)}-{target.name}"
    )
    try:
        yield temporary
        temporary.replace(target)
    except OSError as error:
        raise output_error(target, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(target: Path, content: bytes) -> None:
    """Write `content` to `target`, whole or not at all."""
    with atomic_path(target) as temporary:
        temporary.write_bytes(content)


def write_text(target: Path, content: str) -> None:
    """Write `content` as UTF-8 with ``\\n`` line ends, whole or not at all."""
    write_bytes(target, content.encode("utf-8"))


def output_error(target: Path, error: OSError) -> OutputError:
    """The error for a file that can't be written, in the user's words."""
    reason = (
        "no space left on the device"
        if error.errno in (errno.ENOSPC, errno.EDQUOT)
        else (error.strerror or type(error).__name__).lower()
    )
    return OutputError(
        f"cannot write {quoted(target.name)}: {reason}",
        slug="output-not-writable",
        details=["an earlier file of that name is untouched"],
        hint=f"make room in {quoted(target.parent.name or '.')} or name another folder with -o",
    )


def sha256_of(path: Path, progress: Callable[[int], None] | None = None) -> str:
    """The SHA-256 of a file's bytes, hexadecimal, read in blocks of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
            if progress:
                progress(len(block))
    return digest.hexdigest()
