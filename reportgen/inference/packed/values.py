"""What opening packed data gives: samples, and where their images are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.importers import SampleList
from reportgen.inference.folders.tree import FolderScan
from reportgen.provenance import DataNote

if TYPE_CHECKING:
    from reportgen.inference.packed.archive import NamedContents
    from reportgen.inference.packed.contents import Contents

__all__ = [
    "Images",
    "Opened",
    "Packed",
    "PackedList",
]


@dataclass(frozen=True)
class Packed:
    """The samples of packed data.

    Attributes
    ----------
    samples
        What is known of them; their paths are their ids.
    raws
        The name of each image in `contents`.
    contents
        Where the images are.
    notes
        What a reader should know about the data.
    """

    samples: SampleList
    raws: Sequence[str]
    contents: Contents
    notes: tuple[DataNote, ...] = ()


@dataclass(frozen=True)
class PackedList:
    """A table of paths, and the archive that they are in: `contents` has images by their names."""

    samples: SampleList
    contents: NamedContents
    notes: tuple[DataNote, ...] = ()


Opened = Packed | PackedList | FolderScan
"""Packed data: samples of a list or a table, or what a folder of class folders would hold."""


Images = tuple[Sequence[str], Sequence[str], "Contents"]
"""(ids, raws, contents): what images are called by us and by their contents, and where they are."""
