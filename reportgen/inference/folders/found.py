"""`FoundData`: what DATA contains, read and listed once, before the model says what labels mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from reportgen.inference.folders.listed import ListedImages, open_data
from reportgen.inference.folders.scan import scan
from reportgen.inference.folders.stored import scan_stored
from reportgen.inference.folders.tree import FolderScan
from reportgen.options import Options
from reportgen.reporter import Reporter
from reportgen.storage import Place

__all__ = [
    "FoundData",
    "find_data",
    "list_folder",
]


@dataclass(frozen=True)
class FoundData:
    """What DATA contains.

    Attributes
    ----------
    listed
        The samples, where a table lists them.
    scanned
        The samples of class folders and archives; None for a table, and for folders that were not
        listed yet.
    is_folder
        Whether DATA is a folder of class folders on the disk, or nothing that is known.
    """

    listed: ListedImages | None
    scanned: FolderScan | None
    is_folder: bool


def find_data(data: Place, options: Options, reporter: Reporter, *, unlabelled: bool) -> FoundData:
    """What DATA contains; a folder of class folders on the disk is not listed.

    Raises what :func:`~reportgen.inference.folders.listed.open_data` does.
    """
    if not isinstance(data, Path):
        return FoundData(None, _told(partial(scan_stored, data), reporter), is_folder=False)
    opened = open_data(data, options, unlabelled=unlabelled)
    if isinstance(opened, ListedImages):
        return FoundData(opened, None, is_folder=False)
    return FoundData(None, opened, is_folder=opened is None)


def list_folder(root: Path, reporter: Reporter) -> FolderScan:
    """The images of class folders, with progress; raises what ``scan`` does."""
    return _told(lambda tell: scan(root, progress=tell), reporter)


def _told(listed: Callable[[Callable[[int], None]], FolderScan], reporter: Reporter) -> FolderScan:
    reporter.begin("listing the data", None, "files")
    seen = 0

    def tell(n: int) -> None:
        nonlocal seen
        reporter.advance(n - seen)
        seen = n

    try:
        return listed(tell)
    finally:
        reporter.end()
