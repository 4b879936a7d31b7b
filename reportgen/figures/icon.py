"""The page's icon: a matrix of three classes with a dark diagonal."""

from __future__ import annotations

import io

__all__ = ["icon"]

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
