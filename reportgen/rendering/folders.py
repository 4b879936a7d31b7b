"""Folders of an earlier report that may be replaced or removed.

A folder with any other file is refused or kept.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from reportgen.errors import OutputError
from reportgen.files import output_error
from reportgen.text import quoted

__all__ = [
    "is_left_by_us",
    "is_ours",
    "require_free",
    "write_folder",
]


def write_folder(target: Path, files: Mapping[str, bytes]) -> None:
    """Create the folder `target` with these files.

    Raises :class:`OutputError` if it can't be written.
    """
    try:
        _fill(target, files)
    except OSError as error:
        raise output_error(target, error) from error


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)


def require_free(target: Path, endings: tuple[str, ...] | None = None) -> None:
    """Raise :class:`OutputError` (``output-folder-blocked``) if `target` has other programs' files.

    `endings` are those of the files of a folder; None if a file is expected.
    """
    if not os.path.lexists(target):
        return
    if is_ours(target, endings) if endings else not target.is_dir() or target.is_symlink():
        return
    raise _report_blocked(target)


def is_ours(folder: Path, endings: tuple[str, ...]) -> bool:
    """Whether `folder` is a real folder with only plain files with these extensions."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    return all(
        path.suffix in endings and path.is_file() and not path.is_symlink()
        for path in folder.iterdir()
    )


def is_left_by_us(folder: Path, endings: tuple[str, ...], marker: str) -> bool:
    """Whether an earlier run wrote `folder`: only its files, including `marker`."""
    return is_ours(folder, endings) and (folder / marker).is_file()


def _report_blocked(target: Path) -> OutputError:
    return OutputError(
        f"{quoted(target.name)} exists and is not from an earlier report",
        slug="output-folder-blocked",
        details=["nothing in it was changed"],
        hint="move it elsewhere, or choose another folder with -o",
    )
