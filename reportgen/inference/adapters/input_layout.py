"""The channel axis of a model's input: detected from its shape, otherwise declared by the user."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reportgen.errors import UsageError
from reportgen.text import printable, quoted

__all__ = [
    "inner_sizes",
    "layout_of",
    "shown_shape",
]


_CHANNELS = (1, 3)


_AXES = (("nchw", 1), ("nhwc", 3))


def layout_of(path: Path, shape: Sequence[Any], asked: str | None) -> str:
    """The layout, ``nchw`` or ``nhwc``: from the shape, otherwise from ``--input-layout``.

    Raises :class:`UsageError` (``input-layout``) if neither determines it, and
    (``option-conflict``) if they contradict each other.
    """
    if asked is not None:
        if not _may_be_channels(shape[dict(_AXES)[asked]]):
            raise UsageError(
                f"--input-layout {asked}: {quoted(path.name)} takes {shown_shape(shape)}, with no "
                "channels on that axis",
                slug="option-conflict",
                hint="omit --input-layout",
            )
        return asked
    certain = [name for name, at in _AXES if shape[at] in _CHANNELS]
    if len(certain) == 1:
        return certain[0]
    raise UsageError(
        f"{quoted(path.name)} takes {shown_shape(shape)}: which axis has the channels?",
        slug="input-layout",
        hint="specify it: --input-layout nchw (channels first) or --input-layout nhwc (channels "
        "last)",
    )


def inner_sizes(shape: Sequence[Any], layout: str) -> tuple[int | None, ...]:
    """(C, H, W) of a batch's shape; None for a dynamic size."""
    inner = shape[1:] if layout == "nchw" else [shape[3], *shape[1:3]]
    return tuple(size if isinstance(size, int) else None for size in inner)


def shown_shape(shape: Sequence[Any]) -> str:
    """A shape for messages: ``n×3×8×8``."""
    return "×".join("any" if size is None else printable(str(size)) for size in shape)


def _may_be_channels(size: Any) -> bool:
    return not isinstance(size, int) or size in _CHANNELS
