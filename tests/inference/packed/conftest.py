"""Six plain images of three classes in a folder of the test's own, and a network that knows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.inference.builders import colour_tree
from tests.inference.colours import COLOURS, NAMES


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("colours.py").write_text(COLOURS)
    Path("names.txt").write_text("\n".join(NAMES))
    colour_tree(Path("tree"), n=2)
    return tmp_path
