"""Notes on a folder: odd class folders, duplicates, and signs of training data."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.inference.folders.files import metadata_in
from reportgen.inference.folders.tree import Tree
from reportgen.paths import as_typed
from reportgen.provenance import DataNote
from reportgen.text import listing, plural

if TYPE_CHECKING:
    from reportgen.predictions import SamePairs

__all__ = [
    "duplicate_notes",
    "looks_like_training",
    "metadata_note",
    "training_note",
    "tree_notes",
]


_TRAIN = re.compile(r"(?<![Ss])train|Train|TRAIN")  # not "strain"


_HELD_OUT = re.compile(
    r"(?<![a-z])(?:test|val(?![a-z])|valid|dev(?![a-z])|hold.?out)", re.IGNORECASE
)


def metadata_note(root: Path) -> list[DataNote]:
    """A note on a metadata table beside class folders that does not describe the images."""
    return [
        DataNote(
            "metadata-not-read",
            f"{table.name} has no labels, and was not read: the class folders are the labels. Its "
            f"columns become slices with --metadata {as_typed(table)}.",
            "info",
        )
        for table in metadata_in(root)
    ]


def looks_like_training(root: Path, split: str = "") -> bool:
    """Whether the split or a folder in the path is named like training data.

    The innermost folder that names a split decides.
    """
    if _TRAIN.search(split):
        return True
    for part in reversed(Path(os.path.abspath(root)).parts):  # noqa: PTH100 - links stay as named
        if _TRAIN.search(part):
            return True
        if _HELD_OUT.search(part):
            return False
    return False


def training_note(root: Path, split: str = "") -> tuple[DataNote, ...]:
    """The warning for data that :func:`looks_like_training`, or nothing."""
    if not looks_like_training(root, split):
        return ()
    sentence = "Looks like training data (by its name): results are optimistic."
    return (DataNote("training-data", sentence, severity="warning"),)


_MAX_EXAMPLES = 10


def tree_notes(tree: Tree) -> list[DataNote]:
    """Notes on unexpected entries that the walk found."""
    occupied = {file[2] for file in tree.files} | {entry[1] for entry in tree.unreadable}
    empty = [folder for folder in tree.folders if folder not in occupied]
    cases: dict[str, list[str]] = {}
    for folder in tree.folders:
        cases.setdefault(folder.casefold(), []).append(folder)
    twins = ["/".join(group) for group in cases.values() if len(group) > 1]
    outside = tree.outside
    notes = [
        _note(
            "class-folders-empty",
            empty,
            f"{plural(len(empty), 'class folder')} without images: {listing(empty)}.",
        ),
        _note(
            "class-folders-case",
            twins,
            f"Class folders differ only in upper and lower case: {listing(twins)}. They are "
            "counted as different classes.",
        ),
        _note(
            "images-outside-folders",
            outside,
            f"{plural(tree.skipped['images outside the class folders'], 'image')} directly in the "
            "data folder, outside every class folder, not counted.",
            count=tree.skipped["images outside the class folders"],
        ),
        _note(
            "folders-reached-twice",
            tree.reached_twice,
            f"{plural(len(tree.reached_twice), 'folder')} reached a second time through a link "
            "and read only once.",
        ),
        _note(
            "folders-hidden",
            tree.hidden_folders,
            f"{plural(len(tree.hidden_folders), 'hidden or system folder')} skipped: "
            f"{listing(tree.hidden_folders)}.",
            severity="info",
        ),
    ]
    return [note for note in notes if note.count]


def duplicate_notes(same: SamePairs, across: SamePairs) -> list[DataNote]:
    """Notes on images with identical content, and on those in two classes."""
    notes = [_duplicate_note(same), _contradiction_note(across)]
    return [note for note in notes if note.count]


def _duplicate_note(pairs: SamePairs) -> DataNote:
    have = "has" if pairs.n == 1 else "have"
    return _note(
        "duplicate-images",
        _pair_names(pairs),
        f"{plural(pairs.n, 'image')} {have} the same content as another image (exact duplicates, "
        "counted).",
        count=pairs.n,
        severity="info",
    )


def _contradiction_note(pairs: SamePairs) -> DataNote:
    have = "has" if pairs.n == 1 else "have"
    return _note(
        "duplicate-images-across-classes",
        _pair_names(pairs),
        f"{plural(pairs.n, 'image')} {have} exactly the content of an image of another class: "
        "one of the two labels is wrong.",
        count=pairs.n,
    )


def _pair_names(pairs: SamePairs) -> list[str]:
    return [f"{one} = {other}" for one, other in pairs.examples]


def _note(
    code: str,
    names: Sequence[str],
    sentence: str,
    *,
    count: int | None = None,
    severity: str = "warning",
) -> DataNote:
    return DataNote(
        code,
        sentence,
        severity=severity,
        count=len(names) if count is None else count,
        examples=tuple(names[:_MAX_EXAMPLES]),
    )
