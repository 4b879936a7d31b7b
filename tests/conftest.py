"""What tests of several rooms share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

# How long one example takes depends on the machine and on what else runs there.
hypothesis.settings.register_profile("reportgen", deadline=None)
hypothesis.settings.load_profile("reportgen")

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_path() -> Path:
    """The folder of reference data beside the checkout; skips where there is none."""
    path = CHECKOUT.parent / "shared"
    if not path.is_dir():
        pytest.skip("needs the reference data in ../shared, which is not here")
    return path


@pytest.fixture(scope="session")
def shared(shared_path: Path) -> Callable[[str], Path]:
    """``shared("golden/x.json")``: that file of the reference data; skips where it is not."""

    def find(name: str) -> Path:
        path = shared_path / name
        if not path.exists():
            pytest.skip(f"needs ../shared/{name}, which is not here")
        return path

    return find
