"""ZIP archives: listed by their directory, files read individually."""

from __future__ import annotations

import stat
import zipfile
from functools import partial
from pathlib import Path

from reportgen.errors import DataError
from reportgen.inference.images.decoding import Unreadable
from reportgen.inference.packed.archive import (
    Archive,
    Member,
    check_name,
    damaged,
    refuse_repeated,
    unsafe,
)
from reportgen.inference.packed.contents import ImageFiles, PerProcess, require_size
from reportgen.inference.packed.streams import BROKEN
from reportgen.text import quoted

__all__ = [
    "list_zip",
]


_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}


_BOMB_RATIO, _BOMB_BYTES = 200, 256 << 20


_ENCRYPTED = 0x1


def list_zip(path: Path) -> Archive:
    """The files in an archive.

    Raises :class:`DataError`: ``archive-unsafe``, ``archive-encrypted``, ``archive-damaged``,
    ``archive-repeated``, ``archive-method``, ``array-bomb``.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except BROKEN as error:
        raise damaged(path, "its directory is missing or broken") from error
    members, folders = [], []
    for info in infos:
        raw = info.filename
        name = check_name(path, raw.replace("\\", "/"))
        if info.is_dir() or raw.endswith("\\"):
            folders.append(name)
            continue
        _check(path, info, name)
        members.append(Member(name, raw, info.file_size))
    refuse_repeated(path, members)
    _refuse_bomb(path, infos)
    return Archive(path, members, folders, _ZipContents(path))


def _check(path: Path, info: zipfile.ZipInfo, name: str) -> None:
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode):
        raise unsafe(path, f"the link {quoted(name)}")
    if mode and stat.S_IFMT(mode) and not stat.S_ISREG(mode):
        raise unsafe(path, f"{quoted(name)}, which is not a file")
    if info.flag_bits & _ENCRYPTED:
        raise DataError(
            f"{quoted(path.name)} is encrypted: {quoted(name)}",
            slug="archive-encrypted",
            hint="unpack it with its password, and pass the folder",
        )
    if info.compress_type not in _METHODS:
        raise DataError(
            f"{quoted(path.name)} is compressed by method {info.compress_type}, which can't be "
            f"read: {quoted(name)}",
            slug="archive-method",
            hint="unpack it, and pass the folder",
        )


def _refuse_bomb(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    size = path.stat().st_size
    unpacked = sum(info.file_size for info in infos)
    if unpacked > max(_BOMB_BYTES, _BOMB_RATIO * size):
        raise DataError(
            f"{quoted(path.name)} would unpack from {size / 1e6:,.1f} MB to "
            f"{unpacked / 1e6:,.0f} MB",
            slug="array-bomb",
            hint="if this is intended, unpack it first",
        )


class _ZipContents(ImageFiles):
    """Files by their names in the archive."""

    def __init__(self, path: Path) -> None:
        self._archive = PerProcess(partial(zipfile.ZipFile, path))

    def read(self, raw: str) -> bytes:
        try:
            archive = self._archive()
            size = archive.getinfo(raw).file_size
            require_size(size)
            with archive.open(raw) as stream:
                content = stream.read(size)
                if len(content) == size:
                    stream.read(1)  # so that the checksum is verified at the end
        except (NotImplementedError, RuntimeError) as error:
            raise Unreadable("can't be unpacked") from error
        except BROKEN as error:
            raise Unreadable("can't be unpacked: the archive is damaged") from error
        except MemoryError:
            raise Unreadable("needs more memory than is available") from None
        if len(content) < size:
            raise Unreadable("file ends early")
        return content
