"""Trees of small files that are no images, for tests that decode nothing."""

import os
from collections.abc import Iterable
from pathlib import Path

from reportgen.inference.folders.tree import FolderScan


def file_tree(root: Path, names: Iterable[str | bytes]) -> Path:
    """Files whose content is their name; a name that ends in / is an empty folder."""
    for name in names:
        path = Path(root, os.fsdecode(name))
        is_folder = os.fsdecode(name).endswith("/")
        (path if is_folder else path.parent).mkdir(parents=True, exist_ok=True)
        if not is_folder:
            path.write_bytes(os.fsencode(name))
    return root


def ids(found: FolderScan) -> list[str]:
    return [file.id for file in found.files]
