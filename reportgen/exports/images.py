"""Where the page's images are: in the page itself, or in a folder beside it."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["FILES_FOLDER", "Beside", "Images", "Inside"]

FILES_FOLDER = "report_files"
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg"}


class Images(Protocol):
    """Takes an image and gives the address that the page shows it by.

    `embedded`: whether the address holds the image, so that giving it twice takes the bytes twice.
    """

    embedded: bool

    def address(self, mime: str, content: bytes, name: str) -> str:
        """`name` says what the picture is, where it becomes a file's: never a name from data."""


class Inside:
    """Images as ``data:`` addresses."""

    embedded = True

    def address(self, mime: str, content: bytes, name: str) -> str:  # noqa: ARG002
        return f"data:{mime};base64,{base64.b64encode(content).decode('ascii')}"


@dataclass
class Beside:
    """Images as files beside the page, each content once."""

    embedded = False
    files: dict[str, bytes] = field(default_factory=dict)
    _names: dict[bytes, str] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def address(self, mime: str, content: bytes, name: str) -> str:
        if content not in self._names:
            number = self._counts[name] = self._counts.get(name, 0) + 1
            stem = name if number == 1 else f"{name}-{number}"
            self._names[content] = f"{stem}.{_ENDINGS[mime]}"
            self.files[self._names[content]] = content
        return f"{FILES_FOLDER}/{self._names[content]}"
