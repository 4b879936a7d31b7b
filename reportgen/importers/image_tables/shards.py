"""The files of a data set with images in its tables, and their splits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, TypeGuard

from reportgen.errors import DataError
from reportgen.importers.sample_lists.splits import choose_split, split_of_shard
from reportgen.importers.shards import (
    ShardNames,
    Shards,
    choose_shards,
    files_below,
    find_file,
    refuse_missing_files,
)
from reportgen.text import quoted

__all__ = [
    "all_shards",
    "find_shards",
    "first_shard",
]


_ENDINGS = (".parquet", ".pq", ".arrow", ".arrows", ".feather", ".ipc")


_FILES = ShardNames(_ENDINGS, hidden=(".", "_"))


_IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")


_SAVED = "state.json"


_SAVED_SPLITS = "dataset_dict.json"


_MAX_JSON = 64 << 20


def first_shard(data: Path) -> Path | None:
    """The first file of a data set with images in its tables, or None.

    Only a few folders are searched, and none that contains image files.
    """
    if data.is_file():
        return data if _FILES.match(data.name) else None
    if (data / _SAVED_SPLITS).is_file() or (data / _SAVED).is_file():
        return next(_saved_files(data), None)
    return find_file(data, _FILES, _is_image)


def _is_image(name: str) -> bool:
    return name.lower().endswith(_IMAGES)


def find_shards(data: Path, split: str) -> Shards:
    """The files of the data set at `data`; those of `split` if there are several splits.

    Raises
    ------
    DataError
        ``data-splits``: several, and none is chosen. ``data-incomplete``: files are missing.
        ``data-subsets``: files of one split in several folders. ``data-damaged``.
    UsageError
        ``split-unknown``.
    """
    if data.is_file():
        return Shards.of_file(data)
    if (data / _SAVED_SPLITS).is_file():
        return _of_saved_splits(data, split)
    if (data / _SAVED).is_file():
        return Shards(data, tuple(_files_of_saved(data)))
    return _of_folder(data, split)


def all_shards(data: Path) -> Shards:
    """The files of all splits of the data set at `data`."""
    if data.is_file():
        return Shards.of_file(data)
    return Shards(data, tuple(_of_one_format(data)))


def _of_saved_splits(data: Path, split: str) -> Shards:
    """``DatasetDict.save_to_disk``: a folder per split."""
    names = _json(data / _SAVED_SPLITS).get("splits")
    if not isinstance(names, list) or not all(map(_is_name, names)) or not names:
        raise _damaged(data / _SAVED_SPLITS, "has no list of splits")
    files = {name: list(_files_of_saved(data / name)) for name in names}
    chosen = choose_split(files, split, data.resolve().name)
    other = {name: len(some) for name, some in files.items() if name != chosen}
    return Shards(data, tuple(f"{chosen}/{name}" for name in files[chosen]), chosen, other)


def _files_of_saved(folder: Path) -> Iterator[str]:
    """The files listed in ``state.json``; all must exist."""
    listed = _json(folder / _SAVED).get("_data_files")
    entries = listed if isinstance(listed, list) else [None]
    found = [one.get("filename") if isinstance(one, dict) else None for one in entries]
    names = [name for name in found if _is_name(name)]
    if len(names) < len(found) or not names:
        raise _damaged(folder / _SAVED, "does not list the files of the data set")
    lacking = [name for name in names if not (folder / name).is_file()]
    refuse_missing_files(lacking, len(names), "that the data set consists of")
    yield from names


def _saved_files(data: Path) -> Iterator[Path]:
    yield from (entry for entry in sorted(data.glob("*.arrow")))
    yield from (entry for entry in sorted(data.glob("*/*.arrow")))


def _of_folder(data: Path, split: str) -> Shards:
    """Files of a Hugging Face repository, its cache, or any program."""
    names = _of_one_format(data)
    files: dict[str, list[str]] = {}
    said = {name: split_of_shard(name) for name in names}
    for name in names:
        is_alone = not any(said.values())
        files.setdefault(said[name] or ("" if is_alone else PurePosixPath(name).stem), []).append(
            name
        )
    return choose_shards(data, files, split)


def _of_one_format(data: Path) -> list[str]:
    """The files below a folder, of one format: Parquet if there is any."""
    names = files_below(data, _FILES)
    kinds = [[name for name in names if name.lower().endswith(ending)] for ending in _ENDINGS]
    return next(filter(None, kinds), [])


def _is_name(value: Any) -> TypeGuard[str]:
    """Whether a value is a plain file name, without path separators."""
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
