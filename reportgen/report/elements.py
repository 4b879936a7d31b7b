"""Elements of several sections: pictures, terms, table cells, footnotes."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.metrics import REASONS, Definition, Metric
from reportgen.report.words import Words, interval, ratio, share, signed, signed_interval
from reportgen.text import count

__all__ = [
    "Cell",
    "Fact",
    "Footnotes",
    "Reason",
    "Thumbnail",
    "cell",
    "unit_of",
    "value_text",
]


@dataclass(frozen=True)
class Thumbnail:
    """A sample's picture, re-encoded from its pixels.

    Attributes
    ----------
    content, mime
        The file's bytes, and ``"image/png"``, ``"image/webp"`` or ``"image/jpeg"``.
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
    """A term and its value; `code` for values that are copied verbatim."""

    term: str
    values: tuple[Words, ...]
    code: bool = False


@dataclass(frozen=True)
class Cell:
    """A number with its uncertainty, exact and as text.

    Attributes
    ----------
    value, low, high
        The exact numbers, None if undefined.
    text, range
        The same as text without unit; `range` is empty without an interval.
    mark
        Letter of the :class:`Reason` for a missing value, or empty.
    """

    value: float | None
    low: float | None
    high: float | None
    text: str
    range: str
    mark: str = ""


@dataclass(frozen=True)
class Reason:
    """A footnote: the meaning of a letter behind a cell."""

    mark: str
    sentence: str


NOT_AVAILABLE = "n/a"


class Footnotes:
    """Assigns letters to reasons, in the order of first occurrence."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}

    def mark(self, code: str) -> str:
        return self._letters.setdefault(code, _letter(len(self._letters)))

    def reasons(self) -> tuple[Reason, ...]:
        return tuple(Reason(mark, REASONS.get(code, code)) for code, mark in self._letters.items())


def _letter(position: int) -> str:
    return chr(ord("a") + position % 26) * (1 + position // 26)


def unit_of(definition: Definition) -> str:
    return "%" if definition.kind == "share" else ""


def cell(metric: Metric, definition: Definition, notes: Footnotes) -> Cell:
    """A metric as a cell; a missing value or interval has a footnote letter."""
    low, high = metric.interval or (None, None)
    wanted = metric.value is None or definition.interval != "none"
    mark = notes.mark(metric.reason) if metric.reason and wanted else ""
    if metric.value is None:
        return Cell(None, None, None, NOT_AVAILABLE, "", mark)
    return Cell(
        metric.value, low, high, number(metric.value, definition), ends(metric, definition), mark
    )


def value_text(value: float, definition: Definition) -> str:
    """The text of :func:`cell`; `value` is nan if undefined."""
    return NOT_AVAILABLE if value != value else number(value, definition)


def number(value: float, definition: Definition) -> str:
    """The value without its unit: ``84.5``, ``0.848``, ``1,000``."""
    if definition.kind == "count":
        return count(int(value))
    if definition.kind == "share":
        return share(value).removesuffix("%")
    return ratio(value) if definition.kind == "ratio" else signed(value)


def ends(metric: Metric, definition: Definition) -> str:
    """The interval without its unit: ``83.8–85.2``, ``−0.012 to 0.031``; empty without one."""
    if metric.interval is None:
        return ""
    if definition.kind == "share":
        return interval(metric.interval, "")
    if definition.kind == "signed":
        return signed_interval(metric.interval)
    low, high = (number(end, definition) for end in metric.interval)
    return f"{low}–{high}"
