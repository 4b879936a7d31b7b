"""Brace expansion of file names, as in shells and webdataset: ``shard-{000..003}.tar``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reportgen.errors import UsageError
from reportgen.text import quoted

__all__ = [
    "expanded",
    "has_braces",
]


_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)(?:\.\.(-?\d+))?")


_INNERMOST = re.compile(r"\{([^{}]*)\}")


_MOST = 100_000


def has_braces(name: str) -> bool:
    """Whether a name expands to several names: by a range, or by a list with commas.

    >>> has_braces("x-{0..3}.tar"), has_braces("{a,b}.tar"), has_braces("{a}.tar")
    (True, True, False)
    """
    return any(_choices(found[1]) is not None for found in _INNERMOST.finditer(name))


def expanded(name: str) -> list[str]:
    """Expand a name with braces, in order.

    >>> expanded("{train,val}-{08..10}.tar")[:4]
    ['train-08.tar', 'train-09.tar', 'train-10.tar', 'val-08.tar']

    Raises :class:`UsageError` ``shards-many`` for more than 100,000.
    """
    found: list[str] = []
    for one in _expanded(name):
        found.append(one)
        if len(found) > _MOST:
            raise UsageError(
                f"{quoted(name)} names more than {_MOST:,} files",
                slug="shards-many",
                hint="pass the folder that they are in",
            )
    return found


def _expanded(name: str) -> Iterator[str]:
    for found in _INNERMOST.finditer(name):
        choices = _choices(found[1])
        if choices is not None:
            for choice in choices:
                yield from _expanded(name[: found.start()] + choice + name[found.end() :])
            return
    yield name


def _choices(inner: str) -> Iterator[str] | list[str] | None:
    """The alternatives within braces; None if there are none."""
    if found := _RANGE.fullmatch(inner):
        return _numbers(found[1], found[2], abs(int(found[3] or 1)) or 1)
    return inner.split(",") if "," in inner else None


def _numbers(first: str, last: str, step: int) -> Iterator[str]:
    """The numbers of a range, zero-padded to its width if an end has leading zeros."""
    is_padded = any(re.match(r"-?0\d", end) for end in (first, last))
    width = max(len(first), len(last)) if is_padded else 0
    begin, end = int(first), int(last)
    step = step if begin <= end else -step
    return (f"{n:0{width}}" for n in range(begin, end + (1 if step > 0 else -1), step))
