"""``report.eml``: the first part of the page as a mail, with the table of changes and one picture.

Its HTML uses tables and inline styles, for mail programs with limited support (Gmail, Outlook with
the Word engine, Apple Mail). It is legible at 320 px, without pictures, and in dark mode. The text
part has the same content.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.rendering import summary_parts
from reportgen.rendering.appearance import PLAIN, PageStyle
from reportgen.rendering.eml import Attachment, Picture, header_text, message
from reportgen.rendering.mail_text import mail_text
from reportgen.rendering.summary_parts import LINKED, is_right_to_left
from reportgen.report import Finding, HeatmapSpec, Name, Report, Step, Words
from reportgen.text import middle_cut, plural

if TYPE_CHECKING:
    from markupsafe import Markup

    from reportgen.report import ClassChangeRow, GateRow, PairRow, SummaryChange

__all__ = [
    "Attachment",
    "Mail",
    "attached_files",
    "mail_picture",
    "render_mail",
]


TEMPLATE = "mail.html.j2"


MAX_HTML = 80_000
"""Gmail clips a mail's HTML after about 102 kB."""


MAX_SUBJECT = 120


WIDTH = 552
"""CSS pixels of the picture: the content width of a mail of 600."""


@dataclass(frozen=True)
class Size:
    """Limits on the number of rows."""

    gates: int = 30
    changes: int = 10
    findings: int = 5
    pairs: int = 10
    extras: bool = True
    sentences: bool = True


SIZES = (
    Size(),
    Size(gates=20),
    Size(gates=10, changes=5, findings=3, pairs=5),
    Size(gates=5, changes=3, findings=1, pairs=3, extras=False),
    Size(gates=3, changes=0, findings=0, pairs=0, extras=False, sentences=False),
)


@dataclass(frozen=True)
class Mail:
    """The content of a mail: the parts of `report` that fit, and attachments.

    Attributes
    ----------
    gates, changes, class_changes, findings, steps, cautions
        Rows of the report, in its order; ``more_…`` counts the omitted ones.
    attached, left_out
        Attached files, and those that do not fit into `max_bytes`.
    pairs
        The most frequent confusions, instead of a picture whose axes would have no names.
    url
        Address of the page, or empty.
    """

    report: Report
    gates: tuple[GateRow, ...]
    more_gates: int
    sentences: bool
    findings: tuple[Finding, ...]
    steps: tuple[Step, ...]
    cautions: tuple[str, ...]
    changes: tuple[SummaryChange, ...]
    class_changes: tuple[ClassChangeRow, ...]
    more_classes: int
    pairs: tuple[PairRow, ...]
    picture: Picture | None
    picture_spec: HeatmapSpec | None
    url: str
    attached: tuple[Attachment, ...]
    left_out: tuple[Attachment, ...]
    max_bytes: int

    @property
    def rest(self) -> str:
        """Where to find the omitted parts."""
        return "see the full report"


def render_mail(
    report: Report,
    picture: tuple[HeatmapSpec, Picture] | None = None,
    *,
    date: str = "",
    url: str = "",
    attachments: Sequence[Attachment] = (),
    max_bytes: int = 10_000_000,
    dress: PageStyle = PLAIN,
) -> bytes:
    """The mail in at most `max_bytes`, without To and From.

    Attachments that don't fit are omitted, largest first, and the mail says so. Equal reports give
    equal bytes.

    Parameters
    ----------
    picture
        The result of :func:`mail_picture`.
    date
        ISO date of the report; without one, the mail is dated when it is sent.
    url
        Address of the page.
    attachments
        Attachments, in order.
    """
    kept = list(attachments)
    left_out: list[Attachment] = []
    while True:
        made = _render(report, picture, date, url, kept, left_out, max_bytes, dress)
        if len(made) <= max_bytes or not kept:
            return made
        largest = max(kept, key=lambda one: one.size)
        kept.remove(largest)
        left_out.append(largest)


FILES = {"pdf": ("report.pdf", "application/pdf"), "json": ("report.json", "application/json")}
"""Files attached unchanged from the report's folder."""


def attached_files(folder: Path, wanted: Sequence[str]) -> Iterator[Attachment]:
    """The files in `wanted` (``pdf``, ``json``) that `folder` has."""
    for name, mime in (FILES[one] for one in wanted if one in FILES):
        if (folder / name).is_file():
            yield Attachment(name, mime, (folder / name).read_bytes())


def _render(
    report: Report,
    picture: tuple[HeatmapSpec, Picture] | None,
    date: str,
    url: str,
    kept: Sequence[Attachment],
    left_out: Sequence[Attachment],
    max_bytes: int,
    dress: PageStyle,
) -> bytes:
    for size in SIZES:
        mail = replace(
            _selected(report, size, picture), url=url, attached=tuple(kept),
            left_out=tuple(left_out), max_bytes=max_bytes,
        )  # fmt: skip
        html = _html(mail, dress)
        if len(html) + html.count("=") * 2 <= MAX_HTML:
            break
    return message(subject(report), date, mail_text(mail), html, mail.picture, kept)


def _selected(report: Report, size: Size, picture: tuple[HeatmapSpec, Picture] | None) -> Mail:
    gates = report.gates.rows if report.gates else ()
    compared = report.comparison
    known = [row for row in compared.summary if row.delta.value is not None] if compared else []
    classes = compared.classes.rows if compared and compared.classes else ()
    return Mail(
        report=report,
        gates=gates[: size.gates],
        more_gates=max(0, len(gates) - size.gates),
        sentences=size.sentences,
        findings=report.findings[: size.findings],
        steps=report.steps if size.extras else (),
        cautions=report.cautions[:4] if size.extras else (),
        changes=tuple(known) if size.changes else (),
        class_changes=classes[: size.changes],
        more_classes=max(0, len(classes) - size.changes) if size.changes else 0,
        pairs=report.pairs.rows[: size.pairs] if picture is None else (),
        picture=picture[1] if picture else None,
        picture_spec=picture[0] if picture else None,
        url="",
        attached=(),
        left_out=(),
        max_bytes=0,
    )


def subject(report: Report) -> str:
    """``[DO NOT SHIP] candidate 1.1 on CIFAR-10: 2 of 6 gates failed``, at most 120 characters."""
    verdict = report.verdict
    start, end = f"[{verdict.word}] ", verdict.tally.removesuffix(".")
    known = [tile for tile in report.headline.tiles if tile.cell.value is not None]
    if not end and known:
        end = f"{known[0].title} {summary_parts.value_text(known[0])}"
    room = MAX_SUBJECT - len(start) - len(end) - 2
    about = middle_cut(str(report.subject), max(room, 20))
    return header_text(start + ": ".join(filter(None, (about, end))))


def mail_picture(report: Report, colourmap: str = "Blues") -> tuple[HeatmapSpec, Picture] | None:
    """The heatmap for the mail, row-normalised if possible.

    None if its axes would have no names: a mail has no list of the classes, and no hovering.
    """
    from reportgen.rendering import figures

    specs = report.matrix.figures
    if not specs:
        return None
    spec = next((one for one in specs if one.name == "confusion-row-shares"), specs[0])
    drawn = figures.draw_heatmap(spec, colourmap, WIDTH)
    if not drawn.has_names:
        return None
    return spec, Picture(
        drawn.content, drawn.width, drawn.height, drawn.axis_numbers, drawn.has_digits
    )


def _address(url: str, target: str) -> str:
    """Address of an element of the page; empty if the page's address is unknown."""
    return url if "#" in url or not url else f"{url}#{target}"


def _html(mail: Mail, dress: PageStyle) -> str:
    """The HTML part, ASCII."""
    from reportgen.rendering.html import fill

    helpers: dict[str, Any] = {
        "t": unlinked,
        "address": lambda target: _address(mail.url, target),
        "value": summary_parts.value_text,
        "ends": summary_parts.range_text,
        "before": summary_parts.before_text,
        "change": summary_parts.change_text,
        "hashes": summary_parts.hashes,
        "nb": lambda text: text.replace(" ", summary_parts.NBSP),
        "plural": plural,
    }
    html = fill(TEMPLATE, {"mail": mail, "report": mail.report, "lang": dress.lang}, dress, helpers)
    return html.lstrip()


def _in_sentence(part: Name | str) -> Markup:
    """Class names are marked by style, other names by quotation marks if needed."""
    from markupsafe import Markup

    if isinstance(part, str):
        return unlinked(part)
    frame = "<b>{}</b>" if part.is_class else "{}" if part.bare else "“{}”"
    return Markup(frame).format(unlinked(part))


def unlinked(value: Words | Name | str) -> Markup:
    """A name or sentence without anything that mail programs link: patterns are split.

    A right-to-left name keeps its direction.
    """
    from markupsafe import Markup

    if isinstance(value, Words):
        return Markup("").join(map(_in_sentence, value.parts))
    text, safe, place = str(value), Markup(""), 0
    for found in LINKED.finditer(text):
        safe += text[place : found.start()]
        safe += Markup("<span>{}</span>").format(found[0])
        place = found.end()
    safe += text[place:]
    if isinstance(value, Name) and is_right_to_left(text):
        return Markup('<span dir="rtl">{}</span>').format(safe)
    return safe
