"""The notebook display of an evaluation or comparison: verdict, key metrics and matrix.

The fragment is self-contained, runs no script, and has no ids, so it may occur several times in a
notebook. Its colours are those of the page.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from reportgen.comparison import Comparison
from reportgen.gates import NO_GATES
from reportgen.rendering.appearance import PLAIN, own_tokens
from reportgen.rendering.html import fill, own_style
from reportgen.rendering.pictures import Inside
from reportgen.rendering.summary_parts import (
    before_text,
    change_text,
    range_text,
    tile_title,
    value_text,
)
from reportgen.report import HeatmapSpec, Report, build_report
from reportgen.review import Review

if TYPE_CHECKING:
    from reportgen.evaluation import Evaluation

__all__ = ["render_notebook"]


TEMPLATE, STYLE = "notebook.html.j2", "notebook.css"


HELPERS: Mapping[str, Any] = {
    "before_text": before_text,
    "change_text": change_text,
    "range_text": range_text,
    "tile_title": tile_title,
    "value_text": value_text,
}


MOST_BYTES = 60_000
"""Notebooks keep every output, and are often committed."""


SHOWN = (("matrix", "notes"), ("notes",), ())
"""Parts besides verdict and key metrics, from all to none."""


MOST_CLASSES = 30
"""For a table of differences; with more classes, the confusions that changed most are listed."""


def render_notebook(value: Evaluation | Comparison) -> str:
    """`value` as an HTML fragment, ASCII, of at most 60,000 bytes.

    For a value written as a report, it shows the verdict of that report and links its page by an
    address relative to the working folder: a saved notebook contains no path of the machine.
    """
    page, review = value.written or (None, _review_of(value))
    assert isinstance(review, Review)
    report = build_report(review.evaluation, None, None, review.comparison, review.decision)
    matrix = _difference(report) if isinstance(value, Comparison) else _confusion(report)
    link = _address(page) if page is not None and page.is_file() else ""
    for parts in SHOWN:
        text = _render(report, matrix if "matrix" in parts else {}, link, notes="notes" in parts)
        if len(text) <= MOST_BYTES:
            break
    return text


def _review_of(value: Evaluation | Comparison) -> Review:
    if isinstance(value, Comparison):
        return Review(value.candidate, value, NO_GATES)
    return Review.of(value)


def _confusion(report: Report) -> dict[str, Any]:
    """The matrix up to 30 classes; above, the classes with the most errors, or a picture."""
    if report.matrix.open:
        return {"table": report.matrix}
    if report.sub_matrix:
        return {"part": report.sub_matrix}
    return {"picture": _picture(report.matrix.figures[-1])}


COLOURS = 64


def _picture(spec: HeatmapSpec) -> dict[str, Any]:
    """The page's picture of many classes, at one pixel per CSS pixel (the page's has four)."""
    from PIL import Image

    from reportgen.rendering.figures import draw_heatmap

    drawn = draw_heatmap(spec)
    size = (drawn.width, drawn.height)
    image = Image.open(io.BytesIO(drawn.content)).convert("RGB").resize(size).quantize(COLOURS)
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    address = Inside().address("image/png", stream.getvalue(), spec.name)
    return {"uri": address, "width": drawn.width, "height": drawn.height, "alt": spec.alt}


def _difference(report: Report) -> dict[str, Any]:
    """Candidate minus baseline up to 30 classes; above, the confusions that changed most."""
    difference = report.comparison.difference if report.comparison else None
    if difference is None:
        return _confusion(report)
    return {"difference" if 0 < len(difference.rows) <= MOST_CLASSES else "moved": difference}


def _render(report: Report, matrix: Mapping[str, Any], link: str, *, notes: bool) -> str:
    shown = {"report": report, "matrix": matrix, "link": link, "notes": notes}
    body = fill(TEMPLATE, shown, PLAIN, HELPERS)
    style = own_style(STYLE) + "".join((*_colours(), *_heat(body)))
    return f'<div class="reportgen"><style>{style}</style>\n{body}</div>\n'


def _address(page: Path) -> str:
    """Address relative to the working folder, if possible; without scheme."""
    try:
        path = os.path.relpath(page)
    except ValueError:  # on another drive
        return page.absolute().as_uri()
    return quote(path.replace(os.sep, "/"), safe="/")


def _colours() -> Iterator[str]:
    """The page's variables: for both schemes if the browser can choose, otherwise the light one."""
    light, dark = (own_tokens()[scheme] for scheme in ("light", "dark"))
    colours = [name for name in light if light[name].startswith("#")]
    yield f".reportgen{{{''.join(f'{name}:{light[name]};' for name in light)}}}\n"
    both = "".join(f"{name}:light-dark({light[name]},{dark[name]});" for name in colours)
    yield f"@supports (color:light-dark(#000,#fff)){{.reportgen{{{both}}}}}\n"


_STEP = re.compile(r"\.([hd]\d+)\{background:(#\w+);color:(#\w+)\}")


def _heat(body: str) -> Iterator[str]:
    """The page's colours of the cells that occur, in the light and in the dark scheme."""
    used = set(re.findall(r'<td class="([hd]\d+)\b', body))
    found: dict[str, list[tuple[str, str]]] = {}
    for step, ground, ink in _STEP.findall(own_style("report.css")):
        found.setdefault(step, []).append((ground, ink))
    for step in sorted(used):
        (ground, ink), (dark_ground, dark_ink) = found[step]
        yield (
            f"div.reportgen.reportgen .m .{step}{{background:{ground};color:{ink};"
            f"background:light-dark({ground},{dark_ground});color:light-dark({ink},{dark_ink})}}\n"
        )
