"""How an evaluation or a comparison shows itself in a notebook: verdict, key metrics and matrix.

The fragment needs nothing from outside, runs nothing, and has no ids: it may be in a notebook as
often as its cell is run. Its colours are those of the page.
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
"""A notebook keeps every output, and many are committed."""


SHOWN = (("matrix", "notes"), ("notes",), ())
"""What is shown besides verdict and key metrics, from all to the least."""


MOST_CLASSES = 30
"""Of a table of differences; of more classes, the confusions that changed most are listed."""


def render_notebook(value: Evaluation | Comparison) -> str:
    """`value` as a fragment of HTML, ASCII, of at most 60,000 bytes.

    Of what was written as a report, it shows the verdict of that report and links its page, by an
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
    """The matrix to 30 classes; of more, the classes with the most errors, or a picture."""
    if report.matrix.open:
        return {"table": report.matrix}
    if report.sub_matrix:
        return {"part": report.sub_matrix}
    return {"picture": _picture(report.matrix.figures[-1])}


COLOURS = 64


def _picture(spec: HeatmapSpec) -> dict[str, Any]:
    """The page's picture of many classes, one pixel for each of CSS: there it has four."""
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
    """Candidate minus baseline to 30 classes; of more, the confusions that changed most."""
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
    """Relative to the working folder, where there is a way from there; without scheme."""
    try:
        path = os.path.relpath(page)
    except ValueError:  # on another drive
        return page.absolute().as_uri()
    return quote(path.replace(os.sep, "/"), safe="/")


def _colours() -> Iterator[str]:
    """The page's variables: for both schemes where the browser can choose, else for the light."""
    light, dark = (own_tokens()[scheme] for scheme in ("light", "dark"))
    colours = [name for name in light if light[name].startswith("#")]
    yield f".reportgen{{{''.join(f'{name}:{light[name]};' for name in light)}}}\n"
    both = "".join(f"{name}:light-dark({light[name]},{dark[name]});" for name in colours)
    yield f"@supports (color:light-dark(#000,#fff)){{.reportgen{{{both}}}}}\n"


_STEP = re.compile(r"\.([hd]\d+)\{background:(#\w+);color:(#\w+)\}")


def _heat(body: str) -> Iterator[str]:
    """The page's colours of those cells that occur: in the light scheme, and in the dark one."""
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
