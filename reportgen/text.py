"""Display text: safe names, and numbers without false precision.

Names of classes, files and models come from data, so they are untrusted until escaped. This module
makes them safe for *plain* text (terminal, error, CSV, JSON, figure); the template engine escapes
for HTML.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

__all__ = [
    "count",
    "encodable",
    "enumerated",
    "in_sentence",
    "inert",
    "interval_ends",
    "interval_percent",
    "links",
    "listing",
    "middle_cut",
    "nearest",
    "percent",
    "plural",
    "printable",
    "quoted",
    "reads_alone",
    "typed",
    "without_secrets",
]


# Marks that change the direction or visibility of surrounding text (Trojan Source), and invisible
# characters: soft hyphens, fillers, tags, and the two that XML can't represent.
_UNSEEN = frozenset(
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u2028\u2029\u2800\u3164\ufeff\uffa0\ufff9"
    "\ufffa\ufffb\ufffe\uffff"
    + "".join(
        map(chr, (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070),
                  *range(0xE0000, 0xE0080)))
    )
)  # fmt: skip


_JOINERS = frozenset("\u200c\u200d")  # legal inside words and emoji sequences


def printable(name: str) -> str:
    """`name` on one line, with control, direction and surrogate characters as escapes.

    >>> printable("a\\nb\\x1b[31m")
    'a\\\\nb\\\\x1b[31m'
    """
    if name.isascii() and name.isprintable():
        return name
    return "".join(_printable_character(character) for character in name)


def _printable_character(character: str) -> str:
    if character in _JOINERS:
        return character
    if character in _UNSEEN or unicodedata.category(character) in {"Cc", "Cs"}:
        return character.encode("unicode_escape", "backslashreplace").decode("ascii")
    return character


# Patterns that CI systems execute in a job log: GitHub at the beginning of a line (after blanks),
# and GitHub, Azure Pipelines and TeamCity anywhere in a line.
_COMMAND_MARK = re.compile(r"#(?=#(?:\[|vso\[|teamcity\[))", re.IGNORECASE)


_COMMAND_START = re.compile(r"^([^\S\n]*):(?=:)", re.MULTILINE)


_PLAIN_MARKS = str.maketrans(
    {"×": "x", "–": "-", "−": "-", "…": "...", "→": "->", "≤": "<=", "“": '"', "”": '"'}
)


def inert(line: str) -> str:
    """`line` with CI commands broken up by an escape.

    >>> inert("a ##vso[task.complete]"), inert("::error::a")
    ('a \\\\x23#vso[task.complete]', '\\\\x3a:error::a')
    """
    line = _COMMAND_MARK.sub(r"\\x23", line)
    return _COMMAND_START.sub(r"\1\\x3a", line)


_USER = re.compile(r"(?<!\w)([A-Za-z][A-Za-z0-9+.-]+:/{1,2})[^\s/\"']+@")


_TOKEN = re.compile(
    r"([?&;][\w.-]*(?:token|key|secret|signature|password|passwd|pwd|sig|auth)[\w.-]*=)[^&;\s\"']+",
    re.IGNORECASE,
)


def without_secrets(line: str) -> str:
    """`line` with users, passwords and tokens in addresses replaced by stars.

    >>> without_secrets("https://me:secret@host/a?token=1&b=2")
    'https://***@host/a?token=***&b=2'
    """
    if ":/" not in line:
        return line
    return _TOKEN.sub(r"\1***", _USER.sub(r"\1***@", line))


def encodable(line: str, encoding: str | None) -> str:
    """`line` encodable in `encoding`: other characters become escapes, never an error."""
    encoding = encoding or "utf-8"
    try:
        line.encode(encoding)
    except UnicodeEncodeError:
        line = line.translate(_PLAIN_MARKS)
    return line.encode(encoding, "backslashreplace").decode(encoding)


def quoted(name: str) -> str:
    """`name` in double quotes, printable: for error messages."""
    return f'"{printable(name)}"'


def typed(word: str) -> str:
    """`word` as typed on a command line, printable.

    >>> typed("class id"), typed("label")
    ("'class id'", 'label')
    """
    word = printable(word)
    if "'" in word and not set('"$`\\!') & set(word):
        return f'"{word}"'
    return shlex.quote(word)


def middle_cut(name: str, width: int = 40) -> str:
    """`name` in at most `width` characters, its middle replaced by an ellipsis."""
    if len(name) <= width:
        return name
    tail = (width - 1) // 2
    return f"{name[: width - 1 - tail]}…{name[len(name) - tail :]}"


def count(n: int) -> str:
    """An integer with thousands separators: ``10,000``."""
    return f"{n:,}"


def plural(n: int, singular: str, many: str | None = None) -> str:
    """``1 image``, ``2 images``, ``1,000 classes``."""
    return f"{n:,} {singular if n == 1 else (many or singular + 's')}"


def percent(share: float, digits: int = 1, unit: str = "%") -> str:
    """A proportion in 0..1 as a percentage: only a true 0 is "0", only a true 1 is "100".

    >>> percent(0.845), percent(0.0001), percent(0.99996), percent(1.0)
    ('84.5%', '<0.1%', '>99.9%', '100%')
    """
    if share == 0:
        return f"0{unit}"
    if share == 1:
        return f"100{unit}"
    text = f"{100 * share:.{digits}f}"
    if float(text) == 0:
        return f"<{10.0**-digits:.{digits}f}{unit}"
    if float(text) >= 100:
        return f">{100 - 10.0**-digits:.{digits}f}{unit}"
    return f"{text}{unit}"


def interval_percent(interval: tuple[float, float], digits: int = 1) -> str:
    """``83.8–85.2%``; an end that would round to 0 or 100 gets more digits."""
    return f"{'–'.join(interval_ends(interval, digits))}%"


def interval_ends(interval: tuple[float, float], digits: int = 1) -> tuple[str, str]:
    """Both ends of an interval of proportions as percentages without the sign.

    >>> interval_ends((0.838, 0.852)), interval_ends((0.994, 0.99983)), interval_ends((0, 0.0004))
    (('83.8', '85.2'), ('99.4', '99.98'), ('0', '0.04'))
    """
    low, high = interval
    return _end(low, digits), _end(high, digits)


def _end(share: float, digits: int) -> str:
    if share in (0, 1):
        return percent(share, digits, "")
    needed = (d for d in range(digits, 13) if 0 < float(f"{100 * share:.{d}f}") < 100)
    return percent(share, next(needed, digits), "")


def listing(names: Iterable[str], limit: int = 5) -> str:
    """``a, b, c and 12 more``; names are made printable."""
    names = list(names)
    shown = ", ".join(printable(name) for name in names[:limit])
    rest = len(names) - limit
    return f"{shown} and {rest:,} more" if rest > 0 else shown


def enumerated(phrases: Iterable[str], limit: int = 5) -> str:
    """``a, b and c``, or ``a, b, c, d, e and 12 more``, for sentences.

    Phrases are used unchanged; for names use :func:`in_sentence`.
    """
    phrases = list(phrases)
    shown = phrases[:limit]
    rest = len(phrases) - len(shown)
    row = zip(links(len(shown), rest), shown, strict=True)
    return "".join(link + phrase for link, phrase in row) + (f" and {rest:,} more" if rest else "")


def links(n: int, rest: int = 0) -> list[str]:
    """The separators before each of `n` items in a sentence; `rest` more are counted at the end.

    >>> links(3), links(3, rest=2)
    (['', ', ', ' and '], ['', ', ', ', '])
    """
    between = [""] + [", "] * (n - 1)
    if n > 1 and not rest:
        between[-1] = " and "
    return between[:n]


def in_sentence(name: str) -> str:
    """`name`, printable, in quotation marks if it would not be recognised as a name: ``“9”``."""
    shown = printable(name)
    return shown if reads_alone(shown) else f"“{shown}”"


def reads_alone(name: str) -> bool:
    """Whether a name needs no quotation marks in a sentence: up to four words."""
    words = re.fullmatch(r"[^\W\d_]+(?:[ /'’-]?[^\W\d_]+){0,3}", name)
    return bool(words) and len(name) > 1


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name most similar to `name`, or None."""
    folded: dict[str, str] = {}
    for candidate in known[:5000]:  # longer lists are searched in part: this is only a hint
        folded.setdefault(candidate.casefold(), candidate)
    found = get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.6)
    return folded[found[0]] if found else None
