"""Display names of classes, instead of those in data and models.

A file maps WordNet ids, codes or numbers to names. It only changes the display, not joins or
matching by class.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from reportgen.class_list import display_name, name_key
from reportgen.errors import DataError
from reportgen.text import listing, nearest, plural, quoted

__all__ = [
    "shown_names",
]


_MOST_BYTES = 16 << 20


_HEADS = frozenset({
    "class", "classes", "id", "ids", "index", "idx", "code", "key", "folder", "wnid", "synset",
    "label", "name",
})  # fmt: skip


_HINT = "pass a file with a class and its name in each line, such as n01440764,tench"


Row = tuple[str, str, str]
"""(class, name, location in the file)."""


def shown_names(given: Path | Mapping[str, str], classes: Sequence[str]) -> tuple[str, ...]:
    """The display name of each class: from `given`, otherwise its own.

    Parameters
    ----------
    given
        CSV or TSV ``class,name`` with or without a header, lines ``class name`` such as those of
        ``LOC_synset_mapping.txt``, a JSON object; or a mapping.
    classes
        Class names in data and models.

    Raises
    ------
    DataError
        ``class-names-unreadable``; ``class-names-unknown``: a class is not in `classes`;
        ``class-names-repeated``: a class is repeated; ``class-names-clash``: two classes have the
        same name.
    """
    file = given.name if isinstance(given, Path) else "class_names="
    rows = list(_rows(given, classes))
    names = _by_class(rows, file, classes)
    shown = tuple(display_name(names.get(name, name)) for name in classes)
    _refuse_clash(shown, classes, file)
    return shown


def _rows(given: Path | Mapping[str, str], classes: Sequence[str]) -> Iterator[Row]:
    if not isinstance(given, Path):
        yield from ((str(key), str(name), quoted(str(key))) for key, name in given.items())
        return
    text = _text(given)
    if text.lstrip()[:1] == "{":
        yield from _of_json(text, given.name)
        return
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    known = set(map(name_key, classes))
    split = max(_SPLITS, key=lambda way: _n_known(lines, way, known))
    for n, line in lines:
        cells = split(line)
        first_is_head = n == lines[0][0] and cells[0].strip().lower() in _HEADS
        if first_is_head and name_key(cells[0]) not in known:
            continue
        if len(cells) < 2 or not cells[1].strip():
            raise DataError(
                f"line {n} of {quoted(given.name)} is not a class and a name: "
                f"{quoted(line.strip()[:60])}",
                slug="class-names-unreadable",
                hint=_HINT,
            )
        yield cells[0].strip(), cells[1].strip(), f"line {n}"


def _text(path: Path) -> str:
    try:
        content = path.read_bytes() if path.stat().st_size <= _MOST_BYTES else None
    except OSError as error:
        raise DataError(
            f"{quoted(path.name)} can't be read: {error.strerror}",
            slug="class-names-unreadable",
            hint=_HINT,
        ) from error
    try:
        if content is not None and b"\0" not in content:
            return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    raise DataError(
        f"{quoted(path.name)} contains no text in UTF-8",
        slug="class-names-unreadable",
        hint=_HINT,
    )


def _of_json(text: str, file: str) -> Iterator[Row]:
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    plain = isinstance(value, dict) and all(isinstance(name, str) for name in value.values())
    if not plain:
        raise DataError(
            f"{quoted(file)} is not a JSON object from class to name",
            slug="class-names-unreadable",
            hint='write it {"n01440764": "tench", …}',
        )
    yield from ((key, name, quoted(key)) for key, name in value.items())


def _csv(mark: str, line: str) -> list[str]:
    return next(csv.reader([line], delimiter=mark), [""])


def _tabs(line: str) -> list[str]:
    return line.split("\t")


def _spaces(line: str) -> list[str]:
    return line.split(None, 1)


_SPLITS: tuple[Callable[[str], list[str]], ...] = (
    _tabs,
    *(partial(_csv, mark) for mark in ",;|"),
    _spaces,
)


def _n_known(lines: Sequence[tuple[int, str]], way: Any, known: set[str]) -> int:
    """Number of lines with a known class and a name, split that way."""
    found = (way(line) for _, line in lines)
    return sum(len(cells) > 1 and name_key(cells[0]) in known for cells in found)


def _by_class(rows: Sequence[Row], file: str, classes: Sequence[str]) -> dict[str, str]:
    by_key = {name_key(name): name for name in classes}
    found: dict[str, tuple[str, str]] = {}
    for given, name, place in rows:
        known = by_key.get(name_key(given))
        if known is None:
            raise _unknown(given, place, file, classes, rows, by_key)
        if known in found:
            raise DataError(
                f"{place} of {quoted(file)}: the class {quoted(given)} appears twice, first "
                f"in {found[known][1]}",
                slug="class-names-repeated",
                hint="give each class one name",
            )
        found[known] = name, place
    return {name: shown for name, (shown, _) in found.items()}


def _unknown(
    given: str,
    place: str,
    file: str,
    classes: Sequence[str],
    rows: Sequence[Row],
    by_key: Mapping[str, str],
) -> DataError:
    n = sum(name_key(one) not in by_key for one, _, _ in rows)
    meant = nearest(given, list(classes))
    return DataError(
        f"{place} of {quoted(file)}: {quoted(given)} is not a class"
        + (f"; the closest is {quoted(meant)}" if meant else ""),
        slug="class-names-unknown",
        details=[
            f"{plural(n, 'class', 'classes')} of {len(rows):,} in the file are unknown",
            f"the classes are {listing(classes)}",
        ],
        hint="remove these lines; the file need not contain all classes",
    )


def _refuse_clash(shown: Sequence[str], classes: Sequence[str], file: str) -> None:
    first: dict[str, str] = {}
    for name, own in zip(shown, classes, strict=True):
        if name in first:
            raise DataError(
                f"{quoted(file)} gives two classes the name {quoted(name)}: {quoted(first[name])} "
                "and "
                f"{quoted(own)}",
                slug="class-names-clash",
                hint="give each class a unique name",
            )
        first[name] = own
