"""The result of opening packed data: samples, and the location of their images."""

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
        The samples; their paths are their ids.
    raws
        The name of each image in `contents`.
    contents
        The location of the images.
    notes
        What a reader should know about the data.
    """

    samples: SampleList
    raws: Sequence[str]
    contents: Contents
    notes: tuple[DataNote, ...] = ()


@dataclass(frozen=True)
class PackedList:
    """A table of paths and its archive: `contents` has images by their names."""

    samples: SampleList
    contents: NamedContents
    notes: tuple[DataNote, ...] = ()


Opened = Packed | PackedList | FolderScan
"""Opened packed data: a list, a table, or a scan as of class folders."""


Images = tuple[Sequence[str], Sequence[str], "Contents"]
"""(ids, raws, contents): sample ids, names in the contents, and the contents."""
