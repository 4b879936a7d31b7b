"""A folder of class folders → the list of its images, each with the hash of its content.

The layout is ``root/<class name>/…/<image>``: every file below a class folder belongs to that
class. Nothing is decoded here. The listing is the same on every machine: sorted by id, and links
are followed after all real folders, so that no link takes images away from the folder they lie in.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

from reportgen.classes import check_distinct
from reportgen.errors import DataError, UsageError
from reportgen.inference.folders.hashes import read_digests
from reportgen.inference.folders.layouts import LAYOUT_HINT, layout_of, refuse_file
from reportgen.inference.folders.names import escaped
from reportgen.inference.folders.notes import duplicates, tree_notes
from reportgen.inference.folders.opening import os_reason, special_reason
from reportgen.inference.folders.tree import Tree, walk
from reportgen.inference.folders.value import FolderScan, ImageFile, UnreadableFile
from reportgen.text import listing, plural, quoted

__all__ = ["check_local", "scan"]

Progress = Callable[[int, int | None], None]
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # one letter is a Windows drive


def scan(root: Path, *, progress: Progress | None = None, want_sizes: bool = False) -> FolderScan:
    """List the images below `root` and hash their content.

    Parameters
    ----------
    root
        A local folder.
    progress
        Called with (done, total) files; total is None while they are being listed.
    want_sizes
        Read width and height from each image's header too.

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
    tree = walk(root, partial(_tell_listed, progress))
    _check_tree(root, tree)
    tree.files.sort()
    _check_unique(tree)
    files, unreadable = _read(root, tree, progress, want_sizes)
    pairs, n_duplicates, duplicate_notes = duplicates(files)
    return FolderScan(
        root=root,
        folders=tuple(tree.folders),
        files=files,
        unreadable=unreadable,
        skipped=dict(sorted(tree.skipped.items())),
        duplicates=pairs,
        n_duplicates=n_duplicates,
        notes=(*tree_notes(tree), *duplicate_notes),
    )


def check_local(data: str) -> None:
    """Refuse an address: nothing is ever fetched."""
    if _REMOTE.match(data) and not os.path.lexists(data):
        raise UsageError(
            f"{quoted(data)} is an address: only local paths can be read",
            slug="data-remote",
            hint="copy the data to a local folder first",
        )


def _tell_listed(progress: Progress | None, n_listed: int) -> None:
    if progress is not None:
        progress(n_listed, None)


def _check_root(root: Path) -> None:
    check_local(os.fspath(root))
    shown = quoted(escaped(os.fspath(root)))
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
    shown = quoted(escaped(root.name or os.fspath(root)))
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
    except OSError:  # its name is shown otherwise than it is spelled
        return []


def _check_unique(tree: Tree) -> None:
    """Two ids are equal only where a name spells out an escape that another name needs."""
    ids = sorted([file[0] for file in tree.files] + [entry[0] for entry in tree.unreadable])
    for one, other in pairwise(ids):
        if one == other:
            raise DataError(
                f"two files have the same id {quoted(one)}",
                slug="duplicate-ids",
                details=["one name holds bytes that are shown as escapes, another spells them out"],
                hint="rename one of them",
            )


def _read(
    root: Path, tree: Tree, progress: Progress | None, want_sizes: bool
) -> tuple[tuple[ImageFile, ...], tuple[UnreadableFile, ...]]:
    """Hash every listed file; those that can't be read join the unreadable ones."""
    base, total = os.fspath(root), len(tree.files)
    tell = None if progress is None else (lambda done: progress(done, total))
    results = read_digests([file[1] for file in tree.files], base, tell, want_sizes)
    files: list[ImageFile] = []
    unreadable = [UnreadableFile(*entry) for entry in tree.unreadable]
    for (sample_id, raw, folder), result in zip(tree.files, results, strict=True):
        if isinstance(result, str):
            unreadable.append(UnreadableFile(sample_id, folder, result))
        else:
            files.append(ImageFile(sample_id, folder, result[0], base, raw, result[1]))
    return tuple(files), tuple(sorted(unreadable, key=lambda entry: entry.id))
