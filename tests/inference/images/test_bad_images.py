"""A file that is no good image gives a reason in words, within little memory, and nothing else."""

from __future__ import annotations

import os
import pickle
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from reportgen.inference.images.decoding import (
    Unreadable,
    decode,
    describe_content,
    header_size,
    known_format,
)
from reportgen.inference.images.flags import ImageFlag
from tests.inference.image_bytes import EXTENSION, PILLOW, decoded, encoded, picture, reason


@pytest.mark.parametrize("kind", EXTENSION)
def test_half_a_file_ends_early(kind: str) -> None:
    content = encoded(picture(size=(200, 200)), kind)
    for share in (0.05, 0.3, 0.5, 0.9):
        assert reason(content[: int(share * len(content))]) == "file ends early"


HTML = b"<html><head><title>404</title>"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is empty"),
        (b"\0" * 3000, "contains only zero bytes"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
            "is a Git LFS pointer, run git lfs pull",
        ),
        (HTML, "is not an image (starts with <html)"),
        (b"\xef\xbb\xbf \n" + HTML, "is not an image (starts with <html)"),
        (b"<!DOCTYPE html>\n<html>", "is not an image (starts with <!DOCTYPE)"),
        (b"hello world", "is not an image (starts with hello)"),
        (b"\x1b[31mred", "is not an image (starts with the bytes 1b 5b 33 31 6d 72 65 64)"),
        (b"\x01\x02", "is not an image (starts with the bytes 01 02)"),
    ],
)
def test_what_is_no_image_is_called_what_it_is(content: bytes, text: str) -> None:
    assert reason(content) == text


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avif", "AVIF"),
        (b"\0\0\0\x1cftypisom\0\0\0\0avc1", "MP4 or another video"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"<SVG/>", "SVG"),
        (b"8BPS\0\1" + b"\0" * 30, "PSD"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "EPS"),
        (b"\xc5\xd0\xd3\xc6" + b"\0" * 28, "EPS"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\xd7\xcd\xc6\x9a" + b"\0" * 40, "WMF"),
        (b"SIMPLE  =                    T", "FITS"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 40, "HDF5"),
        (b"II*\0\x10\0\0\0CR\x02\0", "RAW (Canon)"),
        (b"\xff\x0a" + b"\0" * 10, "JPEG XL"),
        (b"\0" * 128 + b"DICM", "DICOM"),
    ],
)
def test_formats_that_are_not_supported_are_named(content: bytes, name: str) -> None:
    assert reason(content, "photo.jpg") == f"format not supported: {name}"


def test_an_image_with_svg_in_its_metadata_is_no_svg() -> None:
    content = encoded(picture(), "JPEG", comment=b"<svg> made from a drawing")
    assert decoded(content, "JPEG").flags == ImageFlag.NONE


@pytest.mark.parametrize("kind", ["ICO", "TGA", "PCX", "JPEG2000", "DDS"])
def test_formats_that_pillow_knows_and_we_do_not_stay_shut(kind: str) -> None:
    reason(encoded(picture(), kind))


def test_ghostscript_is_never_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "started"
    for program in ("gs", "gswin64c"):
        path = tmp_path / program
        path.write_text(f"#!/bin/sh\ntouch {mark}\n", encoding="ascii")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert reason(encoded(picture(), "EPS")) == "format not supported: EPS"
    assert not mark.exists()


def test_a_flipped_byte_in_a_png_is_seen() -> None:
    content = bytearray(encoded(picture()))
    content[len(content) // 2] ^= 0xFF
    assert reason(bytes(content)).startswith("is damaged (")


def bomb(width: int, height: int) -> bytes:
    header = struct.pack(">II5B", width, height, 1, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    crc = struct.pack(">I", zlib.crc32(chunk))
    data = b"\0\0\0\0IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + crc + data


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (bomb(20_000, 20_000), "is 20000x20000 = 400 Mpx; limit 89 Mpx"),
        (bomb(10_000, 10_000), "is 10000x10000 = 100 Mpx; limit 89 Mpx"),
        (b"P5\n30000 10000\n255\n", "is 30000x10000 = 300 Mpx; limit 89 Mpx"),
        (
            b"GIF89a" + struct.pack("<HH", 60_000, 60_000) + b"\0\0\0,\0\0\0\0\1\0\1\0\0;",
            "is 60000x60000 = 3600 Mpx; limit 89 Mpx",
        ),
        (
            b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\x3f\0" * 2 + b"\0" * 20,
            "is 268 Mpx; limit 89 Mpx"
            if PILLOW >= 13
            else "is damaged (could not create decoder object)",
        ),
    ],
)
def test_too_many_pixels_are_refused_from_the_header(content: bytes, text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert reason(content) == text
        assert header_size(content) is None or header_size(content) == (10_000, 10_000)


def test_the_limit_holds_where_the_user_lifted_pillows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert reason(bomb(20_000, 20_000)) == "is 20000x20000 = 400 Mpx; limit 89 Mpx"


def test_a_text_chunk_of_100_megabytes_is_refused() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", "x" * 100_000_000, zip=True)
    content = encoded(picture(), "PNG", pnginfo=info)
    assert len(content) < 1_000_000
    assert "Decompressed data too large" in reason(content)


def test_bombs_are_refused_within_little_memory() -> None:
    """With 700 MB of address space, of which the interpreter takes a part, each is refused."""
    code = """
import io, resource, struct, sys
from PIL import Image, PngImagePlugin
from reportgen.inference.images.decoding import Unreadable, decode
resource.setrlimit(resource.RLIMIT_AS, (700 << 20, 700 << 20))
for name, content in bombs():
    try:
        decode(content, name="x.jpg")
        print(name, "DECODED")
    except Unreadable as error:
        print(name, error.reason)
"""
    bombs = f"""
import struct
def bombs():
    yield "png", {bomb(20_000, 20_000)!r}
    yield "png below the limit", {bomb(9_000, 9_000)!r}
    yield "gif", b"GIF89a" + struct.pack("<HH", 9000, 9000) + b"\\0\\0\\0,\\0\\0\\0\\0" + \\
        struct.pack("<HH", 9000, 9000) + b"\\0\\x08\\xff;"
    tags = [(256, 3, 1, 8), (257, 3, 1, 8), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
            (273, 4, 1, 150), (277, 3, 1, 1), (278, 3, 1, 8), (279, 4, 1, 0xF0000000)]
    for compression in (1, 5, 8, 32773):
        tags[3] = (259, 3, 1, compression)
        body = b"".join(struct.pack("<HHII", *tag) for tag in tags)
        ifd = struct.pack("<H", len(tags)) + body + bytes(4)
        yield f"tiff {{compression}}", b"II*\\0" + struct.pack("<I", 8) + ifd + bytes(50)
"""
    script = f"{bombs}{code}"
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr
    assert "DECODED" not in result.stdout
    assert len(result.stdout.splitlines()) == 7


def test_missing_memory_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(self: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", load)
    assert reason(encoded(picture())) == "needs more memory than is available"


def test_a_reason_survives_pickling_and_names_no_object() -> None:
    with pytest.raises(Unreadable) as caught:
        decode(b"hello", name="x.jpg")
    again = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(again, Unreadable)
    assert again.reason == caught.value.reason
    assert caught.value.__context__ is None


SEEDS = [encoded(picture(size=(20, 20)), kind) for kind in EXTENSION]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SEEDS), st.data())
def test_mutated_images_are_decoded_or_refused(seed: bytes, data: st.DataObject) -> None:
    content = bytearray(seed)
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, min(len(content) - 1, 400)))
        content[at] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(content)))
    for candidate in (bytes(content), bytes(content[:end])):
        try:
            result = decode(candidate, name="x.png")
        except Unreadable as error:
            outcome = error.reason.isprintable()
        else:
            outcome = result.image.mode == "RGB"
        assert outcome


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_decoded_or_refused(content: bytes) -> None:
    try:
        outcome = decode(content, name="x.png").image.mode
    except Unreadable as error:
        outcome = error.reason
    assert outcome.isprintable()
    assert describe_content(content)
    header_size(content)


def test_first_bytes_tell_the_supported_formats() -> None:
    names = [known_format(seed) for seed in SEEDS]
    assert names == ["JPEG", "PNG", "WebP", "BMP", "GIF", "TIFF", None]
