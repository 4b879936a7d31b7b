"""The content of many files, read once each by a few threads: SHA-256 and, asked, pixel sizes."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path

from reportgen.class_list import check_distinct
from reportgen.errors import DataError, ModelError, UsageError
from reportgen.inference.folders.files import (
    escape,
    open_regular,
    os_reason,
    read_to_end,
    special_reason,
)
from reportgen.inference.folders.layouts import LAYOUT_HINT, layout_of, refuse_file
from reportgen.inference.folders.notes import duplicates, tree_notes
from reportgen.inference.folders.tree import FolderScan, ImageFile, Size, Tree, UnreadableFile, walk
from reportgen.paths import shown_address
from reportgen.text import listing, plural, quoted

__all__ = [
    "check_local",
    "read_digests",
    "scan",
    "uniform_size_or_error",
]


Result = tuple[bytes, Size | None] | str


WHOLE_BYTES = 64 << 20  # read at once up to here; longer files pass through in blocks


_HEAD_BYTES = 8 << 20  # of a longer file, as much as the header is looked for in


_BLOCK_BYTES = 1 << 20


_THREADS = 4  # hashing and reading release the interpreter lock


_GROUP = 32


_WINDOW = 64  # groups in flight: bounds what waits in memory


def read_digests(
    raw_paths: Sequence[str],
    root: str,
    tell: Callable[[int], None] | None,
    want_sizes: bool,
) -> Iterator[Result]:
    """For each path below `root`, in order: (digest, size or None), or the reason in words.

    `digest` is 32 bytes, `size` (width, height) in pixels. `tell` hears the number done.
    """
    groups = [raw_paths[at : at + _GROUP] for at in range(0, len(raw_paths), _GROUP)]
    read = partial(_read_group, root=root, want_sizes=want_sizes)
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="reportgen-hash")
    done = 0
    try:
        # Pillow warns while it reads headers. Filters are global, so they are set here, once,
        # around all threads, and not inside each of them.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for at in range(0, len(groups), _WINDOW):
                for results in pool.map(read, groups[at : at + _WINDOW]):
                    yield from results
                    done += len(results)
                    if tell is not None:
                        tell(done)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _read_group(raw_paths: Sequence[str], root: str, want_sizes: bool) -> list[Result]:
    return [_read_one(os.path.join(root, raw), want_sizes) for raw in raw_paths]  # noqa: PTH118


def _read_one(path: str, want_size: bool) -> Result:
    try:
        with open_regular(path) as (descriptor, size):
            if size <= WHOLE_BYTES:
                content = read_to_end(descriptor, size)
                digest = hashlib.sha256(content).digest()
            else:
                content, digest = _read_in_blocks(descriptor)
    except OSError as error:
        return os_reason(error)
    return digest, _header_size(content) if want_size else None


def _read_in_blocks(descriptor: int) -> tuple[bytes, bytes]:
    """The beginning of a long file, and the hash of all of it."""
    head = block = os.read(descriptor, _HEAD_BYTES)
    digest = hashlib.sha256()
    while block:
        digest.update(block)
        block = os.read(descriptor, _BLOCK_BYTES)
    return head, digest.digest()


def _header_size(content: bytes) -> Size | None:
    from reportgen.inference.images.decoding import header_size

    return header_size(content)


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


Progress = Callable[[int, int | None], None]


_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # one letter is a Windows drive


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
    pairs, n_duplicates, duplicate_notes = duplicates(files)
    return FolderScan(
        root=root,
        folders=tuple(tree.folders),
        files=files,
        unreadable=unreadable,
        skipped=dict(sorted(tree.skipped.items())),
        duplicates=pairs,
        n_duplicates=n_duplicates,
        notes=(*tree_notes(tree), *duplicate_notes),
    )


def check_local(data: str) -> None:
    """Refuse an address: nothing is ever fetched."""
    if _REMOTE.match(data) and not os.path.lexists(data):
        raise UsageError(
            f"{quoted(shown_address(data))} is an address: only local paths can be read",
            slug="data-remote",
            hint="copy the data to a local folder first",
        )


def _tell_listed(progress: Progress | None, n_listed: int) -> None:
    if progress is not None:
        progress(n_listed, None)


def _check_root(root: Path) -> None:
    check_local(os.fspath(root))
    shown = quoted(escape(os.fspath(root)))
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
    if stat.S_ISREG(mode):
        raise refuse_file(root, shown)
    if not stat.S_ISDIR(mode):
        raise DataError(
            f"the data path {shown} {special_reason(mode)}",
            slug="data-not-a-folder",
            hint=LAYOUT_HINT,
        )


def _check_tree(root: Path, tree: Tree) -> None:
    shown = quoted(escape(root.name or os.fspath(root)))
    if not tree.folders:
        seen = f"first entries: {listing(tree.top_names)}" if tree.top_names else "it is empty"
        lines, hint = layout_of(root, _names_in(root))
        raise DataError(
            f"no class folders in {shown}", slug="data-layout", details=[seen, *lines], hint=hint
        )
    check_distinct(
        tree.folders, f"the class folders of {shown}", lambda at: quoted(tree.folders[at])
    )
    if not tree.files and not tree.unreadable:
        some = listing(tree.folders)
        inside = [name for folder in [".", *tree.folders] for name in _names_in(root / folder)]
        lines, hint = layout_of(root, inside)
        raise DataError(
            f"no samples in {shown}: nothing to evaluate",
            slug="no-samples",
            details=[f"{plural(len(tree.folders), 'class folder')} without images: {some}", *lines],
            hint=f"images end in .jpg, .png, .webp, .bmp, .gif, .tif or .ppm; {hint}",
        )


def _names_in(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:  # its name is shown otherwise than it is spelled
        return []


def _check_unique(tree: Tree) -> None:
    """Two ids are equal only where a name spells out an escape that another name needs."""
    ids = sorted([file[0] for file in tree.files] + [entry[0] for entry in tree.unreadable])
    for one, other in pairwise(ids):
        if one == other:
            raise DataError(
                f"two files have the same id {quoted(one)}",
                slug="duplicate-ids",
                details=[
                    "one name contains bytes that are shown as escapes, another spells them out"
                ],
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
