"""Bytes → an 8-bit RGB image, or the reason in words why there is none.

An image is good only if every pixel of it can be decoded; nothing is filled in. Seven formats are
tried, whatever the file is called. What a training loader would have done without a word (drop
transparency, ignore a rotation, take the first frame) is done likewise, and flagged.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO

from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from reportgen.inference.images.flags import ImageFlag
from reportgen.inference.images.sniffing import describe_content, ends_early, refused_format
from reportgen.text import printable

__all__ = ["FORMATS", "MAX_PIXELS", "Decoded", "Unreadable", "decode", "header_size"]

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
"""The formats that are tried, by content. Pillow knows forty more; they stay shut."""

MAX_PIXELS = 1024 * 1024 * 1024 // 4 // 3
"""Most pixels of an image, 89 million: Pillow's own limit, which its users may have lifted."""

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
_WIDE_INTEGER_FORMATS = {"PNG", "PPM"}  # "I" means 16 bit there, 32 bit elsewhere
_ALPHA_MODES = {"RGBA", "LA", "PA", "RGBa", "La"}
_MAX_ERROR_TEXT = 120
_ADDRESS = re.compile(r"<[^<>]* at 0x[0-9a-fA-F]+>")


class Unreadable(Exception):
    """No image: `reason` continues a sentence that begins with the file's name."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Decoded:
    """An image of mode RGB, 8 bits a channel, and what was noticed about it."""

    image: Image.Image
    flags: ImageFlag


def decode(content: bytes, *, name: str) -> Decoded:
    """Decode the bytes of a file.

    Parameters
    ----------
    content
        The whole file.
    name
        The file's name; only its extension is looked at.

    Raises
    ------
    Unreadable
        Whatever is wrong with the bytes. No other exception leaves this function.
    """
    try:
        with _quiet_pillow() as caught:
            return _decoded(content, name, caught)
    except Unreadable:
        raise
    except Exception as error:
        reason = _reason(error, content)
    raise Unreadable(reason)  # outside the handler: the original may hold the whole file


def header_size(content: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels that a file's header states; None where no image can be opened.

    `content` may be cut after the header. Not safe from Pillow's warnings: the caller filters them.
    """
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            size: tuple[int, int] = image.size
    except Exception:
        return None
    return size if size[0] * size[1] <= MAX_PIXELS else None


def _decoded(content: bytes, name: str, caught: list[warnings.WarningMessage]) -> Decoded:
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
    """Pillow's warnings as a list, its log unseen, and truncated files as errors.

    User code that was imported into this process may have asked Pillow to fill up truncated
    files; here that would turn damage into a prediction. Its setting is put back.
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
    """Without any handler, Python prints a library's log records of level warning and above."""
    logging.getLogger("PIL").addHandler(logging.NullHandler())


def _is_expected(warning: warnings.WarningMessage) -> bool:
    """Whether a warning says nothing about damage."""
    return issubclass(warning.category, (Image.DecompressionBombWarning, DeprecationWarning))


def _has_broken_profile(source: Image.Image) -> bool:
    """Whether there is a colour profile without the signature that all of them have."""
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
    """An RGB image with the pixels of the current frame, and what converting it lost."""
    mode = source.mode
    if mode in _SIXTEEN_BIT_MODES or (mode == "I" and source.format in _WIDE_INTEGER_FORMATS):
        return _from_sixteen_bit(source), ImageFlag.SIXTEEN_BIT
    if mode == "F":
        raise Unreadable("holds 32-bit floats (mode F), whose range is unknown; save 8 or 16 bits")
    if mode == "I":
        raise Unreadable(
            "holds 32-bit integers (mode I), whose range is unknown; save 8 or 16 bits"
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
        raise Unreadable(f"holds values outside 0..65535 (mode {source.mode})")
    return Image.fromarray(((values + 128) // 257).astype(np.uint8)).convert("RGB")


def _is_transparent(source: Image.Image) -> bool:
    """Whether any pixel is not fully opaque."""
    if source.mode not in _ALPHA_MODES and "transparency" not in source.info:
        return False
    lowest, _ = source.convert("RGBA").getchannel("A").getextrema()
    return isinstance(lowest, (int, float)) and lowest < 255


def _orientation_flags(source: ImageFile.ImageFile) -> ImageFlag:
    """Whether EXIF data asks for a rotation; TIFF pages are turned by Pillow and don't any more."""
    if not {"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"} & set(source.info):
        return ImageFlag.NONE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # Read anew: opening the file has already swallowed what is wrong with it.
            Image.Exif().load(source.info.get("exif") or b"")
            orientation = source.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:
        return ImageFlag.BROKEN_METADATA
    return ImageFlag.ROTATED if orientation in range(2, 9) else ImageFlag.NONE


def _frame_flags(source: ImageFile.ImageFile) -> ImageFlag:
    """Whether there is more than one frame. It may move on in the file, so it comes last."""
    try:
        several = bool(getattr(source, "is_animated", False))
    except Exception:  # something follows the first frame, and it is damaged
        several = True
    return ImageFlag.FIRST_FRAME if several else ImageFlag.NONE


def _reason(error: Exception, content: bytes) -> str:
    """Why decoding failed, in words, without object addresses."""
    if isinstance(error, Image.DecompressionBombError):
        return _bomb_reason(error, content)
    if isinstance(error, MemoryError):
        return "needs more memory than there is"
    text = printable(_ADDRESS.sub("a file", " ".join(str(error).split())))[:_MAX_ERROR_TEXT]
    if "truncated" in text.lower() or "EOF" in text or ends_early(content):
        return "file ends early"
    if isinstance(error, UnidentifiedImageError):
        return describe_content(content)
    return f"is damaged ({text or type(error).__name__})"


def _bomb_reason(error: Exception, content: bytes) -> str:
    """Pillow counts the pixels but doesn't say the size: read the header without its check."""
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
