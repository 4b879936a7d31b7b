"""Detect the format of a model or weights file by its content, not by its name.

One extension is used for several formats (``.pt2``, ``.pt``, ``.pth``), and a failed download has
the extension of the file requested. Nothing in the file is executed here.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from reportgen.errors import ModelError
from reportgen.foreign_formats import by_content, by_ending, by_entries
from reportgen.inference.models.layouts import refuse_folder
from reportgen.text import nearest, quoted

__all__ = [
    "FileKind",
    "Sniffed",
    "damaged",
    "file_size",
    "refuse_aotinductor",
    "sniff",
]


_HEAD = 1024


_SAFETENSORS_HEADER_LIMIT = 100_000_000  # the format's own limit


class FileKind(StrEnum):
    """The formats that are distinguished."""

    PROGRAM = "a torch.export program"
    AOTINDUCTOR = "an AOTInductor package"
    TORCHSCRIPT = "a TorchScript archive"
    CHECKPOINT = "a torch.save file"
    OLD_CHECKPOINT = "a pickle or an old torch.save file"
    SAFETENSORS = "a safetensors file"
    OTHER = "of another format"


@dataclass(frozen=True)
class Sniffed:
    """The format of a file.

    Attributes
    ----------
    kind
        The format.
    description
        The format in words, with its article: ``"an ONNX model"``.
    entries
        Names of the zip entries, in directory order; empty if it is not a zip file.
    """

    kind: FileKind
    description: str
    entries: tuple[str, ...] = ()

    @property
    def root(self) -> str:
        """The top folder that PyTorch's writer creates in the zip, with a trailing slash."""
        return self.entries[0].partition("/")[0] + "/" if self.entries else ""


def file_size(n_bytes: int) -> str:
    """A file size in decimal units, for messages: ``12.3 MB``."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if n_bytes >= factor:
            return f"{n_bytes / factor:.1f} {unit}"
    return f"{n_bytes} byte{'' if n_bytes == 1 else 's'}"


def sniff(path: Path) -> Sniffed:
    """Detect the format of the file at `path`.

    Raises
    ------
    ModelError
        ``model-file-missing``, ``model-file-unreadable``, ``model-file-empty``,
        ``model-file-pointer`` (Git LFS), ``model-file-html`` or ``model-file-damaged``.
    """
    head, size = _read_head(path)
    if head.startswith(b"version https://git-lfs"):
        raise ModelError(
            f"{quoted(path.name)} is a Git LFS pointer, not the file itself",
            slug="model-file-pointer",
            hint="fetch the file with: git lfs pull",
        )
    if by_content(head) is None and _is_plain_xml(head):
        return Sniffed(FileKind.OTHER, "an XML file")
    if by_content(head) is None and _is_markup(head):
        raise ModelError(
            f"{quoted(path.name)} is an HTML page, not a model: a download that failed",
            slug="model-file-html",
            hint="download the file again, and look at it before you use it",
        )
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _sniff_zip(path)
    if _is_safetensors(head, size):
        return Sniffed(FileKind.SAFETENSORS, FileKind.SAFETENSORS.value)
    if path.suffix.lower() == ".safetensors":
        raise damaged(path, "its header is not that of a safetensors file")
    return _sniff_plain(path, head)


def damaged(path: Path, reason: str) -> ModelError:
    """The error for a truncated or overwritten file."""
    return ModelError(
        f"cannot load {quoted(path.name)}: the file is damaged or incomplete "
        f"({file_size(path.stat().st_size)}; {reason})",
        slug="model-file-damaged",
        hint="copy or download it again, and compare its SHA-256 with the original's",
    )


def refuse_aotinductor(path: Path) -> ModelError:
    """The error for a package of compiled code, which also has the extension ``.pt2``."""
    return ModelError(
        f"{quoted(path.name)} is {FileKind.AOTINDUCTOR}, not {FileKind.PROGRAM}",
        slug="aotinductor",
        details=["it contains compiled code for one kind of machine, which runs when it is loaded"],
        hint="save the original program: "
        'torch.export.save(torch.export.export(model, (images,)), "model.pt2")',
    )


def _read_head(path: Path) -> tuple[bytes, int]:
    """The first bytes, at least one, and the file size in bytes."""
    try:
        if path.is_dir():
            raise refuse_folder(path)
        if not path.exists():
            raise _missing(path)
        if not path.is_file():
            raise OSError("it is not a regular file")
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
        size = path.stat().st_size
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ModelError(
            f"cannot read {quoted(path.name)}: {reason}", slug="model-file-unreadable"
        ) from error
    if not head:
        raise ModelError(
            f"cannot load {quoted(path.name)}: the file is empty",
            slug="model-file-empty",
            hint="copy or download it again",
        )
    return head, size


def _missing(path: Path) -> ModelError:
    known = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    meant = nearest(path.name, known)
    return ModelError(
        f"there is no file {quoted(path.name)}",
        slug="model-file-missing",
        details=[] if known else [f"the folder {quoted(path.parent.name)} is missing or empty"],
        hint=f"did you mean {quoted(meant)}?" if meant else "check the path",
    )


def _is_plain_xml(head: bytes) -> bool:
    """Whether it is XML, but neither a web page nor a server's error message."""
    folded = head.lower()
    is_answer = any(word in folded for word in (b"<html", b"<!doctype", b"<error"))
    return folded.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<?xml") and not is_answer


def _is_markup(head: bytes) -> bool:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    return start.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<error"))


def _is_safetensors(head: bytes, size: int) -> bool:
    length = int.from_bytes(head[:8], "little")
    return 2 <= length <= _SAFETENSORS_HEADER_LIMIT and length + 8 <= size and head[8:9] == b"{"


def _sniff_zip(path: Path) -> Sniffed:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = tuple(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise damaged(path, "zip directory missing") from error
    kind, description = _zip_kind(path, entries)
    return Sniffed(kind, description, entries)


def _zip_kind(path: Path, entries: tuple[str, ...]) -> tuple[FileKind, str]:
    inside = {entry.partition("/")[2] or entry for entry in entries}
    if any("data/aotinductor/" in entry for entry in entries):
        return _name_it(FileKind.AOTINDUCTOR)
    if "serialized_exported_program.json" in entries or any(
        entry.startswith("models/") and entry.endswith(".json") for entry in inside
    ):
        return _name_it(FileKind.PROGRAM)
    if "constants.pkl" in inside or any(entry.startswith("code/") for entry in inside):
        return _name_it(FileKind.TORCHSCRIPT)
    if "data.pkl" in inside:
        return _name_it(FileKind.CHECKPOINT)
    known = by_entries(entries) or by_ending(path)
    return FileKind.OTHER, known or "a zip archive of other files"


def _name_it(kind: FileKind) -> tuple[FileKind, str]:
    return kind, kind.value


def _sniff_plain(path: Path, head: bytes) -> Sniffed:
    known = by_content(head) or by_ending(path)
    if known:
        return Sniffed(FileKind.OTHER, known)
    if head[:1] == b"\x80" and head[1] in range(1, 6):
        return Sniffed(FileKind.OLD_CHECKPOINT, FileKind.OLD_CHECKPOINT.value)
    return Sniffed(FileKind.OTHER, f"of an unknown format (it starts with {head[:16]!r})")
