"""The tar files of a data set: a single file, a brace range, or those in a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from reportgen.importers import (
    ShardNames,
    Shards,
    choose_shards,
    files_below,
    find_file,
    refuse_missing_files,
    split_of_shard,
)
from reportgen.inference.folders.files import escape, has_image_name
from reportgen.inference.packed.braces import expanded, has_braces
from reportgen.options import gaps, ranges
from reportgen.provenance import DataNote
from reportgen.text import listing, quoted

__all__ = [
    "all_shards",
    "find_shards",
    "first_shard",
    "stem",
]


_ENDINGS = (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")


_TARS = ShardNames(_ENDINGS)


_NUMBERED = re.compile(r"(.*?)(\d+)([^\d/]*)")


def stem(name: str) -> str:
    """The name of a shard without its extension."""
    ending = next((end for end in sorted(_ENDINGS, key=len, reverse=True)
                   if name.lower().endswith(end)), "")  # fmt: skip
    return name[: len(name) - len(ending)]


def first_shard(data: Path) -> Path | None:
    """The first tar file of DATA, or None.

    In a folder, only a few subfolders are searched, and none that contains image files.
    """
    if data.is_file():
        return data if _TARS.match(data.name) else None
    if has_braces(os.fspath(data)) and not data.exists():
        return next((path for path in _expanded(data) if path.is_file()), None)
    return find_file(data, _TARS, has_image_name) if data.is_dir() else None


def find_shards(data: Path, split: str) -> Shards:
    """The shards of DATA; those of `split` if there are several splits.

    Raises
    ------
    DataError
        ``data-incomplete``, ``data-splits``, ``data-subsets``.
    UsageError
        ``split-unknown``, ``shards-many``.
    """
    if data.is_file():
        return Shards.of_file(data)
    if not data.is_dir():
        return _of_braces(data)
    files: dict[str, list[str]] = {}
    for name in files_below(data, _TARS):
        files.setdefault(split_of_shard(name), []).append(name)
    chosen = choose_shards(data, files, split)
    return replace(chosen, notes=tuple(_gaps(chosen.names)))


def all_shards(data: Path) -> Shards:
    """The shards of all splits."""
    if data.is_dir():
        return Shards(data, tuple(files_below(data, _TARS)))
    return find_shards(data, "")


def _of_braces(data: Path) -> Shards:
    paths = _expanded(data)
    lacking = [path for path in paths if not path.is_file()]
    refuse_missing_files(
        [path.name for path in lacking],
        len(paths),
        f"that {quoted(data.name)} names",
        "correct the range in the braces, or copy the missing files there",
    )
    root = Path(os.path.commonpath([path.parent for path in paths]))
    return Shards(root, tuple(path.relative_to(root).as_posix() for path in paths))


def _expanded(data: Path) -> list[Path]:
    return [Path(name) for name in expanded(os.fspath(data))]


def _gaps(names: Sequence[str]) -> Iterator[DataNote]:
    """A warning if shard numbers have gaps: a shard may be missing."""
    numbers: dict[tuple[str, str], set[int]] = {}
    for name in names:
        if found := _NUMBERED.fullmatch(name):
            numbers.setdefault((found[1], found[3]), set()).add(int(found[2]))
    for (before, after), some in sorted(numbers.items()):
        spans = gaps(some, max(some) + 1)
        lacking = [span for span in spans if span[0] > min(some)]
        if lacking:
            shown = f"{escape(before)}…{escape(after)}"
            yield DataNote(
                "shards-gap",
                f"The numbers of the shards {shown} have gaps: there is no "
                f"{listing((ranges([span]) for span in lacking), 3)}. If these belong to the data, "
                "samples are missing.",
                "warning",
                sum(map(len, lacking)),
            )
