"""A report with pictures, and stand-ins for what costs time."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from reportgen.rendering import figures
from reportgen.rendering.figures.heatmap import DrawnFigure
from reportgen.rendering.thumbnails import make_thumbnail
from reportgen.report import build_report
from tests import factories


def png(side=4, colour=(10, 90, 60)):
    stream = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def no_drawing(monkeypatch):
    """Small true pictures for the heatmaps, another for each colour map."""
    monkeypatch.setattr(
        figures,
        "draw_heatmap",
        lambda spec, colourmap: DrawnFigure(
            png(2 + len(spec.name) % 7, (len(colourmap), 0, 0)), 10, 10, False
        ),
    )


@pytest.fixture(scope="session")
def evaluation():
    """Galleries, suspected labels, slices."""
    return factories.scored()


@pytest.fixture(scope="session")
def thumbnails(evaluation):
    names = [mistake.id for gallery in evaluation.examples for mistake in gallery]
    names += [suspect.id for suspect in evaluation.suspects.suspects[:24]]
    return {
        name: make_thumbnail(
            factories.picture(32 if i % 2 else 120, (i * 37 % 256, i * 91 % 256, 80))
        )
        for i, name in enumerate(dict.fromkeys(names))
    }


@pytest.fixture(scope="session")
def report(evaluation, thumbnails):
    return build_report(evaluation, thumbnails)
