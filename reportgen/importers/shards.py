"""The files of a data set, or of one of its splits, independent of their format."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from reportgen.errors import DataError
from reportgen.importers.sample_lists.splits import choose_split
from reportgen.provenance import DataNote
from reportgen.text import listing, plural, printable, quoted

__all__ = [
    "ShardNames",
    "Shards",
    "choose_shards",
    "files_below",
    "find_file",
    "refuse_missing_files",
]


_MOST_FOLDERS = 64


_MOST_ENTRIES = 2000


_NUMBERED = re.compile(r"(.+)-(\d{5})-of-(\d{5})((?:-[0-9a-f]+)?\.\w+)")


_WHOLE = "copy the missing files into the folder, or pass one of the files as DATA"


@dataclass(frozen=True)
class ShardNames:
    """File name conventions of a kind of data set.

    Attributes
    ----------
    endings
        File extensions, in lower case, in order of preference if a folder has several.
    hidden
        Prefixes of names to ignore, of the system or of the program that wrote the files.
    """

    endings: tuple[str, ...]
    hidden: tuple[str, ...] = (".",)

    def match(self, name: str) -> bool:
        """Whether a file of this name is a shard."""
        return name.lower().endswith(self.endings)

    def first(self, names: Sequence[str]) -> str | None:
        """The preferred name, or None if no name is a shard."""
        ordered = (n for end in self.endings for n in names if n.lower().endswith(end))
        return next(ordered, None)


@dataclass(frozen=True)
class Shards:
    """The files of a data set, or of one of its splits.

    Attributes
    ----------
    root
        The folder that `names` are below.
    names
        With ``/``, in the order of their samples.
    split
        The chosen split; empty if there are no splits.
    other_splits
        Name of another split → number of files.
    notes
        Notes for the reader.
    """

    root: Path
    names: tuple[str, ...]
    split: str = ""
    other_splits: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[DataNote, ...] = ()

    @classmethod
    def of_file(cls, path: Path) -> Shards:
        """A data set of a single file."""
        return cls(path.parent, (path.name,))

    @property
    def paths(self) -> list[Path]:
        """Paths of the files, in the same order."""
        return [self.root / name for name in self.names]


def find_file(data: Path, kind: ShardNames, is_image: Callable[[str], bool]) -> Path | None:
    """The first shard below the folder `data`, or None.

    Only a few folders are searched, and none that contains image files.
    """
    waiting, n_seen = deque([data]), 0
    while waiting and n_seen < _MOST_FOLDERS:
        n_seen += 1
        try:
            folder = waiting.popleft()
            entries = _entries(folder, kind, _MOST_ENTRIES)
        except DataError:
            continue  # the scan of the folder reports the error
        files = [entry.name for entry in entries if entry.is_file()]
        if any(map(is_image, files)):
            return None
        if found := kind.first(files):
            return folder / found
        waiting.extend(Path(entry.path) for entry in entries if entry.is_dir())
    return None


def files_below(folder: Path, kind: ShardNames) -> list[str]:
    """The shards below a folder, relative to it and sorted.

    Raises :class:`DataError` (``data-unreadable``) if a folder can't be listed.
    """
    return sorted(path.relative_to(folder).as_posix() for path in _below(folder, kind))


def _below(folder: Path, kind: ShardNames) -> Iterator[Path]:
    for entry in _entries(folder, kind):
        if entry.is_dir():
            yield from _below(Path(entry.path), kind)
        elif entry.is_file() and kind.match(entry.name):
            yield Path(entry.path)


def _entries(folder: Path, kind: ShardNames, limit: int | None = None) -> list[os.DirEntry[str]]:
    """The entries of a folder, without hidden ones; links to folders are not followed."""
    found: list[os.DirEntry[str]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                is_link = entry.is_symlink() and entry.is_dir()
                if not entry.name.startswith(kind.hidden) and not is_link:
                    found.append(entry)
                if limit is not None and len(found) >= limit:
                    break
    except OSError as error:
        raise DataError(
            f"cannot list the folder {quoted(folder.name)}: {(error.strerror or '').lower()}",
            slug="data-unreadable",
            hint="every folder must be readable: a part of the samples would be missing",
        ) from error
    return sorted(found, key=lambda entry: entry.name)


def choose_shards(data: Path, files: Mapping[str, Sequence[str]], split: str) -> Shards:
    """The files of one split; those of `split` if there are several.

    Parameters
    ----------
    data
        The folder that the files are below.
    files
        Split → its files; "" for files without a split.

    Raises
    ------
    DataError
        ``data-splits``: several, and none is chosen. ``data-incomplete``: files are missing.
        ``data-subsets``: files of one split in several folders.
    UsageError
        ``split-unknown``.
    """
    chosen = choose_split(files, split, data.resolve().name)
    names = files[chosen]
    _require_one_folder(data, names)
    _require_whole(names)
    other = {name or "(none)": len(some) for name, some in files.items() if name != chosen}
    return Shards(data, tuple(names), chosen, other)


def _require_one_folder(data: Path, names: Sequence[str]) -> None:
    """Refuse files of several folders, such as several configurations of a Hugging Face data set.

    Raises :class:`DataError` (``data-subsets``).
    """
    folders = sorted({_without_keys(name) for name in names})
    if len(folders) > 1:
        shown = listing(printable(name or ".") for name in folders)
        raise DataError(
            f"{quoted(data.resolve().name)} contains data sets in several folders: {shown}",
            slug="data-subsets",
            details=["merged, they would mix several data sets"],
            hint=f"pass one of them: DATA/{printable(folders[-1])}",
        )


def _without_keys(name: str) -> str:
    """The folder of a file, without parts such as ``key=value``."""
    folders = PurePosixPath(name).parts[:-1]
    return "/".join(folder for folder in folders if "=" not in folder)


def _require_whole(names: Sequence[str]) -> None:
    """Raise :class:`DataError` (``data-incomplete``) if ``x-00001-of-00003`` shows a missing file.

    `names` are the paths of the existing files.
    """
    there: dict[tuple[str, int], set[int]] = {}
    for name in names:
        if found := _NUMBERED.fullmatch(name):
            there.setdefault((found[1], int(found[3])), set()).add(int(found[2]))
    for (stem, n), numbers in sorted(there.items()):
        lacking = [f"{stem}-{i:05}-of-{n:05}" for i in range(n) if i not in numbers]
        refuse_missing_files(lacking, n, "that the data set consists of")


def refuse_missing_files(names: Sequence[str], n: int, which: str, hint: str = _WHOLE) -> None:
    """Raise :class:`DataError` (``data-incomplete``) if only `names` of `n` files exist.

    `which` describes the files.
    """
    if not names:
        return
    raise DataError(
        f"{plural(len(names), 'file')} of {n:,} {which} {'is' if len(names) == 1 else 'are'} "
        f"missing: {listing(map(printable, names), 3)}",
        slug="data-incomplete",
        details=["a report on the others would cover only a part of the data"],
        hint=hint,
    )
