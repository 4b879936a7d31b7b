"""What a file that is no readable image is, told by its first bytes; nothing is decoded."""

from __future__ import annotations

import re
from typing import Literal

from reportgen.text import printable

__all__ = ["describe_content", "ends_early", "known_format", "refused_format"]

_FOREIGN: tuple[tuple[int, bytes, str], ...] = (
    (0, b"8BPS", "PSD"),
    (0, b"%!PS", "EPS"),
    (0, b"\xc5\xd0\xd3\xc6", "EPS"),
    (0, b"%PDF", "PDF"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (0, b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\x00\x00\x01\x00", "ICO"),
    (0, b"\x00\x00\x02\x00", "CUR"),
    (0, b"icns", "ICNS"),
    (0, b"DDS ", "DDS"),
    (0, b"qoif", "QOI"),
    (0, b"v/1\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"gimp xcf", "XCF"),
    (0, b"\xd7\xcd\xc6\x9a", "WMF"),
    (0, b"SIMPLE  =", "FITS"),
    (0, b"\x89HDF\r\n\x1a\n", "HDF5"),
    (0, b"\x93NUMPY", "NumPy array"),
    (0, b"PK\x03\x04", "ZIP archive"),
    (0, b"\x1f\x8b", "gzip archive"),
    (128, b"DICM", "DICOM"),
    (0, b"FUJIFILMCCD-RAW", "RAW (Fujifilm)"),
    (0, b"IIRO", "RAW (Olympus)"),
    (0, b"IIRS", "RAW (Olympus)"),
    (0, b"IIU\x00", "RAW (Panasonic)"),
    (40, b" EMF", "EMF"),
)
_KNOWN: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8", "JPEG"),
    (b"\x89PNG", "PNG"),
    (b"RIFF", "WebP"),
    (b"BM", "BMP"),
    (b"GIF8", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
)
_FILE_TYPE_BRANDS = {
    b"avif": "AVIF",
    b"avis": "AVIF",
    b"heic": "HEIC",
    b"heix": "HEIC",
    b"heim": "HEIC",
    b"heis": "HEIC",
    b"hevc": "HEIC",
    b"hevx": "HEIC",
    b"mif1": "HEIC",
    b"msf1": "HEIC",
    b"crx ": "RAW (Canon)",
}
_WORD = re.compile(rb"[^\s>]{1,16}")
_TEXT_BYTES = frozenset(range(0x20, 0x7F)) | {0x09, 0x0A, 0x0D}
_HEAD = 1024


def refused_format(content: bytes) -> str | None:
    """The name of a picture format that is told by its first bytes and is not supported."""
    if content[:2] in (b"II", b"MM") and content.startswith(b"CR\x02", 8):
        return "RAW (Canon)"
    if known_format(content):  # what follows may stand in the metadata of a good image
        return None
    for at, magic, name in _FOREIGN:
        if content.startswith(magic, at):
            return name
    if content[4:8] == b"ftyp":
        return _FILE_TYPE_BRANDS.get(content[8:12], "MP4 or another video")
    if b"<svg" in content[:_HEAD].lower():
        return "SVG"
    return None


def known_format(content: bytes) -> str | None:
    """The supported format whose first bytes these are."""
    return next((name for magic, name in _KNOWN if content.startswith(magic)), None)


def describe_content(content: bytes) -> str:
    """Why no image could be opened, in words that follow the file's name.

    >>> describe_content(b"<html><body>Not found"), describe_content(b"")
    ('is not an image (starts with <html)', 'is empty')
    """
    if not content:
        return "is empty"
    if content.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, run git lfs pull"
    foreign = refused_format(content)
    if foreign:
        return f"format not supported: {foreign}"
    head = content[:_HEAD]
    if not any(head) and not any(content):
        return "holds only zero bytes"
    known = known_format(content)
    if known:
        return f"is a damaged {known}"
    return f"is not an image ({_start(head)})"


def ends_early(content: bytes) -> bool:
    """Whether a file that can't be decoded is only the beginning of an image.

    Told by the length or the end mark that its format declares; a guess for the wording only.
    """
    known = known_format(content)
    if known == "JPEG":
        return b"\xff\xda" not in content
    if known == "PNG":
        return b"IEND" not in content[-32:]
    if known == "WebP":
        return content[8:12] in (b"", b"WEBP") and len(content) < 8 + _number(content, 4)
    if known == "GIF":
        return not content.endswith(b";")
    if known == "BMP":
        return len(content) < _number(content, 2)
    if known == "TIFF":
        order: Literal["little", "big"] = "little" if content.startswith(b"I") else "big"
        return len(content) < 2 + _number(content, 4, order)
    return False


def _number(content: bytes, at: int, order: Literal["little", "big"] = "little") -> int:
    return int.from_bytes(content[at : at + 4], order)


def _start(head: bytes) -> str:
    """How the file begins: a word of text, or the first bytes."""
    word = _WORD.search(head.removeprefix(b"\xef\xbb\xbf"))
    if word and set(word.group()) <= _TEXT_BYTES:
        return f"starts with {printable(word.group().decode('ascii'))}"
    return f"starts with the bytes {head[:8].hex(' ')}"
