"""A confusion matrix as a seaborn heatmap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.figures.colours import (
    COLOURMAP,
    STEPS,
    colour_map,
    difference_map,
    light_digits,
)
from reportgen.figures.fonts import families
from reportgen.figures.layout import (
    SCALE_FONT,
    SCALE_WIDTH,
    Layout,
    axis_labels,
    fitting,
    is_crowded,
    layout_of,
    scale_ticks,
    stand_upright,
)
from reportgen.figures.png import palette_png
from reportgen.figures.settings import own_settings
from reportgen.report.model import HeatmapSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Drawn", "draw_heatmap", "heatmap_figure"]

DPIS = (144, 108, 72)
"""Pixels of a figure inch; the first that keeps the file small is taken. Pictures are shown at 72
to the inch, so a point is a CSS pixel, and at the first that is two pixels of the file."""
POINTS = 72
MAX_BYTES = 120_000
INK, GREY, NOTHING = "#15181c", "#565e68", "#eceef1"
DIGITS_DARK, DIGITS_LIGHT = "#000000", "#ffffff"


@dataclass(frozen=True)
class Drawn:
    """A picture: PNG bytes, the size to show it at in CSS pixels, and whether its axes carry
    numbers because no font has the glyphs of the names."""

    content: bytes
    width: int
    height: int
    axis_numbers: bool


def draw_heatmap(spec: HeatmapSpec, colourmap: str = COLOURMAP) -> Drawn:
    """The picture of a matrix as a palette PNG, at most 1,600 pixels wide and 120 kB."""
    with own_settings():
        figure, numbered = heatmap_figure(spec, colourmap)
        palette = _palette(spec, colourmap)
        for dpi in DPIS:
            content = palette_png(_rasterise(figure, dpi), palette)
            if len(content) <= MAX_BYTES:
                break
    width, height = (round(POINTS * inches) for inches in figure.get_size_inches())
    return Drawn(content, width, height, numbered)


def heatmap_figure(spec: HeatmapSpec, colourmap: str = COLOURMAP) -> tuple[Any, bool]:
    """The figure, not yet drawn, and whether its axes carry numbers for names."""
    figure = _empty_figure()
    labels, numbered = axis_labels(spec)
    layout = layout_of(spec, labels, figure.canvas)
    figure.set_size_inches(layout.width / POINTS, layout.height / POINTS)
    axes = _add_axes(figure, layout, layout.left, layout.top, layout.side, layout.side)
    _heatmap(spec, figure, axes, layout, _colours(spec, colourmap))
    _frame(axes, spec)
    _label_axes(axes, labels, layout)
    _titles(spec, figure, layout)
    return figure, numbered


def _empty_figure() -> Any:
    """A figure that is drawn when told to: seaborn asks for a whole drawing only to look whether
    its own tick labels overlap, and ours are set afterwards."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure: Any = Figure(dpi=DPIS[0])
    FigureCanvasAgg(figure)
    figure.draw = lambda _renderer: None
    return figure


def _rasterise(figure: Any, dpi: float) -> NDArray[np.uint8]:
    """The figure's pixels, uint8, shape (height, width, 4)."""
    vars(figure).pop("draw", None)  # now the figure's own
    figure.set_dpi(dpi)
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())


def _palette(spec: HeatmapSpec, colourmap: str) -> NDArray[np.int64]:
    """int64, shape (at most 256, 3): the colours of the cells exactly, and greys for letters.

    Where hundreds of numbers are drawn both are few, or the file would be too large.
    """
    crowded = is_crowded(spec)
    ramp = np.asarray(_colours(spec, colourmap)(np.linspace(0, 1, STEPS if crowded else 160)))[
        :, :3
    ]
    grey = np.repeat(np.linspace(0, 1, 5 if crowded else 32)[:, None], 3, axis=1)
    return np.round(255 * np.concatenate([ramp, grey])).astype(np.int64)


def _colours(spec: HeatmapSpec, colourmap: str) -> Any:
    """The colour map, in the 21 steps of the page's tables where many numbers are drawn."""
    steps = STEPS if is_crowded(spec) else None
    return difference_map(steps) if spec.diverging else colour_map(colourmap, steps)


def _add_axes(
    figure: Figure, layout: Layout, left: float, top: float, width: float, height: float
) -> Axes:
    bottom = layout.height - top - height
    return figure.add_axes(
        (left / layout.width, bottom / layout.height, width / layout.width, height / layout.height)
    )


def _heatmap(spec: HeatmapSpec, figure: Figure, axes: Axes, layout: Layout, colours: Any) -> None:
    import seaborn

    undefined = np.isnan(spec.values)
    bar = None
    if not is_crowded(spec):
        bar = _add_axes(figure, layout, layout.left + layout.side + 14, layout.top, SCALE_WIDTH,
                        min(layout.side, 180))  # fmt: skip
    seaborn.heatmap(
        spec.values,
        mask=undefined,
        norm=_norm(spec),
        cmap=colours,
        annot=False if spec.texts is None else np.array(spec.texts, dtype=object),
        fmt="",
        annot_kws={"fontsize": layout.font, "linespacing": 1},
        linewidths=0.5 if layout.cell >= 12 else 0,
        linecolor="white",
        xticklabels=False,
        yticklabels=False,
        cbar=bar is not None,
        cbar_ax=bar,
        ax=axes,
    )
    _colour_digits(axes)
    _hatch(axes, undefined, spec, layout)
    if bar is not None:
        _scale(bar, spec)


def _norm(spec: HeatmapSpec) -> Any:
    """From values to 0..1 of the colour map; differences have 0 in the middle."""
    from matplotlib.colors import FuncNorm, Normalize, PowerNorm

    top, power = spec.top or 1, spec.power
    if not spec.diverging:
        return Normalize(0, top) if power == 1 else PowerNorm(power, 0, top)

    def bent(exponent: float) -> Callable[[Any], Any]:
        return lambda values: np.sign(values) * np.abs(values) ** exponent

    if power == 1:
        return Normalize(-top, top)
    return FuncNorm((bent(power), bent(1 / power)), -top, top)


def _colour_digits(axes: Axes) -> None:
    """Black or white, whichever contrasts more with the cell: at least 4.58:1 on any colour."""
    if not axes.texts:
        return
    mesh: Any = axes.collections[0]
    faces = mesh.get_facecolors()[~np.ma.getmaskarray(mesh.get_array()).ravel()]
    for text, is_light in zip(axes.texts, light_digits(faces), strict=True):
        text.set_color(DIGITS_LIGHT if is_light else DIGITS_DARK)


def _hatch(axes: Axes, undefined: NDArray[np.bool_], spec: HeatmapSpec, layout: Layout) -> None:
    """Rows without samples are hatched and say n/a in every cell: undefined is not 0."""
    from matplotlib.patches import Rectangle

    for row in np.flatnonzero(undefined.any(axis=1)).tolist():
        axes.add_patch(
            Rectangle((0, row), len(undefined), 1, facecolor=NOTHING, edgecolor="#c3c9cf",
                      hatch="////", linewidth=0)
        )  # fmt: skip
        for column in np.flatnonzero(undefined[row]).tolist() if spec.texts else ():
            axes.text(column + 0.5, row + 0.5, "n/a", ha="center", va="center", color=DIGITS_DARK,
                      fontsize=min(layout.font, layout.cell / 2.4))  # fmt: skip


def _frame(axes: Axes, spec: HeatmapSpec) -> None:
    """Thin frames around squares on the diagonal."""
    from matplotlib.patches import Rectangle

    for first, size in spec.boxes:
        axes.add_patch(
            Rectangle((first, first), size, size, fill=False, edgecolor=GREY, linewidth=0.6)
        )


def _scale(bar: Axes, spec: HeatmapSpec) -> None:
    """The colour scale: its ends, its middle, what it counts."""
    values, texts = zip(*scale_ticks(spec), strict=True)
    bar.set_yticks(values)
    bar.set_yticklabels(texts)
    bar.tick_params(length=0, pad=3, labelsize=SCALE_FONT, labelcolor=GREY)


def _label_axes(axes: Axes, labels: Sequence[str], layout: Layout) -> None:
    places = np.arange(len(labels)) + 0.5
    size = layout.label_font
    axes.set_xticks(places if labels else [])
    axes.set_yticks(places if labels else [])
    if labels:
        turned = 0 if stand_upright(labels) else 90
        axes.set_xticklabels(labels, rotation=turned, fontsize=size, color=INK)
        axes.set_yticklabels(labels, rotation=0, fontsize=size, color=INK)
        for tick in [*axes.get_xticklabels(), *axes.get_yticklabels()]:
            tick.set_fontfamily(families(tick.get_text()))
    axes.tick_params(length=0, pad=4)
    figure: Any = axes.figure
    middle = (layout.left + layout.side / 2) / layout.width
    kind = {"fontsize": 10.5, "color": GREY}
    figure.text(middle, 8 / layout.height, "predicted class", ha="center", va="bottom", **kind)
    centre = 1 - (layout.top + layout.side / 2) / layout.height
    figure.text(
        10 / layout.width, centre, "true class", rotation=90, ha="left", va="center", **kind
    )


def _titles(spec: HeatmapSpec, figure: Figure, layout: Layout) -> None:
    left = 10 / layout.width
    figure.text(left, 1 - 8 / layout.height, spec.title, fontsize=13, fontweight="bold",
                color=INK, ha="left", va="top")  # fmt: skip
    subtitle = fitting(spec.subtitle, figure.canvas, layout.width - 20)
    figure.text(left, 1 - 27 / layout.height, subtitle, fontsize=10.5, color=GREY,
                ha="left", va="top", fontfamily=families(subtitle))  # fmt: skip
