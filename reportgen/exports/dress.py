"""What a page wears besides its report: read and checked before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.exports.options import PageOptions

if TYPE_CHECKING:
    from markupsafe import Markup

    from reportgen.figures import Logo

__all__ = ["PLAIN", "Dress", "dress_of"]


@dataclass(frozen=True)
class Dress:
    """A page's options, read.

    Attributes
    ----------
    style
        Rules that follow those of ``report.css``; ASCII.
    templates
        Folder of templates that come before ours; trusted as code is.
    scripted
        Whether the page has its script.
    """

    lang: str = "en"
    style: str = ""
    logo: Logo | None = None
    notes: Markup | None = None
    templates: Path | None = None
    colormap: str = "Blues"
    scripted: bool = True


PLAIN = Dress()


def dress_of(page: PageOptions) -> Dress:
    """The files that the options name, read and checked.

    Raises :class:`~reportgen.errors.UsageError` with slug ``logo-file``, ``notes-file``,
    ``theme-file``, ``templates-folder`` or ``template-error``.
    """
    from reportgen.exports.custom import checked_folder
    from reportgen.exports.notes import read_notes
    from reportgen.exports.theme import read_theme

    return Dress(
        lang=page.lang,
        style="".join(
            (
                read_theme(page.theme) if page.theme else "",
                _heat(page.colormap) if page.colormap != PLAIN.colormap else "",
            )
        ),
        logo=_logo(page.logo) if page.logo else None,
        notes=read_notes(page.notes) if page.notes else None,
        templates=checked_folder(page.templates) if page.templates else None,
        colormap=page.colormap,
    )


def _logo(path: Path) -> Logo:
    from reportgen.figures import read_logo

    return read_logo(path)


def _heat(colormap: str) -> str:
    """The cells of the tables in the colours of the pictures."""
    from reportgen.figures import heat_steps

    steps = enumerate(heat_steps(colormap))
    return "".join(f".h{i}{{background:{ground};color:{ink}}}\n" for i, (ground, ink) in steps)
