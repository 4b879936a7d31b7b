"""Thumbnails of samples: small, upright, rebuilt from pixels so that no metadata remains.

This module owns Pillow's encoding; it never reads files.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reportgen.errors import DataError
from reportgen.options import THUMBNAIL_SIZE
from reportgen.report import Thumbnail

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "make_thumbnail",
]


PIXELATED_SIDE = 64
"""Sources up to this side keep their pixels, and are enlarged without smoothing."""


JPEG_QUALITY = 80


WEBP_EFFORT: Mapping[str, Any] = {"lossless": True, "quality": 50, "method": 3}
"""Lossless, and a third smaller than PNG; more effort takes longer and saves nothing."""


FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
"""Image formats that are tried; reportgen reads no others as samples."""


def make_thumbnail(source: bytes | Image, side: int = THUMBNAIL_SIZE) -> Thumbnail:
    """Make the thumbnail of a sample.

    Parameters
    ----------
    source
        An image file's bytes, or a Pillow image of any mode.
    side
        Longest side of the picture in pixels, if the source is larger than 64.

    Raises :class:`DataError` (``thumbnail-unreadable``) if Pillow can't decode the bytes.
    """
    upright = _make_upright(source)
    longest = max(upright.size)
    if longest <= PIXELATED_SIDE:
        return _unchanged(_rebuild(upright))
    from PIL.Image import Resampling

    scale = min(1.0, side / longest)
    size = (max(1, round(upright.width * scale)), max(1, round(upright.height * scale)))
    return _smaller(_rebuild(upright.resize(size, Resampling.LANCZOS)))


def _make_upright(source: bytes | Image) -> Image:
    """The picture in its intended orientation, in mode L or RGB."""
    import PIL.Image
    from PIL import ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # broken metadata of a readable picture
            warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)
            image = (
                source
                if isinstance(source, PIL.Image.Image)
                else PIL.Image.open(io.BytesIO(source), formats=FORMATS)
            )
            return _plain(ImageOps.exif_transpose(image))
    except (OSError, ValueError, SyntaxError, EOFError, PIL.Image.DecompressionBombError,
            PIL.Image.DecompressionBombWarning) as error:  # fmt: skip
        raise DataError(
            "cannot make a thumbnail: the bytes are not a readable image",
            slug="thumbnail-unreadable",
            details=[type(error).__name__],
        ) from error


def _plain(image: Image) -> Image:
    """Mode L or RGB; 16-bit grey is scaled, transparency is composed on white."""
    if image.mode.startswith("I;16") or image.mode == "I":
        import PIL.Image

        return PIL.Image.fromarray(_eight_bits(image))
    if image.mode in {"1", "L"}:
        return image.convert("L")
    if image.mode in {"LA", "PA", "RGBA", "RGBa", "La"} or "transparency" in image.info:
        import PIL.Image

        shown = image.convert("RGBA")
        ground = PIL.Image.new("RGBA", shown.size, "white")
        return PIL.Image.alpha_composite(ground, shown).convert("RGB")
    return image.convert("RGB")


def _eight_bits(image: Image):  # type: ignore[no-untyped-def]
    import numpy as np

    return (np.clip(np.asarray(image, np.int64), 0, 65535) // 257).astype(np.uint8)


def _rebuild(image: Image) -> Image:
    """A new image with the same pixels, without comments, ICC profiles, EXIF and text."""
    import PIL.Image

    return PIL.Image.frombytes(image.mode, image.size, image.tobytes())


def _unchanged(image: Image) -> Thumbnail:
    """With the same pixels, as PNG or lossless WebP, whichever is smaller."""
    from PIL import features

    made = [("image/png", _encoded(image, "PNG", optimize=True))]
    if features.check("webp"):  # not in every build of Pillow
        made.append(("image/webp", _encoded(image, "WEBP", **WEBP_EFFORT)))
    mime, content = min(made, key=lambda one: len(one[1]))
    return Thumbnail(content, mime, image.width, image.height, pixelated=True)


def _smaller(image: Image) -> Thumbnail:
    content = _encoded(image, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return Thumbnail(content, "image/jpeg", image.width, image.height, pixelated=False)


def _encoded(image: Image, kind: str, **settings: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **settings)
    return stream.getvalue()
