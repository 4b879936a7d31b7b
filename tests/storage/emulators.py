"""Google Cloud Storage and Azure on the loopback address, by the emulators of each."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pyarrow.fs as fs
import pytest

from tests.checkers import MODULES
from tests.storage.servers import BUCKET, Filled

AZURE_KEY = (  # of every Azurite: it protects nothing
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


@dataclass
class Store(Filled):
    """A bucket, the connection that pyarrow has to it, and how an address of it begins."""

    filesystem: fs.FileSystem
    root: str
    process: subprocess.Popen

    def address(self, key: str) -> str:
        return f"{self.root}/{key}"

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


@contextmanager
def google(folder: Path) -> Iterator[Store]:
    """An emulator of Google Cloud Storage, with a bucket."""
    port = _free_port()
    words = ["start", "--host=127.0.0.1", f"--port={port}", "--in-memory"]
    made = _found("gcp-storage-emulator", "pip install gcp-storage-emulator")
    with _started([made, *words, f"--default-bucket={BUCKET}"], port, folder) as process:
        connected = fs.GcsFileSystem(
            anonymous=True, endpoint_override=f"127.0.0.1:{port}", scheme="http",
            retry_time_limit=timedelta(seconds=2),
        )  # fmt: skip
        yield Store(connected, f"gs://{BUCKET}", process)


@contextmanager
def azure(folder: Path) -> Iterator[Store]:
    """An emulator of Azure's blobs, with a container."""
    port = _free_port()
    words = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder)]
    made = _found("azurite-blob", "bash .ci/run tools")
    options = ["--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    with _started([made, *words, *options], port, folder) as process:
        place = f"127.0.0.1:{port}"
        connected = fs.AzureFileSystem(
            "devstoreaccount1", account_key=AZURE_KEY,
            blob_storage_authority=place, blob_storage_scheme="http",
            dfs_storage_authority=place, dfs_storage_scheme="http",
        )  # fmt: skip
        connected.create_dir(BUCKET)
        yield Store(connected, f"abfs://{BUCKET}@devstoreaccount1.dfs.core.windows.net", process)


def _found(name: str, install: str) -> str:
    beside = f"{Path(sys.executable).parent}:{MODULES / '.bin'}"
    path = shutil.which(name, path=beside) or shutil.which(name)
    if path is None:
        pytest.skip(f"no {name}: {install}")
    return path


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@contextmanager
def _started(words: Sequence[str], port: int, folder: Path) -> Iterator[subprocess.Popen]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
    try:
        for _ in range(600):
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.wait()
