"""Which fonts can draw a name, and whether any can."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

__all__ = ["drawable", "families"]

FALLBACK_FONTS = (
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans", "WenQuanYi Zen Hei", "Hiragino Sans",
    "Yu Gothic", "Microsoft YaHei", "PingFang SC", "Malgun Gothic", "Arial Unicode MS",
)  # fmt: skip
"""Fonts that may be installed and hold scripts that matplotlib's own font lacks."""


def drawable(text: str) -> bool:
    """Whether the fonts at hand have every glyph, and need no shaping that we lack."""
    if text.isascii():
        return True
    directions = {unicodedata.bidirectional(character) for character in text}
    return not directions & {"R", "AL", "AN"} and not _lacking(text, families(text))


def families(text: str) -> list[str]:
    """matplotlib's own font, and after it the first installed one that has what it lacks."""
    from matplotlib import rcParams

    own = list(rcParams["font.family"])
    if text.isascii() or not _lacking(text, own):
        return own
    for family in FALLBACK_FONTS:
        if _font_file(family) and not _lacking(text, [*own, family]):
            return [*own, family]
    return own


def _lacking(text: str, chosen: Sequence[str]) -> set[int]:
    """The code points of `text` for which none of the fonts has a glyph."""
    from matplotlib.font_manager import get_font

    missing = {ord(character) for character in text}
    for family in chosen:
        path = _font_file(family)
        if path:
            missing -= set(get_font(path).get_charmap())
    return missing


def _font_file(family: str) -> str | None:
    from matplotlib.font_manager import FontProperties, fontManager

    try:
        return str(fontManager.findfont(FontProperties(family=family), fallback_to_default=False))
    except ValueError:
        return None
