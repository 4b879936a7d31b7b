"""Names that are almost another name: a suffix, a plural, a typing error."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

__all__ = [
    "almost_same",
]


_MOST_COMPARED = 5_000
"""More names are those of samples rather than of classes."""


_FEWEST_LETTERS = 6
"""Shorter words often differ in one letter: cat and bat, pen and ten."""


_FEWEST_DOUBLED = 3
"""Shorter words are numerals: stage i and stage ii."""


_TIMES_RARER = 5
"""A typing error is much rarer than the name that is meant."""


_BEFORE = re.compile(r"(?:(?:a|an|the|class|label|category|n\d{8})[\s_\-:]+)+")
_BEHIND = re.compile(r"[\s_\-.]*(?:\(\d+\)|[\s_\-.]v?\d+)|,.*|[/\\\s_\-.]+", re.DOTALL)
_BETWEEN = re.compile(r"[\s_\-]+")
_SIGNS_BETWEEN = " _-"
_NUMBER_BEHIND = re.compile(r"\d\)?[/\\\s_\-.]*\Z")


def almost_same(odd: Mapping[str, int], known: Mapping[str, int]) -> tuple[str, str] | None:
    """The first of `odd` that may be a name in `known` in other letters, and that name.

    Both map folded names to numbers of rows; only those that begin with a letter are compared. A
    name that others of `known` extend alike, such as ``type`` beside ``type_1``, is none: they are
    numbered, as ``grade_1`` and ``grade_2`` are.

    >>> almost_same({"cat_1": 1, "wolf": 9}, {"cat": 40, "dog": 40})
    ('cat_1', 'cat')
    >>> almost_same({"type_3": 1}, {"type": 3, "type_1": 5})
    """
    if not odd or len(odd) + len(known) > _MOST_COMPARED:
        return None
    odd, known = (
        {name: n for name, n in names.items() if name[:1].isalpha()} for names in (odd, known)
    )
    plain: dict[str, list[str]] = {}
    for name in known:
        plain.setdefault(_plain(name), []).append(name)
    shorter = {part: name for name in known for part in (name, *_without_one(name))}
    for name in odd:
        alike = plain.get(_plain(name), [])
        if len(alike) == 1 and not (_is_numbered(name) and _is_numbered(alike[0])):
            return name, alike[0]
        for part in (name, *_without_one(name)):
            meant = shorter.get(part)
            if meant is not None and _is_typing_error(name, meant, odd[name], known[meant]):
                return name, meant
    return None


def _plain(name: str) -> str:
    """A name without articles, numbers after it, synonyms, spaces, and the ending of a plural."""
    before = _BEFORE.match(name)
    word = name[before.end() if before else 0 :]
    behind = next((m for m in _BEHIND.finditer(word) if m.end() == len(word) and m.start()), None)
    word = _BETWEEN.sub("", word[: behind.start()] if behind else word)
    for plural, single in (("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("xes", "x"), ("s", "")):
        if word.endswith(plural) and not word.endswith("ss") and len(word) > len(plural) + 2:
            return word.removesuffix(plural) + single
    return word


def _is_numbered(name: str) -> bool:
    return _NUMBER_BEHIND.search(name) is not None


def _without_one(name: str) -> Iterator[str]:
    """The name without each of its letters."""
    return (name[:i] + name[i + 1 :] for i in range(len(name)))


def _is_typing_error(odd: str, meant: str, n_odd: int, n_meant: int) -> bool:
    """Whether one letter was missed, added, doubled or replaced, or two were exchanged."""
    start = next((i for i, (a, b) in enumerate(zip(odd, meant, strict=False)) if a != b), None)
    start = min(len(odd), len(meant)) if start is None else start
    a, b = odd[start:], meant[start:]
    if not (a or b) or not (a[:1] + b[:1]).isalpha():
        return False
    if len(a) == len(b) > 1 and a[:2] == b[1::-1] and a[2:] == b[2:]:
        return a[:2].isalpha()  # exchanged
    n_letters = min(_word_length(odd, start), _word_length(meant, start))
    doubled = start > 0 and a[1:] == b and a[0] == odd[start - 1]
    if doubled:
        return n_letters >= _FEWEST_DOUBLED
    one_letter = a[1:] == b or a == b[1:] or a[1:] == b[1:]
    long = n_letters >= _FEWEST_LETTERS and start > 0
    return one_letter and long and n_odd * _TIMES_RARER <= n_meant


def _word_length(name: str, at: int) -> int:
    """Number of characters of the word of `name` at this place, or that ends before it."""
    start = max(name.rfind(sign, 0, at) for sign in _SIGNS_BETWEEN)
    ends = [end for sign in _SIGNS_BETWEEN if (end := name.find(sign, at)) >= 0]
    return min([*ends, len(name)]) - start - 1
