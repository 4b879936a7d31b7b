"""What an earlier report left in a folder, and what of it is ours to replace or to remove.

A folder with any other file in it is refused, or left alone.
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
    """The new folder `target` with these files.

    Raises :class:`OutputError` where it can't be written.
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
    """Raise :class:`OutputError` (``output-folder-blocked``) where `target` contains what is not
    ours.

    `endings` are those of the files of a folder; None where a file is to be there.
    """
    if not os.path.lexists(target):
        return
    if is_ours(target, endings) if endings else not target.is_dir() or target.is_symlink():
        return
    raise _report_blocked(target)


def is_ours(folder: Path, endings: tuple[str, ...]) -> bool:
    """Whether `folder` is a real folder that contains nothing but plain files with these
    endings.
    """
    if folder.is_symlink() or not folder.is_dir():
        return False
    return all(
        path.suffix in endings and path.is_file() and not path.is_symlink()
        for path in folder.iterdir()
    )


def is_left_by_us(folder: Path, endings: tuple[str, ...], marker: str) -> bool:
    """Whether an earlier run left `folder`: it is ours, and contains the file `marker`."""
    return is_ours(folder, endings) and (folder / marker).is_file()


def _report_blocked(target: Path) -> OutputError:
    return OutputError(
        f"{quoted(target.name)} exists and is not from an earlier report",
        slug="output-folder-blocked",
        details=["nothing in it was changed"],
        hint="move it elsewhere, or choose another folder with -o",
    )
