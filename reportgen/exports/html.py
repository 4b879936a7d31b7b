"""The page: one HTML file that needs no network, no script and no other file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.exports import drawings
from reportgen.report import Report
from reportgen.report.model import HeatmapSpec, Thumbnail

if TYPE_CHECKING:
    import jinja2

__all__ = ["figures", "render", "template_folder"]

TEMPLATE = "report.html.j2"


@dataclass(frozen=True)
class Picture:
    """An image as the page shows it: its data URI, and its size in CSS pixels."""

    uri: str
    width: int
    height: int


def render(report: Report, drawn: Sequence[Mapping[str, Any]] | None = None) -> str:
    """The whole page, ASCII: every other character is a character reference.

    `drawn` are its :func:`figures` where they are at hand already.
    """
    folder = template_folder()
    style, script = _asset(folder / "report.css"), _asset(folder / "report.js")
    page = _environment(folder).get_template(TEMPLATE)
    html = page.render(
        report=report,
        figures=figures(report) if drawn is None else drawn,
        policy=_policy(style, script),
        style=_markup(style),
        script=_markup(script),
    )
    return html.encode("ascii", "xmlcharrefreplace").decode("ascii")


def figures(report: Report) -> list[Mapping[str, Any]]:
    """The pictures of the matrix, drawn: what costs the most of a page."""
    return [_figure(spec) for spec in report.matrix.figures]


def template_folder() -> Path:
    """Where the templates are: beside the package's code, else at the top of the checkout."""
    package = Path(__file__).resolve().parent.parent
    shipped = package / "templates"
    return shipped if shipped.is_dir() else package.parent / "templates"


def _environment(folder: Path) -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(drawings.FILTERS)
    environment.globals.update(thumbnail=_thumbnail)
    return environment


def _asset(path: Path) -> str:
    """Style or script, as it will stand between its tags: the hash is over these very bytes."""
    text = path.read_text("ascii")
    if "</" in text or "<!--" in text:
        raise ValueError(f"{path.name} would end its own element")
    return text


def _policy(style: str, script: str) -> str:
    """The Content-Security-Policy: nothing but this style, this script, and data: images."""
    return (
        "default-src 'none'; img-src data:; "
        f"style-src 'sha256-{_hash(style)}'; script-src 'sha256-{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("ascii")).digest()).decode("ascii")


def _markup(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)  # our own files, never data


def _figure(spec: HeatmapSpec) -> Mapping[str, Any]:
    from reportgen.figures import draw_heatmap

    drawn = draw_heatmap(spec)
    return {
        "spec": spec,
        "picture": Picture(_uri("image/png", drawn.content), drawn.width, drawn.height),
        "numbered": drawn.axis_numbers,
    }


def _thumbnail(thumbnail: Thumbnail) -> Picture:
    return Picture(_uri(thumbnail.mime, thumbnail.content), thumbnail.width, thumbnail.height)


def _uri(mime: str, content: bytes) -> str:
    return f"data:{mime};base64,{base64.b64encode(content).decode('ascii')}"
