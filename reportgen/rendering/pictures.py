"""The pictures of a page, embedded or in a folder beside it: matrices, drawn once, and samples."""

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


_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


class Images(Protocol):
    """Registers images and returns their addresses.

    `embedded`: the address contains the image, so using it twice doubles the bytes.
    """

    embedded: bool

    def address(self, mime: str, content: bytes, name: str) -> str:
        """`name` describes the picture, for a file name; never a name from data."""


class Inside:
    """Images as ``data:`` URIs."""

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
    """An image on the page: its address, and its size in CSS pixels."""

    uri: str
    width: int
    height: int


@dataclass
class Heatmaps:
    """Draws heatmaps on demand and caches them: drawing dominates the time of a page."""

    colourmap: str = "Blues"
    _drawn: dict[int, tuple[HeatmapSpec, DrawnFigure]] = field(default_factory=dict)

    def shown(self, spec: HeatmapSpec, images: Images) -> Mapping[str, Any]:
        """Values for the templates.

        ``spec``, ``picture``, ``numbered`` (class numbers instead of names on the axes), ``cells``
        (their location), ``has_digits`` and ``has_names``, as in :class:`DrawnFigure`.
        """
        drawn = self._of(spec)
        uri = images.address("image/png", drawn.content, spec.name)
        return {
            "spec": spec,
            "picture": Picture(uri, drawn.width, drawn.height),
            "numbered": drawn.axis_numbers,
            "cells": " ".join(f"{part:.5f}" for part in drawn.cells),
            "has_digits": drawn.has_digits,
            "has_names": drawn.has_names,
        }

    def _of(self, spec: HeatmapSpec) -> DrawnFigure:
        if id(spec) not in self._drawn:  # the spec is kept, so its id is not reused
            from reportgen.rendering import figures

            self._drawn[id(spec)] = (spec, figures.draw_heatmap(spec, self.colourmap))
        return self._drawn[id(spec)][1]


@dataclass(frozen=True)
class Place:
    """A sample's picture at one place of the page, with its size in CSS pixels.

    Attributes
    ----------
    uri
        Its address; empty if the picture is already on the page.
    shared
        The id of the element with the picture, if several places share it; otherwise empty.
    number
        Number of the place on the page, from 1.
    """

    uri: str
    width: int
    height: int
    shared: str
    number: int = 0


class Samples:
    """The pictures of samples, for one rendering.

    A picture used in several places is embedded at the first, and referenced by id at the others,
    so no bytes are in the page twice.

    Parameters
    ----------
    images
        Registers the page's images.
    placed
        The pictures that the page will show, one entry per place.
    """

    def __init__(self, images: Images, placed: Iterable[Thumbnail]) -> None:
        self._images = images
        self._places = Counter(one.content for one in placed) if images.embedded else Counter()
        self._ids: dict[bytes, str] = {}
        self._number = 0

    def picture(self, thumbnail: Thumbnail) -> Picture:
        """The picture with its own address."""
        return Picture(self._address(thumbnail), thumbnail.width, thumbnail.height)

    def place(self, thumbnail: Thumbnail) -> Place:
        """The picture at its next place; places are requested in the order of the page."""
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
