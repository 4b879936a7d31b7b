"""Tar archives, also compressed: listed by their headers, files read by offset."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from reportgen.errors import DataError
from reportgen.importers import compression_of
from reportgen.inference.folders.files import escape
from reportgen.inference.packed.archive import (
    Archive,
    Member,
    check_name,
    damaged,
    refuse_repeated,
    unsafe,
)
from reportgen.inference.packed.contents import ImageFiles, PerProcess, require_size
from reportgen.inference.packed.streams import BROKEN, ForwardStream, file_stream, read_opened
from reportgen.provenance import DataNote
from reportgen.text import printable, quoted

__all__ = [
    "TarContents",
    "TarWalk",
    "list_tar",
    "no_end_note",
]


_BLOCK = 1 << 20


# before one file: its long name, times and the like
_MOST_HEADERS, _MOST_HEADER_BYTES = 16, 1 << 20


class TarContents(ImageFiles):
    """Files by location: ``offset:size:name``."""

    def __init__(self, path: Path) -> None:
        self._stream = PerProcess(partial(file_stream, path))
        self.is_sequential = bool(compression_of(path))

    def read(self, raw: str) -> bytes:
        offset, size, _ = raw.split(":", 2)
        require_size(int(size))
        return read_opened(self._stream, int(offset), int(size))

    def order(self, raws: Sequence[str]) -> Sequence[int]:
        return sorted(range(len(raws)), key=lambda i: int(raws[i].partition(":")[0]))


def list_tar(path: Path) -> Archive:
    """The files in an archive.

    Raises :class:`DataError`: ``archive-unsafe``, ``archive-damaged``, ``archive-repeated``.
    """
    members: list[Member] = []
    folders: list[str] = []
    with file_stream(path) as stream:
        walk = TarWalk(path, stream)
        for name, info in walk:
            if info is None:
                folders.append(name)
            else:
                members.append(Member(name, f"{info.offset_data}:{info.size}:{name}", info.size))
        ended = walk.has_end()
    refuse_repeated(path, members)
    notes = () if ended else (no_end_note(path),)
    return Archive(path, members, folders, TarContents(path), notes)


def no_end_note(path: Path) -> DataNote:
    """A warning about an archive without an end marker."""
    return DataNote(
        "archive-no-end",
        f"{printable(path.name)} has no end mark: if it was cut off just after a file, samples are "
        "missing.",
        "warning",
    )


_EXTENSIONS = {
    tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
}  # fmt: skip
"""Extension headers, which describe the next file in blocks of their own."""


class _Damaged(Exception):
    """An invalid header in the middle of an archive."""


class _Sparse(Exception):
    """A sparse file, by name: its list of holes may be endless."""


class _Checked(tarfile.TarInfo):
    """A validated header.

    tarfile treats a broken header as the end of the archive, may loop on a negative size, and
    buffers any number of extension headers; here these are errors.
    """

    @classmethod
    def fromtarfile(cls, archive: Any) -> Any:
        n_open = archive.__dict__.get("_n_open", 0) + 1
        if n_open > _MOST_HEADERS:
            raise _Damaged
        archive._n_open = n_open
        try:
            return super().fromtarfile(archive)
        finally:
            archive._n_open = n_open - 1

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> Any:
        try:
            info = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if type(error).__name__ in ("EOFHeaderError", "EmptyHeaderError"):
                raise
            raise _Damaged from error
        if info.size < 0:
            raise _Damaged
        if info.type in _EXTENSIONS and info.size > _MOST_HEADER_BYTES:
            raise _Damaged
        if info.type == tarfile.GNUTYPE_SPARSE:
            raise _Sparse(info.name)
        return info

    def _refuse_holes(self, info: tarfile.TarInfo, headers: Any, *_: Any) -> None:
        named = headers if isinstance(headers, dict) else {}
        raise _Sparse(named.get("GNU.sparse.name", info.name))

    # Called by tarfile where a pax header announces a list of holes, before it is read.
    _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _refuse_holes


class TarWalk:
    """Yields (name, header) of each file of an archive, and (name, None) of each folder, in order.

    The iteration raises :class:`DataError` for links, devices, names that lead elsewhere, and
    damage.
    """

    def __init__(self, path: Path, stream: ForwardStream) -> None:
        self.path, self.stream, self.end = path, stream, 0

    def __iter__(self) -> Iterator[tuple[str, tarfile.TarInfo | None]]:
        last = ""
        try:
            with tarfile.open(fileobj=self.stream, mode="r:", tarinfo=_Checked) as archive:
                while (info := archive.next()) is not None:
                    if info.size < 0 or archive.offset <= self.end:
                        raise _Damaged
                    # Those for all files that follow: they add up.
                    if sum(map(len, archive.pax_headers.values())) > _MOST_HEADER_BYTES:
                        raise _Damaged
                    self.end, last = archive.offset, info.name
                    archive.members.clear()  # type: ignore[attr-defined]  # a million of them would stay in memory
                    if found := self._checked(info):
                        yield found
        except _Sparse as error:
            raise self._with_holes(str(error)) from error
        except (tarfile.TarError, _Damaged, *BROKEN, OverflowError) as error:
            where = f"after {quoted(escape(last))}" if last else "at its start"
            raise damaged(self.path, f"it is damaged or cut off {where}") from error

    def has_end(self) -> bool:
        """Whether the archive has an end marker; refuses data after it. Read all entries first."""
        try:
            self.stream.seek(self.end)
            rest = self.stream.read(_BLOCK)
            has_mark, others = bool(rest), any(rest)
            while rest and not others:
                rest = self.stream.read(_BLOCK)
                others = any(rest)
        except BROKEN as error:
            raise damaged(self.path, "it is damaged or cut off at its end") from error
        if others:
            raise damaged(
                self.path,
                "something follows after its end, such as a second archive",
                hint="unpack it with tar -xif, and pass the folder",
            )
        return has_mark

    def _checked(self, info: tarfile.TarInfo) -> tuple[str, tarfile.TarInfo | None] | None:
        shown = quoted(escape(info.name))
        if info.issym() or info.islnk():
            raise unsafe(self.path, f"the link {shown}")
        if info.isdir():
            is_root = not info.name.strip("./")
            return None if is_root else (check_name(self.path, info.name), None)
        name = check_name(self.path, info.name)
        if not info.isreg():
            raise unsafe(self.path, f"{shown}, which is not a file")
        if info.issparse():
            raise self._with_holes(info.name)
        return name, info

    def _with_holes(self, name: str) -> DataError:
        return unsafe(self.path, f"{quoted(escape(name))}, a file with holes")
