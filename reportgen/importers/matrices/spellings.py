"""The number format of all cells of a matrix."""

from __future__ import annotations

import re

from reportgen.errors import DataError
from reportgen.importers.matrices.crosstabs import Grid
from reportgen.text import quoted

__all__ = [
    "in_percent",
    "may_be_thousands",
    "require_one_writing",
]


_THREE_DECIMALS = re.compile(r"\s*[1-9]\d{0,2}(?:\.\d{3})+\s*")


_WHOLE = re.compile(r"\s*[1-9]\d*\s*")


def may_be_thousands(cell: str) -> bool:
    """Whether the points in a cell may be thousands separators: ``1.234``."""
    return _THREE_DECIMALS.fullmatch(cell) is not None


def _texts(grid: Grid) -> list[str]:
    if not isinstance(grid.cells, list):
        return []
    return [cell for row in grid.cells if isinstance(row, list) for cell in row
            if isinstance(cell, str)]  # fmt: skip


def in_percent(grid: Grid) -> bool:
    """Whether the cells have percent signs; empty cells and a bare 0 need none."""
    texts = [text.strip() for text in _texts(grid)]
    signs = [text.endswith("%") for text in texts if text not in ("", "0")]
    return bool(signs) and all(signs)


def require_one_writing(grid: Grid) -> None:
    """Refuse whole numbers beside numbers of three decimals: these may be thousands."""
    texts = _texts(grid)
    three = next(filter(may_be_thousands, texts), None)
    whole = next((text for text in texts if _WHOLE.fullmatch(text)), None)
    if three is None or whole is None:
        return
    raise DataError(
        f"in {quoted(grid.name)} the point of {quoted(three.strip())} may divide thousands: "
        f"other cells, such as {quoted(whole.strip())}, have no decimals",
        slug="matrix-thousands",
        hint="if points divide thousands: --decimal ','     else write all counts without "
        "separators, such as 1234",
    )
