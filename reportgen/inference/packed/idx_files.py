"""IDX, the format of MNIST: images in one file and labels in another, compressed or not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import DataError
from reportgen.importers import choose_split, samples_of_columns, split_of_shard
from reportgen.inference.images.decoding import Unreadable
from reportgen.inference.packed.pixels import PixelContents, PixelRows, Several
from reportgen.inference.packed.streams import BROKEN, file_stream, read_place
from reportgen.inference.packed.values import Images, Packed
from reportgen.options import Options
from reportgen.text import plural, printable, quoted

__all__ = [
    "all_images",
    "idx_dimensions",
    "images_in",
    "open_data",
]


_BYTES = 8  # the type code of unsigned bytes, used for images and labels


_NAME = re.compile(r"(.*?)[-_.]?images?[-_.]idx(\d)[-_.]ubyte(\.gz)?", re.IGNORECASE)


_MOST_LABELS = 1 << 30


@dataclass(frozen=True)
class _Pair:
    """A file of images, and its file of labels if present."""

    images: Path
    labels: Path | None


def open_data(data: Path, options: Options) -> Packed:
    """The images and labels of one split.

    Raises
    ------
    DataError
        ``data-splits``, ``idx-damaged``, ``length-mismatch``.
    UsageError
        ``split-unknown``.
    """
    pairs = _pairs(data)
    splits = {split: [pair.images] for split, pair in pairs.items()}
    chosen = choose_split(splits, options.split, printable(data.resolve().name))
    pair = pairs[chosen]
    rows = _rows(pair.images)
    labels = None if pair.labels is None else _labels(pair.labels, rows.n, pair.images)
    samples, kept = samples_of_columns(
        printable(pair.images.name),
        {} if labels is None else {"label": labels},
        [f"{printable(pair.images.name)}#{row}" for row in range(rows.n)],
        replace(options, split="") if len(pairs) > 1 else options,
        image=printable(pair.images.name),
        label=None if labels is None else "label",
        layout=f"IDX, labels of {quoted(pair.labels.name)}" if pair.labels else "IDX",
    )
    other = {f"files of the split {printable(name)}": 1 for name in pairs if name != chosen}
    return Packed(
        replace(samples, skipped={**samples.skipped, **other}),
        [str(row) for row in kept],
        PixelContents(partial(file_stream, pair.images), rows),
    )


def all_images(data: Path, options: Options) -> Images:  # noqa: ARG001 - ids are rows, always
    """(ids, raws, contents) of the images of all splits."""
    parts: dict[str, PixelContents] = {}
    ids, raws = [], []
    for pair in _pairs(data).values():
        name, rows = pair.images.name, _rows(pair.images)
        parts[name] = PixelContents(partial(file_stream, pair.images), rows)
        ids += [f"{printable(name)}#{row}" for row in range(rows.n)]
        raws += [f"{name}:{row}" for row in range(rows.n)]
    return ids, raws, Several(parts)


def images_in(data: Path) -> list[Path]:
    """The files of images in a folder, or the given file."""
    if data.is_file():
        is_idx = len(idx_dimensions(data)) in (3, 4) or _NAME.fullmatch(data.name)
        return [data] if is_idx else []
    if not data.is_dir():
        return []
    try:
        return sorted(p for p in data.iterdir() if _NAME.fullmatch(p.name) and p.is_file())
    except OSError:  # reading the folder reports the error
        return []


def idx_dimensions(path: Path) -> tuple[int, ...]:
    """The dimensions in the header of an IDX file of bytes; None for other files."""
    try:
        with file_stream(path) as stream:
            head = read_place(stream, 0, 4)
            if head[:3] != bytes((0, 0, _BYTES)) or not 1 <= head[3] <= 4:
                return ()
            sizes = read_place(stream, 4, 4 * head[3])
    except (Unreadable, DataError, *BROKEN):
        return ()
    return tuple(map(int, np.frombuffer(sizes, ">u4")))


def _pairs(data: Path) -> Mapping[str, _Pair]:
    """Split → its files. If a file exists compressed and uncompressed, the latter is used."""
    by_stem: dict[str, Path] = {}
    for images in sorted(images_in(data), key=lambda path: path.suffix.lower() == ".gz"):
        by_stem.setdefault(images.name.removesuffix(".gz"), images)
    splits = [_split(stem) for stem in by_stem]
    is_alone = len(by_stem) == 1
    found = {}
    for (stem, images), split in zip(by_stem.items(), splits, strict=True):
        name = "" if is_alone else split if splits.count(split) == 1 else _stem(stem)
        found[name] = _Pair(images, _labels_of(images))
    return found


def _split(name: str) -> str:
    """``train`` or ``test`` in MNIST file names; ``t10k`` means test."""
    stem = _stem(name)
    return "test" if stem.lower().endswith("t10k") else split_of_shard(stem) or stem


def _stem(name: str) -> str:
    """The file name without the parts that mark an IDX file of images."""
    return re.sub(r"[-_.]?images?[-_.]idx.*", "", name, flags=re.IGNORECASE)


def _labels_of(images: Path) -> Path | None:
    """The file of labels for a file of images."""
    name = re.sub("images", "labels", images.name, flags=re.IGNORECASE)
    name = re.sub("idx[34]", "idx1", name, flags=re.IGNORECASE)
    plain = name.removesuffix(".gz")
    beside: Sequence[Path] = [images.with_name(one) for one in (name, plain, f"{plain}.gz")]
    return next((path for path in beside if path != images and path.is_file()), None)


def _rows(images: Path) -> PixelRows:
    sizes = idx_dimensions(images)
    if not sizes:
        raise _damaged(images, "it is damaged or cut off")
    if len(sizes) not in (3, 4) or (len(sizes) == 4 and sizes[3] not in (1, 3, 4)):
        raise _damaged(images, f"it contains no images, but bytes of shape {sizes}")
    if 0 in sizes[1:]:
        height, width = sizes[1:3]
        raise _damaged(images, f"its images have no pixels: they are {width} × {height}")
    rows = PixelRows(4 + 4 * len(sizes), sizes[0], sizes[1:], np.dtype(np.uint8))
    _require_length(images, rows.start + rows.n * rows.n_bytes)
    return rows


def _labels(path: Path, n: int, images: Path) -> NDArray[np.uint8]:
    sizes = idx_dimensions(path)
    if len(sizes) != 1:
        raise _damaged(path, "it contains no labels, one byte for each image")
    if sizes[0] != n:
        raise DataError(
            f"{quoted(images.name)} has {plural(n, 'image')}, {quoted(path.name)} has "
            f"{plural(sizes[0], 'label')}",
            slug="length-mismatch",
            hint="pass the two files of one split",
        )
    _require_length(path, 8 + n)
    try:
        with file_stream(path) as stream:
            return np.frombuffer(read_place(stream, 8, min(n, _MOST_LABELS)), np.uint8)
    except (Unreadable, *BROKEN) as error:
        raise _damaged(path, "it is damaged or cut off") from error


def _require_length(path: Path, n_bytes: int) -> None:
    """Refuse a file whose length differs from that in its header."""
    try:
        with file_stream(path) as stream:
            stream.seek(n_bytes - 1)
            last, more = stream.read(1), stream.read(1)
    except BROKEN as error:
        raise _damaged(path, "it is damaged or cut off") from error
    if not last or more:
        raise _damaged(
            path, f"its head states {n_bytes:,} bytes, it has {'more' if more else 'fewer'}"
        )


def _damaged(path: Path, what: str) -> DataError:
    return DataError(
        f"{quoted(path.name)} can't be read as IDX: {what}",
        slug="idx-damaged",
        hint="copy or download it again",
    )
