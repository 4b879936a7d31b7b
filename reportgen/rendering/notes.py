"""The user's notes: from Markdown to a fixed set of HTML elements.

The text is parsed by markdown-it-py and written here element by element; other elements are
dropped. HTML in it stays text, pictures become words, and a link keeps its address only if it
begins with ``https:``, ``http:`` or ``mailto:``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from reportgen.errors import UsageError
from reportgen.text import printable, quoted

if TYPE_CHECKING:
    from markdown_it.token import Token

__all__ = [
    "notes_of",
    "read_notes",
]


MAX_BYTES = 64_000


PLAIN_TAGS = frozenset(
    ("p", "ul", "ol", "li", "blockquote", "em", "strong", "thead", "tbody", "tr", "th", "td")
)


TOP, LOWEST = 3, 6
"""Heading levels of notes, below the page's own level 2."""


_ADDRESS = re.compile(r"(?:https?://|mailto:)[!-~]+", re.IGNORECASE)


def read_notes(path: Path) -> Markup | None:
    """The notes in a Markdown file; None if it is empty.

    Raises :class:`UsageError` (``notes-file``) if it can't be read, is not UTF-8, or has more than
    64,000 bytes.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise _refuse(path, f"is larger than {MAX_BYTES:,} bytes")
        return notes_of(content.decode("utf-8-sig"))
    except OSError as error:
        why = (error.strerror or "no such file").lower()
        raise _refuse(path, f"can't be read: {why}") from error
    except UnicodeDecodeError as error:
        raise _refuse(path, f"is not UTF-8 at byte {error.start:,}") from error


def notes_of(text: str) -> Markup | None:
    """Markdown (CommonMark with tables) as elements of the page; None if empty."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    written = "".join(_write(parser.parse(text)))
    return Markup(written) if written.strip() else None  # made of escaped text, and of our tags


def _refuse(path: Path, why: str) -> UsageError:
    return UsageError(
        f"--notes {quoted(path.name)} {why}",
        slug="notes-file",
        hint="pass a Markdown file of at most 64 kB with --notes",
    )


def _write(tokens: Sequence[Token]) -> Iterator[str]:
    levels = _levels(token.tag for token in tokens if token.type == "heading_open")
    level, n_tables = TOP, 0
    for token in tokens:
        if token.type == "inline":
            yield from _inline(token.children or [])
        elif token.type == "heading_open":
            level = next(levels)
            yield f"<h{level}>"
        elif token.type == "heading_close":
            yield f"</h{level}>\n"
        elif token.type in ("fence", "code_block"):
            yield f"<pre><code>{_lines(token.content)}</code></pre>\n"
        elif token.type == "hr":
            yield "<hr>\n"
        elif token.type == "table_open":
            n_tables += 1
            name = f"Table {n_tables} of the notes"
            yield f'<section class="scroll" tabindex="0" aria-label="{name}"><table>'
        elif token.type == "table_close":
            yield "</table></section>\n"
        elif token.tag in PLAIN_TAGS and not token.hidden:
            yield _block(token)


def _levels(tags: Iterable[str]) -> Iterator[int]:
    """Heading levels, from 3 down; no level is skipped."""
    open_tags: list[str] = []
    for tag in tags:
        while open_tags and open_tags[-1] >= tag:
            open_tags.pop()
        open_tags.append(tag)
        yield min(TOP + len(open_tags) - 1, LOWEST)


def _block(token: Token) -> str:
    if token.nesting < 0:
        return f"</{token.tag}>\n"
    if token.tag == "th":
        return '<th scope="col">'
    start = token.attrGet("start") if token.tag == "ol" else None
    return f"<{token.tag}>" if start is None else f'<ol start="{int(start)}">'


def _inline(tokens: Sequence[Token]) -> Iterator[str]:
    linked: list[bool] = []
    for token in tokens:
        if token.type == "text":
            yield _line(token.content)
        elif token.type == "code_inline":
            yield f"<code>{_line(token.content)}</code>"
        elif token.type == "softbreak":
            yield "\n"
        elif token.type == "hardbreak":
            yield "<br>\n"
        elif token.type == "image":
            yield f"[picture: {_line(token.content)}]"
        elif token.type == "link_open":
            address = str(token.attrGet("href") or "")
            linked.append(bool(_ADDRESS.fullmatch(address)))
            yield _link(address) if linked[-1] else ""
        elif token.type == "link_close":
            yield "</a>" if linked.pop() else ""
        elif token.tag in PLAIN_TAGS:
            yield f"</{token.tag}>" if token.nesting < 0 else f"<{token.tag}>"


def _link(address: str) -> str:
    return f'<a href="{escape(address)}" rel="noopener noreferrer nofollow">'


def _line(text: str) -> str:
    return str(escape(printable(text)))


def _lines(text: str) -> str:
    lines = (line.expandtabs(4) for line in text.rstrip("\n").split("\n"))
    return "\n".join(map(_line, lines))
