"""The page of several candidates against one baseline: a table that leads to their reports."""

from __future__ import annotations

from reportgen.exports import html
from reportgen.exports.dress import PLAIN, Dress
from reportgen.report.overview import Overview

__all__ = ["page", "render"]

TEMPLATE = "overview.html.j2"


def page(overview: Overview, dress: Dress = PLAIN, *, beside: bool = False) -> html.Page:
    """The whole page, ASCII; it asks for nothing, but links to the reports. `beside`: see
    :func:`reportgen.exports.html.page`.
    """
    return html.plain_page(TEMPLATE, {"overview": overview}, dress, beside=beside)


def render(overview: Overview, dress: Dress = PLAIN) -> str:
    """The whole page in one text."""
    return page(overview, dress).html
