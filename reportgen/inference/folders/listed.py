"""A table of paths and labels as DATA: its images below the root, in the form of a scan."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import Any, cast
from urllib.parse import unquote

from reportgen.class_list import display_name
from reportgen.errors import DataError, UsageError
from reportgen.importers import SampleList, could_be_list, read_sample_list
from reportgen.inference.folders.files import (
    IMAGE_EXTENSIONS,
    escape,
    has_image_name,
    is_skipped_name,
    metadata_in,
)
from reportgen.inference.folders.scan import check_local
from reportgen.inference.folders.tree import FolderScan, ImageFile
from reportgen.inference.images.decoding import Unreadable
from reportgen.inference.packed.archive import NamedContents
from reportgen.inference.packed.contents import Contents
from reportgen.inference.packed.records import (
    Form,
    form_of,
    images_by_name,
    open_packed,
)
from reportgen.inference.packed.values import PackedList
from reportgen.options import Options
from reportgen.paths import as_typed
from reportgen.provenance import DataNote
from reportgen.text import listing, plural, printable, quoted

__all__ = [
    "NO_LABEL",
    "ListedImages",
    "find_listed",
    "images_root",
    "in_terms_of",
    "open_data",
    "refuse_table_options",
    "scan_listed",
]


NO_LABEL = ""
"""Used instead of a class folder: the sample has no label."""


_OF_LISTS = frozenset({"root", "id_column", "label_column", "split_column", "data_classes"})


@dataclass(frozen=True)
class ListedImages:
    """The files that a table lists, before their content is read.

    Attributes
    ----------
    samples
        The table.
    root
        The folder that ids are relative to.
    ids, raws
        Path of each row below the root: printable, and as the operating system spells it.
    labels
        Class name of each row, or :data:`NO_LABEL`.
    notes
        Decisions made while reading the table.
    contents
        The location of the images if they are not files, otherwise None.
    """

    samples: SampleList
    root: Path
    ids: Sequence[str]
    raws: Sequence[str]
    labels: Sequence[str]
    notes: tuple[DataNote, ...] = ()
    contents: Contents | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels in use, sorted."""
        return tuple(sorted({label for label in self.labels if label != NO_LABEL}))

    @property
    def columns(self) -> Any:
        """Further columns of the table as an Arrow table with the ids as ``id``, or None."""
        return self.samples.columns_of(self.ids)


def find_listed(
    samples: SampleList, root: Path, contents: NamedContents | None = None
) -> ListedImages:
    """Locate the images of a table in a folder or an archive; none is opened.

    A path without an image extension is completed with that of an existing file. If no image is
    there, URL-encoded paths are decoded, and a leading folder that all paths share, as on another
    computer, is removed if the images are then found; `samples.read_as` says so.

    Raises
    ------
    DataError
        ``list-path``: a path leaves the root; ``list-repeated``: a path is in two rows;
        ``no-samples``.
    """
    if not samples.paths:
        raise DataError(f"{quoted(samples.name)} lists no samples", slug="no-samples")
    texts = [_path_of(text) for text in samples.paths]
    moved = all(map(_is_foreign, texts))
    below = [
        text.lstrip("/") if moved else _below(root, text, lambda at=at: samples.place(at))
        for at, text in enumerate(texts)
    ]
    folder = f"{samples.folder}/" if samples.folder else ""
    names = cache(partial(_names, root) if contents is None else contents.names)
    raws, n_completed = _completed(names, [folder + raw for raw in below])

    def found(paths: Sequence[str]) -> bool:
        some = _completed(names, [folder + raw for raw in paths[:_LOOKED_FOR]])[0]
        if contents is None:
            return any(_exists(os.path.join(root, raw)) for raw in some)  # noqa: PTH118
        return any(name in names(above) for above, _, name in (r.rpartition("/") for r in some))

    if not found(below):
        below, read_as = _found_otherwise(found, below)
        samples = replace(samples, read_as=samples.read_as + read_as)
        raws, n_completed = _completed(names, [folder + raw for raw in below])
    ids = [escape(raw) for raw in raws]
    _require_distinct(samples, ids)
    labels = samples.labels or [NO_LABEL] * len(ids)
    notes = [_completion(samples, n_completed)] if n_completed else []
    return ListedImages(samples, root, ids, raws, labels, tuple(notes), contents)


def _path_of(text: str) -> str:
    """The path in a cell, with ``/``: a ``file:`` address is decoded."""
    path = text.strip().replace("\\", "/")
    return unquote(path.removeprefix("file://")) if path.startswith("file:///") else path


def _is_foreign(path: str) -> bool:
    """Whether a path begins at the root of another computer."""
    parts = PurePosixPath(path).parts
    return path.startswith("/") and ".." not in parts and not _exists(path)


_LOOKED_FOR = 100


def _found_otherwise(
    found: Callable[[Sequence[str]], bool], below: list[str]
) -> tuple[list[str], str]:
    """The paths under which some images are `found`, and what was done to them, in words."""
    decoded = [unquote(raw) for raw in below]
    safe = not any(".." in PurePosixPath(raw).parts or "\0" in raw for raw in decoded)
    for paths, told in ((below, ""), (decoded, "; its paths are URL-encoded")):
        if paths is decoded and (decoded == below or not safe):
            continue
        if told and found(paths):
            return paths, told
        parts = PurePosixPath(paths[0]).parts
        for n in range(1, len(parts)):
            prefix = "/".join(parts[:n]) + "/"
            shorter = [raw.removeprefix(prefix) for raw in paths]
            if not all(raw.startswith(prefix) for raw in paths):
                break
            if found(shorter):
                return shorter, f"{told}; without {quoted(escape(prefix))}, with which they begin"
    return below, ""


def _below(root: Path, text: str, place: Any) -> str:
    """The path below the root, with ``/``; refused if it leaves the root."""
    path = text
    if Path(path).is_absolute():
        with_root = Path(os.path.abspath(root))  # noqa: PTH100 - links stay as named
        if not Path(path).is_relative_to(with_root):
            raise _outside(text, place(), "is absolute, and not below the root", "--root /")
        path = Path(path).relative_to(with_root).as_posix()
    parts = PurePosixPath(path).parts
    if ".." in parts or not parts or "\0" in path:
        raise _outside(
            text, place(), "leads out of the root" if parts else "is empty", "--root DIR"
        )
    return "/".join(parts)


def _outside(text: str, place: str, what: str, hint: str) -> DataError:
    return DataError(
        f"{place}: the path {quoted(escape(text))} {what}",
        slug="list-path",
        hint=f"paths are relative to the folder of the table; {hint} names another",
    )


def _completed(names_in: Callable[[str], set[str]], raws: Sequence[str]) -> tuple[list[str], int]:
    """Complete paths without an extension; also return their number.

    `names_in` lists the file names in a folder.
    """
    if all(map(has_image_name, raws)):
        return list(raws), 0
    names: dict[str, set[str]] = {}
    found, n = [], 0
    for raw in raws:
        folder, _, name = raw.rpartition("/")
        if folder not in names:
            names[folder] = names_in(folder)
        whole = name if has_image_name(name) else _with_ending(name, names[folder])
        n += whole != name
        found.append(f"{folder}/{whole}" if folder else whole)
    return found, n


def _with_ending(name: str, there: set[str]) -> str:
    if name in there:
        return name
    found = [
        name + ending
        for lower in sorted(IMAGE_EXTENSIONS)
        for ending in (lower, lower.upper(), ".JPEG" if lower == ".jpeg" else lower)
        if name + ending in there
    ]
    return found[0] if len(set(found)) == 1 else name


def _names(root: Path, folder: str) -> set[str]:
    try:
        return set(os.listdir(root / folder))  # noqa: PTH208 - names alone
    except OSError:
        return set()


def _completion(samples: SampleList, n: int) -> DataNote:
    return DataNote(
        "list-endings",
        f"{plural(n, 'path')} of {printable(samples.name)} "
        f"{'has' if n == 1 else 'have'} no ending and {'was' if n == 1 else 'were'} completed by "
        "the file that is there.",
        count=n,
    )


def _require_distinct(samples: SampleList, ids: Sequence[str]) -> None:
    first: dict[str, int] = {}
    repeated = [at for at, name in enumerate(ids) if first.setdefault(name, at) != at]
    if repeated:
        at = repeated[0]
        raise DataError(
            f"the path {quoted(ids[at])} appears in two rows of {quoted(samples.name)}: "
            f"{samples.place(first[ids[at]])} and {samples.place(at)}",
            slug="list-repeated",
            details=[f"{plural(len(repeated), 'row')} repeat a path"],
            hint="give every sample one row",
        )


def in_terms_of(
    images: ListedImages, known: Sequence[str] | None, source: str, options: Options
) -> ListedImages:
    """The same images with labels as names, if the labels are indices.

    Parameters
    ----------
    known, source
        The class list, if one is known apart from the labels, and its source in words.

    Raises
    ------
    UsageError
        ``labels-ambiguous``: the labels could be names or indices.
    DataError
        ``label-range``: an index is out of range.
    """
    labels = [label for label in images.labels if label != NO_LABEL]
    numbers = {text: _index(text) for text in set(labels)}
    whole = bool(numbers) and all(n is not None for n in numbers.values())
    declared = options.labels_are == "indices" or options.data_classes is not None
    if options.labels_are == "names" or not (whole or declared):
        return images
    if not whole:
        text = next(text for text, n in numbers.items() if n is None)
        raise DataError(
            f"the label {quoted(text)} is not an index ({images.samples.name})",
            slug="label-range",
            hint="omit --labels-are indices"
            if options.data_classes is None
            else "omit --data-classes: names need no order",
        )
    base = options.label_base
    if known is None:
        top = max(n for n in numbers.values() if n is not None)
        known, source = tuple(str(i) for i in range(base, top + 1)), "the labels themselves"
    elif not declared:
        as_names = {display_name(name): i for i, name in enumerate(known)}
        matching = {text for text in numbers if display_name(text) in as_names}
        if matching == set(numbers):
            if all(as_names[display_name(t)] == (n or 0) - base for t, n in numbers.items()):
                return images
            raise _ambiguous(images, known, sorted(matching)[0], base)
    wrong = [t for t, n in numbers.items() if not base <= (n or 0) < base + len(known)]
    if wrong:
        raise _out_of_range(images, sorted(wrong)[0], known, source, numbers, options)
    named = {text: known[(n or 0) - base] for text, n in numbers.items()}
    note = DataNote(
        "labels-are-indices",
        f"The labels of {printable(images.samples.name)} are indices, counted from {base}: "
        f"{min(numbers.values(), key=lambda n: n or 0)} is the first that occurs, "
        f"{printable(named[min(numbers, key=lambda t: numbers[t] or 0)])}. They were read by "
        f"{source}.",
        "info",
    )
    return replace(
        images,
        labels=[named[t] if t != NO_LABEL else t for t in images.labels],
        notes=(*images.notes, note, *_from_one(numbers, base, len(known))),
    )


def _index(text: str) -> int | None:
    digits = text.removesuffix(".0")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else None


def _from_one(numbers: Mapping[str, int | None], base: int, n: int) -> Iterator[DataNote]:
    if base == 0 and 0 not in numbers.values() and len(numbers) == n - 1:
        yield DataNote(
            "labels-from-one",
            "No label is 0, and all others occur: if they are counted from 1, every label is off "
            "by one (--label-base 1).",
            "warning",
        )


def _ambiguous(images: ListedImages, known: Sequence[str], text: str, base: int) -> UsageError:
    return UsageError(
        f"labels such as {quoted(text)} in {quoted(images.samples.name)} could be names of classes "
        "or indices, and the two differ",
        slug="labels-ambiguous",
        details=[f"the classes, from index {base} on: {listing(known)}"],
        hint="specify which: --labels-are names, or --labels-are indices",
    )


def _out_of_range(
    images: ListedImages,
    text: str,
    known: Sequence[str],
    source: str,
    numbers: Mapping[str, int | None],
    options: Options,
) -> DataError:
    base = options.label_base
    whole = [n for n in numbers.values() if n is not None]
    from_one = base == 0 and min(whole) >= 1 and max(whole) <= len(known)
    return DataError(
        f"the label {quoted(text)} in {quoted(images.samples.name)} is not a class: the indices "
        "are "
        f"{base} to {base + len(known) - 1}",
        slug="label-range",
        details=[f"{plural(len(known), 'class', 'classes')}, from {source}: {listing(known)}"],
        hint="if the labels are counted from 1: --label-base 1"
        if from_one
        else "correct the labels, or the list given with --data-classes"
        if options.data_classes is not None
        else "correct the labels, or pass the model's class list with --classes FILE",
    )


def scan_listed(images: ListedImages) -> FolderScan:
    """The images of a table, sorted by id; nothing is opened.

    A missing file counts as found and as unreadable, as in a folder. Raises :class:`DataError`
    (``list-images``) if all are missing.
    """
    base = os.fspath(images.root)
    _require_some(images, base)
    if images.contents is not None and images.contents.is_sequential:
        order = images.contents.order(images.raws)
    else:
        order = sorted(range(len(images.ids)), key=images.ids.__getitem__)
    return FolderScan(
        root=images.root,
        folders=images.classes,
        files=tuple(
            ImageFile(images.ids[i], images.labels[i], base, images.raws[i]) for i in order
        ),
        unreadable=(),
        skipped=dict(images.samples.skipped),
        notes=tuple(_list_notes(images)),
        contents=images.contents,
    )


def _require_some(images: ListedImages, base: str) -> None:
    """Refuse a table if none of its images exists."""
    if images.contents is None:
        if not any(map(_exists, (os.path.join(base, raw) for raw in images.raws))):  # noqa: PTH118
            raise _none_there(images)
        return
    reason = ""
    for raw in images.raws:
        try:
            images.contents.read(raw)
        except Unreadable as error:
            reason = reason or error.reason
        else:
            return
    raise DataError(
        f"none of the {plural(len(images.ids), 'image')} in {quoted(images.samples.name)} can be "
        "read",
        slug="list-images",
        details=[f"{quoted(images.ids[0])} {reason}"],
        hint="check the data; if it contains paths instead of images, --root DIR names the "
        "folder that they are below",
    )


def _exists(path: str) -> bool:
    try:
        return os.path.exists(path)  # noqa: PTH110 - as often as there are rows
    except ValueError:  # not a valid file name
        return False


def _none_there(images: ListedImages) -> DataError:
    return DataError(
        f"none of the {plural(len(images.ids), 'image')} in {quoted(images.samples.name)} is there",
        slug="list-images",
        details=[f"looked for {quoted(images.ids[0])} in {quoted(images.root.resolve().name)}"],
        hint="name the folder that contains the images: --root DIR",
    )


def _list_notes(images: ListedImages) -> Iterator[DataNote]:
    samples = images.samples
    yield DataNote(
        "data-read-as", f"{printable(samples.name)} was read as {samples.read_as}.", "info"
    )
    yield from images.notes
    n_without = Counter(images.labels)[NO_LABEL]
    if n_without and n_without < len(images.labels):
        yield DataNote(
            "labels-unknown",
            f"{plural(n_without, 'sample')} of {printable(samples.name)} "
            f"{'has' if n_without == 1 else 'have'} no label and "
            f"{'is' if n_without == 1 else 'are'} excluded from this report.",
            "warning",
            n_without,
        )


def open_data(
    data: Path, options: Options, *, unlabelled: bool
) -> ListedImages | FolderScan | None:
    """Open DATA if it is a table, packed, or a folder without class folders.

    Returns None otherwise: scanning a folder reports what is wrong with it.

    Parameters
    ----------
    unlabelled
        Whether images without labels are permitted.

    Raises
    ------
    DataError
        ``data-unlabelled``; ``list-images``: the root is not a folder; and the errors of reading.
    UsageError
        ``option-conflict``: an option for tables with a folder.
    """
    check_local(os.fspath(data))
    form = form_of(data)
    if form is not None:
        return _open_packed(form, data, options, unlabelled=unlabelled)
    if data.is_file() and could_be_list(data):
        refuse_table_options(options, _OF_LISTS)
        samples: SampleList | None = read_sample_list(data, options)
    elif (tables := metadata_in(data)) and (samples := _of_metadata(data, tables, options)):
        refuse_table_options(options, _OF_LISTS - {"root"})
    else:
        refuse_table_options(options)
        samples = _list_folder(data) if data.is_dir() and unlabelled else None
    if samples is None:
        return None
    _require_labels(samples, unlabelled=unlabelled)
    if (form := _form_of_root(data, options)) is None:
        return find_listed(samples, images_root(data, options.root))
    root = cast(Path, options.root)
    return find_listed(samples, root, images_by_name(form, root, samples.paths))


def _form_of_root(data: Path, options: Options) -> Form | None:
    """The format of the archive that ``--root`` names for a table, or None."""
    form = form_of(options.root) if options.root is not None and data.is_file() else None
    return form if form is not None and form.has_names else None


def _of_metadata(data: Path, tables: Sequence[Path], options: Options) -> SampleList | None:
    """The samples listed by a folder's metadata table; None if class folders have the labels."""
    if len(tables) > 1:
        raise DataError(
            f"{quoted(escape(data.resolve().name))} has {len(tables)} tables of its images: "
            f"{listing(table.name for table in tables)}",
            slug="list-several",
            hint=f"pass one of them as DATA: {as_typed(tables[0])}",
        )
    try:
        samples = read_sample_list(tables[0], options)
    except DataError as error:
        if error.slug == "table-columns" and options.label_column is None and _has_folders(data):
            return None
        raise
    if samples.labels is None and options.label_column is None and _has_folders(data):
        return None
    n = _n_unlisted(data, find_listed(samples, data).raws)
    unlisted = {f"images that {samples.name} does not list": n} if n else {}
    return replace(samples, skipped={**samples.skipped, **unlisted})


def _has_folders(root: Path) -> bool:
    return any(one.is_dir() and not is_skipped_name(one.name) for one in root.iterdir())


def _n_unlisted(root: Path, raws: Sequence[str]) -> int:
    """The number of images below the root that the table does not list."""
    known, n = set(raws), 0
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not is_skipped_name(name)]
        below = Path(folder).relative_to(root)
        n += sum(
            has_image_name(name)
            and not is_skipped_name(name)
            and (below / name).as_posix() not in known
            for name in files
        )
    return n


def _open_packed(
    form: Form, data: Path, options: Options, *, unlabelled: bool
) -> ListedImages | FolderScan:
    """Open data whose images are not separate files."""
    refuse_table_options(options, form.columns)
    images_root(data, options.root)
    opened = open_packed(form, data, options)
    if isinstance(opened, FolderScan):
        return opened
    samples = opened.samples
    if not samples.paths:
        raise DataError(f"{quoted(samples.name)} contains no samples", slug="no-samples")
    _require_labels(samples, unlabelled=unlabelled)
    if isinstance(opened, PackedList):
        found = find_listed(samples, data, opened.contents)
        return replace(found, notes=(*opened.notes, *found.notes))
    _require_distinct(samples, samples.paths)
    labels = samples.labels or [NO_LABEL] * len(samples.paths)
    return ListedImages(
        samples, data, samples.paths, opened.raws, labels, opened.notes, opened.contents
    )


def _require_labels(samples: SampleList, *, unlabelled: bool) -> None:
    if not unlabelled and not any(samples.labels or ()):
        raise _unlabelled(samples)


def images_root(data: Path, root: Path | None) -> Path:
    """The folder that sample ids are relative to."""
    if not data.is_file():
        return data
    if root is not None and not root.is_dir():
        raise DataError(
            f"--root {quoted(escape(os.fspath(root)))}: no such folder",
            slug="list-images",
            hint="name the folder that the paths in DATA are relative to",
        )
    return data.parent if root is None else root


def refuse_table_options(options: Options, taken: frozenset[str] = frozenset()) -> None:
    """Refuse table options other than those in `taken`: UsageError ``option-conflict``."""
    for name in sorted({*_OF_LISTS, "image_column"}):
        if getattr(options, name) is not None and name not in taken:
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(
                f"{flag} is for DATA that is a table of paths and labels",
                slug="option-conflict",
                hint=f"omit {flag}, or pass the table as DATA",
            )


def _unlabelled(samples: SampleList) -> DataError:
    return DataError(
        f"{quoted(samples.name)} has no labels, and a report compares predictions with labels",
        slug="data-unlabelled",
        details=[f"it was read as {samples.read_as}"],
        hint="predictions only: reportgen predict MODEL DATA -o OUT; for a report, pass a table "
        "of paths and labels as DATA",
    )


def _list_folder(root: Path) -> SampleList | None:
    """The images of a folder without class folders; None if there are none."""
    try:
        with os.scandir(root) as entries:
            seen = [entry for entry in entries if not is_skipped_name(entry.name)]
    except OSError:
        return None
    names = sorted(entry.name for entry in seen if has_image_name(entry.name))
    if not names or any(entry.is_dir() for entry in seen):
        return None
    return SampleList.unlabelled(escape(root.resolve().name), names)
