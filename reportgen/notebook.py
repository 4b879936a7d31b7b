"""Values with a notebook display, which a higher package renders on demand"""

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
"""A page, and its :class:`~reportgen.review.Review`."""


class NotebookValue:
    """Base class of values that Jupyter displays as HTML.

    The report written of it, if any, is not part of the value: it is not compared, and
    :func:`dataclasses.replace` drops it.
    """

    written: Written | None = None

    def with_report(self: Own, page: Path, review: object) -> Own:
        """The same value, linked to its `page` and the `review` on it."""
        known = copy(self)
        object.__setattr__(known, "written", (page, review))
        return known

    def _repr_html_(self) -> str:
        """An HTML fragment of at most 60 KB: verdict, key metrics, matrix, link to the page."""
        rendering: Any = import_module("reportgen.rendering")
        html: str = rendering.render_notebook(self)
        return html
