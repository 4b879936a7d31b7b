"""The files of a data set with images in its tables: which ones, and of which split."""

from __future__ import annotations

import json
import os
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, TypeGuard

from reportgen.errors import DataError
from reportgen.importers.sample_lists.splits import choose_split, split_of_shard
from reportgen.text import listing, plural, printable, quoted

__all__ = [
    "Shards",
    "all_shards",
    "find_shards",
    "first_shard",
    "require_one_folder",
    "require_whole",
]


_ENDINGS = (".parquet", ".pq", ".arrow", ".arrows", ".feather", ".ipc")


_IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")


_SAVED = "state.json"


_SAVED_SPLITS = "dataset_dict.json"


_MOST_FOLDERS = 64


_MOST_ENTRIES = 2000


_MAX_JSON = 64 << 20


_NUMBERED = re.compile(r"(.+)-(\d{5})-of-(\d{5})((?:-[0-9a-f]+)?\.\w+)")


@dataclass(frozen=True)
class Shards:
    """The files that a data set, or one split of it, consists of.

    Attributes
    ----------
    root
        The folder that `names` are below.
    names
        With ``/``, in the order of their rows.
    split
        The one that was chosen; empty where there is none to choose from.
    other_splits
        Files of the others: name → number.
    """

    root: Path
    names: tuple[str, ...]
    split: str = ""
    other_splits: Mapping[str, int] = field(default_factory=dict)

    @property
    def paths(self) -> list[Path]:
        return [self.root / name for name in self.names]


def first_shard(data: Path) -> Path | None:
    """A file that may be of a data set with images in its tables; None where DATA is none.

    Of a folder only a few folders are looked into, and none where images lie as files.
    """
    if data.is_file():
        return data if data.name.lower().endswith(_ENDINGS) else None
    if (data / _SAVED_SPLITS).is_file() or (data / _SAVED).is_file():
        return next(_saved_files(data), None)
    waiting, n_seen = deque([data]), 0
    while waiting and n_seen < _MOST_FOLDERS:
        n_seen += 1
        try:
            entries = _entries(waiting.popleft(), _MOST_ENTRIES)
        except DataError:
            continue  # the scan of the folder tells what is wrong
        files = sorted(entry.name for entry in entries if entry.is_file())
        if any(name.lower().endswith(_IMAGES) for name in files):
            return None
        for ending in _ENDINGS:
            if found := next((e for e in entries if e.name.lower().endswith(ending)), None):
                return Path(found.path)
        waiting.extend(sorted(Path(entry.path) for entry in entries if entry.is_dir()))
    return None


def find_shards(data: Path, split: str) -> Shards:
    """The files of the data set at `data`, those of `split` where there are several.

    Raises
    ------
    DataError
        ``data-splits``: several, and none is chosen. ``data-incomplete``: not all files are there.
        ``data-subsets``: files of one split in several folders. ``data-damaged``.
    UsageError
        ``split-unknown``.
    """
    if data.is_file():
        return Shards(data.parent, (data.name,))
    if (data / _SAVED_SPLITS).is_file():
        return _of_saved_splits(data, split)
    if (data / _SAVED).is_file():
        return Shards(data, tuple(_files_of_saved(data)))
    return _of_folder(data, split)


def all_shards(data: Path) -> Shards:
    """The files of all splits of the data set at `data`."""
    if data.is_file():
        return Shards(data.parent, (data.name,))
    return Shards(data, tuple(_of_one_format(data)))


def require_whole(names: Sequence[str]) -> None:
    """Raise :class:`DataError` ``data-incomplete`` where ``x-00001-of-00003`` says that one lacks.

    `names` are the paths of the files that are there.
    """
    there: dict[tuple[str, int], set[int]] = {}
    for name in names:
        if found := _NUMBERED.fullmatch(name):
            there.setdefault((found[1], int(found[3])), set()).add(int(found[2]))
    for (stem, n), numbers in sorted(there.items()):
        lacking = [i for i in range(n) if i not in numbers]
        if lacking:
            raise _missing([f"{stem}-{i:05}-of-{n:05}" for i in lacking], n)


def _of_saved_splits(data: Path, split: str) -> Shards:
    """``DatasetDict.save_to_disk``: a folder a split."""
    names = _json(data / _SAVED_SPLITS).get("splits")
    if not isinstance(names, list) or not all(map(_is_name, names)) or not names:
        raise _damaged(data / _SAVED_SPLITS, "has no list of splits")
    files = {name: list(_files_of_saved(data / name)) for name in names}
    chosen = choose_split(files, split, data.resolve().name)
    other = {name: len(some) for name, some in files.items() if name != chosen}
    return Shards(data, tuple(f"{chosen}/{name}" for name in files[chosen]), chosen, other)


def _files_of_saved(folder: Path) -> Iterator[str]:
    """The files that ``state.json`` lists, all of which must be there."""
    listed = _json(folder / _SAVED).get("_data_files")
    entries = listed if isinstance(listed, list) else [None]
    found = [one.get("filename") if isinstance(one, dict) else None for one in entries]
    names = [name for name in found if _is_name(name)]
    if len(names) < len(found) or not names:
        raise _damaged(folder / _SAVED, "does not list the files of the data set")
    lacking = [name for name in names if not (folder / name).is_file()]
    if lacking:
        raise _missing(lacking, len(names))
    yield from names


def _saved_files(data: Path) -> Iterator[Path]:
    yield from (entry for entry in sorted(data.glob("*.arrow")))
    yield from (entry for entry in sorted(data.glob("*/*.arrow")))


def _of_folder(data: Path, split: str) -> Shards:
    """Files of a repository of the hub, of a cache, or of any program."""
    names = _of_one_format(data)
    files: dict[str, list[str]] = {}
    said = {name: split_of_shard(name) for name in names}
    for name in names:
        is_alone = not any(said.values())
        files.setdefault(said[name] or ("" if is_alone else PurePosixPath(name).stem), []).append(
            name
        )
    chosen = choose_split(files, split, data.resolve().name)
    require_one_folder(data, files[chosen])
    require_whole(files[chosen])
    other = {name: len(some) for name, some in files.items() if name != chosen}
    return Shards(data, tuple(files[chosen]), chosen, other)


def _of_one_format(data: Path) -> list[str]:
    """The files below a folder: Parquet, where there is some."""
    names = sorted(_below(data, data))
    kinds = [[name for name in names if name.lower().endswith(ending)] for ending in _ENDINGS]
    return next(filter(None, kinds), [])


def _below(folder: Path, root: Path) -> Iterator[str]:
    for entry in _entries(folder):
        if entry.is_dir():
            yield from _below(Path(entry.path), root)
        elif entry.is_file() and entry.name.lower().endswith(_ENDINGS):
            yield Path(entry.path).relative_to(root).as_posix()


def _entries(folder: Path, limit: int | None = None) -> list[os.DirEntry[str]]:
    """What lies in a folder, hidden entries aside; links to folders are not followed."""
    found: list[os.DirEntry[str]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                is_link = entry.is_symlink() and entry.is_dir()
                if not entry.name.startswith((".", "_")) and not is_link:
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


def require_one_folder(data: Path, names: Sequence[str]) -> None:
    """Refuse files of several folders, such as the configurations of a data set of the hub.

    Raises :class:`DataError` ``data-subsets``.
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
    """The folder of a file, without those named ``key=value``."""
    folders = PurePosixPath(name).parts[:-1]
    return "/".join(folder for folder in folders if "=" not in folder)


def _is_name(value: Any) -> TypeGuard[str]:
    """Whether a value is the name of an entry of a folder, and leads nowhere else."""
    return isinstance(value, str) and value not in ("", ".", "..") and not set(value) & set("/\\\0")


def _json(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            value = json.loads(stream.read(_MAX_JSON))
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, "can't be read as JSON") from error
    if not isinstance(value, dict):
        raise _damaged(path, "is not a JSON object")
    return value


def _damaged(path: Path, what: str) -> DataError:
    return DataError(
        f"{quoted(path.name)} {what}",
        slug="data-damaged",
        hint="save the data set again, or copy it again",
    )


def _missing(names: Sequence[str], n: int) -> DataError:
    return DataError(
        f"{plural(len(names), 'file')} of {n} that the data set consists of "
        f"{'is' if len(names) == 1 else 'are'} missing: {listing(map(printable, names), 3)}",
        slug="data-incomplete",
        details=["a report on the others would be of a part of the data alone"],
        hint="copy the missing files into the folder, or pass one of the files as DATA",
    )
