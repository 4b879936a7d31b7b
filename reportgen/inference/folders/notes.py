"""What a reader should know about a folder: odd class folders, duplicates, and signs of training
data.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from reportgen.inference.folders.tree import ImageFile, Tree
from reportgen.provenance import DataNote
from reportgen.text import listing, plural

__all__ = [
    "duplicates",
    "looks_like_training",
    "training_note",
    "tree_notes",
]


_TRAIN = re.compile(r"(?<![Ss])train|Train|TRAIN")  # not a strain


_HELD_OUT = re.compile(
    r"(?<![a-z])(?:test|val(?![a-z])|valid|dev(?![a-z])|hold.?out)", re.IGNORECASE
)


def looks_like_training(root: Path, split: str = "") -> bool:
    """Whether the split's name, or the folder it lies in, says that it was trained on.

    Of the folders in the path, the innermost one that names a split decides.
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
    """The warning for data that :func:`looks_like_training`, else nothing."""
    if not looks_like_training(root, split):
        return ()
    sentence = "Looks like training data (by its name): results are optimistic."
    return (DataNote("training-data", sentence, severity="warning"),)


_MAX_EXAMPLES = 10


_MAX_PAIRS = 1000


_EMPTY_DIGEST = hashlib.sha256(b"").digest()


def tree_notes(tree: Tree) -> list[DataNote]:
    """What the walk found that a reader may not expect."""
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


def duplicates(
    files: Sequence[ImageFile],
) -> tuple[tuple[tuple[str, str], ...], int, list[DataNote]]:
    """Pairs with the same content, their number, and the notes about them; empty files aside."""
    pairs: list[tuple[str, str]] = []
    contradictions: list[tuple[str, str]] = []
    n_pairs = n_contradictions = 0
    order = sorted(range(len(files)), key=lambda at: files[at].digest)  # stable: by id within
    first = None
    for file in (files[at] for at in order):
        if first is None or file.digest != first.digest:
            first = file
        elif file.digest != _EMPTY_DIGEST:
            n_pairs += 1
            _keep(pairs, first, file)
            if file.folder != first.folder and file.folder and first.folder:
                n_contradictions += 1
                _keep(contradictions, first, file)
    pairs.sort()
    contradictions.sort()
    notes = [_duplicate_note(pairs, n_pairs), _contradiction_note(contradictions, n_contradictions)]
    return tuple(pairs), n_pairs, [note for note in notes if note.count]


def _keep(pairs: list[tuple[str, str]], first: ImageFile, file: ImageFile) -> None:
    if len(pairs) < _MAX_PAIRS:
        pairs.append((first.id, file.id))


def _duplicate_note(pairs: Sequence[tuple[str, str]], n_pairs: int) -> DataNote:
    have = "has" if n_pairs == 1 else "have"
    return _note(
        "duplicate-images",
        _pair_names(pairs),
        f"{plural(n_pairs, 'image')} {have} the same content as another image (exact duplicates, "
        "counted).",
        count=n_pairs,
        severity="info",
    )


def _contradiction_note(pairs: Sequence[tuple[str, str]], n_pairs: int) -> DataNote:
    have = "has" if n_pairs == 1 else "have"
    return _note(
        "duplicate-images-across-classes",
        _pair_names(pairs),
        f"{plural(n_pairs, 'image')} {have} exactly the content of an image of another class: "
        "one of the two labels is wrong.",
        count=n_pairs,
    )


def _pair_names(pairs: Sequence[tuple[str, str]]) -> list[str]:
    return [f"{one} = {other}" for one, other in pairs[:_MAX_EXAMPLES]]


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
