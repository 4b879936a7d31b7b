"""A folder of class folders as values, and the walk through it: names only, nothing is opened."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.errors import DataError
from reportgen.inference.folders.files import (
    escape,
    has_image_name,
    is_skipped_name,
    special_reason,
)
from reportgen.provenance import DataNote
from reportgen.storage import Place
from reportgen.text import quoted

if TYPE_CHECKING:
    from reportgen.inference.packed.contents import Contents

__all__ = [
    "NOT_AN_IMAGE",
    "OUTSIDE",
    "FolderScan",
    "ImageFile",
    "Tree",
    "UnreadableFile",
    "walk",
]


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One file that is an image by its name; nothing was opened.

    Attributes
    ----------
    id
        Path relative to the root with ``/``, printable and unique.
    folder
        Name of its class folder: the first part of `id`.
    root, raw
        Where it lies: the root, and the path below it as the operating system spells it.
    """

    id: str
    folder: str
    root: str
    raw: str

    @property
    def path(self) -> Path:
        return Path(self.root, self.raw)


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """A directory entry that should be an image and can't be read: `reason` says why."""

    id: str
    folder: str
    reason: str


@dataclass(frozen=True)
class FolderScan:
    """What a folder contains.

    Attributes
    ----------
    root
        The folder or address, as it was given.
    folders
        Names of the class folders, sorted; those without images too.
    files
        The images, sorted by id; those of a sequential `contents` as they are stored there.
    unreadable
        Broken links, pipes and devices, sorted by id. They count as found and as bad.
    skipped
        Reason → number of directory entries that never were samples.
    notes
        What a reader should know about the folder.
    contents
        Where the images are, where they are no files.
    """

    root: Place
    folders: tuple[str, ...]
    files: tuple[ImageFile, ...]
    unreadable: tuple[UnreadableFile, ...]
    skipped: Mapping[str, int]
    notes: tuple[DataNote, ...]
    contents: Contents | None = None

    @property
    def n_found(self) -> int:
        """Samples found: files, and what should be one."""
        return len(self.files) + len(self.unreadable)

    @property
    def every(self) -> list[ImageFile | UnreadableFile]:
        """All samples, sorted by id, or as sequential contents store them."""
        every: list[ImageFile | UnreadableFile] = [*self.files, *self.unreadable]
        if self.contents is None or not self.contents.is_sequential:
            every.sort(key=lambda file: file.id)
        return every


_MAX_TOLD = 10


_TELL_EVERY = 1000


NOT_AN_IMAGE = "files that are not images"


OUTSIDE = "images outside the class folders"


_REACHED_TWICE = "folders reached a second time"


@dataclass
class Tree:
    """What the walk found. Names are printable but for `raw`.

    Attributes
    ----------
    folders
        Class folders, sorted.
    files
        (id, raw path below the root, class folder) of each candidate.
    unreadable
        (id, class folder, reason) of broken links, pipes, sockets and devices.
    skipped
        Reason → number of entries.
    top_names, outside, hidden_folders, reached_twice
        Names for messages: the root's first entries, images directly in the root (both cut),
        hidden folders, and ``link → folder`` where a folder was reached again.
    """

    folders: list[str] = field(default_factory=list)
    files: list[tuple[str, str, str]] = field(default_factory=list)
    unreadable: list[tuple[str, str, str]] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    top_names: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    hidden_folders: list[str] = field(default_factory=list)
    reached_twice: list[str] = field(default_factory=list)


@dataclass(frozen=True, order=True)
class _Folder:
    """A folder to visit: its id, its path below the root, the class folder it belongs to."""

    id: str
    raw: str
    top: str


def walk(root: Path, tell: Callable[[int], None]) -> Tree:
    """List what lies below `root`; `tell` hears the number of entries seen so far.

    Real folders come first, in sorted order; then links to folders, in sorted order. Each real
    folder, known by device and inode, is visited once, so links that lead in a circle end.

    Raises :class:`DataError` (``data-unreadable``) for a folder that can't be listed.
    """
    walker = _Walker(os.fspath(root), tell)
    walker.see_root()
    return walker.tree


class _Walker:
    def __init__(self, root: str, tell: Callable[[int], None]) -> None:
        self.root = root
        self.tell = tell
        self.tree = Tree()
        self.n_seen = 0
        self.visited: dict[tuple[int, int], str] = {}
        self.links: list[_Folder] = []

    def see_root(self) -> None:
        """Everything below the root: class folders in turn, then the links found meanwhile."""
        self.is_new(_Folder(".", "", ""))
        real: list[_Folder] = []
        names: list[str] = []
        for entry in self.entries(_Folder(".", "", "")):
            shown = escape(entry.name)
            names.append(shown)
            if not self.is_hidden(entry, shown):
                self.see_top_entry(entry, shown, real)
        self.tree.top_names = sorted(names)[:_MAX_TOLD]
        self.tree.outside = sorted(self.tree.outside)[:_MAX_TOLD]
        self.tree.folders = sorted(folder.top for folder in [*real, *self.links])
        self.see_folders(sorted(real))
        while self.links:
            links, self.links = sorted(self.links), []
            for link in links:
                self.see_folders([link])
        self.tree.hidden_folders.sort()
        self.tree.unreadable.sort()
        self.tell(self.n_seen)

    def see_top_entry(self, entry: os.DirEntry[str], shown: str, real: list[_Folder]) -> None:
        """An entry of the root: a class folder, or something that belongs to none."""
        if _is_folder(entry):
            (self.links if _is_link(entry) else real).append(_Folder(shown, entry.name, shown))
        elif has_image_name(entry.name):
            self.tree.skipped[OUTSIDE] += 1
            self.tree.outside.append(shown)
        else:
            self.tree.skipped[NOT_AN_IMAGE] += 1

    def see_folders(self, folders: list[_Folder]) -> None:
        """Visit folders and all that lies in them, depth first in sorted order."""
        pending = folders[::-1]
        while pending:
            folder = pending.pop()
            if not self.is_new(folder):
                continue
            inner: list[_Folder] = []
            for entry in self.entries(folder):
                self.see_entry(entry, folder, inner)
            pending.extend(sorted(inner, reverse=True))

    def see_entry(self, entry: os.DirEntry[str], folder: _Folder, inner: list[_Folder]) -> None:
        shown = escape(entry.name)
        sample_id = f"{folder.id}/{shown}"
        if self.is_hidden(entry, sample_id):
            return
        raw = os.path.join(folder.raw, entry.name)  # noqa: PTH118 - a million times
        if _is_folder(entry):
            (self.links if _is_link(entry) else inner).append(_Folder(sample_id, raw, folder.top))
        elif _is_file(entry):
            if has_image_name(entry.name):
                # Of a million files, nearly all need no second string.
                kept = sample_id if raw == sample_id else raw
                self.tree.files.append((sample_id, kept, folder.top))
            else:
                self.tree.skipped[NOT_AN_IMAGE] += 1
        elif has_image_name(entry.name) or "." not in entry.name:
            self.tree.unreadable.append((sample_id, folder.top, _special(entry)))
        else:
            self.tree.skipped[NOT_AN_IMAGE] += 1

    def is_hidden(self, entry: os.DirEntry[str], shown: str) -> bool:
        """Whether an entry is skipped for its name; if so it is counted."""
        if not is_skipped_name(entry.name):
            return False
        if _is_folder(entry):
            self.tree.skipped["hidden or system folders"] += 1
            self.tree.hidden_folders.append(shown)
        elif entry.name.startswith("._"):
            self.tree.skipped["AppleDouble files (._*)"] += 1
        else:
            self.tree.skipped["hidden files"] += 1
        return True

    def is_new(self, folder: _Folder) -> bool:
        """Whether this real folder has not been visited yet, under whatever name."""
        try:
            status = os.stat(os.path.join(self.root, folder.raw))  # noqa: PTH116, PTH118
        except OSError as error:
            raise _cannot_list(folder.id, error) from error
        identity = (status.st_dev, status.st_ino)
        if identity in self.visited:
            self.tree.reached_twice.append(f"{folder.id} → {self.visited[identity]}")
            self.tree.skipped[_REACHED_TWICE] += 1
            return False
        self.visited[identity] = folder.id
        return True

    def entries(self, folder: _Folder) -> list[os.DirEntry[str]]:
        found: list[os.DirEntry[str]] = []
        try:
            with os.scandir(os.path.join(self.root, folder.raw)) as stream:  # noqa: PTH118
                for entry in stream:
                    found.append(entry)
                    self.n_seen += 1
                    if self.n_seen % _TELL_EVERY == 0:
                        self.tell(self.n_seen)
        except OSError as error:
            raise _cannot_list(folder.id, error) from error
        return found


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _is_link(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink()


def _special(entry: os.DirEntry[str]) -> str:
    """What an entry is that is neither file nor folder; links are seen through where they lead."""
    try:
        mode = entry.stat().st_mode
    except OSError:
        try:
            mode = entry.stat(follow_symlinks=False).st_mode
        except OSError:
            return "is not there"
    return special_reason(mode)


def _cannot_list(shown: str, error: OSError) -> DataError:
    reason = (error.strerror or type(error).__name__).lower()
    where = "the data folder" if shown == "." else f"the folder {quoted(shown)}"
    return DataError(
        f"cannot list {where}: {reason}",
        slug="data-unreadable",
        hint="every class folder must be readable: a part of the samples would be missing",
    )
