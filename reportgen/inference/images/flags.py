"""Peculiarities of readable images, and the notes on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag

from reportgen.provenance import DataNote
from reportgen.text import plural

__all__ = [
    "FLAG_NOTES",
    "FlagNote",
    "ImageFlag",
    "notes_from_flags",
]


class ImageFlag(IntFlag):
    """A peculiarity of a readable image."""

    NONE = 0
    ROTATED = 1
    ALPHA_DROPPED = 2
    CMYK = 4
    SIXTEEN_BIT = 8
    FIRST_FRAME = 16
    BROKEN_METADATA = 32
    WRONG_EXTENSION = 64


@dataclass(frozen=True)
class FlagNote:
    """The wording of a flag: ``"3 images"``, verb, rest."""

    code: str
    verb: tuple[str, str]
    rest: str
    severity: str

    def sentence(self, n: int) -> str:
        return f"{plural(n, 'image')} {self.verb[n != 1]} {self.rest}."


FLAG_NOTES: Mapping[ImageFlag, FlagNote] = {
    ImageFlag.ROTATED: FlagNote(
        "images-rotated",
        ("carries", "carry"),
        "a rotation in the EXIF data, which was ignored, as torchvision's loaders do",
        "warning",
    ),
    ImageFlag.ALPHA_DROPPED: FlagNote(
        "images-transparent",
        ("has", "have"),
        "transparent pixels; the transparency was dropped, as torchvision's loaders do, so that "
        "hidden colours show",
        "warning",
    ),
    ImageFlag.CMYK: FlagNote("images-cmyk", ("was", "were"), "converted from CMYK to RGB", "info"),
    ImageFlag.SIXTEEN_BIT: FlagNote(
        "images-sixteen-bit",
        ("has", "have"),
        "16 bits per pixel and was scaled to 8 bits by 1/257",
        "warning",
    ),
    ImageFlag.FIRST_FRAME: FlagNote(
        "images-first-frame",
        ("holds", "hold"),
        "several frames or pages, of which only the first was used",
        "warning",
    ),
    ImageFlag.BROKEN_METADATA: FlagNote(
        "images-broken-metadata",
        ("has", "have"),
        "damaged metadata (EXIF, colour profile or tags); the pixels are whole and were used",
        "info",
    ),
    ImageFlag.WRONG_EXTENSION: FlagNote(
        "images-wrong-extension",
        ("has", "have"),
        "a file extension that differs from the format of the content, which was used",
        "info",
    ),
}


def notes_from_flags(counts: Mapping[ImageFlag, int]) -> tuple[DataNote, ...]:
    """One note for each flag that occurred.

    `counts` is flags → number of images; a key may combine several flags.
    """
    notes = []
    for flag, note in FLAG_NOTES.items():
        n = sum(number for flags, number in counts.items() if flag in flags)
        if n:
            notes.append(DataNote(note.code, note.sentence(n), severity=note.severity, count=n))
    return tuple(notes)
