"""Screens for eyes to see, not compared: in the folder that REPORTGEN_SCREENS names, if any."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

SCREENS = [
    ("two classes", "light", 1280), ("ten classes", "dark", 1280), ("scores", "light", 390),
]  # fmt: skip


@pytest.mark.parametrize(("name", "scheme", "width"), SCREENS)
def test_a_screen_is_drawn(open_page, tmp_path, name, scheme, width):
    folder = Path(os.environ.get("REPORTGEN_SCREENS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    page, _ = open_page(name, color_scheme=scheme, width=width)
    file = folder / f"{name.replace(' ', '-')}-{width}-{scheme}.png"
    page.screenshot(path=file, full_page=True)
    assert file.stat().st_size > 100_000
