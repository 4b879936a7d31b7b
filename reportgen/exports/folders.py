"""Folders of files that belong together, replaced as one; and results of an earlier run removed.

Only what is ours is ever replaced or removed: a folder with any other file in it is refused, or
left alone.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from reportgen.errors import OutputError
from reportgen.files import TEMPORARY_PREFIX, output_error
from reportgen.text import quoted

__all__ = ["is_ours", "remove_file", "remove_folder", "replaced", "write_folder"]


def write_folder(target: Path, files: Mapping[str, bytes], endings: tuple[str, ...]) -> None:
    """`target` with just these files, whole or not at all: see :func:`replaced`."""
    with replaced(target, files, endings):
        pass


@contextmanager
def replaced(target: Path, files: Mapping[str, bytes], endings: tuple[str, ...]) -> Iterator[None]:
    """`target` holds just `files` in the block, and after it where it ends well.

    After a failure in the block, what stood there before stands there again.

    Raises :class:`OutputError`: ``output-folder-blocked`` where a file, a link, or a folder that
    is not of an earlier run stands in the way; ``output-not-writable`` where it can't be written.
    """
    if os.path.lexists(target) and not is_ours(target, endings):
        raise _blocked(target)
    mark = f"{TEMPORARY_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
    new = target.with_name(f"{mark}-new-{target.name}")
    old = target.with_name(f"{mark}-old-{target.name}")
    try:
        _fill(new, files)
        if target.is_dir():
            target.rename(old)
        new.rename(target)
        yield
    except BaseException as error:
        _put_back(target, old)
        if isinstance(error, OSError):
            raise output_error(target, error) from error
        raise
    finally:
        for folder in (new, old):
            shutil.rmtree(folder, ignore_errors=True)


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _put_back(target: Path, old: Path) -> None:
    if old.is_dir():
        with contextlib.suppress(OSError):
            shutil.rmtree(target, ignore_errors=True)
            old.rename(target)


def is_ours(folder: Path, endings: tuple[str, ...]) -> bool:
    """Whether `folder` is a real folder that holds nothing but plain files with these endings."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    return all(
        path.suffix in endings and path.is_file() and not path.is_symlink()
        for path in folder.iterdir()
    )


def remove_folder(folder: Path, endings: tuple[str, ...], marker: str) -> bool:
    """Remove what an earlier run left: where it is ours, and holds the file `marker`.

    Whether it was there.
    """
    known = is_ours(folder, endings) and (folder / marker).is_file()
    if known:
        shutil.rmtree(folder, ignore_errors=True)
    return known


def remove_file(path: Path) -> None:
    """Remove a file that an earlier run wrote, where there is one."""
    try:
        if path.is_file() or path.is_symlink():
            path.unlink()
    except OSError as error:
        raise output_error(path, error) from error


def _blocked(target: Path) -> OutputError:
    return OutputError(
        f"{quoted(target.name)} is in the way: it is no folder of an earlier report",
        slug="output-folder-blocked",
        details=["nothing in it was changed"],
        hint="move it away, or name another folder with -o",
    )
