"""What a folder of class folders holds, as values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from reportgen.provenance import DataNote

__all__ = ["FolderScan", "ImageFile", "Size", "UnreadableFile", "data_fingerprint"]

Size = tuple[int, int]
"""(width, height) in pixels."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One image that could be read as a file.

    Attributes
    ----------
    id
        Path relative to the root with ``/``, printable and unique.
    folder
        Name of its class folder: the first part of `id`.
    digest
        SHA-256 of the file's bytes, 32 bytes.
    root, raw
        Where it lies: the root, and the path below it as the operating system spells it.
    size
        (width, height) in pixels from the file's header; None where it wasn't asked for or can't
        be read.
    """

    id: str
    folder: str
    digest: bytes
    root: str
    raw: str
    size: Size | None = None

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
    """What a folder holds.

    Attributes
    ----------
    root
        The folder, as it was given.
    folders
        Names of the class folders, sorted; those without images too.
    files
        The images, sorted by id.
    unreadable
        Broken links, pipes, devices and files that could not be read, sorted by id. They count
        as found and as bad.
    skipped
        Reason → number of directory entries that never were samples.
    duplicates
        Ids of files with the same content as an earlier one: (first id, this id). At most 1,000.
    n_duplicates
        How many there are.
    notes
        What a reader should know about the folder.
    """

    root: Path
    folders: tuple[str, ...]
    files: tuple[ImageFile, ...]
    unreadable: tuple[UnreadableFile, ...]
    skipped: Mapping[str, int]
    duplicates: tuple[tuple[str, str], ...]
    n_duplicates: int
    notes: tuple[DataNote, ...]

    @property
    def n_found(self) -> int:
        """Samples found: readable and unreadable files."""
        return len(self.files) + len(self.unreadable)


def data_fingerprint(files: Iterable[ImageFile], labels: Iterable[str]) -> str:
    """SHA-256 (hexadecimal) over id, class name and content hash of every file, sorted by id.

    `labels` holds the class name of each file, in the order of `files`.
    """
    whole = hashlib.sha256()
    rows = sorted(zip(files, labels, strict=True), key=lambda row: row[0].id)
    for file, label in rows:
        whole.update(f"{file.id}\0{label}\0".encode() + file.digest)
    return whole.hexdigest()
