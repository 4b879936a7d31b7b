"""What tests of several rooms share."""

from __future__ import annotations

import gc
import hashlib
import ipaddress
import os
import pickle
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import hypothesis
import pytest

# How long one example takes depends on the machine and on what else runs there.
hypothesis.settings.register_profile("reportgen", deadline=None)
hypothesis.settings.load_profile("reportgen")

# Thousands of tests and their modules live to the end: searching them for garbage takes a tenth of the time.
gc.set_threshold(50_000, 20, 20)

# Threads of PyTorch that wait for each other sleep: beside another worker of the tests, training the networks of the
# demo took five times the CPU time otherwise. The number of threads, and so each sum, is the same.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # its import asks for news of a server otherwise

_WITH_SERVERS = {"browser", "delivery", "engines", "storage", "trackers", "test_docs_notebook.py"}
"""Folders and files whose tests talk to servers of this machine: they are marked ``loopback``."""

_state: dict[str, Any] = {"test": None, "refused": []}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tests = Path(__file__).parent
    for item in items:
        if _WITH_SERVERS & {item.path.relative_to(tests).parts[0]}:
            item.add_marker(pytest.mark.loopback)


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()


def _see_connection(event: str, args: tuple[Any, ...]) -> None:
    """Refuse a connection that a test may not open."""
    test = _state["test"]
    if event != "socket.connect" or test is None:
        return
    to, family = args[1], args[0].family
    if family not in (socket.AF_INET, socket.AF_INET6):
        return
    if test.get_closest_marker("loopback") is not None and _is_of_this_machine(to[0]):
        return
    _state["refused"].append(to)
    raise PermissionError(f"a test may not connect to {to}")


def _is_of_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


sys.addaudithook(_see_connection)


@pytest.fixture(autouse=True)
def guarded_sockets(request: pytest.FixtureRequest):
    """No connection outside this machine; none at all in tests that are not marked for it."""
    _state["test"], _state["refused"] = request.node, []
    yield
    refused, _state["test"] = _state["refused"], None
    assert not refused, f"connections were opened to {refused}"


@pytest.fixture(scope="session", autouse=True)
def drawn_once():
    """Reports of the same matrix share its pictures, as drawing takes half of their time.

    Tests of drawing itself call ``reportgen.rendering.figures.heatmap``, where nothing is kept.
    """
    from reportgen.rendering import figures

    draw, pictures = figures.draw_heatmap, {}

    def draw_heatmap(*given, **named):
        key = hashlib.sha256(pickle.dumps((given, named))).digest()
        if key not in pictures:
            pictures[key] = draw(*given, **named)
        return pictures[key]

    with mock.patch.object(figures, "draw_heatmap", draw_heatmap):
        yield


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
