"""Tables in object storage: Parquet is read in place, other files are copied first."""

from __future__ import annotations

import glob
import re
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fnmatch import translate
from pathlib import Path, PurePosixPath
from typing import Any

from reportgen.errors import DataError
from reportgen.storage.addresses import Address
from reportgen.storage.copies import copy_in
from reportgen.storage.stores import (
    THREADS,
    as_seen,
    files_below,
    has_file,
    is_folder,
    starts_with,
)
from reportgen.text import quoted

__all__ = [
    "AddressFolder",
    "Place",
    "found_at",
    "table_at",
]


Place = Path | Address
"""The location of a Parquet file."""


@dataclass(frozen=True)
class AddressFolder:
    """The Parquet files of a folder, or those matching a pattern; sorted by key."""

    root: Address
    files: tuple[Address, ...]

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.root.name


_OURS = ("report.json", "predictions.parquet")


def found_at(source: Any, spool: Path, *, rows_first: bool) -> Any:
    """As :func:`table_at` for an address; other input is returned unchanged."""
    if isinstance(source, Address) and source.stamp is None:
        return table_at(source, spool, rows_first=rows_first)
    return source


def table_at(address: Address, spool: Path, *, rows_first: bool) -> Place | AddressFolder:
    """Resolve an address to an input.

    A Parquet file or a folder of them is used in place; any other file is copied.

    Parameters
    ----------
    address
        A file, a folder of part files, the folder of a run, or a pattern as for local files.
    spool
        A folder for copies; it must exist as long as the table is in use.
    rows_first
        Whether predictions beside a ``report.json`` are read instead of it.

    Raises
    ------
    DataError
        ``input-missing``, ``input-no-match``, ``address-unreachable``.
    """
    if glob.has_magic(address.key):
        return _matching(address, spool)
    if is_folder(address):
        for name in reversed(_OURS) if rows_first else _OURS:
            if has_file(address / name):
                return _file(address / name, spool)
        return _folder(address, _parts(address), spool)
    if rows_first and address.name == _OURS[0] and has_file(address.parent / _OURS[1]):
        address = address.parent / _OURS[1]
    return _file(address, spool)


def _file(address: Address, spool: Path) -> Place:
    if starts_with(address, b"PAR1"):
        return as_seen(address)
    return copy_in(address, _own_folder(spool) / address.name)


def _folder(root: Address, files: Sequence[Address], spool: Path) -> Path | AddressFolder:
    parquet = [one for one in files if one.suffix.lower() in (".parquet", ".pq")]
    if parquet:
        with ThreadPoolExecutor(THREADS) as pool:
            return AddressFolder(root, tuple(pool.map(as_seen, parquet)))
    target = _own_folder(spool) / root.name
    target.mkdir()
    for one in files:
        below = one.relative_to(root)
        if ".." in below.parts:
            raise DataError(
                f"the key of {quoted(one.name)} leads out of its folder",
                slug="input-unreadable",
                hint="rename it",
            )
        copy_in(one, target / below)
    return target


def _own_folder(spool: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=spool, prefix="stored-"))


def _parts(folder: Address) -> list[Address]:
    """The files of a folder and of its subfolders named ``key=value``, without hidden ones."""
    return [
        one
        for one in files_below(folder)
        if all("=" in part for part in one.relative_to(folder).parts[:-1])
        and not _is_hidden(one.relative_to(folder))
    ]


def _is_hidden(below: PurePosixPath) -> bool:
    return any(part.startswith((".", "_")) for part in below.parts)


def _matching(pattern: Address, spool: Path) -> Place | AddressFolder:
    parts = PurePosixPath(pattern.key).parts
    first = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    root = replace(pattern, key="/".join(parts[:first]))
    pattern_below = _compiled(parts[first:])
    found = [
        one
        for one in files_below(root)
        if pattern_below.fullmatch(str(one.relative_to(root)))
        and not _is_hidden(one.relative_to(root))
    ]
    if not found:
        raise DataError(
            f"no file matches {quoted('/'.join(parts[first:]))}",
            slug="input-no-match",
            hint="check the pattern: * is any part of one name, ** any number of folders",
        )
    if len(found) == 1 and "=" not in str(found[0].relative_to(root).parent):
        return _file(found[0], spool)
    return _folder(root, found, spool)


def _compiled(parts: Sequence[str]) -> re.Pattern[str]:
    pieces = []
    for at, part in enumerate(parts):
        last = at == len(parts) - 1
        if part == "**":
            pieces.append(".*" if last else "(?:[^/]+/)*")
        else:
            one = translate(part).removeprefix("(?s:").removesuffix(r")\Z")
            pieces.append(one.replace(".*", "[^/]*") + ("" if last else "/"))
    return re.compile("".join(pieces))
