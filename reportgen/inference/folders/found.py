"""`FoundData`: what DATA contains, read and listed once, before the model says what labels mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reportgen.inference.folders.listed import ListedImages, open_data
from reportgen.inference.folders.scan import scan
from reportgen.inference.folders.tree import FolderScan
from reportgen.options import Options
from reportgen.reporter import Reporter

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


def find_data(data: Path, options: Options, *, unlabelled: bool) -> FoundData:
    """What DATA contains; a folder of class folders is not listed.

    Raises what :func:`~reportgen.inference.folders.listed.open_data` does.
    """
    opened = open_data(data, options, unlabelled=unlabelled)
    if isinstance(opened, ListedImages):
        return FoundData(opened, None, is_folder=False)
    return FoundData(None, opened, is_folder=opened is None)


def list_folder(root: Path, reporter: Reporter) -> FolderScan:
    """The images of class folders, with progress; raises what ``scan`` does."""
    reporter.begin("listing the data", None, "files")
    seen = 0

    def tell(n: int) -> None:
        nonlocal seen
        reporter.advance(n - seen)
        seen = n

    try:
        return scan(root, progress=tell)
    finally:
        reporter.end()
