"""The page of several candidates against one baseline: a table that leads to their reports."""

from __future__ import annotations

from reportgen.rendering import html
from reportgen.rendering.appearance import PLAIN, PageStyle
from reportgen.report import Overview

__all__ = [
    "page",
    "render",
]


TEMPLATE = "overview.html.j2"


def page(overview: Overview, dress: PageStyle = PLAIN, *, beside: bool = False) -> html.Page:
    """The whole page, ASCII; it asks for nothing, but links to the reports. `beside`: see
    :func:`reportgen.rendering.html.page`.
    """
    return html.plain_page(TEMPLATE, {"overview": overview}, dress, beside=beside)


def render(overview: Overview, dress: PageStyle = PLAIN) -> str:
    """The whole page in one text."""
    return page(overview, dress).html
