"""The guard of all tests, and what a start opens: nothing."""

import socket
import subprocess
import sys

import pytest

from tests import conftest

SEEN = """
import sys
opened = []
def see(event, args):
    if event.startswith("socket."):
        opened.append(event)
sys.addaudithook(see)
import reportgen
{act}
assert not opened, opened
engines = ("ray", "torch", "fsspec", "boto3", "google.cloud", "azure")
loaded = [name for name in engines if name in sys.modules]
assert not loaded, loaded
stores = sys.modules.get("reportgen.storage.stores")
assert stores is None or stores._connected.cache_info().misses == 0
"""

ACTS = """
reportgen.render('t.csv', out='out')
reportgen.render('t.parquet', out='out2')
reportgen.compare('t.csv', 't.parquet', out='out3')
reportgen.check('out/report.json', fail_under='accuracy=0.1')
"""


@pytest.mark.parametrize("act", ["", ACTS], ids=["import", "render, compare, check"])
def test_import_render_and_check_open_no_socket_and_load_no_engine(act, tmp_path):
    import pandas as pd

    frame = pd.DataFrame({"id": list("abcd"), "label": list("xxyy"), "prediction": list("xyyy")})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    done = subprocess.run(
        [sys.executable, "-c", SEEN.format(act=act)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_connection_is_refused_and_told():
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(PermissionError):
        socket.create_connection(server.getsockname())
    with pytest.raises(PermissionError, match="may not connect"):
        socket.create_connection(("192.0.2.1", 9), timeout=0.1)
    assert len(conftest._state["refused"]) == 2
    conftest._state["refused"].clear()


@pytest.mark.loopback
def test_a_test_that_is_marked_may_connect_to_this_machine_alone():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
    with pytest.raises(PermissionError):
        socket.create_connection(("192.0.2.1", 9), timeout=0.1)
    conftest._state["refused"].clear()
