"""The output folder: its permitted content, and its lock."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from reportgen.errors import OutputError, UsageError
from reportgen.files import TEMPORARY_PREFIX, output_error
from reportgen.replacement import finish, is_unfinished
from reportgen.text import quoted

__all__ = [
    "BAD",
    "PREDICTIONS",
    "SHARDS",
    "finish_around",
    "finish_replacement",
    "next_writer",
    "partial_folder",
    "prepare",
    "remove_stale",
    "sole_writer",
    "spool_in",
]


PREDICTIONS, BAD = "predictions.parquet", "bad.csv"


SHARDS = "shards"
"""The folder in the output for parts of sharded predictions."""


_LOCK = TEMPORARY_PREFIX + "lock"


_ATTEMPTS, _WAIT = 20, 0.1
"""Number of attempts, and seconds between them, for a folder locked by another process."""


def partial_folder(target: Path) -> Path:
    """The folder of parts of an unfinished predictions file: ``predictions.partial``."""
    return target.with_suffix(".partial")


def prepare(
    folder: Path, guarded: tuple[str, ...], *, replace: bool, data: Path | None, part: str = ""
) -> None:
    """Prepare `folder` for writing, before any work.

    Parameters
    ----------
    guarded
        Names of results that must not exist unless `replace`.
    data
        A folder of inputs that must not contain `folder`: the next run would read its own output.
    part
        The only part of it that is written, as for :func:`remove_stale`.

    Raises
    ------
    UsageError
        `folder` is inside `data`.
    OutputError
        It can't be created or written to, is a file, or contains results.
    """
    try:
        _require_place(folder, replace=replace, data=data)
        if folder.is_dir():
            finish_replacement(folder)
        standing = [name for name in guarded if (folder / name).exists()]
        if standing and not replace:
            raise _find_occupied(folder, standing)
        folder.mkdir(parents=True, exist_ok=True)
        # Processes of other machines, with equal ids, may check at the same moment.
        probe = folder / f"{TEMPORARY_PREFIX}{os.getpid()}-{secrets.token_hex(4)}-{part}.probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise output_error(folder, error) from error


def _require_place(folder: Path, *, replace: bool, data: Path | None) -> None:
    if data is not None and folder.resolve().is_relative_to(data.resolve()):
        raise UsageError(
            f"the output {quoted(folder.name)} is inside the data folder {quoted(data.name)}",
            slug="output-in-data",
            hint="choose a folder outside of it with -o",
        )
    above = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if above.is_symlink() and not above.exists():
        raise OutputError(
            f"the output {quoted(above.name)} is a link to a folder that does not exist",
            slug="output-is-link",
            hint="remove the link, or choose another folder with -o",
        )
    if not above.is_dir():
        raise OutputError(
            f"the output {quoted(above.name)} is a file, not a folder",
            slug="output-is-file",
            hint="choose another folder with -o",
        )
    if folder.is_symlink() and not replace:
        raise OutputError(
            f"the output {quoted(folder.name)} is a link to another folder",
            slug="output-is-link",
            hint="name the folder itself with -o, or write through the link: --force",
        )


def finish_replacement(folder: Path) -> None:
    """Complete an interrupted replacement of a report in `folder`; wait for one in progress.

    For readers and writers. Raises :class:`OutputError`: ``report-unfinished`` if it can't be
    completed, ``output-busy`` if another process takes too long.
    """
    for attempt in range(_ATTEMPTS):
        if not is_unfinished(folder):
            break
        try:
            with sole_writer(folder):
                finish(folder)
        except OutputError as error:
            if error.slug != "output-busy" or attempt == _ATTEMPTS - 1:
                raise
            time.sleep(_WAIT)


def finish_around(path: Path) -> None:
    """As :func:`finish_replacement`, for the report folder that `path` is or belongs to."""
    for folder in (path, path.parent, path.parent.parent):
        finish_replacement(folder)


def _find_occupied(folder: Path, standing: list[str]) -> OutputError:
    unfinished = [name for name in standing if name.endswith(".partial")]
    what = "an unfinished run exists" if unfinished else "results exist"
    return OutputError(
        f"{what} in {quoted(folder.name)}: {', '.join(standing)}",
        slug="output-exists",
        hint="resume it: --resume     start over: --force     or choose another folder with -o"
        if unfinished
        else "replace them: --force     or choose another folder with -o",
    )


def remove_stale(folder: Path, part: str = "") -> None:
    """Delete temporary files left by a killed process.

    `folder`, or its `part`, must be locked by :func:`sole_writer`: then files with our own process
    id are stale too, as in containers; and so are all files of the `part`, whose other writers may
    be on other machines.
    """
    for path in folder.glob(f"{TEMPORARY_PREFIX}[0-9]*-{part}{'.' if part else ''}*"):
        process = path.name.removeprefix(TEMPORARY_PREFIX).split("-")[0]
        if process.isdigit() and (part or int(process) == os.getpid() or not _alive(int(process))):
            with contextlib.suppress(OSError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@contextlib.contextmanager
def spool_in(folder: Path) -> Iterator[Path]:
    """A temporary folder for copies of inputs that can't be read twice, deleted after the block."""
    spool = folder / f"{TEMPORARY_PREFIX}{os.getpid()}-spool"
    try:
        spool.mkdir()
    except OSError as error:
        raise output_error(spool, error) from error
    try:
        yield spool
    finally:
        shutil.rmtree(spool, ignore_errors=True)


@contextlib.contextmanager
def sole_writer(folder: Path, part: str = "") -> Iterator[None]:
    """Lock `folder`, or the `part` of that name in it, for the length of the block.

    The lock belongs to the process and ends with it. Raises :class:`OutputError` if another run
    holds it. Without locks in the system or file system, it only excludes threads of this process.
    """
    key = folder.resolve() / part
    if key in _HELD:
        raise _busy(folder, part)
    _HELD.add(key)
    try:
        with _locked(folder, part):
            yield
    finally:
        _HELD.discard(key)


@contextlib.contextmanager
def next_writer(folder: Path, part: str = "") -> Iterator[None]:
    """As :func:`sole_writer`, after waiting for another process for up to two seconds."""
    with contextlib.ExitStack() as held:
        for attempt in range(_ATTEMPTS):
            try:
                held.enter_context(sole_writer(folder, part))
                break
            except OutputError as error:
                if error.slug != "output-busy" or attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(_WAIT)
        yield


_HELD: set[Path] = set()
"""Locks of this process: the system's lock does not distinguish threads."""


_TAKEN = (errno.EACCES, errno.EAGAIN)
"""Error numbers for a lock held by another process."""


@contextlib.contextmanager
def _locked(folder: Path, part: str) -> Iterator[None]:
    try:
        import fcntl
    except ModuleNotFoundError:
        yield
        return
    path = folder / (f"{_LOCK}-{part}" if part else _LOCK)
    try:
        stream = path.open("w")
    except OSError as error:
        raise output_error(path, error) from error
    with stream:
        try:
            # A record lock: forked workers that outlive a killed run for seconds don't hold it.
            fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _TAKEN:
                raise _busy(folder, part) from None
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _busy(folder: Path, part: str) -> OutputError:
    if part:
        return OutputError(
            f"another process is writing {quoted(part)} in {quoted(folder.parent.name)}",
            slug="output-busy",
            hint="wait for it: the same command then finds it complete",
        )
    return OutputError(
        f"another run is writing to {quoted(folder.name)}",
        slug="output-busy",
        hint="wait for it, or choose another folder with -o",
    )
