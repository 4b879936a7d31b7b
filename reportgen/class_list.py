"""Class lists: common file formats, and the class of a folder or name.

By name, never by position.
"""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reportgen.csv_text import declares_separator, separators
from reportgen.errors import DataError
from reportgen.jsonio import literal
from reportgen.provenance import DataNote
from reportgen.text import listing, nearest, plural, printable, quoted

__all__ = [
    "DATA_ORDER_HINT",
    "ClassList",
    "check_distinct",
    "display_name",
    "name_key",
    "names_in_class_file",
    "natural_key",
    "read_class_list",
    "refuse_clash",
    "resolve_classes",
]


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
         "labels", "label_names", "categories", "label_to_id", "id_to_label", "label2idx",
         "idx2label")  # fmt: skip


_WNID = re.compile(r"n\d{8}")


_BETWEEN = r"\s*(?:[-=]>|[,:;=|\t]|(?<=\s)-(?=\s))\s*"
_NUMBER_FIRST = re.compile(rf"[\[(#]?(\d+)(?:{_BETWEEN}|[.)\]]?\s+)(\S.*)")


_NUMBER_LAST = re.compile(rf"(\S(?:.*?\S)??)(?:{_BETWEEN}|\s+)(\d+)")


_MOST_DIGITS = 18


_BRACKETED = re.compile(r"\[[^][{}\",:']+\]|\{[^][{}\",:']+\}")


_OF_JSON = re.compile(r"^[][{}]|[{[]$|[\"=]|,$")


_NUMBERS = re.compile(r"[][\s]*[-\d.eE]+\s+[-\d.eE\s]+[][\s]*")


_HINT = "write the names in the order of their indices, one per line, and pass that file"


def names_in_class_file(text: str, file: str) -> list[str]:
    """The names in a class file, in the order of their indices; blank lines inside stay.

    Parameters
    ----------
    text
        The decoded content.
    file
        Its base name; ``.csv`` is read as cells.

    Raises
    ------
    DataError
        ``classes-form``: the format is not supported, or its indices are not 0 to C − 1.
    """
    lines = [line.strip() for line in _LINE_END.split(text)]
    while lines and not lines[-1]:
        lines.pop()
    is_json = file.lower().endswith(".json") and bool(lines)
    if is_json or (text.lstrip()[:1] in ("{", "[") and not _are_bracketed(lines)):
        return _of_value(_parsed(text, file), file)
    if not lines:
        return []
    _refuse_markup(lines, file)
    if file.lower().endswith((".csv", ".tsv")):
        return _of_cells(lines, file)
    if (found := _numbered(lines)) is not None or (found := _of_wordnet(lines)) is not None:
        return found
    _refuse_header(lines, file)
    _refuse_marks(lines, file)
    _refuse_gaps(lines, file)
    return lines


def _refused(file: str, what: str, hint: str = _HINT) -> DataError:
    return DataError(
        f"the class list {quoted(file)} {what}",
        slug="classes-form",
        details=[
            "supported: one name per line, a JSON list, {name: index}, {index: name}, id2label in "
            "a "
            'config.json, lines such as "0 cat", and a CSV with a header'
        ],
        hint=hint,
    )


def _are_bracketed(lines: Sequence[str]) -> bool:
    """Whether lines are names, some of them in brackets, such as ``[UNK]`` or ``[0]``.

    False for lines of JSON, complete or truncated: they have quotes, commas or colons, or a bracket
    that another line closes. False also for rows of a printed array, and for a section header such
    as ``[classes]``.
    """
    named = all(line and not _OF_JSON.search(_BRACKETED.sub("", line, 1)) for line in lines)
    rows = any(_NUMBERS.fullmatch(line) for line in lines)
    return len(lines) > 1 and named and not rows and _head(lines[0].strip("[]")) not in _HEADS


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
        return literal(text)  # the repr of a dict or a list
    except ValueError:
        start = text.lstrip()[:1]
        raise _refused(
            file,
            f"begins with {quoted(start)}, and is not JSON",
            f"correct the JSON; where names begin with {quoted(start)}, write them as a JSON "
            'list: ["[a", "b"]',
        ) from None


def _of_value(value: Any, file: str) -> list[str]:
    """The names in parsed JSON."""
    if isinstance(value, (list, tuple)):
        return _of_list(list(value), file)
    if not isinstance(value, Mapping) or not value:
        raise _refused(file, "contains no classes")
    lists = {
        key: tuple(_of_value(value[key], file))
        for key in _KEYS
        if isinstance(value.get(key), (list, tuple, Mapping)) and value[key]
    }
    if len(set(lists.values())) > 1:
        raise _refused(file, f"contains different class lists: {listing(lists, 5)}")
    if lists:
        return list(next(iter(lists.values())))
    if all(type(index) is int for index in value.values()):
        return _in_order([(i, str(name)) for name, i in value.items()], file)
    if all(isinstance(index, str) and _is_index(index) for index in value.values()) and not all(
        _is_index(str(key)) for key in value
    ):
        return _in_order([(int(i), str(name)) for name, i in value.items()], file)
    if all(_is_index(str(key)) for key in value):
        named = [(int(key), _name(name)) for key, name in value.items()]
        if all(name is not None for _, name in named):
            return _in_order([(i, name) for i, name in named if name is not None], file)
    raise _refused(file, "is JSON, but not a class list")


def _of_list(value: list[Any], file: str) -> list[str]:
    if value and all(isinstance(item, (str, int)) and item is not True for item in value):
        return [str(item) for item in value]
    if value and all(isinstance(item, Mapping) for item in value):
        for key in ("id", "index", "class_id"):
            rows = [(item.get(key), _name(item.get("name", item.get("label")))) for item in value]
            if all(type(i) is int and name is not None for i, name in rows):
                return _in_order([(i, name) for i, name in rows if name is not None], file)
    raise _refused(file, "is a JSON list, but not of names")


def _is_index(text: str) -> bool:
    """Whether a text is digits, at most as many as an index has."""
    return text.isdecimal() and len(text) <= _MOST_DIGITS


def _name(value: Any) -> str | None:
    """A name; for a pair of WordNet id and name the former, which is unique."""
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
            "every index needs its own class",
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
    """The names in lines such as ``0 cat``, ``0: cat`` or ``cat,0``; None for other lines."""
    for pattern, number, name in ((_NUMBER_FIRST, 1, 2), (_NUMBER_LAST, 2, 1)):
        matches = [pattern.fullmatch(line) for line in lines]
        if all(matches) and len(lines) > 1:
            if not all(_is_index(m[number]) for m in matches if m):
                continue
            pairs = [(int(m[number]), m[name].strip("\"' ")) for m in matches if m]
            found = _sorted(pairs)
            if found is not None and len(set(found)) == len(found):
                return found
    return None


def _refuse_gaps(lines: Sequence[str], file: str) -> None:
    """Refuse lines that begin with the numbers from 0 or 1 on, some of which are missing."""
    found = [match for line in lines if (match := _NUMBER_FIRST.fullmatch(line))]
    numbers = sorted(int(match[1]) for match in found if _is_index(match[1]))
    if len(numbers) < len(lines) or len(set(numbers)) < len(numbers) or numbers[0] > 1:
        return
    if len(lines) - 1 < numbers[-1] - numbers[0] < 2 * len(lines):
        raise _refused(
            file,
            f"begins its {len(lines):,} lines with numbers from {numbers[0]} to {numbers[-1]}: "
            "indices, some of which are missing, or parts of the names",
            "give every index its class; where the numbers are parts of the names, write the "
            "names as a JSON list",
        )


def _of_wordnet(lines: Sequence[str]) -> list[str] | None:
    """The WordNet ids in lines such as ``n01440764 tench, Tinca tinca``."""
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
    """Refuse a header as the first line, and a list on a single line: names would be wrong."""
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


def _refuse_marks(lines: Sequence[str], file: str) -> None:
    """Refuse lines with more than a name: its index, or the name, would be wrong."""
    first = lines[0]
    marked = [line for line in lines if line.startswith(("# ", "//"))]
    if first.startswith(("#", "//", "%")) and not lines[-1].startswith(first[:1]):
        marked = [first]
    if len(marked) in range(1, len(lines)):
        raise _refused(
            file,
            f"contains {quoted(marked[0][:40])}, which is a comment or a class",
            "remove the line; where it is a class, write the names as a JSON list",
        )
    if len(lines) > 2 and first == str(len(lines) - 1):
        raise _refused(
            file,
            f"begins with {quoted(first)}, which is the number of the other lines or a class",
            "remove the line; where it is a class, write the names as a JSON list",
        )
    if len(lines) > 1 and any(
        all(line.startswith(mark) for line in lines) for mark in ("- ", "* ")
    ):
        raise _refused(file, f"has {quoted(first[:1])} before every name")
    quotes = [line[:1] in "\"'" and line.rstrip(",")[-1:] == line[:1] for line in lines]
    if len(lines) > 1 and (all(quotes) or all(line.endswith(",") for line in lines[:-1])):
        raise _refused(
            file,
            "has quotes around every name, or a comma after it",
            "write the bare names, one per line; or a JSON list, in brackets",
        )
    if len(lines) > 1 and all(line.count("\t") == first.count("\t") > 0 for line in lines):
        raise _refused(
            file,
            f"has {plural(first.count(chr(9)) + 1, 'column')}",
            "name the file .tsv, and call its columns class and index; or write one name per line",
        )
    if re.match(r"item\s*\{", first) or (
        any(line.endswith("{") for line in lines) and any(line == "}" for line in lines)
    ):
        raise _refused(file, "is a configuration, not a list")
    if any(re.fullmatch(r"[|+:\-\s]*--[|+:\-\s]*", line) for line in lines):
        raise _refused(file, "is a table drawn with lines")
    if len(lines) > 1 and any(re.match(r"(?:names|classes|nc)\s*[:=]", line) for line in lines):
        raise _refused(file, "is YAML or another configuration")


def _head(cell: str) -> str:
    return re.sub(r"[\s\-]+", "_", cell.strip().rstrip(":").strip("\"'").lower())


def _of_cells(lines: Sequence[str], file: str) -> list[str]:
    """The names in a CSV: from a name column, sorted by an index column if there is one."""
    marks = ["\t"] if file.lower().endswith(".tsv") else list(separators("\n".join(lines)))
    if len(marks) > 1:
        raise _refused(file, "has cells that may be separated by several characters")
    if declares_separator([lines[0]]):  # for Excel
        lines = lines[1:]
    try:
        rows = list(csv.reader(lines, delimiter=next(iter(marks), ","), strict=True))
    except csv.Error as error:
        raise _refused(file, "is not valid CSV") from error
    rows = [[cell.strip() for cell in row] for row in rows if row]
    if len({len(row) for row in rows}) > 1:
        raise _refused(file, "has rows with different numbers of cells")
    heads = [_head(cell) for cell in rows[0]]
    names = [i for i, head in enumerate(heads) if head in _HEADS]
    numbers = [i for i, head in enumerate(heads) if head in _NUMBER_HEADS]
    # numbers under a name for indices, or without a header, are indices
    if not numbers and len(rows) > 1:
        numbers = [i for i in range(len(heads)) if _counts_up(rows[1:], i)][:1]
        numbers = [i for i in numbers if i in names or heads[i] in ("", "unnamed:_0")]
        names = [i for i in names if i not in numbers]
    if len(rows) > 1 and names and (len(rows[0]) == 1 or numbers or len(names) == len(heads)):
        return _of_columns(rows[1:], names, numbers, file)
    if len(rows[0]) == 1:
        return [row[0] for row in rows]
    found = _numbered([" ".join(row) for row in rows]) if len(rows[0]) == 2 else None
    if found is None:
        raise _refused(
            file,
            f"has {plural(len(rows[0]), 'column')}, and its header does not identify the "
            "name column",
            "name the columns class and index, or write one name per line",
        )
    return found


def _counts_up(rows: Sequence[Sequence[str]], column: int) -> bool:
    """Whether a column counts up from 0 or 1."""
    cells = [row[column] for row in rows]
    return any(cells == list(map(str, range(base, base + len(cells)))) for base in (0, 1))


def _of_columns(
    rows: Sequence[Sequence[str]], names: Sequence[int], numbers: Sequence[int], file: str
) -> list[str]:
    if len(numbers) == 1 and all(_is_index(row[numbers[0]]) for row in rows):
        return _in_order([(int(row[numbers[0]]), row[names[0]]) for row in rows], file)
    if numbers:
        raise _refused(file, "has indices that are not whole numbers")
    return [row[names[0]] for row in rows]


MAX_LIST_BYTES = 64 << 20


_MAX_EXAMPLES = 10


_MAX_OFFENDERS = 5


_MAX_SHOWN_IN_ORDER = 12


_CODE = re.compile(r"n\d{8}|\d+")


_NOT_A_LETTER = re.compile(r"[\W_]+")


_DIGITS = re.compile(r"(\d+)")


_WRITE_A_LIST = (
    "write the names in the order of the model's outputs, one per line, into a file and pass it "
    "with --classes FILE"
)


@dataclass(frozen=True)
class ClassList:
    """The classes of a model, and the class of each folder.

    Attributes
    ----------
    names
        In the order of the model's outputs; printable and unique.
    source
        The source of the list, in words: ``"classes.json in candidate.pt2"``.
    notes
        Notes: absent classes, ignored folders, an assumed order.
    index
        Folder name, as given → index into `names`; None for a skipped folder, whose class the model
        lacks.
    """

    names: tuple[str, ...]
    source: str
    notes: tuple[DataNote, ...]
    index: Mapping[str, int | None]


def read_class_list(path: Path) -> tuple[str, ...]:
    """Read the class names in a file: UTF-8, one per line, or in another format of this module.

    Lines end with ``\\n``, ``\\r\\n`` or ``\\r``; blank lines at the end and spaces around a name
    are dropped.

    Raises
    ------
    DataError
        ``classes-unreadable``, ``classes-not-utf8``, ``classes-form``, ``classes-empty``,
        ``classes-blank-line``, ``classes-duplicate`` or ``classes-twins``; lines count from 1.
    """
    lines = names_in_class_file(_decode(_content(path), path.name), path.name)
    where = quoted(path.name)
    if not lines:
        raise DataError(
            f"the class list {where} is empty", slug="classes-empty", hint="write one name per line"
        )
    if "" in lines:
        raise DataError(
            f"line {lines.index('') + 1} of the class list {where} is blank",
            slug="classes-blank-line",
            hint="every line up to the last name is one class; remove the line or name the class",
        )
    check_distinct(lines, f"the class list {where}", lambda position: f"line {position + 1}")
    return tuple(lines)


DATA_ORDER_HINT = "; if it is the order of the data's indices: --data-classes FILE"
"""The end of a hint on a class list that is not in the order of the model's outputs."""


def resolve_classes(
    explicit: Sequence[str] | None,
    explicit_source: str,
    from_model: Sequence[str] | None,
    model_source: str,
    folders: Sequence[str],
    n_outputs: int | None,
    ignore_unknown: bool = False,
    table: str = "",
) -> ClassList:
    """Determine the class list, and the class of every folder.

    Parameters
    ----------
    explicit, explicit_source
        The user's list, if given, and its name in messages: ``"names.txt (--classes)"``.
    from_model, model_source
        The list in the model's files, if any, and its name in messages.
    folders
        Names of the class folders, including empty ones, from the scan.
    n_outputs
        Scores per image, if known before the model runs.
    ignore_unknown
        Skip folders without a class of that name, instead of refusing them.
    table
        Name of the table, if `folders` are its labels.

    Raises
    ------
    DataError
        ``classes-differ``: the two lists differ. ``classes-order``: there is no list, and the
        folders have two plausible orders. ``classes-count``: the list and the model's outputs
        differ in number. ``class-unknown``: a folder has no class. ``classes-duplicate``,
        ``classes-twins``, ``classes-empty``: the list itself is ambiguous or empty.
    """
    held = _Held(table)
    names, source, assumed = _choose(
        explicit, explicit_source, from_model, model_source, folders, held
    )
    check_distinct(names, source, lambda position: f"position {position + 1}")
    shown = tuple(display_name(name) for name in names)
    _check_count(shown, source, n_outputs)
    index = _folder_index(shown, source, folders, ignore_unknown, held)
    notes = (*assumed, *_ignored_note(index, held), *_absent_note(shown, index, held))
    return ClassList(shown, source, notes, index)


@dataclass(frozen=True)
class _Held:
    """The container of the classes in the data: class folders, or the labels of a table."""

    table: str

    @property
    def one(self) -> str:
        return f"label of {printable(self.table)}" if self.table else "folder of the data"

    @property
    def many(self) -> str:
        return f"labels of {printable(self.table)}" if self.table else "class folders"

    def some(self, n: int) -> str:
        return plural(n, "label" if self.table else "class folder")

    @property
    def where(self) -> str:
        return f"label in {printable(self.table)}" if self.table else "folder in the data"


def name_key(name: str) -> str:
    """The key for comparing names: printable, NFC, without surrounding spaces.

    >>> name_key(" caf\\u0065\\u0301 ") == name_key("caf\\u00e9")
    True
    """
    return unicodedata.normalize("NFC", printable(name.strip()))


def display_name(name: str) -> str:
    """The display name of a class; an empty one is ``(empty)``."""
    return name_key(name) or "(empty)"


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key for the natural order: numbers by value, case ignored.

    >>> sorted(["img10", "Img9"], key=natural_key)
    ['Img9', 'img10']
    """
    parts = (part for part in _DIGITS.split(name.lower()) if part)
    return tuple(_number_key(part) if part.isdecimal() else (1, 0, part) for part in parts)


def _number_key(digits: str) -> tuple[int, int, str]:
    """Sort key of a number by its length and digits: int() refuses thousands of digits."""
    if not digits.isascii():
        digits = "".join(str(unicodedata.decimal(digit)) for digit in digits)
    digits = digits.lstrip("0")
    return 0, len(digits), digits


def check_distinct(
    names: Sequence[str],
    what: str,
    where: Callable[[int], str],
    hint: str = "rename one of them",
) -> None:
    """Refuse names that are equal, or that look equal.

    Parameters
    ----------
    names
        Any strings.
    what
        Their container, for the message: ``'the class list "names.txt"'``.
    where
        Position (from 0) → words: ``"line 3"``.
    hint
        What to do about names that look equal.
    """
    seen: dict[str, int] = {}
    for position, name in enumerate(names):
        first = seen.setdefault(display_name(name), position)
        if first == position:
            continue
        places = f"{where(first)} and {where(position)}"
        if names[first] == name:
            raise DataError(
                f"{quoted(name)} appears twice in {what}: {places}",
                slug="classes-duplicate",
                hint="every class needs a unique name",
            )
        raise DataError(
            f"two names in {what} look the same: {places}, {_spell(names[first])} and "
            f"{_spell(name)}",
            slug="classes-twins",
            details=["they differ only in spaces around them or in how accents are composed"],
            hint=hint,
        )


def _spell(name: str) -> str:
    """A name with visible differences from its twin: non-ASCII characters as escapes."""
    return '"' + name.encode("unicode_escape", "backslashreplace").decode("ascii") + '"'


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_LIST_BYTES + 1)
    except OSError as error:
        raise DataError(
            f"cannot read the class list {quoted(path.name)}: "
            f"{(error.strerror or type(error).__name__).lower()}",
            slug="classes-unreadable",
            hint="--classes takes a text file with one name per line",
        ) from error
    if len(content) > MAX_LIST_BYTES:
        raise DataError(
            f"{quoted(path.name)} is over {MAX_LIST_BYTES >> 20} MB, too large for a class list",
            slug="classes-unreadable",
            hint="--classes takes a text file with one name per line",
        )
    return content


_FOREIGN = ((b"\x93NUMPY", "a NumPy array"), (b"PK\3\4", "an archive"), (b"\x80", "a pickle"))


def _decode(content: bytes, name: str) -> str:
    for magic, what in _FOREIGN:
        if content.startswith(magic):
            raise _refused(name, f"is {what}")
    try:
        text = content.decode("utf-8-sig")
        if "\0" in text:  # UTF-16 without a mark
            raise UnicodeDecodeError("utf-8", content, content.index(b"\0"), len(content), "NUL")
        return text
    except UnicodeDecodeError as error:
        # the byte-order mark was removed before
        offset = error.start + len(content) - len(error.object)
        raise DataError(
            f"the class list {quoted(name)} is not UTF-8 at byte {offset}",
            slug="classes-not-utf8",
            hint="save it as UTF-8",
        ) from error


def _choose(
    explicit: Sequence[str] | None,
    explicit_source: str,
    from_model: Sequence[str] | None,
    model_source: str,
    folders: Sequence[str],
    held: _Held,
) -> tuple[tuple[str, ...], str, tuple[DataNote, ...]]:
    """The list in use, its source, and a note if its order is assumed."""
    if explicit is not None and from_model is not None:
        _check_same(explicit, explicit_source, from_model, model_source, held)
    for names, source in ((explicit, explicit_source), (from_model, model_source)):
        if names is not None:
            if not names:
                raise DataError(f"{source} lists no classes", slug="classes-empty")
            return tuple(names), source, ()
    return _from_folders(folders, held)


def _check_same(
    explicit: Sequence[str],
    explicit_source: str,
    from_model: Sequence[str],
    model_source: str,
    held: _Held,
) -> None:
    hint = f"the model's outputs have one order: correct {explicit_source} or omit it"
    if held.table:
        hint += DATA_ORDER_HINT
    for position, (ours, theirs) in enumerate(zip(explicit, from_model, strict=False)):
        if name_key(ours) != name_key(theirs):
            raise DataError(
                f"class {position + 1} is {quoted(ours)} in {explicit_source} but "
                f"{quoted(theirs)} in {model_source}",
                slug="classes-differ",
                details=_order_details(explicit, from_model),
                hint=hint,
            )
    if len(explicit) != len(from_model):
        raise DataError(
            f"{explicit_source} has {plural(len(explicit), 'class', 'classes')}, {model_source} "
            f"has {len(from_model):,}",
            slug="classes-differ",
            details=_order_details(explicit, from_model),
            hint=hint,
        )


def refuse_clash(
    ours: Sequence[str], source: str, theirs: Sequence[str], their_source: str, hint: str
) -> None:
    """Refuse a list of names that contradicts the list in use: ``classes-differ``.

    Names that differ only in case and punctuation are equal, and so is one of several synonyms
    ("tench, Tinca tinca"). Codes, such as WordNet ids or numbers, are only compared with codes.
    """
    if _are_codes(ours) != _are_codes(theirs):
        return
    if len(ours) != len(theirs):
        raise DataError(
            f"{source} has {plural(len(ours), 'class', 'classes')}, {their_source} has "
            f"{len(theirs):,}",
            slug="classes-differ",
            details=[f"{source}: {listing(ours)}", f"{their_source}: {listing(theirs)}"],
            hint=hint,
        )
    for position, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        if not _spellings(one) & _spellings(other):
            raise DataError(
                f"class {position + 1} is {quoted(one)} in {source} but {quoted(other)} in "
                f"{their_source}",
                slug="classes-differ",
                details=_order_details(ours, theirs),
                hint=hint,
            )


def _are_codes(names: Sequence[str]) -> bool:
    return all(_CODE.fullmatch(name) for name in names)


def _spellings(name: str) -> set[str]:
    """A name and its synonyms as letters and digits only; unchanged if it has none."""
    parts = (_NOT_A_LETTER.sub("", part.casefold()) for part in [name, *name.split(",")])
    return {part for part in parts if part} or {name_key(name)}


def _order_details(explicit: Sequence[str], from_model: Sequence[str]) -> list[str]:
    if sorted(map(name_key, explicit)) == sorted(map(name_key, from_model)):
        return ["both have the same names in another order"]
    return []


def _from_folders(
    folders: Sequence[str], held: _Held
) -> tuple[tuple[str, ...], str, tuple[DataNote, ...]]:
    by_string = sorted(folders)
    by_nature = sorted(folders, key=lambda name: (natural_key(name), name))
    if by_string != by_nature:
        raise DataError(
            f"the model has no class list, and the {held.many} have two plausible orders",
            slug="classes-order",
            details=[
                f"alphabetical order: {listing(by_string, _MAX_SHOWN_IN_ORDER)}",
                f"natural order: {listing(by_nature, _MAX_SHOWN_IN_ORDER)}",
            ],
            hint=_WRITE_A_LIST,
        )
    note = DataNote(
        "classes-assumed",
        f"No class list in the model file: alphabetical order of the {held.many} was assumed. "
        "If training used another order, all results are wrong. Pass --classes.",
        severity="warning",
        count=len(by_string),
        examples=tuple(map(printable, by_string[:_MAX_EXAMPLES])),
    )
    return tuple(by_string), f"the {held.many}, in alphabetical order", (note,)


def _check_count(names: Sequence[str], source: str, n_outputs: int | None) -> None:
    is_binary = n_outputs == 1 and len(names) == 2  # one score: that of the second class
    if n_outputs is None or n_outputs == len(names) or is_binary:
        return
    raise DataError(
        f"model has {n_outputs} output{'' if n_outputs == 1 else 's'}, class list has {len(names)}",
        slug="classes-count",
        details=[f"the class list is {source}: {listing(names)}"],
        hint=_WRITE_A_LIST,
    )


def _folder_index(
    names: Sequence[str], source: str, folders: Sequence[str], ignore_unknown: bool, held: _Held
) -> dict[str, int | None]:
    by_key = {name: position for position, name in enumerate(names)}
    index = {folder: by_key.get(display_name(folder)) for folder in folders}
    unknown = [folder for folder, position in index.items() if position is None]
    if unknown and not ignore_unknown:
        raise _unknown_class(unknown, names, source, len(index), held)
    return index


def _unknown_class(
    unknown: Sequence[str], names: Sequence[str], source: str, n_folders: int, held: _Held
) -> DataError:
    meant = nearest(unknown[0], names)
    closest = f"; the closest is {quoted(meant)}" if meant else ""
    details = [f"the classes are {listing(names)} ({source})"]
    if len(unknown) > 1:
        some = listing(map(quoted, unknown), _MAX_OFFENDERS)
        details.insert(0, f"{len(unknown):,} of {held.some(n_folders)} are unknown: {some}")
    return DataError(
        f"{quoted(unknown[0])} is a {held.one}, but not a class of the model{closest}",
        slug="class-unknown",
        details=details,
        hint=f"{'correct the label' if held.table else 'rename the folder'}, correct the list "
        f"(--classes FILE), or skip such {'rows' if held.table else 'folders'}: "
        "--ignore-unknown-classes",
    )


def _ignored_note(index: Mapping[str, int | None], held: _Held) -> tuple[DataNote, ...]:
    ignored = [folder for folder, position in index.items() if position is None]
    if not ignored:
        return ()
    verb = "is" if len(ignored) == 1 else "are"
    note = DataNote(
        "classes-ignored",
        f"{held.some(len(ignored))} {verb} unknown to the model and skipped: {listing(ignored)}.",
        severity="warning",
        count=len(ignored),
        examples=tuple(map(printable, ignored[:_MAX_EXAMPLES])),
    )
    return (note,)


def _absent_note(
    names: Sequence[str], index: Mapping[str, int | None], held: _Held
) -> tuple[DataNote, ...]:
    present = {position for position in index.values() if position is not None}
    absent = [name for position, name in enumerate(names) if position not in present]
    if not absent:
        return ()
    verb, its = ("has", "its") if len(absent) == 1 else ("have", "their")
    note = DataNote(
        "classes-absent",
        f"{plural(len(absent), 'class', 'classes')} of the model {verb} no {held.where}: "
        f"{listing(absent)}. Without samples {its} recall is undefined.",
        severity="warning",
        count=len(absent),
        examples=tuple(absent[:_MAX_EXAMPLES]),
    )
    return (note,)
