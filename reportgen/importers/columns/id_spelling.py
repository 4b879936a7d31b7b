"""Matches ids that two files spell differently: as paths of another system or root.

``cat\1.jpg``, ``./cat/1.jpg`` and ``cat/1.jpg`` are one path. ``/mnt/a/cat/1.jpg`` and
``cat/1.jpg`` have only a common suffix: the user must say whether they are the same sample.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Spelling",
    "common_spelling",
    "ending",
    "places_of",
    "plain_path",
]


@dataclass(frozen=True)
class Spelling:
    """A common spelling of the ids of two sides.

    Attributes
    ----------
    write
        Id → its common spelling.
    words
        How, for a note: ``with / for \\ and without ./``.
    """

    write: Callable[[str], str]
    words: str


def plain_path(text: str) -> str:
    """A path with ``/`` only, without ``.`` and empty parts, except for the root.

    >>> plain_path(".\\\\cat//1.jpg"), plain_path("/a/./b.png")
    ('cat/1.jpg', '/a/b.png')
    """
    parts = text.replace("\\", "/").split("/")
    kept = "/".join(part for part in parts if part not in ("", "."))
    return f"/{kept}" if len(parts) > 1 and parts[0] == "" else kept


def ending(text: str, n: int) -> str:
    """The last `n` parts of a path.

    >>> ending("/mnt/cat/1.jpg", 2)
    'cat/1.jpg'
    """
    return "/".join(plain_path(text).lstrip("/").split("/")[-n:])


def common_spelling(
    one: Sequence[str], other: Sequence[str], *, by_ending: bool
) -> Spelling | None:
    """The spelling that matches more ids of `one` with `other`; None if there is none.

    A spelling never makes two ids of one side equal. With `by_ending`, the longest common suffix is
    tried too.
    """
    best, n_best = None, _n_common(one, other)
    for spelling in (_PLAIN, *(_endings(one, other) if by_ending else ())):
        ours, theirs = (list(map(spelling.write, ids)) for ids in (one, other))
        if len(set(ours)) < len(ours) or len(set(theirs)) < len(theirs):
            continue
        if (n := _n_common(ours, theirs)) > n_best:
            best, n_best = spelling, n
    return best


_PLAIN = Spelling(plain_path, "with / for \\ and without ./")


def _endings(one: Sequence[str], other: Sequence[str]) -> list[Spelling]:
    """Numbers of path parts to compare, longest first."""
    depth = max((plain_path(text).count("/") for text in (*one, *other)), default=0)
    return [
        Spelling(partial(ending, n=n), f"by the last {n} parts of the path" if n > 1 else
                 "by the last part of the path")
        for n in range(depth + 1, 0, -1)
    ]  # fmt: skip


def _n_common(one: Sequence[str], other: Sequence[str]) -> int:
    return len(set(one) & set(other))


def places_of(wanted: Any, ids: Any) -> NDArray[np.int32]:
    """The index of each id of `wanted` in `ids`, both Arrow arrays of text; -1 for none."""
    import pyarrow.compute as pc

    found: NDArray[Any] = pc.index_in(wanted, value_set=ids).fill_null(-1).to_numpy()
    return found.astype(np.int32)
