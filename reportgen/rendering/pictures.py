"""The pictures of a page: in the page itself or in a folder beside it; matrices, drawn once, and
samples.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from reportgen.report import HeatmapSpec, Thumbnail

if TYPE_CHECKING:
    from reportgen.rendering.figures.heatmap import DrawnFigure

__all__ = [
    "FILES_FOLDER",
    "Beside",
    "Heatmaps",
    "Images",
    "Inside",
    "Picture",
    "Place",
    "Samples",
]


FILES_FOLDER = "report_files"


_ENDINGS = {"image/png": "png", "image/jpeg": "jpg"}


class Images(Protocol):
    """Takes an image and gives the address that the page shows it by.

    `embedded`: whether the address contains the image, so that giving it twice takes the bytes
    twice.
    """

    embedded: bool

    def address(self, mime: str, content: bytes, name: str) -> str:
        """`name` says what the picture is, where it becomes a file's: never a name from data."""


class Inside:
    """Images as ``data:`` addresses."""

    embedded = True

    def address(self, mime: str, content: bytes, name: str) -> str:  # noqa: ARG002
        return f"data:{mime};base64,{base64.b64encode(content).decode('ascii')}"


@dataclass
class Beside:
    """Images as files beside the page, each content once."""

    embedded = False
    files: dict[str, bytes] = field(default_factory=dict)
    _names: dict[bytes, str] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def address(self, mime: str, content: bytes, name: str) -> str:
        if content not in self._names:
            number = self._counts[name] = self._counts.get(name, 0) + 1
            stem = name if number == 1 else f"{name}-{number}"
            self._names[content] = f"{stem}.{_ENDINGS[mime]}"
            self.files[self._names[content]] = content
        return f"{FILES_FOLDER}/{self._names[content]}"


@dataclass(frozen=True)
class Picture:
    """An image as the page shows it: its address, and its size in CSS pixels."""

    uri: str
    width: int
    height: int


@dataclass
class Heatmaps:
    """Draws on demand, and remembers: drawing is what costs the most of a page."""

    colourmap: str = "Blues"
    _drawn: dict[int, tuple[HeatmapSpec, DrawnFigure]] = field(default_factory=dict)

    def shown(self, spec: HeatmapSpec, images: Images) -> Mapping[str, Any]:
        """What the templates need: ``spec``, ``picture``, ``numbered``: whether the axes
        carry numbers for names, ``cells``: where they are, and ``has_digits``, as in
        :class:`DrawnFigure`."""
        drawn = self._of(spec)
        uri = images.address("image/png", drawn.content, spec.name)
        return {
            "spec": spec,
            "picture": Picture(uri, drawn.width, drawn.height),
            "numbered": drawn.axis_numbers,
            "cells": " ".join(f"{part:.5f}" for part in drawn.cells),
            "has_digits": drawn.has_digits,
        }

    def _of(self, spec: HeatmapSpec) -> DrawnFigure:
        if id(spec) not in self._drawn:  # the spec is kept, so its id is not used again
            from reportgen.rendering import figures

            self._drawn[id(spec)] = (spec, figures.draw_heatmap(spec, self.colourmap))
        return self._drawn[id(spec)][1]


@dataclass(frozen=True)
class Place:
    """A sample's picture at one place of the page: its size in CSS pixels, and where it is from.

    Attributes
    ----------
    uri
        Its address; empty where the picture is on the page already.
    shared
        The id of the element that holds it for several places; empty where `uri` is all there is.
    number
        Of the place on the page, from 1.
    """

    uri: str
    width: int
    height: int
    shared: str
    number: int = 0


class Samples:
    """The pictures of samples, for one rendering: what is embedded for several places is given at
    the first, and is referred to by its id from the others, so no bytes are in the page twice.

    Parameters
    ----------
    images
        Where the page's images are.
    placed
        What the page will show, once for each place.
    """

    def __init__(self, images: Images, placed: Iterable[Thumbnail]) -> None:
        self._images = images
        self._places = Counter(one.content for one in placed) if images.embedded else Counter()
        self._ids: dict[bytes, str] = {}
        self._number = 0

    def picture(self, thumbnail: Thumbnail) -> Picture:
        """The picture with an address of its own."""
        return Picture(self._address(thumbnail), thumbnail.width, thumbnail.height)

    def place(self, thumbnail: Thumbnail) -> Place:
        """The picture at the next of its places, which are requested in the order of the page."""
        content = thumbnail.content
        width, height = thumbnail.width, thumbnail.height
        self._number += 1
        if content in self._ids:
            return Place("", width, height, self._ids[content], self._number)
        shared = ""
        if self._places[content] > 1:
            shared = self._ids[content] = f"pic-{len(self._ids) + 1}"
        return Place(self._address(thumbnail), width, height, shared, self._number)

    def _address(self, thumbnail: Thumbnail) -> str:
        return self._images.address(thumbnail.mime, thumbnail.content, "sample")
