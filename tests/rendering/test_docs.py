"""docs/viewers.md says what is so."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from reportgen.options.page import _REFUSED, COLORMAPS, PageOptions
from reportgen.rendering.appearance import own_tokens, read_theme

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "viewers.md").read_text("utf-8")


def test_the_theme_of_the_document_can_be_read_and_sets_every_variable():
    rules = read_theme(DOCS / "theme.css")
    for scheme in ("light", "dark"):
        (block,) = re.findall(rf"scheme: {scheme}\) {{:root{{(.*?)}}}}", rules)
        assert set(re.findall(r"(--[a-z-]+):", block)) == set(own_tokens()[scheme])


def test_every_option_and_every_colour_map_is_told():
    for name in (item.name for item in fields(PageOptions)):
        assert f"--{name.replace('_', '-')}" in PAGE, name
    for name in COLORMAPS:
        assert f"`{name}`" in PAGE
    assert {"jet", "RdYlGn"} <= set(_REFUSED)
