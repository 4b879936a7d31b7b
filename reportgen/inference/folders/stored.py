"""Class folders in object storage: a request lists 1,000 keys, and nothing is opened."""

from __future__ import annotations

from pathlib import PurePosixPath

from reportgen.class_list import check_distinct
from reportgen.errors import DataError
from reportgen.importers import best_split
from reportgen.inference.folders.files import escape, has_image_name, is_skipped_name
from reportgen.inference.folders.notes import tree_notes
from reportgen.inference.folders.scan import Progress, require_unique
from reportgen.inference.folders.splits import are_splits
from reportgen.inference.folders.tree import NOT_AN_IMAGE, OUTSIDE, FolderScan, ImageFile, Tree
from reportgen.inference.packed.contents import StoredContents
from reportgen.storage import Address, files_below
from reportgen.text import listing, plural, quoted

__all__ = [
    "scan_stored",
]


def scan_stored(root: Address, progress: Progress) -> FolderScan:
    """List the images below an address, as ``scan`` does for a folder.

    `progress` is called with the number of entries seen so far.

    Raises
    ------
    DataError
        ``data-missing``, ``data-layout``, ``data-splits``, ``no-samples``, ``duplicate-ids``,
        ``classes-twins``, ``address-unreachable``.
    """
    found = files_below(root)
    progress(len(found))
    tree = _tree_of([one.relative_to(root) for one in found])
    _require_classes(root, tree)
    tree.files.sort()
    require_unique(tree)
    return FolderScan(
        root=root,
        folders=tuple(tree.folders),
        files=tuple(ImageFile(one, folder, "", raw) for one, raw, folder in tree.files),
        unreadable=(),
        skipped=dict(sorted(tree.skipped.items())),
        notes=tuple(tree_notes(tree)),
        contents=StoredContents(root),
    )


def _tree_of(paths: list[PurePosixPath]) -> Tree:
    tree = Tree()
    folders: set[str] = set()
    hidden: set[str] = set()
    tops: set[str] = set()
    for path in paths:
        *above, name = path.parts
        shown = [escape(part) for part in path.parts]
        tops.add(shown[0])
        skipped = next((n for n, part in enumerate(above) if is_skipped_name(part)), None)
        if skipped is not None:
            hidden.add("/".join(shown[: skipped + 1]))
            if skipped:
                folders.add(shown[0])
            continue
        if above:
            folders.add(shown[0])
        if is_skipped_name(name):
            kind = "AppleDouble files (._*)" if name.startswith("._") else "hidden files"
            tree.skipped[kind] += 1
        elif not has_image_name(name):
            tree.skipped[NOT_AN_IMAGE] += 1
        elif above:
            tree.files.append(("/".join(shown), str(path), shown[0]))
        else:
            tree.skipped[OUTSIDE] += 1
            tree.outside.append(shown[0])
    if hidden:
        tree.skipped["hidden or system folders"] = len(hidden)
    tree.folders, tree.hidden_folders = sorted(folders), sorted(hidden)
    tree.top_names, tree.outside = sorted(tops)[:_MAX_TOLD], sorted(tree.outside)[:_MAX_TOLD]
    return tree


_MAX_TOLD = 10


def _require_classes(root: Address, tree: Tree) -> None:
    shown = quoted(root.name)
    if not tree.top_names:
        raise DataError(
            f"there is nothing at the address of {shown}",
            slug="data-missing",
            hint="check bucket and key: capital letters count",
        )
    if not tree.folders:
        raise DataError(
            f"no class folders in {shown}",
            slug="data-layout",
            details=[f"first entries: {listing(tree.top_names)}"],
            hint="of object storage, DATA is a folder with one folder of images for each class",
        )
    if are_splits(tree.folders) and any(raw.count("/") > 1 for _, raw, _ in tree.files):
        best = best_split(tree.folders)
        raise DataError(
            f"the folders in {shown} are splits: {listing(tree.folders)}",
            slug="data-splits",
            details=["they contain class folders of their own"],
            hint=f"this looks like splits: pass DATA/{best} or --split {best}",
        )
    check_distinct(
        tree.folders, f"the class folders of {shown}", lambda at: quoted(tree.folders[at])
    )
    if not tree.files:
        raise DataError(
            f"no samples in {shown}: nothing to evaluate",
            slug="no-samples",
            details=[f"{plural(len(tree.folders), 'class folder')} without images"],
            hint="images end in .jpg, .png, .webp, .bmp, .gif, .tif or .ppm",
        )
