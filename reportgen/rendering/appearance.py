"""Appearance of a page: theme, logo, notes; read and validated before anything is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.errors import UsageError
from reportgen.options import PageOptions
from reportgen.text import nearest, quoted

if TYPE_CHECKING:
    from markupsafe import Markup

    from reportgen.rendering.figures.logo import Logo

__all__ = [
    "PLAIN",
    "PageStyle",
    "load_style",
    "own_tokens",
    "read_theme",
]


MAX_BYTES = 20_000


SCHEMES = ("light", "dark")


LEAST = 4.5
"""Contrast that text of normal size must have (WCAG 2, level AA)."""


TEXT_ON_GROUND = (
    *(("--ink", ground) for ground in ("--bg", "--card", "--band", "--fail-soft", "--track")),
    *(("--muted", ground) for ground in ("--bg", "--card", "--band", "--fail-soft", "--track")),
    *(("--accent", ground) for ground in ("--bg", "--card")),
    ("--fail", "--fail-soft"),
)


_PAIR = re.compile(r"(--[a-z][a-z0-9-]*)\s*:\s*([^;]*?)\s*;")


_COLOUR = re.compile("#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


_FONT = re.compile(r"""(?:"[A-Za-z0-9 -]{1,60}"|-?[A-Za-z][A-Za-z0-9-]{0,59})""")


_TOKEN = re.compile(r"(--[a-z0-9-]+)\s*:\s*([^;]+);")


Tokens = dict[str, str]


def read_theme(path: Path) -> str:
    """The variables in a theme file, as CSS rules to follow those of the page; ASCII.

    Raises :class:`UsageError` (``theme-file``) if it contains anything but variables of the page's
    own colours and fonts with valid values, or colours in which text is illegible.
    """
    own = own_tokens()
    given = _describe_given(_lines(path), path, own["light"])
    for scheme in SCHEMES:
        _check_contrast(path, scheme, {**own[scheme], **given[scheme]}, given[scheme])
    return "".join(_rules(given))


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise _refuse(path, f"is larger than {MAX_BYTES:,} bytes")
        text = content.decode("ascii")
    except OSError as error:
        why = (error.strerror or "no such file").lower()
        raise _refuse(path, f"can't be read: {why}") from error
    except UnicodeDecodeError as error:
        raise _refuse(path, "contains a character that is not ASCII") from error
    blank = re.sub(r"/\*.*?\*/", lambda found: "\n" * found[0].count("\n"), text, flags=re.DOTALL)
    return blank.splitlines()


def _describe_given(lines: list[str], path: Path, tokens: Mapping[str, str]) -> dict[str, Tokens]:
    given: dict[str, Tokens] = {scheme: {} for scheme in SCHEMES}
    schemes: tuple[str, ...] = SCHEMES
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text.removesuffix(":") in SCHEMES and text.endswith(":"):
            schemes = (text.removesuffix(":"),)
        elif text:
            for name, value in _pairs(text, number, path):
                _check_value(name, value, number, path, tokens)
                for scheme in schemes:
                    given[scheme][name] = value
    return given


def _pairs(text: str, number: int, path: Path) -> Iterator[tuple[str, str]]:
    place = 0
    while place < len(text):
        found = _PAIR.match(text, place)
        if not found:
            raise _refuse(
                path, f"contains something other than --name: value; at line {number}", text[place:]
            )
        yield found[1], found[2]
        place = found.end() + len(text[found.end() :]) - len(text[found.end() :].lstrip())


def _check_value(name: str, value: str, number: int, path: Path, tokens: Mapping[str, str]) -> None:
    if name not in tokens:
        meant = nearest(name, sorted(tokens))
        raise _refuse(
            path,
            f"sets {name} at line {number}, which is not a colour or font of the page",
            f"did you mean {meant}?" if meant else f"there are {', '.join(sorted(tokens))}",
        )
    if _COLOUR.fullmatch(tokens[name]):
        if not _COLOUR.fullmatch(value):
            raise _refuse(
                path, f"sets {name} at line {number} to a value that is not #rgb or #rrggbb", value
            )
    elif len(value) > 400 or not all(map(_FONT.fullmatch, re.split(r"\s*,\s*", value))):
        raise _refuse(
            path, f"sets {name} at line {number} to a value that is not a list of fonts", value
        )


def _check_contrast(path: Path, scheme: str, tokens: Tokens, given: Tokens) -> None:
    for text, ground in TEXT_ON_GROUND:
        if not {text, ground} & set(given):
            continue
        contrast = _contrast(tokens[text], tokens[ground])
        if contrast < LEAST:
            raise _refuse(
                path,
                f"makes text unreadable in the {scheme} scheme: {text} {tokens[text]} on "
                f"{ground} {tokens[ground]} has a contrast of {contrast:.2f}:1, at least "
                f"{LEAST}:1 is needed",
                "put colours for only one scheme below per line with light: or dark:",
            )


def _rules(given: Mapping[str, Tokens]) -> Iterator[str]:
    for scheme, tokens in given.items():
        pairs = "".join(f"{name}:{value};" for name, value in tokens.items())
        if pairs:
            yield f"@media screen and (prefers-color-scheme: {scheme}) {{:root{{{pairs}}}}}\n"
    fonts = {name: value for name, value in given["light"].items() if name in ("--sans", "--mono")}
    pairs = "".join(f"{name}:{value};" for name, value in fonts.items())
    if pairs:
        yield f"@media print {{:root{{{pairs}}}}}\n"


def own_tokens() -> dict[str, Tokens]:
    """The page's colours and fonts in each scheme, from its own style."""
    from reportgen.rendering.user_templates import template_folder

    style = (template_folder() / "report.css").read_text("ascii")
    light, dark = (_block(style, after) for after in ("", "prefers-color-scheme: dark"))
    kept = {
        name: value
        for name, value in light.items()
        if _COLOUR.fullmatch(value) or name in ("--sans", "--mono")
    }
    return {"light": kept, "dark": {**kept, **{n: v for n, v in dark.items() if n in kept}}}


def _block(style: str, after: str) -> Tokens:
    start = style.index(":root {", style.index(after))
    return dict(_TOKEN.findall(style[start : style.index("}", start)]))


def _contrast(one: str, other: str) -> float:
    """WCAG 2 contrast of two colours, 1..21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _refuse(path: Path, why: str, detail: str = "") -> UsageError:
    return UsageError(
        f"--theme {quoted(path.name)} {why}",
        slug="theme-file",
        details=[quoted(detail[:80])] if detail else [],
        hint="use docs/theme.css as a template",
    )


@dataclass(frozen=True)
class PageStyle:
    """The appearance of a page, loaded from its options.

    Attributes
    ----------
    style
        CSS rules to follow those of ``report.css``; ASCII.
    templates
        Folder of templates that override the built-in ones; trusted like code.
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


PLAIN = PageStyle()


def load_style(page: PageOptions) -> PageStyle:
    """Read and validate the files that the options name.

    Raises :class:`~reportgen.errors.UsageError` with slug ``logo-file``, ``notes-file``,
    ``theme-file``, ``templates-folder`` or ``template-error``.
    """
    from reportgen.rendering.notes import read_notes
    from reportgen.rendering.user_templates import check_templates

    return PageStyle(
        lang=page.lang,
        style="".join(
            (
                read_theme(page.theme) if page.theme else "",
                _heat(page.colormap) if page.colormap != PLAIN.colormap else "",
            )
        ),
        logo=_logo(page.logo) if page.logo else None,
        notes=read_notes(page.notes) if page.notes else None,
        templates=check_templates(page.templates) if page.templates else None,
        colormap=page.colormap,
    )


def _logo(path: Path) -> Logo:
    from reportgen.rendering.figures.logo import read_logo

    return read_logo(path)


def _heat(colormap: str) -> str:
    """The colours of table cells, equal to those of the pictures."""
    from reportgen.rendering.figures.style import heat_steps

    steps = enumerate(heat_steps(colormap))
    return "".join(f".h{i}{{background:{ground};color:{ink}}}\n" for i, (ground, ink) in steps)
