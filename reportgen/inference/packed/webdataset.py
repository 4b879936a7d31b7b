"""WebDataset: tar shards in which the files of a sample are adjacent and share a key."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from reportgen.errors import DataError
from reportgen.importers import Shards, samples_of_columns, several_columns
from reportgen.inference.folders.files import IMAGE_EXTENSIONS, escape
from reportgen.inference.images.decoding import Decoded, decode
from reportgen.inference.packed.contents import ImageFiles, PerProcess, require_size
from reportgen.inference.packed.streams import (
    ForwardStream,
    file_stream,
    read_opened,
    read_place,
)
from reportgen.inference.packed.tar_files import TarWalk, no_end_note
from reportgen.inference.packed.tar_shards import all_shards, find_shards, stem
from reportgen.inference.packed.values import Images, Packed
from reportgen.options import Options
from reportgen.provenance import DataNote
from reportgen.text import listing, plural, printable, quoted

__all__ = [
    "all_images",
    "holds_samples",
    "open_data",
]


_KEY = re.compile(r"((?:.*/|)[^.]+)[.]([^/]*)")
"""Everything up to the first dot of the base name is the key; the rest is the part."""


_META = re.compile(r"__[^/]*__(?:$|/)")


_LABELS = ("cls", "cls2")


_TEXTS = {
    *_LABELS, "class", "label", "labels", "target", "index", "inx", "id", "count", "txt", "text",
}  # fmt: skip


_JSON = {"json", "jsn"}


_MOST_BYTES = 1 << 20  # of a text; a longer one is neither a label nor a slice


_PEEK = 200


@dataclass
class _Sample:
    """The parts of one sample: part → (offset, size), and the text parts."""

    shard: int
    key: str
    parts: dict[str, tuple[int, int]] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)


def holds_samples(path: Path) -> bool:
    """Whether a tar file begins with images that have a label or other parts."""
    images: set[str] = set()
    others: set[str] = set()
    folders: set[str] = set()
    try:
        with file_stream(path) as stream:
            for n, (name, info) in enumerate(TarWalk(path, stream)):
                found = _KEY.fullmatch(name) if info is not None else None
                if n >= _PEEK:
                    break
                if found is None:
                    continue
                if _last(found[2].lower()) in _LABELS:
                    return True
                (images if _is_image(found[2]) else others).add(found[1])
                folders.add(name.partition("/")[0] if "/" in name else "")
    except (DataError, OSError):
        return False  # reading it as an archive reports the error
    return bool(images & others) and len(folders) == 1


def open_data(data: Path, options: Options) -> Packed:
    """The samples of a shard, of several by a range in braces, or of a folder of shards.

    Raises
    ------
    DataError
        ``samples-half``: parts of a sample are missing, or do not follow each other.
        ``data-incomplete``, ``data-splits``, and the errors of reading a tar archive.
    UsageError
        ``column-ambiguous``, ``split-unknown``.
    """
    shards = find_shards(data, options.split)
    samples, notes = _read(shards)
    name = printable(data.name)
    _refuse_class_folders(data, samples)
    image = _image_part(name, samples, options.image_column)
    _require_whole(shards, samples, image)
    found, rows = samples_of_columns(
        name,
        _columns(samples),
        [_id(shards, sample) for sample in samples],
        replace(options, split="") if shards.other_splits else options,
        image=_image_words(samples, image),
        label=_label_part(samples) if options.label_column is None else None,
        layout=_layout(shards),
    )
    _require_labelled(shards, [samples[row] for row in rows], found.labels)
    raws = [_raw(samples[row], image) for row in rows]
    other = {f"files of the split {printable(k)}": n for k, n in shards.other_splits.items()}
    found = replace(found, skipped={**found.skipped, **other})
    return Packed(found, raws, _Shards(shards.paths), (*shards.notes, *notes))


def all_images(data: Path, options: Options) -> Images:
    """(ids, raws, contents) of the samples of all splits; with an id column, of the chosen one."""
    if options.id_column is not None:
        packed = open_data(data, options)
        return packed.samples.paths, packed.raws, packed.contents
    shards = all_shards(data)
    samples, _ = _read(shards)
    image = _image_part(data.name, samples, options.image_column)
    there = [sample for sample in samples if image in sample.parts]
    raws = [_raw(sample, image) for sample in there]
    return [_id(shards, sample) for sample in there], raws, _Shards(shards.paths)


def _read(shards: Shards) -> tuple[list[_Sample], list[DataNote]]:
    """All samples, in order, and notes for the reader."""
    samples: list[_Sample] = []
    notes: list[DataNote] = []
    n_other = 0
    for at, path in enumerate(shards.paths):
        with file_stream(path) as stream:
            walk = TarWalk(path, stream)
            found, n = _group(at, shards.names[at], walk, stream)
            samples += found
            n_other += n
            notes += () if walk.has_end() else (no_end_note(path),)
    if n_other:
        notes.append(
            DataNote(
                "shards-other-files",
                f"{plural(n_other, 'file')} in the shards without a key or an ending, not read.",
                "info",
                n_other,
            )
        )
    return samples, notes


def _group(
    shard: int, name: str, walk: TarWalk, stream: ForwardStream
) -> tuple[list[_Sample], int]:
    """The samples of one shard, grouped by key, and the number of files without a key."""
    samples: list[_Sample] = []
    keys: set[str] = set()
    n_other = 0
    for file, info in walk:
        if info is None or _META.match(file):
            continue
        found = _KEY.fullmatch(file)
        if found is None:
            n_other += 1
            continue
        key, part = found[1], found[2].lower()
        if not samples or samples[-1].key != key:
            if key in keys:
                raise _scattered(name, key)
            keys.add(key)
            samples.append(_Sample(shard, key))
        sample = samples[-1]
        if part in sample.parts:
            raise _repeated(name, key, part)
        sample.parts[part] = (info.offset_data, info.size)
        if _last(part) in _TEXTS | _JSON and info.size <= _MOST_BYTES:
            sample.texts[part] = read_place(stream, info.offset_data, info.size)
    return samples, n_other


def _last(part: str) -> str:
    return part.rpartition(".")[2]


def _is_image(part: str) -> bool:
    return "." + _last(part.lower()) in IMAGE_EXTENSIONS


def _image_part(name: str, samples: Sequence[_Sample], asked: str | None) -> str | None:
    """The part of the samples that is the image; None if there is none."""
    counted = Counter(part for sample in samples for part in sample.parts if _is_image(part))
    parts = sorted(counted, key=lambda part: (-counted[part], part))
    if asked is not None:
        if asked.lower() in counted:
            return asked.lower()
        raise DataError(
            f"no sample of {quoted(name)} has an image {quoted(asked)}",
            slug="table-columns",
            details=[f"images: {listing(map(printable, parts))}"],
            hint=f"--image-column {printable(parts[0])}" if parts else None,
        )
    together = next((s for s in samples if sum(map(_is_image, s.parts)) > 1), None)
    if together is not None:
        some = [part for part in together.parts if _is_image(part)]
        raise several_columns(
            f"{quoted(together.key)} in {quoted(name)}",
            some,
            "images",
            "--image-column",
            ["the key of a sample is the name of its files up to their first dot"],
        )
    return _EACH if len(parts) > 1 else next(iter(parts), None)


_EACH = "*"
"""Marker: images have different extensions, one per sample."""


def _part_of(sample: _Sample, image: str | None) -> str | None:
    if image == _EACH:
        return next(filter(_is_image, sample.parts), None)
    return image if image in sample.parts else None


def _require_whole(shards: Shards, samples: Sequence[_Sample], image: str | None) -> None:
    """Refuse samples without an image, or without a label if others have one."""
    label = _label_part(samples)
    half = [
        (sample, "image" if _part_of(sample, image) is None else label or "")
        for sample in samples
        if _part_of(sample, image) is None or (label is not None and label not in sample.parts)
    ]
    if half:
        sample, lacking = half[0]
        raise _half(
            f"{plural(len(half), 'sample')} of {len(samples):,} "
            f"{'is' if len(half) == 1 else 'are'} not whole: "
            f"{quoted(_id(shards, sample))} has no {printable(lacking)}"
        )


def _require_labelled(
    shards: Shards, samples: Sequence[_Sample], labels: Sequence[str] | None
) -> None:
    """Refuse samples without a label if all labelled samples have a part that they lack."""
    if labels is None or all(labels):
        return
    labelled = [set(s.texts) for s, label in zip(samples, labels, strict=True) if label]
    needed = set.intersection(*labelled) if labelled else set()
    for sample, label in zip(samples, labels, strict=True):
        if not label and (lacking := sorted(needed - set(sample.texts))):
            raise _half(f"{quoted(_id(shards, sample))} has no {printable(lacking[0])}")


def _refuse_class_folders(data: Path, samples: Sequence[_Sample]) -> None:
    """Refuse tar files that contain only images in folders: they are not shards."""
    folders = {sample.key.partition("/")[0] for sample in samples if "/" in sample.key}
    if not data.is_file() and len(folders) > 1 and all(
        len(sample.parts) == 1 and _is_image(next(iter(sample.parts))) for sample in samples
    ):  # fmt: skip
        raise DataError(
            f"the tar files of {quoted(data.name)} contain class folders: they are no shards of "
            "WebDataset",
            slug="data-layout",
            details=[f"folders in them: {listing(sorted(map(escape, folders)))}"],
            hint="pass one of the tar files as DATA",
        )


def _image_words(samples: Sequence[_Sample], image: str | None) -> str:
    """The extensions of the images, in words: ``jpg, png``."""
    if image != _EACH:
        return image or ""
    return ", ".join(sorted({_part_of(sample, image) or "" for sample in samples}))


def _half(message: str) -> DataError:
    return DataError(
        message,
        slug="samples-half",
        details=["the files of a sample have one key and follow each other"],
        hint="write the shards again, all files of a sample at once, as webdataset.TarWriter does",
    )


def _scattered(shard: str, key: str) -> DataError:
    return _half(
        f"the files of {quoted(escape(key))} in {quoted(escape(shard))} do not follow each other"
    )


def _repeated(shard: str, key: str, part: str) -> DataError:
    return _half(f"{quoted(escape(key))} in {quoted(escape(shard))} has two {printable(part)}")


def _label_part(samples: Sequence[_Sample]) -> str | None:
    """The part that is the label, by its extension, or None."""
    counted = Counter(part for sample in samples for part in sample.parts)
    found = [part for part in counted if _last(part) in _LABELS]
    return found[0] if len(found) == 1 else ("cls" if "cls" in found else None)


def _columns(samples: Sequence[_Sample]) -> dict[str, list[Any]]:
    """Part, or key in a JSON part → its value in each sample, or None."""
    columns: dict[str, list[Any]] = {}
    for at, sample in enumerate(samples):
        for name, value in _values(sample):
            columns.setdefault(name, [None] * len(samples))[at] = value
    return {name: _of_one_kind(values) for name, values in columns.items()}


def _values(sample: _Sample) -> Iterator[tuple[str, Any]]:
    for part, content in sample.texts.items():
        if _last(part) not in _JSON:
            yield part, _text(sample, part, content).strip()
            continue
        try:
            value = json.loads(_text(sample, part, content))
        except (ValueError, RecursionError) as error:
            raise _unread(sample, part, "is no JSON") from error
        named = value if isinstance(value, Mapping) else {part: value}
        for name, one in named.items():
            if isinstance(one, (str, int, float)):
                yield name if name not in sample.texts else f"{name} ({part})", one


def _text(sample: _Sample, part: str, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _unread(sample, part, "is no UTF-8") from error


def _unread(sample: _Sample, part: str, what: str) -> DataError:
    return DataError(
        f"{quoted(escape(sample.key))} has a {printable(part)} that {what}",
        slug="samples-text",
        hint="write the shards again, with an index or a name as text in cls",
    )


def _of_one_kind(values: list[Any]) -> list[Any]:
    """Numbers if all values are numbers, otherwise texts."""
    some = [value for value in values if value is not None]
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in some):
        return values
    return [None if value is None else str(value) for value in values]


def _id(shards: Shards, sample: _Sample) -> str:
    return escape(f"{stem(shards.names[sample.shard])}/{sample.key}")


def _raw(sample: _Sample, image: str | None) -> str:
    part = _part_of(sample, image) or ""
    offset, size = sample.parts[part]
    return f"{sample.shard}:{offset}:{size}:{part}"


def _layout(shards: Shards) -> str:
    split = f" of the split {quoted(shards.split)}" if shards.split else ""
    return f"{plural(len(shards.paths), 'shard')}{split} of WebDataset"


class _Shards(ImageFiles):
    """An image is identified by ``shard:offset:size:part``, with the shard's index."""

    is_sequential = True

    def __init__(self, paths: Sequence[Path]) -> None:
        self._open = PerProcess(partial(_OneStream, tuple(paths)))

    def read(self, raw: str) -> bytes:
        shard, offset, size, _ = raw.split(":", 3)
        require_size(int(size))
        return read_opened(lambda: self._open().stream(int(shard)), int(offset), int(size))

    def decode(self, content: bytes, raw: str) -> Decoded:
        return decode(content, name=raw)


class _OneStream:
    """The shards, one of which is open."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths
        self._opened: tuple[int, ForwardStream] | None = None

    def stream(self, shard: int) -> ForwardStream:
        if self._opened is None or self._opened[0] != shard:
            self._opened = (shard, file_stream(self.paths[shard]))
        return self._opened[1]
