"""Writes files completely or not at all, and hashes files."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reportgen.errors import OutputError
from reportgen.text import middle_cut, quoted

__all__ = [
    "TEMPORARY_PREFIX",
    "atomic_path",
    "output_error",
    "sha256_of",
    "synced_text",
    "write_bytes",
    "write_parts",
    "write_text",
]


TEMPORARY_PREFIX = ".reportgen-"


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """A temporary path beside `target`, moved onto it if the block succeeds.

    After a failure the temporary file is deleted and `target` is unchanged. The file has the
    permissions of the user's umask. An :class:`OSError` becomes an :class:`OutputError`.
    """
    # The process id lets a later run recognise files left by a killed one.
    temporary = target.with_name(
        f"{TEMPORARY_PREFIX}{os.getpid()}-{secrets.token_hex(4)}-{target.name}"
    )
    try:
        yield temporary
        temporary.replace(target)
    except OSError as error:
        raise output_error(target, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes(target: Path, content: bytes) -> None:
    """Write `content` to `target`, completely or not at all."""
    with atomic_path(target) as temporary:
        temporary.write_bytes(content)


def write_text(target: Path, content: str) -> None:
    """Write `content` as UTF-8 with ``\n`` line ends, completely or not at all."""
    write_bytes(target, content.encode("utf-8"))


def write_parts(target: Path, parts: Iterable[str]) -> None:
    """Write `parts` in sequence, as :func:`write_text`; they are not kept in memory."""
    with (
        atomic_path(target) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as stream,
    ):
        stream.writelines(parts)


def synced_text(target: Path, content: str) -> None:
    """Write `content` as UTF-8, and wait until it is on disk."""
    with target.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def output_error(target: Path, error: OSError, option: str = "-o") -> OutputError:
    """The error for a file that can't be written; `option` names output folders."""
    reason = (
        "no space left on the device"
        if error.errno in _FULL
        else (error.strerror or type(error).__name__).lower()
    )
    name = target.name if error.errno != errno.ENAMETOOLONG else middle_cut(target.name)
    return OutputError(
        f"cannot write {quoted(name)}: {reason}",
        slug="output-not-writable",
        details=["an earlier file of that name is untouched"],
        hint=_way_out(_shown_folder(target), error.errno, option),
    )


_FULL = (errno.ENOSPC, errno.EDQUOT)


def _way_out(folder: str, number: int | None, option: str) -> str:
    """The hint for an error number of the system when writing to `folder`."""
    another = f"choose another folder with {option}"
    if number in _FULL:
        return f"free space in {folder} or {another}"
    if number == errno.EROFS:
        return f"the file system of {folder} is read-only: {another}"
    if number == errno.EFBIG:
        return "raise the limit of file sizes (ulimit -f), or name a folder on another file system"
    if number == errno.ENAMETOOLONG:
        return "use shorter names: a file system takes about 255 bytes per name"
    if number in (errno.EACCES, errno.EPERM):
        return f"make {folder} writable for you, or {another}"
    return f"check {folder}, or {another}"


def _shown_folder(target: Path) -> str:
    """The folder of a file, for messages: not the hidden one it is staged in."""
    for parent in target.parents:
        if not any(part.startswith(TEMPORARY_PREFIX) for part in parent.parts[-2:]):
            return quoted(middle_cut(parent.name) or ".")
    return quoted(".")


def sha256_of(path: Path, progress: Callable[[int], None] | None = None) -> str:
    """The SHA-256 of a file's bytes, hexadecimal, read in blocks of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
            if progress:
                progress(len(block))
    return digest.hexdigest()
