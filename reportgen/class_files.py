"""The forms in which programs write class lists; what is none of them is refused by its name.

One name a line is the plain form. A JSON list, ``{name: index}``, ``{index: name}``, ImageNet's
``{index: [wnid, name]}``, a configuration with ``id2label``, lines such as ``0 cat``, a CSV with a
header and WordNet's mapping are read. Where a file has several names of a class, the one that
folders are called after is taken: the WordNet id.
"""

from __future__ import annotations

import ast
import csv
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from reportgen.errors import DataError
from reportgen.text import plural, quoted

__all__ = ["names_in_class_file"]

_LINE_END = re.compile(r"\r\n|\r|\n")
_HEADS = frozenset({
    "class", "classes", "class_name", "classname", "class_names", "name", "names", "label",
    "labels", "label_name", "category", "categories",
})  # fmt: skip
_NUMBER_HEADS = frozenset({
    "index", "idx", "id", "class_id", "class_index", "class_idx", "label_id", "label_index", "no",
    "number", "nr", "target",
})  # fmt: skip
_KEYS = ("id2label", "label2id", "class_to_idx", "idx_to_class", "classes", "class_names", "names",
         "labels", "label_names", "categories")  # fmt: skip
_WNID = re.compile(r"n\d{8}")
_NUMBER_FIRST = re.compile(r"(\d+)(?:\s*[,:;=\t]\s*|\s+)(\S.*)")
_NUMBER_LAST = re.compile(r"(\S.*?)(?:\s*[,:;=\t]\s*|\s+)(\d+)")
_HINT = "write the names in the order of their indices, one a line, and give that file"


def names_in_class_file(text: str, file: str) -> list[str]:
    """The names in a class file, in the order of their indices; blank lines inside stay.

    Parameters
    ----------
    text
        What the file holds, decoded.
    file
        Its base name: the ending ``.csv`` says that cells are meant.

    Raises
    ------
    DataError
        ``classes-form``: it is of a form that is not read, or its indices are not 0 to C − 1.
    """
    start = text.lstrip()[:1]
    if start in ("{", "["):
        return _of_value(_parsed(text, file), file)
    lines = [line.strip() for line in _LINE_END.split(text)]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        return []
    _refuse_markup(lines, file)
    if file.lower().endswith((".csv", ".tsv")):
        return _of_cells(lines, file)
    if (found := _numbered(lines)) is not None or (found := _of_wordnet(lines)) is not None:
        return found
    _refuse_header(lines, file)
    return lines


def _refused(file: str, what: str, hint: str = _HINT) -> DataError:
    return DataError(
        f"the class list {quoted(file)} {what}",
        slug="classes-form",
        details=[
            "read are: one name a line, a JSON list, {name: index}, {index: name}, id2label in a "
            'config.json, lines such as "0 cat", and a CSV with a header'
        ],
        hint=hint,
    )


def _parsed(text: str, file: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _refused(file, f"has the key {quoted(key)} twice")
            seen.add(key)
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text.strip())  # what Python prints of a dict or a list
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        start = text.lstrip()[:1]
        raise _refused(file, f"begins with {quoted(start)}, and is no JSON") from None


def _of_value(value: Any, file: str) -> list[str]:
    """The names in parsed JSON."""
    if isinstance(value, (list, tuple)):
        return _of_list(list(value), file)
    if not isinstance(value, Mapping) or not value:
        raise _refused(file, "holds no classes")
    for key in _KEYS:
        if isinstance(value.get(key), (list, tuple, Mapping)):
            return _of_value(value[key], file)
    if all(type(index) is int for index in value.values()):
        return _in_order([(i, str(name)) for name, i in value.items()], file)
    if all(str(key).isdecimal() for key in value):
        named = [(int(key), _name(name)) for key, name in value.items()]
        if all(name is not None for _, name in named):
            return _in_order([(i, name) for i, name in named if name is not None], file)
    raise _refused(file, "is JSON of a form that is no class list")


def _of_list(value: list[Any], file: str) -> list[str]:
    if value and all(isinstance(item, (str, int)) and item is not True for item in value):
        return [str(item) for item in value]
    if value and all(isinstance(item, Mapping) for item in value):
        for key in ("id", "index", "class_id"):
            rows = [(item.get(key), _name(item.get("name", item.get("label")))) for item in value]
            if all(type(i) is int and name is not None for i, name in rows):
                return _in_order([(i, name) for i, name in rows if name is not None], file)  # type: ignore[misc]
    raise _refused(file, "is a JSON list of something else than names")


def _name(value: Any) -> str | None:
    """A name; of a pair of WordNet id and name the former, which is unique."""
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], str):
        return value[0] if _WNID.fullmatch(value[0]) else None
    return None


def _in_order(pairs: Sequence[tuple[int, str]], file: str) -> list[str]:
    """The names by their indices, which must be 0 to C − 1 (or 1 to C), each once."""
    found = _sorted(pairs)
    if found is None:
        numbers = sorted(i for i, _ in pairs)
        raise _refused(
            file,
            f"has {plural(len(pairs), 'class', 'classes')} with the indices {numbers[0]} to "
            f"{numbers[-1]}: not 0 to {len(pairs) - 1}, each once",
            "every index needs a class of its own",
        )
    return found


def _sorted(pairs: Sequence[tuple[int, str]]) -> list[str] | None:
    numbers = sorted(i for i, _ in pairs)
    if not numbers or numbers not in (
        list(range(len(pairs))), list(range(1, len(pairs) + 1))
    ):  # fmt: skip
        return None
    return [name for _, name in sorted(pairs)]


def _numbered(lines: Sequence[str]) -> list[str] | None:
    """The names of lines such as ``0 cat``, ``0: cat`` or ``cat,0``; None where one is another."""
    for pattern, number, name in ((_NUMBER_FIRST, 1, 2), (_NUMBER_LAST, 2, 1)):
        matches = [pattern.fullmatch(line) for line in lines]
        if all(matches) and len(lines) > 1:
            pairs = [(int(m[number]), m[name].strip("\"' ")) for m in matches if m]
            if (found := _sorted(pairs)) is not None:
                return found
    return None


def _of_wordnet(lines: Sequence[str]) -> list[str] | None:
    """The WordNet ids of lines such as ``n01440764 tench, Tinca tinca``."""
    words = [line.split(None, 1) for line in lines]
    if all(len(one) == 2 and _WNID.fullmatch(one[0]) for one in words):
        return [one[0] for one in words]
    return None


def _refuse_markup(lines: Sequence[str], file: str) -> None:
    first = lines[0]
    if first.startswith("<"):
        raise _refused(file, "is HTML or XML")
    yaml = first == "---" or file.lower().endswith((".yaml", ".yml"))
    if yaml or (len(lines) > 1 and re.fullmatch(r"[\w-]+:", first)):
        raise _refused(file, "is YAML")


def _refuse_header(lines: Sequence[str], file: str) -> None:
    """Refuse a first line that is a header, and a list on one line: names would be wrong."""
    first = _head(lines[0])
    cells = [_head(cell) for cell in re.split(r"[,;\t]", lines[0])]
    known = _HEADS | _NUMBER_HEADS
    if len(lines) > 1 and (first in _HEADS or (len(cells) > 1 and set(cells) <= known)):
        raise _refused(
            file,
            f"begins with {quoted(lines[0])}, which is a header or a class",
            "name the file .csv where it is a header; else rename the class",
        )
    if len(lines) == 1 and len(cells) > 1:
        raise _refused(file, f"has {plural(len(cells), 'name')} on one line")


def _head(cell: str) -> str:
    return re.sub(r"[\s\-]+", "_", cell.strip().strip("\"'").lower())


def _of_cells(lines: Sequence[str], file: str) -> list[str]:
    """The names in a CSV: in a column of their own, sorted by one of indices where there is one."""
    marks = "\t" if file.lower().endswith(".tsv") else ";" if ";" in lines[0] else ","
    try:
        rows = list(csv.reader(lines, delimiter=marks, strict=True))
    except csv.Error as error:
        raise _refused(file, "is no valid CSV") from error
    rows = [[cell.strip() for cell in row] for row in rows if row]
    if len({len(row) for row in rows}) > 1:
        raise _refused(file, "has rows with different numbers of cells")
    heads = [_head(cell) for cell in rows[0]]
    names = [i for i, head in enumerate(heads) if head in _HEADS]
    numbers = [i for i, head in enumerate(heads) if head in _NUMBER_HEADS]
    if len(rows) > 1 and names and (len(rows[0]) == 1 or numbers or len(names) == len(heads)):
        return _of_columns(rows[1:], names, numbers, file)
    if len(rows[0]) == 1:
        return [row[0] for row in rows]
    found = _numbered([" ".join(row) for row in rows]) if len(rows[0]) == 2 else None
    if found is None:
        raise _refused(
            file,
            f"has {plural(len(rows[0]), 'column')}, and its header does not say which holds the "
            "names",
            "call the columns class and index, or write one name a line",
        )
    return found


def _of_columns(
    rows: Sequence[Sequence[str]], names: Sequence[int], numbers: Sequence[int], file: str
) -> list[str]:
    if len(numbers) == 1 and all(row[numbers[0]].isdecimal() for row in rows):
        return _in_order([(int(row[numbers[0]]), row[names[0]]) for row in rows], file)
    if numbers:
        raise _refused(file, "has indices that are no whole numbers")
    return [row[names[0]] for row in rows]
