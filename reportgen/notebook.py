"""Values that show themselves in a notebook: a room above draws them, and is loaded for it"""

from __future__ import annotations

from copy import copy
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

__all__ = [
    "NotebookValue",
    "Written",
]


Own = TypeVar("Own", bound="NotebookValue")

Written = tuple[Path, object]
"""A page, and the :class:`~reportgen.review.Review` that it shows."""


class NotebookValue:
    """What Jupyter displays as HTML, where it is the last line of a cell.

    The report that was written of it, if any, is no part of the value: it is not compared, and
    :func:`dataclasses.replace` drops it.
    """

    written: Written | None = None

    def with_report(self: Own, page: Path, review: object) -> Own:
        """The same value, which knows its `page`, and the `review` that is there."""
        known = copy(self)
        object.__setattr__(known, "written", (page, review))
        return known

    def _repr_html_(self) -> str:
        """A fragment of at most 60 KB: verdict, key metrics, matrix, link to the page."""
        rendering: Any = import_module("reportgen.rendering")
        html: str = rendering.render_notebook(self)
        return html
