"""A row of numbers as a row of eight block characters: a trend that fits into a line of text."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["sparkline"]

BLOCKS = "▁▂▃▄▅▆▇█"
GAP = "·"


def sparkline(values: Sequence[float | None]) -> str:
    """One character a value, lowest to highest of the row; a dot where a value is undefined.

    The scale is that of the row itself: it shows direction, not size. A row of equal values stands
    in the middle.
    """
    known = [value for value in values if value is not None]
    if not known:
        return GAP * len(values)
    low, span = min(known), max(known) - min(known)
    return "".join(GAP if value is None else _block(value - low, span) for value in values)


def _block(above: float, span: float) -> str:
    if span == 0:
        return BLOCKS[len(BLOCKS) // 2 - 1]
    return BLOCKS[min(int(above / span * len(BLOCKS)), len(BLOCKS) - 1)]
