"""What stands in a ``.pt2`` archive, looked at before any of it is used.

``torch.export.load`` unpickles in full whatever a program calls a custom object, and runs compiled
code that lies beside the program, without being asked. Archives that hold either are refused here.
The listing is that of torch's own reader: two readers of one zip file can be made to differ.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from reportgen.errors import ModelError
from reportgen.inference.models.carried import NO_CLASSES, CarriedClasses, parse_json
from reportgen.inference.models.sniffing import Sniffed, damaged, refuse_aotinductor
from reportgen.text import listing, printable, quoted

__all__ = ["SAVE_HINT", "classes_in", "contains_code", "refuse_code"]

SAVE_HINT = (
    'save it again with: torch.export.save(torch.export.export(model, (images,)), "model.pt2")'
)
_CLASSES_ENTRIES = ("extra/classes.json", "extra_files/classes.json")  # the second: torch < 2.8
_CLASSES_LIMIT = 16 * 1024 * 1024
_UNPICKLED = ("custom_obj_", "opaque_obj_")


def refuse_code(path: Path) -> None:
    """Raise :class:`ModelError` where torch would run code from the file in order to load it.

    ``model-contains-code`` for custom objects, ``aotinductor`` for compiled code,
    ``model-file-damaged`` where two entries answer to one name.
    """
    try:
        reader = torch._C.PyTorchFileReader(str(path))
        records = reader.get_all_records()
    except RuntimeError:
        return  # the flat layout of torch 2.6 and 2.7, which has no custom objects
    if len({record.casefold() for record in records}) != len(records):
        raise damaged(path, "two entries have the same name")
    for record in records:
        folded = record.casefold()
        if folded.startswith("data/aotinductor/"):
            raise refuse_aotinductor(path)
        if folded.startswith("data/constants/") and folded.endswith("_config.json"):
            objects = list(_custom_objects(_json_of(path, record, reader.get_record(record))))
            if objects:
                raise contains_code(path, objects)


def classes_in(path: Path, sniffed: Sniffed, *, lenient: bool) -> CarriedClasses:
    """The class list ``classes.json`` among the program's extra files; see `carried_classes`."""
    wanted = {sniffed.root + _CLASSES_ENTRIES[0], _CLASSES_ENTRIES[1]}
    for entry in sniffed.entries:
        if entry in wanted:
            source = f"classes.json in {printable(path.name)}"
            return parse_json(_read(path, entry), source, lenient=lenient)
    return NO_CLASSES


def contains_code(path: Path, names: Sequence[str]) -> ModelError:
    """The error for a program whose file holds more than data."""
    return ModelError(
        f"{quoted(path.name)} contains code ({listing(dict.fromkeys(names))})",
        slug="model-contains-code",
        details=["objects other than tensors would be unpickled, which can run any code"],
        hint=f"export a model without custom objects, and {SAVE_HINT}",
    )


def _custom_objects(config: Any) -> Iterator[str]:
    """The files of a program's constants that are no tensors, by the names that decide."""
    items = config.get("config") if isinstance(config, dict) else None
    for item in items.values() if isinstance(items, dict) else ():
        stored = item.get("path_name") if isinstance(item, dict) else None
        if isinstance(stored, str) and stored.startswith(_UNPICKLED):
            yield stored


def _json_of(path: Path, entry: str, content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"{printable(entry)} is not JSON") from error


def _read(path: Path, entry: str) -> bytes:
    """A small entry's bytes, whatever size the directory claims."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(entry) as stream:
            content = stream.read(_CLASSES_LIMIT + 1)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise damaged(path, f"{printable(entry)} cannot be read") from error
    if len(content) > _CLASSES_LIMIT:
        raise damaged(path, f"{printable(entry)} is longer than {_CLASSES_LIMIT:,} bytes")
    return content
