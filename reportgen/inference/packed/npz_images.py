"""``.npz`` files with images and labels as arrays, as in MedMNIST and Keras."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from reportgen.errors import DataError
from reportgen.importers import (
    CLASS_NAMES,
    ArrayFile,
    array_files,
    choose_split,
    samples_of_columns,
    several_columns,
    split_role,
)
from reportgen.inference.packed.pixels import (
    PixelContents,
    PixelRows,
    Several,
    UnknownRange,
    full_scale,
)
from reportgen.inference.packed.streams import ForwardStream
from reportgen.inference.packed.values import Images, Packed
from reportgen.options import Options
from reportgen.paths import as_typed
from reportgen.text import listing, printable, quoted

__all__ = [
    "all_images",
    "open_data",
]


_CHANNELS = (1, 3, 4)


_SMALLEST = 4  # pixels per side; smaller arrays are not images


_BLOCK = 32 << 20


_FLAT = {784: "28, 28", 1024: "32, 32", 3072: "3, 32, 32"}
"""Pixels per row of a flattened data set of small images → its shape."""


_LABELS = {"y", "label", "labels", "target", "targets", "class", "classes"}


@dataclass(frozen=True)
class _Images:
    """An array of images: its name, its split, and its channel axis."""

    name: str
    split: str
    array: ArrayFile
    channels_first: bool


def open_data(data: Path, options: Options) -> Packed:
    """The images of one split, with the arrays of the same length as columns.

    Raises
    ------
    DataError
        ``data-splits``, ``array-images`` (no array contains images), ``array-range``,
        ``length-mismatch``, and the errors of reading arrays and labels.
    UsageError
        ``column-ambiguous``, ``split-unknown``.
    """
    arrays = array_files(data)
    found = _chosen(data, arrays, options)
    other = {
        one.split: one.array.shape[0] for one in _images_in(arrays) if one.split != found.split
    }
    columns, label = _columns(data, arrays, found)
    if options.label_column in arrays:
        options = replace(options, label_column=_short(options.label_column or "", found.split))
    n = found.array.shape[0]
    samples, rows = samples_of_columns(
        printable(data.name),
        columns,
        [f"{printable(found.name)}#{row}" for row in range(n)],
        replace(options, split="") if other else options,
        image=printable(found.name),
        label=label if options.label_column is None else None,
        classes=_class_names(arrays, n),
        layout=f"arrays of the split {quoted(found.split)}" if found.split else "",
    )
    skipped = {f"images of the split {printable(name)}": n for name, n in sorted(other.items())}
    samples = replace(samples, skipped={**samples.skipped, **skipped})
    return Packed(samples, [str(row) for row in rows], _contents(data, found))


def all_images(data: Path, options: Options) -> Images:
    """(ids, raws, contents) of the images of all splits, or of the chosen one with an id column."""
    if options.id_column is not None:
        packed = open_data(data, options)
        return packed.samples.paths, packed.raws, packed.contents
    ids, raws, parts = [], [], {}
    for one in _images_in(array_files(data)):
        parts[one.name] = _contents(data, one)
        n = one.array.shape[0]
        ids += [f"{printable(one.name)}#{row}" for row in range(n)]
        raws += [f"{one.name}:{row}" for row in range(n)]
    return ids, raws, Several(parts)


def _images_in(arrays: Mapping[str, ArrayFile]) -> list[_Images]:
    found = []
    for name, array in arrays.items():
        first = _channels_first(array)
        if first is not None:
            found.append(_Images(name, _split(name), array, first))
    return found


def _channels_first(array: ArrayFile) -> bool | None:
    """Whether channels are the first axis of an image; None if the array is not images."""
    shape = array.shape
    if array.dtype.kind not in "biuf" or len(shape) not in (3, 4):
        return None
    if len(shape) == 3:
        return False if min(shape[1:]) >= _SMALLEST else None
    last, first = shape[3] in _CHANNELS, shape[1] in _CHANNELS
    if last == first:
        return None
    inner = shape[2:] if first else shape[1:3]
    return first if min(inner) >= 1 else None


def _split(name: str) -> str:
    """The split in an array's name: ``x_test``, ``test_images``, ``Xtest``; otherwise empty."""
    words = [*re.split(r"[\W_\d]+", name), *re.findall(r"[A-Z]?[a-z]+", name)]
    words += [name[1:]] if name[:1] in "xXyY" else []
    return next((word.lower() for word in words if split_role(word)), "")


def _short(name: str, split: str) -> str:
    """The name of an array without its split: ``labels`` for ``test_labels``."""
    if not split:
        return name
    found = re.sub(rf"[\W_]*{re.escape(split)}[\W_]*", "", name, flags=re.IGNORECASE)
    return found or name


def _chosen(data: Path, arrays: Mapping[str, ArrayFile], options: Options) -> _Images:
    """The array of images to evaluate."""
    images = _images_in(arrays)
    if not images:
        raise _no_images(data, arrays)
    if options.image_column is not None:
        named = [one for one in images if one.name == options.image_column]
        if not named:
            raise DataError(
                f"the array {quoted(options.image_column)} of {quoted(data.name)} contains no "
                "images, or is not there",
                slug="table-columns",
                details=[f"arrays of images: {listing(printable(one.name) for one in images)}"],
                hint=f"--image-column {printable(images[0].name)}",
            )
        return named[0]
    splits: dict[str, list[int]] = {}
    for one in images:
        splits.setdefault(one.split, []).extend(range(one.array.shape[0]))
    chosen = choose_split(splits, options.split, printable(data.name), "image")
    of_split = [one for one in images if one.split == chosen]
    if len(of_split) > 1:
        found = [one.name for one in of_split]
        raise several_columns(quoted(data.name), found, "arrays of images", "--image-column")
    return of_split[0]


def _columns(
    data: Path, arrays: Mapping[str, ArrayFile], found: _Images
) -> tuple[dict[str, Any], str | None]:
    """The arrays with one value or list per image; a single one is the label."""
    n = found.array.shape[0]
    beside = {
        name: array
        for name, array in arrays.items()
        if _split(name) == found.split and _channels_first(array) is None and len(array.shape) <= 2
    }
    columns: dict[str, Any] = {}
    for name, array in beside.items():
        short = _short(name, found.split)
        if len(array.shape) and array.shape[0] == n:
            columns[short] = _flat(array.read())
        elif short.lower() in _LABELS and name not in CLASS_NAMES:
            raise DataError(
                f"{quoted(found.name)} has {n:,} images, {quoted(name)} has "
                f"{array.shape[0] if array.shape else 1:,} rows ({printable(data.name)})",
                slug="length-mismatch",
                hint="labels and images need one row for each sample",
            )
    if len(columns) == 1:
        ((name, values),) = columns.items()
        return ({name: values}, name) if values.ndim == 1 else ({"label": values}, None)
    return columns, None


def _flat(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A column with one value per row, also from an array of shape (N, 1)."""
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def _class_names(arrays: Mapping[str, ArrayFile], n: int) -> tuple[str, ...] | None:
    for name in CLASS_NAMES:
        array = arrays.get(name)
        is_text = array is not None and array.dtype.kind == "U" and len(array.shape) == 1
        if array is not None and is_text and array.shape[0] != n:
            return tuple(map(str, array.read()))
    return None


def _contents(data: Path, found: _Images) -> PixelContents:
    array = found.array
    if array.fortran and len(array.shape) > 1:
        raise DataError(
            f"{quoted(found.name)} of {quoted(data.name)} is stored in Fortran order, in which "
            "images are not contiguous",
            slug="array-images",
            hint="save it again: numpy.savez(path, images=numpy.ascontiguousarray(images), "
            "labels=labels)",
        )
    try:
        with closing(_blocks(array)) as blocks:
            full = full_scale(blocks, array.dtype)
    except UnknownRange as error:
        raise _no_pixels(data, found, str(error)) from error
    rows = PixelRows(
        array.start, array.shape[0], array.shape[1:], array.dtype, found.channels_first, full
    )
    return PixelContents(partial(_stream, data, array.member), rows)


def _blocks(array: ArrayFile) -> Generator[np.ndarray[Any, Any], None, None]:
    """The values of an array, in blocks."""
    width = max(1, array.n_bytes // max(1, array.shape[0]))
    flat = replace(array, shape=(array.shape[0], width // array.dtype.itemsize))
    yield from flat.blocks(max(1, _BLOCK // width))


def _stream(path: Path, member: str) -> ForwardStream:
    return ForwardStream(partial(_member, path, member), moves=False)


@contextmanager
def _member(path: Path, member: str) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(path) as archive, archive.open(member) as stream:
        yield stream


def _no_images(data: Path, arrays: Mapping[str, ArrayFile]) -> DataError:
    shapes = [f"{printable(name)} {array.shape}" for name, array in arrays.items()]
    flat = next(
        (n for n, a in arrays.items() if len(a.shape) == 2 and a.shape[1] in (784, 1024, 3072)),
        None,
    )
    file = as_typed(data)
    lines = [] if flat is None else [
        "rows of pixels become images, in Python:",
        "    import numpy",
        f"    arrays = dict(numpy.load({file!r}))",
        f"    x = arrays[{flat!r}]",
        f"    arrays[{flat!r}] = x.reshape(-1, {_FLAT[arrays[flat].shape[1]]})",
        "    numpy.savez('images.npz', **arrays)",
    ]  # fmt: skip
    return DataError(
        f"{quoted(data.name)} has no array of images: {listing(shapes, 8)}",
        slug="array-images",
        details=[
            "images are (N, height, width), (N, height, width, channels) or "
            "(N, channels, height, width), with 1, 3 or 4 channels",
            *lines,
        ],
        hint="then pass images.npz" if lines else
        "save images and labels: numpy.savez(path, images=images, labels=labels); "
        "saved predictions: reportgen render FILE -o OUT",
    )  # fmt: skip


def _no_pixels(data: Path, found: _Images, why: str) -> DataError:
    axes = "" if found.channels_first else ".permute(0, 3, 1, 2)"
    axes = ".unsqueeze(1)" if len(found.array.shape) == 3 else axes
    return DataError(
        f"the values of {quoted(found.name)} in {quoted(data.name)} {why}",
        slug="array-range",
        details=[
            "they can be passed unchanged to a network in Python, with labels as whole numbers:",
            "    import numpy, torch",
            f"    arrays = dict(numpy.load({as_typed(data)!r}))",
            f"    x = torch.as_tensor(arrays[{found.name!r}]).float(){axes}",
            "    data = torch.utils.data.TensorDataset(x, torch.as_tensor(labels))",
        ],
        hint="then: reportgen.run(network, data, classes=[...], out=OUT); or save the images as "
        "uint8",
    )
