"""Class folders in a zip or tar archive, read in place, with the same samples as when unpacked."""

from __future__ import annotations

import posixpath
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reportgen.class_list import check_distinct
from reportgen.errors import DataError
from reportgen.importers import SampleList, choose_split, read_sample_list, split_role
from reportgen.inference.folders.files import METADATA, escape, has_image_name
from reportgen.inference.folders.layouts import LAYOUT_HINT
from reportgen.inference.folders.notes import tree_notes
from reportgen.inference.folders.tree import FolderScan, ImageFile, Tree
from reportgen.inference.images.decoding import Unreadable
from reportgen.inference.packed.archive import Archive, Member, NamedContents, skipped_part
from reportgen.inference.packed.heads import is_zip
from reportgen.inference.packed.tar_files import list_tar
from reportgen.inference.packed.values import Images, Opened, Packed, PackedList
from reportgen.inference.packed.zip_files import list_zip
from reportgen.options import Options
from reportgen.text import listing, quoted

__all__ = [
    "all_images",
    "named_images",
    "open_data",
]


_MOST_LEVELS = 4


_ARCHIVES = (".tar", ".zip", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar")


@dataclass(frozen=True)
class _Rooted:
    """The part of an archive that contains the class folders.

    Attributes
    ----------
    folder
        The folder in the archive that ids are relative to; with ``/`` at its end, or empty.
    split
        The folder of the split below it, in the same form.
    other_splits
        Name of another split → number of images.
    """

    archive: Archive
    folder: str = ""
    split: str = ""
    other_splits: tuple[tuple[str, int], ...] = ()


def open_data(data: Path, options: Options) -> Opened:
    """The samples in an archive: by class folders, by its table, or without labels.

    Raises :class:`DataError` as :func:`~reportgen.inference.folders.scan.scan` does, and for splits
    ``data-splits`` and ``split-unknown``.
    """
    found = _rooted(_list_archive(data), options.split)
    members = _members(found)
    table = _table_in(found, members)
    if table is not None:
        return _listed(found, table, options)
    tree = _tree(found, members)
    if not tree.folders and tree.outside:
        return _unlabelled(found, members)
    _check(data, found, tree)
    return FolderScan(
        root=data,
        folders=tuple(tree.folders),
        files=tuple(_image_files(found, tree)),
        unreadable=(),
        skipped=_skipped(found, tree),
        notes=(*found.archive.notes, *tree_notes(tree)),
        contents=found.archive.contents,
    )


def all_images(data: Path, options: Options) -> Images:  # noqa: ARG001 - ids are paths, always
    """(ids, raws, contents) of the images of all splits; of repeated ids the last one counts."""
    archive = _list_archive(data)
    images = [member for member in archive.members if _is_image(member)]
    names = [member.name for member in images]
    # the roots that tables and class folders may be relative to
    folders = ("", _common_folder(names), _wrapping(names))
    ids = [escape(name.removeprefix(folder)) for folder in folders for name in names]
    return ids, [member.raw for member in images] * len(folders), archive.contents


def named_images(data: Path, paths: Sequence[str]) -> NamedContents:
    """The images of an archive by their paths in it, or below the folder that contains them all."""
    archive = _list_archive(data)
    images = _image_names(archive)
    whole = NamedContents(archive, "")
    below = NamedContents(archive, _common_folder(images))
    n_whole, n_below = (sum(map(one.may_have, paths)) for one in (whole, below))
    return below if n_below > n_whole else whole


def _list_archive(path: Path) -> Archive:
    """The files in a zip or tar archive. Raises the errors of listing."""
    return list_zip(path) if is_zip(path) else list_tar(path)


def _rooted(archive: Archive, split: str) -> _Rooted:
    """Find the class folders: below common wrapper folders, and in the chosen split."""
    names = _image_names(archive)
    tables = {member.name for member in archive.members if _is_table(member.name)}
    folder = _wrapping(names)
    splits = _splits(names, folder, tables)
    if not splits and any(
        posixpath.dirname(name) + "/" == _common_folder(names) for name in tables
    ):
        folder = _common_folder(names)
    if not splits:
        return _Rooted(archive, folder)
    chosen = choose_split(splits, split, archive.path.name, "image")
    other = tuple((name, len(some)) for name, some in sorted(splits.items()) if name != chosen)
    return _Rooted(archive, folder, f"{chosen}/", other)


def _image_names(archive: Archive) -> list[str]:
    return [member.name for member in archive.members if _is_image(member)]


def _is_image(member: Member) -> bool:
    return has_image_name(member.name) and not skipped_part(member.name)


def _wrapping(names: Sequence[str]) -> str:
    """The wrapper folders of all images, above the class folders: ``photos/``."""
    folder = ""
    for _ in range(_MOST_LEVELS):
        tops = {name.removeprefix(folder).partition("/")[0] for name in names}
        inner = {name.removeprefix(folder).partition("/")[2] for name in names}
        if len(tops) != 1 or not all("/" in name for name in inner):
            break
        folder += f"{next(iter(tops))}/"
    return folder


def _is_table(name: str) -> bool:
    return posixpath.basename(name) in METADATA


def _common_folder(names: Sequence[str]) -> str:
    """The folder that contains all of them, with a trailing ``/``; empty if there is none."""
    folder = posixpath.commonpath([posixpath.dirname(name) for name in names]) if names else ""
    return f"{folder}/" if folder else ""


def _splits(names: Sequence[str], folder: str, tables: set[str]) -> dict[str, list[str]]:
    """Split → its images, if the folders are splits that contain folders or a metadata table."""
    found: dict[str, list[str]] = {}
    listed = {posixpath.dirname(name) for name in tables}
    for name in names:
        top, _, rest = name.removeprefix(folder).partition("/")
        if split_role(top) is None or ("/" not in rest and folder + top not in listed):
            return {}
        found.setdefault(top, []).append(name)
    return found if len(found) > 1 else {}


def _members(found: _Rooted) -> list[Member]:
    """The files of the chosen part, by their names below the root of the class folders."""
    start = found.folder + found.split
    return [
        replace(member, name=member.name.removeprefix(start))
        for member in found.archive.members
        if member.name.startswith(start)
    ]


def _tree(found: _Rooted, members: Sequence[Member]) -> Tree:
    """The result that walking through the unpacked folder would have."""
    tree, start = Tree(), found.folder + found.split
    folders = {
        name.removeprefix(start).partition("/")[0]
        for name in found.archive.folders
        if name.startswith(start)
    }
    hidden: set[str] = set()
    for member in members:
        top, slash, _ = member.name.partition("/")
        if part := skipped_part(member.name):
            _count_hidden(tree, member.name, part, hidden)
        elif not slash:
            _count_outside(tree, member.name)
        else:
            folders.add(top)
            if has_image_name(member.name):
                tree.files.append((_id(found, member.name), member.raw, escape(top)))
            else:
                tree.skipped["files that are not images"] += 1
    tree.folders = sorted(escape(name) for name in folders if name and not skipped_part(name))
    tree.hidden_folders = sorted(hidden)
    tree.outside.sort()
    return tree


def _id(found: _Rooted, name: str) -> str:
    """The sample id, with the split as a prefix if all splits are listed."""
    return escape(found.split + name)


def _count_hidden(tree: Tree, name: str, part: str, hidden: set[str]) -> None:
    if name.rpartition("/")[2] != part:
        folder = escape(name[: name.index(part) + len(part)])
        tree.skipped["hidden or system folders"] += folder not in hidden
        hidden.add(folder)
    elif part.startswith("._"):
        tree.skipped["AppleDouble files (._*)"] += 1
    else:
        tree.skipped["hidden files"] += 1


def _count_outside(tree: Tree, name: str) -> None:
    if has_image_name(name):
        tree.skipped["images outside the class folders"] += 1
        tree.outside.append(escape(name))
    else:
        tree.skipped["files that are not images"] += 1


def _image_files(found: _Rooted, tree: Tree) -> list[ImageFile]:
    files = [ImageFile(one, folder, "", raw) for one, raw, folder in tree.files]
    return files if found.archive.contents.is_sequential else sorted(files, key=lambda f: f.id)


def _skipped(found: _Rooted, tree: Tree) -> dict[str, int]:
    other = {f"images of the split {escape(name)}": n for name, n in found.other_splits}
    return dict(sorted({**tree.skipped, **other}.items()))


def _check(data: Path, found: _Rooted, tree: Tree) -> None:
    shown = quoted(escape(data.name))
    inner = sorted(
        {escape(m.name) for m in found.archive.members if m.name.lower().endswith(_ARCHIVES)}
    )
    if not tree.folders or not tree.files:
        seen = listing([escape(member.name) for member in found.archive.members[:10]])
        raise DataError(
            f"no class folders with images in {shown}",
            slug="data-layout",
            details=[f"it contains {seen}" if seen else "it is empty"],
            hint="it contains archives: unpack it, and pass one of them"
            if inner
            else f"{LAYOUT_HINT}, also in an archive",
        )
    check_distinct(
        tree.folders, f"the class folders of {shown}", lambda at: quoted(tree.folders[at])
    )
    repeated = [one for one, n in Counter(file[0] for file in tree.files).items() if n > 1]
    if repeated:
        raise DataError(
            f"two files have the same id {quoted(repeated[0])}",
            slug="duplicate-ids",
            hint="rename one of them",
        )


def _unlabelled(found: _Rooted, members: Sequence[Member]) -> Packed:
    """Images outside of folders: they have no labels."""
    images = [member for member in members if _is_image(member)]
    samples = SampleList.unlabelled(
        escape(found.archive.path.name), [escape(member.name) for member in images]
    )
    return Packed(samples, [m.raw for m in images], found.archive.contents, found.archive.notes)


def _table_in(found: _Rooted, members: Sequence[Member]) -> Member | None:
    """The ``imagefolder`` metadata table of the chosen part."""
    tables = [member for member in members if member.name in METADATA]
    if len(tables) > 1:
        raise DataError(
            f"{quoted(found.archive.path.name)} has {len(tables)} tables of its images: "
            f"{listing(table.name for table in tables)}",
            slug="list-several",
            hint="archive it again with one of them",
        )
    return tables[0] if tables else None


def _listed(found: _Rooted, table: Member, options: Options) -> PackedList:
    """The samples that the table in an archive lists."""
    archive = found.archive
    with tempfile.TemporaryDirectory(prefix="reportgen-") as folder:
        path = Path(folder, posixpath.basename(table.name))
        try:
            path.write_bytes(archive.contents.read(table.raw))
        except Unreadable as error:
            raise DataError(
                f"{quoted(table.name)} in {quoted(archive.path.name)} {error.reason}",
                slug="archive-damaged",
                hint="copy or download it again",
            ) from error
        samples = read_sample_list(path, options)
    samples = replace(samples, folder=found.split.rstrip("/"))
    return PackedList(samples, NamedContents(archive, found.folder), archive.notes)
