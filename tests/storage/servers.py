"""An S3 server on the loopback address, and servers that misbehave."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

BUCKET = "canary-bucket"
SECRET = "canary-secret"
KEY_ID = "canary-key-id"


class Filled:
    """A bucket that tests fill; it has a `filesystem`."""

    def put(self, source: Path, key: str) -> None:
        """A file, or all files of a folder."""
        if source.is_dir():
            for path in sorted(source.rglob("*")):
                if path.is_file():
                    self.put(path, f"{key}/{path.relative_to(source).as_posix()}")
            return
        with self.filesystem.open_output_stream(f"{BUCKET}/{key}") as stream:
            stream.write(source.read_bytes())


@dataclass
class Bucket(Filled):
    """A bucket, its server, and what a command must never print of them."""

    port: int
    server: object

    def address(self, key: str) -> str:
        return (
            f"s3://{BUCKET}/{key}?endpoint_override=127.0.0.1:{self.port}"
            "&scheme=http&region=eu-central-1"
        )

    @property
    def filesystem(self):
        import pyarrow.fs as fs

        return fs.S3FileSystem(
            endpoint_override=f"127.0.0.1:{self.port}", scheme="http", region="us-east-1",
            access_key=KEY_ID, secret_key=SECRET, allow_bucket_creation=True,
        )  # fmt: skip

    def read(self, key: str) -> bytes:
        with self.filesystem.open_input_stream(f"{BUCKET}/{key}") as stream:
            return stream.read()

    def keys(self) -> list[str]:
        import pyarrow.fs as fs

        found = self.filesystem.get_file_info(fs.FileSelector(BUCKET, recursive=True))
        return sorted(one.path.removeprefix(f"{BUCKET}/") for one in found if one.is_file)

    def stop(self) -> None:
        self.server.stop()

    def refuse_words(self, text: str) -> None:
        """Nothing of where it is may be in an output."""
        for word in (BUCKET, SECRET, KEY_ID, f":{self.port}", "eu-central-1", "endpoint_override"):
            assert word not in text


@contextmanager
def s3_server(patch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """An empty bucket; the credentials are in the environment."""
    server_of = pytest.importorskip("moto.server", reason="needs moto[server]")
    patch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        patch.delenv(name, raising=False)
    server = server_of.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        port = server.get_host_and_port()[1]
        reset = Request(f"http://127.0.0.1:{port}/moto-api/reset", method="POST")
        urlopen(reset).close()  # its state is that of this process
        bucket = Bucket(port, server)
        bucket.filesystem.create_dir(BUCKET)
        yield bucket
    finally:
        server.stop()


@contextmanager
def silent_server() -> Iterator[int]:
    """The port of a server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        held: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    held.append(listening.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            for one in held:
                one.close()
