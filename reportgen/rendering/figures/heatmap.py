"""Layout and drawing of heatmaps, so that nothing is cut and everything is legible."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.rendering.figures.style import (
    COLOURMAP,
    STEPS,
    colour_map,
    difference_map,
    drawable,
    families,
    light_digits,
    own_settings,
    palette_png,
)
from reportgen.report import HeatmapSpec
from reportgen.text import middle_cut

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "SCALE_FONT",
    "SCALE_WIDTH",
    "DrawnFigure",
    "Layout",
    "axis_labels",
    "draw_heatmap",
    "fitting",
    "heatmap_figure",
    "is_crowded",
    "layout_of",
    "paint_heatmap",
    "scale_ticks",
    "stand_upright",
]


MAX_WIDTH, NARROW, BARE = 800, 496, 520
"""Widths in CSS pixels: maximum, beside another picture, and without names and numbers.

Without them, cells are whole pixels.
"""


LEGIBLE = 9
"""Minimum size of digits in a narrow picture, in CSS pixels.

If they would be smaller, the picture is wide, or without digits for many classes.
"""


SCALE_WIDTH, SCALE_LENGTH, SCALE_FONT = 10, 150, 12


TEXT, TITLE = 12, 13
"""Font sizes in CSS pixels: of names, subtitle and axes, and of the title.

Names in rows less high are dropped.
"""


LOW_CLASSES, LOWEST = 12, 400
"""Up to this many classes, a narrow picture is at most this high, in CSS pixels.

Its cells are then wider than high, if names allow.
"""


LEAST_ROW, MOST_ROW, MOST_CELL = 24, 72, 96
"""Minimum and maximum height of cells of such a picture, and maximum width on the page.

In CSS pixels.
"""


LEAST_WIDTH, LEAST_BARE = 330, 470
"""Minimum width of such a picture, for its title; and of one with the scale beside the title."""


ROOMY, LARGE = 5, 16
"""Up to this many classes, cells have room for digits of this size, in CSS pixels."""


CUTS = (24, 18, 14, 12)
"""Maximum characters of names in a narrow picture of many classes: the first that fits is used."""


FEW_CUTS = (40, 24, 18)
"""The same up to 12 classes; the last is used where none fits."""


SCALE_ROOM = "000,000"
"""The longest text beside a colour scale; constant, so that pictures have equal sizes."""


SPACIOUS = 12
"""Up to this many classes, the colour scale is at the right; above, it is beside the title."""


@dataclass(frozen=True)
class Layout:
    """Positions in CSS pixels from the figure's upper left corner.

    `cell` is the width of one cell, `side` that of all, `high` the height of all; `upright`: column
    names are not rotated.
    """

    width: float
    height: float
    left: float
    top: float
    cell: float
    side: float
    high: float
    font: float
    label_font: float
    upright: bool


def axis_labels(spec: HeatmapSpec) -> tuple[Sequence[str], bool]:
    """The names, or the class numbers 1, 2, 3, … if some names can't be drawn."""
    if all(map(drawable, spec.labels)):
        return spec.labels, False
    return [str(number) for number in spec.numbers or range(1, len(spec.labels) + 1)], True


def row_numbers(spec: HeatmapSpec) -> list[int]:
    """The numbers on the axes if names don't fit: 1, 10, 20, …

    None unless the page lists the classes in picture order.
    """
    return [] if spec.labels or not spec.listed else [1, *range(10, len(spec.values) + 1, 10)]


def stand_upright(labels: Sequence[str]) -> bool:
    """Whether names are so short and few that column names need no rotation."""
    return len(labels) <= 30 and max(map(len, labels), default=0) <= 3


def layout_of(
    spec: HeatmapSpec, labels: Sequence[str], canvas: Any, width: float | None = None
) -> Layout:
    """Room for the longest label, and the largest cells that fit: narrow, if legible."""
    if width is not None:
        return _layout(spec, labels, canvas, width)
    if not labels and spec.texts is None:
        return _layout(spec, labels, canvas, BARE)
    if len(spec.values) <= SPACIOUS:
        narrow = _layout(spec, labels, canvas, NARROW, math.inf)
        row = narrow.high / len(spec.values)
        font = _digit_font(spec, canvas, narrow.cell, row, spec.beside)
        if font >= LEGIBLE:
            return narrow
    return _layout(spec, labels, canvas, MAX_WIDTH)


def _layout(
    spec: HeatmapSpec,
    labels: Sequence[str],
    canvas: Any,
    width: float,
    most_cell: float = MOST_CELL,
) -> Layout:
    k = len(spec.values)
    shown = labels or [str(number) for number in row_numbers(spec)]
    longest = max((_text_width(canvas, label, TEXT) for label in shown), default=0.0)
    left = 34 + longest + (6 if shown else 0)
    right, top = 16.0, 48
    if k <= SPACIOUS:
        ends = (SCALE_ROOM, *(text for _, text in scale_ticks(spec)))
        widest = max(_text_width(canvas, text, SCALE_FONT) for text in ends)
        right = 14 + SCALE_WIDTH + 3 + widest + 8
    side = width - left - right
    low = spec.texts is not None and k <= LOW_CLASSES and width == NARROW
    if not labels and spec.texts is None:
        side = k * max(1, int(2 * side / k)) / 2  # whole pixels per cell
        width = max(left + side + right, LEAST_BARE)
    elif low:
        side = min(side, max(most_cell * k, LEAST_WIDTH - left - right))
        width = left + side + right
    cell = side / k
    upright = not labels or stand_upright(labels) or longest <= cell - 8
    below = TEXT * 1.4 if upright and shown else longest
    bottom = 30 + below + (6 if shown else 0)
    high = side
    if low:
        high = min(side, max(LOWEST - top - bottom, LEAST_ROW * k), MOST_ROW * k)
    return Layout(
        width=round(width),
        height=round(top + high + bottom),
        left=left,
        top=top,
        cell=cell,
        side=side,
        high=high,
        font=_digit_font(spec, canvas, cell, high / k),
        label_font=min(TEXT, max(LEGIBLE, high / k)),
        upright=upright,
    )


def scale_ticks(spec: HeatmapSpec) -> list[tuple[float, str]]:
    """The ends and the middle of the colour scale: value and text."""
    if spec.diverging:
        end = f"{100 * spec.top:.3g}"
        return [(-spec.top, f"\u2212{end}"), (0.0, "0"), (spec.top, f"+{end}")]
    values = [0.0, spec.top * 0.5 ** (1 / spec.power), spec.top] if spec.top else [0.0]
    return [(value, _scale_text(value, spec)) for value in values]


def _scale_text(value: float, spec: HeatmapSpec) -> str:
    if spec.unit != "samples":
        return f"{100 * value:.3g}%"
    if value >= 1e6:
        return f"{value / 1e6:.3g}M" if value < 1e9 else f"{value / 1e9:.3g}G"
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def _digit_font(
    spec: HeatmapSpec, canvas: Any, cell: float, row: float, beside: Sequence[str] = ()
) -> float:
    """The font size, in CSS pixels, at which the longest number fits its cell.

    The cell has width `cell` and height `row`; texts `beside` are considered too.
    """
    if spec.texts is None:
        return 0.0
    shapes = {re.sub("[0-9]", "0", text) for row in (*spec.texts, beside) for text in row}
    widest = max(_text_width(canvas, shape, 10.0) for shape in shapes)  # digits have equal widths
    most = LARGE if len(spec.texts) <= ROOMY else TEXT
    return min(most, 10.0 * (cell - 3) / max(widest, 1.0), 0.62 * row)


def _text_width(canvas: Any, text: str, size: float) -> float:
    """Width in CSS pixels of `text` at a font size in CSS pixels."""
    from matplotlib.font_manager import FontProperties

    font = FontProperties(family=families(text), size=size)
    width, _, _ = canvas.get_renderer().get_text_width_height_descent(text, font, False)
    return float(width) / 2


def _between(low: float, value: float, high: float) -> float:
    return max(low, min(value, high))


def is_crowded(spec: HeatmapSpec) -> bool:
    """Whether so many numbers are drawn that there is no room for a colour scale."""
    return spec.texts is not None and len(spec.values) > SPACIOUS


def fitting(text: str, canvas: Any, width: float) -> str:
    """`text` in at most `width` CSS pixels, its middle cut; empty if it can't be drawn."""
    if not drawable(text):
        return ""
    for length in range(len(text), 8, -4):
        cut = middle_cut(text, length)
        if _text_width(canvas, cut, TEXT) <= width:
            return cut
    return ""


DPIS = (144, 108, 72)
"""Pixels per figure inch; the first that keeps the file small is used.

Pictures are shown at 72 per inch, so a point is a CSS pixel, which is two file pixels at the first
value.
"""


POINTS = 72


MAX_BYTES = 120_000


INK, GREY, NOTHING = "#15181c", "#565e68", "#eceef1"


DIGITS_DARK, DIGITS_LIGHT = "#000000", "#ffffff"


@dataclass(frozen=True)
class DrawnFigure:
    """A picture of a matrix.

    Attributes
    ----------
    content
        PNG.
    width, height
        The size to show it at, in CSS pixels.
    axis_numbers
        Whether its axes have numbers because no font has the glyphs of the names.
    cells
        Position of its cells: left, top, width and height, as fractions of the picture's width and
        height.
    has_digits
        Whether each cell shows its number.
    has_names
        Whether the axes show names, or class numbers instead.
    """

    content: bytes
    width: int
    height: int
    axis_numbers: bool
    cells: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    has_digits: bool = True
    has_names: bool = True


def draw_heatmap(
    spec: HeatmapSpec, colourmap: str = COLOURMAP, width: float | None = None
) -> DrawnFigure:
    """The picture of a matrix as a palette PNG, at most 1,600 pixels wide and 120 kB.

    `width` is the display width in CSS pixels, by default that of the page, where the pictures of
    one matrix are side by side. Long names are cut; illegible numbers and names are dropped.
    """
    with own_settings():
        if width is None:
            spec, width = _beside_another(spec)
        else:
            spec = _named(_legible(spec, width), width)
        figure, numbered = heatmap_figure(spec, colourmap, width)
        palette = _palette(spec, colourmap)
        for dpi in DPIS:
            content = palette_png(_rasterise(figure, dpi), palette)
            if len(content) <= MAX_BYTES:
                break
    across, down = (round(POINTS * inches) for inches in figure.get_size_inches())
    box = figure.axes[0].get_position()
    cells = (box.x0, 1 - box.y1, box.width, box.height)
    digits, names = spec.texts is not None, bool(spec.labels)
    return DrawnFigure(content, across, down, numbered, cells, digits, names)


def _legible(spec: HeatmapSpec, width: float) -> HeatmapSpec:
    """Without the numbers of its cells, if these are too small at this width."""
    canvas = _empty_figure().canvas
    layout = _layout(spec, axis_labels(spec)[0], canvas, width)
    is_small = spec.texts is not None and layout.font < LEGIBLE
    return replace(spec, texts=None) if is_small else spec


def _beside_another(spec: HeatmapSpec) -> tuple[HeatmapSpec, float | None]:
    """The legible content of a narrow picture, and its width in CSS pixels; None if it is wide."""
    canvas = _empty_figure().canvas
    if len(spec.values) <= LOW_CLASSES:
        fits = [one for one in _shortened(spec, FEW_CUTS) if _has_room(one, canvas)]
        low = (one for one in fits if _height(one, canvas) <= LOWEST)
        return (next(low, fits[-1]), NARROW) if fits else (spec, None)
    if spec.texts is not None:
        layout = _layout(spec, axis_labels(spec)[0], canvas, NARROW)
        if _digit_font(spec, canvas, layout.cell, layout.cell, spec.beside) < LEGIBLE:
            spec = replace(spec, texts=None)
    spec = _named(spec, NARROW)
    return spec, NARROW if spec.labels or spec.texts else BARE


def _has_room(spec: HeatmapSpec, canvas: Any) -> bool:
    """Whether the digits of a narrow picture of few classes are legible."""
    layout = _layout(spec, axis_labels(spec)[0], canvas, NARROW)
    row = layout.high / len(spec.values)
    return _digit_font(spec, canvas, layout.cell, row, spec.beside) >= LEGIBLE


def _height(spec: HeatmapSpec, canvas: Any) -> float:
    return _layout(spec, axis_labels(spec)[0], canvas, NARROW).height


def _shortened(spec: HeatmapSpec, lengths: Sequence[int] = CUTS) -> Iterator[HeatmapSpec]:
    """With names of at most so many characters, as long as they stay distinct."""
    for length in lengths:
        cut = tuple(middle_cut(label, length) for label in spec.labels)
        if len(set(cut)) < len(set(spec.labels)):
            return
        yield replace(spec, labels=cut)


def _named(spec: HeatmapSpec, width: float) -> HeatmapSpec:
    """With names as long as rows leave room for their letters, or without names."""
    canvas = _empty_figure().canvas
    for short in _shortened(spec) if spec.labels else ():
        layout = _layout(short, axis_labels(short)[0], canvas, width)
        if layout.high / len(spec.values) >= TEXT:
            return short
    return replace(spec, labels=())


def heatmap_figure(
    spec: HeatmapSpec, colourmap: str = COLOURMAP, width: float | None = None
) -> tuple[Any, bool]:
    """The figure, not yet drawn, and whether its axes have numbers instead of names."""
    figure = _empty_figure()
    labels, numbered = axis_labels(spec)
    layout = layout_of(spec, labels, figure.canvas, width)
    figure.set_size_inches(layout.width / POINTS, layout.height / POINTS)
    axes = _add_axes(figure, layout, layout.left, layout.top, layout.side, layout.high)
    _heatmap(spec, figure, axes, layout, _colours(spec, colourmap))
    _frame(axes, spec)
    _label_axes(axes, labels, layout)
    _number_axes(axes, row_numbers(spec))
    _titles(spec, figure, layout)
    return figure, numbered


def paint_heatmap(spec: HeatmapSpec, axes: Axes, colourmap: str = COLOURMAP) -> None:
    """Draw the heatmap on existing axes, in their size."""
    with own_settings():
        labels, _ = axis_labels(spec)
        figure: Any = axes.figure
        box = axes.get_window_extent()
        side = POINTS * min(box.width, box.height) / figure.dpi
        cell = side / len(spec.values)
        font = _digit_font(spec, _empty_figure().canvas, cell, cell)
        names = _between(6, 0.9 * cell, TEXT)
        upright = stand_upright(labels)
        layout = Layout(side, side, 0, 0, cell, side, side, font, names, upright)
        bar = None if is_crowded(spec) else axes.inset_axes((1.03, 0.55, 0.03, 0.45))
        _paint(spec, axes, layout, _colours(spec, colourmap), bar)
        _frame(axes, spec)
        _ticks(axes, labels, layout)
        axes.set_aspect("equal")
        axes.set_title(spec.title, loc="left", fontsize=11, fontweight="bold", color=INK)
        axes.set_xlabel("predicted class", color=GREY)
        axes.set_ylabel("true class", color=GREY)


def _empty_figure() -> Any:
    """A figure that is only drawn on request.

    seaborn draws a figure just to check for overlapping tick labels, which are replaced afterwards.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure: Any = Figure(dpi=DPIS[0])
    FigureCanvasAgg(figure)
    figure.draw = lambda _renderer: None
    return figure


def _rasterise(figure: Any, dpi: float) -> NDArray[np.uint8]:
    """The figure's pixels, uint8, shape (height, width, 4)."""
    vars(figure).pop("draw", None)  # the figure's own method again
    figure.set_dpi(dpi)
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())


def _palette(spec: HeatmapSpec, colourmap: str) -> NDArray[np.int64]:
    """int64, shape (at most 256, 3): exact colours of the cells, and greys for letters.

    With hundreds of numbers both are few, to limit the file size.
    """
    crowded = is_crowded(spec)
    ramp = np.asarray(_colours(spec, colourmap)(np.linspace(0, 1, STEPS if crowded else 160)))[
        :, :3
    ]
    grey = np.repeat(np.linspace(0, 1, 5 if crowded else 32)[:, None], 3, axis=1)
    return np.round(255 * np.concatenate([ramp, grey])).astype(np.int64)


def _colours(spec: HeatmapSpec, colourmap: str) -> Any:
    """The colour map; in the 21 steps of the page's tables if many numbers are drawn."""
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
    bar, many = None, len(spec.values) > SPACIOUS
    if many and not is_crowded(spec):
        left = layout.width - 16 - SCALE_LENGTH
        bar = _add_axes(figure, layout, left, 12, SCALE_LENGTH, SCALE_WIDTH)
    elif not many:
        bar = _add_axes(figure, layout, layout.left + layout.side + 14, layout.top, SCALE_WIDTH,
                        min(layout.high, 180))  # fmt: skip
    _paint(spec, axes, layout, colours, bar, "horizontal" if many else "vertical")


def _paint(
    spec: HeatmapSpec,
    axes: Axes,
    layout: Layout,
    colours: Any,
    bar: Axes | None,
    scale: Literal["horizontal", "vertical"] = "vertical",
) -> None:
    import seaborn

    undefined = np.isnan(spec.values)
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
        cbar_kws={"orientation": scale},
        ax=axes,
    )
    _colour_digits(axes)
    _hatch(axes, undefined, spec, layout)
    if bar is not None:
        _scale(bar, spec, scale)


def _norm(spec: HeatmapSpec) -> Any:
    """Maps values to 0..1 of the colour map; for differences 0 is in the middle."""
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
    """Black or white, whichever has more contrast with the cell: at least 4.58:1."""
    if not axes.texts:
        return
    mesh: Any = axes.collections[0]
    faces = mesh.get_facecolors()[~np.ma.getmaskarray(mesh.get_array()).ravel()]
    for text, is_light in zip(axes.texts, light_digits(faces), strict=True):
        text.set_color(DIGITS_LIGHT if is_light else DIGITS_DARK)


def _hatch(axes: Axes, undefined: NDArray[np.bool_], spec: HeatmapSpec, layout: Layout) -> None:
    """Rows without samples are hatched with n/a in every cell: undefined is not 0."""
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


def _scale(bar: Axes, spec: HeatmapSpec, scale: Literal["horizontal", "vertical"]) -> None:
    """The colour scale: its ends, its middle, its unit."""
    values, texts = zip(*scale_ticks(spec), strict=True)
    (bar.set_yticks if scale == "vertical" else bar.set_xticks)(values, texts)
    bar.tick_params(length=0, pad=3, labelsize=SCALE_FONT, labelcolor=GREY)
    if scale == "horizontal":
        labels = bar.get_xticklabels()
        labels[-1].set_horizontalalignment("right")
        labels[0].set_horizontalalignment("left")


def _ticks(axes: Axes, labels: Sequence[str], layout: Layout) -> None:
    places = np.arange(len(labels)) + 0.5
    size = layout.label_font
    axes.set_xticks(places if labels else [])
    axes.set_yticks(places if labels else [])
    if labels:
        turned = 0 if layout.upright else 90
        axes.set_xticklabels(labels, rotation=turned, fontsize=size, color=INK)
        axes.set_yticklabels(labels, rotation=0, fontsize=size, color=INK)
        for tick in [*axes.get_xticklabels(), *axes.get_yticklabels()]:
            tick.set_fontfamily(families(tick.get_text()))
    axes.tick_params(length=0, pad=4)


def _label_axes(axes: Axes, labels: Sequence[str], layout: Layout) -> None:
    _ticks(axes, labels, layout)
    figure: Any = axes.figure
    middle = (layout.left + layout.side / 2) / layout.width
    kind = {"fontsize": TEXT, "color": GREY}
    figure.text(middle, 8 / layout.height, "predicted class", ha="center", va="bottom", **kind)
    centre = 1 - (layout.top + layout.high / 2) / layout.height
    figure.text(
        10 / layout.width, centre, "true class", rotation=90, ha="left", va="center", **kind
    )


def _number_axes(axes: Axes, numbers: Sequence[int]) -> None:
    if not numbers:
        return
    places = np.array(numbers) - 0.5
    axes.set_xticks(places, list(map(str, numbers)), fontsize=TEXT, color=GREY)
    axes.set_yticks(places, list(map(str, numbers)), fontsize=TEXT, color=GREY)
    axes.tick_params(rotation=0)


def _titles(spec: HeatmapSpec, figure: Figure, layout: Layout) -> None:
    left = 10 / layout.width
    figure.text(left, 1 - 8 / layout.height, spec.title, fontsize=TITLE, fontweight="bold",
                color=INK, ha="left", va="top")  # fmt: skip
    beside = SCALE_LENGTH + 20 if len(spec.values) > SPACIOUS and not is_crowded(spec) else 0
    subtitle = fitting(spec.subtitle, figure.canvas, layout.width - 20 - beside)
    figure.text(left, 1 - 27 / layout.height, subtitle, fontsize=TEXT, color=GREY,
                ha="left", va="top", fontfamily=families(subtitle))  # fmt: skip
