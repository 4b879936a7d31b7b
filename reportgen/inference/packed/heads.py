"""Detect the form of packed data, by first bytes and a few names."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from reportgen.errors import DataError
from reportgen.foreign_formats import by_entries
from reportgen.importers import open_bytes
from reportgen.inference.folders.files import has_image_name
from reportgen.inference.packed.tar_shards import first_shard

__all__ = [
    "head_of",
    "is_idx",
    "is_npz",
    "is_tar",
    "is_web_dataset",
    "is_zip",
    "is_zip_of_images",
]


_HEAD = 512


_TARS = (".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz", ".tar.zst")


def head_of(path: Path) -> bytes:
    """The first bytes of a file, decompressed if needed; empty if it can't be read."""
    try:
        with open_bytes(path) as stream:
            return stream.read(_HEAD)
    except (OSError, EOFError, zlib.error, DataError, ValueError):
        return b""


def is_web_dataset(data: Path) -> bool:
    """Whether DATA is shards of WebDataset: a tar file, several by a range, or a folder of them."""
    shard = first_shard(data)
    if shard is None:
        return False
    if not data.is_file():
        return True  # several tar files are shards; a file that is not one is refused by name
    from reportgen.inference.packed.webdataset import holds_samples

    return holds_samples(shard)


def is_tar(path: Path) -> bool:
    """Whether a file is a tar archive, compressed or not."""
    if not path.is_file():
        return False
    return head_of(path)[257:262] == b"ustar" or path.name.lower().endswith(_TARS)


def is_zip_of_images(path: Path) -> bool:
    """Whether a file is a zip archive with images in it, and no document or model."""
    if is_zip(path) and not zipfile.is_zipfile(path):
        return path.suffix.lower() == ".zip"  # truncated: the zip directory is at the end
    names = zip_names(path)
    known = by_entries(names)
    return known in (None, "a zip archive of images") and any(map(has_image_name, names))


def is_npz(path: Path) -> bool:
    """Whether a file is a NumPy archive."""
    return by_entries(zip_names(path)) == "a NumPy archive" or (
        path.suffix.lower() == ".npz" and is_zip(path)
    )


def is_idx(data: Path) -> bool:
    """Whether DATA is an IDX file of images, or a folder with one, as for MNIST."""
    from reportgen.inference.packed.idx_files import images_in

    return bool(images_in(data))


def is_zip(path: Path) -> bool:
    """Whether a file begins like a zip archive."""
    return path.is_file() and head_of(path)[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def zip_names(path: Path) -> tuple[str, ...]:
    """The names in a zip archive; empty if the file is not a readable one."""
    if not path.is_file() or not zipfile.is_zipfile(path):
        return ()
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return ()
