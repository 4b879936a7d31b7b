"""The page of several candidates against one baseline: a table that leads to their reports."""

from __future__ import annotations

from reportgen.exports import html
from reportgen.report.overview import Overview

__all__ = ["render"]

TEMPLATE = "overview.html.j2"


def render(overview: Overview) -> str:
    """The whole page, ASCII; it holds no image and asks for nothing, but links to the reports."""
    return html.plain_page(TEMPLATE, {"overview": overview})
