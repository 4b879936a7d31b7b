"""What a command asks for, as one hash: told from files and names, before anything is loaded."""

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
from reportgen.inference.folders.listed import ListedImages, open_data, scan_listed
from reportgen.inference.folders.scan import scan
from reportgen.options import Options, Shard
from reportgen.predictions import table_digest

__all__ = [
    "asked_of",
]


_LIBRARIES = ("torch", "torchvision", "numpy", "pillow", "pyarrow")


_BUILT_IN = ("torchvision:", "timm:")


def asked_of(spec: str, root: Path, options: Options, shard: Shard, *, unlabelled: bool) -> str:
    """SHA-256 (hexadecimal) over all that the rows of a shard follow from.

    "" where that can't be told without loading the model: where it is a package's.

    Parameters
    ----------
    spec, root
        MODEL and DATA.
    unlabelled
        Whether images without labels are welcome.
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
    data = open_data(root, options, unlabelled=unlabelled)
    if isinstance(data, ListedImages):
        found = scan_listed(data)
        if data.columns is not None:
            whole.update(table_digest(data.columns).encode())
    else:
        found = scan(root) if data is None else data
    for file in found.every:
        whole.update(f"{file.id}\0{file.folder}\n".encode())
    return whole.hexdigest()


def _model_files(spec: str) -> list[Path] | None:
    """The files that a model is made of; None where they can't be told."""
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
    """Option → its value, with the content of a file that it names."""
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
