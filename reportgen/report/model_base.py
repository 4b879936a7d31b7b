"""What sections of several kinds hold: pictures, terms, numbers as cells, footnotes."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.report.words import Words

__all__ = ["Cell", "Fact", "Reason", "Thumbnail"]


@dataclass(frozen=True)
class Thumbnail:
    """A sample's picture, re-encoded from its pixels.

    Attributes
    ----------
    content, mime
        The file's bytes, and ``"image/png"`` or ``"image/jpeg"``.
    width, height
        Pixels, at least 1.
    pixelated
        Whether it is enlarged without smoothing: sources of at most 64 px.
    """

    content: bytes
    mime: str
    width: int
    height: int
    pixelated: bool


@dataclass(frozen=True)
class Fact:
    """A term and what is known of it; `code` where it is to be copied letter by letter."""

    term: str
    values: tuple[Words, ...]
    code: bool = False


@dataclass(frozen=True)
class Cell:
    """One number with its uncertainty, as drawn and as read.

    Attributes
    ----------
    value, low, high
        The exact numbers, None where undefined.
    text, range
        The same for reading, without a unit; `range` is empty without an interval.
    mark
        Letter of the :class:`Reason` why something is missing, or empty.
    """

    value: float | None
    low: float | None
    high: float | None
    text: str
    range: str
    mark: str = ""


@dataclass(frozen=True)
class Reason:
    """A footnote: what the letter behind a cell means."""

    mark: str
    sentence: str
