"""Lists of images in special formats: lines of path and label, FiftyOne, CVAT, Kaggle."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from reportgen.errors import DataError
from reportgen.importers.formats.arrays import ArraysTable
from reportgen.importers.formats.compressed import open_text
from reportgen.importers.formats.json_files import read_json
from reportgen.importers.formats.opening import open_table
from reportgen.importers.formats.tables import Table
from reportgen.options import InputOptions
from reportgen.text import listing, quoted

__all__ = [
    "Listed",
    "could_be_list",
    "open_list",
]


_ENDINGS = (
    ".csv", ".tsv", ".tab", ".txt", ".jsonl", ".ndjson", ".json", ".parquet", ".pq", ".xml",
    ".arrow", ".arrows", ".feather", ".ipc",
)  # fmt: skip


_PACKED = (".gz", ".bz2", ".xz")


_MAX_XML = 256 << 20


_IMAGE_NAME = re.compile(
    r"\.(?:jpe?g|jpe|jfif|png|webp|bmp|dib|gif|tiff?|p[pgbn]m)$", re.IGNORECASE
)


@dataclass(frozen=True)
class Listed:
    """A table of samples, and the layout of its file.

    Attributes
    ----------
    table
        One row per sample.
    path, label
        The columns of both, if the layout defines them; otherwise they are detected.
    folder
        The folder below the root that the paths are relative to.
    classes
        The class names in the order of indices, if the file has them.
    layout
        Name of the layout, if it is not a plain table.
    image, ids
        For images in the table itself: their column, and the default id of each row.
    added
        Further columns defined by the layout: name → Arrow array of text.
    """

    table: Table
    path: str | None = None
    label: str | None = None
    folder: str = ""
    classes: tuple[str, ...] | None = None
    layout: str = ""
    image: str | None = None
    ids: Sequence[str] | None = None
    added: Mapping[str, Any] = field(default_factory=dict)


def could_be_list(path: Path) -> bool:
    """Whether a file name has an extension of sample lists."""
    name = path.name.lower()
    for ending in _PACKED:
        name = name.removesuffix(ending)
    return name.endswith(_ENDINGS)


def open_list(path: Path, spool: Path) -> Listed:
    """Open the table of samples in a file; `spool` is an empty folder, as for ``open_table``.

    Raises :class:`DataError` for unreadable files, and ``list-header`` if the first line is a
    sample instead of column names.
    """
    name = path.name.lower()
    if name.endswith(".xml"):
        return _of_cvat(path)
    if name.endswith(".json") and (found := _of_fiftyone(path) or _of_map(path)) is not None:
        return found
    if name.endswith(".txt") and (lines := _lines_of_pairs(path)) is not None:
        return lines
    try:
        table = open_table(path, InputOptions(), spool)
    except DataError as error:
        if error.slug == "input-kind" and name.endswith(".json"):
            raise _other_json(path) from None
        if "--encoding" in (error.hint or ""):  # an option of saved predictions
            raise DataError(
                error.message,
                slug=error.slug,
                details=error.details,
                hint="save it as UTF-8, which Excel calls CSV UTF-8",
            ) from error
        raise
    _require_header(table)
    if {"ImageId", "PredictionString"} == set(table.columns):
        return _of_localisation(table)
    return Listed(table)


def _require_header(table: Table) -> None:
    first = next((name for name in table.columns if _IMAGE_NAME.search(name)), None)
    if first is None:
        return
    raise DataError(
        f"{quoted(table.name)} begins with a sample ({quoted(first)}), not with the names of its "
        "columns",
        slug="list-header",
        hint="add a header line above it, such as path,label",
    )


def _memory_table(name: str, rows: Sequence[tuple[str, str]], columns: tuple[str, str]) -> Table:
    import numpy as np

    arrays = {
        column: np.array([row[at] for row in rows], dtype=object)
        for at, column in enumerate(columns)
    }
    return ArraysTable.of_mapping(arrays, name).settled(list(columns))


def _lines_of_pairs(path: Path) -> Listed | None:
    """``val/0001.JPEG 65`` per line, as in Caffe's and CVAT's lists; None for a table."""
    lines = _lines(path)
    if lines and all(line.isdecimal() for line in lines):
        raise _numbers_alone(path)
    rows: list[tuple[str, str]] = []
    for line in lines:
        image, _, label = line.rpartition(" ")
        image = image.strip().strip('"')
        if not _IMAGE_NAME.search(image):
            return None
        rows.append((image, label))
    if not rows:
        return None
    columns = ("path", "label")
    return Listed(_memory_table(path.name, rows, columns), *columns, layout="lines of path label")


def _lines(path: Path, limit: int | None = None) -> list[str]:
    try:
        with open_text(path, "utf-8-sig") as stream:
            return [line.strip() for line in islice(stream, limit) if line.strip()]
    except (OSError, UnicodeError):
        return []  # the reader of tables reports the error


def _numbers_alone(path: Path) -> DataError:
    """The error for the ground truth of ImageNet's development kit: its class order is special."""
    return DataError(
        f"{quoted(path.name)} contains a number in each line, and no images",
        slug="list-without-paths",
        details=[
            "if it is ImageNet's ground truth, its numbers are those of meta.mat in the "
            "development kit, not the order of a network's outputs; make a table of it, in Python:",
            "    import csv, pathlib, scipy.io",
            "    synsets = scipy.io.loadmat('meta.mat', squeeze_me=True)['synsets']",
            "    name = {int(one['ILSVRC2012_ID']): str(one['WNID']) for one in synsets}",
            f"    numbers = pathlib.Path({path.name!r}).read_text().split()",
            "    images = sorted(file.name for file in pathlib.Path('val').glob('*.JPEG'))",
            "    rows = [(i, name[int(n)]) for i, n in zip(images, numbers, strict=True)]",
            "    with open('labels.csv', 'w', newline='') as stream:",
            "        csv.writer(stream).writerows([('path', 'label'), *rows])",
        ],
        hint="then: reportgen run MODEL labels.csv --root val -o OUT",
    )


def _of_fiftyone(path: Path) -> Listed | None:
    """``labels.json`` of FiftyOne: names without extensions, and images in ``data/``."""
    value = read_json(path)
    if not isinstance(value, Mapping) or not isinstance(value.get("labels"), Mapping):
        return None
    labels, classes = value["labels"], value.get("classes")
    if not all(_is_target(target) for target in labels.values()):
        raise DataError(
            f"{quoted(path.name)} has images with several labels, or none of a single value",
            slug="labels-several",
            hint="export a field of single classifications, not of multilabel or detections",
        )
    rows = [(str(image), "" if t is None else str(t)) for image, t in labels.items()]
    table = _memory_table(path.name, rows, ("image", "label"))
    known = tuple(map(str, classes)) if isinstance(classes, list) and classes else None
    return Listed(table, "image", "label", "data", known, "a FiftyOne labels.json")


def _of_map(path: Path) -> Listed | None:
    """``{"a.png": "cat"}``, or ``{"cat": ["a.png"]}``; None for other JSON."""
    value = read_json(path)
    if not isinstance(value, Mapping) or not value:
        return None
    if all(map(_IMAGE_NAME.search, value)) and all(map(_is_target, value.values())):
        rows = [(image, "" if label is None else str(label)) for image, label in value.items()]
    elif all(map(_is_list_of_images, value.values())):
        rows = [(image, label) for label, images in value.items() for image in images]
    else:
        return None
    columns = ("path", "label")
    table = _memory_table(path.name, rows, columns)
    return Listed(table, *columns, layout="a JSON object of paths and labels")


def _is_list_of_images(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, str) and _IMAGE_NAME.search(one) for one in value
    )


def _other_json(path: Path) -> DataError:
    return DataError(
        f"{quoted(path.name)} is JSON, not a table of paths and labels",
        slug="input-kind",
        hint='write one object per line into a .jsonl file: {"path": "a.png", "label": "cat"}',
    )


def _is_target(target: Any) -> bool:
    return target is None or (isinstance(target, (str, int)) and not isinstance(target, bool))


def _of_cvat(path: Path) -> Listed:
    """CVAT for images: one ``<tag label="…"/>`` in each ``<image name="…">``."""
    rows, several = [], []
    for image in _parsed(path).iter("image"):
        name = image.get("name", "")
        tags = [tag.get("label", "") for tag in image.findall("tag")]
        if len(set(tags)) > 1:
            several.append(name)
        rows.append((name, tags[0] if tags else ""))
    if several:
        raise DataError(
            f"{quoted(path.name)} gives {quoted(several[0])} several tags",
            slug="labels-several",
            details=[f"also: {listing(several)}"],
            hint="a classifier's test set has one tag per image",
        )
    if not any(label for _, label in rows):
        raise DataError(
            f"{quoted(path.name)} is XML without image tags: not a CVAT list",
            slug="input-kind",
            hint='export "CVAT for images 1.1" with tags, or write a CSV with path and label',
        )
    columns = ("image", "label")
    return Listed(_memory_table(path.name, rows, columns), *columns, layout="CVAT for images")


def _parsed(path: Path) -> ElementTree.Element:
    try:
        with path.open("rb") as stream:
            content = stream.read(_MAX_XML + 1)
        if len(content) > _MAX_XML or b"<!DOCTYPE" in content[:4096] or b"<!ENTITY" in content:
            raise ValueError("too long, or with its own document type")
        return ElementTree.fromstring(content)
    except (OSError, ValueError, ElementTree.ParseError) as error:
        raise DataError(
            f"{quoted(path.name)} can't be read as XML", slug="input-kind", hint="export it again"
        ) from error


def _of_localisation(table: Table) -> Listed:
    """``ImageId,PredictionString`` of ImageNet's localisation task: the class before each box."""
    rows = []
    for batch in table.batches(["ImageId", "PredictionString"], 1 << 17):
        for image, text in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            names = {word for word in (text or "").split() if not _is_number(word)}
            if len(names) > 1:
                raise DataError(
                    f"{quoted(table.name)} gives {quoted(str(image))} several classes",
                    slug="labels-several",
                    details=[f"they are {listing(sorted(names))}"],
                    hint="a classifier's test set has one class per image",
                )
            rows.append((str(image), next(iter(names), "")))
    return Listed(
        _memory_table(table.name, rows, ("ImageId", "label")),
        "ImageId",
        "label",
        layout="the class before each box of PredictionString",
    )


def _is_number(word: str) -> bool:
    return word.lstrip("-").replace(".", "", 1).isdecimal()
