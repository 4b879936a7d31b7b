"""The pictures of a page: matrices, drawn once however often it is rendered, and samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reportgen.exports.images import Images
from reportgen.report.model import HeatmapSpec, Thumbnail

if TYPE_CHECKING:
    from reportgen.figures import Drawn

__all__ = ["Heatmaps", "Picture", "Place", "Samples"]


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
    _drawn: dict[int, tuple[HeatmapSpec, Drawn]] = field(default_factory=dict)

    def shown(self, spec: HeatmapSpec, images: Images) -> Mapping[str, Any]:
        """What the templates need: ``spec``, ``picture``, and ``numbered``: whether the axes
        carry numbers for names."""
        drawn = self._of(spec)
        uri = images.address("image/png", drawn.content, spec.name)
        return {
            "spec": spec,
            "picture": Picture(uri, drawn.width, drawn.height),
            "numbered": drawn.axis_numbers,
        }

    def _of(self, spec: HeatmapSpec) -> Drawn:
        if id(spec) not in self._drawn:  # the spec is kept, so its id is not used again
            from reportgen import figures

            self._drawn[id(spec)] = (spec, figures.draw_heatmap(spec, self.colourmap))
        return self._drawn[id(spec)][1]


@dataclass(frozen=True)
class Place:
    """A sample's picture at one place of the page: its size in CSS pixels, and where it is from.

    Attributes
    ----------
    uri
        Its address; empty where the picture stands on the page already.
    shared
        The id of the element that holds it for several places; empty where `uri` is all there is.
    """

    uri: str
    width: int
    height: int
    shared: str


class Samples:
    """The pictures of samples, for one rendering: what is embedded for several places is given at
    the first, and is referred to by its id from the others, so no bytes stand in the page twice.

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

    def picture(self, thumbnail: Thumbnail) -> Picture:
        """The picture with an address of its own."""
        return Picture(self._address(thumbnail), thumbnail.width, thumbnail.height)

    def place(self, thumbnail: Thumbnail) -> Place:
        """The picture at the next of its places, which are asked for in the order of the page."""
        width, height, content = thumbnail.width, thumbnail.height, thumbnail.content
        if content in self._ids:
            return Place("", width, height, self._ids[content])
        shared = ""
        if self._places[content] > 1:
            shared = self._ids[content] = f"pic-{len(self._ids) + 1}"
        return Place(self._address(thumbnail), width, height, shared)

    def _address(self, thumbnail: Thumbnail) -> str:
        return self._images.address(thumbnail.mime, thumbnail.content, "sample")
