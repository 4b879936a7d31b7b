"""Mail messages as bytes: safe header lines, and MIME parts.

Header lines are written here, not by the standard library, which decodes ``=?…?=`` in a name as an
encoded word: before Python 3.11.10 and 3.12.5 a line break in it began a new header
(CVE-2024-6923), and since then it raises. Subjects of 70 to 77 characters came back with a blank.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from email.charset import QP, Charset
from email.header import Header
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime

from reportgen.options import midnight_utc
from reportgen.text import printable

__all__ = [
    "Attachment",
    "Picture",
    "content_hash",
    "date_line",
    "header_line",
    "header_text",
    "message",
]


DOMAIN = "reportgen.invalid"
"""Domain of identifiers; reserved, so that no machine has it (RFC 2606)."""


WIDTH = 76
"""Maximum characters per line; encoded words may have 75."""


@dataclass(frozen=True)
class Attachment:
    """A file in the mail; its name never comes from data."""

    name: str
    mime: str
    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)


@dataclass(frozen=True)
class Picture:
    """The PNG that the HTML shows by ``cid:``; sizes in CSS pixels.

    `numbered`: its axes have class numbers, because the fonts lack glyphs of the names.
    `has_digits`: cells show values.
    """

    content: bytes
    width: int
    height: int
    numbered: bool = False
    has_digits: bool = True

    @property
    def cid(self) -> str:
        return f"matrix-{content_hash(self.content)}@{DOMAIN}"


def content_hash(*parts: bytes) -> str:
    """32 hexadecimal digits; different for different parts."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:32]


def header_text(text: str) -> str:
    """`text` on one line, without the beginning of an encoded word, for use in a header."""
    line = " ".join(printable(text).split())
    while "=?" in line:  # "==??" would leave another one
        line = line.replace("=?", "= ?")
    return line


def header_line(name: str, text: str) -> bytes:
    """``Name: text`` with its line end; ASCII, at most 76 characters a line.

    `text` comes from :func:`header_text`. Folding is lossless: folds are at blanks, or between
    encoded words.
    """
    lines = _folded(name, text, "us-ascii") if text.isascii() else []
    if "".join(lines) != f"{name}: {text}" or max(map(len, lines)) > WIDTH:
        lines = _folded(name, text, "utf-8")
    return "\r\n".join([*lines, ""]).encode("ascii")


def _folded(name: str, text: str, charset: str) -> list[str]:
    """The lines of the header; the first one has part of the text, so that no blank is added."""
    header = Header(text, charset, maxlinelen=WIDTH, header_name=name)
    lines = header.encode(splitchars=" ", linesep="\n").split("\n")
    return [f"{name}: {lines[0]}", *lines[1:]]


def date_line(date: str) -> bytes:
    """The Date header of an ISO date, at midnight UTC; empty for other text."""
    moment = midnight_utc(date)
    return header_line("Date", format_datetime(moment)) if moment else b""


def message(
    subject: str,
    date: str,
    text: str,
    html: str,
    picture: Picture | None,
    attachments: Sequence[Attachment],
) -> bytes:
    """The mail without To and From; boundaries and identifiers are derived from its content.

    Parameters
    ----------
    subject
        From :func:`header_text`.
    date
        An ISO date, or empty for no Date until the mail is sent.
    html
        Shows `picture` by its ``cid``.
    """
    parts = [subject, date, text, html, *(one.name for one in attachments)]
    pictures = [picture.content] if picture else []
    known = content_hash(
        *(part.encode("utf-8", "surrogatepass") for part in parts),
        *pictures,
        *(one.content for one in attachments),
    )
    root = _tree(known, text, html, picture, attachments)
    root["MIME-Version"] = "1.0"
    head = (
        header_line("Subject", subject),
        date_line(date),
        header_line("Message-ID", f"<{known}@{DOMAIN}>"),
        header_line("Auto-Submitted", "auto-generated"),
        header_line("X-Auto-Response-Suppress", "All"),
    )
    return b"".join(head) + root.as_bytes(policy=compat32.clone(linesep="\r\n"))


def _tree(
    known: str,
    text: str,
    html: str,
    picture: Picture | None,
    attachments: Sequence[Attachment],
) -> Message:
    """mixed(alternative(text, related(html, picture)), attachments)."""
    shown = _multipart("related", known, _text(html, "html"), *_inline(picture))
    if picture:
        shown.set_param("type", "text/html")
    body = _multipart("alternative", known, _text(text, "plain"), shown)
    if not attachments:
        return body
    return _multipart("mixed", known, body, *map(_attached, attachments))


def _multipart(kind: str, known: str, *parts: Message) -> Message:
    made = MIMEMultipart(kind, boundary=f"=_{kind}-{known}", _subparts=parts)
    del made["MIME-Version"]
    return made


def _text(text: str, kind: str) -> Message:
    """A quoted-printable part, in which no line begins with the ``=_`` of a boundary."""
    charset = Charset("utf-8")
    charset.body_encoding = QP
    part = MIMEText(text, kind, charset)  # type: ignore[arg-type]  # a Charset is taken, too
    del part["MIME-Version"]
    return part


def _inline(picture: Picture | None) -> list[Message]:
    if picture is None:
        return []
    part = _binary("image/png", picture.content)
    part["Content-ID"] = f"<{picture.cid}>"
    part.add_header("Content-Disposition", "inline", filename="confusion-matrix.png")
    return [part]


def _attached(one: Attachment) -> Message:
    part = _binary(one.mime, one.content)
    part.add_header("Content-Disposition", "attachment", filename=one.name)
    return part


def _binary(mime: str, content: bytes) -> Message:
    from email.encoders import encode_base64

    part = MIMEBase(*mime.split("/"))
    part.set_payload(content)
    encode_base64(part)
    del part["MIME-Version"]
    return part
