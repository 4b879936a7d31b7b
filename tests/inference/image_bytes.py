"""Encoded images, and what the decoder makes of them."""

import io
from typing import Any

import numpy as np
import PIL
import pytest
from PIL import Image

from reportgen.inference.images.decoding import Decoded, Unreadable, decode

PILLOW = int(PIL.__version__.split(".")[0])

EXTENSION = {
    "JPEG": "jpg",
    "PNG": "png",
    "WEBP": "webp",
    "BMP": "bmp",
    "GIF": "gif",
    "TIFF": "tif",
    "PPM": "ppm",
}


def picture(mode: str = "RGB", size: tuple[int, int] = (48, 40)) -> Image.Image:
    pixels = np.random.default_rng(7).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def decoded(content: bytes, kind: str = "PNG") -> Decoded:
    return decode(content, name=f"x.{EXTENSION[kind]}")


def reason(content: bytes, name: str = "x.jpg") -> str:
    with pytest.raises(Unreadable) as caught:
        decode(content, name=name)
    assert " at 0x" not in caught.value.reason
    return caught.value.reason
