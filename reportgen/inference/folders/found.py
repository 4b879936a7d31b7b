"""`FoundData`: the contents of DATA, listed once, before the model defines the labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from reportgen.inference.folders.listed import (
    ListedImages,
    open_data,
    refuse_table_options,
)
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
    """The contents of DATA.

    Attributes
    ----------
    listed
        The samples, if a table lists them.
    scanned
        The samples of class folders and archives; None for a table, and for a folder not listed
        yet.
    is_folder
        Whether DATA is a local folder of class folders, or of no known form.
    """

    listed: ListedImages | None
    scanned: FolderScan | None
    is_folder: bool


def find_data(data: Place, options: Options, reporter: Reporter, *, unlabelled: bool) -> FoundData:
    """Find the contents of DATA; a local folder of class folders is not listed yet.

    Raises the errors of :func:`~reportgen.inference.folders.listed.open_data`.
    """
    if not isinstance(data, Path):
        refuse_table_options(options)
        return FoundData(None, _told(partial(scan_stored, data), reporter), is_folder=False)
    opened = open_data(data, options, unlabelled=unlabelled)
    if isinstance(opened, ListedImages):
        return FoundData(opened, None, is_folder=False)
    return FoundData(None, opened, is_folder=opened is None)


def list_folder(root: Path, reporter: Reporter) -> FolderScan:
    """List the images of class folders, with progress. Raises the errors of ``scan``."""
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
