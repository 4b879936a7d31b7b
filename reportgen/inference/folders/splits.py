"""Folders of splits: ``train``, ``val`` and ``test``, each with its own class folders.

If read as class folders, they would give a report on three wrong classes that includes the training
images.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from reportgen.errors import DataError, UsageError
from reportgen.importers import best_split, match_split, split_role
from reportgen.inference.folders.files import (
    escape,
    has_image_name,
    is_skipped_name,
    metadata_in,
)
from reportgen.paths import as_typed
from reportgen.text import listing, plural, quoted

__all__ = [
    "are_splits",
    "chosen_of",
    "chosen_split",
    "refuse_splits",
    "splits_among",
]


def are_splits(names: Sequence[str]) -> bool:
    """Whether two to four names are all names of splits.

    >>> are_splits(["train", "val", "test"]), are_splits(["train", "bus"]), are_splits(["test"])
    (True, False, False)
    """
    return 2 <= len(names) <= 4 and all(split_role(name) is not None for name in names)


def refuse_splits(root: Path, known: Sequence[str] | None) -> None:
    """Refuse a folder whose class folders are splits.

    Parameters
    ----------
    known
        The class names of the model, if known: a folder named like one of them is a class.

    Raises
    ------
    DataError
        ``data-splits``.
    """
    splits = [name for name in _splits_in(root) if escape(name) not in (known or ())]
    if not splits:
        _refuse_splits_inside(root)
        return
    best = best_split(splits)
    raise DataError(
        f"{quoted(_shown(root))} looks like splits, not classes: "
        + _counts(splits, lambda name: _n_images(root / name)),
        slug="data-splits",
        details=["each of these folders has its own class folders"]
        if all(_folders(root / name) for name in splits)
        else [],
        hint=f"this looks like splits: pass DATA/{escape(best)} or --split {escape(best)}",
    )


def _refuse_splits_inside(root: Path) -> None:
    """Refuse ``<class>/train`` and ``<class>/test``, which contain all images of a class."""
    classes = sorted(_folders(root))
    found = set(_folders(root / classes[0])) if classes else set()
    if not are_splits(sorted(found)):
        return
    if any(set(_folders(root / name)) != found for name in classes[1:]):
        return
    shown = escape(best_split(sorted(found)))
    raise DataError(
        f"the class folders of {quoted(_shown(root))} contain splits: {listing(sorted(found))}",
        slug="data-splits",
        details=[
            "make a folder of one of them, in Python:",
            "    import pathlib",
            f"    for folder in sorted(pathlib.Path({as_typed(root)!r}).glob({f'*/{shown}'!r})):",
            f"        link = pathlib.Path({f'DATA-{shown}'!r}, folder.parent.name)",
            "        link.parent.mkdir(exist_ok=True)",
            "        link.symlink_to(folder.resolve())",
        ],
        hint=f"this looks like splits: pass DATA-{shown}, once it is made",
    )


def chosen_split(root: Path, split: str) -> Path:
    """The folder of the chosen ``--split`` if `root` contains splits, otherwise `root`.

    Names are compared without regard to case. ``validation`` is not read as ``val``; the hint
    suggests it.

    Raises
    ------
    UsageError
        ``split-unknown``; the message lists the splits and their numbers of images.
    """
    names = _splits_in(root) if split else []
    found = chosen_of(names, split, _shown(root), lambda name: _n_images(root / name))
    return root if found is None else root / found


def chosen_of(
    names: Sequence[str], split: str, shown: str, n_images: Callable[[str], int]
) -> str | None:
    """The one of the splits `names` that ``--split`` means; None if they may not be splits.

    `shown` is the name of their folder. Raises :class:`UsageError` as :func:`chosen_split`.
    """
    found = match_split(names, split)
    if found is not None or len(names) < 2:  # a single folder may be anything
        return found
    raise UsageError(
        f"{quoted(shown)} has no split {quoted(split)}",
        slug="split-unknown",
        details=[f"it has: {_counts(names, n_images)}"],
        hint=f"--split {escape(best_split(names, split))}",
    )


def _splits_in(root: Path) -> list[str]:
    """The folders in `root` that are splits, sorted; empty if they may be classes."""
    return splits_among(sorted(_folders(root)), lambda name: _holds_samples(root / name))


def splits_among(folders: Sequence[str], holds: Callable[[str], bool]) -> list[str]:
    """The folders that are splits, in their order; empty if they may be classes.

    Folders are splits if all of them, or at least two, have such a name and contain folders or a
    metadata table, as `holds` checks.
    """
    called = [name for name in folders if split_role(escape(name)) is not None]
    holding = list(filter(holds, called))
    if len(called) == len(folders) and holding:
        return called
    return holding if len(holding) >= 2 else []


def _holds_samples(folder: Path) -> bool:
    return next(_folders(folder), None) is not None or bool(metadata_in(folder))


def _folders(root: Path) -> Iterator[str]:
    try:
        with os.scandir(root) as entries:
            yield from (e.name for e in entries if not is_skipped_name(e.name) and e.is_dir())
    except OSError:
        return  # the scan reports the error


def _counts(names: Sequence[str], n_images: Callable[[str], int]) -> str:
    return listing(f"{escape(name)} ({plural(n_images(name), 'image')})" for name in names)


def _n_images(folder: Path) -> int:
    total = 0
    for _, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_skipped_name(name)]
        total += sum(has_image_name(name) and not is_skipped_name(name) for name in files)
    return total


def _shown(root: Path) -> str:
    return escape(root.resolve().name)
