"""Pictures for slides: every matrix and curve as PNG at double size, and as SVG."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from reportgen.rendering.figures.curves import (
    baseline_figures,
    curve_figures,
    row_figures,
    threshold_figures,
)
from reportgen.rendering.figures.heatmap import POINTS, heatmap_figure
from reportgen.rendering.figures.style import COLOURMAP, own_settings
from reportgen.report import ConfidenceSection, HeatmapSpec, Report, ThresholdSection

__all__ = [
    "slide_figures",
    "slide_files",
]


SCALE = 2


PAINTED = 60
"""Above this many classes, the cells of an SVG are one bitmap, not one shape each."""


def slide_files(
    specs: Iterable[HeatmapSpec],
    confidence: ConfidenceSection,
    subject: str,
    thresholds: Sequence[ThresholdSection] = (),
    report: Report | None = None,
    *,
    colourmap: str = COLOURMAP,
    transparent: bool = False,
) -> dict[str, bytes]:
    """File name → content; names describe the content, as in ``confusion-counts.png``.

    With a `report`, its tables with bars and the baseline's chart are included. Equal input gives
    equal bytes, without dates or versions.
    """
    files: dict[str, bytes] = {}
    with _slide_settings():
        for name, figure in slide_figures(
            specs, confidence, subject, thresholds, report, colourmap
        ):
            files[f"{name}.png"] = _save(figure, "png", transparent=transparent)
            files[f"{name}.svg"] = _save(figure, "svg", transparent=transparent)
    return files


def slide_figures(
    specs: Iterable[HeatmapSpec],
    confidence: ConfidenceSection,
    subject: str,
    thresholds: Sequence[ThresholdSection] = (),
    report: Report | None = None,
    colourmap: str = COLOURMAP,
) -> Iterator[tuple[str, Any]]:
    """Name and figure of each picture, not yet drawn."""
    for spec in specs:
        figure, _ = heatmap_figure(spec, colourmap)
        vars(figure).pop("draw", None)  # the figure's own method again
        if len(spec.values) > PAINTED:
            figure.axes[0].collections[0].set_rasterized(True)
        yield spec.name, figure
    yield from curve_figures(confidence, subject)
    for section in thresholds:
        yield from threshold_figures(section, subject)
    if report is not None:
        yield from row_figures(report)
        if report.comparison is not None:
            yield from baseline_figures(report.comparison.calibration)


@contextmanager
def _slide_settings() -> Iterator[None]:
    from matplotlib import rc_context

    with own_settings(), rc_context({"svg.hashsalt": "reportgen", "svg.fonttype": "path"}):
        yield


def _save(figure: Any, kind: str, *, transparent: bool) -> bytes:
    """PNG or SVG; letters in an SVG are shapes, to look the same everywhere."""
    stream = io.BytesIO()
    nothing: dict[str, dict[str, None]] = {
        "png": {"Software": None},
        "svg": {"Date": None, "Creator": None},
    }
    figure.savefig(
        stream,
        format=kind,
        dpi=SCALE * POINTS,
        transparent=transparent,
        metadata=nothing[kind],
    )
    return stream.getvalue()
