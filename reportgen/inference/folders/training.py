"""Data that its own name gives away as what the model was trained on."""

from __future__ import annotations

import os
import re
from pathlib import Path

from reportgen.provenance import DataNote

__all__ = ["looks_like_training", "training_note"]

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
    sentence = (
        "By its name this is training data: scores on training data are optimistic and say "
        "little about new images."
    )
    return (DataNote("training-data", sentence, severity="warning"),)
