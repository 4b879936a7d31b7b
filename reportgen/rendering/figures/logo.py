"""The page's icon: a matrix of three classes with a dark diagonal."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reportgen.errors import UsageError
from reportgen.rendering.figures.style import light_digits
from reportgen.text import quoted

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "Logo",
    "icon",
    "read_logo",
]


SIDE = 32


CARD, LIGHT, DARK = (255, 255, 255), (198, 219, 239), (8, 48, 107)


def icon() -> bytes:
    """A PNG of 32 by 32 pixels in three colours, with rounded corners left clear."""
    from PIL import Image, ImageDraw

    image = Image.new("P", (SIDE, SIDE), 3)
    image.putpalette([*CARD, *LIGHT, *DARK, 0, 0, 0])
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, SIDE - 1, SIDE - 1), radius=5, fill=0)
    for row in range(3):
        for column in range(3):
            left, top = 3 + 9 * column, 3 + 9 * row
            draw.rectangle((left, top, left + 7, top + 7), fill=2 if row == column else 1)
    stream = io.BytesIO()
    image.save(stream, "PNG", transparency=3, bits=2, optimize=True)
    return stream.getvalue()


FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


MAX_FILE = 5_000_000


MAX_PIXELS = 25_000_000


SHOWN = (320, 56)
"""Maximum width and height on the page, in CSS pixels; the file has up to twice as many pixels."""


@dataclass(frozen=True)
class Logo:
    """A logo as PNG.

    Attributes
    ----------
    content
        The file's bytes.
    width, height
        CSS pixels, at least 1.
    is_light
        Whether it is light on a transparent background, so that it needs a dark one.
    """

    content: bytes
    width: int
    height: int
    is_light: bool


def read_logo(path: Path) -> Logo:
    """Read a logo.

    Raises :class:`UsageError` (``logo-file``) if it can't be read, is too large, or is not in one
    of the four supported bitmap formats.
    """
    content = _content(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # broken metadata of a readable picture
            image = _decode(content, path)
            shown = _fit(image, 1)
            return Logo(_encode(_fit(image, 2)), shown.width, shown.height, _is_light(image))
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise _refuse(path, "is not a readable image") from error


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE + 1)
    except OSError as error:
        raise _refuse(path, f"can't be read: {(error.strerror or 'no such file').lower()}") from (
            error
        )
    if len(content) > MAX_FILE:
        raise _refuse(path, f"is larger than {MAX_FILE // 1_000_000} MB")
    start = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<?xml", b"<svg", b"<!doctype", b"<!--")):
        raise _refuse(path, "is SVG, which can contain scripts and links")
    return content


def _refuse(path: Path, why: str) -> UsageError:
    return UsageError(
        f"--logo {quoted(path.name)} {why}",
        slug="logo-file",
        hint="pass a PNG, JPEG, WebP or GIF with --logo",
    )


def _decode(content: bytes, path: Path) -> Image:
    """The first frame, upright, in mode RGBA."""
    import PIL.Image

    image = PIL.Image.open(io.BytesIO(content), formats=FORMATS)
    if image.width * image.height > MAX_PIXELS:
        raise _refuse(path, f"has more than {MAX_PIXELS // 1_000_000} million pixels")
    upright = _make_upright(image).convert("RGBA")
    return PIL.Image.frombytes("RGBA", upright.size, upright.tobytes())


def _make_upright(image: Image) -> Image:
    """The picture in its intended orientation; unchanged if its metadata is broken."""
    from PIL import ImageOps

    image.load()
    try:
        return ImageOps.exif_transpose(image)
    except (OSError, ValueError, SyntaxError, EOFError):
        return image


def _fit(image: Image, scale: int) -> Image:
    """Scale down to at most `scale` times the size on the page; never enlarge."""
    from PIL.Image import Resampling

    factor = min(1.0, scale * SHOWN[0] / image.width, scale * SHOWN[1] / image.height)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image if size == image.size else image.resize(size, Resampling.LANCZOS)


def _encode(image: Image) -> bytes:
    """PNG of at most 256 colours and 640 by 112 pixels, so at most 80 kB."""
    from PIL.Image import Dither, Quantize

    few = image.getcolors(256) is not None
    palette = image if few else image.quantize(256, Quantize.FASTOCTREE, dither=Dither.NONE)
    stream = io.BytesIO()
    palette.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _is_light(image: Image) -> bool:
    """Whether most of the visible pixels are light, and the background is transparent."""
    pixels = np.asarray(image, np.float64).reshape(-1, 4) / 255
    seen = pixels[pixels[:, 3] > 0.5]
    if len(seen) == 0 or len(seen) == len(pixels):
        return False
    return bool(light_digits(seen).mean() < 0.1 and seen[:, :3].mean() > 0.7)
