"""Names of images and files, and opening and reading regular files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reportgen.text import printable

__all__ = [
    "IMAGE_EXTENSIONS",
    "METADATA",
    "SYSTEM_NAMES",
    "escape",
    "has_image_name",
    "is_skipped_name",
    "locate",
    "metadata_in",
    "open_regular",
    "os_reason",
    "read_to_end",
    "special_reason",
]


IMAGE_EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff"}
    | {".ppm", ".pgm", ".pbm", ".pnm"}
)
"""Lower-case extensions of candidate files; the content decides what a file is."""


SYSTEM_NAMES = frozenset(
    {"__MACOSX", "@eaDir", "@Recycle", "#recycle", "#snapshot", "$RECYCLE.BIN", "__pycache__"}
    | {"System Volume Information", "lost+found"}
)
"""Folders created by operating systems and storage devices."""


def escape(raw: str) -> str:
    """The printable form of a file name, which is shown and stored.

    >>> escaped("caf\\udce9.png")
    'caf\\\\xe9.png'
    """
    if raw.isascii():
        return printable(raw)
    return printable(_bytes_of(raw).decode("utf-8", "backslashreplace"))


def _bytes_of(raw: str) -> bytes:
    """The name as bytes on disk: UTF-8, whatever the locale."""
    try:
        return os.fsencode(raw)
    except UnicodeEncodeError:  # an ASCII locale, and a name that was not read with it
        return raw.encode("utf-8", "surrogateescape")


def _is_name_here(shown: str) -> bool:
    """Whether a file on this system can have exactly this name."""
    try:
        os.fsencode(shown)
    except UnicodeEncodeError:
        return False
    return True


def is_skipped_name(name: str) -> bool:
    """Whether an entry of that name is hidden or a system folder."""
    return name.startswith(".") or name in SYSTEM_NAMES


def has_image_name(name: str) -> bool:
    """Whether a file name has an image extension, in any case."""
    return name[max(name.rfind("."), 0) :].lower() in IMAGE_EXTENSIONS


METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
"""Tables that describe the images in their folder, in the Hugging Face convention."""


def metadata_in(folder: Path) -> list[Path]:
    """The metadata tables in a Hugging Face ``imagefolder``."""
    return [folder / name for name in METADATA if (folder / name).is_file()]


def locate(root: Path, sample_id: str) -> Path | None:
    """The file that a scan of `root` lists as `sample_id`, or None.

    Only files that a scan would list: image files in folders that aren't hidden. ``..`` and
    absolute paths are rejected.
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
    """The entry of `folder` whose printable name is `shown`."""
    is_one_part = os.sep not in shown and (os.altsep is None or ":" not in shown)
    direct = folder / shown
    if is_one_part and escape(shown) == shown and os.path.lexists(direct):
        return direct
    if "\\" not in shown and _is_name_here(
        shown
    ):  # without an escape in it, the name is the file's own
        return None
    try:
        with os.scandir(folder) as entries:
            found = next((entry.name for entry in entries if escape(entry.name) == shown), None)
    except (OSError, ValueError):
        return None
    return None if found is None else folder / found


_READ_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


_BLOCK_BYTES = 1 << 20


@contextmanager
def open_regular(path: str | os.PathLike[str]) -> Iterator[tuple[int, int]]:
    """(descriptor, size in bytes) of a regular file, open for reading.

    Does not block on a pipe. Raises :class:`OSError` if it is not a regular file. A descriptor,
    since creating a Python file object takes longer than reading a small image.
    """
    descriptor = os.open(path, _READ_FLAGS)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(special_reason(status.st_mode))
        yield descriptor, status.st_size
    finally:
        os.close(descriptor)


def read_to_end(descriptor: int, size: int) -> bytes:
    """Read all bytes of a file of about `size` bytes; correct if the file is shorter or longer."""
    content = os.read(descriptor, size + 1)
    if len(content) == size:
        return content
    parts = [content]
    while parts[-1]:
        parts.append(os.read(descriptor, _BLOCK_BYTES))
    return b"".join(parts)


def os_reason(error: OSError) -> str:
    """The reason for a failed read, without paths."""
    if isinstance(error, FileNotFoundError):
        return "is not there"
    return (error.strerror or str(error) or type(error).__name__).lower()


def special_reason(mode: int) -> str:
    """The kind of a directory entry that is not a regular file, from its mode."""
    if stat.S_ISLNK(mode):
        return "is a broken link"
    if stat.S_ISFIFO(mode):
        return "is a named pipe, not a file"
    if stat.S_ISSOCK(mode):
        return "is a socket, not a file"
    return "is a device, not a file"
