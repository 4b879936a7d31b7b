"""Compressed files, opened as their content.

The unpacked size is limited: a small file may unpack to more than any disk can store.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from reportgen.errors import DataError
from reportgen.importers.formats.limits import bytes_words
from reportgen.text import quoted

__all__ = [
    "compression_of",
    "inner_name",
    "open_bytes",
    "open_text",
]


_MAGIC = {
    b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\xfd7zXZ\x00": ".xz", b"\x28\xb5\x2f\xfd": ".zst",
}  # fmt: skip


_BOMB_RATIO, _BOMB_BYTES = 200, 256 << 20


def compression_of(path: Path) -> str:
    """``".gz"``, ``".bz2"``, ``".xz"`` or ``".zst"`` by the first bytes; otherwise empty."""
    with path.open("rb") as stream:
        head = stream.read(6)
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), "")


def inner_name(path: Path) -> Path:
    """The path without the extension of the compression."""
    return path.with_suffix("") if path.suffix.lower() in _MAGIC.values() else path


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """The content of a file, decompressed if needed.

    Raises :class:`DataError` if it is damaged, or unpacks to an absurd size.
    """
    kind = compression_of(path)
    if not kind:
        with path.open("rb") as stream:
            yield stream
        return
    openers: dict[str, Any] = {
        ".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open, ".zst": _open_zstd,
    }  # fmt: skip
    try:
        with openers[kind](path, "rb") as packed:
            limit = max(_BOMB_BYTES, _BOMB_RATIO * path.stat().st_size)
            limited = _Limited(cast(IO[bytes], packed), limit, path)
            yield io.BufferedReader(limited, 1 << 18)
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise DataError(
            f"{quoted(path.name)} is cut off or damaged: it can't be unpacked",
            slug="input-unreadable",
            hint="copy or compress it again",
        ) from error


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[IO[str]]:
    """As text; line endings are kept."""
    with open_bytes(path) as stream:
        text = io.TextIOWrapper(cast(Any, stream), encoding=encoding, newline="")
        try:
            yield text
        finally:
            text.detach()


@contextmanager
def _open_zstd(path: Path, _: str) -> Iterator[Any]:
    import pyarrow as pa

    if not pa.Codec.is_available("zstd"):
        raise DataError(
            f"{quoted(path.name)} is compressed with zstd, which this pyarrow was built without",
            slug="input-kind",
            hint="unpack it with zstd -d and pass that file",
        )
    with pa.input_stream(str(path), compression="zstd") as packed:
        yield _Zstd(packed)


class _Zstd:
    """Zstandard by pyarrow; damage raises the same errors as for other formats."""

    def __init__(self, packed: Any) -> None:
        self._packed = packed

    def read(self, n: int) -> bytes:
        try:
            block: bytes = self._packed.read(n)
        except OSError as error:
            if error.errno is not None:
                raise
            raise EOFError(str(error)) from error
        return block


class _Limited(io.RawIOBase):
    """A stream that raises an error after `limit` bytes."""

    def __init__(self, stream: IO[bytes], limit: int, path: Path) -> None:
        self._stream, self._left, self._limit, self._path = stream, limit, limit, path

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._stream.read(len(buffer))
        self._left -= len(block)
        if self._left < 0:
            raise DataError(
                f"{quoted(self._path.name)} unpacks to more than {bytes_words(self._limit)}",
                slug="array-bomb",
                hint="if this is intended, unpack it first",
            )
        buffer[: len(block)] = block
        return len(block)
