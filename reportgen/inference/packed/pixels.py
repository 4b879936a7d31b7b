"""Images as rows of an array of pixel values, in a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from PIL import Image

from reportgen.inference.images.decoding import MAX_PIXELS, Decoded, Size, Unreadable
from reportgen.inference.images.flags import ImageFlag
from reportgen.inference.packed.contents import PerProcess, require_size
from reportgen.inference.packed.streams import ForwardStream, read_opened

__all__ = [
    "PixelContents",
    "PixelRows",
    "Several",
    "UnknownRange",
    "full_scale",
]


_LEVELS_OFF = {2: 0.2}  # item size in bytes → how far a value in [0, 1] may be from a level


_LEVELS_OFF_ELSE = 0.01


class UnknownRange(Exception):
    """The values are not pixels; the text is the reason."""


@dataclass(frozen=True)
class PixelRows:
    """How the images of an array are stored.

    Attributes
    ----------
    start
        Bytes before the first image.
    n
        Number of images.
    shape
        Shape of one image: (H, W), (H, W, C) or (C, H, W) with C = 1, 3 or 4.
    dtype
        Dtype of the values.
    channels_first
        Whether C is the first axis.
    full
        The value of full brightness: see :func:`full_scale`.
    """

    start: int
    n: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    channels_first: bool = False
    full: int = 255

    @property
    def n_bytes(self) -> int:
        """Bytes per image."""
        return prod(self.shape) * self.dtype.itemsize

    @property
    def size(self) -> Size:
        height, width = self.shape[1:] if self.channels_first else self.shape[:2]
        return width, height


def full_scale(blocks: Iterator[np.ndarray[Any, Any]], dtype: np.dtype[Any]) -> int:
    """The value of full brightness in an array of pixels: 255, 65535, or 1.

    Decided once, over all values. Raises :class:`UnknownRange` if the values are not pixel levels,
    for example if they were normalised.
    """
    if dtype == np.uint8:
        return 255
    if dtype.kind == "b":
        return 1
    if dtype == np.uint16:
        return 65535
    low, high, off_whole, off_levels = np.inf, -np.inf, 0.0, 0.0
    for block in blocks:
        values = block.astype(np.float64)
        if not np.isfinite(values).all():
            raise UnknownRange("contain values that are not finite")
        low, high = min(low, values.min()), max(high, values.max())
        off_whole = max(off_whole, np.abs(values - np.rint(values)).max())
        levels = values * 255
        off_levels = max(off_levels, np.abs(levels - np.rint(levels)).max())
    if low < 0 or high > 255:
        raise UnknownRange(f"are {low:g} to {high:g}, and pixels are 0 to 255, or 0 to 1")
    if high > 1 and off_whole == 0:
        return 255
    if high <= 1 and off_levels <= _LEVELS_OFF.get(dtype.itemsize, _LEVELS_OFF_ELSE):
        return 1
    raise UnknownRange("are no whole levels of brightness: they were resized or normalised")


class PixelContents:
    """An image is identified by its index; its bytes are those of its values."""

    is_sequential = True

    def __init__(self, open_stream: Callable[[], ForwardStream], rows: PixelRows) -> None:
        self._stream = PerProcess(open_stream)
        self.rows = rows

    def order(self, raws: Sequence[str]) -> Sequence[int]:
        return sorted(range(len(raws)), key=lambda i: int(raws[i]))

    def read(self, raw: str) -> bytes:
        n = self.rows.n_bytes
        require_size(n)
        return read_opened(self._stream, self.rows.start + int(raw) * n, n)

    def decode(self, content: bytes, raw: str) -> Decoded:  # noqa: ARG002 - all are of one kind
        width, height = self.rows.size
        if width * height > MAX_PIXELS:
            raise Unreadable(f"has {width * height / 1e6:.0f} Mpx")
        values = np.frombuffer(content, self.rows.dtype).reshape(self.rows.shape)
        pixels = self._levels(values)
        flags = ImageFlag.SIXTEEN_BIT if self.rows.full == 65535 else ImageFlag.NONE
        if self.rows.channels_first:
            pixels = pixels.transpose(1, 2, 0)
        if pixels.ndim == 3 and pixels.shape[2] == 1:
            pixels = pixels[..., 0]
        if pixels.ndim == 3 and pixels.shape[2] == 4:
            flags |= ImageFlag.ALPHA_DROPPED if pixels[..., 3].min() < 255 else ImageFlag.NONE
            pixels = pixels[..., :3]
        return Decoded(Image.fromarray(np.ascontiguousarray(pixels)).convert("RGB"), flags)

    def _levels(self, values: Any) -> Any:
        """The values as integer levels, 0 to 255."""
        if self.rows.dtype == np.uint8:
            return values
        if self.rows.full == 65535:
            return ((values.astype(np.int32) + 128) // 257).astype(np.uint8)
        return np.rint(values.astype(np.float64) * (255 // self.rows.full)).astype(np.uint8)

    def size_of(self, content: bytes) -> Size | None:  # noqa: ARG002 - all are of one size
        return self.rows.size

    def picture(self, content: bytes, raw: str) -> Any:
        return self.decode(content, raw).image


class Several:
    """The images of several arrays, identified by ``array:row``."""

    is_sequential = True

    def __init__(self, parts: Mapping[str, PixelContents]) -> None:
        self.parts = parts

    def order(self, raws: Sequence[str]) -> Sequence[int]:
        return range(len(raws))

    def _of(self, raw: str) -> tuple[PixelContents, str]:
        name, _, row = raw.rpartition(":")
        return self.parts[name], row

    def read(self, raw: str) -> bytes:
        part, row = self._of(raw)
        return part.read(row)

    def decode(self, content: bytes, raw: str) -> Any:
        part, row = self._of(raw)
        return part.decode(content, row)

    def size_of(self, content: bytes) -> Any:  # noqa: ARG002 - asked of one array alone
        return None

    def picture(self, content: bytes, raw: str) -> Any:
        part, row = self._of(raw)
        return part.picture(content, row)
