"""Archives as values: their files by name and location, and checks for unsafe entries."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reportgen.errors import DataError
from reportgen.inference.folders.files import escape, is_skipped_name
from reportgen.inference.images.decoding import Unreadable
from reportgen.inference.packed.contents import Contents, ImageFiles
from reportgen.provenance import DataNote
from reportgen.text import plural, quoted

__all__ = [
    "Archive",
    "Member",
    "NamedContents",
    "check_name",
    "damaged",
    "refuse_repeated",
    "skipped_part",
    "unsafe",
]


_DRIVE = re.compile(r"^[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive.

    Attributes
    ----------
    name
        Relative path with ``/``, without ``.`` and ``..``.
    raw
        Its name in the contents of the archive.
    size
        Unpacked size in bytes, as stated in the archive.
    """

    name: str
    raw: str
    size: int


@dataclass(frozen=True)
class Archive:
    """The list of files in an archive.

    Names are unique and stay below the root of the archive; there are no links.

    Attributes
    ----------
    members
        The files, in storage order.
    folders
        Names of folders with their own entries, including empty ones.
    notes
        What a reader should know about it.
    """

    path: Path
    members: Sequence[Member]
    folders: Sequence[str]
    contents: Contents
    notes: tuple[DataNote, ...] = ()


def check_name(archive: Path, name: str) -> str:
    """Normalise a name for :class:`Member`. Raises :class:`DataError` (``archive-unsafe``)."""
    shown = quoted(escape(name))
    if name.startswith("/") or _DRIVE.match(name):
        raise unsafe(archive, f"{shown}, an absolute path")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise unsafe(archive, f"{shown}, which leads out of it")
    if "\0" in name or not parts:
        raise unsafe(archive, f"a file without a usable name ({shown})")
    return "/".join(parts)


def unsafe(archive: Path, what: str) -> DataError:
    """The error for an archive with entries that image data never needs, such as links."""
    kind = "zip" if archive.suffix.lower() == ".zip" else "tar"
    command = "zip -r DATA.zip ." if kind == "zip" else "tar -chf DATA.tar ."
    return DataError(
        f"{quoted(archive.name)} contains {what}",
        slug="archive-unsafe",
        details=["an archive may contain only folders and files below its root"],
        hint=f"archive the class folders again, from inside of their folder: {command}",
    )


def damaged(archive: Path, what: str, hint: str = "copy or download it again") -> DataError:
    """The error for an archive that can't be read."""
    return DataError(
        f"{quoted(archive.name)} can't be read as an archive: {what}",
        slug="archive-damaged",
        hint=hint,
    )


def refuse_repeated(archive: Path, members: Sequence[Member]) -> None:
    """Raise :class:`DataError` (``archive-repeated``) if two files have the same name."""
    counted = Counter(member.name for member in members)
    repeated = [name for name, n in counted.items() if n > 1]
    if repeated:
        raise DataError(
            f"{quoted(archive.name)} contains {quoted(escape(repeated[0]))} several times",
            slug="archive-repeated",
            details=[f"{plural(len(repeated), 'name')} more than once"],
            hint="archive the folder again, into a new file",
        )


def skipped_part(name: str) -> str:
    """The first part of a name that is hidden or a system folder; empty if there is none."""
    return next(filter(is_skipped_name, name.split("/")), "")


class NamedContents(ImageFiles):
    """The files of an archive by their names below one of its folders, as a table may list them."""

    def __init__(self, archive: Archive, folder: str) -> None:
        self.contents = archive.contents
        self.is_sequential = archive.contents.is_sequential
        self._raws = {
            member.name.removeprefix(folder): member.raw
            for member in archive.members
            if member.name.startswith(folder)
        }
        self._known: set[str] = set()

    def read(self, raw: str) -> bytes:
        if raw not in self._raws:
            raise Unreadable("is not there")
        return self.contents.read(self._raws[raw])

    def order(self, raws: Sequence[str]) -> Sequence[int]:
        places = {raw: at for at, raw in enumerate(self._raws)}
        return sorted(range(len(raws)), key=lambda i: places.get(raws[i], len(places)))

    def may_have(self, path: str) -> bool:
        """Whether there is a file of that name, possibly with a further extension."""
        if not self._known:
            self._known.update(self._raws, (posixpath.splitext(name)[0] for name in self._raws))
        return path.replace("\\", "/").removeprefix("./") in self._known

    def names(self, folder: str) -> set[str]:
        """The base names of the files in a folder."""
        return {name.rpartition("/")[2] for name in self._raws if name.rpartition("/")[0] == folder}
