"""DATA at an address: class folders are read where they are, everything else is copied first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from reportgen.errors import UsageError
from reportgen.importers import could_be_list
from reportgen.inference.folders.files import METADATA, escape, has_image_name, is_skipped_name
from reportgen.inference.folders.splits import chosen_of, splits_among
from reportgen.inference.packed.braces import expanded, has_braces
from reportgen.options import Options
from reportgen.reporter import Reporter
from reportgen.storage import Address, Place, copy_in, files_below, has_file
from reportgen.text import plural, quoted

__all__ = [
    "brought_data",
]


_PACKED = (".tar", ".tgz", ".tar.gz", ".zip", ".npz", ".npy", ".parquet", ".arrow", "ubyte", ".gz")
"""Endings of files that contain images."""


def brought_data(data: Address, options: Options, folder: Path, reporter: Reporter) -> Place:
    """The DATA at an address.

    A folder of class folders stays there, and is returned as an address: that of the chosen
    ``--split``, if it contains splits. Archives and tables of images, folders of them, names with
    braces, and a folder with a metadata table are copied to `folder`, and returned as a path.

    Raises
    ------
    DataError
        ``address-unreachable``.
    UsageError
        ``data-elsewhere``: a table lists images at the address. ``split-unknown``.
    """
    if has_braces(data.name):
        files = [data.parent / name for name in expanded(data.name)]
        files = [one for one in files if has_file(one)]  # missing ones are reported when reading
    elif has_file(data):
        _require_images_inside(data, options)
        files = [data]
    else:
        files = [one for one in files_below(data) if not _is_hidden(one.relative_to(data))]
        below = [one.relative_to(data) for one in files]
        if _stays(below):
            return _in_split(data, below, options.split)
    _copy(data, files, folder, reporter)
    return folder / data.name


def _is_hidden(below: PurePosixPath) -> bool:
    return any(map(is_skipped_name, below.parts))


def _stays(below: Sequence[PurePosixPath]) -> bool:
    """Whether the files are class folders of images, or nothing that a copy would help with."""
    names = [str(path).lower() for path in below]
    if any(path.name in METADATA for path in below):
        return False
    in_folders = any(len(path.parts) > 1 and has_image_name(path.name) for path in below)
    return in_folders or not any(name.endswith(_PACKED) for name in names)


def _in_split(data: Address, below: Sequence[PurePosixPath], split: str) -> Address:
    if not split:
        return data
    folders = sorted({path.parts[0] for path in below if len(path.parts) > 1})
    holding = {path.parts[0] for path in below if len(path.parts) > 2}
    images = [path.parts[0] for path in below if has_image_name(path.name)]
    names = splits_among(folders, holding.__contains__)
    found = chosen_of(names, split, escape(data.name), images.count)
    return data if found is None else data / found


def _require_images_inside(data: Address, options: Options) -> None:
    if options.root is None and could_be_list(Path(data.name)) and data.suffix != ".parquet":
        raise UsageError(
            f"DATA {quoted(data.name)} is a table in object storage, and the images that it lists "
            "are not copied",
            slug="data-elsewhere",
            hint="copy table and images to this machine and pass the table there; or name the "
            "table metadata.csv, with the columns file_name and label, and pass its folder",
        )


def _copy(data: Address, files: Sequence[Address], folder: Path, reporter: Reporter) -> None:
    """Copy files of the folder that `data` is in, to the same paths below `folder`."""
    what = f"copying {plural(len(files), 'file')} of {quoted(data.name)}"
    reporter.begin(what, len(files), "files")
    try:
        for one in files:
            copy_in(one, folder / one.relative_to(data.parent))
            reporter.advance(1)
    finally:
        reporter.end()
