"""Whether all images of a folder have one size, as a batch needs it; told by their headers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from reportgen.errors import ModelError
from reportgen.inference.folders.value import ImageFile, Size
from reportgen.text import plural, quoted

__all__ = ["uniform_size_or_error"]


def uniform_size_or_error(
    files: Iterable[ImageFile], after: Callable[[Size], Size] = lambda size: size
) -> Size | None:
    """The one size that all images have once they are prepared; None where none is known.

    Parameters
    ----------
    files
        From a scan with ``want_sizes=True``.
    after
        Size (width, height) of an image → its size when the declared steps are done.

    Raises
    ------
    ModelError
        ``image-sizes``: two sizes, which no batch can hold.
    """
    first: dict[Size, str] = {}
    for file in files:
        if file.size is not None:
            first.setdefault(after(file.size), file.id)
    if len(first) > 1:
        raise _sizes_differ(first)
    return next(iter(first), None)


def _sizes_differ(first: Mapping[Size, str]) -> ModelError:
    (one, one_id), (other, other_id) = list(first.items())[:2]
    return ModelError(
        f"images cannot be stacked: {_shown_size(one)} and {_shown_size(other)}, "
        f"first at {quoted(other_id)}; add --resize HxW",
        slug="image-sizes",
        details=[
            f"{quoted(one_id)} is {_shown_size(one)} (width x height), {quoted(other_id)} "
            f"{_shown_size(other)}; {plural(len(first), 'size')} in all"
        ],
        hint="use the size that the model was trained with: --resize HxW, --resize N --crop N, "
        "or --preset NAME",
    )


def _shown_size(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
