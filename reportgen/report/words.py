"""Sentences with names from data, which each output marks in its own way.

A page isolates the writing direction of a name, Markdown uses a code span, plain text shows it
unchanged. So a sentence is a sequence of parts, and names stay separate until output.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter

from reportgen.comparison import ALPHA
from reportgen.text import interval_ends, links, middle_cut, percent, printable, reads_alone

__all__ = [
    "NBSP",
    "PROPORTIONS_ONLY",
    "Name",
    "Words",
    "at_most",
    "class_names",
    "interval",
    "join",
    "list_names",
    "p_text",
    "p_words",
    "ratio",
    "say",
    "share",
    "shorten",
    "signed",
    "signed_interval",
]


NBSP = "\u00a0"


MINUS = "\u2212"


PROPORTIONS_ONLY = "n/a: proportions only"
"""Shown instead of values that need counts, if the matrix has proportions only."""


NAME_WIDTH = 40


@dataclass(frozen=True)
class Name:
    """A name that came from data.

    Attributes
    ----------
    text
        The displayed text: at most 40 characters, shortened in the middle.
    full
        The whole name.
    bare
        Whether it needs no quotation marks in a plain sentence.
    is_class
        Whether it is a class name, which pages mark by style.
    """

    text: str
    full: str
    bare: bool = True
    is_class: bool = False

    @classmethod
    def of(cls, raw: str, width: int = NAME_WIDTH) -> Name:
        """Any name (file, model, data set), made printable and short."""
        full = printable(raw)
        return cls(middle_cut(full, width), full)

    def __str__(self) -> str:
        return self.text

    @property
    def spoken(self) -> str:
        """The name in a plain sentence; in quotation marks if it would not be seen as a name."""
        return self.text if self.bare else f"“{self.text}”"


@dataclass(frozen=True)
class Words:
    """A sentence: text and names in turn; ``str()`` is its plain form."""

    parts: tuple[str | Name, ...]

    def __str__(self) -> str:
        return "".join(part if isinstance(part, str) else part.spoken for part in self.parts)

    def __bool__(self) -> bool:
        return bool(self.parts)


def say(template: str, **values: str | Name | Words) -> Words:
    """A sentence from `template`, with ``{key}`` replaced by ``values[key]``.

    The case of a name never changes, even at the beginning: readers must be able to search for it.
    """
    return Words(tuple(_parts(template, values)))


def _parts(template: str, values: Mapping[str, str | Name | Words]) -> Iterator[str | Name]:
    for literal, key, _, _ in Formatter().parse(template):
        if literal:
            yield literal
        if key is not None:
            yield from _spoken(values[key])


def join(*sentences: Words) -> Words:
    """Sentences joined by spaces; empty ones are dropped."""
    parts: list[str | Name] = []
    for sentence in filter(None, sentences):
        parts.extend([" "] * bool(parts) + list(sentence.parts))
    return Words(tuple(parts))


def list_names(names: Sequence[Name], limit: int = 5) -> Words:
    """``a, b and c``, or ``a, b, c, d, e and 12 more``."""
    shown = list(names[:limit])
    rest = len(names) - len(shown)
    parts: list[str | Name] = []
    for link, name in zip(links(len(shown), rest), shown, strict=True):
        parts.extend([link] * bool(link) + _spoken(name))
    if rest:
        parts.append(f" and {rest:,} more")
    return Words(tuple(parts))


def _spoken(value: str | Name | Words) -> list[str | Name]:
    if isinstance(value, Words):
        return list(value.parts)
    if isinstance(value, str):
        return [value] if value else []
    return [value]


def shorten(names: Sequence[str], width: int = NAME_WIDTH) -> tuple[str, ...]:
    """Shorten names to at most `width` characters; distinct names stay distinct.

    The middle is cut out; names that become equal get a number in its place.
    """
    cut = [middle_cut(name, width) for name in names]
    taken = set(cut)
    seen: set[str] = set()
    for position, short in enumerate(cut):
        number = 1
        while short in seen or (number > 1 and short in taken):
            number += 1
            mark = f"…{number}…"
            head = (width - len(mark) + 1) // 2
            tail = width - len(mark) - head
            name = names[position]
            short = f"{name[:head]}{mark}{name[len(name) - tail :]}"
        seen.add(short)
        cut[position] = short
    return tuple(cut)


def class_names(classes: Sequence[str]) -> tuple[Name, ...]:
    """The classes as names for sentences and tables: printable, short, unique."""
    full = [printable(name) or "(empty)" for name in classes]
    return tuple(
        Name(short, whole, reads_alone(short), is_class=True)
        for short, whole in zip(shorten(full), full, strict=True)
    )


def share(value: float, digits: int = 1) -> str:
    """A proportion in 0..1 as percent: ``84.5%``."""
    return percent(value, digits, "%")


def interval(ends: tuple[float, float], unit: str = "%") -> str:
    """``83.8–85.2%``, from proportions in 0..1."""
    return "–".join(interval_ends(ends)) + unit


def signed_interval(ends: tuple[float, float]) -> str:
    """``0.838–0.852``, ``−0.012 to 0.031``, ``0.973 to >0.999``.

    Ends near 0 and ±1 are bounds; ends that would be equal get more digits.
    """
    low, high = map(signed, ends)
    if low == high:
        low, high = (signed(end, _digits(end)) for end in ends)
    return f"{low} to {high}" if {MINUS, "<", ">"} & set(low + high) else f"{low}–{high}"


def _digits(value: float, digits: int = 3) -> int:
    """The smallest number of digits, at least `digits`, that distinguish `value` from 0 and ±1."""
    enough = (
        d for d in range(digits, 15) if abs(value) > 1 or float(f"{abs(value):.{d}f}") not in (0, 1)
    )
    return next(enough, digits)


def p_text(p: float | None) -> str:
    """A p-value to three digits, or more if it would read as exactly 0.05."""
    if p is None:
        return "n/a"
    if p < 0.001:
        return "<0.001"
    if p == 1:
        return "1"
    digits = next((d for d in range(3, 9) if p == ALPHA or float(f"{p:.{d}f}") != ALPHA), 9)
    text = f"{p:.{digits}f}"
    return ">0.999" if float(text) == 1 else text


def p_words(p: float) -> str:
    """A p-value for a sentence: ``= 0.012``, ``< 0.001``."""
    text = p_text(p)
    return f"{text[0]} {text[1:]}" if text[0] in "<>" else f"= {text}"


def at_most(bound: float) -> str:
    """A proportion in 0..1 rounded *up*, so that "at most" stays true.

    To 0.1%, and to two digits below that.
    """
    if bound <= 0:
        return "0%"
    digits = 1 if bound >= 0.001 else 1 - math.floor(math.log10(100 * bound))
    scale = 10**digits
    return f"{math.ceil(100 * bound * scale - 1e-9) / scale:.{digits}f}%"


def ratio(value: float) -> str:
    """A number of at least 0, to three digits: ``8.20``, ``63.4``, ``1,060``."""
    if value == 0:
        return "0"
    if value < 0.01:
        return "<0.01"
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:,.{digits}f}"


def signed(value: float, digits: int = 3) -> str:
    """A number, usually in −1..1: ``0.848``; only a true 0 is "0", only a true ±1 is ±1."""
    if value in (0, 1, -1):
        return f"{value:.0f}".replace("-", MINUS)
    text = f"{abs(value):.{digits}f}"
    sign = MINUS if value < 0 else ""
    step = 10.0**-digits
    if float(text) == 0:
        return f"{'>' if sign else '<'}{sign}{step:.{digits}f}"
    if float(text) == 1 and abs(value) < 1:
        return f"{'<' if sign else '>'}{sign}{1 - step:.{digits}f}"
    return f"{sign}{text}"
