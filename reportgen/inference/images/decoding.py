"""Decode images, and describe files that are not readable images."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Literal

from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from reportgen.inference.images.flags import ImageFlag
from reportgen.text import printable

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "Decoded",
    "Size",
    "Unreadable",
    "decode",
    "describe_content",
    "ends_early",
    "header_size",
    "known_format",
    "refused_format",
]


Size = tuple[int, int]
"""(width, height) in pixels."""


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
    """The name of an unsupported image format, detected by its first bytes."""
    if content[:2] in (b"II", b"MM") and content.startswith(b"CR\x02", 8):
        return "RAW (Canon)"
    if known_format(content):  # the match may be in the metadata of a valid image
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
    """The supported format with these first bytes."""
    return next((name for magic, name in _KNOWN if content.startswith(magic)), None)


def describe_content(content: bytes) -> str:
    """The reason why no image could be opened, worded to follow the file name.

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
        return "contains only zero bytes"
    known = known_format(content)
    if known:
        return f"is a damaged {known}"
    return f"is not an image ({_start(head)})"


def ends_early(content: bytes) -> bool:
    """Whether a file that can't be decoded is a truncated image.

    Judged by the length or the end marker of its format; used for the wording only.
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
    """The beginning of the file: a word of text, or the first bytes."""
    word = _WORD.search(head.removeprefix(b"\xef\xbb\xbf"))
    if word and set(word.group()) <= _TEXT_BYTES:
        return f"starts with {printable(word.group().decode('ascii'))}"
    return f"starts with the bytes {head[:8].hex(' ')}"


FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
"""The formats that are tried. Pillow's forty others stay disabled."""


MAX_PIXELS = 1024 * 1024 * 1024 // 4 // 3
"""Maximum pixels of an image, 89 million: Pillow's default, which user code may have raised."""


_EXTENSIONS = {
    "JPEG": {"jpg", "jpeg", "jpe", "jfif"},
    "MPO": {"jpg", "jpeg", "jpe", "jfif"},
    "PNG": {"png"},
    "WEBP": {"webp"},
    "BMP": {"bmp", "dib"},
    "GIF": {"gif"},
    "TIFF": {"tif", "tiff"},
    "PPM": {"ppm", "pgm", "pbm", "pnm"},
}


_SIXTEEN_BIT_MODES = {"I;16", "I;16B", "I;16L", "I;16N"}


_WIDE_INTEGER_FORMATS = {"PNG", "PPM"}  # "I" means 16 bits there, 32 bits elsewhere


_ALPHA_MODES = {"RGBA", "LA", "PA", "RGBa", "La"}


_MAX_ERROR_TEXT = 120


_ADDRESS = re.compile(r"<[^<>]* at 0x[0-9a-fA-F]+>")


class Unreadable(Exception):
    """The image can't be read; `reason` continues a sentence that begins with the file name."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Decoded:
    """An image of mode RGB, 8 bits per channel, and the peculiarities noticed while decoding."""

    image: Image.Image
    flags: ImageFlag


def decode(content: bytes, *, name: str) -> Decoded:
    """Decode the bytes of a file.

    Parameters
    ----------
    content
        The whole file.
    name
        The file name; only its extension is used.

    Raises
    ------
    Unreadable
        For any fault of the bytes; no other exception is raised.
    """
    try:
        with _quiet_pillow() as caught:
            return _decode(content, name, caught)
    except Unreadable:
        raise
    except Exception as error:
        reason = _reason(error, content)
    raise Unreadable(reason)  # outside the handler: the original may contain the whole file


def header_size(content: bytes) -> Size | None:
    """The size in a file's header; None if it can't be opened as an image.

    `content` may be cut after the header. The caller must filter Pillow's warnings.
    """
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            size: Size = image.size
    except Exception:
        return None
    return size if size[0] * size[1] <= MAX_PIXELS else None


def _decode(content: bytes, name: str, caught: list[warnings.WarningMessage]) -> Decoded:
    if not content or refused_format(content):
        raise Unreadable(describe_content(content))
    with Image.open(BytesIO(content), formats=FORMATS) as source:
        _check_pixels(source.size)
        source.load()
        flags = _format_flags(source, name)
        if _has_broken_profile(source) or not all(map(_is_expected, caught)):
            flags |= ImageFlag.BROKEN_METADATA
        image, converted = _as_rgb(source)
        flags |= converted | _orientation_flags(source) | _frame_flags(source)
    return Decoded(image, flags)


@contextmanager
def _quiet_pillow() -> Iterator[list[warnings.WarningMessage]]:
    """Collect Pillow's warnings, silence its log, and make truncated files an error.

    User code in this process may have made Pillow fill up truncated files, which would turn
    damage into a prediction. Its setting is restored.
    """
    _silence_log()
    lenient = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield caught
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = lenient


@cache
def _silence_log() -> None:
    """Without a handler, Python prints log records of level warning and above."""
    logging.getLogger("PIL").addHandler(logging.NullHandler())


def _is_expected(warning: warnings.WarningMessage) -> bool:
    """Whether a warning does not indicate damage."""
    return issubclass(warning.category, (Image.DecompressionBombWarning, DeprecationWarning))


def _has_broken_profile(source: Image.Image) -> bool:
    """Whether the image has a colour profile without the mandatory signature."""
    profile = source.info.get("icc_profile", b"acsp".rjust(40))
    return not isinstance(profile, bytes) or profile[36:40] != b"acsp"


def _check_pixels(size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise Unreadable(_too_large(f"{width}x{height} = ", width * height))


def _too_large(shape: str, n_pixels: int) -> str:
    return f"is {shape}{n_pixels / 1e6:.0f} Mpx; limit {MAX_PIXELS / 1e6:.0f} Mpx"


def _format_flags(source: ImageFile.ImageFile, name: str) -> ImageFlag:
    _, dot, extension = name.rpartition(".")
    if not dot or extension.lower() in _EXTENSIONS.get(source.format or "", ()):
        return ImageFlag.NONE
    return ImageFlag.WRONG_EXTENSION


def _as_rgb(source: ImageFile.ImageFile) -> tuple[Image.Image, ImageFlag]:
    """The current frame as RGB, and flags for what the conversion lost."""
    mode = source.mode
    if mode in _SIXTEEN_BIT_MODES or (mode == "I" and source.format in _WIDE_INTEGER_FORMATS):
        return _from_sixteen_bit(source), ImageFlag.SIXTEEN_BIT
    if mode == "F":
        raise Unreadable(
            "contains 32-bit floats (mode F), whose range is unknown; save 8 or 16 bits"
        )
    if mode == "I":
        raise Unreadable(
            "contains 32-bit integers (mode I), whose range is unknown; save 8 or 16 bits"
        )
    flags = ImageFlag.CMYK if mode == "CMYK" else ImageFlag.NONE
    if _is_transparent(source):
        flags |= ImageFlag.ALPHA_DROPPED
    return source.convert("RGB"), flags


def _from_sixteen_bit(source: Image.Image) -> Image.Image:
    """0..65535 → 0..255, rounded to the nearest: 65535 / 257 = 255."""
    import numpy as np

    values = np.asarray(source).astype(np.int32)
    if values.min() < 0 or values.max() > 65535:
        raise Unreadable(f"contains values outside 0..65535 (mode {source.mode})")
    return Image.fromarray(((values + 128) // 257).astype(np.uint8)).convert("RGB")


def _is_transparent(source: Image.Image) -> bool:
    """Whether any pixel is not fully opaque."""
    if source.mode not in _ALPHA_MODES and "transparency" not in source.info:
        return False
    lowest, _ = source.convert("RGBA").getchannel("A").getextrema()
    return isinstance(lowest, (int, float)) and lowest < 255


def _orientation_flags(source: ImageFile.ImageFile) -> ImageFlag:
    """Whether EXIF data requests a rotation; Pillow already rotates TIFF pages."""
    if not {"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"} & set(source.info):
        return ImageFlag.NONE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # Read again: opening the file discarded the error.
            Image.Exif().load(source.info.get("exif") or b"")
            orientation = source.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:
        return ImageFlag.BROKEN_METADATA
    return ImageFlag.ROTATED if orientation in range(2, 9) else ImageFlag.NONE


def _frame_flags(source: ImageFile.ImageFile) -> ImageFlag:
    """Whether there is more than one frame. It may seek in the file, so it is called last."""
    try:
        several = bool(getattr(source, "is_animated", False))
    except Exception:  # a later frame exists and is damaged
        several = True
    return ImageFlag.FIRST_FRAME if several else ImageFlag.NONE


def _reason(error: Exception, content: bytes) -> str:
    """The reason why decoding failed, without object addresses."""
    if isinstance(error, Image.DecompressionBombError):
        return _bomb_reason(error, content)
    if isinstance(error, MemoryError):
        return "needs more memory than is available"
    text = printable(_ADDRESS.sub("a file", " ".join(str(error).split())))[:_MAX_ERROR_TEXT]
    if "truncated" in text.lower() or "EOF" in text or ends_early(content):
        return "file ends early"
    if isinstance(error, UnidentifiedImageError):
        return describe_content(content)
    return f"is damaged ({text or type(error).__name__})"


def _bomb_reason(error: Exception, content: bytes) -> str:
    """The reason for too large an image: Pillow's error lacks it, so the header is read again."""
    for format_name in FORMATS:
        try:
            factory, accepts = Image.OPEN[format_name]
            if accepts is not None and accepts(content[:16]) is True:
                width, height = factory(BytesIO(content), "").size
                return _too_large(f"{width}x{height} = ", width * height)
        except Exception:
            continue
    counted = re.search(r"\((\d+) pixels\)", str(error))
    return _too_large("", int(counted.group(1))) if counted else "is too large"
