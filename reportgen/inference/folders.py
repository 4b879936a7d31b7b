"""A folder of class folders → the list of its images, each with the hash of its content.

The layout is ``root/<class name>/…/<image>``: every file below a class folder belongs to that
class. Nothing is decoded here. The listing is the same on every machine: sorted by id, and links
are followed after all real folders, so that no link takes images away from the folder they lie in.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

from reportgen.classes import check_distinct
from reportgen.errors import DataError, ModelError, UsageError
from reportgen.inference.file_hashes import Size, read_digests
from reportgen.inference.folder_tree import Tree, walk
from reportgen.inference.image_files import escaped, locate, os_reason, special_reason
from reportgen.provenance import DataNote
from reportgen.text import listing, plural, quoted

__all__ = [
    "FolderScan",
    "ImageFile",
    "UnreadableFile",
    "check_local",
    "data_fingerprint",
    "locate",
    "looks_like_training",
    "scan",
    "training_note",
    "uniform_size_or_error",
]

Progress = Callable[[int, int | None], None]

_MAX_EXAMPLES = 10
_MAX_PAIRS = 1000
_EMPTY_DIGEST = hashlib.sha256(b"").digest()
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # one letter is a Windows drive
_TRAIN = re.compile(r"(?<![Ss])train|Train|TRAIN")  # not a strain
_HELD_OUT = re.compile(
    r"(?<![a-z])(?:test|val(?![a-z])|valid|dev(?![a-z])|hold.?out)", re.IGNORECASE
)
_LAYOUT_HINT = "expected are class folders with images: DATA/<class name>/<image>"


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One image that could be read as a file.

    Attributes
    ----------
    id
        Path relative to the root with ``/``, printable and unique.
    folder
        Name of its class folder: the first part of `id`.
    digest
        SHA-256 of the file's bytes, 32 bytes.
    root, raw
        Where it lies: the root, and the path below it as the operating system spells it.
    size
        (width, height) in pixels from the file's header; None where it wasn't asked for or can't
        be read.
    """

    id: str
    folder: str
    digest: bytes
    root: str
    raw: str
    size: Size | None = None

    @property
    def path(self) -> Path:
        return Path(self.root, self.raw)


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """A directory entry that should be an image and can't be read: `reason` says why."""

    id: str
    folder: str
    reason: str


@dataclass(frozen=True)
class FolderScan:
    """What a folder holds.

    Attributes
    ----------
    root
        The folder, as it was given.
    folders
        Names of the class folders, sorted; those without images too.
    files
        The images, sorted by id.
    unreadable
        Broken links, pipes, devices and files that could not be read, sorted by id. They count
        as found and as bad.
    skipped
        Reason → number of directory entries that never were samples.
    duplicates
        Ids of files with the same content as an earlier one: (first id, this id). At most 1,000.
    n_duplicates
        How many there are.
    notes
        What a reader should know about the folder.
    """

    root: Path
    folders: tuple[str, ...]
    files: tuple[ImageFile, ...]
    unreadable: tuple[UnreadableFile, ...]
    skipped: Mapping[str, int]
    duplicates: tuple[tuple[str, str], ...]
    n_duplicates: int
    notes: tuple[DataNote, ...]

    @property
    def n_found(self) -> int:
        """Samples found: readable and unreadable files."""
        return len(self.files) + len(self.unreadable)


def scan(root: Path, *, progress: Progress | None = None, want_sizes: bool = False) -> FolderScan:
    """List the images below `root` and hash their content.

    Parameters
    ----------
    root
        A local folder.
    progress
        Called with (done, total) files; total is None while they are being listed.
    want_sizes
        Read width and height from each image's header too.

    Raises
    ------
    UsageError
        ``data-remote``.
    DataError
        ``data-missing``, ``data-not-a-folder``, ``data-unreadable``, ``data-layout`` (no class
        folders), ``no-samples``, ``duplicate-ids``, ``classes-twins`` (two folders whose names
        look the same).
    """
    _check_root(root)
    tree = walk(root, partial(_tell_listed, progress))
    _check_tree(root, tree)
    tree.files.sort()
    _check_unique(tree)
    files, unreadable = _read(root, tree, progress, want_sizes)
    pairs, n_duplicates, duplicate_notes = _duplicates(files)
    return FolderScan(
        root=root,
        folders=tuple(tree.folders),
        files=files,
        unreadable=unreadable,
        skipped=dict(sorted(tree.skipped.items())),
        duplicates=pairs,
        n_duplicates=n_duplicates,
        notes=(*_tree_notes(tree), *duplicate_notes),
    )


def check_local(data: str) -> None:
    """Refuse an address: nothing is ever fetched."""
    if _REMOTE.match(data) and not os.path.lexists(data):
        raise UsageError(
            f"{quoted(data)} is an address: only local paths can be read",
            slug="data-remote",
            hint="copy the data to a local folder first",
        )


def data_fingerprint(files: Iterable[ImageFile], labels: Iterable[str]) -> str:
    """SHA-256 (hexadecimal) over id, class name and content hash of every file, sorted by id.

    `labels` holds the class name of each file, in the order of `files`.
    """
    whole = hashlib.sha256()
    rows = sorted(zip(files, labels, strict=True), key=lambda row: row[0].id)
    for file, label in rows:
        whole.update(f"{file.id}\0{label}\0".encode() + file.digest)
    return whole.hexdigest()


def looks_like_training(root: Path, split: str = "") -> bool:
    """Whether the split's name, or the folder it lies in, says that it was trained on.

    Of the folders in the path, the innermost one that names a split decides.
    """
    if _TRAIN.search(split):
        return True
    for part in reversed(Path(os.path.abspath(root)).parts):  # noqa: PTH100 - links stay as named
        if _TRAIN.search(part):
            return True
        if _HELD_OUT.search(part):
            return False
    return False


def training_note(root: Path, split: str = "") -> tuple[DataNote, ...]:
    """The warning for data that :func:`looks_like_training`, else nothing."""
    if not looks_like_training(root, split):
        return ()
    sentence = (
        "By its name this is training data: scores on training data are optimistic and say "
        "little about new images."
    )
    return (DataNote("training-data", sentence, severity="warning"),)


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


def _tell_listed(progress: Progress | None, n_listed: int) -> None:
    if progress is not None:
        progress(n_listed, None)


def _check_root(root: Path) -> None:
    check_local(os.fspath(root))
    shown = quoted(escaped(os.fspath(root)))
    try:
        mode = root.stat().st_mode
    except FileNotFoundError as error:
        raise DataError(
            f"the data folder {shown} does not exist",
            slug="data-missing",
            hint="check the path; it is relative to the working directory",
        ) from error
    except OSError as error:
        raise DataError(
            f"cannot read the data folder {shown}: {os_reason(error)}", slug="data-unreadable"
        ) from error
    if not stat.S_ISDIR(mode):
        what = "is a file, not a folder" if stat.S_ISREG(mode) else special_reason(mode)
        raise DataError(
            f"the data path {shown} {what}", slug="data-not-a-folder", hint=_LAYOUT_HINT
        )


def _check_tree(root: Path, tree: Tree) -> None:
    shown = quoted(escaped(root.name or os.fspath(root)))
    if not tree.folders:
        seen = f"first entries: {listing(tree.top_names)}" if tree.top_names else "it is empty"
        raise DataError(
            f"no class folders in {shown}",
            slug="data-layout",
            details=[seen],
            hint=_LAYOUT_HINT,
        )
    check_distinct(
        tree.folders, f"the class folders of {shown}", lambda at: quoted(tree.folders[at])
    )
    if not tree.files and not tree.unreadable:
        some = listing(tree.folders)
        raise DataError(
            f"no samples in {shown}: nothing to evaluate",
            slug="no-samples",
            details=[f"{plural(len(tree.folders), 'class folder')} without images: {some}"],
            hint="images end in .jpg, .png, .webp, .bmp, .gif, .tif or .ppm",
        )


def _check_unique(tree: Tree) -> None:
    """Two ids are equal only where a name spells out an escape that another name needs."""
    ids = sorted([file[0] for file in tree.files] + [entry[0] for entry in tree.unreadable])
    for one, other in pairwise(ids):
        if one == other:
            raise DataError(
                f"two files have the same id {quoted(one)}",
                slug="duplicate-ids",
                details=["one name holds bytes that are shown as escapes, another spells them out"],
                hint="rename one of them",
            )


def _read(
    root: Path, tree: Tree, progress: Progress | None, want_sizes: bool
) -> tuple[tuple[ImageFile, ...], tuple[UnreadableFile, ...]]:
    """Hash every listed file; those that can't be read join the unreadable ones."""
    base, total = os.fspath(root), len(tree.files)
    tell = None if progress is None else (lambda done: progress(done, total))
    results = read_digests([file[1] for file in tree.files], base, tell, want_sizes)
    files: list[ImageFile] = []
    unreadable = [UnreadableFile(*entry) for entry in tree.unreadable]
    for (sample_id, raw, folder), result in zip(tree.files, results, strict=True):
        if isinstance(result, str):
            unreadable.append(UnreadableFile(sample_id, folder, result))
        else:
            files.append(ImageFile(sample_id, folder, result[0], base, raw, result[1]))
    return tuple(files), tuple(sorted(unreadable, key=lambda entry: entry.id))


def _tree_notes(tree: Tree) -> list[DataNote]:
    occupied = {file[2] for file in tree.files} | {entry[1] for entry in tree.unreadable}
    empty = [folder for folder in tree.folders if folder not in occupied]
    cases: dict[str, list[str]] = {}
    for folder in tree.folders:
        cases.setdefault(folder.casefold(), []).append(folder)
    twins = ["/".join(group) for group in cases.values() if len(group) > 1]
    outside = tree.outside
    notes = [
        _note(
            "class-folders-empty",
            empty,
            f"{plural(len(empty), 'class folder')} without images: {listing(empty)}.",
        ),
        _note(
            "class-folders-case",
            twins,
            f"Class folders differ only in upper and lower case: {listing(twins)}. They are "
            "counted as different classes.",
        ),
        _note(
            "images-outside-folders",
            outside,
            f"{plural(tree.skipped['images outside the class folders'], 'image')} directly in the "
            "data folder, outside every class folder, not counted.",
            count=tree.skipped["images outside the class folders"],
        ),
        _note(
            "folders-reached-twice",
            tree.reached_twice,
            f"{plural(len(tree.reached_twice), 'folder')} reached a second time through a link "
            "and read only once.",
        ),
        _note(
            "folders-hidden",
            tree.hidden_folders,
            f"{plural(len(tree.hidden_folders), 'hidden or system folder')} skipped: "
            f"{listing(tree.hidden_folders)}.",
            severity="info",
        ),
    ]
    return [note for note in notes if note.count]


def _note(
    code: str,
    names: Sequence[str],
    sentence: str,
    *,
    count: int | None = None,
    severity: str = "warning",
) -> DataNote:
    return DataNote(
        code,
        sentence,
        severity=severity,
        count=len(names) if count is None else count,
        examples=tuple(names[:_MAX_EXAMPLES]),
    )


def _duplicates(
    files: Sequence[ImageFile],
) -> tuple[tuple[tuple[str, str], ...], int, list[DataNote]]:
    """Pairs with the same content, their number, and the notes about them; empty files aside."""
    pairs: list[tuple[str, str]] = []
    contradictions: list[tuple[str, str]] = []
    n_pairs = n_contradictions = 0
    order = sorted(range(len(files)), key=lambda at: files[at].digest)  # stable: by id within
    first = None
    for file in (files[at] for at in order):
        if first is None or file.digest != first.digest:
            first = file
        elif file.digest != _EMPTY_DIGEST:
            n_pairs += 1
            _keep(pairs, first, file)
            if file.folder != first.folder:
                n_contradictions += 1
                _keep(contradictions, first, file)
    pairs.sort()
    contradictions.sort()
    notes = [_duplicate_note(pairs, n_pairs), _contradiction_note(contradictions, n_contradictions)]
    return tuple(pairs), n_pairs, [note for note in notes if note.count]


def _keep(pairs: list[tuple[str, str]], first: ImageFile, file: ImageFile) -> None:
    if len(pairs) < _MAX_PAIRS:
        pairs.append((first.id, file.id))


def _duplicate_note(pairs: Sequence[tuple[str, str]], n_pairs: int) -> DataNote:
    have = "has" if n_pairs == 1 else "have"
    return _note(
        "duplicate-images",
        _pair_names(pairs),
        f"{plural(n_pairs, 'image')} {have} exactly the content of another one; each is counted.",
        count=n_pairs,
        severity="info",
    )


def _contradiction_note(pairs: Sequence[tuple[str, str]], n_pairs: int) -> DataNote:
    have = "has" if n_pairs == 1 else "have"
    return _note(
        "duplicate-images-across-classes",
        _pair_names(pairs),
        f"{plural(n_pairs, 'image')} {have} exactly the content of an image in another class "
        "folder: one of the two labels is wrong.",
        count=n_pairs,
    )


def _pair_names(pairs: Sequence[tuple[str, str]]) -> list[str]:
    return [f"{one} = {other}" for one, other in pairs[:_MAX_EXAMPLES]]
