"""The page: HTML without network access, as one file or as a file with a folder."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.rendering import html_filters, user_templates
from reportgen.rendering.appearance import PLAIN, PageStyle
from reportgen.rendering.pictures import (
    FILES_FOLDER,
    Beside,
    Heatmaps,
    Images,
    Inside,
    Picture,
    Samples,
)
from reportgen.rendering.user_templates import template_folder
from reportgen.report import Report, list_pictures

if TYPE_CHECKING:
    import jinja2

__all__ = [
    "Page",
    "compile_templates",
    "fill",
    "own_style",
    "page",
    "plain_page",
    "render",
]


TEMPLATE = "report.html.j2"


STYLE, EXTRAS, SCRIPT = "report.css", "extras.css", "report.js"


@dataclass(frozen=True)
class Page:
    """A rendered page: its HTML, and the files of its folder by name; empty if embedded."""

    html: str
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes that a browser loads."""
        return len(self.html) + sum(map(len, self.files.values()))  # pages are ASCII


def render(report: Report, heatmaps: Heatmaps | None = None, dress: PageStyle = PLAIN) -> str:
    """The page as one text, ASCII: other characters are character references.

    `heatmaps` caches pictures for another rendering.
    """
    script = _script() if dress.scripted else ""
    parts = _clip(_style(dress), script)
    return _render(report, heatmaps, dress, Inside(), parts)


def page(
    report: Report,
    heatmaps: Heatmaps | None = None,
    dress: PageStyle = PLAIN,
    *,
    beside: bool = False,
) -> Page:
    """The page as one text, or with `beside`, with style, script and images as files."""
    if not beside:
        return Page(render(report, heatmaps, dress))
    images = Beside({STYLE: _style(dress).encode("ascii"), SCRIPT: _script().encode("ascii")})
    return Page(_render(report, heatmaps, dress, images, _beside()), images.files)


def plain_page(
    template: str, values: Mapping[str, Any], dress: PageStyle = PLAIN, *, beside: bool = False
) -> Page:
    """A page of `template` without script.

    `values` are the values of the template, which may be the user's. `beside`: see :func:`page`.
    """
    if not beside:
        return Page(_fill(template, values, dress, Inside(), _clip(_style(dress), "")))
    images = Beside({STYLE: _style(dress).encode("ascii")})
    parts = _beside(scripts="'none'")
    return Page(_fill(template, values, dress, images, parts), images.files)


def own_style(name: str) -> str:
    """One of the built-in style files, safe between ``<style>`` tags."""
    return _asset(template_folder() / name)


def compile_templates() -> None:
    """Compile all built-in templates in advance."""
    environment = _environment(template_folder())
    for name in environment.list_templates(extensions=["j2"]):
        environment.get_template(name)


def _clip(style: str, script: str) -> dict[str, Any]:
    """Style and script as inline text, and the policy that permits only these."""
    scripts = f"'sha256-{_hash(script)}'" if script else "'none'"
    policy = _policy("data:", f"'sha256-{_hash(style)}'", scripts)
    return {
        "style": _markup(style), "script": _markup(script), "linked": None, "policy": policy,
    }  # fmt: skip


def _beside(scripts: str = "'self'") -> dict[str, Any]:
    """Style and script as addresses, and the policy that permits files beside the page."""
    linked = {"style": f"{FILES_FOLDER}/{STYLE}", "script": f"{FILES_FOLDER}/{SCRIPT}"}
    policy = _policy("'self'", "'self'", scripts)
    return {"style": "", "script": "", "linked": linked, "policy": policy}


def _render(
    report: Report,
    heatmaps: Heatmaps | None,
    dress: PageStyle,
    images: Images,
    parts: Mapping[str, Any],
) -> str:
    drawn = heatmaps or Heatmaps(dress.colormap)
    places = list_pictures(report.pairs, report.suspects, report.comparison, report.cards)
    samples = Samples(images, [one.thumbnail for one in places if one.thumbnail])
    values = {
        "report": report,
        "figures": [drawn.shown(spec, images) for spec in report.matrix.figures],
    }
    helpers: dict[str, Any] = {
        "heatmap": lambda spec: drawn.shown(spec, images),
        "thumbnail": samples.picture,
        "placed": samples.place,
    }
    return _fill(TEMPLATE, values, dress, images, parts, helpers)


def _fill(
    template: str,
    values: Mapping[str, Any],
    dress: PageStyle,
    images: Images,
    parts: Mapping[str, Any],
    helpers: Mapping[str, Any] | None = None,
) -> str:
    """The template with these values and those of every page; ASCII."""
    shown = {
        **values,
        "lang": dress.lang,
        "icon": _icon(images),
        "logo": _logo(dress, images),
        "notes": dress.notes,
        **parts,
    }
    return fill(template, shown, dress, helpers or {})


def fill(
    template: str, values: Mapping[str, Any], dress: PageStyle, helpers: Mapping[str, Any]
) -> str:
    """The template, built-in or the user's, with `values` and functions; ASCII."""
    environment = _environment(template_folder())
    if dress.templates:
        environment = user_templates.make_sandbox(environment, dress.templates)
    environment.globals.update(helpers)
    if dress.templates:
        html = user_templates.render(environment, template, values, dress.templates)
    else:
        html = environment.get_template(template).render(values)
    return html.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _environment(folder: Path) -> jinja2.Environment:
    import jinja2

    from reportgen.rendering.compiled_templates import CompiledTemplates

    settings = {"autoescape": True, "trim_blocks": True, "lstrip_blocks": True}
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
        bytecode_cache=CompiledTemplates(folder, settings),
        **settings,  # type: ignore[arg-type]
    )
    environment.filters.update(html_filters.FILTERS)
    return environment


def _icon(images: Images) -> str:
    from reportgen.rendering.figures.logo import icon

    return images.address("image/png", icon(), "icon")


def _logo(dress: PageStyle, images: Images) -> Mapping[str, Any] | None:
    logo = dress.logo
    if logo is None:
        return None
    uri = images.address("image/png", logo.content, "logo")
    return {"picture": Picture(uri, logo.width, logo.height), "light": logo.is_light}


def _style(dress: PageStyle) -> str:
    """``report.css``, the style of logo and notes if present, and the rules of the theme."""
    names = [STYLE, *([EXTRAS] if dress.logo or dress.notes is not None else [])]
    own = "".join(
        user_templates.asset(name, template_folder(), dress.templates, _asset) for name in names
    )
    return own + dress.style


def _script() -> str:
    return _asset(template_folder() / SCRIPT)


def _asset(path: Path) -> str:
    """Style or script, exactly as between its tags: the policy's hash is over these bytes."""
    text = path.read_text("ascii")
    if "</" in text or "<!--" in text:
        raise ValueError(f"{path.name} would end its own element")
    return text


def _policy(images: str, styles: str, scripts: str) -> str:
    """The Content-Security-Policy: only these images, this style and this script."""
    return (
        f"default-src 'none'; img-src {images}; style-src {styles}; script-src {scripts}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("ascii")).digest()).decode("ascii")


def _markup(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)  # our own files, and rules made of validated values: never data
