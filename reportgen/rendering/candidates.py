"""The overview page of several candidates: a table with links to their reports."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from reportgen.rendering import html
from reportgen.rendering.appearance import PLAIN, PageStyle
from reportgen.report import Cell, ClassPanel, Overview, Side

__all__ = [
    "page",
    "render",
]


TEMPLATE = "overview.html.j2"


def page(overview: Overview, dress: PageStyle = PLAIN, *, beside: bool = False) -> html.Page:
    """The overview page, ASCII; self-contained, with links to the reports.

    `beside`: see :func:`reportgen.rendering.html.page`.
    """
    shown = overview.beside
    values = {
        "overview": overview,
        "bars": [_bar(one, shown.axis) for one in shown.measures[0].cells],
        "panels": [_panel(panel, shown.sides) for panel in shown.classes],
    }
    return html.plain_page(TEMPLATE, values, dress, beside=beside)


def render(overview: Overview, dress: PageStyle = PLAIN) -> str:
    """The page as one text."""
    return page(overview, dress).html


BAR_WIDTH = 260


EDGE = 6


def _bar(one: Cell, axis: tuple[float, float]) -> Markup:
    """A value with its interval on the common axis of all sides."""
    if one.value is None:
        return Markup("")
    low, high = axis

    def x(value: float) -> str:
        return f"{EDGE + (value - low) / (high - low) * (BAR_WIDTH - 2 * EDGE):.1f}"

    ends = "" if one.low is None or one.high is None else f"M{x(one.low)} 8H{x(one.high)}"
    return Markup(
        f'<svg class="chart bar" viewBox="0 0 {BAR_WIDTH} 16" aria-hidden="true">'
        f'<rect class="g-track" x="{EDGE}" y="6" width="{BAR_WIDTH - 2 * EDGE}" height="4"/>'
        f'<path class="g-ci" d="{ends}"/>'
        f'<circle class="g-dot" cx="{x(one.value)}" cy="8" r="4"/></svg>'
    )


PANEL_WIDTH, PANEL_LEFT, ROW = 180, 24, 18


def _panel(panel: ClassPanel, sides: Sequence[Side]) -> Markup:
    """The recall of one class, one row per side, from 0 to 100%."""
    height = ROW * len(sides) + 20

    def x(value: float) -> str:
        return f"{PANEL_LEFT + EDGE + value * (PANEL_WIDTH - PANEL_LEFT - 3 * EDGE):.1f}"

    grid = "".join(f"M{x(tick)} 0V{height - 18}" for tick in (0, 0.5, 1))
    parts = [f'<path class="g-grid" d="{grid}"/>']
    for i, (side, one) in enumerate(zip(sides, panel.cells, strict=True)):
        middle = ROW * i + ROW / 2
        parts.append(f'<text class="g-txt" x="0" y="{middle + 4:g}">{escape(side.mark)}</text>')
        if one.value is None:
            continue
        if one.low is not None and one.high is not None:
            parts.append(f'<path class="g-ci" d="M{x(one.low)} {middle:g}H{x(one.high)}"/>')
        kind = "g-dot" if side.link else "g-before"
        parts.append(f'<circle class="{kind}" cx="{x(one.value)}" cy="{middle:g}" r="3.5"/>')
    for tick, anchor in ((0, "start"), (0.5, "middle"), (1, "end")):
        parts.append(
            f'<text class="g-txt" x="{x(tick)}" y="{height - 4}" text-anchor="{anchor}">'
            f"{100 * tick:.0f}</text>"
        )
    return Markup(
        f'<svg class="chart panel" viewBox="0 0 {PANEL_WIDTH} {height}" role="img" '
        f'aria-label="{escape(panel.alt)}">{"".join(parts)}</svg>'
    )
