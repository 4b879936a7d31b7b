"""The record of every form of packed data: which DATA is its own; it loads nothing."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.importers import SampleList, is_image_table
from reportgen.options import Options

if TYPE_CHECKING:
    from reportgen.inference.packed.contents import Contents

__all__ = [
    "FORMS",
    "Form",
    "Packed",
    "form_of",
    "images_in",
    "open_packed",
]


@dataclass(frozen=True)
class Packed:
    """The samples of packed data.

    Attributes
    ----------
    samples
        What is known of them; their paths are their ids.
    raws
        The name of each image in `contents`.
    contents
        Where the images are.
    """

    samples: SampleList
    raws: Sequence[str]
    contents: Contents


Images = tuple[Sequence[str], Sequence[str], "Contents"]


@dataclass(frozen=True)
class Form:
    """One form of packed data.

    Attributes
    ----------
    what
        The form, in words.
    takes
        Whether DATA is of the form, detected by its name, the head of its file, or a few entries.
    file
        The module beside this one. Its ``open_data`` makes a `Packed` of a path and options, its
        ``all_images`` gives (ids, raws, contents) of all that is at a path, labels aside.
    columns
        Options for columns that it takes, besides ``split``.
    """

    what: str
    takes: Callable[[Path], bool]
    file: str
    columns: frozenset[str] = frozenset()


def form_of(data: Path) -> Form | None:
    """The form that DATA has, if it is packed."""
    return next((form for form in FORMS if form.takes(data)), None)


def open_packed(form: Form, data: Path, options: Options) -> Packed:
    """The samples; raises what is wrong with the data."""
    opened: Packed = _module(form).open_data(data, options)
    return opened


def images_in(form: Form, data: Path, options: Options | None) -> Images:
    """(ids, raws, contents): of the samples that a run with these options has, or of all."""
    if options is not None:
        packed = open_packed(form, data, options)
        return packed.samples.paths, packed.raws, packed.contents
    found: Images = _module(form).all_images(data)
    return found


def _module(form: Form) -> Any:
    return importlib.import_module(f"reportgen.inference.packed.{form.file}")


FORMS = (
    Form(
        "images in Parquet or Arrow",
        is_image_table,
        "image_tables",
        frozenset({"root", "id_column", "image_column", "label_column", "split_column"}),
    ),
)
"""The first that takes DATA has it."""
