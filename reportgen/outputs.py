"""The folder that results go to: what may stand in it, and who may write there."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from reportgen.errors import OutputError, UsageError
from reportgen.files import TEMPORARY_PREFIX, output_error
from reportgen.text import quoted

__all__ = ["PREDICTIONS", "REPORT_FILES", "partial_folder", "prepare", "sole_writer", "spool_in"]

PREDICTIONS = "predictions.parquet"
REPORT_FILES = ("report.html", "index.html", "report.json", "report.pdf")
_LOCK = TEMPORARY_PREFIX + "lock"


def partial_folder(target: Path) -> Path:
    """Where the parts of an unfinished predictions file stand: ``predictions.partial``."""
    return target.with_suffix(".partial")


def prepare(folder: Path, guarded: tuple[str, ...], *, replace: bool, data: Path | None) -> None:
    """Make `folder` ready to be written to, before any work is done.

    Parameters
    ----------
    guarded
        Names of results that must not stand there unless `replace`.
    data
        A folder of inputs that must not hold `folder`: the next run would read its own output.

    Raises
    ------
    UsageError
        Where `folder` lies inside `data`.
    OutputError
        Where it can't be made or written to, is a file, or holds results.
    """
    if data is not None and folder.resolve().is_relative_to(data.resolve()):
        raise UsageError(
            f"the output {quoted(folder.name)} lies inside the data folder {quoted(data.name)}",
            slug="output-in-data",
            hint="name a folder outside of it with -o",
        )
    if folder.exists() and not folder.is_dir():
        raise OutputError(
            f"the output {quoted(folder.name)} is a file, not a folder",
            slug="output-is-file",
            hint="name another folder with -o",
        )
    try:
        standing = [name for name in guarded if (folder / name).exists()]
        if standing and not replace:
            raise _occupied(folder, standing)
        folder.mkdir(parents=True, exist_ok=True)
        _remove_stale(folder)
        probe = folder / f"{TEMPORARY_PREFIX}{os.getpid()}-probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise output_error(folder, error) from error


def _occupied(folder: Path, standing: list[str]) -> OutputError:
    unfinished = [name for name in standing if name.endswith(".partial")]
    what = "an unfinished run stands" if unfinished else "results stand"
    return OutputError(
        f"{what} in {quoted(folder.name)}: {', '.join(standing)}",
        slug="output-exists",
        hint="go on with it: --resume     start over: --force     or name another folder with -o"
        if unfinished
        else "replace them: --force     or name another folder with -o",
    )


def _remove_stale(folder: Path) -> None:
    """Remove temporary files whose process is gone; those of a living one stay."""
    for path in folder.glob(f"{TEMPORARY_PREFIX}[0-9]*-*"):
        process = path.name.removeprefix(TEMPORARY_PREFIX).split("-")[0]
        if process.isdigit() and not _alive(int(process)):
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
    """A folder for copies of inputs that can't be read twice; it is gone after the block."""
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
def sole_writer(folder: Path) -> Iterator[None]:
    """Hold `folder` against a second run for the length of the block.

    The lock belongs to the process and dies with it. Raises :class:`OutputError` where another
    run holds it. On systems without ``fcntl`` there is no lock.
    """
    try:
        import fcntl
    except ModuleNotFoundError:
        yield
        return
    path = folder / _LOCK
    try:
        stream = path.open("w")
    except OSError as error:
        raise output_error(path, error) from error
    with stream:
        try:
            # A record lock: forked workers that outlive a killed run for seconds don't hold it.
            fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise OutputError(
                f"another run is writing to {quoted(folder.name)}",
                slug="output-busy",
                hint="wait for it, or name another folder with -o",
            ) from None
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
