"""Class names: where the list comes from, and which folder is which class. By name, never by place.

A model answers with an index; the class list says what the index means. The list comes from the
user (``--classes``), else from the model's file, else, with a warning, from the folder names.
Folders are then looked up in it by name, so that an absent or an additional folder shifts nothing.

Names are equal when they are equal after Unicode normalisation (NFC), without the spaces around
them. Two names that differ by less than that can't be told apart by a reader, and are refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reportgen.class_files import names_in_class_file
from reportgen.errors import DataError
from reportgen.provenance import DataNote
from reportgen.text import listing, nearest, plural, printable, quoted

__all__ = [
    "ClassList",
    "check_distinct",
    "display_name",
    "name_key",
    "natural_key",
    "read_class_list",
    "refuse_clash",
    "resolve_classes",
]

MAX_LIST_BYTES = 64 << 20
_MAX_EXAMPLES = 10
_MAX_OFFENDERS = 5
_MAX_SHOWN_IN_ORDER = 12
_CODE = re.compile(r"n\d{8}|\d+")
_NOT_A_LETTER = re.compile(r"[\W_]+")
_DIGITS = re.compile(r"(\d+)")
_WRITE_A_LIST = (
    "write the names in the order of the model's outputs, one a line, into a file and give it "
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
        Where the list came from, in words: ``"classes.json in candidate.pt2"``.
    notes
        What a reader should know: absent classes, ignored folders, an order that was assumed.
    index
        Folder name, as it was given → index into `names`; None for a folder that is left out
        because the model doesn't know its class.
    """

    names: tuple[str, ...]
    source: str
    notes: tuple[DataNote, ...]
    index: Mapping[str, int | None]


def read_class_list(path: Path) -> tuple[str, ...]:
    """The class names in a file: UTF-8 (a byte-order mark is fine), one a line, or in a form of
    :mod:`reportgen.class_files`.

    Lines end with ``\\n``, ``\\r\\n`` or ``\\r``; blank lines at the end and spaces around a name
    are dropped.

    Raises
    ------
    DataError
        ``classes-unreadable``, ``classes-not-utf8``, ``classes-form``, ``classes-empty``,
        ``classes-blank-line``, ``classes-duplicate`` or ``classes-twins``; lines count from 1.
    """
    lines = names_in_class_file(_decoded(_content(path), path.name), path.name)
    where = quoted(path.name)
    if not lines:
        raise DataError(
            f"the class list {where} is empty", slug="classes-empty", hint="write one name a line"
        )
    if "" in lines:
        raise DataError(
            f"line {lines.index('') + 1} of the class list {where} is blank",
            slug="classes-blank-line",
            hint="every line up to the last name is one class; remove the line or name the class",
        )
    check_distinct(lines, f"the class list {where}", lambda position: f"line {position + 1}")
    return tuple(lines)


def resolve_classes(
    explicit: Sequence[str] | None,
    explicit_source: str,
    from_model: Sequence[str] | None,
    model_source: str,
    folders: Sequence[str],
    n_outputs: int | None,
    ignore_unknown: bool = False,
) -> ClassList:
    """Decide on the class list and find the class of every folder.

    Parameters
    ----------
    explicit, explicit_source
        The user's list, if there is one, and how to call it: ``"names.txt (--classes)"``.
    from_model, model_source
        The list that came with the model, if one did, and how to call it.
    folders
        Names of the class folders, empty ones too, as the scan gives them.
    n_outputs
        Scores that the model gives for an image, where that is known before it runs.
    ignore_unknown
        Leave out folders that no class is named after, instead of refusing them.

    Raises
    ------
    DataError
        ``classes-differ``: the two lists differ. ``classes-order``: there is no list, and the
        folders have two plausible orders. ``classes-count``: the list and the model's outputs
        differ in number. ``class-unknown``: a folder has no class. ``classes-duplicate``,
        ``classes-twins``, ``classes-empty``: the list itself is ambiguous or empty.
    """
    names, source, assumed = _chosen(explicit, explicit_source, from_model, model_source, folders)
    check_distinct(names, source, lambda position: f"position {position + 1}")
    shown = tuple(display_name(name) for name in names)
    _check_count(shown, source, n_outputs)
    index = _folder_index(shown, source, folders, ignore_unknown)
    notes = (*assumed, *_ignored_note(index), *_absent_note(shown, index))
    return ClassList(shown, source, notes, index)


def name_key(name: str) -> str:
    """What makes two names the same: printable, NFC, without spaces around.

    >>> name_key(" caf\\u0065\\u0301 ") == name_key("caf\\u00e9")
    True
    """
    return unicodedata.normalize("NFC", printable(name.strip()))


def display_name(name: str) -> str:
    """How a class is called in every output; a name of no characters is ``(empty)``."""
    return name_key(name) or "(empty)"


def natural_key(name: str) -> tuple[tuple[int, int | str], ...]:
    """Sort key for the order that people expect: numbers by value, case ignored.

    >>> sorted(["img10", "Img9"], key=natural_key)
    ['Img9', 'img10']
    """
    parts = (part for part in _DIGITS.split(name.lower()) if part)
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts)


def check_distinct(names: Sequence[str], what: str, where: Callable[[int], str]) -> None:
    """Refuse names that are equal, or that look equal.

    Parameters
    ----------
    names
        Any strings.
    what
        What holds them, for the message: ``'the class list "names.txt"'``.
    where
        Position (from 0) → words: ``"line 3"``.
    """
    seen: dict[str, int] = {}
    for position, name in enumerate(names):
        first = seen.setdefault(display_name(name), position)
        if first == position:
            continue
        places = f"{where(first)} and {where(position)}"
        if names[first] == name:
            raise DataError(
                f"{quoted(name)} stands twice in {what}: {places}",
                slug="classes-duplicate",
                hint="every class needs a name of its own",
            )
        raise DataError(
            f"two names in {what} look the same: {places}, {_spelled(names[first])} and "
            f"{_spelled(name)}",
            slug="classes-twins",
            details=["they differ only in spaces around them or in how accents are composed"],
            hint="rename one of them",
        )


def _spelled(name: str) -> str:
    """A name whose difference from its twin is visible: other than ASCII as escapes."""
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
            hint="--classes takes a text file with one name a line",
        ) from error
    if len(content) > MAX_LIST_BYTES:
        raise DataError(
            f"{quoted(path.name)} is over {MAX_LIST_BYTES >> 20} MB: that is no class list",
            slug="classes-unreadable",
            hint="--classes takes a text file with one name a line",
        )
    return content


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        offset = error.start + len(content) - len(error.object)  # the mark is cut off before
        raise DataError(
            f"the class list {quoted(name)} is not UTF-8 at byte {offset}",
            slug="classes-not-utf8",
            hint="save it as UTF-8",
        ) from error


def _chosen(
    explicit: Sequence[str] | None,
    explicit_source: str,
    from_model: Sequence[str] | None,
    model_source: str,
    folders: Sequence[str],
) -> tuple[tuple[str, ...], str, tuple[DataNote, ...]]:
    """The list that counts, where it came from, and the note where its order is assumed."""
    if explicit is not None and from_model is not None:
        _check_same(explicit, explicit_source, from_model, model_source)
    for names, source in ((explicit, explicit_source), (from_model, model_source)):
        if names is not None:
            if not names:
                raise DataError(f"{source} lists no classes", slug="classes-empty")
            return tuple(names), source, ()
    return _from_folders(folders)


def _check_same(
    explicit: Sequence[str], explicit_source: str, from_model: Sequence[str], model_source: str
) -> None:
    hint = f"the model's outputs have one order: correct {explicit_source} or leave it out"
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
    """Refuse a list of names that says otherwise than the list in use: ``classes-differ``.

    Names that differ in case and punctuation alone are the same here, and so is one of several
    synonyms ("tench, Tinca tinca"). Codes, such as WordNet's or bare numbers, are held against
    codes alone.
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
    """A name and its synonyms as letters and digits alone; as it is where it has none."""
    parts = (_NOT_A_LETTER.sub("", part.casefold()) for part in [name, *name.split(",")])
    return {part for part in parts if part} or {name_key(name)}


def _order_details(explicit: Sequence[str], from_model: Sequence[str]) -> list[str]:
    if sorted(map(name_key, explicit)) == sorted(map(name_key, from_model)):
        return ["both have the same names in another order"]
    return []


def _from_folders(
    folders: Sequence[str],
) -> tuple[tuple[str, ...], str, tuple[DataNote, ...]]:
    by_string = sorted(folders)
    by_nature = sorted(folders, key=lambda name: (natural_key(name), name))
    if by_string != by_nature:
        raise DataError(
            "no class list came with the model, and the class folders have two plausible orders",
            slug="classes-order",
            details=[
                f"string order: {listing(by_string, _MAX_SHOWN_IN_ORDER)}",
                f"natural order: {listing(by_nature, _MAX_SHOWN_IN_ORDER)}",
            ],
            hint=_WRITE_A_LIST,
        )
    note = DataNote(
        "classes-assumed",
        "No class list came with the model: its outputs were taken to stand for the class folders "
        "in string order. If it was trained with another order, every number here is wrong.",
        severity="warning",
        count=len(by_string),
        examples=tuple(map(printable, by_string[:_MAX_EXAMPLES])),
    )
    return tuple(by_string), "the class folders, in string order", (note,)


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
    names: Sequence[str], source: str, folders: Sequence[str], ignore_unknown: bool
) -> dict[str, int | None]:
    by_key = {name: position for position, name in enumerate(names)}
    index = {folder: by_key.get(display_name(folder)) for folder in folders}
    unknown = [folder for folder, position in index.items() if position is None]
    if unknown and not ignore_unknown:
        raise _unknown_class(unknown, names, source, len(index))
    return index


def _unknown_class(
    unknown: Sequence[str], names: Sequence[str], source: str, n_folders: int
) -> DataError:
    meant = nearest(unknown[0], names)
    closest = f"; the closest is {quoted(meant)}" if meant else ""
    details = [f"the classes are {listing(names)} ({source})"]
    if len(unknown) > 1:
        some = listing(map(quoted, unknown), _MAX_OFFENDERS)
        details.insert(0, f"{len(unknown):,} of {n_folders:,} class folders are unknown: {some}")
    return DataError(
        f"the model knows no class {quoted(unknown[0])}, which is a folder of the data{closest}",
        slug="class-unknown",
        details=details,
        hint="rename the folder, correct the list (--classes FILE), or leave such folders out: "
        "--ignore-unknown-classes",
    )


def _ignored_note(index: Mapping[str, int | None]) -> tuple[DataNote, ...]:
    ignored = [folder for folder, position in index.items() if position is None]
    if not ignored:
        return ()
    verb = "is" if len(ignored) == 1 else "are"
    note = DataNote(
        "classes-ignored",
        f"{plural(len(ignored), 'class folder')} {verb} unknown to the model and left out: "
        f"{listing(ignored)}.",
        severity="warning",
        count=len(ignored),
        examples=tuple(map(printable, ignored[:_MAX_EXAMPLES])),
    )
    return (note,)


def _absent_note(names: Sequence[str], index: Mapping[str, int | None]) -> tuple[DataNote, ...]:
    present = {position for position in index.values() if position is not None}
    absent = [name for position, name in enumerate(names) if position not in present]
    if not absent:
        return ()
    verb, its = ("has", "its") if len(absent) == 1 else ("have", "their")
    note = DataNote(
        "classes-absent",
        f"{plural(len(absent), 'class', 'classes')} of the model {verb} no folder in the data: "
        f"{listing(absent)}. Without samples {its} recall is undefined.",
        severity="warning",
        count=len(absent),
        examples=tuple(absent[:_MAX_EXAMPLES]),
    )
    return (note,)
