"""The content of many files, read by a few threads: pixel sizes before a run, hashes on demand."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from reportgen.errors import ModelError
from reportgen.inference.folders.files import open_regular, read_to_end
from reportgen.text import plural, quoted

if TYPE_CHECKING:
    from reportgen.inference.images.decoding import Size

__all__ = [
    "by_threads",
    "header_sizes",
    "uniform_size_or_error",
]


Item = TypeVar("Item")


Result = TypeVar("Result")


WHOLE_BYTES = 64 << 20  # the whole file is searched for a header up to this size


_HEAD_BYTES = 64 << 10  # enough for nearly every header


_THREADS = 4  # hashing and reading release the interpreter lock


_GROUP = 32


_WINDOW = 64  # groups in flight: limits memory


def by_threads(
    read: Callable[[Item], Result], items: Sequence[Item], tell: Callable[[int], None] | None
) -> Iterator[Result]:
    """``read(item)`` of each item, in order; `tell` is called with the number just finished.

    All threads end with the iteration.
    """
    groups = [items[at : at + _GROUP] for at in range(0, len(items), _GROUP)]
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="reportgen-read")
    try:
        for at in range(0, len(groups), _WINDOW):
            for results in pool.map(lambda g: [read(i) for i in g], groups[at : at + _WINDOW]):
                yield from results
                if tell is not None:
                    tell(len(results))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def header_sizes(
    paths: Sequence[str], tell: Callable[[int], None] | None = None
) -> Iterator[Size | None]:
    """(width, height) in pixels from each file's header, in order; None if it has none."""
    # Pillow warns while it reads headers. Filters are global, so they are set once around all
    # threads, not in each of them.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield from by_threads(_header_size, paths, tell)


def _header_size(path: str) -> Size | None:
    from reportgen.inference.images.decoding import header_size

    try:
        with open_regular(path) as (descriptor, size):
            head = os.read(descriptor, _HEAD_BYTES)
            found = header_size(head)
            if found is None and len(head) < size <= WHOLE_BYTES:
                found = header_size(head + read_to_end(descriptor, size - len(head)))
    except OSError:
        return None
    return found


def uniform_size_or_error(sizes: Iterable[tuple[str, Size | None]]) -> Size | None:
    """The common size of all images; None if no size is known.

    `sizes` are (id, size) pairs. Raises :class:`ModelError` (``image-sizes``) if sizes differ: a
    batch has one size.
    """
    first: dict[Size, str] = {}
    for sample_id, size in sizes:
        if size is not None:
            first.setdefault(size, sample_id)
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
