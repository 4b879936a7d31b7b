"""A record per form of packed data: which DATA it handles. Imports no library."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.importers import is_image_table
from reportgen.inference.packed.heads import (
    is_idx,
    is_npz,
    is_tar,
    is_web_dataset,
    is_zip_of_images,
)
from reportgen.inference.packed.values import Images, Opened
from reportgen.options import Options

if TYPE_CHECKING:
    from reportgen.inference.packed.archive import NamedContents

__all__ = [
    "FORMS",
    "Form",
    "form_of",
    "images_by_name",
    "images_in",
    "open_packed",
]


@dataclass(frozen=True)
class Form:
    """One form of packed data.

    Attributes
    ----------
    what
        The form, in words.
    takes
        Whether DATA has the form, detected by its name, first bytes or a few entries.
    file
        The sibling module. Its ``open_data`` opens a path with options; its ``all_images`` returns
        (ids, raws, contents) of all images, regardless of labels and splits.
    columns
        Column options that it supports, besides ``split``.
    has_names
        Whether its images have names, so that a table can list them (``--root``).
    """

    what: str
    takes: Callable[[Path], bool]
    file: str
    columns: frozenset[str] = frozenset()
    has_names: bool = False


def form_of(data: Path) -> Form | None:
    """The form of packed data that DATA has, or None."""
    return next((form for form in FORMS if form.takes(data)), None)


def open_packed(form: Form, data: Path, options: Options) -> Opened:
    """The samples. Raises the errors of opening the data."""
    opened: Opened = _module(form).open_data(data, options)
    return opened


def images_in(form: Form, data: Path, options: Options) -> Images:
    """(ids, raws, contents) of all images in packed data.

    Only the `options` that select images and define ids are used.
    """
    found: Images = _module(form).all_images(data, options)
    return found


def images_by_name(form: Form, root: Path, paths: Sequence[str]) -> NamedContents:
    """The images of an archive by the names in a table."""
    found: NamedContents = _module(form).named_images(root, paths)
    return found


def _module(form: Form) -> Any:
    return importlib.import_module(f"reportgen.inference.packed.{form.file}")


_LIST_COLUMNS = frozenset({"id_column", "label_column", "split_column", "data_classes"})


FORMS = (
    Form(
        "images in Parquet or Arrow",
        is_image_table,
        "image_tables",
        _LIST_COLUMNS | {"root", "image_column"},
    ),
    Form("images in NumPy arrays", is_npz, "npz_images", _LIST_COLUMNS | {"image_column"}),
    Form("images in IDX", is_idx, "idx_files", frozenset({"data_classes"})),
    Form("a zip archive of images", is_zip_of_images, "archives", _LIST_COLUMNS, True),
    Form("shards of WebDataset", is_web_dataset, "webdataset", _LIST_COLUMNS | {"image_column"}),
    Form("a tar archive of images", is_tar, "archives", _LIST_COLUMNS, True),
)
"""The first form whose ``takes`` accepts DATA is used."""
