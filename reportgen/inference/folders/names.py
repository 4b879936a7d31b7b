"""Image files by name: which entries of a folder are images, and what a sample is called.

A sample's id is its path relative to the data folder, with ``/`` between the parts. Bytes that are
no UTF-8, and control and direction characters, stand in it as backslash escapes (``caf\\xe9.png``),
so that an id can be printed and stored anywhere; :func:`locate` finds the file again.
"""

from __future__ import annotations

import os
from pathlib import Path

from reportgen.text import printable

__all__ = [
    "IMAGE_EXTENSIONS",
    "SYSTEM_NAMES",
    "escaped",
    "has_image_name",
    "is_skipped_name",
    "locate",
]

IMAGE_EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff"}
    | {".ppm", ".pgm", ".pbm", ".pnm"}
)
"""Lower-case extensions that make a file a candidate; what it is, its content decides."""

SYSTEM_NAMES = frozenset(
    {"__MACOSX", "@eaDir", "@Recycle", "#recycle", "#snapshot", "$RECYCLE.BIN", "__pycache__"}
    | {"System Volume Information", "lost+found"}
)
"""Folders that operating systems and storage devices put beside the user's."""


def escaped(raw: str) -> str:
    """A file name as the operating system gives it → the name that is shown and stored.

    >>> escaped("caf\\udce9.png")
    'caf\\\\xe9.png'
    """
    if raw.isascii():
        return printable(raw)
    return printable(os.fsencode(raw).decode("utf-8", "backslashreplace"))


def is_skipped_name(name: str) -> bool:
    """Whether an entry of that name is hidden, or belongs to the system."""
    return name.startswith(".") or name in SYSTEM_NAMES


def has_image_name(name: str) -> bool:
    """Whether a file's extension, in any case, is that of an image."""
    return name[max(name.rfind("."), 0) :].lower() in IMAGE_EXTENSIONS


def locate(root: Path, sample_id: str) -> Path | None:
    """The file that a scan of `root` calls `sample_id`; None where there is none.

    Only what a scan would find is found: image files in folders that aren't hidden; ``..`` and
    absolute paths lead nowhere.
    """
    here = root
    parts = sample_id.split("/")
    for part in parts:
        entry = None if not part or is_skipped_name(part) else _entry(here, part)
        if entry is None:
            return None
        here = entry
    return here if has_image_name(parts[-1]) and here.is_file() else None


def _entry(folder: Path, shown: str) -> Path | None:
    """The entry of `folder` that is shown as `shown`."""
    is_one_part = os.sep not in shown and (os.altsep is None or ":" not in shown)
    direct = folder / shown
    if is_one_part and escaped(shown) == shown and os.path.lexists(direct):
        return direct
    if "\\" not in shown:  # without an escape in it, the name is the file's own
        return None
    try:
        with os.scandir(folder) as entries:
            found = next((entry.name for entry in entries if escaped(entry.name) == shown), None)
    except (OSError, ValueError):
        return None
    return None if found is None else folder / found
