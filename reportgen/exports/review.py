"""The drawings of a release review: bars of change, cells of differences, all without style."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup, escape

from reportgen.report.model_review import Delta, DifferenceCell, Scale

__all__ = ["FILTERS"]

LEFT, WIDTH = 2, 100
"""Where the axis of a bar begins, and how long it is, in its drawing."""


def change_bar(change: Delta, scale: Scale) -> Markup:
    """A bar from 0 to the change, to the left where the figure fell, with a whisker.

    An interval that reaches beyond the axis ends at its end, without a cap there.
    """
    if change.value is None:
        return Markup("")

    def x(value: float) -> float:
        place = (value - scale.low) / (scale.high - scale.low)
        return LEFT + min(max(0.0, place), 1.0) * WIDTH

    zero, end = x(0.0), x(change.value)
    whisker = ""
    if change.low is not None and change.high is not None:
        caps = "".join(
            f"M{x(value):.1f} 5V11"
            for value in (change.low, change.high)
            if scale.low <= value <= scale.high
        )
        whisker = f'<path class="g-cap" d="M{x(change.low):.1f} 8H{x(change.high):.1f}{caps}"/>'
    return Markup(
        '<svg viewBox="0 0 104 16" aria-hidden="true">'
        f'<rect class="g-bar" x="{min(zero, end):.1f}" y="4" '
        f'width="{max(abs(end - zero), 0.5):.1f}" height="8"/>'
        f'{whisker}<path class="g-zero" d="M{zero:.1f} 0V16"/></svg>'
    )


def difference_cells(cells: Sequence[DifferenceCell], index: int) -> Markup:
    """A row of differences as table cells, in 21 steps from fewer to more."""
    return _cells(cells, index, "d")


def heat_cells(cells: Sequence[DifferenceCell], index: int) -> Markup:
    """A row of shares as table cells, in 21 steps from 0 to 100 %."""
    return _cells(cells, index, "h")


def _cells(cells: Sequence[DifferenceCell], index: int, ramp: str) -> Markup:
    parts = []
    for column, cell in enumerate(cells):
        kind = "na" if cell.step is None else f"{ramp}{cell.step}"
        on_diagonal = " dg" if column == index else ""
        parts.append(f'<td class="{kind}{on_diagonal}">{escape(cell.text)}</td>')
    return Markup("".join(parts))


FILTERS: dict[str, Callable[..., Any]] = {
    "change_bar": change_bar,
    "difference_cells": difference_cells,
    "heat_cells": heat_cells,
}
