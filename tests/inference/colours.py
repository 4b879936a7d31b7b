"""A network whose prediction anyone can see: the brightest channel; and what it predicts of data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import reportgen
from reportgen.errors import ReportgenError
from reportgen.predictions import Predictions, RunFacts

COLOURS = '''
import torch

class Colours(torch.nn.Module):
    """The brightest channel: blue is class 0, green 1, red 2."""

    def forward(self, x):
        return x.mean(dim=(2, 3)).flip(1) * 20

def make():
    return Colours()
'''
NAMES = ("cat", "dog", "ship")


def predicted(data: str | Path, **options: Any) -> Predictions:
    return reportgen.predict(
        "colours.py:make", data, out="out", force=True, **{"classes": "names.txt", **options}
    )


def rows_of(data: str | Path, **options: Any) -> list[dict[str, Any]]:
    tables = predicted(data, **options).tables()
    return [row for table in tables for row in table.to_pylist()]


def facts_of(data: str | Path, **options: Any) -> RunFacts:
    """What the predictions say besides their rows."""
    return predicted(data, **options).facts


def labelled(data: str | Path, **options: Any) -> list[tuple[str, str]]:
    rows = rows_of(data, **options)
    assert all(row["label"] == row["prediction"] for row in rows)
    return [(row["id"], NAMES[row["label"]]) for row in rows]


def refused(data: str | Path, **options: Any) -> ReportgenError:
    with pytest.raises(ReportgenError) as caught:
        rows_of(data, **options)
    return caught.value
