"""The matrices of a page, each drawn once however often the page is rendered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reportgen.exports.images import Images
from reportgen.report.model import HeatmapSpec, Thumbnail

if TYPE_CHECKING:
    from reportgen.figures import Drawn

__all__ = ["Heatmaps", "Picture", "thumbnail_picture"]


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


def thumbnail_picture(thumbnail: Thumbnail, images: Images) -> Picture:
    """A sample's picture."""
    uri = images.address(thumbnail.mime, thumbnail.content, "sample")
    return Picture(uri, thumbnail.width, thumbnail.height)
