"""`sample_images`: images by sample id, for every form of DATA."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from reportgen.inference.folders.files import locate
from reportgen.inference.folders.listed import images_root
from reportgen.inference.images.decoding import Unreadable
from reportgen.inference.packed.contents import Contents
from reportgen.inference.packed.records import form_of, images_in
from reportgen.options import Options
from reportgen.storage import Address, Place, has_file, read_bytes

__all__ = [
    "SampleImages",
    "sample_images",
]


class SampleImages(Protocol):
    """Sample id → its image: the bytes of a file, a PIL image, or None if there is none."""

    name: str
    """Base name of their location."""

    def __call__(self, sample: str) -> Any:
        """The image."""

    def has(self, sample: str) -> bool:
        """Whether there is an image, without reading it."""

    def as_stored(self, samples: Sequence[str]) -> list[str]:
        """The samples in the order in which their images can be read fastest."""


def sample_images(data: Place, options: Options | None = None) -> SampleImages:
    """The images of DATA, or of the folder or file given as ``--images``.

    `options` are those of the prediction run; by default, ids are the usual ones. Raises the errors
    of opening the data.
    """
    if not isinstance(data, Path):
        return _Stored(data)
    asked = Options() if options is None else options
    archive = asked.root if asked.root is not None and asked.root.is_file() else data
    form = form_of(archive)
    if form is None:
        return _Files(images_root(data, asked.root))
    ids, raws, contents = images_in(form, archive, asked)
    return _Packed(archive.resolve().name, dict(zip(ids, raws, strict=True)), contents)


class _Files:
    """Files below a folder."""

    def __init__(self, root: Path) -> None:
        self.root, self.name = root, root.name

    def __call__(self, sample: str) -> bytes | None:
        path = locate(self.root, sample)
        return None if path is None else path.read_bytes()

    def has(self, sample: str) -> bool:
        return locate(self.root, sample) is not None

    def as_stored(self, samples: Sequence[str]) -> list[str]:
        return list(samples)


class _Stored:
    """Files below an address; ids are keys, except for names that are not printable."""

    def __init__(self, root: Address) -> None:
        self.root, self.name = root, root.name

    def __call__(self, sample: str) -> bytes | None:
        return read_bytes(self.root / sample) if self.has(sample) else None

    def has(self, sample: str) -> bool:
        return has_file(self.root / sample)

    def as_stored(self, samples: Sequence[str]) -> list[str]:
        return list(samples)


class _Packed:
    """Images in packed form; `raws` has their names in storage order."""

    def __init__(self, name: str, raws: dict[str, str], contents: Contents) -> None:
        self.name, self.raws, self.contents = name, raws, contents

    def __call__(self, sample: str) -> Any:
        with suppress(Unreadable):
            if (raw := self.raws.get(sample)) is not None:
                return self.contents.picture(self.contents.read(raw), raw)
        return None

    def has(self, sample: str) -> bool:
        return sample in self.raws

    def as_stored(self, samples: Sequence[str]) -> list[str]:
        wanted = set(samples)
        stored = [sample for sample in self.raws if sample in wanted]
        return [*stored, *(sample for sample in samples if sample not in self.raws)]
