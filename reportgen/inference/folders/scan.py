"""List the images in a folder of class folders, by name; nothing is opened."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from reportgen.class_list import check_distinct
from reportgen.errors import DataError, UsageError
from reportgen.inference.folders.files import escape, os_reason, special_reason
from reportgen.inference.folders.layouts import LAYOUT_HINT, layout_of, refuse_file
from reportgen.inference.folders.notes import metadata_note, tree_notes
from reportgen.inference.folders.tree import FolderScan, ImageFile, Tree, UnreadableFile, walk
from reportgen.paths import shown_address
from reportgen.text import listing, plural, quoted

__all__ = [
    "Progress",
    "check_local",
    "require_unique",
    "scan",
]


Progress = Callable[[int], None]
"""Called with the number of directory entries seen so far."""


_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # a single letter is a Windows drive


def scan(root: Path, *, progress: Progress | None = None) -> FolderScan:
    """List the images below the local folder `root`.

    `progress` is called with the number of entries seen so far.

    Raises
    ------
    UsageError
        ``data-remote``.
    DataError
        ``data-missing``, ``data-not-a-folder``, ``data-unreadable``, ``data-layout`` (no class
        folders), ``no-samples``, ``duplicate-ids``, ``classes-twins`` (two folders whose names
        look the same).
    """
    _check_root(root)
    tree = walk(root, progress or _untold)
    _check_tree(root, tree)
    tree.files.sort()
    require_unique(tree)
    base = os.fspath(root)
    return FolderScan(
        root=root,
        folders=tuple(tree.folders),
        files=tuple(ImageFile(one, folder, base, raw) for one, raw, folder in tree.files),
        unreadable=tuple(UnreadableFile(*entry) for entry in tree.unreadable),
        skipped=dict(sorted(tree.skipped.items())),
        notes=(*tree_notes(tree), *metadata_note(root)),
    )


def check_local(data: str) -> None:
    """Refuse an address: data is never downloaded."""
    if _REMOTE.match(data) and not os.path.lexists(data):
        raise UsageError(
            f"{quoted(shown_address(data))} is an address: only local paths can be read",
            slug="data-remote",
            hint="copy the data to a local folder first",
        )


def _untold(_: int) -> None:
    """Report no progress."""


def _check_root(root: Path) -> None:
    check_local(os.fspath(root))
    shown = quoted(escape(os.fspath(root)))
    try:
        mode = root.stat().st_mode
    except FileNotFoundError as error:
        raise DataError(
            f"the data folder {shown} does not exist",
            slug="data-missing",
            hint="check the path; it is relative to the working directory",
        ) from error
    except OSError as error:
        raise DataError(
            f"cannot read the data folder {shown}: {os_reason(error)}", slug="data-unreadable"
        ) from error
    if stat.S_ISREG(mode):
        raise refuse_file(root, shown)
    if not stat.S_ISDIR(mode):
        raise DataError(
            f"the data path {shown} {special_reason(mode)}",
            slug="data-not-a-folder",
            hint=LAYOUT_HINT,
        )


def _check_tree(root: Path, tree: Tree) -> None:
    shown = quoted(escape(root.name or os.fspath(root)))
    if not tree.folders:
        seen = f"first entries: {listing(tree.top_names)}" if tree.top_names else "it is empty"
        lines, hint = layout_of(root, _names_in(root))
        raise DataError(
            f"no class folders in {shown}", slug="data-layout", details=[seen, *lines], hint=hint
        )
    check_distinct(
        tree.folders, f"the class folders of {shown}", lambda at: quoted(tree.folders[at])
    )
    if not tree.files and not tree.unreadable:
        some = listing(tree.folders)
        inside = [name for folder in [".", *tree.folders] for name in _names_in(root / folder)]
        lines, hint = layout_of(root, inside)
        raise DataError(
            f"no samples in {shown}: nothing to evaluate",
            slug="no-samples",
            details=[f"{plural(len(tree.folders), 'class folder')} without images: {some}", *lines],
            hint=f"images end in .jpg, .png, .webp, .bmp, .gif, .tif or .ppm; {hint}",
        )


def _names_in(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:  # its printable name differs from its name on disk
        return []


def require_unique(tree: Tree) -> None:
    """Raise :class:`DataError` if two ids are equal.

    That happens only if a name contains an escape sequence that another name needs.
    """
    ids = sorted([file[0] for file in tree.files] + [entry[0] for entry in tree.unreadable])
    for one, other in pairwise(ids):
        if one == other:
            raise DataError(
                f"two files have the same id {quoted(one)}",
                slug="duplicate-ids",
                details=[
                    "one name contains bytes that are shown as escapes, another spells them out"
                ],
                hint="rename one of them",
            )
