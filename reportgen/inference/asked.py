"""A hash of what a command requests, computed from files and names before anything is loaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from reportgen import __version__
from reportgen.files import sha256_of
from reportgen.inference.adapters.onnx_files import external_files
from reportgen.inference.adapters.records import adapter_of
from reportgen.inference.folders.found import FoundData
from reportgen.options import Options, Shard
from reportgen.predictions import table_digest

__all__ = [
    "asked_of",
]


_LIBRARIES = ("torch", "torchvision", "numpy", "pillow", "pyarrow")


_BUILT_IN = ("torchvision:", "timm:")


def asked_of(spec: str, data: FoundData, options: Options, shard: Shard) -> str:
    """SHA-256 (hexadecimal) over everything that determines the rows of a shard.

    "" if that can't be computed without loading the model, as for a model from a package.
    """
    model = _model_files(spec)
    if model is None:
        return ""
    whole = hashlib.sha256()
    asked = {
        "shard": str(shard),
        "model": [spec.rpartition("/")[2], *(sha256_of(path) for path in model)],
        "options": dict(_values(options)),
        "versions": dict(_versions(spec)),
    }
    whole.update(json.dumps(asked, sort_keys=True).encode())
    for name, label in _samples(data):
        whole.update(f"{name}\0{label}\n".encode())
    if data.listed is not None and data.listed.columns is not None:
        whole.update(table_digest(data.listed.columns).encode())
    return whole.hexdigest()


def _samples(data: FoundData) -> Iterator[tuple[str, str]]:
    """(id, label or folder) of each sample, in the order of the data."""
    if data.listed is not None:
        yield from zip(data.listed.ids, data.listed.labels, strict=True)
    elif data.scanned is not None:
        yield from ((file.id, file.folder) for file in data.scanned.every)


def _model_files(spec: str) -> list[Path] | None:
    """The files of a model; None if they are unknown."""
    if spec.startswith(_BUILT_IN):
        return []
    path = Path(spec)
    if path.is_dir():
        return sorted(one for one in path.rglob("*") if one.is_file())
    if not path.is_file():
        file, colon, _ = spec.rpartition(":")
        return [Path(file)] if colon and file.endswith(".py") and Path(file).is_file() else None
    adapter = adapter_of(spec)
    if adapter is None or adapter.needs_torch:
        return [path]
    try:
        beside = [path.parent / name for name in external_files(path)]
    except ValueError:
        return None
    return [path, *beside] if all(one.is_file() for one in beside) else None


def _values(options: Options) -> Iterator[tuple[str, Any]]:
    """Option → its value; for an option that names a file, the hash of its content."""
    for item in fields(options):
        if not item.metadata.get("shapes", True):
            continue
        value = getattr(options, item.name)
        if item.name == "device":
            value = value.partition(":")[0]
        path = Path(value.rpartition(":")[0]) if item.name == "transform" and value else value
        if isinstance(path, Path):
            value = [Path(value).name, sha256_of(path) if path.is_file() else ""]
        yield item.name, value


def _versions(spec: str) -> Iterator[tuple[str, str]]:
    adapter = adapter_of(spec)
    yield "reportgen", __version__
    for name in (*_LIBRARIES, *((adapter.library,) if adapter else ())):
        try:
            yield name, version(name)
        except PackageNotFoundError:
            yield name, ""
