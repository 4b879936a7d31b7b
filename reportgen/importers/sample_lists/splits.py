"""Splits of a data set: recognised by the names of folders and shards, and chosen by the user."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from reportgen.errors import DataError, UsageError
from reportgen.text import listing, plural, printable, quoted

__all__ = [
    "best_split",
    "choose_split",
    "match_split",
    "split_of_shard",
    "split_role",
]


_ROLES = {
    "test": ("test", "testing", "tests", "eval", "evaluation", "holdout", "hold-out", "hold_out"),
    "val": ("val", "valid", "validation", "dev", "development"),
    "train": ("train", "training"),
}


_ROLE = {word: role for role, words in _ROLES.items() for word in words}


_BESIDE = re.compile(
    r"(?:^|(?<=[^a-z]))(?:set|data|dataset|images?|imgs|split|seg)(?:$|(?=[^a-z]))|set$"
)


_AROUND = re.compile(r"^[^a-z]+|[^a-z]+$")


_SHARD = re.compile(r"(.+)-\d{5}-of-\d{5}(?:-[0-9a-f]+)?")


_NO_SPLIT = "data"  # save_to_disk names all its files so


def split_role(name: str) -> str | None:
    """The role of a split by its name: ``test``, ``val`` or ``train``; None for other names.

    >>> split_role("Testing"), split_role("val2017"), split_role("training_set")
    ('test', 'val', 'train')
    >>> split_role("trainer")
    """
    return _ROLE.get(_AROUND.sub("", _BESIDE.sub("", name.casefold())))


def split_of_shard(path: str) -> str:
    """The split of a data set's file, by its path; empty if it has none.

    >>> split_of_shard("data/test-00000-of-00002.parquet"), split_of_shard("cars-val-000012.tar")
    ('test', 'val')
    >>> split_of_shard("plain/train/0000.parquet"), split_of_shard("shard-000.tar")
    ('train', '')
    """
    *folders, name = PurePosixPath(path).parts
    stem = name.partition(".")[0]
    shard = _SHARD.fullmatch(stem)
    said = shard[1] if shard else stem
    for word in re.split(r"[\W_\d]+", said):
        if split_role(word):
            return word
    if shard and said != _NO_SPLIT:
        return said
    return next((folder for folder in reversed(folders) if split_role(folder)), "")


def match_split(names: Sequence[str], wanted: str) -> str | None:
    """The one of `names` that equals `wanted` in any case; None if none or several do."""
    exact = [name for name in names if printable(name) == wanted]
    same = [name for name in names if printable(name).casefold() == wanted.casefold()]
    return next((found[0] for found in (exact, same) if len(found) == 1), None)


def best_split(names: Sequence[str], like: str = "") -> str:
    """The one of `names` to suggest: with the role of `like`, otherwise preferably a test split."""
    role = split_role(like)
    alike = [name for name in names if role is not None and split_role(name) == role]
    order = list(_ROLES)

    def place(name: str) -> tuple[int, str]:
        found = split_role(name)
        return (order.index(found) if found else len(order)), name

    return min(alike or names, key=place)


def choose_split(
    files: Mapping[str, Sequence[object]], wanted: str, shown: str, unit: str = "file"
) -> str:
    """The split that ``--split`` chooses.

    Parameters
    ----------
    files
        Split → its files, or other items described by `unit`; a single split is chosen whatever its
        name.
    wanted
        Value of ``--split``, or empty.
    shown
        Name of the data.

    Raises
    ------
    DataError
        ``data-splits``: there are several splits, and none was requested.
    UsageError
        ``split-unknown``: none has this name.
    """
    names = sorted(files)
    if len(names) == 1:
        return names[0]
    counts = listing(f"{printable(name)} ({plural(len(files[name]), unit)})" for name in names)
    best = printable(best_split(names, wanted))
    if not wanted:
        raise DataError(
            f"{quoted(shown)} contains splits: {counts}",
            slug="data-splits",
            details=["a report on all of them would include training data"],
            hint=f"choose one: --split {best}",
        )
    found = match_split(names, wanted)
    if found is None:
        raise UsageError(
            f"{quoted(shown)} has no split {quoted(wanted)}",
            slug="split-unknown",
            details=[f"it has: {counts}"],
            hint=f"--split {best}",
        )
    return found
