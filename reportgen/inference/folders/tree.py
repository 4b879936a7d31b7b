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
    """A file with an image extension; it was not opened.

    Attributes
    ----------
    id
        Path relative to the root with ``/``, printable and unique.
    folder
        Name of its class folder: the first part of `id`.
    root, raw
        Its location: the root, and the path below it as the operating system spells it.
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
    """A directory entry that should be an image but can't be read, with the reason."""

    id: str
    folder: str
    reason: str


@dataclass(frozen=True)
class FolderScan:
    """The contents of a folder.

    Attributes
    ----------
    root
        The folder or address, as given.
    folders
        Names of the class folders, sorted, including empty ones.
    files
        The images, sorted by id; in storage order if `contents` is sequential.
    unreadable
        Broken links, pipes and devices, sorted by id. They count as found and as unreadable.
    skipped
        Reason → number of directory entries that are not samples.
    notes
        What a reader should know about the folder.
    contents
        The location of the images if they are not files, otherwise None.
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
        """Number of samples found, readable or not."""
        return len(self.files) + len(self.unreadable)

    @property
    def every(self) -> list[ImageFile | UnreadableFile]:
        """All samples, sorted by id, or in storage order if `contents` is sequential."""
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
    """The result of the walk. All names but `raw` are printable.

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
        Names for messages: the root's first entries, images directly in the root (both cut), hidden
        folders, and ``link → folder`` for folders reached twice.
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
    """A folder to visit: its id, its path below the root, its class folder."""

    id: str
    raw: str
    top: str


def walk(root: Path, tell: Callable[[int], None]) -> Tree:
    """List the entries below `root`; `tell` is called with the number of entries seen so far.

    Real folders come first, then links to folders, each in sorted order. A real folder, identified
    by device and inode, is visited once, so circular links end.

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
        """Walk everything below the root: class folders in turn, then the links found meanwhile."""
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
        """Handle an entry of the root: a class folder, or an entry outside all classes."""
        if _is_folder(entry):
            (self.links if _is_link(entry) else real).append(_Folder(shown, entry.name, shown))
        elif has_image_name(entry.name):
            self.tree.skipped[OUTSIDE] += 1
            self.tree.outside.append(shown)
        else:
            self.tree.skipped[NOT_AN_IMAGE] += 1

    def see_folders(self, folders: list[_Folder]) -> None:
        """Visit folders and everything below them, depth first in sorted order."""
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
                # Nearly all of a million names are printable as they are: no second string.
                kept = sample_id if raw == sample_id else raw
                self.tree.files.append((sample_id, kept, folder.top))
            else:
                self.tree.skipped[NOT_AN_IMAGE] += 1
        elif has_image_name(entry.name) or "." not in entry.name:
            self.tree.unreadable.append((sample_id, folder.top, _special(entry)))
        else:
            self.tree.skipped[NOT_AN_IMAGE] += 1

    def is_hidden(self, entry: os.DirEntry[str], shown: str) -> bool:
        """Whether to skip an entry because of its name; counts it if so."""
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
        """Whether this real folder has not been visited yet, under any name."""
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
    except OSError:  # a link to itself
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _is_link(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink()


def _special(entry: os.DirEntry[str]) -> str:
    """The kind of an entry that is neither file nor folder; links are followed."""
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
