"""Copies files from object storage and to it."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

from reportgen.files import atomic_path
from reportgen.storage.addresses import Address
from reportgen.storage.stores import reached, store_of

__all__ = [
    "copy_in",
    "copy_out",
    "kept_folder",
    "remove",
]


_BLOCK = 1 << 23


def copy_in(address: Address, target: Path) -> Path:
    """Copy a file to `target`, completely or not at all; creates folders.

    Raises :class:`DataError` if it is missing or can't be reached, :class:`OutputError` if there is
    no space.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(target) as temporary, temporary.open("wb") as copy:
        with reached(address):
            stream = store_of(address).open_input_stream(address.path)
        with stream:
            while True:
                with reached(address):
                    block = stream.read(_BLOCK)
                if not block:
                    break
                copy.write(block)
    return target


def copy_out(source: Path, address: Address) -> None:
    """Upload a local file to an address; it appears there only when complete.

    Raises :class:`OutputError` (``address-unreachable``); an existing file is then unchanged.
    """
    with source.open("rb") as content, reached(address, to_write=True):
        stream = _created(address)
        while block := content.read(_BLOCK):
            stream.write(block)
        stream.close()


def _created(address: Address) -> Any:
    """The stream of a new file; its folder is made in file systems that need it."""
    store = store_of(address)
    try:
        return store.open_output_stream(address.path)
    except FileNotFoundError:
        if address.given is None:  # object storage has no folders: the bucket is missing
            raise
        store.create_dir(address.parent.path, recursive=True)
        return store.open_output_stream(address.path)


def kept_folder(address: Address) -> Path:
    """A local folder of this user for work on `address`: always the same one, for resuming."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    base = Path(tempfile.gettempdir(), f"reportgen-{user}")
    if not _is_own_folder(base, user):
        base = Path(tempfile.mkdtemp(prefix="reportgen-"))
    where = repr((address.scheme, address.root, address.key, address.query))
    folder = base / hashlib.sha256(where.encode()).hexdigest()[:16]
    folder.mkdir(exist_ok=True)
    return folder


def _is_own_folder(folder: Path, user: int) -> bool:
    """Whether `folder` is one of this user, created if there is none; another user may have created
    a folder, link or file of that name.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        return False
    return not folder.is_symlink() and (not hasattr(os, "getuid") or folder.stat().st_uid == user)


def remove(address: Address) -> None:
    """Delete a file if it exists."""
    with reached(address, to_write=True):
        store = store_of(address)
        if store.get_file_info(address.path).is_file:
            store.delete_file(address.path)
