"""The tar files of a data set: one, those that a range in braces names, or those in a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reportgen.errors import DataError
from reportgen.importers import choose_split, require_one_folder, require_whole, split_of_shard
from reportgen.inference.folders.files import escape, has_image_name, is_skipped_name, os_reason
from reportgen.inference.packed.braces import expanded, has_braces
from reportgen.provenance import DataNote
from reportgen.text import listing, plural, quoted

__all__ = [
    "Shards",
    "all_shards",
    "find_shards",
    "first_shard",
]


_ENDINGS = (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")


_MOST_FOLDERS = 64


_NUMBERED = re.compile(r"(.*?)(\d+)([^\d/]*)")


@dataclass(frozen=True)
class Shards:
    """Tar files that make a data set, or one split of it.

    Attributes
    ----------
    root
        The folder that `names` are below.
    names
        With ``/``, in the order of their samples.
    split, other_splits
        The one that was chosen; files of the others: name → number.
    notes
        What a reader should know about them.
    """

    root: Path
    names: tuple[str, ...]
    split: str = ""
    other_splits: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[DataNote, ...] = ()

    @property
    def paths(self) -> list[Path]:
        return [self.root / name for name in self.names]

    def stem(self, at: int) -> str:
        """The name of a shard without its ending."""
        name = self.names[at]
        ending = next((end for end in sorted(_ENDINGS, key=len, reverse=True)
                       if name.lower().endswith(end)), "")  # fmt: skip
        return name[: len(name) - len(ending)]


def first_shard(data: Path) -> Path | None:
    """A tar file of the data set that DATA may be; None where it is none.

    Of a folder only a few folders are looked into, and none where images lie as files.
    """
    if data.is_file():
        return data if _is_tar_name(data.name) else None
    if has_braces(os.fspath(data)) and not data.exists():
        return next((path for path in _expanded(data) if path.is_file()), None)
    waiting = [data] if data.is_dir() else []
    for _ in range(_MOST_FOLDERS):
        if not waiting:
            break
        folder = waiting.pop(0)
        try:
            entries = _entries(folder)
        except DataError:
            continue  # reading the folder tells what is wrong
        files = [entry.name for entry in entries if entry.is_file()]
        if any(map(has_image_name, files)):
            return None
        if found := next(filter(_is_tar_name, files), None):
            return folder / found
        waiting += [Path(entry.path) for entry in entries if entry.is_dir()]
    return None


def find_shards(data: Path, split: str) -> Shards:
    """The shards of DATA, those of `split` where there are several.

    Raises
    ------
    DataError
        ``data-incomplete``, ``data-splits``, ``data-subsets``.
    UsageError
        ``split-unknown``, ``shards-many``.
    """
    if data.is_file():
        return Shards(data.parent, (data.name,))
    if not data.is_dir():
        return _of_braces(data)
    names = sorted(_below(data, data))
    files: dict[str, list[str]] = {}
    for name in names:
        files.setdefault(split_of_shard(name), []).append(name)
    chosen = choose_split(files, split, data.resolve().name)
    require_one_folder(data, files[chosen])
    require_whole(files[chosen])
    other = {name or "(none)": len(some) for name, some in files.items() if name != chosen}
    return Shards(data, tuple(files[chosen]), chosen, other, tuple(_gaps(files[chosen])))


def all_shards(data: Path) -> Shards:
    """The shards of all splits."""
    if data.is_dir():
        return Shards(data, tuple(sorted(_below(data, data))))
    return find_shards(data, "")


def _of_braces(data: Path) -> Shards:
    paths = _expanded(data)
    lacking = [path for path in paths if not path.is_file()]
    if lacking:
        raise DataError(
            f"{plural(len(lacking), 'file')} of {len(paths):,} that {quoted(data.name)} names "
            f"{'is' if len(lacking) == 1 else 'are'} missing: "
            f"{listing([escape(path.name) for path in lacking], 3)}",
            slug="data-incomplete",
            details=["a report on the others would be of a part of the data alone"],
            hint="correct the range in the braces, or copy the missing files there",
        )
    root = Path(os.path.commonpath([path.parent for path in paths]))
    return Shards(root, tuple(path.relative_to(root).as_posix() for path in paths))


def _expanded(data: Path) -> list[Path]:
    return [Path(name) for name in expanded(os.fspath(data))]


def _is_tar_name(name: str) -> bool:
    return name.lower().endswith(_ENDINGS)


def _below(folder: Path, root: Path) -> Iterator[str]:
    for entry in _entries(folder):
        if entry.is_dir():
            yield from _below(Path(entry.path), root)
        elif entry.is_file() and _is_tar_name(entry.name):
            yield Path(entry.path).relative_to(root).as_posix()


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What lies in a folder; hidden entries and links to folders aside."""
    try:
        with os.scandir(folder) as entries:
            found = [
                entry
                for entry in entries
                if not is_skipped_name(entry.name) and not (entry.is_symlink() and entry.is_dir())
            ]
    except OSError as error:
        raise DataError(
            f"cannot list the folder {quoted(escape(folder.name))}: {os_reason(error)}",
            slug="data-unreadable",
            hint="every folder must be readable: a part of the samples would be missing",
        ) from error
    return sorted(found, key=lambda entry: entry.name)


def _gaps(names: Sequence[str]) -> Iterator[DataNote]:
    """A warning if the numbers of the shards have gaps: one may be missing."""
    numbers: dict[tuple[str, str], set[int]] = {}
    for name in names:
        if found := _NUMBERED.fullmatch(name):
            numbers.setdefault((found[1], found[3]), set()).add(int(found[2]))
    for (before, after), some in sorted(numbers.items()):
        lacking = sorted(set(range(min(some), max(some))) - some)
        if lacking:
            shown = f"{escape(before)}…{escape(after)}"
            yield DataNote(
                "shards-gap",
                f"The numbers of the shards {shown} have gaps: there is no "
                f"{listing(map(str, lacking), 3)}. If these belong to the data, samples are "
                "missing.",
                "warning",
                len(lacking),
            )
